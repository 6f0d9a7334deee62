// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>
#include <string>
#include <vector>
#include "catch.hpp"

#include "schema/support.hpp"
#include "telemetry/core/schema_check.hpp"
#include "telemetry/core/topic.hpp"

using namespace telemetry;
using schema_test::all_of;
using schema_test::good;
using schema_test::head;
using schema_test::SchemaPtr;
using schema_test::with_fields;

namespace {

SchemaPtr any_function(const std::string& document) {
  std::vector<Diagnostic> diagnostics;
  auto schema =
      Schema::parse(document, "test.yaml", diagnostics, ValidationFunctions::not_called());
  INFO(all_of(diagnostics));
  REQUIRE(schema);
  return *schema;
}

/// What firmware says of a schema that the gateway takes.
std::string refusals(const std::string& document) {
  std::vector<Diagnostic> diagnostics;
  const auto header = compile_to_cpp(std::vector{any_function(document)}, "schemas", diagnostics);
  CHECK(bool(header) == diagnostics.empty());
  if (!header) CHECK(header.error().code == Errc::invalid_argument);
  return all_of(diagnostics);
}

std::string compiled(const std::vector<SchemaPtr>& schemas, const std::string& name = "schemas") {
  std::vector<Diagnostic> diagnostics;
  const auto header = compile_to_cpp(schemas, name, diagnostics);
  INFO(all_of(diagnostics));
  REQUIRE(header);
  return *header;
}

std::string numbered(const std::string& name, const std::string& version,
                     const std::string& filter) {
  return "name: " + name + "\nversion: \"" + version + "\"\ntopic_pattern: \"" + filter +
         "\"\nfields:\n  - {name: x, type: float}\n";
}

}  // namespace

TEST_CASE("what firmware cannot judge is refused by name, place and remedy, all in one go") {
  CHECK(refusals(head + "validation: {strict: false, custom: whole}\n"
                        "fields:\n"
                        "  - {name: id, type: string, pattern: \"^a\"}\n"
                        "  - name: place\n"
                        "    type: object\n"
                        "    fields:\n"
                        "      - name: code\n"
                        "        type: string\n"
                        "        validation: {pattern: b, custom: one}\n"
                        "  - name: list\n"
                        "    type: array\n"
                        "    items: {type: string, pattern: c}\n") ==
        "test.yaml:4:22: error: validation: firmware has no lenient mode (remove `strict: false`, "
        "if the device sends the declared types)\n"
        "test.yaml:4:37: error: custom: firmware has no function 'whole' (write what the rules can "
        "say, such as less_than)\n"
        "test.yaml:6:39: error: field 'id': pattern: firmware has no regular expressions (write "
        "enum, or min_length and max_length)\n"
        "test.yaml:12:31: error: field 'place.code': pattern: firmware has no regular expressions "
        "(write enum, or min_length and max_length)\n"
        "test.yaml:12:42: error: field 'place.code': custom: firmware has no function 'one' (write "
        "what the rules can say, such as less_than)\n"
        "test.yaml:15:36: error: field 'list': items: pattern: firmware has no regular expressions "
        "(write enum, or min_length and max_length)\n");
}

TEST_CASE("keywords of JSON Schema are compiled as far as the tables go, and refused beyond") {
  const std::string document = head +
                               "json_schema:\n"
                               "  type: object\n"
                               "  properties:\n"
                               "    a: {$ref: '#/definitions/level'}\n"
                               "    b: {type: [string, 'null'], enum: [x, y, null]}\n";
  const std::string definition = "  definitions: {level: {type: number, minimum: 0, maximum: 5}}\n";
  CHECK(refusals(document + definition).empty());
  CHECK(refusals(document +
                 "    c: {type: number, minimum: 0, multipleOf: 0.5}\n"
                 "  minProperties: 1\n" +
                 definition) ==
        "test.yaml:9:35: error: field 'c': json_schema: firmware cannot judge multipleOf (write "
        "what the rules can say, such as min, max and enum)\n"
        "test.yaml:10:3: error: json_schema: firmware cannot judge minProperties (write what the "
        "rules can say, such as min, max and enum)\n");
  CHECK_THAT(refusals(with_fields("  - {name: n, type: float, json_schema: {multipleOf: 2}}\n")),
             Catch::StartsWith("test.yaml:5:42: error: field 'n': json_schema: firmware cannot "
                               "judge multipleOf"));
}

