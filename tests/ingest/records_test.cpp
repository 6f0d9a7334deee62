// SPDX-License-Identifier: Apache-2.0
#include "ingest/house.hpp"
#include "telemetry/core/journal_format.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

namespace flag = core::frame_flag;

const std::string meters = "meters/m1";

const char* const numbered = R"(
name: numbered
version: "1.0"
topic_pattern: meters/{device}
records: readings
sequence_field: seq
time_field: at
fields:
  - {name: v, type: float, required: true, max: 100}
  - {name: seq, type: integer}
  - {name: at, type: timestamp}
)";
const char* const of_message = R"(
name: of_message
version: "1.0"
topic_pattern: meters/{device}
records: readings
sequence_field: seq
fields:
  - {name: v, type: float}
  - {name: seq, type: integer, from: /seq}
)";
const char* const unnumbered = R"(
name: unnumbered
version: "1.0"
topic_pattern: meters/{device}
records: readings
drop: "v < 0"
fields: [{name: v, type: float, max: 100}]
)";

struct Meters : House {
  explicit Meters(const char* schema) {
    schemas = schema_set({schema});
    open();
  }
  /// Sends one message and commits it.
  void send(const std::string& payload, bool retained = false) {
    const auto door = ingest->make_door();
    add(*door, meters, payload, retained);
    REQUIRE(door->commit());
  }
  [[nodiscard]] std::vector<core::FrameHeader> headers() {
    std::vector<core::FrameHeader> all;
    const auto reader = ingest->journal().read_from(0);
    for (;;) {
      auto frame = reader->next();
      REQUIRE(frame);
      if (!frame->has_value()) return all;
      if ((*frame)->header.kind == core::FrameKind::message) all.push_back((*frame)->header);
    }
  }
};

std::string readings(int first, int count) {
  std::string out = R"({"readings":[)";
  for (int i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    out += "{\"v\":1,\"seq\":" + std::to_string(first + i) + "}";
  }
  return out + "]}";
}

}  // namespace

TEST_CASE("a message of several readings is as many frames, tied to each other") {
  Meters house(numbered);
  house.send(readings(1, 3));
  house.send(readings(4, 1));
  const auto headers = house.headers();
  REQUIRE(headers.size() == 4);
  CHECK((headers[0].flags & flag::more) != 0);
  CHECK((headers[1].flags & flag::more) != 0);
  CHECK((headers[2].flags & flag::more) == 0);
  for (int i = 0; i < 3; ++i)
    CHECK((headers[static_cast<std::size_t>(i)].flags & flag::unfolded) != 0);
  CHECK((headers[3].flags & (flag::more | flag::unfolded)) == 0);
  CHECK(journaled(house.ingest->journal()) ==
        std::vector<std::string>{
            R"({"readings":[{"v":1,"seq":1}]})", R"({"readings":[{"v":1,"seq":2}]})",
            R"({"readings":[{"v":1,"seq":3}]})", R"({"readings":[{"v":1,"seq":4}]})"});
  CHECK(house.ingest->stats().received == 2);
  CHECK(house.ingest->stats().valid == 4);
  REQUIRE(house.durable.size() == 2);
  CHECK(house.durable[0]->readings[1].sequence == 2);
  CHECK(house.durable[0]->readings[1].device == "m1");
}

TEST_CASE("what is read back is what was judged") {
  Meters house(numbered);
  house.send(R"({"readings":[{"v":1.5,"seq":1,"at":"2026-01-01T00:00:00Z"},{"v":2,"seq":2}]})");
  const auto& sent = house.durable.at(0)->readings;
  Batch batch;
  const auto reader = house.ingest->journal().read_from(0);
  while (auto frame = *reader->next()) {
    if (frame->header.kind != core::FrameKind::message) continue;
    read_back(*frame, house.schemas->by_id(frame->header.schema_id), batch);
  }
  REQUIRE(batch.readings.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(batch.readings[i].id == sent[i].id);
    CHECK(batch.readings[i].document == sent[i].document);
    CHECK(batch.readings[i].device == sent[i].device);
    CHECK(batch.readings[i].time == sent[i].time);
    CHECK(batch.readings[i].sequence == sent[i].sequence);
    CHECK(batch.readings[i].verdict == Verdict::valid);
  }
}

