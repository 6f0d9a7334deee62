// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/card_journal.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_fixture.hpp"
#include "telemetry/core/checksum.hpp"

using namespace telemetry::core;
using telemetry::test::card_id;
using telemetry::test::CardDevice;
using telemetry::test::read_text;
using telemetry::test::sector_of_area;
using telemetry::test::segment_sectors;
using Fixture = telemetry::test::CardFixture;

TEST_CASE("a new card's journal is empty and counts from 1") {
  Fixture f;
  CHECK(f.journal().last_sequence() == 0);
  CHECK(f.journal().synced_sequence() == 0);
  CHECK(f.journal().cursor() == 0);
  CHECK(read_text(f.journal(), 1) == "status 1");
  std::uint64_t bytes = 0;
  CHECK(f.journal().bytes_free(bytes) == CardStatus::ok);
  CHECK(bytes == 16 * (segment_sectors * 512 - 64));
}

TEST_CASE("what was synced is read back in order, also after a restart") {
  Fixture f;
  for (int i = 1; i <= 100; ++i) {
    REQUIRE(f.append("payload " + std::to_string(i)) == CardStatus::ok);
    CHECK(f.journal().last_sequence() == static_cast<std::uint64_t>(i));
    if (i % 7 == 0) REQUIRE(f.journal().sync() == CardStatus::ok);
  }
  CHECK(f.journal().synced_sequence() == 98);
  CHECK(read_text(f.journal(), 99) == "status 1");
  REQUIRE(f.journal().sync() == CardStatus::ok);
  for (int round = 0; round < 2; ++round) {
    for (int i = 1; i <= 100; ++i) {
      const auto sequence = static_cast<std::uint64_t>(i);
      CHECK(read_text(f.journal(), sequence) ==
            std::to_string(i) + " payload " + std::to_string(i));
    }
    CHECK(read_text(f.journal(), 101) == "status 1");
    CHECK(read_text(f.journal(), 50) == "50 payload 50");
    CHECK(read_text(f.journal(), 3) == "3 payload 3");
    CHECK(f.journal().counters().missing == 0);
    CHECK(f.journal().counters().damaged == 0);
    f.reopen();
    CHECK(f.journal().synced_sequence() == 100);
  }
}

TEST_CASE("a message keeps its header, topic and payload") {
  Fixture f;
  const FrameHeader header{.sequence = 77,
                           .received_at = -5,
                           .time = INT64_MAX,
                           .schema_id = 0xFEED,
                           .reference = 42,
                           .flags = 1 | frame_flag::has_reference | frame_flag::retained};
  REQUIRE(f.journal().append(header, "topic", "payload") == CardStatus::ok);
  REQUIRE(f.journal().append({}, "", "") == CardStatus::ok);
  REQUIRE(f.journal().sync() == CardStatus::ok);
  std::vector<std::uint8_t> buffer(12);
  FrameView view;
  REQUIRE(f.journal().read(1, buffer, view) == CardStatus::ok);
  CHECK(view.header.sequence == 1);
  CHECK(view.header.received_at == -5);
  CHECK(view.header.time == INT64_MAX);
  CHECK(view.header.schema_id == 0xFEED);
  CHECK(view.header.reference == 42);
  CHECK(view.header.flags == header.flags);
  CHECK(view.header.kind == FrameKind::message);
  CHECK(view.topic == "topic");
  CHECK(view.payload == "payload");
  REQUIRE(f.journal().read(2, {}, view) == CardStatus::ok);
  CHECK(view.topic.empty());
  CHECK(view.payload.empty());
}

TEST_CASE("messages of every size up to the largest are kept, a larger one is refused") {
  Fixture f;
  const std::size_t largest = card_message_bytes_max - 3;  // topic a/b
  std::vector<std::size_t> sizes;
  for (std::size_t bytes = 0; bytes < 1100; bytes += 13) sizes.push_back(bytes);
  sizes.insert(sizes.end(), {largest - 1, largest});
  std::uint64_t sequence = 0;
  for (const std::size_t bytes : sizes) {
    const std::string payload(bytes, static_cast<char>('a' + bytes % 26));
    CAPTURE(bytes);
    f.keep(payload);
    ++sequence;
    CHECK(read_text(f.journal(), sequence) == std::to_string(sequence) + " " + payload);
    REQUIRE(f.journal().set_cursor(sequence) == CardStatus::ok);
  }
  CHECK(f.append(std::string(largest + 1, 'x')) == CardStatus::too_large);
  f.keep("after");
  CHECK(read_text(f.reopen(), sequence + 1) == std::to_string(sequence + 1) + " after");
}

