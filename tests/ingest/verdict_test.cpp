// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include "ingest/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

namespace flag = core::frame_flag;

/// An ingest on files in memory.
struct House {
  explicit House(std::shared_ptr<const SchemaSet> set, IngestCallbacks callbacks = {})
      : schemas(std::move(set)), user(std::move(callbacks)) {
    journal.path = "/journal";
    open();
  }
  void open() {
    ingest.reset();
    auto opened =
        Ingest::open({}, journal, schemas, model::fault_environment(clock, files, log.log()), user);
    REQUIRE(opened);
    ingest = std::move(*opened);
    ingest->on_durable([this](const BatchPtr& batch) { durable.push_back(batch); });
  }

  model::ManualClock clock;
  model::FaultFileSystem files;
  LogLines log;
  JournalOptions journal;
  std::shared_ptr<const SchemaSet> schemas;
  IngestCallbacks user;
  std::vector<BatchPtr> durable;
  std::unique_ptr<Ingest> ingest;
};

/// All messages of a journal, read by someone who has nothing but its documents.
void read_all(Journal& journal, std::vector<std::shared_ptr<const Schema>>& schemas, Batch& batch) {
  const auto reader = journal.read_from(0);
  for (;;) {
    auto frame = reader->next();
    REQUIRE(frame);
    if (!frame->has_value()) return;
    if ((*frame)->header.kind == core::FrameKind::schema) {
      std::vector<Diagnostic> diagnostics;
      auto schema = Schema::parse((*frame)->payload, "journal", diagnostics,
                                  ValidationFunctions::not_called());
      REQUIRE(schema);
      schemas.push_back(*schema);
    }
    if ((*frame)->header.kind == core::FrameKind::message) {
      REQUIRE_FALSE(schemas.empty());
      read_back(**frame, schemas.back().get(), batch);
    }
  }
}

const std::string topic = "sensors/hall/temperature";

}  // namespace

TEST_CASE("a long number is rounded, flagged, counted, logged, and rounded so from the journal") {
  House house(
      schema_set({"name: l\nversion: 1\ntopic_pattern: sensors/{device}/temperature\n"
                  "fields:\n  - {name: temperature, type: float, max: 150}\n"
                  "  - {name: seq, type: integer}\n"}));
  auto door = house.ingest->make_door();
  add(*door, topic, R"({"temperature": 21.333333333333333333333, "seq": 7})");
  add(*door, topic, R"({"temperature": 21.5, "seq": 8})");
  add(*door, topic, R"({"temperature": 1e400, "seq": 9})");
  add(*door, topic, R"({"temperature": 150.00000000000000000001, "seq": 10})");
  REQUIRE(door->commit());
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.valid == 2);
  CHECK(stats.rounded == 1);
  CHECK(stats.coerced == 0);
  CHECK(stats.invalid_by_rule.at(static_cast<std::size_t>(core::Rule::number_range)) == 1);
  CHECK(stats.invalid_by_rule.at(static_cast<std::size_t>(core::Rule::max)) == 1);
  CHECK(house.log.count("not as written, message 1 on sensors/hall/temperature: l 1.0: "
                        "/temperature: 21.333333333333333333333 was rounded to "
                        "21.33333333333333333") == 1);
  const auto& readings = house.durable.at(0)->readings;
  CHECK((readings[0].flags & flag::rounded) != 0);
  CHECK((readings[1].flags & flag::rounded) == 0);

  std::vector<std::shared_ptr<const Schema>> schemas;
  Batch batch;
  read_all(house.ingest->journal(), schemas, batch);
  REQUIRE(batch.readings.size() == 4);
  CHECK(batch.readings[0].flags == readings[0].flags);
  CHECK(batch.readings[0].values[0].as_decimal().mantissa ==
        readings[0].values[0].as_decimal().mantissa);
  CHECK(batch.readings[2].reason == core::Rule::number_range);
}

