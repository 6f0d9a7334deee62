// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "support.hpp"

namespace {

using namespace schema_test;
using telemetry::Schema;
using telemetry::SlotInfo;
using telemetry::core::compare;
using telemetry::core::FieldType;
using telemetry::core::Key;
using telemetry::core::no_index;
using telemetry::core::Node;
using telemetry::core::SchemaView;
using telemetry::core::TimeFormat;
using telemetry::core::Value;
using telemetry::core::ValueKind;

const Node& node_of(const Schema& schema, std::string_view key) {
  for (const Key& one : schema.view().keys) {
    if (one.name == key) return schema.view().nodes[one.node];
  }
  FAIL("no key " << key);
  return schema.view().nodes[0];
}

TEST_CASE("every declared leaf gets a slot, in document order, with its dotted path") {
  const auto schema = good(with_fields(
      "  - {name: a, type: float, unit: V, required: true}\n"
      "  - name: location\n    type: object\n    required: true\n    fields:\n"
      "      - {name: lat, type: number, required: true}\n"
      "      - {name: inner, type: object, fields: [{name: on, type: boolean, required: true}]}\n"
      "  - {name: list, type: array, items: {type: object, fields: [{name: q, type: float}]}}\n"
      "  - {name: z, type: any}\n"));
  const std::vector<SlotInfo>& slots = schema->slots();
  REQUIRE(slots.size() == 5);
  CHECK(schema->view().slot_count == 5);
  CHECK(slots[0].path == "a");
  CHECK(slots[0].unit == "V");
  CHECK(slots[0].required);
  CHECK(slots[1].path == "location.lat");
  CHECK(slots[1].type == FieldType::number);
  CHECK(slots[1].required);
  CHECK(slots[2].path == "location.inner.on");
  CHECK_FALSE(slots[2].required);
  CHECK(slots[3].path == "list");
  CHECK(slots[3].type == FieldType::array);
  CHECK(slots[4].path == "z");
}

TEST_CASE("the keys of one object are adjacent, each name before its aliases") {
  const auto schema = good(with_fields(
      "  - {name: a, type: object, fields: [{name: x, type: float}, {name: y, type: float}]}\n"
      "  - {name: b, type: float, aliases: [bee, B], required: true}\n"
      "  - {name: c, type: float, aliases: sea}\n"));
  const SchemaView& view = schema->view();
  REQUIRE(view.nodes[0].type == FieldType::object);
  REQUIRE(view.nodes[0].count == 6);
  CHECK(view.nodes[0].fields == 3);
  std::vector<std::string> names;
  std::vector<int> fields;
  for (const Key& key : view.keys.subspan(view.nodes[0].first, view.nodes[0].count)) {
    names.emplace_back(key.name);
    fields.push_back(key.field);
  }
  CHECK(names == std::vector<std::string>{"a", "b", "bee", "B", "c", "sea"});
  CHECK(fields == std::vector<int>{0, 1, 1, 1, 2, 2});
  const Node& a = node_of(*schema, "a");
  CHECK(a.slot == no_index);
  REQUIRE(a.count == 2);
  CHECK(view.keys[a.first].name == "x");
  CHECK(view.keys[a.first + 1u].name == "y");
}

TEST_CASE("bounds are exactly the decimals that the file says") {
  const auto schema = good(
      with_fields("  - {name: x, type: float, validation: {min: -0.1, max: 123456789.012345678}}\n"
                  "  - {name: y, type: integer, min: -9223372036854775807, max: 1e3}\n"));
  const SchemaView& view = schema->view();
  const Node& x = node_of(*schema, "x");
  CHECK(view.bounds[x.min].mantissa == -1);
  CHECK(view.bounds[x.min].exponent == -1);
  CHECK(view.bounds[x.max].mantissa == 123456789012345678);
  CHECK(view.bounds[x.max].exponent == -9);
  const Node& y = node_of(*schema, "y");
  CHECK(compare(view.bounds[y.min], {-9223372036854775807, 0}) == 0);
  CHECK(compare(view.bounds[y.max], {1000, 0}) == 0);
}

TEST_CASE("rules may stand in `validation` or beside the name") {
  const std::string inside =
      "  - {name: s, type: string, validation: {min_length: 1, max_length: 4, enum: [on, off]}}\n"
      "  - {name: l, type: array, validation: {min_items: 1, max_items: 3}}\n";
  const std::string beside =
      "  - {name: s, type: string, min_length: 1, max_length: 4, enum: [on, off]}\n"
      "  - {name: l, type: array, min_items: 1, max_items: 3}\n";
  const auto schema = good(with_fields(inside));
  CHECK(schema->id() == good(with_fields(beside))->id());
  const Node& s = node_of(*schema, "s");
  CHECK(s.length_min == 1);
  CHECK(s.length_max == 4);
  REQUIRE(s.count == 2);
  CHECK(schema->view().enums[s.first].as_text() == "on");
  CHECK(schema->view().enums[s.first + 1u].as_text() == "off");
  const Node& l = node_of(*schema, "l");
  CHECK(l.length_min == 1);
  CHECK(l.length_max == 3);
  CHECK(schema->view().nodes[l.first].type == FieldType::any);
}

TEST_CASE("enums and defaults have the kind of their field") {
  const auto schema =
      good(with_fields("  - {name: i, type: integer, enum: [1, 2e1], default: 20}\n"
                       "  - {name: f, type: float, enum: [0.5, 2], default: 2}\n"
                       "  - {name: b, type: boolean, default: true}\n"
                       "  - {name: s, type: string, default: \"\"}\n"
                       "  - {name: t, type: timestamp, default: 2026-01-02T03:04:05Z}\n"
                       "  - {name: n, type: float, default: null}\n"));
  const SchemaView& view = schema->view();
  CHECK(view.enums[node_of(*schema, "i").first + 1u].kind() == ValueKind::integer);
  CHECK(view.enums[node_of(*schema, "i").first + 1u].as_integer() == 20);
  CHECK(view.enums[node_of(*schema, "f").first].kind() == ValueKind::decimal);
  CHECK(compare(view.enums[node_of(*schema, "f").first].as_decimal(), {5, -1}) == 0);
  REQUIRE(view.defaults.size() == 5);
  CHECK(view.defaults[0].value.as_integer() == 20);
  CHECK(view.defaults[1].value.kind() == ValueKind::decimal);
  CHECK(view.defaults[2].value.kind() == ValueKind::boolean);
  CHECK(view.defaults[3].value.kind() == ValueKind::text);
  CHECK(view.defaults[3].value.as_text().empty());
  CHECK(view.defaults[4].value.kind() == ValueKind::time);
  CHECK(view.defaults[4].value.as_integer() == 1'767'323'045'000'000'000);
  CHECK(view.defaults[4].slot == 4);
}

TEST_CASE("patterns search anywhere in the text, as in JSON Schema") {
  const auto schema =
      good(with_fields("  - {name: a, type: string, pattern: \"b+\"}\n"
                       "  - {name: b, type: string, pattern: \"^sensor-\\\\d{3,}$\"}\n"));
  const auto hook = schema->pattern_hook();
  const auto matches = [&](std::string_view key, std::string_view text) {
    return hook.matches(hook.context, node_of(*schema, key).pattern, text);
  };
  CHECK(matches("a", "abc"));
  CHECK_FALSE(matches("a", "acd"));
  CHECK(matches("b", "sensor-0001"));
  CHECK_FALSE(matches("b", "sensor-0001\n"));
  CHECK_FALSE(matches("b", "a sensor-0001"));
  CHECK_FALSE(matches("b", std::string_view("sensor-000\0", 11)));
}

TEST_CASE("a top-level `timestamp` is the time field where none is named") {
  const auto implied = good(with_fields("  - {name: timestamp, type: timestamp}\n"));
  CHECK(implied->view().time_slot == 0);
  const auto named =
      good(head + "time_field: timestamp\nfields: [{name: timestamp, type: timestamp}]\n");
  CHECK(named->id() == implied->id());
  const auto other = good(head +
                          "time_field: m.at\nfields:\n  - {name: timestamp, type: timestamp}\n"
                          "  - {name: m, type: object, fields: [{name: at, type: timestamp}]}\n");
  CHECK(other->view().time_slot == 1);
  CHECK(good(with_fields("  - {name: timestamp, type: integer}\n"))->view().time_slot == no_index);
  CHECK(good(with_fields("  - {name: time, type: timestamp}\n"))->view().time_slot == no_index);
}

TEST_CASE("time format, time zone and sequence reach the tables") {
  const auto schema = good(head +
                           "time_field: t\ntime_format: ms\ntime_zone: \"-05:30\"\n"
                           "sequence_field: n\nsequence_scope: device\n"
                           "validation: {allow_extra_fields: true}\n"
                           "fields:\n  - {name: t, type: timestamp}\n"
                           "  - {name: u, type: timestamp, time_format: rfc3339}\n"
                           "  - {name: n, type: integer}\n"
                           "  - {name: o, type: object, fields: [{name: x, type: any}]}\n");
  CHECK(node_of(*schema, "t").time_format == TimeFormat::ms);
  CHECK(node_of(*schema, "u").time_format == TimeFormat::rfc3339);
  CHECK(schema->view().zone_offset_s == -(5 * 3600 + 30 * 60));
  CHECK(schema->view().sequence_slot == 2);
  CHECK(schema->sequence_per_device());
  CHECK(schema->view().nodes[0].extra_allowed);
  CHECK(node_of(*schema, "o").extra_allowed);
}

TEST_CASE("`requires` becomes field numbers of the same object") {
  const auto schema =
      good(with_fields("  - {name: a, type: float}\n  - name: o\n    type: object\n    fields:\n"
                       "      - {name: lat, type: float, requires: lon}\n"
                       "      - {name: lon, type: float, requires: [lat]}\n"));
  REQUIRE(schema->view().requires_.size() == 2);
  const auto& first = schema->view().requires_[0];
  CHECK(&schema->view().nodes[first.node] == &node_of(*schema, "o"));
  CHECK(first.field == 0);
  CHECK(first.needs == 1);
}

TEST_CASE("the device is the {device} level, else the first +, else nothing") {
  const auto device = [](const std::string& pattern, std::string_view topic) {
    const auto schema = good("name: t\nversion: 1\ntopic_pattern: \"" + pattern +
                             "\"\nfields: [{name: x, type: any}]\n");
    return std::string(schema->device(topic));
  };
  CHECK(device("sensors/{device}/temperature", "sensors/s1/temperature") == "s1");
  CHECK(device("+/site/{device}", "a/site/d") == "d");
  CHECK(device("a/+/+", "a/b/c") == "b");
  CHECK(device("{device}/#", "d1/x/y").compare("d1") == 0);
  CHECK(device("a/b", "a/b").empty());
  CHECK(device("a/#", "a/b").empty());
}

TEST_CASE("a version is MAJOR.MINOR, read as text") {
  const auto version = [](const std::string& text) {
    return good("name: t\nversion: " + text +
                "\ntopic_pattern: a\nfields: [{name: x, type: any}]\n")
        ->version();
  };
  CHECK(version("1") == telemetry::SchemaVersion{1, 0});
  CHECK(version("1.10") == telemetry::SchemaVersion{1, 10});
  CHECK(version("\"2.3\"") == telemetry::SchemaVersion{2, 3});
  CHECK(version("1.2.0") == telemetry::SchemaVersion{1, 2});
}

TEST_CASE("a schema without a version is version 1.0") {
  const auto schema = good("name: t\ntopic_pattern: a\nfields: [{name: x, type: any}]\n");
  CHECK(schema->version() == telemetry::SchemaVersion{1, 0});
  CHECK(schema->id() ==
        good("name: t\nversion: 1.0\ntopic_pattern: a\nfields: [{name: x, type: any}]\n")->id());
  CHECK(good("name: t\nversion:\ntopic_pattern: a\nfields: [{name: x, type: any}]\n")->id() ==
        schema->id());
}

TEST_CASE("names that SQL reserves are ordinary field names") {
  const auto schema = good(
      with_fields("  - {name: id, type: integer}\n  - {name: topic, type: string}\n"
                  "  - {name: time, type: timestamp}\n  - {name: received_at, type: timestamp}\n"
                  "  - {name: flags, type: integer}\n  - {name: extra, type: any}\n"
                  "  - {name: select, type: string}\n  - {name: \"a\\\"b\", type: string}\n"));
  CHECK(schema->slots().size() == 8);
}

TEST_CASE("an unquoted word in a string enum is a string, also on and off") {
  const auto schema = good(with_fields("  - {name: s, type: string, enum: [on, off, yes, ~x]}\n"));
  CHECK(schema->view().enums.size() == 4);
}

TEST_CASE("a parsed schema judges payloads") {
  const auto schema =
      good(with_fields("  - {name: x, type: float, required: true, min: 0}\n"
                       "  - {name: mode, type: string, default: auto, enum: [auto, manual]}\n"
                       "  - {name: tag, type: string, pattern: \"^[a-z]+$\"}\n"));
  telemetry::core::Violation violations[8];
  Value values[3];
  char scratch[256];
  telemetry::core::Extra extras[1];
  const auto judge = [&](std::string_view payload) {
    return telemetry::core::decode(schema->view(), payload, {values, scratch, violations, extras},
                                   schema->pattern_hook());
  };
  CHECK(judge(R"({"x": 0.5, "tag": "abc"})").ok());
  CHECK(values[1].as_text() == "auto");
  CHECK(judge(R"({"x": -1, "tag": "ABC", "mode": "off", "y": 1})").violations == 4);
  CHECK(judge(R"({"tag": "abc"})").first == telemetry::core::Rule::required);
}

}  // namespace
