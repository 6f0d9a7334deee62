// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/decode.hpp"

#include <algorithm>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/sample_schemas.hpp"

using namespace telemetry::core;
namespace sensor = telemetry::core::test::sensor;
namespace meter = telemetry::core::test::meter;

namespace {

/// One decode with its buffers. Patterns match text that begins with "p".
struct Run {
  explicit Run(const SchemaView& schema, std::string text, std::size_t violations_max = 32,
               std::size_t extras_max = 8)
      : payload(std::move(text)),
        values(schema.slot_count, Value::integer(-77)),
        scratch(payload.size()),
        violations(violations_max),
        extras(extras_max) {
    const PatternHook hook{[](const void* context, std::uint16_t pattern, std::string_view found) {
                             return pattern == *static_cast<const int*>(context) &&
                                    found.starts_with('p');
                           },
                           &pattern_number};
    result = decode(schema, payload, {values, scratch, violations, extras}, hook);
  }
  /// "rule at text" of every stored violation, one a line.
  std::string report() const {
    std::string lines;
    const std::size_t stored = std::min<std::size_t>(result.violations, violations.size());
    for (std::size_t i = 0; i < stored; ++i) {
      const Violation& v = violations[i];
      lines += std::string(to_string(v.rule)) + " " + std::to_string(v.node) + " [" +
               payload.substr(v.offset, v.length) + "]\n";
    }
    return lines;
  }

  static constexpr int pattern_number = 7;
  std::string payload;
  std::vector<Value> values;
  std::vector<char> scratch;
  std::vector<Violation> violations;
  std::vector<Extra> extras;
  DecodeResult result;
};

const std::string sample = R"({"temperature":23.51,"humidity":41.2,"sensor_id":"sensor-017",)"
                           R"("timestamp":"2025-11-11T12:00:00.123Z","seq":12345})";

bool equal(Decimal a, Decimal b) { return compare(a, b) == 0; }

}  // namespace

TEST_CASE("a valid payload fills every slot with its typed value") {
  const Run run(sensor::schema, sample);
  REQUIRE(run.result.ok());
  CHECK(run.result.violations == 0);
  CHECK(run.values[sensor::temperature].kind() == ValueKind::decimal);
  CHECK(equal(run.values[sensor::temperature].as_decimal(), {2351, -2}));
  CHECK(equal(run.values[sensor::humidity].as_decimal(), {412, -1}));
  CHECK(run.values[sensor::sensor_id].kind() == ValueKind::text);
  CHECK(run.values[sensor::sensor_id].as_text() == "sensor-017");
  CHECK(run.values[sensor::timestamp].kind() == ValueKind::time);
  CHECK(run.values[sensor::timestamp].as_integer() == 1762862400123000000);
  CHECK(run.values[sensor::seq].kind() == ValueKind::integer);
  CHECK(run.values[sensor::seq].as_integer() == 12345);
}

TEST_CASE("an absent optional field leaves null in its slot") {
  const Run run(sensor::schema, R"({"sensor_id":"abc","temperature":1})");
  REQUIRE(run.result.ok());
  CHECK(run.values[sensor::humidity].is_null());
  CHECK(run.values[sensor::timestamp].is_null());
  CHECK(run.values[sensor::seq].is_null());
}

TEST_CASE("keys are found in any order and white space does not matter") {
  const Run run(sensor::schema,
                " {\n\"seq\" : 1 ,\t\"timestamp\":1762862400, \"sensor_id\":\"abc\",\r\n"
                "\"humidity\":0,\"temperature\":-50.0 } ");
  REQUIRE(run.result.ok());
  CHECK(run.values[sensor::seq].as_integer() == 1);
  CHECK(run.values[sensor::timestamp].as_integer() == 1'762'862'400'000'000'000);
  CHECK(run.values[sensor::humidity].as_decimal().mantissa == 0);
}

TEST_CASE("a payload that is not an object breaks the type of the document") {
  for (const char* payload : {"1", "\"x\"", "null", "[1,2]", "[{\"a\":[]}]", "true"}) {
    const Run run(sensor::schema, payload);
    CHECK(run.report() == "type 0 [" + std::string(payload) + "]\n");
  }
  CHECK(Run(sensor::schema, "[1,2").result.first == Rule::json_syntax);
  CHECK(Run(sensor::schema, "1 2").report() == "type 0 [1]\ntrailing_bytes 65535 []\n");
}