TEST_CASE("a message that is larger than the reader's buffer stays and can be skipped") {
  Fixture f;
  f.keep(std::string(700, 'x'));
  f.keep("small");
  CHECK(read_text(f.journal(), 1, 100) == "status 3");
  CHECK(read_text(f.journal(), 1, 702) == "status 3");
  CHECK(read_text(f.journal(), 1, 703) == "1 " + std::string(700, 'x'));
  CHECK(read_text(f.journal(), 1, 100) == "status 3");
  CHECK(read_text(f.journal(), 2, 100) == "2 small");
}

TEST_CASE("a sync ends on a sector's end and writes no sector twice") {
  Fixture f;
  std::vector<std::uint64_t> written;
  for (int i = 0; i < 40; ++i) {
    const std::uint64_t before = f.device.writes;
    f.keep(std::string(static_cast<std::size_t>(i) * 11, 'x'));
    written.push_back(f.device.writes - before);
    REQUIRE(f.journal().sync() == CardStatus::ok);  // nothing new: nothing written
    CHECK(f.device.writes - before == written.back());
    REQUIRE(f.journal().set_cursor(static_cast<std::uint64_t>(i)) == CardStatus::ok);
  }
  CHECK(written.front() == 1);
  CHECK(*std::max_element(written.begin(), written.end()) == 2);
}

TEST_CASE("a full card refuses until the cursor has passed a segment") {
  Fixture f(CardPolicy::reject, 4);
  const std::string payload(1000, 'x');
  std::uint64_t count = 0;
  CardStatus status = CardStatus::ok;
  while ((status = f.append(payload)) == CardStatus::ok) ++count;
  CHECK(status == CardStatus::full);
  CHECK(count == 12);  // three in each segment
  CHECK(f.append(payload) == CardStatus::full);
  CHECK(f.journal().synced_sequence() == count);
  std::uint64_t bytes = 1;
  CHECK(f.journal().bytes_free(bytes) == CardStatus::ok);
  CHECK(bytes < 1000);
  REQUIRE(f.journal().set_cursor(2) == CardStatus::ok);
  CHECK(f.append(payload) == CardStatus::full);
  REQUIRE(f.journal().set_cursor(3) == CardStatus::ok);
  CHECK(f.append(payload) == CardStatus::ok);
  REQUIRE(f.journal().sync() == CardStatus::ok);
  CHECK(read_text(f.journal(), 4) == "4 " + payload);
  CHECK(read_text(f.journal(), 1) == "4 " + payload);
  CHECK(read_text(f.reopen(), 13) == "13 " + payload);
  CHECK(f.journal().counters().dropped == 0);
}

TEST_CASE("with drop_oldest the oldest segment makes room and its messages are counted") {
  Fixture f(CardPolicy::drop_oldest, 4);
  const std::string payload(1000, 'x');
  for (int i = 0; i < 8; ++i) f.keep(payload);  // two in each segment
  CHECK(read_text(f.journal(), 1) == "1 " + payload);
  REQUIRE(f.journal().set_cursor(1) == CardStatus::ok);
  f.keep(payload);
  CHECK(f.journal().counters().dropped == 1);
  CHECK(read_text(f.journal(), 2) == "3 " + payload);
  CHECK(f.journal().counters().missing == 0);
  for (int i = 0; i < 100; ++i) f.keep(payload);
  CHECK(f.journal().counters().dropped == 101);
  CHECK(read_text(f.reopen(), 1) == "103 " + payload);
  CHECK(f.journal().synced_sequence() == 109);
}

TEST_CASE("the cursor outlives a restart, never goes back and never passes what is synced") {
  Fixture f;
  for (int i = 0; i < 10; ++i) f.keep("x");
  CHECK(f.journal().set_cursor(4) == CardStatus::ok);
  CHECK(f.reopen().cursor() == 4);
  CHECK(f.journal().set_cursor(7) == CardStatus::ok);
  CHECK(f.journal().set_cursor(3) == CardStatus::ok);
  CHECK(f.journal().cursor() == 7);
  CHECK(f.journal().set_cursor(11) == CardStatus::invalid);
  CHECK(f.append("unsynced") == CardStatus::ok);
  CHECK(f.journal().set_cursor(11) == CardStatus::invalid);
  CHECK(f.reopen().cursor() == 7);
}

TEST_CASE("a torn cursor leaves the one before it") {
  for (const auto torn : {CardDevice::Torn::half, CardDevice::Torn::garbage,
                          CardDevice::Torn::unreadable, CardDevice::Torn::nothing}) {
    Fixture f;
    for (int i = 0; i < 10; ++i) f.keep("x");
    for (std::uint64_t cursor = 1; cursor < 9; ++cursor) {
      REQUIRE(f.journal().set_cursor(cursor) == CardStatus::ok);
    }
    f.device.torn = torn;
    f.device.cut_at = f.device.writes + 1;
    CHECK(f.journal().set_cursor(9) == CardStatus::io_error);
    f.device.restart();
    // The first half of the sector holds all of it.
    CHECK(f.reopen().cursor() == (torn == CardDevice::Torn::half ? 9 : 8));
    CHECK(f.journal().set_cursor(9) == CardStatus::ok);
    CHECK(f.journal().set_cursor(10) == CardStatus::ok);
    CHECK(f.reopen().cursor() == 10);
  }
}