TEST_CASE("each reading has a verdict of its own") {
  Meters house(numbered);
  house.send(R"({"readings":[{"v":1,"seq":1},{"v":200,"seq":2},{"seq":3}]})");
  CHECK(house.ingest->stats().valid == 1);
  CHECK(house.ingest->stats().invalid == 2);
  const Reading& second = house.durable.at(0)->readings.at(1);
  CHECK(second.verdict == Verdict::invalid);
  const auto violations = violations_of(second);
  REQUIRE(violations.size() == 1);
  CHECK(second.schema->describe(violations[0], second.document) ==
        "numbered 1.0: /v: 200 is above max 100");
}

TEST_CASE("a redelivered message is recognised as a whole, after a restart too") {
  for (const char* schema : {numbered, of_message}) {
    Meters house(schema);
    const std::string first =
        schema == numbered ? readings(1, 500) : R"({"seq":7,"readings":[{"v":1},{"v":2},{"v":1}]})";
    const std::size_t count = schema == numbered ? 500 : 3;
    house.send(first);
    house.send(first);
    CHECK(house.headers().size() == count);
    CHECK(house.ingest->stats().duplicates == count);
    house.open();
    house.send(first);
    CHECK(house.headers().size() == count);
    CHECK(house.ingest->stats().duplicates == count);
    house.send(schema == numbered ? readings(501, 2)
                                  : R"({"seq":8,"readings":[{"v":1},{"v":2},{"v":1}]})");
    CHECK(house.headers().size() == count + (schema == numbered ? 2 : 3));
    CHECK(house.ingest->stats().gaps == 0);
    CHECK(house.ingest->stats().resets == 0);
  }
}

TEST_CASE("more messages of many readings than the window has numbers are recognised") {
  Meters house(numbered);
  constexpr int messages = 20;
  constexpr int each = 1'000;
  for (int i = 0; i < messages; ++i) house.send(readings(i * each, each));
  house.open();
  // All of them unacknowledged, and sent again.
  for (int i = 0; i < messages; ++i) house.send(readings(i * each, each));
  CHECK(house.headers().size() == messages * each);
}

TEST_CASE("readings that came before are left out, the others stay together") {
  Meters house(numbered);
  house.send(readings(1, 3));
  house.send(readings(3, 3));
  const auto headers = house.headers();
  REQUIRE(headers.size() == 5);
  CHECK((headers[3].flags & flag::more) != 0);
  CHECK((headers[4].flags & flag::more) == 0);
  CHECK(house.ingest->stats().duplicates == 1);
}

TEST_CASE("equal messages without numbers are both stored") {
  Meters house(unnumbered);
  house.send(R"({"readings":[{"v":1},{"v":2}]})");
  house.send(R"({"readings":[{"v":1},{"v":2}]})");
  CHECK(house.headers().size() == 4);
}

TEST_CASE(
    "a retained message of several readings that was stored is skipped, after a restart too") {
  Meters house(unnumbered);
  const std::string payload = R"({"readings":[{"v":1},{"v":2}]})";
  house.send(payload, true);
  house.send(payload, true);
  CHECK(house.headers().size() == 2);
  house.open();
  house.send(payload, true);
  CHECK(house.headers().size() == 2);
  house.send(R"({"readings":[{"v":1},{"v":3}]})", true);
  CHECK(house.headers().size() == 4);
}

