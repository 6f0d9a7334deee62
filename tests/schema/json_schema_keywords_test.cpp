// SPDX-License-Identifier: Apache-2.0
// Draft-07 keyword by keyword: what the standard says of these values.
#include "json_schema.hpp"

namespace {

using namespace schema_test;

struct Row {
  const char* schema;
  std::vector<const char*> good;
  std::vector<const char*> bad;
  bool tables_only;  // nothing is left for the second judge
};

const Row rows[] = {
    {R"(true)", {"1", "null", "{}"}, {}, true},
    {R"({})", {"1", "null", "[]"}, {}, true},
    {R"({"type": "string"})", {R"("")", R"("x")"}, {"1", "null", "[]"}, true},
    {R"({"type": "integer"})", {"1", "1.0", "-3e2"}, {"1.5", R"("1")", "null"}, true},
    {R"({"type": "number"})", {"1", "1.5"}, {R"("1")", "true", "null"}, true},
    {R"({"type": "boolean"})", {"true", "false"}, {"0", R"("true")"}, true},
    {R"({"type": "null"})", {"null"}, {"0", R"("")", "false"}, false},
    {R"({"type": "array"})", {"[]", "[null, 1]"}, {"{}", "null"}, true},
    {R"({"type": "object"})", {"{}", R"({"a": 1})"}, {"[]", "null"}, false},
    {R"({"type": ["number", "null"]})", {"1.5", "null"}, {R"("1")", "[]"}, true},
    {R"({"type": ["integer", "number"]})", {"1.5", "1"}, {"null", R"("1")"}, true},
    {R"({"type": ["string", "array"]})", {R"("x")", "[]"}, {"null", "1", "{}"}, false},
    {R"({"enum": ["a", "b"]})", {R"("a")", R"("b")"}, {R"("c")", "null", "1"}, true},
    {R"({"enum": ["a", null]})", {R"("a")", "null"}, {R"("b")", "0"}, true},
    {R"({"enum": [1, "a", {"x": [1]}]})",
     {"1.0", R"({"x": [1.0]})"},
     {"2", R"({"x": [2]})"},
     false},
    {R"({"type": "boolean", "enum": [true]})", {"true"}, {"false", "1"}, false},
    {R"({"type": "boolean", "enum": [true, false]})", {"true", "false"}, {"1", "null"}, true},
    {R"({"const": 2})", {"2", "2.0"}, {"3", R"("2")"}, true},
    {R"({"const": {"a": 1, "b": 2}})", {R"({"b": 2, "a": 1})"}, {R"({"a": 1})", "1"}, false},
    {R"({"const": null})", {"null"}, {"0", "false"}, false},
    {R"({"const": false})", {"false"}, {"0", "null", "[]"}, false},
    {R"({"type": "number", "minimum": 1.1})", {"1.1", "1.10", "2"}, {"1.09", "-5"}, true},
    {R"({"type": "number", "maximum": 3})", {"3", "3.0"}, {"3.0001", "4"}, true},
    {R"({"type": "number", "exclusiveMinimum": 0.1})",
     {"0.1000001", "1"},
     {"0.1", "0.10", "0"},
     true},
    {R"({"type": "integer", "exclusiveMaximum": 3})", {"2", "2.0"}, {"3", "3.0", "4"}, true},
    {R"({"type": "number", "minimum": 1, "exclusiveMinimum": 2})", {"2.5"}, {"2", "1"}, true},
    {R"({"type": "number", "minimum": 2, "exclusiveMinimum": 1})", {"2", "3"}, {"1.5", "1"}, true},
    {R"({"minimum": 5})", {"5", R"("x")", "null"}, {"4.9", "-1"}, false},
    {R"({"exclusiveMaximum": 9007199254740993})",
     {"9007199254740992"},
     {"9007199254740993"},
     false},
    {R"({"type": "integer", "multipleOf": 5})", {"0", "-10", "15.0"}, {"7", "1"}, false},
    {R"({"type": "number", "multipleOf": 0.01})",
     {"4.02", "0.07", "1e20"},
     {"4.021", "0.001"},
     false},
    {R"({"multipleOf": 2})", {"4", R"("3")", "true"}, {"3", "4.5"}, false},
    {R"({"type": "string", "minLength": 2})", {R"("ab")", R"("éa")"}, {R"("é")", R"("")"}, true},
    {R"({"type": "string", "maxLength": 2.0})", {R"("ab")", R"("éé")"}, {R"("abc")", "null"}, true},
    {R"({"minLength": 2})", {R"("a\u0000")", "1"}, {R"("a")", R"("")"}, false},
    {R"({"type": "string", "pattern": "^a+$"})", {R"("a")", R"("aa")"}, {R"("ab")", R"("")"}, true},
    {R"({"type": "string", "pattern": ""})", {R"("a")", R"("")"}, {"1"}, true},
    {R"({"pattern": "b"})", {R"("abc")", "1", "null"}, {R"("ac")", R"("")"}, false},
    {R"({"type": "string", "format": "date-time"})",
     {R"("2026-01-31T12:00:00Z")"},
     {R"("noon")", "1"},
     true},
    {R"({"type": "string", "format": "email"})", {R"("a@b")", R"("no")"}, {"1", "null"}, true},
    {R"({"type": "array", "items": {"type": "integer"}})",
     {"[]", "[1, 2.0]"},
     {"[1.5]", "[null]"},
     true},
    {R"({"type": "array", "items": {"type": ["integer", "null"]}})",
     {"[null, 1]"},
     {"[true]", "null"},
     true},
    {R"({"type": "array", "items": false})", {"[]"}, {"[1]", "[null]"}, true},
    {R"({"type": "array", "items": [{"type": "integer"}, {"type": "string"}]})",
     {"[]", R"([1, "a", true])"},
     {R"(["a"])", "[1, 2]"},
     false},
    {R"({"items": [true], "additionalItems": {"type": "null"}})",
     {"[1]", "[1, null]", "3"},
     {"[1, 2]", "[1, null, 0]"},
     false},
    {R"({"type": "array", "additionalItems": false})", {"[]", "[1, 2]"}, {"1"}, true},
    {R"({"type": "array", "minItems": 1})", {"[1]", "[null]"}, {"[]", "{}"}, true},
    {R"({"type": "array", "maxItems": 1})", {"[]", "[1]"}, {"[1, 2]", "null"}, true},
    {R"({"type": "array", "uniqueItems": true})",
     {"[1, 2]", R"([1, "1", true, [1]])"},
     {"[1, 1.0]", R"([{"a": 1, "b": 2}, {"b": 2, "a": 1}])"},
     false},
    {R"({"type": "array", "uniqueItems": false})", {"[1, 1]"}, {"1"}, true},
    {R"({"type": "array", "contains": {"minimum": 5}})",
     {"[1, 6]", "[5]"},
     {"[]", "[1, 4]"},
     false},
    {R"({"type": "object", "properties": {"a": {"type": "integer"}}})",
     {"{}", R"({"a": 1, "b": 2})"},
     {R"({"a": null})", R"({"a": "1"})"},
     true},
    {R"({"properties": {"a": {"type": "integer"}}})",
     {"1", R"({"a": 1})"},
     {R"({"a": null})", R"({"a": "1"})"},
     false},
    {R"({"type": "object", "properties": {"a": {}}, "required": ["a"]})",
     {R"({"a": null})", R"({"a": 1})"},
     {"{}", R"({"b": 1})"},
     true},
    {R"({"type": "object", "properties": {"a": {}}, "required": ["b"]})",
     {R"({"b": null})", R"({"b": 1})"},
     {"{}", R"({"a": 1})"},
     false},
    {R"({"type": "object", "properties": {"a": {}}, "additionalProperties": false})",
     {"{}", R"({"a": 1})"},
     {R"({"b": 1})", R"({"a": 1, "b": 1})"},
     true},
    {R"({"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "integer"}})",
     {R"({"a": "x"})", R"({"b": 1})"},
     {R"({"b": "x"})", R"({"b": null})"},
     false},
    {R"({"type": "object", "properties": {"a.b": {"type": "integer"}, "c": true}, "additionalProperties": false})",
     {R"({"a.b": 1, "c": 2})"},
     {R"({"a.b": "x"})", R"({"d": 1})"},
     false},
    {R"({"type": "object", "properties": {"a": false, "c": true}})",
     {R"({"c": 1})"},
     {R"({"a": 1})", R"({"a": null})"},
     false},
    {R"({"type": "object", "patternProperties": {"^n_": {"type": "number"}}})",
     {R"({"n_a": 1, "x": "y"})"},
     {R"({"n_a": "1"})", R"({"n_": null})"},
     false},
    {R"({"type": "object", "properties": {"a": true}, "patternProperties": {"^n_": {"type": "number"}}, "additionalProperties": false})",
     {R"({"a": "x", "n_a": 1})"},
     {R"({"x": 1})", R"({"n_a": "1"})"},
     false},
    {R"({"type": "object", "propertyNames": {"maxLength": 2}})",
     {R"({"ab": 1})", "{}"},
     {R"({"abc": 1})", R"({"ab": 1, "xyz": 2})"},
     false},
    {R"({"type": "object", "propertyNames": {"pattern": "^a"}})",
     {R"({"ab": 1})"},
     {R"({"b": 1})", R"({"a": 1, "": 1})"},
     false},
    {R"({"type": "object", "minProperties": 1})", {R"({"a": 1})"}, {"{}", "[]"}, false},
    {R"({"type": "object", "maxProperties": 1})",
     {"{}", R"({"a": 1})"},
     {R"({"a": 1, "b": 1})", "1"},
     false},
    {R"({"type": "object", "properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}})",
     {"{}", R"({"a": null, "b": null})"},
     {R"({"a": 1})", R"({"a": null})"},
     true},
    {R"({"type": "object", "properties": {"a": {}}, "dependencies": {"a": {"minProperties": 2}}})",
     {"{}", R"({"a": 1, "b": 1})"},
     {R"({"a": 1})", R"({"a": null})"},
     false},
    {R"({"allOf": [{"type": "integer"}, {"minimum": 3}]})",
     {"3", "4.0"},
     {"2", "3.5", "null"},
     false},
    {R"({"anyOf": [{"type": "integer"}, {"minimum": 2}]})",
     {"1", "2.5", R"("x")"},
     {"1.5", "0.5"},
     false},
    {R"({"oneOf": [{"type": "integer"}, {"minimum": 2}]})", {"1", "2.5"}, {"3", "1.5"}, false},
    {R"({"not": {"type": "integer"}})", {"1.5", "null"}, {"1", "1.0"}, false},
    {R"({"type": "number", "if": {"maximum": 0}, "then": {"minimum": -10}, "else": {"multipleOf": 2}})",
     {"-5", "4"},
     {"-11", "3"},
     false},
    {R"({"type": "number", "then": {"minimum": 10}, "else": {"minimum": 10}})",
     {"1"},
     {"null"},
     true},
    {R"({"$ref": "#/definitions/small", "title": "t"})", {"1", "3"}, {"4", "null"}, true},
    // Numbers beyond a double, and longer ones.
    {R"({"type": ["number", "string"], "maximum": 100})",
     {"-1e309", "1e-400", "100.0", R"("x")"},
     {"1e309", "100.00000000000000000001", "1e999999999999999999999"},
     false},
    {R"({"minimum": 1})", {"1e309", "1.00000000000000000000001"}, {"1e-400", "-1e309"}, false},
    {R"({"exclusiveMinimum": 0})", {"1e-400", "5e-324"}, {"0", "-1e-400"}, false},
    {R"({"multipleOf": 3})",
     {"12682136550675316737e400", "333333333333333333333333333333", "0", "3e99999999999"},
     {"1e400", "1e-400", "333333333333333333333333333334", "3.00000000000000000000001"},
     false},
    {R"({"multipleOf": 1e-324})", {"1e-324", "5", "1e309"}, {"1e-325"}, false},
    {R"({"type": ["integer", "string"]})",
     {"12682136550675316736", "1e400"},
     {"12682136550675316736.5", "1e-400"},
     false},
    {R"({"type": "array", "uniqueItems": true})",
     {"[0.33333333333333333333, 0.33333333333333333334]", "[1e309, 1e310]"},
     {"[1e309, 10e308]", "[0.333333333333333333330, 0.33333333333333333333]"},
     false},
    {R"({"enum": [0, "x"]})", {"0", "0e400"}, {"1e-400", "-1e-400"}, false},
    {R"({"type": "integer", "enum": [1, 1.0, 2, 2]})", {"1", "2.0"}, {"3"}, true},
    {R"({"type": "string", "enum": ["a", "a"]})", {R"("a")"}, {R"("b")"}, true},
    {R"({"type": "array", "default": 5})", {"[]"}, {"5"}, true},
    {R"({"type": "array", "default": [1]})", {"[]"}, {"5"}, true},
    {R"({"pattern": "1"})", {R"("a1")", "2"}, {R"("b")"}, false},
    // date-time is checked everywhere, and knows all years of RFC 3339.
    {R"({"type": "string", "format": "date-time"})",
     {R"("0001-01-01T00:00:00Z")", R"("9999-12-31T23:59:59Z")"},
     {R"("0001-13-01T00:00:00Z")"},
     true},
    {R"({"format": "date-time"})",
     {R"("0001-01-01T00:00:00Z")", "5", "null"},
     {R"("noon")", R"("2026-02-29T00:00:00Z")"},
     false},
    {R"({"allOf": [{"format": "date-time"}]})",
     {R"("9999-12-31T23:59:59Z")", "5"},
     {R"("noon")"},
     false},
    {R"({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]})",
     {R"("2026-01-31T12:00:00Z")", "5"},
     {R"("noon")"},
     false},
    {R"({"type": "object", "patternProperties": {"^t": {"format": "date-time"}}})",
     {R"({"t1": "2026-01-31T12:00:00Z", "x": "noon"})"},
     {R"({"t1": "noon"})"},
     false},
    {R"({"type": "array", "items": {"type": "string", "format": "date-time"}})",
     {R"(["2026-01-31T12:00:00Z", "0001-01-01T00:00:00Z"])"},
     {R"(["noon"])"},
     true},
    {R"({"type": "array", "items": [{"format": "date-time"}]})",
     {R"(["2026-01-31T12:00:00Z", "noon"])"},
     {R"(["noon"])"},
     false},
};