TEST_CASE("numbers go on above a cursor whose messages are gone") {
  Fixture f;
  for (int i = 0; i < 10; ++i) f.keep("x");
  REQUIRE(f.journal().set_cursor(10) == CardStatus::ok);
  for (std::uint32_t area = 0; area < 16; ++area) {
    std::memset(f.device.at(sector_of_area(area)), 0, segment_sectors * 512);
  }
  CHECK(f.reopen().synced_sequence() == 10);
  CHECK(read_text(f.journal(), 1) == "status 1");
  f.keep("next");
  CHECK(read_text(f.journal(), 1) == "11 next");
  CHECK(read_text(f.reopen(), 1) == "11 next");
}

TEST_CASE("blank, foreign, damaged and newer cards are told apart and not touched") {
  Fixture f;
  f.keep("x");
  const std::uint32_t last = f.device.sectors() - 1;
  const std::uint64_t writes = f.device.writes;
  const auto status = [&] { return f.restart().open(); };
  CHECK(status() == CardStatus::ok);

  SECTION("no card") {
    f.device.away = true;
    CHECK(status() == CardStatus::io_error);
    CHECK(f.append("x") == CardStatus::not_open);
    CHECK(f.journal().sync() == CardStatus::not_open);
    CHECK(f.journal().set_cursor(1) == CardStatus::not_open);
    CHECK(read_text(f.journal(), 1) == "status 5");
  }
  SECTION("blank") {
    std::memset(f.device.at(0), 0, 512);
    CHECK(status() == CardStatus::blank);
    std::memset(f.device.at(0), 0xFF, 512);
    CHECK(status() == CardStatus::blank);
  }
  SECTION("a file system, even if the copy of our superblock is still there") {
    std::memset(f.device.at(0), 0, 512);
    f.device.at(0)[510] = 0x55;
    f.device.at(0)[511] = 0xAA;
    CHECK(status() == CardStatus::foreign);
  }
  SECTION("a damaged superblock is replaced by its copy") {
    f.device.at(0)[20] ^= 1;
    CHECK(status() == CardStatus::ok);
    CHECK(read_text(f.journal(), 1) == "1 x");
    f.device.unreadable.insert(0);
    CHECK(status() == CardStatus::ok);
    CHECK(read_text(f.journal(), 1) == "1 x");
    f.device.at(last)[20] ^= 1;
    CHECK(status() == CardStatus::damaged);
    f.device.unreadable.insert(last);
    CHECK(status() == CardStatus::io_error);
  }
  SECTION("a newer version") {
    for (const std::size_t field : {std::size_t{8}, std::size_t{10}}) {
      std::uint8_t* at = f.device.at(0);
      at[field] ^= 2;
      const std::uint32_t sum = crc32c({at, 60});
      std::memcpy(at + 60, &sum, 4);
      CHECK(status() == CardStatus::unsupported);
      at[field] ^= 2;
    }
  }
  SECTION("sizes that cannot be, with a good checksum") {
    std::uint8_t* at = f.device.at(0);
    for (const std::size_t field : {std::size_t{32}, std::size_t{36}, std::size_t{40}}) {
      for (const std::uint32_t value : {0u, 1u, 0x8000'0000u, UINT32_MAX}) {
        std::uint8_t kept[64];
        std::memcpy(kept, at, sizeof(kept));
        std::memcpy(at + field, &value, 4);
        const std::uint32_t sum = crc32c({at, 60});
        std::memcpy(at + 60, &sum, 4);
        std::memset(f.device.at(last), 0, 512);
        CAPTURE(field, value);
        CHECK(status() == CardStatus::damaged);
        std::memcpy(at, kept, sizeof(kept));
      }
    }
  }
  CHECK(f.device.writes == writes);
}

TEST_CASE("formatting needs room for two segments of a sensible size") {
  CardDevice device(card_first_sector + 2 * 8 + 1);
  CardJournal journal(device);
  CHECK(journal.format(card_id(), 7) == CardStatus::invalid);
  CHECK(journal.format(card_id(), 0) == CardStatus::invalid);
  CHECK(journal.format(card_id(), 9) == CardStatus::invalid);
  CHECK(journal.format(card_id()) == CardStatus::invalid);
  CHECK(journal.open() == CardStatus::blank);
  CHECK(journal.format(card_id(), 8) == CardStatus::ok);
  CHECK(journal.layout().segments == 0);
  CHECK(journal.open() == CardStatus::ok);
  CHECK(journal.layout().segments == 2);
  CardDevice none(0);
  CHECK(CardJournal(none).format(card_id(), 8) == CardStatus::invalid);
  CHECK(CardJournal(none).open() == CardStatus::io_error);
}

TEST_CASE("a card that is formatted again is empty, even under the same id") {
  Fixture f;
  for (int i = 0; i < 60; ++i) f.keep("old");
  for (const std::uint8_t id : {std::uint8_t{0xA0}, std::uint8_t{0x10}}) {
    REQUIRE(f.restart().format(card_id(id), segment_sectors) == CardStatus::ok);
    REQUIRE(f.journal().open() == CardStatus::ok);
    CHECK(f.journal().layout().generation == (id == 0xA0 ? 2 : 3));
    CHECK(f.journal().synced_sequence() == 0);
    f.keep("new");
    CHECK(read_text(f.journal(), 1) == "1 new");
    CHECK(read_text(f.journal(), 2) == "status 1");
    CHECK(read_text(f.reopen(), 1) == "1 new");
    CHECK(f.journal().synced_sequence() == 1);
  }
}

TEST_CASE("another card in the slot is noticed") {
  Fixture f;
  f.keep("x");
  Fixture other;
  REQUIRE(other.restart().format(card_id(1), segment_sectors) == CardStatus::ok);
  std::swap(f.device, other.device);
  CHECK(f.journal().open() == CardStatus::other_card);
  CHECK_FALSE(f.journal().is_open());
  std::swap(f.device, other.device);
  CHECK(f.journal().open() == CardStatus::ok);
  CHECK(read_text(f.journal(), 1) == "1 x");
}

TEST_CASE("the newest segment is found wherever it lies, in a few reads") {
  Fixture f(CardPolicy::drop_oldest, 200);
  for (int boot = 1; boot <= 700; ++boot) {
    f.keep("boot " + std::to_string(boot));
    f.device.reads = 0;
    f.reopen();
    CAPTURE(boot);
    REQUIRE(f.journal().synced_sequence() == static_cast<std::uint64_t>(boot));
    CHECK(f.device.reads < 8 * 4 + segment_sectors + 8);
  }
  CHECK(read_text(f.journal(), 1) == "501 boot 501");
}

TEST_CASE("opening a 32 GB card reads some 150 sectors") {
  // The image is sparse: segments are headers only, made as the journal makes them.
  struct Sparse {
    bool read(std::uint32_t sector, std::span<std::uint8_t, 512> out) {
      ++reads;
      const auto found = written.find(sector);
      std::fill(out.begin(), out.end(), std::uint8_t{0});
      if (found != written.end())
        std::copy(found->second.begin(), found->second.end(), out.begin());
      return true;
    }
    bool write(std::uint32_t sector, std::span<const std::uint8_t, 512> in) {
      std::copy(in.begin(), in.end(), written[sector].begin());
      return true;
    }
    std::uint32_t sectors() const { return 62'500'000; }
    std::map<std::uint32_t, std::array<std::uint8_t, 512>> written;
    std::uint64_t reads = 0;
  } device;
  CardJournal journal(device);
  REQUIRE(journal.format(card_id()) == CardStatus::ok);
  REQUIRE(journal.open() == CardStatus::ok);
  CHECK(journal.layout().segments == 488'281);
  // One message a segment.
  const std::string payload(40'000, 'x');
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(journal.append({}, "t", payload) == CardStatus::ok);
  }
  REQUIRE(journal.sync() == CardStatus::ok);
  device.reads = 0;
  REQUIRE(journal.open() == CardStatus::ok);
  CHECK(journal.synced_sequence() == 1000);
  CHECK(device.reads < 230);  // up to four a step while segments lie bare
}

TEST_CASE("a superblock reads back as written and every flipped bit is noticed") {
  const CardLayout layout{.journal_id = card_id(),
                          .generation = 7,
                          .sectors_per_segment = 128,
                          .segments = 1000,
                          .first_sector = 8};
  std::array<std::uint8_t, 512> sector{};
  encode_superblock(layout, sector);
  CardLayout read;
  REQUIRE(decode_superblock(sector, read) == CardStatus::ok);
  CHECK(read.journal_id == layout.journal_id);
  CHECK(read.generation == 7);
  CHECK(read.sectors_per_segment == 128);
  CHECK(read.segments == 1000);
  CHECK(read.first_sector == 8);
  for (std::size_t bit = 0; bit < 64 * 8; ++bit) {
    sector[bit / 8] = static_cast<std::uint8_t>(sector[bit / 8] ^ (1u << (bit % 8)));
    CAPTURE(bit);
    CHECK(decode_superblock(sector, read) != CardStatus::ok);
    sector[bit / 8] = static_cast<std::uint8_t>(sector[bit / 8] ^ (1u << (bit % 8)));
  }
}
