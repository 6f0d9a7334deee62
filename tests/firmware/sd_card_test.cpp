// SPDX-License-Identifier: Apache-2.0
#include "drivers/sd_card.hpp"

#include "catch.hpp"

#include "firmware/fake_sd_card.hpp"

using drivers::SdStatus;

namespace {

struct FakeSpi {
  FakeSdCard* card;
  std::uint8_t transfer(std::uint8_t byte) { return card->transfer(byte); }
  void select(bool on) { card->select(on); }
  void slow() { card->is_fast = false; }
  void fast() { card->is_fast = true; }
};
using Driver = drivers::SdCard<FakeSpi>;

/// Capacity: (units + 1) * 512 KiB.
FakeSdCard sdhc(std::uint32_t units) {
  FakeSdCard card;
  card.csd[0] = 0x40;
  card.csd[5] = 0x59;
  card.csd[7] = static_cast<std::uint8_t>(units >> 16);
  card.csd[8] = static_cast<std::uint8_t>(units >> 8);
  card.csd[9] = static_cast<std::uint8_t>(units);
  return card;
}

/// Capacity: (units + 1) * 2^(factor + 2) blocks of 2^block_bits bytes.
FakeSdCard sdsc(unsigned units, unsigned factor, unsigned block_bits) {
  FakeSdCard card;
  card.high_capacity = false;
  card.csd[5] = static_cast<std::uint8_t>(0x50 | block_bits);
  card.csd[6] = static_cast<std::uint8_t>(units >> 10);
  card.csd[7] = static_cast<std::uint8_t>(units >> 2);
  card.csd[8] = static_cast<std::uint8_t>(units << 6);
  card.csd[9] = static_cast<std::uint8_t>(factor >> 1);
  card.csd[10] = static_cast<std::uint8_t>(factor << 7);
  return card;
}

FakeSdCard::Sector pattern(unsigned seed) {
  FakeSdCard::Sector bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(seed + i * 13 + i / 256);
  }
  return bytes;
}

void check_sectors(FakeSdCard card, std::uint32_t sectors) {
  Driver driver(FakeSpi{&card});
  CHECK(driver.sectors() == 0);
  REQUIRE(driver.open() == SdStatus::ok);
  CHECK(driver.sectors() == sectors);
  CHECK_FALSE(card.fast_while_idle);
  CHECK(card.is_fast);
  for (const std::uint32_t sector : {0u, 1u, sectors - 1}) {
    CHECK(driver.write(sector, pattern(sector)));
  }
  CHECK(card.sectors.size() == 3);
  for (const std::uint32_t sector : {sectors - 1, 1u, 0u}) {
    CHECK(card.sectors[sector] == pattern(sector));
    FakeSdCard::Sector read{};
    CHECK(driver.read(sector, read));
    CHECK(read == pattern(sector));
  }
  const std::size_t commands = card.commands.size();
  FakeSdCard::Sector bytes{};
  CHECK_FALSE(driver.read(sectors, bytes));
  CHECK_FALSE(driver.write(sectors, bytes));
  CHECK(card.commands.size() == commands);
}

void check_status(FakeSdCard card, SdStatus status) {
  Driver driver(FakeSpi{&card});
  CHECK(driver.open() == status);
  CHECK(driver.sectors() == 0);
}

}  // namespace

TEST_CASE("cards of every kind open with their size and keep what is written") {
  SECTION("4 GB") { check_sectors(sdhc(8191), 8'388'608); }
  SECTION("1 TB") { check_sectors(sdhc(0x1F'FFFF), 0x8000'0000u); }
  SECTION("4 MB") { check_sectors(sdsc(2047, 0, 9), 8192); }
  SECTION("2 GB in blocks of 1,024 bytes") { check_sectors(sdsc(4095, 7, 10), 4'194'304); }
  SECTION("one that does not know CMD8") {
    FakeSdCard card = sdsc(2047, 0, 9);
    card.version_2 = false;
    check_sectors(card, 8192);
  }
}

TEST_CASE("a slow card is waited for") {
  FakeSdCard card = sdhc(0);
  card.tries_until_ready = 2000;
  card.response_delay = 8;
  card.read_delay = 100'000;
  card.busy_bytes = 400'000;
  check_sectors(card, 1024);
}

TEST_CASE("a card that cannot be used says why") {
  FakeSdCard card = sdhc(0);
  SECTION("none") {
    card.present = false;
    check_status(card, SdStatus::no_card);
  }
  SECTION("of another voltage") {
    card.right_voltage = false;
    check_status(card, SdStatus::unsupported);
  }
  SECTION("an MMC") {
    card.version_2 = card.knows_acmd41 = false;
    check_status(card, SdStatus::unsupported);
  }
  SECTION("never ready") {
    card.tries_until_ready = 1'000'000;
    check_status(card, SdStatus::timeout);
  }
  SECTION("its size cannot be read") {
    card.refused_command = 9;
    check_status(card, SdStatus::refused);
  }
  SECTION("its block length cannot be set") {
    card = sdsc(2047, 0, 9);
    card.refused_command = 16;
    check_status(card, SdStatus::refused);
  }
}

TEST_CASE("what a card refuses or loses is an error, and the next call works") {
  FakeSdCard card = sdhc(0);
  Driver driver(FakeSpi{&card});
  REQUIRE(driver.open() == SdStatus::ok);
  REQUIRE(driver.write(7, pattern(1)));
  FakeSdCard::Sector bytes{};

  SECTION("a block that came with a wrong checksum") {
    card.data_response = 0xEB;
    CHECK_FALSE(driver.write(7, pattern(2)));
    card.data_response = 0xE5;
  }
  SECTION("a block that cannot be written") {
    card.data_response = 0xED;
    CHECK_FALSE(driver.write(7, pattern(2)));
    card.data_response = 0xE5;
  }
  SECTION("an error while it programs") {
    card.status = 0x04;
    CHECK_FALSE(driver.write(7, pattern(1)));
    card.status = 0;
  }
  SECTION("busy for too long") {
    card.busy_bytes = 700'000;
    CHECK_FALSE(driver.write(7, pattern(1)));
    card.busy_bytes = 50;
  }
  SECTION("an error token in place of a block") {
    card.read_token = 0x08;
    CHECK_FALSE(driver.read(7, bytes));
    card.read_token = 0xFE;
  }
  SECTION("a block that never comes") {
    card.read_delay = 700'000;
    CHECK_FALSE(driver.read(7, bytes));
    card.read_delay = 20;
  }
  CHECK(driver.read(7, bytes));
  CHECK(bytes == pattern(1));
  CHECK(driver.write(7, pattern(3)));
  CHECK(card.sectors[7] == pattern(3));
}

TEST_CASE("a card that was pulled out opens again") {
  FakeSdCard card = sdhc(0);
  Driver driver(FakeSpi{&card});
  REQUIRE(driver.open() == SdStatus::ok);
  card.present = false;
  FakeSdCard::Sector bytes{};
  CHECK_FALSE(driver.read(0, bytes));
  CHECK_FALSE(driver.write(0, bytes));
  CHECK(driver.open() == SdStatus::no_card);
  CHECK(driver.sectors() == 0);
  card.present = true;
  CHECK(driver.open() == SdStatus::ok);
  CHECK(driver.write(0, pattern(9)));
}