TEST_CASE("bytes that are not JSON end the decoding with their place") {
  const auto first = [](std::string payload) {
    const Run run(sensor::schema, std::move(payload));
    REQUIRE(run.result.violations == 1);
    CHECK(run.violations[0].node == no_index);
    return std::string(to_string(run.result.first)) + "@" +
           std::to_string(run.violations[0].offset);
  };
  CHECK(first("") == "json_syntax@0");
  CHECK(first(R"({"temperature":1,})") == "json_syntax@17");
  CHECK(first("{\"sensor_id\":\"a\xFF\"}") == "json_utf8@15");
  CHECK(first(R"({"sensor_id":"\ud800"})") == "json_surrogate@14");
  CHECK(first(R"({"sensor_id":"abc","temperature":1}x)") == "trailing_bytes@35");
  CHECK(first("{\"sensor_id\":" + std::string(40, '[')) == "json_depth@44");
  CHECK(first(std::string("{\"sensor_id\":\"abc\",\"temperature\":1}\0", 36)) ==
        "trailing_bytes@35");
}

TEST_CASE("each type takes its own JSON values and no others") {
  // A valid value of each kind of JSON, then which of them each field takes.
  const char* values[] = {"\"p\"", "7", "7.5", "true", "{}", "[]", "null"};
  struct Row {
    const char* field;
    const char* taken;  // one letter a value: y, n, or - for another rule than type
  };
  const Row rows[] = {{"temperature", "nyynnny"},
                      {"sensor_id", "-nnnnn-"},
                      {"seq", "nynnnny"},
                      {"timestamp", "-yynnny"}};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < 7; ++i) {
      const Run run(sensor::schema, "{\"" + std::string(row.field) + "\":" + values[i] + "}");
      bool type_broken = false;
      for (std::size_t v = 0; v < run.result.violations; ++v) {
        type_broken = type_broken || run.violations[v].rule == Rule::type;
      }
      CAPTURE(run.payload);
      CHECK(type_broken == (row.taken[i] == 'n'));
    }
  }
  CHECK(Run(meter::schema, R"({"mode":"auto","enabled":false})")
            .values[meter::enabled]
            .as_integer() == 0);
  CHECK(Run(meter::schema, R"({"mode":"auto","enabled":1})").report() == "type 4 [1]\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","place":[{"lat":1}]})").report() ==
        "type 9 [[{\"lat\":1}]]\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","samples":{"a":1}})").report() ==
        "type 12 [{\"a\":1}]\n");
}

TEST_CASE("an integer field takes whole numbers however they are written") {
  const auto seq = [](std::string number) {
    const Run run(sensor::schema, R"({"sensor_id":"abc","temperature":1,"seq":)" + number + "}");
    return run.result.ok() ? std::to_string(run.values[sensor::seq].as_integer())
                           : std::string(to_string(run.result.first));
  };
  CHECK(seq("5") == "5");
  CHECK(seq("1.0") == "1");
  CHECK(seq("1e3") == "1000");
  CHECK(seq("1500e-2") == "15");
  CHECK(seq("9223372036854775807") == "9223372036854775807");
  CHECK(seq("1.5") == "type");
  CHECK(seq("1e-1") == "type");
  CHECK(seq("1e30") == "number_range");
  CHECK(seq("-1") == "min");
}

TEST_CASE("bounds are compared exactly and belong to the range") {
  const auto temperature = [](std::string number) {
    return std::string(to_string(
        Run(sensor::schema, R"({"sensor_id":"abc","temperature":)" + number + "}").result.first));
  };
  CHECK(temperature("150") == "none");
  CHECK(temperature("150.0000") == "none");
  CHECK(temperature("1.5e2") == "none");
  CHECK(temperature("150.00000000000001") == "max");
  CHECK(temperature("-50") == "none");
  CHECK(temperature("-50.00000000000001") == "min");
  CHECK(temperature("1e300") == "max");
  CHECK(temperature("-1e300") == "min");
}

