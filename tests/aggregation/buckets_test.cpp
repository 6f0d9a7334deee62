// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include "telemetry/aggregation.hpp"

using namespace telemetry;

namespace {

std::int64_t at(const std::string& text) {
  std::int64_t ns = 0;
  REQUIRE(core::parse_time(text, 0, ns));
  return ns;
}

/// "BEGIN END" of the bucket that holds a time.
std::string bucket(const char* width, const char* zone, const std::string& time) {
  Buckets buckets(*parse_bucket(width), *TimeZone::find(zone));
  const Buckets::Span span = buckets.of(at(time));
  std::string text;
  append_time(span.begin, {}, text);
  text += ' ';
  append_time(span.end, {}, text);
  return text;
}

}  // namespace

TEST_CASE("buckets of a fixed width count from 1970, before it too") {
  CHECK(bucket("1h", "UTC", "2026-11-21T08:59:59.999Z") ==
        "2026-11-21T08:00:00Z 2026-11-21T09:00:00Z");
  CHECK(bucket("7d", "UTC", "1970-01-01T00:00:00Z") == "1970-01-01T00:00:00Z 1970-01-08T00:00:00Z");
  CHECK(bucket("7d", "UTC", "1969-12-31T00:00:00Z") == "1969-12-25T00:00:00Z 1970-01-01T00:00:00Z");
}

TEST_CASE("hours begin as they do there, and with each midnight again") {
  CHECK(bucket("1h", "Asia/Kolkata", "2026-11-21T08:15:00Z") ==
        "2026-11-21T07:30:00Z 2026-11-21T08:30:00Z");
  CHECK(bucket("6h", "Europe/Berlin", "2026-07-01T05:00:00Z") ==
        "2026-07-01T04:00:00Z 2026-07-01T10:00:00Z");
  // The day of 25 hours has a fifth bucket of one hour, that of 23 a last one of five.
  CHECK(bucket("6h", "Europe/Berlin", "2026-10-25T22:30:00Z") ==
        "2026-10-25T22:00:00Z 2026-10-25T23:00:00Z");
  CHECK(bucket("6h", "Europe/Berlin", "2026-03-29T18:00:00Z") ==
        "2026-03-29T17:00:00Z 2026-03-29T22:00:00Z");
  // Both hours between 2 and 3 are buckets of their own.
  CHECK(bucket("1h", "Europe/Berlin", "2026-10-25T00:30:00Z") ==
        "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z");
  CHECK(bucket("1h", "Europe/Berlin", "2026-10-25T01:30:00Z") ==
        "2026-10-25T01:00:00Z 2026-10-25T02:00:00Z");
}

TEST_CASE("days, weeks from Monday and months are those of the zone") {
  CHECK(bucket("1d", "Europe/Berlin", "2026-10-25T12:00:00Z") ==
        "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z");
  CHECK(bucket("1d", "Africa/Cairo", "2026-04-24T12:00:00Z") ==  // midnight is left out
        "2026-04-23T22:00:00Z 2026-04-24T21:00:00Z");
  CHECK(bucket("1w", "UTC", "2026-11-29T23:00:00Z") == "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z");
  CHECK(bucket("1w", "America/New_York", "2026-11-02T04:30:00Z") ==
        "2026-10-26T04:00:00Z 2026-11-02T05:00:00Z");
  CHECK(bucket("1mo", "UTC", "2024-02-29T12:00:00Z") ==
        "2024-02-01T00:00:00Z 2024-03-01T00:00:00Z");
  CHECK(bucket("1mo", "America/Santiago", "2026-12-31T23:30:00Z") ==
        "2026-12-01T03:00:00Z 2027-01-01T03:00:00Z");
}

TEST_CASE("the ends of time have buckets") {
  for (const char* width : {"1h", "7m", "1d", "1w", "1mo"}) {
    for (const char* zone : {"UTC", "Asia/Kolkata", "America/New_York"}) {
      for (const std::int64_t time : {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX}) {
        Buckets buckets(*parse_bucket(width), *TimeZone::find(zone));
        const Buckets::Span span = buckets.of(time);
        INFO(width << " " << zone << " " << time);
        CHECK(span.begin <= time);
        CHECK((time < span.end || span.end == INT64_MAX));
      }
    }
  }
}