TEST_CASE("each keyword accepts and refuses what draft-07 says") {
  for (const Row& row : rows) {
    std::string document = with_member(row.schema);
    document.insert(document.size() - 2,
                    R"(, "definitions": {"small": {"type": "integer", "maximum": 3}})");
    const SchemaPtr schema = good(document, "test.json");
    INFO(row.schema << "\n" << schema->document());
    CHECK(schema->has_json_schema() != row.tables_only);
    for (const SchemaPtr& one : {schema, again(*schema)}) {
      for (const char* value : row.good) {
        INFO(value);
        CHECK(told(*one, std::string(R"({"v": )") + value + "}") == Told{});
      }
      for (const char* value : row.bad) {
        INFO(value);
        CHECK(told(*one, std::string(R"({"v": )") + value + "}").size() >= 1);
      }
      CHECK(told(*one, "{}") == Told{});
    }
  }
}

TEST_CASE("a default is for an absent member; a null that was sent stays where it is a value") {
  const auto schema = good(with_member(R"({"type": ["integer", "null"], "default": 1})"));
  for (const SchemaPtr& one : {schema, again(*schema)}) {
    const auto value = [&](std::string_view payload) {
      std::vector<telemetry::core::Value> values(1);
      std::vector<char> scratch(payload.size());
      REQUIRE(telemetry::core::decode(one->view(), payload, {values, scratch, {}, {}}).ok());
      return values[0];
    };
    CHECK(value("{}").as_integer() == 1);
    CHECK(value(R"({"v": null})").is_null());
    CHECK(value(R"({"v": 2})").as_integer() == 2);
  }
}