TEST_CASE("a long number is judged as it is written, held as the nearest, and counted") {
  const auto first = [](std::string members) {
    return std::string(to_string(
        Run(sensor::schema, R"({"sensor_id":"abc","temperature":)" + members + "}").result.first));
  };
  CHECK(first("150.00000000000000000001") == "max");
  CHECK(first("149.99999999999999999999") == "none");
  CHECK(first("1e400") == "number_range");
  CHECK(first(R"(1,"seq":12682136550675316736)") == "number_range");
  const Run run(sensor::schema, R"({"sensor_id":"abc","temperature":0.33333333333333333333,)"
                                R"("timestamp":"0001-01-01T00:00:00"})");
  REQUIRE(run.result.ok());
  CHECK(run.result.roundings == 2);
  CHECK(equal(run.values[sensor::temperature].as_decimal(), {3333333333333333333, -19}));
  CHECK(run.values[sensor::timestamp].as_integer() == INT64_MIN);
}

TEST_CASE("string lengths count code points of the unescaped text") {
  const auto id = [](std::string text) {
    return std::string(to_string(
        Run(sensor::schema, R"({"temperature":1,"sensor_id":")" + text + "\"}").result.first));
  };
  CHECK(id("abc") == "none");
  CHECK(id("ab") == "min_length");
  CHECK(id("äöü") == "none");
  CHECK(id("äö") == "min_length");
  CHECK(id(R"(\u00e4\n😀)") == "none");
  CHECK(id(R"(\ud83d\ude00)") == "min_length");
  CHECK(id(std::string(32, 'x')) == "none");
  CHECK(id(std::string(33, 'x')) == "max_length");
}

TEST_CASE("text with escapes is stored and compared unescaped") {
  const Run run(meter::schema, R"({"mode":"\u0061\/b","parts":[{"id":"\u0070"}]})");
  REQUIRE(run.result.ok());
  CHECK(run.values[meter::mode].as_text() == "a/b");
  CHECK(run.result.scratch_used == 3);
  const Run other(meter::schema, R"({"mode":"\u00fc"})");
  REQUIRE(other.result.ok());
  CHECK(other.values[meter::mode].as_text() == "ü");
}

TEST_CASE("keys with escapes are the keys they name") {
  const Run run(sensor::schema,
                R"({"\u0074emperature":1,"sensor\u005fid":"a\u0062c","se\u0071":2})");
  REQUIRE(run.result.ok());
  CHECK(run.values[sensor::sensor_id].as_text() == "abc");
  CHECK(run.values[sensor::seq].as_integer() == 2);
}

TEST_CASE("an enum takes the listed values only, numbers by value") {
  CHECK(Run(meter::schema, R"({"mode":"auto","level":1})").result.ok());
  CHECK(Run(meter::schema, R"({"mode":"auto","level":2e1})").result.ok());
  CHECK(Run(meter::schema, R"({"mode":"auto","level":2})").report() == "enum 2 [2]\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","level":1,"ratio":0.50})").result.ok());
  CHECK(Run(meter::schema, R"({"mode":"auto","level":1,"ratio":0.51})").report() ==
        "enum 3 [0.51]\n");
  CHECK(Run(meter::schema, R"({"mode":"Auto"})").report() == "enum 1 [\"Auto\"]\n");
  CHECK(Run(meter::schema, R"({"mode":"aut"})").result.first == Rule::enum_);
}

TEST_CASE("patterns are asked of the hook") {
  CHECK(Run(meter::schema, R"({"mode":"auto","parts":[{"id":"pump"}]})").result.ok());
  CHECK(Run(meter::schema, R"({"mode":"auto","parts":[{"id":"x"}]})").report() ==
        "pattern 16 [\"x\"]\n");
}

TEST_CASE("timestamps come as text or epoch numbers as their format says") {
  const auto at = [](const char* field, meter::Slot slot, std::string value) {
    const Run run(meter::schema, R"({"mode":"auto",")" + std::string(field) + "\":" + value + "}");
    return run.result.ok() ? std::to_string(run.values[slot].as_integer()) : run.report();
  };
  CHECK(at("at", meter::at, "\"1970-01-01T00:00:01Z\"") == "1000000000");
  CHECK(at("at", meter::at, "\"1970-01-01 01:00:01\"") == "1000000000");  // the schema's zone
  CHECK(at("at", meter::at, R"("1970-01-01T00:00:01\u005a")") == "1000000000");
  CHECK(at("at", meter::at, "1762862400123") == "1762862400123000000");
  CHECK(at("at", meter::at, "1762862400.5") == "1762862400500000000");
  CHECK(at("at", meter::at, "\"yesterday\"") == "time_format 5 [\"yesterday\"]\n");
  CHECK(at("at", meter::at, "1e30") == "time_format 5 [1e30]\n");
  CHECK(at("at_s", meter::at_s, "1762862400123") == "time_format 6 [1762862400123]\n");
  CHECK(at("at_s", meter::at_s, "1") == "1000000000");
  CHECK(at("at_s", meter::at_s, "\"1970-01-01T00:00:01Z\"") ==
        "type 6 [\"1970-01-01T00:00:01Z\"]\n");
  CHECK(at("at_text", meter::at_text, "\"1970-01-01T00:00:01Z\"") == "1000000000");
  CHECK(at("at_text", meter::at_text, "1") == "type 7 [1]\n");
}