TEST_CASE("at most 100 mistakes of a schema are told") {
  std::string fields;
  for (int i = 0; i < 101; ++i)
    fields += "  - {name: f" + std::to_string(i) + ", type: string, pattern: a}\n";
  const std::string found = refusals(with_fields(fields));
  CHECK(std::count(found.begin(), found.end(), '\n') == 101);
  CHECK_THAT(found, Catch::EndsWith("there are more mistakes (mend these first)\n"));
}

TEST_CASE("schemas that cannot stand side by side are not compiled") {
  std::vector<Diagnostic> diagnostics;
  const std::vector<SchemaPtr> twice = {good(numbered("a", "1.0", "x"), "a.yaml"),
                                        good(numbered("a", "1.0", "y"), "b.yaml")};
  CHECK_FALSE(compile_to_cpp(twice, "schemas", diagnostics));
  CHECK_THAT(all_of(diagnostics), Catch::Contains("a 1.0 is also defined in a.yaml"));
  diagnostics.clear();
  const std::vector<SchemaPtr> same_word = {good(numbered("a-b", "1.0", "x"), "a.yaml"),
                                            good(numbered("a.b", "1.4", "y"), "b.yaml")};
  CHECK_FALSE(compile_to_cpp(same_word, "schemas", diagnostics));
  CHECK(all_of(diagnostics) ==
        "b.yaml:1:7: error: a.b and a-b (a.yaml) are both a_b_v1 in C++ (rename one of them)\n");
  diagnostics.clear();
  CHECK(compile_to_cpp({}, "schemas", diagnostics).error().code == Errc::invalid_argument);
  CHECK(diagnostics.empty());
}

TEST_CASE("the newest minor version keeps the name of its major version") {
  const std::string header =
      compiled({good(numbered("a", "1.0", "x/y")), good(numbered("a", "1.10", "x/+")),
                good(numbered("a", "2.3", "z"))});
  CHECK_THAT(header, Catch::Contains("/// a 1.0, for \"x/y\"\n"
                                     "inline constexpr ::telemetry::core::SchemaView a_v1_0{") &&
                         Catch::Contains("/// a 1.10, for \"x/+\"\n"
                                         "inline constexpr ::telemetry::core::SchemaView a_v1{") &&
                         Catch::Contains("::telemetry::core::SchemaView a_v2{"));
}

TEST_CASE("a namespace is names joined by colons, none of them reserved") {
  const std::vector<SchemaPtr> one = {good(numbered("a", "1.0", "x"))};
  CHECK_THAT(compiled(one, "app::schemas"),
             Catch::Contains("\nnamespace app::schemas {\n") &&
                 Catch::EndsWith("\n}  // namespace app::schemas\n"));
  for (const char* name : {"", "1a", "a-b", "a::", "::a", "a:b", "int", "a::int", "_a", "a__b",
                           "std", "std::x", "telemetry", "a b", "a{", "\xC3\xB6"}) {
    INFO(name);
    std::vector<Diagnostic> diagnostics;
    const auto header = compile_to_cpp(one, name, diagnostics);
    REQUIRE_FALSE(header);
    CHECK_THAT(header.error().context, Catch::Contains("is not a name for a C++ namespace"));
  }
}

