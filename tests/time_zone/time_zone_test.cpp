// SPDX-License-Identifier: Apache-2.0
#include "telemetry/time_zone.hpp"

#include "catch.hpp"

using namespace telemetry;

namespace {

TimeZone zone(const char* name) {
  const auto found = TimeZone::find(name);
  REQUIRE(found);
  return *found;
}
std::int64_t at(const char* text) {
  std::int64_t ns = 0;
  REQUIRE(core::parse_time(text, 0, ns));
  return ns;
}
std::string shown(const char* text, const TimeZone& in) {
  std::string out;
  append_time(at(text), in, out);
  return out;
}

}  // namespace

TEST_CASE("times are shown with the offset of their zone") {
  CHECK(shown("2026-07-01T12:00:00Z", {}) == "2026-07-01T12:00:00Z");
  CHECK(shown("2026-07-01T12:00:00.5Z", zone("Europe/Berlin")) == "2026-07-01T14:00:00.500+02:00");
  CHECK(shown("2026-12-01T12:00:00Z", zone("Europe/Berlin")) == "2026-12-01T13:00:00+01:00");
  CHECK(shown("2026-12-01T12:00:00Z", zone("America/St_Johns")) == "2026-12-01T08:30:00-03:30");
  CHECK(shown("2026-12-01T20:00:00Z", zone("Asia/Kolkata")) == "2026-12-02T01:30:00+05:30");
  CHECK(shown("1880-01-01T00:00:00Z", zone("Europe/Amsterdam")) == "1880-01-01T00:19:00+00:19");
}

TEST_CASE("a local time is the first of two, or the change of the clocks where there is none") {
  const TimeZone berlin = zone("Europe/Berlin");
  CHECK(berlin.utc_of(at("2026-07-01T00:00:00Z")) == at("2026-06-30T22:00:00Z"));
  CHECK(berlin.utc_of(at("2026-10-25T02:30:00Z")) == at("2026-10-25T00:30:00Z"));
  CHECK(berlin.utc_of(at("2026-03-29T02:30:00Z")) == at("2026-03-29T01:00:00Z"));
  CHECK(berlin.local_of(at("2026-10-25T00:30:00Z")) == at("2026-10-25T02:30:00Z"));
  CHECK(berlin.local_of(at("2026-10-25T01:30:00Z")) == at("2026-10-25T02:30:00Z"));
  CHECK(berlin.utc_of(INT64_MIN) >= INT64_MIN);
  CHECK(berlin.local_of(INT64_MAX) == INT64_MAX);
}

TEST_CASE("an unknown zone is refused with the nearest name") {
  CHECK(TimeZone::find("UTC")->is_utc());
  CHECK_THAT(TimeZone::find("Europe/Berln").error().context,
             Catch::Contains("did you mean 'Europe/Berlin'"));
  CHECK_THAT(TimeZone::find("").error().context, Catch::Contains("write it as Europe/Berlin"));
  CHECK_FALSE(TimeZone::find("../../etc/passwd"));
}

TEST_CASE("times of one day after the other read as those of the core") {
  std::uint64_t state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::int64_t step[] = {1'000'000'000, 1'000'000, 1'000, 1};
    const auto day = static_cast<std::int64_t>(state >> 60) - 4;
    std::int64_t ns = day * 86'400 * core::ns_per_second +
                      static_cast<std::int64_t>(state >> 20) % (86'400 * core::ns_per_second);
    ns -= ns % step[i % 4];
    char text[core::time_text_bytes_max];
    std::string out;
    append_time(ns, {}, out);
    const std::string wanted(text, core::format_time(ns, text));
    if (out != wanted) CHECK(out == wanted);
  }
}
