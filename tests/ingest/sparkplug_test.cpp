// SPDX-License-Identifier: Apache-2.0
#include "form/sparkplug_bytes.hpp"

#include <algorithm>
#include <thread>

#include "ingest/house.hpp"
#include "telemetry/core/journal_format.hpp"

using namespace telemetry;
using namespace telemetry::testing;
namespace bytes = sparkplug_bytes;

namespace {

namespace flag = core::frame_flag;

const std::string birth = "spBv1.0/plant/DBIRTH/edge/pump";
const std::string data = "spBv1.0/plant/DDATA/edge/pump";

const char* const device_schema = R"(
name: device
version: "1.0"
topic_pattern: spBv1.0/+/+/{device}/{device}
payload: sparkplug_b
time_field: time
fields:
  - {name: time, type: timestamp, time_format: ms}
  - {name: metric, type: string, required: true, from: name}
  - {name: flow, type: float, from: "[name=flow].value", max: 100}
  - {name: running, type: boolean, from: "[name=running].flag"}
validation: {allow_extra_fields: true}
)";
const char* const node_schema = R"(
name: node_birth
version: "1.0"
topic_pattern: spBv1.0/+/NBIRTH/+
payload: sparkplug_b
drop: true
)";
const char* const node_data_schema = R"(
name: node
version: "1.0"
topic_pattern: spBv1.0/+/NDATA/{device}
payload: sparkplug_b
fields: [{name: load, type: float, required: true, from: "[name=load].value"}]
validation: {allow_extra_fields: true}
)";

std::string born(std::string_view name, std::uint64_t alias, std::uint64_t type) {
  return bytes::metric(bytes::name(name) + bytes::alias(alias) + bytes::datatype(type));
}
const std::string pump_birth = born("flow", 1, 9) + born("running", 2, 11);
std::string flow(float value, std::uint64_t ms = 1'700'000'000'000) {
  return bytes::metric(bytes::alias(1) + bytes::time(ms) + bytes::float_value(value));
}

struct Plant : House {
  Plant() {
    schemas = schema_set({device_schema, node_schema, node_data_schema});
    open();
  }
  void send(const std::string& to, const std::string& payload) {
    const auto door = ingest->make_door();
    add(*door, to, payload);
    REQUIRE(door->commit());
  }
  /// The readings of the newest batch.
  [[nodiscard]] const std::vector<Reading>& last() const { return durable.back()->readings; }
  [[nodiscard]] std::size_t frames() { return journaled(ingest->journal()).size(); }
};

}  // namespace

TEST_CASE("data of a Sparkplug device are journaled with the names that its birth said") {
  Plant plant;
  plant.send(birth, pump_birth);
  plant.send(data, flow(12.5F) + bytes::sequence(1));
  REQUIRE(plant.last().size() == 1);
  const Reading& reading = plant.last()[0];
  CHECK(reading.verdict == Verdict::valid);
  CHECK(reading.device == "edge/pump");
  CHECK(reading.values[1].as_text() == "flow");
  CHECK(to_double(reading.values[2].as_decimal()) == 12.5);
  CHECK((reading.flags & flag::unfolded) != 0);
  CHECK((reading.flags & flag::more) == 0);
  const auto payloads = journaled(plant.ingest->journal());
  REQUIRE(payloads.size() == 3);
  CHECK(
      payloads[2] ==
      R"({"name":"flow","alias":1,"value":12.5,"datatype":"Float","time":1700000000000,"seq":1})");
}

TEST_CASE("a Sparkplug frame is read back as it was judged, by one who knows no birth") {
  Plant plant;
  plant.send(birth, pump_birth);
  plant.send(data, flow(12.5F));
  plant.send(data, flow(1) + flow(200));
  Batch batch;
  const auto reader = plant.ingest->journal().read_from(2);
  while (auto frame = *reader->next()) {
    if (frame->header.kind != core::FrameKind::message) continue;
    read_back(*frame, plant.schemas->by_id(frame->header.schema_id), batch);
  }
  std::vector<const Reading*> sent;
  for (std::size_t i = 1; i < plant.durable.size(); ++i) {
    for (const Reading& reading : plant.durable[i]->readings) sent.push_back(&reading);
  }
  REQUIRE(batch.readings.size() == 3);
  REQUIRE(sent.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(batch.readings[i].document == sent[i]->document);
    CHECK(batch.readings[i].device == sent[i]->device);
    CHECK(batch.readings[i].time == sent[i]->time);
    CHECK(batch.readings[i].verdict == sent[i]->verdict);
  }
  // What was refused can be explained from the frame alone.
  CHECK(batch.readings[2].verdict == Verdict::invalid);
  CHECK(violations_of(*sent[2]).size() == 1);
}

TEST_CASE("births are known after a restart as far as the journal is visited") {
  Plant plant;
  plant.send(birth, born("old", 1, 9) + born("older", 3, 9));
  plant.send(birth, pump_birth + born("counter", 7, 1));
  plant.send("spBv1.0/plant/DBIRTH/edge/fan", born("flow", 5, 9));
  plant.open();
  plant.send(data, flow(3));
  CHECK(plant.last().at(0).values[1].as_text() == "flow");
  // A datatype, too.
  plant.send(data, bytes::metric(bytes::alias(7) + bytes::int_value(251)));
  CHECK(plant.last().at(0).payload ==
        R"({"name":"counter","alias":7,"value":-5,"datatype":"Int8"})");
  // The second birth took the place of the first.
  plant.send(data, bytes::metric(bytes::alias(3) + bytes::float_value(1)));
  CHECK(plant.last().at(0).payload == R"({"alias":3,"value":1})");
  CHECK(plant.last().at(0).verdict == Verdict::invalid);
  CHECK(plant.last().at(0).reason == core::Rule::required);
}

