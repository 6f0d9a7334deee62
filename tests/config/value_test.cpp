// SPDX-License-Identifier: Apache-2.0
#include "config/value.hpp"

#include "catch.hpp"

#include "config/url.hpp"
#include "config/variables.hpp"

using namespace telemetry;
using namespace telemetry::config;

TEST_CASE("durations have units, add up, and are seconds without one") {
  std::int64_t ns = 0;
  REQUIRE(parse_duration("24h", ns));
  CHECK(ns == 86'400'000'000'000);
  REQUIRE(parse_duration("1h30m", ns));
  CHECK(ns == 5'400'000'000'000);
  REQUIRE(parse_duration("1.5s", ns));
  CHECK(ns == 1'500'000'000);
  REQUIRE(parse_duration("2ms", ns));
  CHECK(ns == 2'000'000);
  REQUIRE(parse_duration("7d", ns));
  CHECK(ns == 604'800'000'000'000);
  REQUIRE(parse_duration("0.25", ns));
  CHECK(ns == 250'000'000);
  for (const char* wrong :
       {"", "h", "1x", "-1s", "1 h", "24H", "1h30", "nan", "inf", "1e30", "300000d"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong, ns));
  }
}

TEST_CASE("numbers are whole texts") {
  std::int64_t integer = 0;
  double number = 0;
  CHECK(parse_integer("-5", integer));
  CHECK(parse_integer("1e3", integer));
  CHECK(integer == 1000);
  for (const char* wrong :
       {"", "5.5", "5 ", " 5", "0x5", "05", "+5", "1e-3", "9223372036854775808"}) {
    INFO(wrong);
    CHECK_FALSE(parse_integer(wrong, integer));
  }
  CHECK(parse_number("1e3", number));
  for (const char* wrong : {"", "1,5", "nan", "inf", "1e999", "01.5", ".5", "5.", "+1"}) {
    INFO(wrong);
    CHECK_FALSE(parse_number(wrong, number));
  }
}

TEST_CASE("a broken URL is no URL") {
  for (const char* wrong :
       {"", "mqtt://", "mqtt://u:p@", "mqtt://h:0", "mqtt://h:65536", "mqtt://h:x", "mqtt://[::1",
        "a b", "mqtt://u%zz@h", "user:pw@h:1883", "user:pw@h"}) {
    INFO(wrong);
    CHECK_FALSE(parse_url(wrong));
  }
}

TEST_CASE("names of variables and keys lead to each other") {
  CHECK(key_of_variable("TELEMETRY_MQTT__TLS__CA_FILE") == "mqtt.tls.ca_file");
  CHECK(key_of_variable("TELEMETRY_MQTT__1__BROKER") == "mqtt[1].broker");
  CHECK(key_of_variable("TELEMETRY_FOO").empty());
  CHECK(key_of_variable("OTHER__X").empty());
  for (const Option& option : base_options().options) {
    CHECK(key_of_variable(variable_of_key(option.key)) == option.key);
  }
}

TEST_CASE("every default of the table is a value that the option takes") {
  for (const Option& option : base_options().options) {
    INFO(option.key);
    CHECK(fallback_values(option).empty() == option.fallback.empty());
    CHECK(std::string_view(option.doc).ends_with('.'));
    if (!option.built) CHECK_FALSE(option.remedy.empty());
  }
}
