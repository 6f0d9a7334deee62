// SPDX-License-Identifier: Apache-2.0
// A number in any length loses no message: docs/schema.md, Types.
#include "json_schema.hpp"

namespace {

using namespace schema_test;
using telemetry::core::Extra;
using telemetry::core::Value;
using telemetry::core::Violation;

struct Run {
  Run(const telemetry::Schema& schema, std::string text)
      : payload(std::move(text)),
        values(schema.view().slot_count),
        scratch(payload.size()),
        extras(4),
        notes(4) {
    result = telemetry::core::decode(schema.view(), payload, {values, scratch, {}, extras},
                                     schema.pattern_hook(), schema.coercion_hook(), notes);
    notes.resize(std::min(notes.size(), result.notes()));
    for (const Violation& note : notes) told.push_back(schema.describe(note, payload));
  }
  std::string payload;
  std::vector<Value> values;
  std::vector<char> scratch;
  std::vector<Extra> extras;
  std::vector<Violation> notes;
  Told told;
  telemetry::core::DecodeResult result;
};

constexpr const char* long_numbers[] = {"12682136550675316736",
                                        "0.33333333333333333333",
                                        "9.999999999999999999",
                                        "1e400",
                                        "-1e-400",
                                        "18446744073709551616.5e999999999999"};

TEST_CASE("a long number that the schema does not look into is kept as it came") {
  const auto schema = good(head +
                           "validation: {allow_extra_fields: true}\nfields:\n"
                           "  - {name: note, type: any}\n"
                           "  - {name: list, type: array}\n"
                           "  - {name: o, type: object, fields: [{name: x, type: float}]}\n");
  for (const std::string number : long_numbers) {
    CAPTURE(number);
    const Run run(*schema, R"({"note": [)" + number + R"(], "list": [1, {"a": )" + number +
                               R"(}], "o": {"y": )" + number + R"(}, "z": )" + number + "}");
    REQUIRE(run.result.ok());
    CHECK(run.result.notes() == 0);
    CHECK(run.values[0].as_text() == "[" + number + "]");
    CHECK(run.values[1].as_text() == R"([1, {"a": )" + number + "}]");
    REQUIRE(run.result.extras == 2);
    CHECK(run.extras[0].value == number);
    CHECK(run.extras[1].value == number);
  }
}

TEST_CASE("items of an array keep their rules by the numbers as they are written") {
  const auto schema =
      good(with_fields("  - {name: list, type: array, items: {type: float, max: 10}}\n"
                       "  - {name: whole, type: array, items: {type: integer}}\n"));
  const Run run(*schema, R"({"list": [9.999999999999999999, 0.33333333333333333333]})");
  REQUIRE(run.result.ok());
  CHECK(run.result.notes() == 0);
  CHECK(run.values[0].as_text() == "[9.999999999999999999, 0.33333333333333333333]");
  CHECK(told(*schema, R"({"list": [10.00000000000000000001]})") ==
        Told{"t 1.0: /list/0: 10.00000000000000000001 is above max 10"});
  CHECK(told(*schema, R"({"whole": [1, 12682136550675316736]})") ==
        Told{"t 1.0: /whole/1: 12682136550675316736 does not fit an integer of 64 bits, "
             "-9223372036854775808 to 9223372036854775807"});
}

TEST_CASE("a float is rounded to what is held, and the note says from what to what") {
  const auto schema =
      good(with_fields("  - {name: x, type: float, max: 1e300}\n"
                       "  - {name: at, type: timestamp}\n"));
  const Run run(*schema, R"({"x": 0.33333333333333333333, "at": "0001-01-01T00:00:00Z"})");
  REQUIRE(run.result.ok());
  CHECK(run.result.roundings == 2);
  CHECK(
      run.told ==
      Told{
          "t 1.0: /x: 0.33333333333333333333 was rounded to 0.3333333333333333333",
          R"(t 1.0: /at: "0001-01-01T00:00:00Z" was rounded to "1677-09-21T00:12:43.145224192Z")"});
  CHECK(Run(*schema, R"({"x": 12682136550675316736})").told ==
        Told{"t 1.0: /x: 12682136550675316736 was rounded to 12682136550675316740"});
  CHECK(Run(*schema, R"({"x": 1e-400})").told == Told{"t 1.0: /x: 1e-400 was rounded to 0"});
  CHECK(told(*schema, R"({"x": 1.7976931348623157e308})") ==
        Told{"t 1.0: /x: 1.7976931348623157e308 is above max 1e300"});
  CHECK(told(*schema, R"({"x": -1e400})") ==
        Told{"t 1.0: /x: -1e400 is beyond the largest float, 1.7976931348623157e308"});
}

TEST_CASE("in lenient mode a long number in a text is both read as a number and rounded") {
  const auto schema = good(head +
                           "validation: {strict: false}\nfields:\n"
                           "  - {name: x, type: float, unit: V}\n");
  const Run run(*schema, R"({"x": "0.33333333333333333333 V"})");
  REQUIRE(run.result.ok());
  CHECK(run.result.coercions == 1);
  CHECK(run.told ==
        Told{R"(t 1.0: /x: "0.33333333333333333333 V" was read as float)",
             R"(t 1.0: /x: "0.33333333333333333333 V" was rounded to 0.3333333333333333333)"});
}

TEST_CASE("a schema names the number that cannot be held exactly") {
  for (const char* number : {"1e309", "1e-325", "0.12345678901234567891", "9223372036854775808"}) {
    CAPTURE(number);
    std::vector<telemetry::Diagnostic> found;
    CHECK_FALSE(telemetry::Schema::parse(
        with_fields(std::string("  - {name: x, type: float, max: ") + number + "}\n"), "bad.yaml",
        found));
    REQUIRE(found.size() == 1);
    CHECK(found[0].message == std::string("field 'x': max: ") + number + " cannot be held exactly");
  }
}

}  // namespace