TEST_CASE("text of a schema cannot leave its literal or its comment") {
  const std::string header = compiled({good(numbered("a", "1.0", "x\\\\\\n*/\\\"?\\u00e9/+"))});
  const std::string literal = R"("x\\\012*/\"\?\303\251/+")";
  CHECK_THAT(header, Catch::Contains("/// a 1.0, for " + literal + "\n") &&
                         Catch::Contains("{\"a\", " + literal + ", 0x"));
}

TEST_CASE("equal bounds share one row") {
  const SchemaPtr schema =
      good(with_fields("  - {name: a, type: float, min: 0, max: 5}\n"
                       "  - {name: b, type: float, min: 0.0, max: 50e-1}\n"
                       "  - {name: c, type: float, min: 5}\n"));
  CHECK(schema->view().bounds.size() == 2);
}

TEST_CASE("the first matching filter of the table is the choice of the gateway") {
  std::mt19937 random(20261121);
  const auto pick = [&](auto&... words) {
    const char* all[] = {words...};
    return std::string(all[random() % sizeof...(words)]);
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<SchemaPtr> schemas;
    std::vector<std::string> filters;
    for (int i = 0; i < 12; ++i) {
      std::string filter = pick("a", "b", "+", "$a", "ab");
      for (auto levels = random() % 4; levels > 0; --levels)
        filter += "/" + pick("a", "b", "+", "", "ab", "a!");
      if (random() % 3 == 0) filter += "/#";
      if (random() % 20 == 0) filter = "#";
      if (std::ranges::count(filters, filter) != 0) continue;
      filters.push_back(filter);
      schemas.push_back(good(numbered("s" + std::to_string(i), "1.0", filter)));
    }
    std::vector<Diagnostic> diagnostics;
    const auto set = SchemaSet::make(schemas, diagnostics);
    REQUIRE(set);
    std::vector<core::SchemaEntry> table;
    for (const SchemaPtr& schema : schemas)
      table.push_back({.name = schema->name(), .filter = schema->filter(), .id = schema->id()});
    std::ranges::sort(table, [](const core::SchemaEntry& a, const core::SchemaEntry& b) {
      return core::compare_filters(a.filter, b.filter) < 0;
    });
    REQUIRE(core::is_in_order_of_choice(table));
    for (int i = 0; i < 50; ++i) {
      std::string topic = pick("a", "b", "$a", "", "ab");
      for (auto levels = random() % 5; levels > 0; --levels)
        topic += "/" + pick("a", "b", "", "ab", "a!", "c");
      if (topic.empty()) continue;
      INFO(topic);
      const Schema* there = (*set)->choose(topic);
      const core::SchemaEntry* here = core::choose(table, topic);
      CHECK((here == nullptr ? 0 : here->id) == (there == nullptr ? 0 : there->id()));
    }
  }
}

TEST_CASE("the tables of every schema without a pattern keep the rules of firmware tables") {
  for (const std::string& fields :
       {std::string("  - {name: a, type: any}\n"), std::string("  - {name: a, type: array}\n"),
        std::string("  - {name: a, type: object, fields: [{name: b, type: float}]}\n"
                    "  - {name: c, type: integer, aliases: [d, e], enum: [1, 2], default: 1}\n"
                    "  - {name: t, type: timestamp, default: 2026-01-01T00:00:00Z}\n"
                    "  - {name: f, type: float, requires: c, greater_than: c}\n")}) {
    const SchemaPtr schema = good(with_fields(fields));
    const core::SchemaView& view = schema->view();
    const core::SchemaEntry entry{
        .name = schema->name(), .filter = schema->filter(), .view = &view};
    std::vector<core::SchemaCheck::Place> places(view.nodes.size());
    INFO(fields);
    CHECK(core::SchemaCheck(
              entry,
              {view.nodes.size(), view.keys.size(), view.bounds.size(), view.enums.size(),
               view.defaults.size(), view.requires_.size(), view.comparisons.size()},
              places)
              .run() == core::SchemaFault::none);
  }
}
