// SPDX-License-Identifier: Apache-2.0
#include "telemetry/environment.hpp"

#include "catch.hpp"

#include <array>
#include <string>
#include <thread>
#include <vector>

using namespace telemetry;

namespace {
struct SetClock final : Clock {
  std::int64_t now() noexcept override { return time; }
  std::int64_t monotonic() noexcept override { return time; }
  std::int64_t time = 0;
};
}  // namespace

TEST_CASE("the wall clock stands after 2020 and the monotonic clock never goes back") {
  auto environment = system_environment();
  CHECK(environment.clock.now() > 1'577'836'800'000'000'000);
  std::int64_t last = environment.clock.monotonic();
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t now = environment.clock.monotonic();
    REQUIRE(now >= last);
    last = now;
  }
}

TEST_CASE("random fills any length, and twice never the same") {
  auto environment = system_environment();
  std::array<std::uint8_t, 1000> one{}, two{};
  environment.random(one);
  environment.random(two);
  CHECK(one != two);
  CHECK(std::array<std::uint8_t, 744>{} !=
        *reinterpret_cast<std::array<std::uint8_t, 744>*>(one.data() + 256));
  environment.random({});
}

TEST_CASE("a log shows its level and above, and an empty log shows nothing") {
  std::vector<std::string> lines;
  const Log log(
      [&](LogLevel, std::string_view component, std::string_view message) {
        lines.push_back(std::string(component) + ": " + std::string(message));
      },
      LogLevel::warn);
  log(LogLevel::info, "journal", "hidden");
  log(LogLevel::error, "journal", "shown");
  CHECK(lines == std::vector<std::string>{"journal: shown"});
  CHECK_FALSE(Log().enabled(LogLevel::error));
}

TEST_CASE("all copies of a log follow its level") {
  int lines = 0;
  const Log log([&](LogLevel, std::string_view, std::string_view) { ++lines; }, LogLevel::warn);
  const Log copy = log;
  log.set_level(LogLevel::debug);
  copy(LogLevel::debug, "journal", "shown");
  CHECK(lines == 1);
  copy.set_level(LogLevel::off);
  log(LogLevel::error, "journal", "hidden");
  CHECK(lines == 1);
  Log().set_level(LogLevel::debug);
  CHECK_FALSE(Log().enabled(LogLevel::error));
}

TEST_CASE("a rate limit shows the first of each interval and counts the rest") {
  SetClock clock;
  RateLimit limit(clock, 2, 1000);
  std::uint64_t suppressed = 99;
  CHECK(limit.allow(suppressed));
  CHECK(suppressed == 0);
  CHECK(limit.allow(suppressed));
  CHECK_FALSE(limit.allow(suppressed));
  clock.time = 999;
  CHECK_FALSE(limit.allow(suppressed));
  clock.time = 1000;
  CHECK(limit.allow(suppressed));
  CHECK(suppressed == 2);
  CHECK(limit.allow(suppressed));
  CHECK(suppressed == 0);
}

TEST_CASE("a printable text is one line without control characters") {
  CHECK(printable("a\nb\x1b[2J \x7f") == "a\\x0ab\\x1b[2J \\x7f");
  CHECK(printable("\xc2\x9b"
                  "2J \xc2\xb0"
                  "C") ==
        "\\u009b2J \xc2\xb0"
        "C");
  CHECK(printable("\x9b"
                  "2J \xff") == "\\x9b2J \\xff");
}