TEST_CASE("what is dropped is counted, and told as dropped") {
  Meters house(unnumbered);
  const auto door = house.ingest->make_door();
  add(*door, meters, R"({"readings":[{"v":-1}]})");
  add(*door, meters, R"({"readings":[]})");
  add(*door, meters, R"({"readings":[{"v":-1},{"v":1}]})");
  std::vector<Outcome> outcomes;
  REQUIRE(door->commit(&outcomes));
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[0].kind == Outcome::Kind::dropped);
  CHECK(outcomes[1].kind == Outcome::Kind::dropped);
  CHECK(outcomes[2].kind == Outcome::Kind::stored);
  CHECK(house.ingest->stats().content_dropped == 3);
  CHECK(house.headers().size() == 1);
}

TEST_CASE(
    "a message whose last reading is missing is cut at recovery, and taken when it comes again") {
  Meters house(numbered);
  house.send(readings(1, 2));
  house.send(readings(3, 3));
  const auto segments = house.files.list("/journal");
  REQUIRE(segments);
  std::string path;
  for (const std::string& name : *segments) {
    if (name.size() > 37 && name[20] == '-') path = "/journal/" + name;
  }
  house.ingest.reset();
  INFO(path);
  auto file = house.files.open_write(path);
  REQUIRE(file);
  const auto size = house.files.size(*file);
  REQUIRE(size);
  REQUIRE(house.files.truncate(*file, *size - 1));  // the last frame is torn
  house.files.close(*file);
  house.open();
  CHECK(house.headers().size() == 2);
  CHECK(house.ingest->journal().durable_end() == 2);
  house.send(readings(3, 3));
  CHECK(house.headers().size() == 5);
  CHECK(house.ingest->stats().gaps == 0);
}

TEST_CASE("a message that becomes more than the journal takes at once is one dead letter") {
  Meters house(numbered);
  house.journal.size_max_bytes = 2 * 1024 * 1024;
  house.open();
  std::string around;
  for (int i = 0; i < 20; ++i)
    around += "\"m" + std::to_string(i) + "\":\"" + std::string(100, 'x') + "\",";
  std::string payload = readings(1, 1'000);
  payload.insert(1, around);
  house.send(payload);
  const auto& sent = house.durable.at(0)->readings;
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].verdict == Verdict::invalid);
  CHECK(sent[0].reason == core::Rule::records);
  CHECK(sent[0].payload == payload);
}

TEST_CASE("a reading is known again by its identity, whatever else it says, after a restart too") {
  Meters house(R"(
name: radio
version: "1.0"
topic_pattern: meters/+
device: "{id}"
identity: [time, kind]
time_field: time
fields:
  - {name: time, type: timestamp}
  - {name: id, type: integer}
  - {name: kind, type: string}
  - {name: rssi, type: integer}
)");
  const auto burst = [&](int id, const std::string& time, int rssi, const std::string& kind = "a") {
    house.send("{\"id\":" + std::to_string(id) + ",\"time\":\"2026-01-01T00:00:" + time +
               "Z\",\"kind\":\"" + kind + "\",\"rssi\":" + std::to_string(rssi) + "}");
  };
  burst(1, "01", -60);
  burst(1, "01", -61);  // the same burst, heard again
  burst(2, "01", -60);
  burst(1, "02", -60);
  burst(1, "01", -60, "b");
  CHECK(house.headers().size() == 4);
  CHECK(house.ingest->stats().duplicates == 1);
  house.open();
  burst(1, "01", -62);
  burst(2, "02", -60);
  CHECK(house.headers().size() == 5);
  // Without a value of its identity it is never the same.
  house.send(R"({"id":1,"rssi":-60})");
  house.send(R"({"id":1,"rssi":-60})");
  CHECK(house.headers().size() == 7);
}

TEST_CASE("of a redelivered message with identities what is invalid does not come twice either") {
  Meters house(R"(
name: bursts
version: "1.0"
topic_pattern: meters/{device}
records: readings
identity: [n]
fields:
  - {name: n, type: integer}
  - {name: level, type: integer, max: 10}
)");
  const std::string message = R"({"readings":[{"n":1,"level":99},{"n":2,"level":5}]})";
  house.send(message);
  house.send(message);
  house.open();
  house.send(message);
  CHECK(house.headers().size() == 2);
  CHECK(house.ingest->stats().duplicates == 2);
}
