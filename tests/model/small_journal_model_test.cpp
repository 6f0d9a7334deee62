// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "model/fault_file_system.hpp"
#include "telemetry/journal.hpp"

// No journal is stuck that its consumers have read: whatever was appended before, and whatever disk
// and power did, it takes what an empty one takes.

using namespace telemetry;
using namespace telemetry::model;
using Fault = FaultFileSystem::Fault;
using Unsynced = FaultFileSystem::Unsynced;

namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
constexpr std::string_view topic = "sensors/1/t";
constexpr std::size_t frame_overhead = core::frame_size(topic.size(), 0, false);
constexpr std::size_t payload_max = core::frame_bytes_max - frame_overhead;

/// A journal and the one consumer that reads it.
class House {
 public:
  House(std::uint64_t seed, std::uint64_t size_max_bytes, std::uint64_t segment_bytes)
      : files(seed), random(seed) {
    options.path = "/journal";
    options.size_max_bytes = size_max_bytes;
    options.segment_bytes = segment_bytes;
    sizes = sizes_of(options);
    largest = std::min<std::size_t>(payload_max, sizes.append_bytes_max - frame_overhead);
  }

  bool open() {
    journal.reset();
    SegmentContent content;
    // The largest state that may be, so that nothing hangs on it being small.
    content.snapshot = [this] { return Snapshot::of(std::string(sizes.snapshot_bytes_max, 's')); };
    content.schema_document = [this](std::uint64_t) { return std::string(document_bytes(), 'd'); };
    auto opened = Journal::open(options, fault_environment(clock, files), content);
    error = opened ? std::string() : opened.error().context;
    if (!opened) return false;
    journal = std::move(*opened);
    journal->set_cursor("store", cursor);
    return true;
  }

  /// Appends as one batch and syncs.
  bool put(std::size_t messages, std::size_t payload_bytes) {
    const std::string payload(payload_bytes, 'x');
    std::vector<Journal::Record> records(messages);
    for (auto& record : records) {
      record.header.schema_id = up_to(documents);
      record.topic = topic;
      record.payload = payload;
    }
    auto room = journal->reserve(messages * (frame_overhead + payload_bytes));
    auto ticket = room ? journal->append(records) : Result<Journal::Ticket>(room.error());
    auto synced = ticket ? journal->sync(*ticket) : Result<void>(ticket.error());
    error = synced ? std::string() : synced.error().context;
    if (synced) ++taken;
    return static_cast<bool>(synced);
  }
  /// The cap, and the documents that may exceed it.
  [[nodiscard]] std::uint64_t bytes_max() const {
    return options.size_max_bytes + documents * core::frame_size(0, document_bytes(), false);
  }
  [[nodiscard]] std::size_t document_bytes() const { return options.size_max_bytes / 100; }
  void catch_up() {
    cursor = journal->durable_end();
    journal->set_cursor("store", cursor);
  }
  std::uint64_t up_to(std::uint64_t max) {
    return std::uniform_int_distribution<std::uint64_t>(0, max)(random);
  }

  /// One batch as a source may send it: a burst of small ones, or a single one up to the largest.
  std::pair<std::size_t, std::size_t> batch() {
    switch (up_to(5)) {
      case 0:
        return {1, largest};
      case 1:
        return {1, largest - up_to(2 * sizes.start_bytes_max)};
      case 2:
        return {1, up_to(largest)};
      case 3:
        return {1, up_to(2000)};
      default: {
        const std::size_t one = 100 + up_to(900);
        const std::size_t most = sizes.append_bytes_max / 4 / (one + frame_overhead);
        return {1 + up_to(most), one};
      }
    }
  }

  static constexpr std::uint64_t documents = 3;
  FaultFileSystem files;
  std::mt19937_64 random;
  ManualClock clock;
  JournalOptions options;
  JournalSizes sizes;
  std::size_t largest = 0;  // payload of a single message
  std::uint64_t cursor = 0;
  std::uint64_t taken = 0;
  std::string error;
  std::unique_ptr<Journal> journal;
};

}  // namespace

TEST_CASE("a journal that has been read takes any message up to its limit, at every size") {
  const std::uint64_t size_mb = GENERATE(2u, 3u, 4u, 5u, 7u, 8u, 16u, 31u, 64u);
  const std::uint64_t segment_mb = GENERATE(1u, 64u);
  const auto when_full = GENERATE(WhenFull::block, WhenFull::drop_oldest);
  CAPTURE(size_mb, segment_mb, when_full);
  House house(size_mb * 100 + segment_mb, size_mb * mebibyte, segment_mb * mebibyte);
  house.options.when_full = when_full;
  REQUIRE(house.open());
  const int steps = size_mb > 16 ? 10 : 25;
  for (int step = 0; step < steps; ++step) {
    const auto [messages, bytes] = house.batch();
    CAPTURE(step, messages, bytes, house.error);
    REQUIRE(house.put(messages, bytes));
    REQUIRE(house.journal->stats().bytes <= house.bytes_max());
    house.catch_up();
    if (step % 7 == 6) REQUIRE(house.open());
  }
  CHECK(house.journal->stats().dropped_frames == 0);
}

