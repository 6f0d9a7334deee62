// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "json_schema.hpp"

namespace {

using namespace schema_test;
using telemetry::core::FieldType;
using telemetry::core::Rule;

const std::string station = head + R"(time_field: at
sequence_field: seq
json_schema:
  $schema: http://json-schema.org/draft-07/schema#
  title: A weather station
  type: object
  required: [temperature, at]
  additionalProperties: false
  properties:
    temperature: {type: number, minimum: -50, exclusiveMaximum: 150, x-unit: "°C"}
    humidity: {type: [number, 'null'], minimum: 0, maximum: 100, multipleOf: 0.5}
    at: {type: string, format: date-time}
    seq: {type: integer, minimum: 0}
    mode: {enum: [auto, manual], default: auto}
    place:
      type: object
      properties: {lat: {type: number}, lon: {type: number}}
      dependencies: {lat: [lon]}
  if: {properties: {mode: {const: manual}}, required: [mode]}
  then: {required: [humidity]}
)";

TEST_CASE("a JSON Schema document gives typed columns, units, time and sequence") {
  const auto schema = good(station);
  std::string slots;
  for (const auto& slot : schema->slots())
    slots += slot.path + ":" + std::to_string(static_cast<int>(slot.type)) + slot.unit +
             (slot.required ? "!" : "") + " ";
  const auto number = [](FieldType type) { return std::to_string(static_cast<int>(type)); };
  CHECK(slots ==
        "temperature:" + number(FieldType::number) + "°C! humidity:" + number(FieldType::number) +
            " at:" + number(FieldType::timestamp) + "! seq:" + number(FieldType::integer) +
            " mode:" + number(FieldType::string) + " place.lat:" + number(FieldType::number) +
            " place.lon:" + number(FieldType::number) + " ");
  CHECK(schema->slots()[schema->view().time_slot].path == "at");
  CHECK(schema->slots()[schema->view().sequence_slot].path == "seq");
  REQUIRE(schema->view().defaults.size() == 1);
}

TEST_CASE("a broken keyword is told with schema, path, keyword, value found and value allowed") {
  const auto schema = good(station);
  const std::string rest = R"(, "at": "2026-01-31T12:00:00Z"})";
  CHECK(told(*schema, R"({"temperature": 20, "humidity": null, "mode": "manual")" + rest) ==
        Told{});
  CHECK(told(*schema, R"({"temperature": 150, "mode": null, "place": {"lat": 1})" + rest) ==
        Told{"t 1.0: /temperature: 150 is not below exclusive_max 150",
             "t 1.0: /mode: null is not of type string",
             "t 1.0: /place/lon: is missing or null, but another field requires it"});
  CHECK(told(*schema, R"({"temperature": 20, "humidity": 0.7, "mode": "auto")" + rest) ==
        Told{"t 1.0: /humidity: 0.7 breaks multipleOf 0.5"});
  const Told manual = told(*schema, R"({"temperature": 20, "mode": "manual")" + rest);
  REQUIRE(manual.size() == 1);
  CHECK_THAT(manual[0], Catch::StartsWith("t 1.0: (document): {\"temperature\":20,\"mode\":") &&
                            Catch::Contains("breaks if {"));
}

TEST_CASE("a deep mistake is told with its own place") {
  const auto schema = good(with_document(
      R"({"properties": {"a": true}, "additionalProperties": {"type": "object",
          "properties": {"x/y": {"type": "array", "items": {"maximum": 3}}}}})"));
  CHECK(told(*schema, R"({"a": 1, "b": {"x/y": [1, 7]}})") ==
        Told{R"(t 1.0: /b/x~1y/1: breaks properties {"additionalProperties":{"properties":)"
             R"({"x/y":{"items":{"maximum":3},"type":"array"}},"type":"object"},)"
             R"("properties":{"a":true}}: breaks maximum 3)"});
}

TEST_CASE("a schema whose keywords are all in the tables has no second judge") {
  CHECK_FALSE(good(with_member(R"({"type": "number", "exclusiveMinimum": 3})"))->has_json_schema());
  CHECK(good(with_member(R"({"type": "number", "multipleOf": 3})"))->has_json_schema());
}

TEST_CASE("layout, order of keywords, remarks and references are no part of the identity") {
  const auto one =
      good(head + "json_schema:\n  properties:\n    a: {type: number, not: {const: 1}}\n");
  const auto other = good(head + R"(json_schema: {
    "$comment": "x", "title": "t", "definitions": {"n": {"not": {"const": 1.0}, "type": "number",
    "examples": [2], "readOnly": true}}, "type": "object",
    "properties": {"a": {"$ref": "#/definitions/n"}}})");
  CHECK(one->document() == other->document());
  CHECK(one->document() ==
        R"({"name":"t","version":"1.0","topic_pattern":"a/{device}/b","validation":)"
        R"({"allow_extra_fields":true,"nulls":"refused"},"fields":[{"name":"a","type":"float",)"
        R"("validation":{"json_schema":{"not":{"const":1}}}}]})");
  CHECK(one->id() == again(*one)->id());
  const auto changed =
      good(head + "json_schema: {properties: {a: {type: number, not: {const: 2}}}}\n");
  CHECK(changed->id() != one->id());
}

