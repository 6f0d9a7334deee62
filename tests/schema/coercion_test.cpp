// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "schema/specification.hpp"
#include "support.hpp"

namespace {

using namespace schema_test;
using telemetry::Schema;
using telemetry::core::Extra;
using telemetry::core::Rule;
using telemetry::core::Value;
using telemetry::core::ValueKind;
using telemetry::core::Violation;

/// One payload, judged as the door does it.
struct Judged {
  Judged(const Schema& schema, std::string text)
      : payload(std::move(text)),
        values(schema.view().slot_count),
        scratch(payload.size() + 1),
        violations(16),
        extras(4),
        coercions(2) {
    result = telemetry::core::decode(schema.view(), payload, {values, scratch, violations, extras},
                                     schema.pattern_hook(), schema.coercion_hook(), coercions);
  }
  std::string payload;
  std::vector<Value> values;
  std::vector<char> scratch;
  std::vector<Violation> violations;
  std::vector<Extra> extras;
  std::vector<Violation> coercions;
  telemetry::core::DecodeResult result;
};

std::string text_of(const Value& value) {
  switch (value.kind()) {
    case ValueKind::null:
      return "null";
    case ValueKind::boolean:
      return value.as_integer() != 0 ? "true" : "false";
    case ValueKind::integer:
    case ValueKind::time:
      return std::to_string(value.as_integer());
    case ValueKind::decimal:
      return telemetry::schemas::number_text(value.as_decimal());
    case ValueKind::text:
    case ValueKind::json:
      return "'" + std::string(value.as_text()) + "'";
  }
  return "?";
}

const std::string lenient = head + "validation: {strict: false}\n";

/// The value that field x, declared so, has after reading `json`, or the rule that it breaks.
std::string read(const std::string& declared, const std::string& json,
                 const std::string& schema_head = lenient) {
  const auto schema = good(schema_head + "fields:\n  - {name: x, " + declared + "}\n");
  const Judged judged(*schema, "{\"x\": " + json + "}");
  CHECK(judged.result.coercions <= 1);
  if (judged.result.ok()) return text_of(judged.values[0]);
  return std::string(to_string(judged.result.first));
}

TEST_CASE("lenient mode reads a text that is a number, exactly") {
  CHECK(read("type: float", R"("23.5")") == "23.5");
  CHECK(read("type: float", R"(" -0.1e2\t")") == "-10");
  CHECK(read("type: float", R"("9007199254740993.1")") == "9007199254740993.1");
  CHECK(read("type: integer", R"("42")") == "42");
  CHECK(read("type: integer", R"("9223372036854775807")") == "9223372036854775807");
  CHECK(read("type: integer", R"("4.20e1")") == "42");
  CHECK(read("type: integer", R"("\u0034\u0032")") == "42");
  for (const char* text : {"", " ", "abc", "23,5", "1_000", "+5", ".5", "5.", "007", "0x10", "NaN",
                           "1 2", "--1", "true", "23.5\\u0000"}) {
    CAPTURE(text);
    CHECK(read("type: float", fmt::format("\"{}\"", text)) == "type");
  }
  CHECK(read("type: integer", R"("4.5")") == "type");
  CHECK(read("type: integer", R"("1e19")") == "number_range");
  CHECK(read("type: float", R"("1e99999")") == "number_range");
  CHECK(read("type: float", R"("0.33333333333333333333")") == "0.3333333333333333333");
  CHECK(read("type: float, max: 100", R"("100.00000000000000000001")") == "max");
  CHECK(read("type: boolean", "1.00000000000000000000001") == "type");
  CHECK(read("type: string", "12682136550675316736") == "'12682136550675316736'");
  CHECK(read("type: float", "true") == "type");
  CHECK(read("type: float", R"(["1"])") == "type");
}

TEST_CASE("lenient mode takes the declared unit behind a number, and never another") {
  const std::string celsius = "type: float, unit: \"°C\"";
  CHECK(read(celsius, R"("27.93 °C")") == "27.93");
  CHECK(read(celsius, R"("27.93°C")") == "27.93");
  CHECK(read(celsius, "\"27.93\u00a0\\u00b0C \"") == "27.93");
  CHECK(read(celsius, R"("27.93")") == "27.93");
  CHECK(read("type: integer, unit: \"%\"", R"("48 %")") == "48");
  // Units that are themselves part of a number, or begin like an exponent.
  CHECK(read("type: float, unit: \"1\"", R"("21")") == "21");
  CHECK(read("type: float, unit: eV", R"("5eV")") == "5");
  for (const char* text :
       {"80.1 °F", "300 K", "27.93 C", "27.93 °c", "°C", "°C 27.93", "27.93 °C °C", "27.93 °Cx"}) {
    CAPTURE(text);
    CHECK(read(celsius, fmt::format("\"{}\"", text)) == "type");
  }
  CHECK(read("type: float", R"("27.93 °C")") == "type");
}

TEST_CASE("lenient mode reads booleans where they cannot be mistaken") {
  for (const char* yes :
       {R"("true")", R"("True")", R"("TRUE")", "1", "1.0", R"("1")", R"(" true ")"}) {
    CAPTURE(yes);
    CHECK(read("type: boolean", yes) == "true");
  }
  for (const char* no : {R"("false")", R"("False")", R"("FALSE")", "0", "-0", "0.00", R"("0")"}) {
    CAPTURE(no);
    CHECK(read("type: boolean", no) == "false");
  }
  for (const char* neither : {"2", "-1", "0.5", R"("yes")", R"("on")", R"("t")", R"("")", "{}"}) {
    CAPTURE(neither);
    CHECK(read("type: boolean", neither) == "type");
  }
}

TEST_CASE("lenient mode keeps a number as the text it was written as") {
  CHECK(read("type: string", "17") == "'17'");
  CHECK(read("type: string", "-1.50e3") == "'-1.50e3'");
  CHECK(read("type: string", "true") == "type");
  CHECK(read("type: string", "{}") == "type");
}

TEST_CASE("lenient mode reads a number in a text as a time only where its unit is declared") {
  CHECK(read("type: timestamp, time_format: ms", R"("1762862400123")") == "1762862400123000000");
  CHECK(read("type: timestamp, time_format: ms", R"("2025-11-11T12:00:00Z")") == "type");
  CHECK(read("type: timestamp", R"("1762862400123")") == "time_format");
  CHECK(read("type: timestamp, time_format: rfc3339", "1762862400123") == "type");
}

TEST_CASE("what lenient mode has read must keep every other rule") {
  CHECK(read("type: float, max: 150", R"("150.1")") == "max");
  CHECK(read("type: integer, min: 0", R"("-1")") == "min");
  CHECK(read("type: integer, enum: [1, 2]", R"("2")") == "2");
  CHECK(read("type: integer, enum: [1, 2]", R"("3")") == "enum");
  CHECK(read("type: string, min_length: 3", "17") == "min_length");
  CHECK(read("type: string, pattern: \"^[0-9]$\"", "17") == "pattern");
  const auto schema = good(lenient +
                           "fields:\n  - {name: low, type: float, less_than: high}\n"
                           "  - {name: high, type: integer}\n");
  CHECK(Judged(*schema, R"({"low": "1.5", "high": "2"})").result.ok());
  CHECK(Judged(*schema, R"({"low": "2.5", "high": "2"})").result.first == Rule::comparison);
}

TEST_CASE("strict mode, which is the default, reads nothing as another type") {
  for (const std::string& strict : {head, head + "validation: {strict: true}\n"}) {
    CHECK(read("type: float", R"("23.5")", strict) == "type");
    CHECK(read("type: boolean", "1", strict) == "type");
    CHECK(read("type: string", "1", strict) == "type");
    CHECK(read("type: timestamp, time_format: s", R"("1762862400")", strict) == "type");
  }
}

TEST_CASE("lenient mode does not reach into arrays, which are stored as they come") {
  CHECK(read("type: array, items: {type: float}", R"([1, 2])") == "'[1, 2]'");
  CHECK(read("type: array, items: {type: float}", R"([1, "2"])") == "type");
}

TEST_CASE("each value that lenient mode has read is noted, and told with its place") {
  const auto schema = good(
      lenient +
      "fields:\n  - {name: o, type: object, fields: [{name: t, type: float, unit: \"°C\"}]}\n"
      "  - {name: b, type: boolean}\n  - {name: s, type: string}\n  - {name: f, type: float}\n");
  const Judged judged(*schema, R"({"o": {"t": "2 °C"}, "b": 1, "s": 5, "f": 7})");
  REQUIRE(judged.result.ok());
  CHECK(judged.result.coercions == 3);
  REQUIRE(judged.coercions.size() == 2);  // the third is only counted
  CHECK(schema->describe(judged.coercions[0], judged.payload) ==
        R"(t 1.0: /o/t: "2 °C" was read as float)");
  CHECK(schema->describe(judged.coercions[1], judged.payload) ==
        "t 1.0: /b: 1 was read as boolean");
  const Judged wrong(*schema, R"({"o": {"t": "2 °F"}})");
  CHECK(schema->describe(wrong.violations[0], wrong.payload) ==
        R"(t 1.0: /o/t: "2 °F" is not of type float, and no number in °C)");
}

}  // namespace