TEST_CASE("a journal that was full takes the largest message once it has been read") {
  const auto [size_mb, payload_bytes] =
      GENERATE(table<std::uint64_t, std::size_t>({{2, 100},
                                                  {2, 900},
                                                  {2, 1'100'000},
                                                  {3, 900},
                                                  {3, 70'000},
                                                  {4, 900},
                                                  {4, 1'100'000},
                                                  {8, 900},
                                                  {8, 70'000},
                                                  {16, 900},
                                                  {64, 1'100'000}}));
  const bool restarts = GENERATE(false, true);
  CAPTURE(size_mb, payload_bytes, restarts);
  House house(size_mb, size_mb * mebibyte, 64 * mebibyte);
  REQUIRE(house.open());
  const std::size_t burst = std::max<std::size_t>(1, 30'000 / payload_bytes);
  while (house.put(burst, payload_bytes)) {
    REQUIRE(house.taken * burst * payload_bytes < house.options.size_max_bytes);
  }
  CHECK(house.journal->stats().full);
  CHECK(house.journal->stats().bytes <= house.bytes_max());
  if (restarts) REQUIRE(house.open());
  CHECK_FALSE(house.put(burst, payload_bytes));
  house.catch_up();
  CAPTURE(house.error);
  REQUIRE(house.put(1, house.largest));
  CHECK(house.journal->stats().bytes <= house.bytes_max());
}

TEST_CASE("with drop_oldest a journal that nobody reads takes any message up to its limit") {
  const std::uint64_t size_mb = GENERATE(2u, 4u, 8u, 32u);
  CAPTURE(size_mb);
  House house(size_mb, size_mb * mebibyte, 64 * mebibyte);
  house.options.when_full = WhenFull::drop_oldest;
  REQUIRE(house.open());
  std::uint64_t sent = 0;
  for (int step = 0; step < 30; ++step) {
    const auto [messages, bytes] = house.batch();
    CAPTURE(step, messages, bytes, house.error);
    REQUIRE(house.put(messages, bytes));
    sent += messages;
    REQUIRE(house.journal->stats().bytes <= house.bytes_max());
    if (step % 7 == 6) REQUIRE(house.open());
  }
  const auto held = house.journal->durable_end() - house.journal->first_sequence() + 1;
  CHECK(held < sent);
}

TEST_CASE("after any faults a journal that has been read takes the largest message again") {
  const std::uint64_t seed = GENERATE(range(1u, 201u));
  CAPTURE(seed);
  House house(seed, 16'000 + seed * 100, 4'000);
  house.options.when_full = seed % 3 == 0 ? WhenFull::drop_oldest : WhenFull::block;
  REQUIRE(house.open());
  for (int round = 0; round < 6; ++round) {
    const std::uint64_t first = house.files.calls() + 1 + house.up_to(40);
    const std::uint64_t last = first + house.up_to(3);
    const bool crash = house.up_to(1) == 0;
    house.files.set_plan([=](std::uint64_t number, FaultFileSystem::Call, const std::string&) {
      if (number < first || number > last) return Fault::none;
      return crash ? Fault::crash : Fault::fail;
    });
    for (int step = 0; step < 15 && !house.files.crashed(); ++step) {
      const auto [messages, bytes] = house.batch();
      (void)house.put(messages, bytes);
      if (house.up_to(2) != 0) house.catch_up();
      if (house.up_to(9) == 0 && !house.open()) break;
    }
    house.files.set_plan({});
    if (house.files.crashed() || house.journal == nullptr) {
      house.journal.reset();
      house.files.restart(house.up_to(1) == 0 ? Unsynced::lost : Unsynced::mixed);
    }
    if (house.journal == nullptr) REQUIRE(house.open());
    house.catch_up();
    CAPTURE(round);
    const std::uint64_t before = house.journal->durable_end();
    // The first may be what a failed sync is told to.
    const bool taken = house.put(1, house.largest) || house.put(1, house.largest);
    CAPTURE(house.error);
    REQUIRE(taken);
    REQUIRE(house.journal->durable_end() > before);
    REQUIRE(house.journal->stats().bytes <= house.bytes_max());
    house.catch_up();
  }
}
