// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/json_pull.hpp"

namespace {

using namespace schema_test;
using telemetry::core::Extra;
using telemetry::core::Value;
using telemetry::core::Violation;

/// What the decoder finds wrong with the payload.
std::vector<Violation> violations_of(const telemetry::Schema& schema, std::string_view payload) {
  std::vector<Value> values(schema.view().slot_count);
  std::vector<char> scratch(payload.size() + 1);
  std::vector<Violation> violations(16);
  std::vector<Extra> extras(4);
  const auto result = telemetry::core::decode(
      schema.view(), payload, {values, scratch, violations, extras}, schema.pattern_hook());
  violations.resize(std::min<std::size_t>(result.violations, violations.size()));
  return violations;
}

std::vector<std::string> told(const telemetry::Schema& schema, std::string_view payload) {
  std::vector<std::string> out;
  for (const Violation& violation : violations_of(schema, payload))
    out.push_back(schema.describe(violation, payload));
  return out;
}

std::vector<telemetry::Problem> problems(const telemetry::Schema& schema,
                                         std::string_view payload) {
  std::vector<telemetry::Problem> out;
  for (const Violation& violation : violations_of(schema, payload))
    out.push_back(schema.explain(violation, payload));
  return out;
}

using Told = std::vector<std::string>;

TEST_CASE("a broken rule is told with schema, path, value found and value allowed") {
  const auto schema = good(
      "name: temperature_sensor\nversion: \"1.0\"\ntopic_pattern: s/{device}\nfields:\n"
      "  - {name: temperature, type: float, required: true, min: -50, max: 150}\n"
      "  - {name: id, type: string, min_length: 3, max_length: 5, pattern: \"^s-\"}\n"
      "  - {name: mode, type: string, enum: [auto, manual]}\n"
      "  - {name: level, type: integer, enum: [1, 2]}\n"
      "  - {name: at, type: timestamp, time_format: rfc3339}\n"
      "  - {name: list, type: array, min_items: 1, max_items: 2, items: {type: float, max: 9}}\n"
      "  - {name: lat, type: float, requires: lon}\n  - {name: lon, type: float}\n");
  const std::string t = "temperature_sensor 1.0: ";
  CHECK(told(*schema, R"({"temperature": 200})") == Told{t + "/temperature: 200 is above max 150"});
  CHECK(told(*schema, R"({"temperature": -50.01})") ==
        Told{t + "/temperature: -50.01 is below min -50"});
  CHECK(told(*schema, R"({"temperature": "hot"})") ==
        Told{t + "/temperature: \"hot\" is not of type float"});
  CHECK(told(*schema, R"({})") == Told{t + "/temperature: is required, but missing or null"});
  CHECK(told(*schema, R"({"temperature": 1, "id": "s-"})") ==
        Told{t + "/id: \"s-\" is shorter than min_length 3"});
  CHECK(told(*schema, R"({"temperature": 1, "id": "s-1234"})") ==
        Told{t + "/id: \"s-1234\" is longer than max_length 5"});
  CHECK(told(*schema, R"({"temperature": 1, "id": "abc"})") ==
        Told{t + "/id: \"abc\" does not match pattern ^s-"});
  CHECK(told(*schema, R"({"temperature": 1, "mode": "off"})") ==
        Told{t + "/mode: \"off\" is not one of \"auto\", \"manual\""});
  CHECK(told(*schema, R"({"temperature": 1, "level": 3})") ==
        Told{t + "/level: 3 is not one of 1, 2"});
  CHECK(told(*schema, R"({"temperature": 1, "at": "noon"})") ==
        Told{t + "/at: \"noon\" is not a time of format rfc3339"});
  CHECK(told(*schema, R"({"temperature": 1, "list": []})") ==
        Told{t + "/list: [] has fewer than min_items 1"});
  CHECK(told(*schema, R"({"temperature": 1, "list": [1, 2, 3]})") ==
        Told{t + "/list: [1, 2, 3] has more than max_items 2"});
  CHECK(told(*schema, R"({"temperature": 1, "list": [1, 10]})") ==
        Told{t + "/list/1: 10 is above max 9"});
  CHECK(told(*schema, R"({"temperature": 1, "lat": 2})") ==
        Told{t + "/lon: is missing or null, but another field requires it"});
  CHECK(told(*schema, R"({"temperature": 1, "colour": "red"})") ==
        Told{t + "/colour: is not declared; declare it, or set allow_extra_fields: true"});
  CHECK(told(*schema, R"({"temperature": 1, "temperature": 2})") ==
        Told{t + "/temperature: is given twice"});
  CHECK(told(*schema, R"({"temperature": 1, "level": 1e30})") ==
        Told{t + "/level: 1e30 does not fit an integer of 64 bits, -9223372036854775808 to "
                 "9223372036854775807"});
  CHECK(told(*schema, R"({"temperature": 1, "at": 5})") ==
        Told{t + "/at: 5 is not of type timestamp, format rfc3339"});
  CHECK(told(*schema, R"([1])") == Told{t + "(document): [1] is not an object"});
}

TEST_CASE("an absurd time is told with the time that was read, and the unit in which it fits") {
  constexpr std::int64_t low = 946'684'800'000'000'000;     // 2000-01-01T00:00:00Z
  constexpr std::int64_t high = 1'795'348'800'000'000'000;  // 2026-11-22T12:00:00Z
  const auto told_in = [&](const std::string& format, const std::string& payload) {
    const auto schema = good(
        "name: t\nversion: \"1.0\"\ntopic_pattern: s\ntime_field: meta.at\nvalidation: "
        "{allow_extra_fields: true}\nfields:\n"
        "  - {name: list, type: array}\n"
        "  - {name: meta, type: object, fields: [{name: at, aliases: [ts], type: timestamp, "
        "time_format: " +
        format + "}]}\n");
    return schema->describe_time(payload, low, high);
  };
  const std::string head = "t 1.0: /meta/at: ";
  const std::string range = " is not between 2000-01-01T00:00:00Z and 2026-11-22T12:00:00Z";
  CHECK(told_in("ms", R"({"meta": {"at": 1732190400}})") ==
        head + "1732190400 read as ms is 1970-01-21T01:09:50.400Z, which" + range +
            "; as s it would be 2024-11-21T12:00:00Z: set time_format: s (x-time-format in a JSON "
            "Schema)");
  CHECK_THAT(told_in("ns", R"({"meta": {"at": 1732190400000}})"),
             Catch::Contains("read as ns is 1970-01-01T00:28:52.190400Z, which") &&
                 Catch::Contains("as ms it would be 2024-11-21T12:00:00Z"));
  // What fits in no unit is the clock's.
  const std::string clock = "; check the device's clock";
  CHECK(told_in("auto", R"({"meta": {"at": 12.5}})") ==
        head + "12.5 read as s is 1970-01-01T00:00:12.500Z, which" + range + clock);
  CHECK(told_in("us", R"({"meta": {"at": 0}})") ==
        head + "0 read as us is 1970-01-01T00:00:00Z, which" + range + clock);
  CHECK(told_in("rfc3339", R"({"meta": {"at": "2099-01-01T00:00:00Z"}})") ==
        head + "\"2099-01-01T00:00:00Z\"" + range + clock);
  // The member is found by its alias, behind others of its name.
  CHECK_THAT(told_in("ms", R"({"at": 1, "list": [{"at": 2}], "x": {"at": 3}, "meta": {"ts": 4}})"),
             Catch::StartsWith(head + "4 read as ms"));
}

TEST_CASE("a broken comparison is told with both values, as they were written") {
  const auto schema = good(with_fields(
      "  - name: o\n    type: object\n    fields:\n"
      "      - {name: low, type: float, aliases: [l], validation: {less_than: [high, top]}}\n"
      "      - {name: high, type: integer}\n      - {name: top, type: float}\n"
      "  - {name: from, type: timestamp, less_or_equal: to}\n  - {name: to, type: timestamp}\n"));
  CHECK(told(*schema, R"({"o": {"low": 20.50, "x": {"high": 1}, "high": 2e1, "top": 99}})") ==
        Told{"t 1.0: /o/x: is not declared; declare it, or set allow_extra_fields: true",
             "t 1.0: /o/low: 20.50 breaks less_than high, which is 2e1"});
  CHECK(told(*schema, R"({"o": {"top": 3, "l": 4}})") ==
        Told{"t 1.0: /o/low: 4 breaks less_than top, which is 3"});
  CHECK(told(*schema, R"({"from": "2026-01-01T00:00:01Z", "to": 1767225600})") ==
        Told{R"(t 1.0: /from: "2026-01-01T00:00:01Z" breaks less_or_equal to, which is )"
             "1767225600"});
}

TEST_CASE("a path leads through objects and array indices and is escaped as a JSON pointer") {
  const auto schema = good(with_fields(
      "  - name: a/b\n    type: object\n    fields:\n"
      "      - name: \"m~\"\n        type: array\n        items:\n          type: object\n"
      "          fields: [{name: v, type: integer, required: true}]\n"));
  CHECK(told(*schema, R"({"a/b": {"m~": [{"v": 1}, {"v": 1.5}]}})") ==
        Told{"t 1.0: /a~1b/m~0/1/v: 1.5 is not of type integer"});
  CHECK(told(*schema, R"({"a/b": {"m~": [{"v": 1}, {"v": 2}, {}]}})") ==
        Told{"t 1.0: /a~1b/m~0/2/v: is required, but missing or null"});
  CHECK(told(*schema, R"({"a\/b": {"m~": [[[]], {"v": 2}]}})") ==
        Told{"t 1.0: /a~1b/m~0/0: [[]] is not of type object"});
}

TEST_CASE("what is no JSON is told with the byte where it ends to be, and with what it is") {
  const auto schema = good(with_fields("  - {name: x, type: float}\n"));
  const auto first = [&](std::string_view payload) {
    const std::string text = told(*schema, payload).at(0);
    return text.substr(std::min(text.size(), std::string_view("t 1.0: byte ").size()));
  };
  CHECK(first("") == "0: the payload is empty");
  CHECK(first(" \n") == "2: the payload is only white space");
  CHECK(first("offline") == "0: the payload is text, not JSON: offline");
  CHECK(first("fan on") == "0: the payload is text, not JSON: fan on");
  CHECK(told(*schema, "21,5 C") == Told{"t 1.0: (document): 21 is not an object",
                                        "t 1.0: byte 2: something follows the document: ,5 C"});
  CHECK(first("\xEF\xBB\xBF{\"x\": 1}") ==
        "0: a byte order mark (BOM) stands before the JSON; send it without");
  CHECK(first("\xFF\xFE{") == "0: the payload is UTF-16; JSON is sent in UTF-8");
  CHECK(first("\x01\x80") == "0: the payload is binary, not JSON");
  CHECK(first(std::string_view("\0\0", 2)) == "0: the payload is binary, not JSON");
  const std::string no_number = " is no number of JSON; send null, or leave the member out";
  CHECK(first("NaN") == "0: NaN" + no_number);
  CHECK(first("{\"x\": NaN}") == "6: NaN" + no_number);
  CHECK(first("{\"x\": nan, \"y\": 1}") == "6: nan" + no_number);
  CHECK(first("{\"x\": -Infinity}").find("-Infinity" + no_number) != std::string::npos);
  CHECK(first("{\"x\": None}") == "6: None is not JSON; nothing is written null");
  CHECK(first("{\"x\": True}") == "6: True is not JSON; it is written true");
  CHECK(first("{'x': 1}") == "1: JSON has double quotes, not single ones");
  CHECK(first("{\"x\": 1") == "7: the JSON ends too early; it was cut off");
  CHECK(first("{\"x\": 1;}") == "7: not JSON: ;}");
  CHECK(first("{\"x\": 1} 2") == "9: something follows the document: 2");
  CHECK(first("{\"x\": \"\xFF\"}") == "7: not valid UTF-8");
  CHECK_THAT(first(std::string(40, '[')), Catch::Contains("nested deeper than 32 levels") ||
                                              Catch::Contains("is not an object"));
}

TEST_CASE("a problem has path, value found and value allowed apart") {
  const auto schema =
      good(with_fields("  - {name: x, type: float, max: 150, required: true}\n"
                       "  - {name: low, type: float, less_than: x}\n"
                       "  - {name: word, type: string, enum: [on, off]}\n"));
  const auto first = [&](std::string_view payload) { return problems(*schema, payload).at(0); };
  const auto is = [](const telemetry::Problem& problem, const char* path, const char* found,
                     const char* allowed) {
    CHECK(problem.path == path);
    CHECK(problem.found == found);
    CHECK(problem.allowed == allowed);
  };
  is(first(R"({"x": 200})"), "/x", "200", "max 150");
  is(first(R"({"x": "hot"})"), "/x", "\"hot\"", "type float");
  is(first(R"({"x": 1, "word": "up"})"), "/word", "\"up\"", "one of \"on\", \"off\"");
  is(first(R"({"x": 1, "low": 2})"), "/low", "2", "less_than x, which is 1");
  is(first(R"({"word": "on"})"), "/x", "", "a value");
  is(first(R"({"x": 1, "y": 1})"), "/y", "y", "declared fields");
  is(first("[1]"), "", "[1]", "an object");
  is(first("offline"), "", "offline", "a JSON object");
  is(first(""), "", "", "a JSON object");
}

TEST_CASE("a long or dirty value is cut and made printable") {
  const auto schema = good(with_fields("  - {name: x, type: float}\n"));
  const auto first = [&](std::string_view payload) { return told(*schema, payload).at(0); };
  const std::string text = first("{\"x\": \"" + std::string(1000, 'a') + "\"}");
  CHECK(text.size() < 180);
  CHECK_THAT(text, Catch::Contains("aaa... is not of type float"));
  CHECK_THAT(first("{\"x\": \"a\x7F\"}"), Catch::Contains("a\\u007f"));
  // The cut is not inside a code point.
  const std::string accents = first("{\"x\": \"" + std::string(62, 'a') + "\u00e9\u00e9\u00e9\"}");
  CHECK(telemetry::core::is_valid_utf8(accents));
}

TEST_CASE("a violation that does not fit the payload is still told") {
  const auto schema = good(with_fields("  - {name: x, type: float, max: 3}\n"));
  Violation violation;
  violation.rule = telemetry::core::Rule::max;
  violation.node = 1;
  violation.offset = 100;
  violation.length = 100;
  CHECK_FALSE(schema->describe(violation, "{}").empty());
  violation.node = 77;
  violation.key = 99;
  for (int rule = 0; rule <= 26; ++rule) {
    violation.rule = static_cast<telemetry::core::Rule>(rule);
    CHECK_FALSE(schema->describe(violation, "not json").empty());
  }
}

}  // namespace

