// SPDX-License-Identifier: Apache-2.0
#include "schema/text_tree.hpp"
#include "support.hpp"

namespace {

using namespace schema_test;
using telemetry::Diagnostic;
using telemetry::Schema;

struct Bad {
  std::string document;
  int line;
  int column;
  std::string message;  // a part of it
  std::string hint;     // a part of it
};

std::string top(const std::string& line_4) {
  return head + line_4 + "\nfields: [{name: x, type: float}]\n";
}

std::string thousands() {
  std::string list = "v";
  for (int i = 0; i < 1024; ++i) list += ", v" + std::to_string(i);
  return list;
}

// In with_fields, line 5 begins "  - ", so that the first key stands in column 5.
const Bad of_form[] = {
    {"", 1, 1, "the file is empty", "begin with `name:`"},
    {"# nothing but a remark\n", 1, 1, "the file is empty", ""},
    {"- a\n- b\n", 1, 1, "a schema is a map of keys, not a list", ""},
    {"name: t\n\tversion: 1\n", 2, 1, "not valid YAML", "indent with spaces"},
    {"{\"name\": \"t\",", 1, 1, "this is never closed", "close the bracket"},
    {"name: t\nx: \"\xC3\x28\"\n", 2, 5, "not valid UTF-8", "save the file as UTF-8"},
    {std::string("name: t\nx: a\x04") + "b\n", 2, 5, "control character 0x04", "escape"},
    {top("") + "---\nname: u\n", 6, 1, "a second document", "a stray comma"},
    {head + "fields: &f\n  - {name: a, type: object, fields: *f}\n", 5, 37,
     "this alias contains itself", "write the value out"},
    {top("description: !!str x"), 4, 14, "tags are not supported", "remove it"},
    {top("? [a, b]\n: c"), 4, 3, "in the place of a key", ""},
    {top("version: \"1.1\""), 4, 1, "key 'version' is given twice", "the first is in line 2"},
};

const Bad of_head[] = {
    {"version: \"1.0\"\ntopic_pattern: a/b\nfields: [{name: x, type: float}]\n", 1, 1,
     "`name` is missing", "add name: "},
    {"name: t\nversion: 1\nfields: [{name: x, type: float}]\n", 1, 1, "`topic_pattern` is missing",
     "add topic_pattern: "},
    {"name: t\nversion: 1\ntopic_pattern: a/b\n", 1, 1, "`fields` is missing", "add fields:"},
    {top("topic_patern: a/c"), 4, 1, "unknown key 'topic_patern'", "did you mean `topic_pattern`?"},
    {top("colour: red"), 4, 1, "unknown key 'colour'", "known: name, version"},
    {top("time_field: when"), 4, 13, "there is no field 'when'", "type: timestamp"},
    {top("time_field: x"), 4, 13, "field 'x' has type float", "type: timestamp"},
    {top("sequence_field: x"), 4, 17, "field 'x' has type float", "type: integer"},
    {top("sequence_scope: device"), 4, 17, "sequence_scope without sequence_field", ""},
    {top("time_format: iso"), 4, 14, "unknown format 'iso'", "auto, rfc3339, s, ms, us, ns"},
    {top("time_zone: Europe/Berlim"), 4, 12, "did you mean 'Europe/Berlin'?", "+02:00"},
    {top("time_zone: \"+25:00\""), 4, 12, "unknown time zone '+25:00'", "+02:00"},
    {top("validation: {lenient: true}"), 4, 14, "unknown key 'lenient'",
     "`validation: {strict: false}`"},
    {top("validation: {allow_extra: true}"), 4, 14, "unknown key 'allow_extra'",
     "allow_extra_fields"},
    {top("validation: {strict: yes}"), 4, 22, "strict must be true or false", ""},
    {top("validation: strict"), 4, 13, "validation must be a map", ""},
    {top("comparisons: [a < b]"), 4, 1, "unknown key 'comparisons'",
     "`validation: {less_than: other_field}`"},
    {head + "$schema: http://json-schema.org/draft-07/schema#\n", 4, 1, "unknown key '$schema'",
     "stands under `json_schema`"},
    {"name: 9lives\nversion: 1\ntopic_pattern: a\nfields: [{name: x, type: float}]\n", 1, 7,
     "'9lives' is not a schema name", "letters"},
    {"name: t\nversion: one\ntopic_pattern: a\nfields: [{name: x, type: float}]\n", 2, 10,
     "'one' is not MAJOR.MINOR", "\"1.0\""},
    {"name: t\nversion: 1.2.3\ntopic_pattern: a\nfields: [{name: x, type: float}]\n", 2, 10,
     "has a patch number", "write \"1.2\""},
    {"name: t\nversion: 1\ntopic_pattern: a/#/b\nfields: [{name: x, type: float}]\n", 3, 16,
     "is not a topic filter", "# alone in the last"},
    {"name: t\nversion: 1\ntopic_pattern: a/x{device}\nfields: [{name: x, type: float}]\n", 3, 16,
     "'x{device}' in level 2", "a whole level"},
    {"name: t\nversion: 1\ntopic_pattern: \"a/{a b}/b\"\nfields: [{name: x, type: float}]\n", 3, 16,
     "'{a b}' in level 2", "{channel}"},
    {"name: t\nversion: 1\ntopic_pattern: \"{room}/{room}\"\nfields: [{name: x, type: "
     "float}]\n",
     3, 16, "{room} stands twice", "another name"},
    {"name: t\nversion: 1\ntopic_pattern: $share/g/a\nfields: [{name: x, type: float}]\n", 3, 16,
     "a shared subscription", "leave out"},
    {"name: t\nversion: 1\ntopic_pattern: [a, b]\nfields: [{name: x, type: float}]\n", 3, 16,
     "topic_pattern must be text, not a list", ""},
};

const Bad of_fields[] = {
    {head + "fields: x\n", 4, 9, "fields must be a list", "- name:"},
    {head + "fields: []\n", 4, 9, "fields is empty", ""},
    {with_fields("  - temperature\n"), 5, 5, "a field must be a map", ""},
    {with_fields("  - type: float\n"), 5, 5, "a field has no name", ""},
    {with_fields("  - name: x\n"), 5, 5, "field 'x' has no type", "add type"},
    {with_fields("  - {name: x, type: int}\n"), 5, 21, "unknown type 'int'",
     "did you mean `integer`?"},
    {with_fields("  - {name: x, type: flaot}\n"), 5, 21, "unknown type 'flaot'",
     "did you mean `float`?"},
    {with_fields("  - {name: x, type: strnig}\n"), 5, 21, "unknown type 'strnig'",
     "did you mean `string`?"},
    {with_fields("  - {name: x, type: float, minimum: 3}\n"), 5, 28, "unknown key 'minimum'",
     "did you mean `min`?"},
    {with_fields("  - {name: x, type: float, requierd: true}\n"), 5, 28, "unknown key 'requierd'",
     "did you mean `required`?"},
    {with_fields("  - {name: x, type: float, validation: {required: true}}\n"), 5, 41,
     "validation: unknown key 'required'", "known: min, max"},
    {with_fields("  - {name: x, type: float, validation: {custom: f}}\n"), 5, 49,
     "field 'x': custom: there is no validation function 'f'", "this program registers none"},
    {with_fields("  - {name: x, type: float, validation: {validator: f}}\n"), 5, 41,
     "unknown key 'validator'", "`validation: {custom: NAME}`"},
    {with_fields("  - {name: x, type: float, required: \"true\"}\n"), 5, 38,
     "required must be true or false", "unquoted"},
    {with_fields("  - {name: x, type: float, validation: {min: 5, max: 1}}\n"), 5, 41,
     "min 5 is above max 1", "swap"},
    {with_fields("  - {name: x, type: float, min: 5, validation: {min: 1}}\n"), 5, 49,
     "min is given twice", "line 5"},
    {with_fields("  - {name: x, type: float, min: abc}\n"), 5, 33, "'abc' is not a number",
     "as in JSON"},
    {with_fields("  - {name: x, type: float, min: \"5\"}\n"), 5, 33,
     "min must be a number, not text", "remove the quotes"},
    {with_fields("  - {name: x, type: float, min: 0x10}\n"), 5, 33, "'0x10' is not a number", ""},
    {with_fields("  - {name: x, type: float, min: 123456789012345678901234567890}\n"), 5, 33,
     "cannot be held exactly", ""},
    {with_fields("  - {name: x, type: string, min_length: 1.5}\n"), 5, 41,
     "min_length must be a whole number", ""},
    {with_fields("  - {name: x, type: string, max_length: -1}\n"), 5, 41,
     "max_length must be a whole number", ""},
    {with_fields("  - {name: x, type: string, min: 3}\n"), 5, 29,
     "min does not apply to type string", "write min_length"},
    {with_fields("  - {name: x, type: integer, pattern: a}\n"), 5, 30,
     "pattern does not apply to type integer", "remove it"},
    {with_fields("  - {name: x, type: boolean, enum: [true]}\n"), 5, 30,
     "enum does not apply to type boolean", ""},
    {with_fields("  - {name: x, type: string, pattern: \"a(b\"}\n"), 5, 38, "missing )", "RE2"},
    {with_fields("  - {name: x, type: string, pattern: \"(?=a)b\"}\n"), 5, 38,
     "pattern: ", "no look-around"},
    {with_fields("  - {name: x, type: string, pattern: \"((a{100}){100}){100}\"}\n"), 5, 38,
     "pattern: ", "RE2"},
    {with_fields("  - name: x\n    type: string\n    pattern: |\n      ^a$\n"), 7, 14,
     "pattern ends with a line break", "|-"},
    {with_fields("  - {name: x, type: float, min: 020}\n"), 5, 33, "'020' is not a number",
     "write 20"},
    {with_fields("  - {name: x, type: string, enum: []}\n"), 5, 35, "enum must be a list", ""},
    {with_fields("  - {name: x, type: string, enum: [a, 1]}\n"), 5, 39, "1 is not a string",
     "\"1\""},
    {with_fields("  - {name: x, type: integer, enum: [1, 2, 1.0]}\n"), 5, 43, "1 stands twice", ""},
    {with_fields("  - {name: x, type: integer, max: 9, enum: [1, 20]}\n"), 5, 48,
     "20 is above max 9", "never pass"},
    {with_fields("  - {name: x, type: integer, default: 1.5}\n"), 5, 39, "1.5 is not an integer",
     ""},
    {with_fields("  - {name: x, type: integer, default: \"5\"}\n"), 5, 39,
     "must be a number, not text", "remove the quotes"},
    {with_fields("  - {name: x, type: float, min: 1, default: 0.5}\n"), 5, 45,
     "default 0.5 is below min 1", "keeps the rules"},
    {with_fields("  - {name: x, type: string, pattern: \"^a\", default: b}\n"), 5, 53,
     "default \"b\" does not match pattern ^a", ""},
    {with_fields("  - {name: x, type: string, enum: [a], default: b}\n"), 5, 49,
     "default \"b\" is not in enum", ""},
    {with_fields("  - {name: x, type: float, required: true, default: 1}\n"), 5, 53,
     "a required field never takes its default", "remove default"},
    {with_fields("  - {name: x, type: timestamp, default: yesterday}\n"), 5, 41,
     "'yesterday' is not a time", "2026-01-31T12:00:00Z"},
    {with_fields("  - {name: x, type: array, default: []}\n"), 5, 37,
     "default is not possible for type array", ""},
    {with_fields("  - {name: x, type: float}\n  - {name: x, type: string}\n"), 6, 12,
     "field 'x' is declared twice", "line 5"},
    {with_fields("  - {name: x, type: float}\n  - {name: y, type: float, aliases: [z, x]}\n"), 6,
     41, "alias 'x' is taken", "line 5"},
    {with_fields("  - {name: x, type: float, requires: y}\n"), 5, 38,
     "requires 'y', which is no field beside it", ""},
    {with_fields("  - {name: x, type: float, requires: x}\n"), 5, 38, "requires itself", ""},
    {with_fields("  - {name: x, type: float, less_than: x}\n"), 5, 39,
     "less_than names the field itself", "name another"},
    {with_fields("  - {name: x, type: float, less_than: hig}\n  - {name: high, type: float}\n"), 5,
     39, "less_than 'hig', which is no field beside it", "did you mean `high`?"},
    {with_fields("  - {name: x, type: float, less_than: h}\n"
                 "  - {name: high, type: float, aliases: h}\n"),
     5, 39, "less_than 'h', which is an alias", "name the field itself: high"},
    {with_fields("  - {name: x, type: float, less_than: at}\n  - {name: at, type: timestamp}\n"), 5,
     39, "type float cannot be compared with type timestamp", "numbers with numbers"},
    {with_fields("  - {name: x, type: string, less_than: y}\n  - {name: y, type: string}\n"), 5, 29,
     "less_than does not apply to type string", "write equal or not_equal"},
    {with_fields("  - {name: x, type: array, equal: y}\n  - {name: y, type: array}\n"), 5, 28,
     "equal does not apply to type array", "remove it"},
    {with_fields("  - {name: x, type: float, less_than: y}\n"
                 "  - {name: y, type: float, less_than: x}\n"),
     6, 39, "less_than 'x' contradicts another comparison of the two", "remove one"},
    {with_fields("  - {name: x, type: array, items: {type: float, less_than: y}}\n"
                 "  - {name: y, type: float}\n"),
     5, 60, "items: less_than is not possible inside an array", "remove it"},
    {with_fields("  - name: x\n    type: array\n    items:\n      type: object\n      fields:\n"
                 "        - {name: y, type: float, equal: z}\n        - {name: z, type: float}\n"),
     10, 41, "field 'x[].y': equal is not possible inside an array", "remove it"},
    {with_fields("  - {name: x, type: float, time_format: s}\n"), 5, 41,
     "time_format applies to type timestamp only", ""},
    {with_fields("  - {name: x, type: object}\n"), 5, 12, "an object needs fields", "type: any"},
    {with_fields("  - {name: x, type: float, fields: [{name: y, type: float}]}\n"), 5, 36,
     "fields needs type object", ""},
    {with_fields("  - {name: x, type: float, items: {type: float}}\n"), 5, 35,
     "items needs type array", ""},
    {with_fields("  - {name: x, type: array, items: float}\n"), 5, 35, "items must be a map",
     "items: {type: float}"},
    {with_fields("  - {name: x, type: array, min_items: 3, max_items: 2}\n"), 5, 28,
     "min_items 3 is above max_items 2", ""},
    {with_fields("  - {name: x, type: array, items: {type: float, default: 1}}\n"), 5, 58,
     "default is not possible inside an array", "remove it"},
    {with_fields("  - name: x\n    type: array\n    items:\n      type: object\n"
                 "      fields: [{name: y, type: float, aliases: [z]}]\n"),
     9, 48, "field 'x[].y': aliases are not possible inside an array", "remove it"},
    {with_fields(
         "  - name: x\n    type: array\n    items:\n      type: object\n      fields:\n"
         "        - {name: y, type: float, requires: z}\n        - {name: z, type: float}\n"),
     10, 44, "field 'x[].y': requires is not possible inside an array", "remove it"},
    {with_fields("  - {name: a.b, type: float}\n"), 5, 12, "has a dot",
     "{name: a_b, aliases: [a.b], ...}"},
    {with_fields("  - {name: x, type: string, enum: [" + thousands() + "]}\n"), 5, 35,
     "enum has 1025 values; the limit is 1024", "pattern"},
    {top("description: \"\\ud83d\\ude00\""), 4, 21, "not valid YAML", "in UTF-8"},
    {with_fields("  - name: \"" + std::string(129, 'x') + "\"\n    type: float\n"), 5, 11,
     "129 bytes; the limit is 128", ""},
    {head + "time_field: ts\nfields: [{name: t, aliases: [ts], type: timestamp}]\n", 4, 13,
     "'ts' is an alias", "name the field itself: t"},
    {"name: t\nversion: 1\ntopic_pattern: a/b\nsequence_field: x\nsequence_scope: device\n"
     "fields: [{name: x, type: integer}]\n",
     5, 17, "names no device", "{device}"},
};

void check(const Bad& bad) {
  std::vector<Diagnostic> diagnostics;
  const auto schema = Schema::parse(bad.document, "bad.yaml", diagnostics);
  INFO(bad.document);
  INFO(all_of(diagnostics));
  CHECK_FALSE(schema);
  REQUIRE(diagnostics.size() == 1);
  CHECK(diagnostics[0].file == "bad.yaml");
  CHECK(diagnostics[0].line == bad.line);
  CHECK(diagnostics[0].column == bad.column);
  CHECK_THAT(diagnostics[0].message, Catch::Contains(bad.message));
  CHECK_THAT(diagnostics[0].hint, Catch::Contains(bad.hint));
  if (!schema) {
    CHECK(schema.error().code == telemetry::Errc::invalid_argument);
    CHECK_THAT(schema.error().context, Catch::Contains(bad.message));
  }
}

TEST_CASE("a file that is no schema at all is refused with its place") {
  for (const Bad& bad : of_form) check(bad);
}

TEST_CASE("a mistake in the head of a schema is reported once, with its place and a remedy") {
  for (const Bad& bad : of_head) check(bad);
}

TEST_CASE("a mistake in a field is reported once, with its place and a remedy") {
  for (const Bad& bad : of_fields) check(bad);
}

TEST_CASE("all mistakes of a file are reported in one go, in the order of the file") {
  std::vector<Diagnostic> diagnostics;
  const auto schema = Schema::parse(
      "nam: t\nversion: x\ntopic_pattern: a/+b\ntime_field: nothing\nfields:\n"
      "  - {name: a, type: float, min: 2, max: 1}\n"
      "  - {name: b, type: sting}\n"
      "  - {name: c, type: string, pattern: \"[\", colour: red}\n",
      "bad.yaml", diagnostics);
  INFO(all_of(diagnostics));
  CHECK_FALSE(schema);
  std::vector<int> lines;
  for (const Diagnostic& d : diagnostics) lines.push_back(d.line);
  CHECK(lines == std::vector<int>{1, 1, 2, 3, 4, 6, 7, 8, 8});
}

TEST_CASE("a mistake behind an alias is reported once, where it was written") {
  std::vector<Diagnostic> diagnostics;
  const auto schema =
      Schema::parse(with_fields("  - {name: a, type: object, fields: &f [{name: v, type: flaot}]}\n"
                                "  - {name: b, type: object, fields: *f}\n"),
                    "bad.yaml", diagnostics);
  INFO(all_of(diagnostics));
  CHECK_FALSE(schema);
  // The message names the field, and that differs.
  REQUIRE(diagnostics.size() == 2);
  CHECK(diagnostics[0].line == 5);
  CHECK(diagnostics[1].line == 5);
}

TEST_CASE("a file full of mistakes ends with a bounded list") {
  std::string fields;
  for (int i = 0; i < 120; ++i)
    fields += "  - {name: f" + std::to_string(i) + ", typ: a, tye: b}\n";
  std::vector<Diagnostic> diagnostics;
  CHECK_FALSE(Schema::parse(with_fields(fields), "bad.yaml", diagnostics));
  CHECK(diagnostics.size() == 101);
  CHECK_THAT(diagnostics.back().message, Catch::Contains("more mistakes"));
}

TEST_CASE("more fields, deeper nesting or more values than the decoder takes are refused") {
  std::vector<Diagnostic> diagnostics;
  std::string many;
  for (int i = 0; i < 129; ++i) many += "  - {name: f" + std::to_string(i) + ", type: any}\n";
  CHECK_FALSE(Schema::parse(with_fields(many), "bad.yaml", diagnostics));
  CHECK_THAT(all_of(diagnostics), Catch::Contains("129 fields in one object; the limit is 128"));

  diagnostics.clear();
  std::string deep = "{name: leaf, type: float}";
  for (int i = 0; i < 7; ++i) deep = "{name: o, type: object, fields: [" + deep + "]}";
  good(with_fields("  - " + deep + "\n"));
  deep = "{name: o, type: object, fields: [" + deep + "]}";
  CHECK_FALSE(Schema::parse(with_fields("  - " + deep + "\n"), "bad.yaml", diagnostics));
  CHECK_THAT(all_of(diagnostics), Catch::Contains("is nested deeper than 8 levels"));

  diagnostics.clear();
  std::string wide;
  for (int o = 0; o < 3; ++o) {
    wide += "  - name: o" + std::to_string(o) + "\n    type: object\n    fields:\n";
    for (int i = 0; i < 86; ++i) wide += "      - {name: f" + std::to_string(i) + ", type: any}\n";
  }
  CHECK_FALSE(Schema::parse(with_fields(wide), "bad.yaml", diagnostics));
  CHECK_THAT(all_of(diagnostics), Catch::Contains("258 values in one message; the limit is 256"));
}

TEST_CASE("an alias bomb, a huge file and bottomless nesting are refused quickly") {
  std::vector<Diagnostic> diagnostics;
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) bomb += ", " + last;
    bomb += "]\n";
  }
  CHECK_FALSE(Schema::parse(bomb, "bad.yaml", diagnostics));
  CHECK_THAT(all_of(diagnostics), Catch::Contains("more than 50000 values"));

  diagnostics.clear();
  const std::string huge(telemetry::schemas::Tree::bytes_max + 1, ' ');
  CHECK_FALSE(Schema::parse(huge, "bad.yaml", diagnostics));
  CHECK_THAT(all_of(diagnostics), Catch::Contains("1048577 bytes; the limit is 1048576"));

  diagnostics.clear();
  CHECK_FALSE(Schema::parse("a: " + std::string(5000, '[') + std::string(5000, ']'), "bad.yaml",
                            diagnostics));
  CHECK_THAT(all_of(diagnostics), Catch::Contains("nested deeper than 64 levels"));
}

}  // namespace