TEST_CASE("names of a birth that its schema drops are known until a restart") {
  Plant plant;
  const std::string load = bytes::metric(bytes::alias(4) + bytes::double_value(0.5));
  plant.send("spBv1.0/plant/NBIRTH/edge", born("load", 4, 10));
  CHECK(plant.frames() == 0);
  plant.send("spBv1.0/plant/NDATA/edge", load);
  CHECK(plant.last().at(0).verdict == Verdict::valid);
  plant.open();
  plant.send("spBv1.0/plant/NDATA/edge", load);
  CHECK(plant.last().at(0).verdict == Verdict::invalid);
}

TEST_CASE("names are known in the same batch, and after a batch that failed") {
  Plant plant;
  const auto door = plant.ingest->make_door();
  add(*door, birth, pump_birth);
  add(*door, data, flow(1));
  door->abort();
  CHECK(plant.frames() == 0);
  const auto other = plant.ingest->make_door();
  add(*other, data, flow(2));
  REQUIRE(other->commit());
  CHECK(plant.last().at(0).values[1].as_text() == "flow");
}

TEST_CASE("a Sparkplug message that comes again is no other message after a restart") {
  // By its identity; and a retained one by its content.
  Plant plant;
  plant.schemas = schema_set({std::string(device_schema) + "identity: [time, metric]\n"});
  plant.open();
  plant.send(birth, pump_birth);
  const std::size_t before = plant.frames();
  plant.send(data, flow(1, 1'700'000'000'001));
  plant.send(data, flow(1, 1'700'000'000'001));
  plant.open();
  plant.send(data, flow(1, 1'700'000'000'001));
  CHECK(plant.frames() == before + 1);
  CHECK(plant.ingest->stats().duplicates == 1);
  const auto retained = [&] {
    const auto door = plant.ingest->make_door();
    add(*door, data, flow(7, 1'700'000'000'002), true);
    REQUIRE(door->commit());
  };
  retained();
  CHECK(plant.frames() == before + 2);
  retained();
  plant.open();
  retained();
  CHECK(plant.frames() == before + 2);
  CHECK(plant.ingest->stats().retained_skipped == 1);
}

TEST_CASE("a birth that is replayed or imported does not change what nodes say now") {
  Plant plant;
  plant.send(birth, pump_birth);
  auto door = plant.ingest->make_door();
  door->add({.topic = birth, .payload = born("old", 1, 9), .imported = true});
  door->add({.topic = data, .payload = flow(1), .imported = true});
  door->add({.topic = birth, .payload = born("older", 1, 9), .reference = 9});
  door->add({.topic = data, .payload = flow(1), .reference = 10});
  door->add({.topic = data, .payload = flow(2)});
  REQUIRE(door->commit());
  door.reset();
  std::vector<std::string> names;
  for (const Reading& reading : plant.last()) names.emplace_back(reading.values[1].as_text());
  CHECK(names == std::vector<std::string>{"old", "old", "older", "older", "flow"});
  plant.open();
  plant.send(data, flow(3));
  CHECK(plant.last().at(0).values[1].as_text() == "flow");
}

TEST_CASE("a Sparkplug message that cannot be read is one dead letter, as it came") {
  Plant plant;
  plant.send(birth, pump_birth);
  const std::string payload = flow(1) + "\x12\x7f";
  plant.send(data, payload);
  const Reading& reading = plant.last().at(0);
  CHECK(reading.verdict == Verdict::invalid);
  CHECK(reading.reason == core::Rule::form);
  CHECK(reading.payload == payload);
  CHECK((reading.flags & flag::unfolded) == 0);
  const auto violations = violations_of(reading);
  REQUIRE(violations.size() == 1);
  CHECK_THAT(reading.schema->describe(violations[0], reading.document),
             Catch::Contains("sparkplug_b: byte 16: the field that begins here is longer"));
}

TEST_CASE("doors of several threads learn births and use them") {
  Plant plant;
  plant.send(birth, pump_birth);
  std::thread births([&] {
    const auto door = plant.ingest->make_door();
    for (int i = 0; i < 200; ++i) {
      add(*door, birth, i % 2 == 0 ? born("speed", 1, 9) : pump_birth);
      add(*door, "spBv1.0/plant/DBIRTH/edge/fan-" + std::to_string(i), pump_birth);
    }
    (void)door->commit();
  });
  const auto door = plant.ingest->make_door();
  for (int i = 0; i < 400; ++i) add(*door, data, flow(1));
  CHECK(door->open_messages() == 400);
  births.join();
  REQUIRE(door->commit());
  const auto known = [](const Reading& reading) {
    const std::string_view name = reading.values[1].as_text();
    return name == "flow" || name == "speed";
  };
  CHECK(std::ranges::all_of(plant.last(), known));
}