TEST_CASE("a time in another unit than the schema's is told with the unit that fits") {
  const auto schema = [](const std::string& format) {
    return good(
        "name: t\nversion: \"1.0\"\ntopic_pattern: s\nfields:\n"
        "  - {name: at, type: timestamp, time_format: " +
        format + "}\n");
  };
  CHECK(told(*schema("s"), R"({"at": 1732190400000})") ==
        Told{"t 1.0: /at: 1732190400000 is not a time of format s; as ms it would be "
             "2024-11-21T12:00:00Z: set time_format: ms"});
  CHECK_THAT(told(*schema("ms"), R"({"at": 1732190400000000})").at(0),
             Catch::Contains("as us it would be 2024-11-21T12:00:00Z"));
  CHECK(told(*schema("s"), R"({"at": 1e30})") ==
        Told{"t 1.0: /at: 1e30 is not a time of format s"});
}

TEST_CASE("more undeclared members than are kept are told as that") {
  const auto schema = good(
      "name: t\nversion: \"1.0\"\ntopic_pattern: s\nvalidation: {allow_extra_fields: true}\n"
      "fields: [{name: a, type: integer}]\n");
  CHECK(told(*schema, R"({"b":1,"c":1,"d":1,"e":1,"f":1})") ==
        Told{"t 1.0: /f: is one undeclared member more than the 256 that are kept"});
}