TEST_CASE("nested objects fill the slots of their leaves") {
  const Run run(meter::schema, R"({"place":{"lon":-0.5,"lat":90},"mode":"auto"})");
  REQUIRE(run.result.ok());
  CHECK(equal(run.values[meter::lat].as_decimal(), {90, 0}));
  CHECK(equal(run.values[meter::lon].as_decimal(), {-5, -1}));
  CHECK(Run(meter::schema, R"({"mode":"auto","place":{"lat":91}})").report() ==
        "max 10 [91]\nrequired 9 []\n");
}

TEST_CASE("arrays are checked item by item and kept as written") {
  const Run run(meter::schema, R"({"mode":"auto","samples":[ 1, -2.50 ],"parts":[]})");
  REQUIRE(run.result.ok());
  CHECK(run.values[meter::samples].kind() == ValueKind::json);
  CHECK(run.values[meter::samples].as_text() == "[ 1, -2.50 ]");
  CHECK(run.values[meter::parts].as_text() == "[]");
  CHECK(Run(meter::schema, R"({"mode":"auto","samples":[]})").report() == "min_items 12 [[]]\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","samples":[1,2,3,4]})").report() ==
        "max_items 12 [[1,2,3,4]]\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","samples":[1,"x",null,200]})").report() ==
        "type 13 [\"x\"]\ntype 13 [null]\nmax 13 [200]\nmax_items 12 [[1,\"x\",null,200]]\n");
}

TEST_CASE("objects in arrays are checked like any others") {
  const std::string good = R"([{"id":"p1","tags":["a","b"]},{"id":"p2","new":{"x":[1]}}])";
  const Run strict(meter::schema, R"({"mode":"auto","parts":)" + good + "}");
  CHECK(strict.report() == "unknown_field 15 [new]\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","parts":[{"id":"p1","tags":[1]},{}]})").report() ==
        "type 18 [1]\nrequired 15 []\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","parts":[{"id":"p","id":"p"}]})").report() ==
        "duplicate_key 16 [id]\n");
  CHECK(Run(meter::schema, R"({"mode":"auto","parts":[{"id":"p2345"}]})").report() ==
        "max_length 16 [\"p2345\"]\n");
}

TEST_CASE("an `any` field keeps its JSON as written") {
  for (const char* value : {"1.50", "\"a\\n\"", "true", "[1, {\"b\":[]}]", "{ }"}) {
    const Run run(meter::schema, R"({"mode":"auto","note":)" + std::string(value) + "}");
    REQUIRE(run.result.ok());
    CHECK(run.values[meter::note].kind() == ValueKind::json);
    CHECK(run.values[meter::note].as_text() == value);
  }
}

TEST_CASE("null counts as absent") {
  const Run run(meter::schema, R"({"mode":"auto","level":null,"note":null,"place":null})");
  REQUIRE(run.result.ok());
  CHECK(run.values[meter::level].as_integer() == 20);  // the default
  CHECK(run.values[meter::note].as_text() == "\"none\"");
  CHECK(run.values[meter::lat].is_null());
  CHECK(Run(meter::schema, R"({"mode":null})").report() == "required 0 []\n");
}

TEST_CASE("a missing required field is named by its key and the end of its object") {
  const Run run(sensor::schema, R"({"humidity":1})");
  REQUIRE(run.result.violations == 2);
  CHECK(run.violations[0].rule == Rule::required);
  CHECK(run.violations[0].node == 0);
  CHECK(run.violations[0].key == 0);
  CHECK(run.violations[1].key == 2);
  CHECK(run.violations[1].offset == 13);
  CHECK(run.violations[1].length == 0);
}

