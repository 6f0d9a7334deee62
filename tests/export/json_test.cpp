// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <limits>

#include "export/rows.hpp"

using namespace telemetry;
using namespace rows;

namespace {
std::string json(const core::Value& value) {
  std::string out;
  append_json_value(value, out);
  return out;
}
std::string number(std::int64_t mantissa, std::int16_t exponent) {
  return json(Value::decimal({mantissa, exponent}));
}
}  // namespace

TEST_CASE("decimals come out digit by digit as they came in") {
  CHECK(number(2351, -2) == "23.51");
  CHECK(number(-2351, -2) == "-23.51");
  CHECK(number(250, -1) == "25.0");
  CHECK(number(5, -1) == "0.5");
  CHECK(number(-5, -3) == "-0.005");
  CHECK(number(100, -3) == "0.100");
  CHECK(number(3, 2) == "300");
  CHECK(number(0, 5) == "0");
  CHECK(number(0, -2) == "0.00");
  CHECK(number(1, 300) == "1e300");
  CHECK(number(15, -300) == "1.5e-299");
  CHECK(number(17'976'931'348'623'157, 292) == "1.7976931348623157e308");
  CHECK(number(-1'797'693'134'862'315'700, 290) == "-1.7976931348623157e308");
  CHECK(number(-250, 100) == "-2.5e102");
  CHECK(number(0, 300) == "0");
  CHECK(number(0, -300) == "0");
  CHECK(number(std::numeric_limits<std::int64_t>::min(), 0) == "-9223372036854775808");
  CHECK(number(std::numeric_limits<std::int64_t>::min(), -18) == "-9.223372036854775808");
}

TEST_CASE("values of every kind have their JSON form") {
  CHECK(json(Value{}) == "null");
  CHECK(json(Value::boolean(true)) == "true");
  CHECK(json(Value::boolean(false)) == "false");
  CHECK(json(Value::integer(-7)) == "-7");
  CHECK(json(Value::time(noon + 500'000'000)) == "\"2026-11-21T12:00:00.500Z\"");
  CHECK(json(Value::json("[1,\n 2]")) == "[1, 2]");
}

TEST_CASE("a string escapes what JSON or a terminal would take for a command") {
  CHECK(json(Value::text("a\"b\\c\n\r\t")) == R"("a\"b\\c\n\r\t")");
  CHECK(json(Value::text("\x1b[31m")) == R"("\u001b[31m")");
  CHECK(json(Value::text(std::string_view("\0", 1))) == R"("\u0000")");
  CHECK(json(Value::text("\x7f\xc2\x9b")) == R"("\u007f\u009b")");
  CHECK(json(Value::text("27.9 °C 温度 😀")) == "\"27.9 °C 温度 😀\"");
  CHECK(json(Value::text("a\xff\xc3z")) == "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
  CHECK(json(Value::text("\xed\xa0\x80")) ==
        "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // a lone surrogate
}

TEST_CASE("objects are rebuilt from paths") {
  CHECK(payload(row("t", {{"a", Value::integer(1)},
                          {"place.name", Value::text("hall")},
                          {"place.at.lat", Value::integer(2)},
                          {"place.at.lon", Value::integer(3)},
                          {"placed", Value::integer(4)}})) ==
        R"({"a":1,"place":{"name":"hall","at":{"lat":2,"lon":3}},"placed":4})");
  CHECK(payload(row("t", {})) == "{}");
}

TEST_CASE("undeclared members return to the object that they were in") {
  Row some = row("t", {{"a", Value::integer(1)}, {"place.name", Value::text("hall")}});
  some.extra = R"({"note": "x", "place": {"floor": 2, "deep": {"er": [1, {}]}}, "list": [1, 2]})";
  CHECK(payload(some) == R"({"a":1,"place":{"name":"hall","floor":2,"deep":{"er": [1, {}]}},)"
                         R"("note":"x","list":[1, 2]})");
  Row only = row("t", {});
  only.extra = R"({"place": {"floor": 2}})";
  CHECK(payload(only) == R"({"place":{"floor": 2}})");
}

TEST_CASE("a payload without schema is JSON, text or base64") {
  CHECK(payload(raw_row("{\"a\":\n 1}", Row::RawKind::json)) == "{\"a\": 1}");
  CHECK(payload(raw_row("[\"\xc2\x9b\x7f\"]", Row::RawKind::json)) == "[\"\\u009b\\u007f\"]");
  CHECK(payload(raw_row("on\n", Row::RawKind::text)) == "\"on\\n\"");
  CHECK(payload(raw_row("", Row::RawKind::binary)) == R"({"base64":""})");
  CHECK(payload(raw_row("f", Row::RawKind::binary)) == R"({"base64":"Zg=="})");
  CHECK(payload(raw_row("fo", Row::RawKind::binary)) == R"({"base64":"Zm8="})");
  CHECK(payload(raw_row("foo", Row::RawKind::binary)) == R"({"base64":"Zm9v"})");
  CHECK(payload(raw_row("\xff\xfe\x01", Row::RawKind::binary)) == R"({"base64":"//4B"})");
}

TEST_CASE("jsonl is one record a line, json an array of the same") {
  const std::vector<Row> two = {row("a", {{"x", Value::integer(1)}}), row("b", {})};
  const std::string tail =
      R"(,"timestamp":"2026-11-21T12:00:00Z","received_at":"2026-11-21T12:00:00.001Z"})";
  const std::string first = R"({"topic":"a","payload":{"x":1})" + tail;
  const std::string second = R"({"topic":"b","payload":{})" + tail;
  CHECK(written(RowFormat::jsonl, two) == first + "\n" + second + "\n");
  CHECK(written(RowFormat::json, two) == "[\n" + first + ",\n" + second + "\n]\n");
  CHECK(written(RowFormat::jsonl, {}).empty());
  CHECK(written(RowFormat::json, {}) == "[]\n");
}

TEST_CASE("a payload is JSON as a whole, else UTF-8 text without NUL, else binary") {
  CHECK(payload_kind(R"({"a": [1, "x"]})") == Row::RawKind::json);
  CHECK(payload_kind("12.5") == Row::RawKind::json);
  CHECK(payload_kind("{} x") == Row::RawKind::text);
  CHECK(payload_kind("") == Row::RawKind::text);
  CHECK(payload_kind("27.9 °C") == Row::RawKind::text);
  CHECK(payload_kind("\xff") == Row::RawKind::binary);
  CHECK(payload_kind(std::string_view("a\0b", 3)) == Row::RawKind::binary);
  CHECK(payload_kind(std::string_view("{}\0", 3)) == Row::RawKind::binary);
}
