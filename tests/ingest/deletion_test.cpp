// SPDX-License-Identifier: Apache-2.0
#include "ingest/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

std::string again(const std::string& json) {
  const auto deletion = parse_deletion(json);
  return deletion ? to_json(*deletion) : "refused";
}

}  // namespace

TEST_CASE("a deletion as JSON reads back as it was, and what is not understood is refused") {
  for (const char* json : {
           R"({"topics":["#"]})",
           R"({"topics":["a/+","b/#"],"devices":["x"],"schemas":["s","t"],"since":-5,"until":7})",
           R"({"topics":["\"\u00e4"],"since":-9223372036854775807,"until":9223372036854775806})",
       }) {
    CAPTURE(json);
    CHECK(again(again(json)) == again(json));
    CHECK(again(json) != "refused");
  }
  for (const char* json : {
           "",
           "[]",
           "{}",
           R"({"topics":[]})",
           R"({"topics":"a"})",
           R"({"topics":["a/#/b"]})",
           R"({"topics":["a"],"devices":[1]})",
           R"({"topics":["a"],"since":1.5})",
           R"({"topics":["a"],"since":"1"})",
           R"({"topics":["a"],"until":9223372036854775808})",
           R"({"topics":["a"],"where":[]})",
           R"({"topics":["a"]} x)",
           R"({"topics":["a"])",
       }) {
    CAPTURE(json);
    CHECK(again(json) == "refused");
  }
}

TEST_CASE("a deletion covers topics, devices, schemas and times that all match") {
  Deletion deletion;
  deletion.topics = {"a/+", "b/#"};
  deletion.since = 10;
  deletion.until = 20;
  CHECK(deletion.covers("a/x", "", "", 10));
  CHECK(deletion.covers("b", "d", "s", 19));
  CHECK_FALSE(deletion.covers("a/x/y", "", "", 10));
  CHECK_FALSE(deletion.covers("a/x", "", "", 9));
  CHECK_FALSE(deletion.covers("a/x", "", "", 20));
  deletion.devices = {"d", "e"};
  deletion.schemas = {"s"};
  CHECK(deletion.covers("a/x", "e", "s", 15));
  CHECK_FALSE(deletion.covers("a/x", "f", "s", 15));
  CHECK_FALSE(deletion.covers("a/x", "e", "", 15));
  deletion.topics = {"#", "+/x"};
  CHECK_FALSE(deletion.covers("$SYS/x", "d", "s", 15));
}

TEST_CASE("a deletion takes a number among those of the messages, and survives a restart") {
  TempFolder folder;
  JournalOptions journal;
  journal.path = folder / "journal";
  const auto open = [&] {
    auto ingest = Ingest::open({}, journal, schema_set({temperature_schema}), system_environment());
    REQUIRE(ingest);
    return *std::move(ingest);
  };
  Deletion deletion;
  deletion.topics = {"sensors/#"};
  deletion.until = 5;
  {
    auto ingest = open();
    auto door = ingest->make_door();
    add(*door, "sensors/a/temperature", reading_json(1, 1));
    REQUIRE(door->commit());
    auto sequence = ingest->append(deletion);
    REQUIRE(sequence);
    CHECK(*sequence == 2);
    add(*door, "sensors/a/temperature", reading_json(1, 2));
    REQUIRE(door->commit());
    Deletion large;
    CHECK(ingest->append(large).error().code == Errc::invalid_argument);
    large.topics.assign(4'000, "sensors/#");
    CHECK(ingest->append(large).error().code == Errc::invalid_argument);
    REQUIRE(ingest->append(deletion));
  }
  auto ingest = open();
  CHECK(ingest->journal().durable_end() == 4);
  auto door = ingest->make_door();
  add(*door, "sensors/a/temperature", reading_json(1, 2));  // a repeat, also behind a deletion
  add(*door, "sensors/a/temperature", reading_json(1, 3));
  REQUIRE(door->commit());
  CHECK(ingest->journal().durable_end() == 5);
  std::vector<std::string> found;
  const auto reader = ingest->journal().read_from(0);
  for (auto frame = reader->next(); frame && frame->has_value(); frame = reader->next()) {
    if ((*frame)->header.kind != core::FrameKind::tombstone) continue;
    auto read = read_deletion(**frame);
    REQUIRE(read);
    CHECK(read->received_at > 0);
    found.push_back(std::to_string(read->sequence) + to_json(*read));
  }
  CHECK(found == std::vector<std::string>{R"(2{"topics":["sensors/#"],"until":5})",
                                          R"(4{"topics":["sensors/#"],"until":5})"});
}

TEST_CASE("an imported message says so in its frame") {
  TempFolder folder;
  JournalOptions journal;
  journal.path = folder / "journal";
  auto ingest = Ingest::open({}, journal, schema_set({temperature_schema}), system_environment());
  REQUIRE(ingest);
  auto door = (*ingest)->make_door();
  std::vector<bool> imported;
  (*ingest)->on_durable([&](const BatchPtr& batch) {
    for (const Reading& reading : batch->readings) {
      imported.push_back((reading.flags & core::frame_flag::imported) != 0);
    }
  });
  const std::string payload = reading_json(1, 1);
  door->add({.topic = "sensors/a/temperature", .payload = payload, .imported = true});
  door->add({.topic = "sensors/b/temperature", .payload = payload});
  REQUIRE(door->commit());
  CHECK(imported == std::vector<bool>{true, false});
  const auto reader = (*ingest)->journal().read_from(0);
  std::vector<int> flags;
  for (auto frame = reader->next(); frame && frame->has_value(); frame = reader->next()) {
    if ((*frame)->header.kind == core::FrameKind::message) {
      flags.push_back((*frame)->header.flags & 0x1000);
    }
  }
  CHECK(flags == std::vector<int>{0x1000, 0});
}
