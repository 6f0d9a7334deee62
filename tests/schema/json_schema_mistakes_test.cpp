// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "json_schema.hpp"

namespace {

using namespace schema_test;
using telemetry::Diagnostic;

std::vector<Diagnostic> mistakes(const std::string& document) {
  std::vector<Diagnostic> found;
  INFO(document);
  CHECK_FALSE(telemetry::Schema::parse(document, "bad.yaml", found));
  return found;
}

// Line 5 is the first of the document.
std::string document(const std::string& lines) { return head + "json_schema:\n" + lines; }

struct Bad {
  std::string lines;
  int line;
  int column;
  std::string message;
  std::string hint;
};

const std::string a = "  type: object\n  properties:\n    a: ";  // line 7, column 8

const Bad rows[] = {
    {a + "{type: float}\n", 7, 15, "/properties/a/type: unknown type 'float'", "`number`"},
    {a + "{type: strin}\n", 7, 15, "unknown type 'strin'", "did you mean `string`?"},
    {a + "{minimun: 3}\n", 7, 9, "/properties/a: unknown keyword 'minimun'", "`minimum`"},
    {a + "{minimum: low}\n", 7, 18, "/properties/a/minimum must be a number", ""},
    {a + "{minLength: -1}\n", 7, 20, "must be a whole number from 0", ""},
    {a + "{multipleOf: 0}\n", 7, 21, "/properties/a/multipleOf must be above 0", ""},
    {a + "{exclusiveMinimum: true}\n", 7, 27, "must be a number", "draft-04"},
    {a + "{pattern: '(?=x)'}\n", 7, 18, "/properties/a/pattern: invalid perl operator", "RE2"},
    {a + "{type: object, patternProperties: {'(': true}}\n", 7, 43,
     "/properties/a/patternProperties/(: missing )", "RE2"},
    {a + "{anyOf: []}\n", 7, 16, "/properties/a/anyOf must be a list of schemas", ""},
    {a + "{anyOf: [3]}\n", 7, 17, "/properties/a/anyOf/0: a schema must be a map", ""},
    {a + "{not: {pattern: '['}}\n", 7, 24, "/properties/a/not/pattern: missing ]", "RE2"},
    {a + "{required: true}\n", 7, 19, "must be a list of names", "the object lists them"},
    {a + "{format: datetime}\n", 7, 17, "unknown format 'datetime'", "`date-time`"},
    {a + "{$ref: 'http://other/x.json'}\n", 7, 15, "leads to another document", "definitions"},
    {a + "{$ref: 'other.json#/a'}\n", 7, 15, "leads to another document", "definitions"},
    {a + "{$ref: '#/definitions/x'}\n", 7, 15, "there is no '#/definitions/x'", ""},
    {a + "{$ref: '#/definitions/x', maximum: 3}\n  definitions: {x: true}\n", 7, 34,
     "draft-07 ignores what stands beside $ref", "allOf"},
    {a + "{$id: x}\n", 7, 9, "$id is possible at the top only", ""},
    {a + "{$defs: {}}\n", 7, 9, "unknown keyword '$defs'", "definitions"},
    {a + "{type: number, minimum: 3, maximum: 2}\n", 7, 32, "min 3 is above max 2", ""},
    {a + "{type: number, exclusiveMinimum: 2, maximum: 2}\n", 7, 41, "nothing lies between", ""},
    {a + "{type: string, enum: [b, null]}\n", 7, 33, "null is not of the type", ""},
    {a + "{type: integer, enum: [1, 2.5]}\n", 7, 34, "2.5 is not an integer", ""},
    {a + "{type: integer, default: 1.5}\n", 7, 33, "1.5 is not an integer", ""},
    {a + "{required: [1]}\n", 7, 20, "/properties/a/required: a name must be text",
     "put it in quotes"},
    {a + "{dependencies: {b: [true]}}\n", 7, 28, "a name must be text", "put it in quotes"},
    {a + "{multipleOf: 1e-400}\n", 7, 21, "multipleOf: 1e-400 cannot be held exactly", "1e-324"},
    {a + "{type: [number, string], maximum: 1e309}\n", 7, 42, "1e309 cannot be held exactly", ""},
    {a + "{type: number, multipleOf: 0.5, default: 0.7}\n", 7, 49,
     "default 0.7 breaks multipleOf 0.5", "keeps the rules"},
    {a + "{type: integer, not: {const: 3}, default: 3}\n", 7, 50, "default 3 breaks not", ""},
    {a + "{type: string, format: date-time, default: '0001-01-01T00:00:00Z'}\n", 7, 51,
     "is outside 1677-09-21 to 2262-04-11", ""},
    {a + "{type: string, x-time-format: s}\n", 7, 38, "unit of a number", "date-time"},
    {a + "{const: 1234567890123456789012}\n", 7, 16, "cannot be held exactly", ""},
    {a + "true\n  $schema: http://json-schema.org/draft-04/schema#\n", 8, 12, "is not draft-07",
     ""},
    {"  type: array\n", 5, 3, "a payload is an object", "type: object"},
    {"  type: object\n", 5, 3, "no member can be a column", "properties"},
    {a + "true\nfields: [{name: a, type: any}]\n", 5, 3, "say the same thing twice",
     "one of the two"},
    {a + "true\nvalidation: {allow_extra_fields: true}\n", 8, 34, "beside json_schema",
     "additional"},
    {a + "{multipleOf: 2}\nvalidation: {strict: false}\n", 7, 8, "needs strict mode", "strict"},
};

TEST_CASE("a mistake in a JSON Schema document is told with its place and a remedy") {
  for (const Bad& row : rows) {
    const auto found = mistakes(document(row.lines));
    INFO(all_of(found));
    CHECK(found.size() == 1);
    if (found.empty()) continue;
    CHECK(found[0].line == row.line);
    CHECK(found[0].column == row.column);
    CHECK_THAT(found[0].message, Catch::Contains(row.message));
    CHECK_THAT(found[0].hint, Catch::Contains(row.hint));
  }
}

TEST_CASE("all mistakes of a JSON Schema document are told in one run") {
  const auto found = mistakes(
      "name: t\nversion: one\ntopic_pattern: a/#/b\njson_schema:\n  type: object\n  properties:\n"
      "    a: {type: flaot}\n    b: {type: number, minimum: 5, maximum: 1}\n"
      "    c: {oneOf: [{maxlength: 3}]}\n    d: {$ref: '#/definitions/e'}\n"
      "  definitions:\n    unused: {pattern: '('}\ntime_fild: b\n");
  std::vector<std::pair<int, int>> places;
  for (const Diagnostic& one : found) places.emplace_back(one.line, one.column);
  INFO(all_of(found));
  CHECK(places == std::vector<std::pair<int, int>>{
                      {2, 10}, {3, 16}, {7, 15}, {8, 32}, {9, 18}, {10, 15}, {12, 23}, {13, 1}});
}

TEST_CASE("a circular $ref is refused and its round is named") {
  const auto one = [](const std::string& lines) {
    const auto found = mistakes(document(lines));
    INFO(all_of(found));
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0].message, Catch::StartsWith("circular $ref: "));
    return found[0].message.substr(15) + " " + std::to_string(found[0].line);
  };
  CHECK(one(a + "{$ref: '#'}\n") == "# -> # 7");
  CHECK(one(a + "{$ref: '#/properties/a'}\n") == "#/properties/a -> #/properties/a 7");
  CHECK(one(a + "true\n  definitions: {x: {$ref: '#/definitions/x'}}\n") ==
        "#/definitions/x -> #/definitions/x 8");
  CHECK(one(a + "{$ref: '#/definitions/x'}\n  definitions:\n    x: {anyOf: [{$ref: "
                "'#/definitions/y'}]}\n    y: {items: {$ref: '#/definitions/x'}}\n") ==
        "#/definitions/x -> #/definitions/y -> #/definitions/x 10");
}

TEST_CASE("references that unfold without end of the file's size are refused") {
  std::string lines = a + "{$ref: '#/definitions/d0'}\n  definitions:\n";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "{$ref: '#/definitions/d" + std::to_string(i + 1) + "'}";
    lines += "    d" + std::to_string(i) + ": {allOf: [" + next + ", " + next + "]}\n";
  }
  const auto found = mistakes(document(lines + "    d40: {minimum: 1}\n"));
  INFO(all_of(found));
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0].message, Catch::Contains("more than 40000 values"));

  std::string chain = a + "{$ref: '#/definitions/d0'}\n  definitions:\n";
  for (int i = 0; i < 5000; ++i)
    chain +=
        "    d" + std::to_string(i) + ": {$ref: '#/definitions/d" + std::to_string(i + 1) + "'}\n";
  const auto long_chain = mistakes(document(chain + "    d5000: {minimum: 1}\n"));
  CHECK(std::ranges::any_of(long_chain, [](const Diagnostic& one) {
    return one.message.find("more than 128 schemas inside one another") != one.message.npos;
  }));
}

}  // namespace
