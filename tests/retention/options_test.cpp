// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include "telemetry/retention.hpp"

using namespace telemetry;

namespace {

Result<RetentionOptions> options_of(
    const std::vector<std::pair<std::string, std::string>>& settings) {
  Config::Sources sources;
  sources.overrides = settings;
  sources.environment = [](const std::string&) { return std::optional<std::string>(); };
  sources.environment_names = [] { return std::vector<std::string>(); };
  const OptionTable tables[] = {base_options(), retention_options()};
  std::vector<Diagnostic> diagnostics;
  auto config = Config::load(sources, tables, diagnostics);
  for (const Diagnostic& d : diagnostics) UNSCOPED_INFO(to_string(d));
  REQUIRE(config);
  return retention_options_from(*config);
}

std::string refused(std::vector<std::pair<std::string, std::string>> settings) {
  settings.emplace_back("retention.enabled", "true");
  const auto options = options_of(settings);
  REQUIRE_FALSE(options);
  std::string all;
  for (const Diagnostic& d : options.error().diagnostics) all += to_string(d) + "\n";
  return all;
}

}  // namespace

TEST_CASE("nothing is deleted by age without a section that says so") {
  const auto options = options_of({{"retention.days", "5"}});
  REQUIRE(options);
  CHECK_FALSE(options->enabled);
  CHECK(options->rules.empty());
}

TEST_CASE("days alone are a rule for everything, as the ancestors wrote it; 90 by default") {
  auto options = options_of({{"retention.enabled", "true"}});
  REQUIRE(options);
  CHECK(options->rules == std::vector<RetentionRule>{{{"#"}, {}, 90}});
  CHECK(options->every_ns == 3'600'000'000'000);
  CHECK(options->dead_letter_days == 0);
  options = options_of({{"retention.enabled", "true"}, {"retention.days", "7"}});
  REQUIRE(options);
  CHECK(options->rules == std::vector<RetentionRule>{{{"#"}, {}, 7}});
}

TEST_CASE("a rule has topics, schemas and an age; the default is none beside it") {
  const auto options = options_of({{"retention.enabled", "true"},
                                   {"retention.every", "2h"},
                                   {"retention.dead_letters.days", "3"},
                                   {"retention.rules.topics", "a/#,b/+"},
                                   {"retention.rules.schemas", "temperature"},
                                   {"retention.rules.days", "10"}});
  REQUIRE(options);
  CHECK(options->rules == std::vector<RetentionRule>{{{"a/#", "b/+"}, {"temperature"}, 10}});
  CHECK(options->every_ns == 7'200'000'000'000);
  CHECK(options->dead_letter_days == 3);
}

TEST_CASE("a rule that says too little, or what it cannot keep, is a mistake") {
  CHECK_THAT(refused({{"retention.rules.topics", "a/#"}}),
             Catch::Contains("retention.rules.topics: retention.rules.days is missing"));
  CHECK_THAT(refused({{"retention.rules.days", "9"}}),
             Catch::Contains("neither topics nor schemas are named"));
  CHECK_THAT(refused({{"retention.rules.topics", "a/#/b"}, {"retention.rules.days", "9"}}),
             Catch::Contains("\"a/#/b\" is not a topic filter"));
  CHECK_THAT(refused({{"retention.rules.topics", "[]"},
                      {"retention.rules.schemas", "x"},
                      {"retention.rules.days", "9"}}),
             Catch::Contains("retention.rules.topics: empty"));
  CHECK_THAT(refused({{"retention.rules.topics", "alarms/#"},
                      {"retention.rules.days", "3650"},
                      {"retention.days", "90"}}),
             Catch::Contains("retention.rules.days: no effect: retention.days covers the same "
                             "messages and deletes them after 90 days"));
  std::string many = "a";
  for (int i = 0; i < 1'000; ++i) many += ",topic/" + std::to_string(i);
  CHECK_THAT(refused({{"retention.rules.topics", many}, {"retention.rules.days", "9"}}),
             Catch::Contains("too much for one rule"));
  // A longer age for everything keeps what the shorter one does not cover.
  const auto both = options_of({{"retention.enabled", "true"},
                                {"retention.rules.schemas", "noise"},
                                {"retention.rules.days", "9"},
                                {"retention.days", "90"}});
  REQUIRE(both);
  CHECK(both->rules.size() == 2);
}
