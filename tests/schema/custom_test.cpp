// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <stdexcept>

#include "support.hpp"
#include "telemetry/message.hpp"

namespace {

using namespace schema_test;
using telemetry::Diagnostic;
using telemetry::Errc;
using telemetry::Schema;
using telemetry::SchemaSet;
using telemetry::ValidationFunctions;
using telemetry::ValidationInput;
using telemetry::core::Extra;
using telemetry::core::no_index;
using telemetry::core::Rule;
using telemetry::core::Value;
using telemetry::core::Violation;

using Reason = std::optional<std::string>;

/// The example of docs/schema.md.
Reason phases_add_up(const ValidationInput& input) {
  const auto watts = [&](std::string_view path) {
    return telemetry::to_double(input.value(path).as_decimal());
  };
  const double sum = watts("l1.power") + watts("l2.power") + watts("l3.power");
  if (std::abs(sum - watts("power")) <= 0.01 * sum) return std::nullopt;
  return "the phases add up to " + std::to_string(sum);
}

ValidationFunctions functions() {
  ValidationFunctions known;
  REQUIRE(known.add("even", [](const ValidationInput& input) -> Reason {
    if (input.value().as_integer() % 2 == 0) return {};
    return "it is odd";
  }));
  REQUIRE(known.add("together", [](const ValidationInput& input) -> Reason {
    CHECK(input.slot == no_index);
    CHECK(input.value().is_null());
    CHECK(input.value("no.such.field").is_null());
    if (input.value("a").is_null() == input.value("o.b/c").is_null()) return {};
    return "one comes alone\n";
  }));
  REQUIRE(known.add("throws", [](const ValidationInput&) -> Reason {
    throw std::runtime_error("no table of stations");
  }));
  REQUIRE(known.add("throws_anything", [](const ValidationInput&) -> Reason { throw 5; }));
  return known;
}

SchemaPtr with(const std::string& document, const ValidationFunctions& known = functions()) {
  std::vector<Diagnostic> diagnostics;
  auto schema = Schema::parse(document, "test.yaml", diagnostics, known);
  INFO(document);
  INFO(all_of(diagnostics));
  REQUIRE(schema);
  return *schema;
}

/// What the custom functions say of a payload that keeps all other rules.
std::vector<std::string> told(const Schema& schema, std::string_view payload) {
  std::vector<Value> values(schema.view().slot_count);
  std::vector<char> scratch(payload.size());
  std::vector<Violation> violations(2);
  std::vector<Extra> extras(4);
  const auto result =
      telemetry::core::decode(schema.view(), payload, {values, scratch, violations, extras},
                              schema.pattern_hook(), schema.coercion_hook());
  REQUIRE(result.ok());
  const std::size_t broken = schema.check_custom(values, violations);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < broken && i < violations.size(); ++i) {
    CHECK(violations[i].rule == Rule::custom);
    out.push_back(schema.describe(violations[i], payload));
  }
  if (broken > violations.size()) out.push_back("...");
  return out;
}

using Told = std::vector<std::string>;

const std::string fields =
    "  - {name: a, type: integer, validation: {custom: even}}\n"
    "  - {name: o, type: object, fields: [{name: b/c, type: integer, custom: even}]}\n"
    "  - {name: d, type: integer, default: 3, custom: even}\n";

TEST_CASE("a custom function judges its field's value, defaults included, and gives the reason") {
  const auto schema = with(with_fields(fields));
  CHECK(told(*schema, R"({"a": 2, "d": 4})") == Told{});
  CHECK(told(*schema, R"({"a": 3, "d": 4})") == Told{"t 1.0: /a: 3 breaks custom even: it is odd"});
  CHECK(told(*schema, R"({"o": {"b/c": -5}, "d": 0})") ==
        Told{"t 1.0: /o/b~1c: -5 breaks custom even: it is odd"});
  CHECK(told(*schema, R"({"a": null})") == Told{"t 1.0: /d: 3 breaks custom even: it is odd"});
  CHECK(told(*schema, R"({"a": 1, "o": {"b/c": 3}})").size() == 3);
}

TEST_CASE("a custom function of the document sees all values") {
  const auto schema = with(head + "validation: {custom: together}\nfields:\n" +
                           "  - {name: a, type: float}\n"
                           "  - {name: o, type: object, fields: [{name: b/c, type: string}]}\n");
  CHECK(told(*schema, "{}") == Told{});
  CHECK(told(*schema, R"({"a": 1.5, "o": {"b/c": "x"}})") == Told{});
  CHECK(told(*schema, R"({"a": 1.5})") ==
        Told{"t 1.0: (document): breaks custom together: one comes alone\\u000a"});
}

