// SPDX-License-Identifier: Apache-2.0
#include "ingest/house.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

const std::string per_device =
    "name: meter\nversion: \"1.0\"\ntopic_pattern: meters/{device}/+\nsequence_field: n\n"
    "sequence_scope: device\nfields:\n  - {name: n, type: integer}\n";

std::vector<NumberingReport> read(House& house) {
  auto reports = read_numberings("/journal", model::fault_environment(house.clock, house.files));
  REQUIRE(reports);
  return *std::move(reports);
}

}  // namespace

TEST_CASE("the journal tells last number, gaps and resets of each topic and device") {
  House house;
  house.schemas = schema_set({temperature_schema, per_device});
  house.open();
  const auto door = house.ingest->make_door();
  for (const int number : {1, 2, 6, 4, 7, 10}) add(*door, topic, reading_json(20, number));
  add(*door, topic, "junk");
  add(*door, "sensors/attic/temperature", reading_json(20, 5));
  for (const int number : {7, 8, 9, 7}) {
    add(*door, "sensors/attic/temperature", reading_json(30 + number % 2, number));
    house.clock.advance(1'000);
  }
  add(*door, "sensors/attic/temperature", reading_json(33, 8));
  add(*door, "meters/m1/power", R"({"n": 41})");
  add(*door, "meters/m1/energy", R"({"n": 42})");
  REQUIRE(door->commit());
  const std::int64_t now = house.clock.wall;

  const auto reports = read(house);
  REQUIRE(reports.size() == 3);
  CHECK(reports[0].key == "m1");
  CHECK(reports[0].per_device);
  CHECK(reports[0].last == 42);
  CHECK(reports[0].messages == 2);
  CHECK(reports[0].received_at == now);
  CHECK(reports[1].key == "sensors/attic/temperature");
  CHECK(reports[1].last == 8);  // the repeat of 7 is dropped; 8 with another payload begins anew
  CHECK(reports[2].key == topic);
  CHECK_FALSE(reports[2].per_device);
  CHECK(reports[2].last == 10);
  CHECK(reports[2].messages == 6);
  CHECK(reports[2].gaps == 2);
  CHECK(reports[2].missing == 5);
  CHECK(reports[2].resets == 0);
  const IngestStats stats = house.ingest->stats();
  CHECK(reports[1].gaps + reports[2].gaps == stats.gaps);
  CHECK(reports[1].missing + reports[2].missing == stats.gap_messages);
  CHECK(reports[1].resets == stats.resets);
}

TEST_CASE("of messages that the journal has let go of, the last number is known") {
  House house;
  house.journal.segment_bytes = 4'096;
  house.journal.replay_window_ns = 0;
  house.open();
  const auto door = house.ingest->make_door();
  add(*door, "sensors/attic/temperature", reading_json(20, 77));
  for (int i = 0; i < 200; ++i) {
    add(*door, topic, reading_json(20, i));
    REQUIRE(door->commit());
  }
  house.ingest->journal().set_cursor("all", house.ingest->journal().durable_end());
  house.ingest->journal().trim();
  REQUIRE(house.ingest->journal().first_sequence() > 10);
  const auto reports = read(house);
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].last == 77);
  CHECK(reports[0].messages == 0);
  CHECK(reports[0].received_at == 0);
  CHECK(reports[1].last == 199);
  CHECK(reports[1].gaps == 0);
  CHECK(reports[1].messages < 200);
}