TEST_CASE("a field is present under any of its names, and twice is once too often") {
  const Run alias(meter::schema, R"({"operating_mode":"auto","location":{"lat":1,"lon":2}})");
  REQUIRE(alias.result.ok());
  CHECK(alias.values[meter::mode].as_text() == "auto");
  CHECK(alias.values[meter::lon].as_decimal().mantissa == 2);
  const Run both(meter::schema, R"({"mode":"auto","operating_mode":"x"})");
  CHECK(both.report() == "duplicate_key 1 [operating_mode]\n");
  CHECK(both.violations[0].key == 1);
  CHECK(Run(meter::schema, R"({"mode":"auto","mode":null})").result.first == Rule::duplicate_key);
  CHECK(Run(meter::schema, R"({"mode":null,"mode":"auto"})").result.first == Rule::duplicate_key);
  CHECK(Run(meter::schema, R"({"mode":"auto","place":{"lat":1,"lon":2},"place":{"lat":"x"}})")
            .report() == "duplicate_key 9 [place]\n");
}

TEST_CASE("undeclared members are refused where the schema says so") {
  CHECK(Run(sensor::schema, R"({"sensor_id":"abc","temperature":1,"x":{"y":[1]},"Seq":1})")
            .report() == "unknown_field 0 [x]\nunknown_field 0 [Seq]\n");
  CHECK(Run(sensor::schema, R"({"sensor_id":"abc","temperature":1,"":1})").result.first ==
        Rule::unknown_field);
}

TEST_CASE("undeclared members are listed as written where the schema takes them") {
  const Run run(
      meter::schema,
      R"({"x": {"a":[1 ]} ,"mode":"auto","place":{"lat":1,"h\u0041":"\n","lon":2},"y":null})");
  REQUIRE(run.result.ok());
  REQUIRE(run.result.extras == 3);
  CHECK(run.extras[0].node == 0);
  CHECK(run.extras[0].key == "x");
  CHECK(run.extras[0].value == R"({"a":[1 ]})");
  CHECK(run.extras[1].node == meter::place_node);
  CHECK(run.extras[1].key == "h\\u0041");
  CHECK(run.extras[1].value == "\"\\n\"");
  CHECK(run.extras[2].key == "y");
  CHECK(run.extras[2].value == "null");
}

TEST_CASE("more undeclared members than there is room for are refused") {
  const Run run(meter::schema, R"({"mode":"auto","a":1,"b":2,"c":3})", 8, 2);
  CHECK(run.result.extras == 2);
  CHECK(run.report() == "unknown_field 0 [c]\n");
}

TEST_CASE("a field that needs another is refused without it") {
  CHECK(Run(meter::schema, R"({"mode":"auto","ratio":0.5,"level":1})").result.ok());
  CHECK(Run(meter::schema, R"({"mode":"auto","level":1})").result.ok());
  const Run run(meter::schema, R"({"mode":"auto","ratio":0.5})");
  CHECK(run.report() == "requires 0 []\n");
  CHECK(run.violations[0].key == 2);
  CHECK(Run(meter::schema, R"({"mode":"auto","ratio":0.5,"level":null})").result.first ==
        Rule::requires_);
  CHECK(Run(meter::schema, R"({"mode":"auto","ratio":null})").result.ok());
}

TEST_CASE("all broken rules are reported, and the good fields still written") {
  const Run run(sensor::schema,
                R"({"temperature":200,"humidity":-1,"x":1,"sensor_id":"a","seq":7})");
  CHECK(run.report() == "max 1 [200]\nmin 2 [-1]\nunknown_field 0 [x]\nmin_length 3 [\"a\"]\n");
  CHECK(run.result.first == Rule::max);
  CHECK(run.values[sensor::seq].as_integer() == 7);
}

