// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

namespace {

using namespace schema_test;
using telemetry::incompatibilities;
using Reasons = std::vector<std::string>;

std::string version(const std::string& minor, const std::string& more, const std::string& fields) {
  return "name: t\nversion: 1." + minor + "\n" + more + "fields: [" + fields + "]\n";
}

/// From one field to another, in a schema with a second field.
Reasons change(const std::string& before, const std::string& after) {
  const std::string topic = "topic_pattern: a/{device}\n";
  const std::string second = ", {name: other, type: float}";
  return incompatibilities(*good(version("0", topic, before + second)),
                           *good(version("1", topic, after + second)));
}

Reasons change_head(const std::string& before, const std::string& after) {
  const std::string fields =
      "{name: t, type: timestamp}, {name: u, type: timestamp}, {name: n, type: integer}, "
      "{name: m, type: integer}";
  return incompatibilities(*good(version("0", before, fields)), *good(version("1", after, fields)));
}

TEST_CASE("a version that only adds and widens is compatible") {
  CHECK(change("{name: x, type: float, min: 0, max: 10, required: true}",
               "{name: x, type: float, min: -1, unit: V, aliases: [y]}, {name: z, type: string, "
               "required: false, default: a}")
            .empty());
  CHECK(change("{name: x, type: string, min_length: 2, max_length: 3, pattern: a, enum: [aa, aab]}",
               "{name: x, type: string, min_length: 1, max_length: 9, enum: [aa, aab, c]}")
            .empty());
  CHECK(change("{name: x, type: object, fields: [{name: y, type: float}]}",
               "{name: x, type: object, fields: [{name: y, type: float}, {name: z, type: any}]}")
            .empty());
  CHECK(change("{name: x, type: float, requires: other}", "{name: x, type: float}").empty());
  CHECK(change("{name: x, type: float, less_than: other}",
               "{name: x, type: float, less_or_equal: other, not_equal: other}")
            .empty());
  CHECK(change("{name: x, type: float, less_than: other}", "{name: x, type: float}").empty());
  CHECK(change("{name: x, type: float, less_than: z}, {name: z, type: float}",
               "{name: x, type: float}, {name: z, type: float, greater_than: x}")
            .empty());
  CHECK(change("{name: x, type: float}", "{name: x, type: float}, {name: y, type: float, equal: x}")
            .empty());
  CHECK(change("{name: x, type: float}",
               "{name: x, type: float}, {name: o, type: object, fields: [{name: i, type: float, "
               "required: true}]}")
            .empty());
}

TEST_CASE("each way to narrow a field is named") {
  CHECK(change("{name: x, type: float}", "{name: y, type: float}") == Reasons{"field x is gone"});
  CHECK(change("{name: x, type: integer}", "{name: x, type: float}") ==
        Reasons{"field x was of type integer"});
  CHECK(change("{name: x, type: float}", "{name: x, type: float, required: true}") ==
        Reasons{"field x was not required"});
  CHECK(change("{name: x, type: float}",
               "{name: x, type: float}, {name: y, type: float, required: true}") ==
        Reasons{"new field y is required"});
  CHECK(change("{name: x, type: float, unit: C}", "{name: x, type: float, unit: F}") ==
        Reasons{"field x was in C"});
  CHECK(change("{name: x, type: float, min: 1}", "{name: x, type: float, min: 1.01}") ==
        Reasons{"field x: min 1.01 is narrower"});
  CHECK(change("{name: x, type: float}", "{name: x, type: float, max: 5}") ==
        Reasons{"field x: max 5 is narrower"});
  CHECK(change("{name: x, type: string}", "{name: x, type: string, min_length: 1}") ==
        Reasons{"field x: min_length 1 is narrower"});
  CHECK(change("{name: x, type: array, max_items: 5}", "{name: x, type: array, max_items: 4}") ==
        Reasons{"field x: max_items 4 is narrower"});
  CHECK(change("{name: x, type: string, pattern: a}", "{name: x, type: string, pattern: b}") ==
        Reasons{"field x: the pattern has changed"});
  CHECK(change("{name: x, type: string, enum: [a, b]}", "{name: x, type: string, enum: [b]}") ==
        Reasons{"field x: enum value \"a\" is gone"});
  CHECK(change("{name: x, type: string}", "{name: x, type: string, enum: [b]}") ==
        Reasons{"field x: enum is new"});
  CHECK(change("{name: x, type: float, aliases: [y]}", "{name: x, type: float}") ==
        Reasons{"field x: alias y is gone"});
  CHECK(change("{name: x, type: float}", "{name: x, type: float, requires: other}") ==
        Reasons{"field x: newly requires other"});
  CHECK(change("{name: x, type: float}", "{name: x, type: float, less_than: other}") ==
        Reasons{"field x: newly less_than other"});
  CHECK(change("{name: x, type: float, less_or_equal: other}",
               "{name: x, type: float, less_than: other}") ==
        Reasons{"field x: newly less_than other"});
  CHECK(change("{name: x, type: timestamp, time_format: s}",
               "{name: x, type: timestamp, time_format: ms}") ==
        Reasons{"field x: time_format was s"});
  CHECK(change("{name: x, type: object, fields: [{name: y, type: float}]}",
               "{name: x, type: object, fields: [{name: y, type: string}]}") ==
        Reasons{"field x.y was of type float"});
  CHECK(change("{name: x, type: array, items: {type: float}}",
               "{name: x, type: array, items: {type: float, max: 1}}") ==
        Reasons{"field x[]: max 1 is narrower"});
}

TEST_CASE("each way to change the meaning of the head is named") {
  const std::string topic = "topic_pattern: a/{device}\n";
  CHECK(change_head(topic, topic).empty());
  CHECK(change_head(topic, topic + "time_field: t\nsequence_field: n\n").empty());
  CHECK(change_head(topic + "time_field: t\n", topic + "time_field: u\n") ==
        Reasons{"time_field was t"});
  CHECK(change_head(topic + "sequence_field: n\n", topic + "sequence_field: m\n") ==
        Reasons{"sequence_field was n"});
  CHECK(change_head(topic + "sequence_field: n\n",
                    topic + "sequence_field: n\nsequence_scope: device\n") ==
        Reasons{"sequence_scope has changed"});
  CHECK(change_head(topic, topic + "time_zone: \"+01:00\"\n") == Reasons{"time_zone has changed"});
  CHECK(change_head(topic + "validation: {allow_extra_fields: true}\n", topic) ==
        Reasons{"allow_extra_fields was true"});
}

TEST_CASE("a minor version may become lenient, but not strict") {
  const std::string topic = "topic_pattern: a\n";
  const std::string lenient = topic + "validation: {strict: false}\n";
  CHECK(change_head(topic, lenient).empty());
  CHECK(change_head(lenient, topic) == Reasons{"strict was false"});
}

TEST_CASE("a minor version keeps or widens the topics, and names the device at the same level") {
  const auto topics = [](const std::string& before, const std::string& after) {
    return change_head("topic_pattern: \"" + before + "\"\n", "topic_pattern: \"" + after + "\"\n");
  };
  CHECK(topics("a/b", "a/+").empty());
  CHECK(topics("a/{device}/c", "a/{device}/#").empty());
  CHECK(topics("a/#", "#").empty());
  CHECK(topics("a", "a/#").empty());
  CHECK(topics("a/{device}", "a/b") == Reasons{"topic_pattern a/b does not cover a/{device}",
                                               "another topic level names the device"});
  CHECK(topics("a/#", "a/+").size() == 1);
  CHECK(topics("a/b/c", "a/b").size() == 1);
  CHECK(topics("a/{device}/+", "a/+/{device}") == Reasons{"another topic level names the device"});
}

/// "field key: before -> after" of each difference.
std::vector<std::string> told(const std::string& before, const std::string& after) {
  std::vector<std::string> out;
  for (const auto& change : telemetry::differences(*good(before), *good(after))) {
    out.push_back(change.field + " " + change.key + ": " + change.before + " -> " + change.after);
    using enum telemetry::SchemaChange::Kind;
    CHECK(change.kind == (change.before.empty()  ? added
                          : change.after.empty() ? removed
                                                 : changed));
  }
  return out;
}

TEST_CASE("the differences of two schemas are told field by field") {
  const std::string topic = "topic_pattern: a/{device}\n";
  const std::string before =
      version("0", topic,
              "{name: kept, type: float, max: 5, unit: V}, "
              "{name: gone, type: string}, "
              "{name: place, type: object, fields: [{name: x, type: float}]}, "
              "{name: list, type: array, items: {type: float, min: 1}}");
  const std::string after =
      version("1", "topic_pattern: a/#\nvalidation: {allow_extra_fields: true}\n",
              "{name: kept, type: integer, validation: {max: 6}}, "
              "{name: place, type: object, fields: [{name: x, type: float, required: true}, "
              "{name: y, type: float}]}, "
              "{name: list, type: array, items: {type: float, min: 2}}, "
              "{name: fresh, type: string, unit: kWh, default: none}");
  CHECK(told(before, after) ==
        Reasons{" topic_pattern: \"a/{device}\" -> \"a/#\"", " allow_extra_fields:  -> true",
                "kept type: \"float\" -> \"integer\"", "kept unit: \"V\" -> ", "kept max: 5 -> 6",
                "gone : {\"type\":\"string\"} -> ", "place.x required:  -> true",
                "place.y :  -> {\"type\":\"float\"}", "list[] min: 1 -> 2",
                "fresh :  -> {\"type\":\"string\",\"unit\":\"kWh\",\"default\":\"none\"}"});
}

TEST_CASE("what does not change how a payload is judged is no difference") {
  const std::string topic = "topic_pattern: a\n";
  CHECK(told(version("0", topic, "{name: x, type: float, description: old, validation: {max: 5}}"),
             version("1", topic, "{max: 5.0, type: number, name: x}"))
            .empty());
}

TEST_CASE("another order of the fields is a difference") {
  const std::string topic = "topic_pattern: a\n";
  CHECK(told(version("0", topic, "{name: x, type: float}, {name: y, type: float}"),
             version("0", topic, "{name: y, type: float}, {name: x, type: float}")) ==
        Reasons{" order of fields: [\"x\",\"y\"] -> [\"y\",\"x\"]"});
}

}  // namespace
