// SPDX-License-Identifier: Apache-2.0
// The door in front of a journal that is small, or full.
#include "catch.hpp"

#include <algorithm>

#include "ingest/house.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

constexpr std::int64_t second = core::ns_per_second;

}  // namespace

TEST_CASE("a journal that is full refuses the batch and takes it when there is room") {
  House house;
  house.journal.size_max_bytes = 64 * 1024;
  house.open();
  house.ingest->journal().set_cursor("store", 0);
  const auto door = house.ingest->make_door();
  int number = 0;
  Result<void> committed;
  while (committed && number < 10'000) {
    for (int i = 0; i < 10; ++i) add(*door, topic, reading_json(1, number++));
    committed = door->commit();
  }
  REQUIRE_FALSE(committed);
  CHECK(committed.error().code == Errc::resource_exhausted);
  const auto held = journaled(house.ingest->journal()).size();
  CHECK(held == static_cast<std::size_t>(number - 10));
  CHECK_FALSE(door->reserve(4'096));
  house.ingest->journal().set_cursor("store", house.ingest->journal().durable_end());
  house.clock.advance(48 * 3600 * second);
  REQUIRE(door->reserve(4'096));
  for (int i = 0; i < 10; ++i) add(*door, topic, reading_json(1, number - 10 + i));
  CHECK(door->commit());
  CHECK(house.ingest->stats().duplicates == 0);
}

TEST_CASE("a message that no empty journal of this size takes is refused, counted and said") {
  House house;
  house.journal.size_max_bytes = 2 * 1024 * 1024;
  house.open();
  house.ingest->journal().set_cursor("store", 0);
  const auto door = house.ingest->make_door();
  add(*door, topic, reading_json(1, 1));
  add(*door, topic, std::string(2'000'000, 'x'));
  add(*door, topic, reading_json(1, 2));
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().refused == 1);
  CHECK(journaled(house.ingest->journal()).size() == 2);
  CHECK(house.log.count("refused a payload of 2000000 bytes on sensors/hall/temperature") == 1);
  const auto most = sizes_of(house.journal).append_bytes_max - 2 * 1024 * 1024 / 64;
  CHECK(house.log.count("takes at most " + std::to_string(most) + " (raise journal.size_max_mb)") ==
        1);
}

TEST_CASE("the limits that docs/journal.md shows are those of the code") {
  struct Row {
    std::uint64_t size_mb, message_bytes, unacknowledged;
  };
  for (const Row& row :
       {Row{2, 1'976'772, 2'730}, Row{4, 3'953'774, 5'461}, Row{8, 7'907'780, 10'922},
        Row{16, 15'815'790, 21'845}, Row{64, 63'263'854, 65'535}}) {
    CAPTURE(row.size_mb);
    House house;
    house.journal.size_max_bytes = row.size_mb * 1024 * 1024;
    house.open();
    CHECK(sizes_of(house.journal).append_bytes_max - house.journal.size_max_bytes / 64 ==
          row.message_bytes);
    CHECK(house.ingest->make_door()->unacknowledged_max() == row.unacknowledged);
  }
}

TEST_CASE("in a journal that has been read a full batch and the largest message fit together") {
  const std::uint64_t size_mb = GENERATE(2u, 3u, 4u, 8u);
  CAPTURE(size_mb);
  House house;
  house.journal.size_max_bytes = size_mb * 1024 * 1024;
  house.open();
  const auto door = house.ingest->make_door();
  const auto sizes = sizes_of(house.journal);
  const std::size_t frame = core::frame_size(topic.size(), 0, false);
  const std::size_t largest = std::min<std::size_t>(
      core::payload_bytes_max, sizes.append_bytes_max - house.journal.size_max_bytes / 64 - frame);
  int number = 0;
  for (int round = 0; round < 5; ++round) {
    // The most that a source reads before it sees that the batch is full.
    while (door->open_bytes() + 200 < house.journal.size_max_bytes / 64) {
      add(*door, topic, reading_json(1, number++));
    }
    REQUIRE_FALSE(door->should_commit());
    add(*door, topic, std::string(largest, 'x'));
    REQUIRE(door->should_commit());
    REQUIRE(door->commit());
    CHECK(house.ingest->journal().stats().bytes <= house.journal.size_max_bytes);
    house.ingest->journal().set_cursor("store", house.ingest->journal().durable_end());
  }
  CHECK(house.ingest->stats().refused == 0);
}

TEST_CASE("room that is asked for before reading closes no segment that has some") {
  House house;
  house.journal.size_max_bytes = 2 * 1024 * 1024;
  house.open();
  const auto door = house.ingest->make_door();
  for (int number = 0; number < 200; ++number) {
    REQUIRE(door->reserve(1024 * 1024));
    add(*door, topic, reading_json(1, number));
    REQUIRE(door->commit());
  }
  CHECK(house.ingest->journal().stats().segments == 1);
}

TEST_CASE("after a restart repeats are recognised of all messages that the journal still holds") {
  House house;
  house.journal.size_max_bytes = 2 * 1024 * 1024;
  house.open();
  const auto send = [&](Door& door) {
    for (int i = 0; i < 12'000; ++i) {
      add(door, topic, reading_json(1, i * 7'919ll % 1'000'003));
      if (door.should_commit()) REQUIRE(door.commit());
    }
    REQUIRE(door.commit());
  };
  {
    const auto door = house.ingest->make_door();
    REQUIRE(door->unacknowledged_max() < 12'000);
    send(*door);
  }
  REQUIRE(house.ingest->journal().stats().segments > 2);
  house.open();
  send(*house.ingest->make_door());
  CHECK(house.ingest->stats().duplicates == 12'000);
  CHECK(journaled(house.ingest->journal()).size() == 12'000);
}

TEST_CASE("a small journal lets sources have fewer messages under way, each its share") {
  const auto most = [](std::uint64_t size_mb, std::uint32_t wanted, std::uint32_t sources) {
    IngestOptions options;
    options.unacknowledged_max = wanted;
    options.sources = sources;
    House house(options);
    house.journal.size_max_bytes = size_mb * 1024 * 1024;
    house.open();
    return house.ingest->make_door()->unacknowledged_max();
  };
  CHECK(most(1024, 10'000, 1) == 10'000);
  CHECK(most(1024, 10'000, 3) == 10'000);
  CHECK(most(8, 10'000, 1) == 10'000);
  CHECK(most(4, 10'000, 1) == 5'461);
  CHECK(most(2, 10'000, 1) == 2'730);
  CHECK(most(2, 10'000, 3) == 910);
  CHECK(most(2, 100, 3) == 100);
}