TEST_CASE("violations beyond the caller's room are counted") {
  std::string payload = "{";
  for (int i = 0; i < 100; ++i) payload += "\"x" + std::to_string(i) + "\":1,";
  payload += R"("temperature":1,"sensor_id":"abc"})";
  const Run some(sensor::schema, payload, 3);
  CHECK(some.result.violations == 100);
  CHECK(some.report() == "unknown_field 0 [x0]\nunknown_field 0 [x1]\nunknown_field 0 [x2]\n");
  CHECK(Run(sensor::schema, payload, 0).result.violations == 100);

  payload = "{";
  for (int i = 0; i < 70'000; ++i) payload += "\"x\":1,";
  payload += R"("temperature":1,"sensor_id":"abc"})";
  CHECK(Run(sensor::schema, payload, 0).result.violations == 65'535);
}

TEST_CASE("a payload over the limit, or over the caller's buffers, is refused") {
  std::string payload = R"({"temperature":1,"sensor_id":"abc"})";
  payload.resize(payload_bytes_max, ' ');
  CHECK(Run(sensor::schema, payload).result.ok());
  payload += ' ';
  CHECK(Run(sensor::schema, payload).result.first == Rule::payload_too_large);

  const std::string_view small = "{}";
  std::vector<Value> values(sensor::slot_count);
  std::vector<char> scratch(small.size());
  std::vector<Value> few(sensor::slot_count - 1);
  CHECK(decode(sensor::schema, small, {values, scratch, {}, {}}).first == Rule::required);
  CHECK(decode(sensor::schema, small, {few, scratch, {}, {}}).first == Rule::payload_too_large);
  scratch.resize(1);
  CHECK(decode(sensor::schema, small, {values, scratch, {}, {}}).first == Rule::payload_too_large);
}

TEST_CASE("a schema is followed to its deepest level and not beyond") {
  // "a" is an array of arrays of arrays: its items are as it is itself.
  const std::vector<Node> nodes{
      {.type = FieldType::object, .first = 0, .count = 1, .fields = 1},
      {.type = FieldType::array, .first = 1},
  };
  const std::vector<Key> keys{{"a", 1, 0, true}};
  SchemaView schema;
  schema.nodes = nodes;
  schema.keys = keys;
  const auto nested = [](std::size_t arrays) {
    return "{\"a\":" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
  };
  CHECK(Run(schema, nested(schema_depth_max - 1)).result.ok());
  CHECK(Run(schema, nested(schema_depth_max)).report() == "json_depth 1 [[]\n");
  CHECK(Run(schema, nested(json_depth_max)).result.violations == 2);
}

TEST_CASE("an object may declare 128 fields, each seen and missed for itself") {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < fields_per_object_max; ++i) names.push_back("f" + std::to_string(i));
  std::vector<Node> nodes{{.type = FieldType::object,
                           .first = 0,
                           .count = fields_per_object_max,
                           .fields = fields_per_object_max}};
  std::vector<Key> keys;
  for (std::uint16_t i = 0; i < fields_per_object_max; ++i) {
    nodes.push_back({.type = FieldType::integer, .slot = i});
    keys.push_back({names[i], static_cast<std::uint16_t>(i + 1), i, true});
  }
  SchemaView schema;
  schema.nodes = nodes;
  schema.keys = keys;
  schema.slot_count = fields_per_object_max;

  std::string all;
  for (std::size_t i = names.size(); i-- > 0;) {
    all += ",\"" + names[i] + "\":" + std::to_string(i);
  }
  const Run whole(schema, "{" + all.substr(1) + "}");
  REQUIRE(whole.result.ok());
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(whole.values[i].as_integer() == static_cast<std::int64_t>(i));
    const Run twice(schema, "{\"" + names[i] + "\":1" + all + "}");
    CHECK(twice.report() == "duplicate_key " + std::to_string(i + 1) + " [" + names[i] + "]\n");
    std::string without = all;
    const std::string member = ",\"" + names[i] + "\":" + std::to_string(i);
    without.erase(without.find(member), member.size());
    const Run missing(schema, "{" + without.substr(1) + "}");
    REQUIRE(missing.result.violations == 1);
    CHECK(missing.violations[0].rule == Rule::required);
    CHECK(missing.violations[0].key == i);
  }
}

TEST_CASE("every rule has a name of its own") {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Rule::topic); ++i) {
    names.emplace_back(to_string(static_cast<Rule>(i)));
  }
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK(to_string(Rule::requires_) == "requires");
  CHECK(to_string(Rule::enum_) == "enum");
  CHECK(to_string(Rule::max_length) == "max_length");
}