TEST_CASE("a new keyword is incompatible and shows as a difference, a dropped one is not") {
  const auto next = [](const std::string& version, const std::string& v) {
    std::string text = with_member(v);
    return good(text.replace(text.find("1.0"), 3, version));
  };
  const auto plain = next("1.0", R"({"type": "integer"})");
  const auto even = next("1.1", R"({"type": "integer", "multipleOf": 2})");
  const auto odd = next("1.2", R"({"type": "integer", "not": {"multipleOf": 2}})");
  CHECK(incompatibilities(*plain, *even) ==
        std::vector<std::string>{"field v: JSON Schema multipleOf is new or other"});
  CHECK(incompatibilities(*even, *plain).empty());
  CHECK(incompatibilities(*even, *odd).size() == 1);
  const auto changes = differences(*plain, *even);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].field == "v");
  CHECK(changes[0].key == "json_schema");
  CHECK(changes[0].after == R"({"multipleOf":2})");
}

TEST_CASE("narrower nulls, bounds and extra fields are incompatible") {
  const auto of = [](const std::string& v) { return good(with_member(v)); };
  const auto reasons = [&](const char* before, const char* after) {
    return incompatibilities(*of(before), *of(after)).size();
  };
  CHECK(reasons(R"({"type": ["number", "null"]})", R"({"type": "number"})") == 1);
  CHECK(reasons(R"({"type": "number"})", R"({"type": ["number", "null"]})") == 0);
  CHECK(reasons(R"({"type": "number", "minimum": 1})",
                R"({"type": "number", "exclusiveMinimum": 1})") == 1);
  CHECK(reasons(R"({"type": "number", "exclusiveMinimum": 1})",
                R"({"type": "number", "minimum": 1})") == 0);
  const char* open = R"({"type": "object", "properties": {"a": true}})";
  const char* closed =
      R"({"type": "object", "properties": {"a": true}, "additionalProperties": false})";
  CHECK(reasons(open, closed) == 1);
  CHECK(reasons(closed, open) == 0);
}

TEST_CASE("a field of a native schema may have a rule in JSON Schema") {
  const auto schema = good(with_fields(
      "  - {name: a, type: integer, aliases: [b], validation: {json_schema: {multipleOf: 2}}}\n"
      "  - {name: l, type: array, items: {type: float, json_schema: {not: {const: 3}}}}\n"));
  CHECK(told(*schema, R"({"a": 2, "l": [1]})") == Told{});
  CHECK(told(*schema, R"({"b": 3, "l": [1, 3]})") ==
        Told{"t 1.0: /b: 3 breaks multipleOf 2", "t 1.0: /l/1: 3 breaks not {\"const\":3}"});
  CHECK(told(*schema, R"({"a": null})") == Told{});
}

TEST_CASE("a payload with too many values or a key twice is not judged but refused") {
  const auto schema = good(with_document(R"({"properties": {"a": true}, "minProperties": 1})"));
  std::string many = R"({"a": [0)";
  for (int i = 0; i < 100'000; ++i) many += ",0";
  CHECK(told(*schema, many + "]}") == Told{"t 1.0: (document): has more than 100000 values"});
  CHECK(told(*schema, R"({"a": {"k": 1, "k": 2}})") ==
        Told{"t 1.0: (document): has the key 'k' twice in one object"});
}

TEST_CASE("uniqueItems of a long array and a pattern on a long text take no time to speak of") {
  const auto schema = good(with_document(
      R"({"properties": {"a": {"type": "array", "uniqueItems": true},
                         "s": {"not": {"pattern": "^(a+)+$"}}}})"));
  std::string list = R"({"a": [0)";
  for (int i = 1; i < 90'000; ++i) list += "," + std::to_string(i);
  CHECK(told(*schema, list + "]}") == Told{});
  CHECK(told(*schema, R"({"s": ")" + std::string(1'000'000, 'a') + R"(b"})") == Told{});
}

TEST_CASE("many threads judge with one schema") {
  const auto schema = good(station);
  const std::string payload =
      R"({"temperature": 20, "humidity": 0.7, "at": "2026-01-31T12:00:00Z"})";
  std::vector<std::thread> threads;
  std::vector<int> broken(4, 0);
  for (std::size_t i = 0; i < broken.size(); ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 100; ++n) {
        std::vector<telemetry::core::Violation> violations(4);
        broken[i] += static_cast<int>(schema->check_json_schema(payload, violations));
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(broken == std::vector<int>(4, 100));
}

}  // namespace