TEST_CASE(
    "a value that lenient mode read is flagged, counted, logged, and read so from the journal") {
  House house(
      schema_set({"name: l\nversion: 1\ntopic_pattern: sensors/{device}/temperature\n"
                  "sequence_field: seq\nvalidation: {strict: false}\nfields:\n"
                  "  - {name: temperature, type: float, unit: C, max: 150}\n"
                  "  - {name: seq, type: integer}\n"}));
  auto door = house.ingest->make_door();
  const std::string lenient_payload = R"({"temperature": "27.930 C", "seq": "7"})";
  add(*door, topic, lenient_payload);
  add(*door, topic, R"({"temperature": 21.5, "seq": 8})");
  add(*door, topic, R"({"temperature": "151 C", "seq": 9})");
  add(*door, topic, R"({"temperature": "80 F", "seq": 10})");
  REQUIRE(door->commit());
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.valid == 2);
  CHECK(stats.invalid == 2);
  CHECK(stats.coerced == 1);
  CHECK(house.log.count(R"(message 1 on sensors/hall/temperature: l 1.0: /temperature: "27.930 C" )"
                        R"(was read as float; l 1.0: /seq: "7" was read as integer)") == 1);
  CHECK(house.log.count("not as written") == 1);
  const auto& readings = house.durable.at(0)->readings;
  CHECK((readings[0].flags & flag::coerced) != 0);
  CHECK((readings[1].flags & flag::coerced) == 0);
  CHECK(readings[0].sequence == 7);

  // Whoever reads the journal has only the document in it.
  std::vector<std::shared_ptr<const Schema>> schemas;
  Batch batch;
  read_all(house.ingest->journal(), schemas, batch);
  REQUIRE(batch.readings.size() == 4);
  const Reading& again = batch.readings[0];
  CHECK(again.verdict == Verdict::valid);
  CHECK(again.flags == readings[0].flags);
  CHECK(again.payload == lenient_payload);
  CHECK(again.sequence == 7);
  CHECK(core::compare(again.values[0].as_decimal(), {2793, -2}) == 0);
  CHECK(batch.readings[2].verdict == Verdict::invalid);
  CHECK(batch.readings[2].reason == core::Rule::max);
  CHECK(batch.readings[3].reason == core::Rule::type);

  door.reset();
  house.open();
  const auto next = house.ingest->make_door();
  add(*next, topic, lenient_payload);
  REQUIRE(next->commit());
  CHECK(house.ingest->stats().duplicates == 1);
}

TEST_CASE(
    "a message that a custom function refuses is invalid, and the journal needs no function") {
  int calls = 0;
  ValidationFunctions functions;
  REQUIRE(functions.add("stepped", [&](const ValidationInput& input) -> std::optional<std::string> {
    ++calls;
    if (input.value("temperature").as_decimal().mantissa % 5 == 0) return {};
    return "the sensor counts in fives";
  }));
  const std::string document =
      "name: c\nversion: 1\ntopic_pattern: sensors/{device}/temperature\n"
      "validation: {custom: stepped, allow_extra_fields: true}\nsequence_field: seq\nfields:\n"
      "  - {name: temperature, type: float}\n  - {name: seq, type: integer}\n";
  std::vector<Diagnostic> diagnostics;
  auto schema = Schema::parse(document, "c.yaml", diagnostics, functions);
  REQUIRE(schema);
  auto set = SchemaSet::make({*schema}, diagnostics);
  REQUIRE(set);
  std::vector<std::string> told;
  IngestCallbacks callbacks;
  callbacks.on_invalid = [&](const Reading& reading, const std::vector<std::string>& problems) {
    CHECK(reading.values.empty());
    CHECK(reading.extra.empty());
    told.insert(told.end(), problems.begin(), problems.end());
  };
  House house(*set, callbacks);
  auto door = house.ingest->make_door();
  add(*door, topic, R"({"temperature": 25, "seq": 1})");
  add(*door, topic, R"({"temperature": 26, "seq": 2, "more": 1})");
  add(*door, topic, R"({"temperature": "x", "seq": 3})");
  REQUIRE(door->commit());
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.valid == 1);
  CHECK(stats.invalid == 2);
  CHECK(stats.invalid_by_rule.at(static_cast<std::size_t>(core::Rule::custom)) == 1);
  REQUIRE(told.size() == 2);
  CHECK(told[0] == "c 1.0: (document): breaks custom stepped: the sensor counts in fives");

  // After a restart with other schemas, only the document in the journal is left.
  const int calls_before = calls;
  house.schemas = schema_set({});
  door.reset();
  house.open();
  CHECK(house.log.count("name a schema that is not known") == 0);
  std::vector<std::shared_ptr<const Schema>> known;
  Batch batch;
  read_all(house.ingest->journal(), known, batch);
  REQUIRE(batch.readings.size() == 3);
  CHECK(batch.readings[0].verdict == Verdict::valid);
  CHECK(batch.readings[0].sequence == 1);
  CHECK(batch.readings[1].verdict == Verdict::invalid);
  CHECK(batch.readings[1].reason == core::Rule::custom);
  CHECK(batch.readings[2].reason == core::Rule::type);
  CHECK(calls == calls_before);
}
