// SPDX-License-Identifier: Apache-2.0
#include "web/target.hpp"

#include "catch.hpp"

using telemetry::web::parse_target;
using Parameters = std::vector<std::pair<std::string, std::string>>;

namespace {
constexpr auto keeps_plus = [](std::string_view name) { return name == "topic"; };
}

TEST_CASE("a target is a path and parameters, decoded") {
  const auto target = parse_target("/api/data?topic=a/%2B/%23&where=x%20%3E+1&&flag", keeps_plus);
  REQUIRE(target);
  CHECK(target->path == "/api/data");
  CHECK(target->parameters == Parameters{{"topic", "a/+/#"}, {"where", "x > 1"}, {"flag", ""}});
}

TEST_CASE("a slash that is written as %2F divides no path") {
  CHECK(parse_target("/api%2Fdata", keeps_plus)->path == "/api%2Fdata");
  CHECK(parse_target("/%2fapi/data?topic=a%2Fb", keeps_plus)->path == "/%2Fapi/data");
  CHECK(parse_target("/?topic=a%2Fb", keeps_plus)->parameters == Parameters{{"topic", "a/b"}});
}

TEST_CASE("in a topic a plus is a plus") {
  const auto target = parse_target("/?topic=a/+&where=a+b&t+pic=1", keeps_plus);
  REQUIRE(target);
  CHECK(target->parameters == Parameters{{"topic", "a/+"}, {"where", "a b"}, {"t pic", "1"}});
}

TEST_CASE("what is no target is refused") {
  for (const char* const text : {"", "api", "*", "http://host/", "/%", "/%2", "/%zz", "/%00",
                                 "/?a=%", "/?%0=1", "/?a=%00"}) {
    INFO(text);
    CHECK_FALSE(parse_target(text, keeps_plus));
  }
  std::string many = "/?";
  for (int i = 0; i < 200; ++i) many += "a=1&";
  CHECK(parse_target(many, keeps_plus));
  CHECK_FALSE(parse_target(many + "a=1", keeps_plus));
}