namespace {

/// Six fields and a nested pair, compared in every way.
namespace compared {
enum Slot : std::uint16_t {
  low,
  high,
  from,
  to,
  name,
  twin,
  on,
  off,
  inner_low,
  inner_high,
  slots
};
constexpr Node nodes[] = {
    {.type = FieldType::object, .first = 0, .count = 9, .fields = 9},
    {.type = FieldType::integer, .slot = low},
    {.type = FieldType::number, .slot = high},
    {.type = FieldType::timestamp, .slot = from},
    {.type = FieldType::timestamp, .slot = to},
    {.type = FieldType::string, .slot = name},
    {.type = FieldType::string, .slot = twin},
    {.type = FieldType::boolean, .slot = on},
    {.type = FieldType::boolean, .slot = off},
    {.type = FieldType::object, .first = 9, .count = 2, .fields = 2},
    {.type = FieldType::number, .slot = inner_low},
    {.type = FieldType::number, .slot = inner_high},
};
constexpr Key keys[] = {{"low", 1, 0},  {"high", 2, 1}, {"from", 3, 2}, {"to", 4, 3},
                        {"name", 5, 4}, {"twin", 6, 5}, {"on", 7, 6},   {"off", 8, 7},
                        {"o", 9, 8},    {"low", 10, 0}, {"high", 11, 1}};
constexpr Default defaults[] = {{high, Value::integer(-5)}};

/// "ok" or the rule that a payload breaks with one comparison in the tables.
std::string judged(Comparison comparison, std::string payload) {
  const SchemaView schema{.nodes = nodes,
                          .keys = keys,
                          .bounds = {},
                          .enums = {},
                          .defaults = defaults,
                          .requires_ = {},
                          .comparisons = {&comparison, 1},
                          .slot_count = slots};
  const Run run(schema, std::move(payload));
  if (run.result.ok()) return "ok";
  CHECK(run.result.violations == 1);
  CHECK(run.violations[0].node == comparison.node);
  CHECK(run.violations[0].length == 0);
  CHECK(run.payload[run.violations[0].offset] == '}');
  return std::string(to_string(run.result.first));
}
}  // namespace compared

}  // namespace

TEST_CASE("each relation accepts exactly the orders that its name says") {
  struct Row {
    Relation relation;
    const char* verdicts;  // of 1 with 2, 2 with 2, 3 with 2
  };
  const Row rows[] = {{Relation::less_than, "ynn"},    {Relation::less_or_equal, "yyn"},
                      {Relation::greater_than, "nny"}, {Relation::greater_or_equal, "nyy"},
                      {Relation::equal, "nyn"},        {Relation::not_equal, "yny"}};
  for (const Row& row : rows) {
    const Comparison one{0, compared::low, compared::high, row.relation};
    for (int i = 0; i < 3; ++i) {
      const std::string found =
          compared::judged(one, "{\"low\": " + std::to_string(i + 1) + ", \"high\": 20e-1}");
      CAPTURE(static_cast<int>(row.relation), i);
      CHECK(found == (row.verdicts[i] == 'y' ? "ok" : "comparison"));
    }
  }
}

TEST_CASE("numbers, times, texts and booleans are compared exactly, in either order of the keys") {
  using namespace compared;
  const Comparison numbers{0, low, high, Relation::less_than};
  CHECK(judged(numbers, R"({"high": 9007199254740993, "low": 9007199254740992})") == "ok");
  CHECK(judged(numbers, R"({"high": 9007199254740992.5, "low": 9007199254740993})") ==
        "comparison");
  const Comparison times{0, from, to, Relation::less_than};
  CHECK(judged(times, R"({"from": 1762862400, "to": "2025-11-11T12:00:00.000000001Z"})") == "ok");
  CHECK(judged(times, R"({"to": 1762862400, "from": "2025-11-11T13:00:00+01:00"})") ==
        "comparison");
  const Comparison texts{0, name, twin, Relation::equal};
  CHECK(judged(texts, R"({"name": "\u00fc", "twin": "ü"})") == "ok");
  CHECK(judged(texts, R"({"name": "a", "twin": "ab"})") == "comparison");
  const Comparison booleans{0, on, off, Relation::not_equal};
  CHECK(judged(booleans, R"({"on": true, "off": false})") == "ok");
  CHECK(judged(booleans, R"({"on": true, "off": true})") == "comparison");
  const Comparison inner{9, inner_low, inner_high, Relation::less_than};
  CHECK(judged(inner, R"({"low": 9, "high": 1, "o": {"low": 1, "high": 2}})") == "ok");
  CHECK(judged(inner, R"({"o": {"low": 2, "high": 2}, "low": 1, "high": 9})") == "comparison");
}

TEST_CASE("a comparison holds where one of the values is missing, null or defaulted") {
  const Comparison numbers{0, compared::low, compared::high, Relation::less_than};
  for (const char* payload : {"{}", R"({"low": 7})", R"({"high": -9})",
                              R"({"low": 7, "high": null})", R"({"low": null, "high": -9})"}) {
    CHECK(compared::judged(numbers, payload) == "ok");
  }
}
