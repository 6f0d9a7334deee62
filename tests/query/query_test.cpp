// SPDX-License-Identifier: Apache-2.0
#include "telemetry/query.hpp"

#include "catch.hpp"

using namespace telemetry;

namespace {
constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t now = 1'800'000'000 * second;
std::int64_t time_of(std::string_view text) {
  const auto time = parse_query_time(text, now);
  INFO(text);
  REQUIRE(time);
  return *time;
}
}  // namespace

TEST_CASE("a member belongs to its object, not to a name that begins like it") {
  CHECK(is_field_or_member("place", "place"));
  CHECK(is_field_or_member("place.lat", "place"));
  CHECK(is_field_or_member("place.hall.x", "place.hall"));
  CHECK_FALSE(is_field_or_member("placed", "place"));
  CHECK_FALSE(is_field_or_member("place", "place.lat"));
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

TEST_CASE("a time without offset, and a day, are those of the zone") {
  const auto berlin = TimeZone::find("Europe/Berlin");
  REQUIRE(berlin);
  const auto in_berlin = [&](std::string_view text) {
    const auto time = parse_query_time(text, now, *berlin);
    REQUIRE(time);
    return *time;
  };
  CHECK(in_berlin("2026-11-21") == time_of("2026-11-20T23:00:00Z"));
  CHECK(in_berlin("2026-06-21 12:00:00") == time_of("2026-06-21T10:00:00Z"));
  CHECK(in_berlin("2026-06-21T12:00:00Z") == time_of("2026-06-21T12:00:00Z"));
  CHECK(in_berlin("2026-06-21T12:00:00-03:00") == time_of("2026-06-21T15:00:00Z"));
  CHECK(in_berlin("1h") == now - 3'600 * second);
}

TEST_CASE("functions of fields are listed with commas") {
  const auto names = [](std::string_view text) {
    const auto measures = parse_measures(text);
    INFO(text);
    REQUIRE(measures);
    std::vector<std::string> result;
    for (const Measure& measure : *measures) result.push_back(measure.name());
    return result;
  };
  using Names = std::vector<std::string>;
  CHECK(names("avg(temperature), p95(location.lat),count()") ==
        Names{"avg(temperature)", "p95(location.lat)", "count()"});
  CHECK(names("count(*), count(a), mean(a), median(a), p99.9(a)") ==
        Names{"count()", "count(a)", "avg(a)", "p50(a)", "p99.9(a)"});
  CHECK(names("max(\"odd ) name\")") == Names{"max(odd ) name)"});
  for (const char* wrong : {"", "avg", "avg(", "avg()", "avg(*)", "p101(a)", "p(a)", "p-1(a)",
                            "pinf(a)", "sin(a)", "avg(a) max(a)", "avg(a),", "avg(a,b)"}) {
    INFO(wrong);
    const auto measures = parse_measures(wrong);
    REQUIRE_FALSE(measures);
    CHECK_THAT(measures.error().context, Catch::Contains("avg(temperature)"));
  }
}

TEST_CASE("a bucket has a width, or is a stretch of the calendar") {
  const auto bucket = [](std::string_view text) {
    const auto parsed = parse_bucket(text);
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
  };
  CHECK(bucket("1h").kind == Bucket::Kind::fixed);
  CHECK(bucket("1h").width_ns == 3'600 * second);
  CHECK(bucket("500ms").width_ns == second / 2);
  CHECK(bucket("7d").width_ns == 7 * 86'400 * second);
  CHECK(bucket("1d").kind == Bucket::Kind::day);
  CHECK(bucket("week").kind == Bucket::Kind::week);
  CHECK(bucket("1mo").kind == Bucket::Kind::month);
  for (const char* wrong : {"", "0", "0s", "1", "-1h", "1y", "hour", "1e300h"}) {
    INFO(wrong);
    CHECK(parse_bucket(wrong).error().code == Errc::invalid_argument);
  }
}
