// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <algorithm>
#include <string>

#include "ingest/sequence_state.hpp"
#include "ingest/snapshot_text.hpp"
#include "telemetry/message.hpp"

using namespace telemetry;

namespace {

SequenceState::Offer message(std::string_view topic, std::int64_t number, std::uint64_t hash) {
  SequenceState::Offer offer;
  offer.topic = topic;
  offer.topic_hash = hash64(topic);
  offer.payload_hash = hash;
  offer.number = number;
  offer.numbered = true;
  return offer;
}

std::string from_hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    bytes.push_back(static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1])));
    ++i;
  }
  return bytes;
}

// docs/formats/sequence_snapshot_v2.md explains these bytes.
const std::string golden = from_hex(
    "54534551 0200 0000 02000000 "
    // device "d" with number 1
    "01 01 0100 0000000000000000 64 "
    "0100000000000000 01000000 00 000000 0900000000000000 "
    // topic "a": numbers 5 and 7; late, -1000
    "00 02 0100 0300000000000000 61 "
    "0700000000000000 03000000 00 000000 "
    "0100000000000000 0000000000000000 0200000000000000 "
    "18fcffffffffffff 01000000 01 000000 0300000000000000 "
    // the newest that may come again: "a" 7
    "01000000 0cb4b3a2d75ae6c2");
constexpr std::size_t first_entry = 12;
constexpr std::size_t first_run = first_entry + 12 + 1;

}  // namespace

TEST_CASE("a sequence snapshot has the bytes that the format page shows") {
  SequenceState state({.devices_max = 2});
  auto device = message("t/d", 1, 9);
  device.device = "d";
  device.device_hash = hash64("d");
  (void)state.offer(device);
  (void)state.offer(message("a", 5, 1));  // pushes topic t/d out
  auto repeated = message("a", 7, 2);
  repeated.may_come_again = true;
  (void)state.offer(repeated);
  (void)state.offer(message("a", -1000, 3));
  CHECK(text_of(state.snapshot()) == golden);
}

TEST_CASE("a sequence snapshot is read back whole") {
  SequenceState loaded({});
  REQUIRE(loaded.load(golden));
  CHECK(text_of(loaded.snapshot()) == golden);
  CHECK(loaded.entries() == 2);
  CHECK(loaded.offer(message("a", 7, 2)).outcome == SequenceState::Outcome::duplicate);
  CHECK(loaded.offer(message("a", -1000, 3)).outcome == SequenceState::Outcome::duplicate);
}

TEST_CASE("a snapshot of version 1 is read, and knows no newest messages") {
  std::string old = golden.substr(0, golden.size() - 12);
  old[4] = 1;
  SequenceState loaded({});
  REQUIRE(loaded.load(old));
  CHECK(loaded.entries() == 2);
  CHECK(loaded.offer(message("a", 7, 2)).outcome == SequenceState::Outcome::duplicate);
  CHECK_FALSE(loaded.load(old + "xxxx"));
}

TEST_CASE("what follows a loaded snapshot is judged as by the state that wrote it") {
  SequenceState state({.window = 200});
  for (int i = 0; i < 500; ++i) {
    (void)state.offer(
        message("t/" + std::to_string(i % 7), i * i % 97, 1u + static_cast<unsigned>(i) % 11));
    state.close_group(static_cast<std::uint64_t>(i));
  }
  state.settle(1000);
  const std::string bytes = text_of(state.roll());
  SequenceState loaded({.window = 200});
  REQUIRE(loaded.load(bytes));
  CHECK(text_of(loaded.snapshot()) == bytes);
  for (int i = 0; i < 500; ++i) {
    const std::string topic = "t/" + std::to_string(i % 8);
    const auto offer = message(topic, i * 7 % 300, 1u + static_cast<unsigned>(i) % 5);
    const auto expected = state.offer(offer);
    const auto got = loaded.offer(offer);
    REQUIRE(got.outcome == expected.outcome);
    REQUIRE(got.flags == expected.flags);
  }
  CHECK(text_of(loaded.snapshot()) == text_of(state.snapshot()));
  CHECK(text_of(loaded.roll()) == text_of(state.roll()));
}

TEST_CASE("a large snapshot is made piece by piece") {
  SequenceState state({});
  for (int device = 0; device < 200; ++device) {
    for (int i = 0; i < 1'024; ++i) {
      (void)state.offer(message("device/" + std::to_string(device), i, 7));
    }
  }
  state.close_group(1);
  state.settle(1);
  const Snapshot snapshot = state.snapshot();
  REQUIRE(snapshot.bytes > 1'000'000);
  std::size_t largest = 0;
  snapshot.write([&](std::string_view piece) { largest = std::max(largest, piece.size()); });
  CHECK(largest < 100'000);
  SequenceState loaded({});
  REQUIRE(loaded.load(text_of(snapshot)));
  CHECK(text_of(loaded.snapshot()) == text_of(snapshot));
}

TEST_CASE("a snapshot stays within its bytes: old entries keep one number, the oldest go") {
  const std::size_t bytes_max = GENERATE(std::size_t{4'096}, std::size_t{8'192});
  SequenceState state({.recent_max = 1, .snapshot_bytes_max = bytes_max});
  for (int device = 0; device < 100; ++device) {
    for (int i = 0; i < 64; ++i) {
      (void)state.offer(message("device/" + std::to_string(device), i, 7));
    }
  }
  state.close_group(1);
  state.settle(1);
  CHECK(text_of(state.roll()).size() <= bytes_max);
  const auto outcome = [&](const char* device, int number) {
    return state.offer(message(device, number, 7)).outcome;
  };
  using Outcome = SequenceState::Outcome;
  CHECK(outcome("device/60", 63) == Outcome::duplicate);
  CHECK(outcome("device/60", 0) == Outcome::store);
  if (bytes_max == 4'096) {
    CHECK(state.entries() < 100);
    CHECK(outcome("device/0", 63) == Outcome::store);
  } else {
    CHECK(state.entries() == 100);
    CHECK(outcome("device/0", 63) == Outcome::duplicate);
    CHECK(outcome("device/99", 0) == Outcome::duplicate);
  }
}

TEST_CASE("bytes that are no snapshot are refused and leave an empty state") {
  SequenceState state({});
  SECTION("cut anywhere") {
    for (std::size_t size = 0; size < golden.size(); ++size) {
      CHECK_FALSE(state.load(golden.substr(0, size)));
      CHECK(state.entries() == 0);
    }
  }
  SECTION("longer than it says") { CHECK_FALSE(state.load(golden + "x")); }
  SECTION("another version") {
    std::string bytes = golden;
    bytes[4] = 3;
    CHECK_FALSE(state.load(bytes));
  }
  SECTION("a run that claims more numbers than there are bytes") {
    std::string bytes = golden;
    bytes[first_run + 8 + 3] = '\x7f';
    CHECK_FALSE(state.load(bytes));
  }
}
