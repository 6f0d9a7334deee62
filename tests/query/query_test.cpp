// SPDX-License-Identifier: Apache-2.0
#include "telemetry/query.hpp"

#include "catch.hpp"

using namespace telemetry;

namespace {
Condition parsed(std::string_view text) {
  const auto condition = parse_condition(text);
  INFO(text);
  REQUIRE(condition);
  return *condition;
}
constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t now = 1'800'000'000 * second;
std::int64_t time_of(std::string_view text) {
  const auto time = parse_query_time(text, now);
  INFO(text);
  REQUIRE(time);
  return *time;
}
}  // namespace

TEST_CASE("a condition is a field, an operator and a value, with or without spaces") {
  const Condition condition = parsed(" location.lat>=-12.5 ");
  CHECK(condition.field == "location.lat");
  CHECK(condition.op == Condition::Op::ge);
  CHECK(condition.value == "-12.5");
  CHECK_FALSE(condition.quoted);
}

TEST_CASE("each operator is told apart") {
  using enum Condition::Op;
  CHECK(parsed("a = 1").op == eq);
  CHECK(parsed("a != 1").op == ne);
  CHECK(parsed("a < 1").op == lt);
  CHECK(parsed("a <= 1").op == le);
  CHECK(parsed("a > 1").op == gt);
  CHECK(parsed("a >= 1").op == ge);
}

TEST_CASE("a quoted value keeps spaces and operators; a doubled quote is one") {
  CHECK(parsed("a = 'x > y'").value == "x > y");
  CHECK(parsed("a = 'x > y'").quoted);
  CHECK(parsed("a = 'it''s'").value == "it's");
  CHECK(parsed("a = \"it's\"").value == "it's");
  CHECK(parsed("a = ''").value.empty());
}

TEST_CASE("a field is named bare or in double quotes, and a quoted one is a field in any case") {
  CHECK(parsed("\"hall temp\" > 3").field == "hall temp");
  CHECK(parsed("\"a >= \"\"b\"\"\"='x'").field == "a >= \"b\"");
  CHECK(parsed("place.\"odd name\".lat<1").field == "place.odd name.lat");
  CHECK(parsed("\"it's\" = 1").field == "it's");
  CHECK(parsed("\"place.lat\" = 1").field == "place.lat");
  CHECK(parsed("topic = a").is_of_topic());
  CHECK(parsed("device != a").is_of_topic());
  CHECK_FALSE(parsed("\"topic\" = a").is_of_topic());
  CHECK_FALSE(parsed("\"device\" = a").is_of_topic());
  CHECK_FALSE(parsed("devices = a").is_of_topic());
}

TEST_CASE("field names of a list stand between commas; those with commas or quotes are quoted") {
  using Names = std::vector<std::string>;
  const auto names = [](std::string_view text) {
    const auto fields = parse_fields(text);
    INFO(text);
    REQUIRE(fields);
    return *fields;
  };
  CHECK(names("a,b.c") == Names{"a", "b.c"});
  CHECK(names(" a , hall temp ,c") == Names{"a", "hall temp", "c"});
  CHECK(names("\"a,b\",c.\"d \"\"e\"\" \"") == Names{"a,b", "c.d \"e\" "});
  for (const char* wrong :
       {"", ",", "a,", ",a", "a,,b", "a..b", "\"a", "\"a\"b", "\"\"", "a\"b\""}) {
    INFO(wrong);
    const auto fields = parse_fields(wrong);
    REQUIRE_FALSE(fields);
    CHECK_THAT(fields.error().context, Catch::Contains("temperature,location.lat"));
  }
}

TEST_CASE("a member belongs to its object, not to a name that begins like it") {
  CHECK(is_field_or_member("place", "place"));
  CHECK(is_field_or_member("place.lat", "place"));
  CHECK(is_field_or_member("place.hall.x", "place.hall"));
  CHECK_FALSE(is_field_or_member("placed", "place"));
  CHECK_FALSE(is_field_or_member("place", "place.lat"));
}

TEST_CASE("what is no condition is refused with an example of one") {
  for (const char* wrong : {"", "a", "a 1", "= 1", "a =", "a == 1", "a => 1", "a <> 1", "a = 'x",
                            "a = 'x' y", "a = 1 and b = 2", "a b = 1", "'a' = 1", "\"a = 1",
                            "\"\" = 1", "a. = 1", ".a = 1", "a\"b\" = 1", "\"a\" \"b\" = 1"}) {
    INFO(wrong);
    const auto condition = parse_condition(wrong);
    REQUIRE_FALSE(condition);
    CHECK(condition.error().code == Errc::invalid_argument);
    CHECK_THAT(condition.error().context, Catch::Contains("temperature > 30"));
  }
}

TEST_CASE("a time is RFC 3339, a day, an epoch number, or a span back from now") {
  CHECK(time_of("1970-01-02T00:00:00Z") == 86'400 * second);
  CHECK(time_of("1970-01-02T01:00:00+01:00") == 86'400 * second);
  CHECK(time_of("1970-01-02 00:00:00") == 86'400 * second);
  CHECK(time_of("1970-01-02") == 86'400 * second);
  CHECK(time_of("1700000000") == 1'700'000'000 * second);
  CHECK(time_of("1700000000.5") == 1'700'000'000 * second + second / 2);
  CHECK(time_of("1700000000500") == 1'700'000'000 * second + second / 2);
  CHECK(time_of("15m") == now - 900 * second);
  CHECK(time_of("1.5h") == now - 5'400 * second);
  CHECK(time_of("7d") == now - 604'800 * second);
  CHECK(time_of("now") == now);
}

TEST_CASE("what is no time is refused with examples") {
  for (const char* wrong : {"", "yesterday", "2026-13-01", "2026-11", "-15m", "15x", "m", "1h30",
                            "99999999w", "1e400"}) {
    INFO(wrong);
    const auto time = parse_query_time(wrong, now);
    REQUIRE_FALSE(time);
    CHECK(time.error().code == Errc::invalid_argument);
    CHECK_THAT(time.error().context, Catch::Contains("15m, 24h, 7d"));
  }
}