TEST_CASE("the custom function of the documentation tells power that does not add up") {
  ValidationFunctions known;
  REQUIRE(known.add("phases_add_up", phases_add_up));
  const std::string phase = ", type: object, fields: [{name: power, type: float}]}\n";
  const auto schema = with(
      "name: meter\nversion: 1\ntopic_pattern: a\nvalidation: {custom: phases_add_up}\nfields:\n"
      "  - {name: l1" +
          phase + "  - {name: l2" + phase + "  - {name: l3" + phase +
          "  - {name: power, type: float}\n",
      known);
  const std::string phases =
      R"({"l1": {"power": 230}, "l2": {"power": 229.5}, "l3": {"power": 230.5}, "power": )";
  CHECK(told(*schema, phases + "691}") == Told{});
  CHECK(
      told(*schema, phases + "591}") ==
      Told{"meter 1.0: (document): breaks custom phases_add_up: the phases add up to 690.000000"});
}

TEST_CASE("an exception of a custom function is a broken rule with its text as the reason") {
  const auto schema =
      with(with_fields("  - {name: x, type: string, custom: throws}\n"
                       "  - {name: y, type: float, custom: throws_anything}\n"));
  CHECK(
      told(*schema, R"({"x": "a\u0001"})") ==
      Told{
          R"(t 1.0: /x: "a\u0001" breaks custom throws: the function failed: no table of stations)"});
  CHECK(told(*schema, R"({"y": 1.50})") ==
        Told{"t 1.0: /y: 1.5 breaks custom throws_anything: the function failed"});
}

TEST_CASE("a function that is not registered is refused at load, with the names that are") {
  std::vector<Diagnostic> diagnostics;
  const auto known = functions();
  CHECK_FALSE(Schema::parse(head + "validation: {custom: parity}\nfields:\n"
                                   "  - {name: x, type: float, custom: evn}\n",
                            "bad.yaml", diagnostics, known));
  REQUIRE(diagnostics.size() == 2);
  CHECK(diagnostics[0].line == 4);
  CHECK(diagnostics[0].message == "custom: there is no validation function 'parity'");
  CHECK(diagnostics[0].hint == "known: even, throws, throws_anything, together");
  CHECK(diagnostics[1].message == "field 'x': custom: there is no validation function 'evn'");
  CHECK(diagnostics[1].hint == "did you mean `even`?");
}

TEST_CASE("a function does not apply to an object and not inside an array") {
  const auto known = functions();
  const auto mistake = [&](const std::string& field) {
    std::vector<Diagnostic> diagnostics;
    CHECK_FALSE(Schema::parse(with_fields(field), "bad.yaml", diagnostics, known));
    REQUIRE(diagnostics.size() == 1);
    return diagnostics[0].message;
  };
  CHECK(mistake("  - {name: x, type: object, fields: [{name: y, type: float}], custom: even}\n") ==
        "field 'x': custom does not apply to type object");
  CHECK(mistake("  - {name: x, type: array, items: {type: float, custom: even}}\n") ==
        "field 'x': items: custom is not possible inside an array");
  CHECK(mistake("  - {name: x, type: array, items: {type: object, fields: [{name: y, type: float, "
                "custom: even}]}}\n") == "field 'x[].y': custom is not possible inside an array");
}

TEST_CASE("a reader of journals needs no function: it accepts the name and calls nothing") {
  const auto judging = with(head + "validation: {custom: together}\nfields:\n" + fields);
  const auto reading = with(judging->document(), ValidationFunctions::not_called());
  CHECK(reading->id() == judging->id());
  CHECK(reading->document() == judging->document());
  CHECK(told(*judging, R"({"a": 1})").size() == 3);
  CHECK(told(*reading, R"({"a": 1})") == Told{});
  CHECK_THAT(judging->document(), Catch::Contains(R"("validation":{"custom":"together"})") &&
                                      Catch::Contains(R"("validation":{"custom":"even"})"));
}

TEST_CASE("the names of custom functions are unique and not empty") {
  ValidationFunctions known = functions();
  const auto again = known.add("even", [](const ValidationInput&) -> Reason { return "no"; });
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::already_exists);
  CHECK_THAT(again.error().context, Catch::Contains("even"));
  CHECK(known.add("", [](const ValidationInput&) -> Reason { return {}; }).error().code ==
        Errc::invalid_argument);
  CHECK(known.add("empty", {}).error().code == Errc::invalid_argument);
  const auto schema = with(with_fields("  - {name: a, type: integer, custom: even}\n"), known);
  CHECK(told(*schema, R"({"a": 2})") == Told{});
}

TEST_CASE("a new or another custom function needs a new major version") {
  const auto version = [](const std::string& minor, const std::string& schema_wide,
                          const std::string& field) {
    return with("name: t\nversion: 1." + minor + "\ntopic_pattern: a\nvalidation: {" + schema_wide +
                "}\nfields: [{name: a, type: integer, validation: {" + field + "}}]\n");
  };
  using Reasons = std::vector<std::string>;
  CHECK(
      incompatibilities(*version("0", "", ""), *version("1", "custom: together", "custom: even")) ==
      Reasons{"custom together is new", "field a: custom even is new"});
  CHECK(incompatibilities(*version("0", "custom: even", "custom: throws"),
                          *version("1", "custom: even", "custom: even")) ==
        Reasons{"field a: custom even is new"});
  CHECK(incompatibilities(*version("0", "custom: even", "custom: even"), *version("1", "", ""))
            .empty());
}

}  // namespace