TEST_CASE("a default keeps what patternProperties say of its member") {
  std::vector<telemetry::Diagnostic> found;
  const std::string document =
      R"({"properties": {"t": {"type": "integer", "default": 3}, "u": {"type": "integer"}},
          "patternProperties": {"^t": {"multipleOf": 2}}})";
  CHECK_FALSE(telemetry::Schema::parse(with_document(document), "bad.json", found));
  REQUIRE(found.size() == 1);
  CHECK(found[0].message == "field 't': default 3 breaks what its object says of it");
}

TEST_CASE("keywords at the top of a document judge the whole payload") {
  const auto schema = good(with_document(R"({
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["c"], "minProperties": 2, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})"));
  CHECK(told(*schema, R"({"a": 1, "c": null})") == Told{});
  CHECK(told(*schema, R"({"c": 1})") ==
        Told{R"(t 1.0: (document): {"c":1} breaks anyOf [{"required":["a"]},{"required":["b"]}])",
             R"(t 1.0: (document): {"c":1} breaks minProperties 2)"});
  CHECK(told(*schema, R"({"b": 1})") ==
        Told{R"(t 1.0: (document): {"b":1} breaks minProperties 2)",
             R"(t 1.0: (document): {"b":1} breaks required ["c"])"});
}

TEST_CASE("both judges are asked about members of objects and items of arrays") {
  const auto schema = good(with_document(R"({"properties": {
    "o": {"type": "object", "properties": {"n/m": {"type": "integer", "multipleOf": 2}}},
    "l": {"type": "array", "items": {"type": "object",
      "properties": {"k": {"type": "array", "items": {"type": "number", "multipleOf": 0.5}}}}}}})"));
  CHECK(told(*schema, R"({"o": {"n/m": 4}, "l": [{"k": [1, 1.5]}, {}]})") == Told{});
  CHECK(
      told(*schema, R"({"o": {"n/m": 3}, "l": [{"k": [1]}, {"k": [1, 1.25, 0.1]}]})") ==
      Told{"t 1.0: /o/n~1m: 3 breaks multipleOf 2", "t 1.0: /l/1/k/1: 1.25 breaks multipleOf 0.5"});
}

}  // namespace
