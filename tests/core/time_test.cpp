// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/time.hpp"

#include <ctime>
#include <random>
#include <string>
#include "catch.hpp"

using namespace telemetry::core;

namespace {

std::string format(std::int64_t ns) {
  char buffer[time_text_bytes_max];
  return {buffer, format_time(ns, buffer)};
}

/// Parsed and formatted again, or "no".
std::string parsed(std::string_view text, std::int32_t zone_offset_s = 0) {
  std::int64_t ns = 4711;
  if (!parse_time(text, zone_offset_s, ns)) {
    CHECK(ns == 4711);
    return "no";
  }
  return format(ns);
}

std::string epoch(Decimal number, TimeFormat unit) {
  std::int64_t ns = 0;
  return epoch_to_ns(number, unit, ns) ? std::to_string(ns) : "no";
}

}  // namespace

TEST_CASE("RFC 3339 times are read") {
  std::int64_t ns = 0;
  REQUIRE(parse_time("1970-01-01T00:00:00Z", 0, ns));
  CHECK(ns == 0);
  REQUIRE(parse_time("2025-11-11T12:00:00.123Z", 0, ns));
  CHECK(ns == 1'762'862'400'123'000'000);
  REQUIRE(parse_time("1969-12-31T23:59:59.999999999Z", 0, ns));
  CHECK(ns == -1);
  CHECK(parsed("1985-04-12t23:20:50.52z") == "1985-04-12T23:20:50.520Z");
  CHECK(parsed("1996-12-19T16:39:57-08:00") == "1996-12-20T00:39:57Z");
  CHECK(parsed("1937-01-01T12:00:27.87+00:20") == "1937-01-01T11:40:27.870Z");
  CHECK(parsed("2025-01-01T00:00:00-00:00") == "2025-01-01T00:00:00Z");
}

TEST_CASE("ISO 8601 as old devices write it is read") {
  CHECK(parsed("2025-11-11 12:00:00") == "2025-11-11T12:00:00Z");
  CHECK(parsed("2025-11-11T12:00:00,5Z") == "2025-11-11T12:00:00.500Z");
  CHECK(parsed("2025-11-11T12:00:00+0530") == "2025-11-11T06:30:00Z");
  CHECK(parsed("2025-11-11T12:00:00-0330") == "2025-11-11T15:30:00Z");
  CHECK(parsed("2025-11-11T12:00:00+05") == "2025-11-11T07:00:00Z");
  CHECK(parsed("2025-11-11T12:00:00.1234567891234") == "2025-11-11T12:00:00.123456789Z");
}

TEST_CASE("the default zone applies only where the text names none") {
  CHECK(parsed("2025-11-11T12:00:00", 3600) == "2025-11-11T11:00:00Z");
  CHECK(parsed("2025-11-11T12:00:00.5", -3600) == "2025-11-11T13:00:00.500Z");
  CHECK(parsed("2025-11-11T12:00:00Z", 3600) == "2025-11-11T12:00:00Z");
  CHECK(parsed("2025-11-11T12:00:00+02:00", 3600) == "2025-11-11T10:00:00Z");
}

TEST_CASE("leap days are those of the Gregorian calendar") {
  CHECK(parsed("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00Z");
  CHECK(parsed("2000-02-29T00:00:00Z") == "2000-02-29T00:00:00Z");
  CHECK(parsed("2023-02-29T00:00:00Z") == "no");
  CHECK(parsed("1900-02-29T00:00:00Z") == "no");
  CHECK(parsed("2100-02-29T00:00:00Z") == "no");
}

TEST_CASE("every month has its days and no more") {
  const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int month = 1; month <= 12; ++month) {
    const auto text = [month](int day) {
      char buffer[32];
      std::snprintf(buffer, sizeof(buffer), "2025-%02d-%02dT00:00:00Z", month, day);
      return std::string(buffer);
    };
    CHECK(parsed(text(days[month - 1])) == text(days[month - 1]));
    CHECK(parsed(text(days[month - 1] + 1)) == "no");
    CHECK(parsed(text(0)) == "no");
  }
}

TEST_CASE("a leap second is the first instant of the next day") {
  CHECK(parsed("2016-12-31T23:59:60Z") == "2017-01-01T00:00:00Z");
  CHECK(parsed("2016-12-31T23:59:60.7Z") == "2017-01-01T00:00:00Z");
  CHECK(parsed("1990-12-31T15:59:60-08:00") == "1991-01-01T00:00:00Z");
  CHECK(parsed("2016-12-31T12:00:60Z") == "no");
  CHECK(parsed("2016-12-31T23:59:60+01:00") == "no");
  CHECK(parsed("2016-12-31T23:59:61Z") == "no");
}

TEST_CASE("what is not a time is refused") {
  for (const char* text : {"",
                           "2025",
                           "2025-11-11",
                           "2025-11-11T",
                           "2025-11-11T12",
                           "2025-11-11T12:00",
                           "2025-11-11T12:00Z",
                           "2025-11-11T12:00:0Z",
                           "2025-11-11T12:00:00.Z",
                           "2025-11-11T12:00:00.",
                           "2025-11-11T12:00:00 Z",
                           "2025-11-11T12:00:00Z ",
                           " 2025-11-11T12:00:00Z",
                           "2025-11-11T12:00:00ZZ",
                           "2025-11-11T12:00:00+",
                           "2025-11-11T12:00:00+5",
                           "2025-11-11T12:00:00+05:",
                           "2025-11-11T12:00:00+05:3",
                           "2025-11-11T12:00:00+053",
                           "2025-11-11T12:00:00+24:00",
                           "2025-11-11T12:00:00+05:60",
                           "2025-11-11T12:00:00+05:300",
                           "2025-11-11_12:00:00Z",
                           "2025-11-11  12:00:00Z",
                           "2025/11/11T12:00:00Z",
                           "25-11-11T12:00:00Z",
                           "2025-00-11T12:00:00Z",
                           "2025-13-11T12:00:00Z",
                           "2025-11-11T24:00:00Z",
                           "2025-11-11T12:60:00Z",
                           "2025-1a-11T12:00:00Z",
                           "-025-11-11T12:00:00Z",
                           "+2025-11-11T12:00:00Z",
                           "20251111T120000Z",
                           "now",
                           "1762862400"}) {
    CAPTURE(text);
    CHECK(parsed(text) == "no");
  }
  CHECK(parsed(std::string_view("2025-11-11T12:00:00Z\0", 21)) == "no");
}

TEST_CASE("the times that 64 bits of ns hold are read, others become the nearest") {
  CHECK(parsed("1678-01-01T00:00:00Z") == "1678-01-01T00:00:00Z");
  CHECK(parsed("1677-12-31T23:30:00-01:00") == "1678-01-01T00:30:00Z");
  CHECK(parsed("2261-12-31T23:59:60Z") == "2262-01-01T00:00:00Z");
  CHECK(parsed("1677-09-21T00:12:44Z") == "1677-09-21T00:12:44Z");
  CHECK(parsed("2262-04-11T23:47:15.999999999Z") == "2262-04-11T23:47:15.999999999Z");
  for (const char* text :
       {"1677-09-21T00:12:43.999999999Z", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59",
        "2262-04-11T23:47:16Z", "9999-12-31T23:59:59.999Z"}) {
    CAPTURE(text);
    CHECK(parsed(text) == "no");
    std::int64_t ns = 0;
    CHECK(read_time(text, 0, ns) == TimeText::moved);
    CHECK(ns == (text[0] == '2' || text[0] == '9' ? INT64_MAX : INT64_MIN));
  }
  std::int64_t ns = 5;
  CHECK(read_time("0001-02-29T00:00:00Z", 0, ns) == TimeText::none);
  CHECK(ns == 5);
  CHECK(parsed("0000-01-01T00:00:00Z") == "no");
  CHECK(parsed("9999-12-31T23:59:59Z") == "no");
}

TEST_CASE("times are written with the fewest of 0, 3, 6 and 9 digits that lose nothing") {
  CHECK(format(0) == "1970-01-01T00:00:00Z");
  CHECK(format(100'000'000) == "1970-01-01T00:00:00.100Z");
  CHECK(format(1'000) == "1970-01-01T00:00:00.000001Z");
  CHECK(format(1'001'000) == "1970-01-01T00:00:00.001001Z");
  CHECK(format(1) == "1970-01-01T00:00:00.000000001Z");
  CHECK(format(-1) == "1969-12-31T23:59:59.999999999Z");
  CHECK(format(INT64_MAX) == "2262-04-11T23:47:16.854775807Z");
  CHECK(format(INT64_MIN) == "1677-09-21T00:12:43.145224192Z");
}

TEST_CASE("calendar and clock agree with the C library, and reading inverts writing") {
  std::mt19937_64 random(3);
  std::uniform_int_distribution<std::int64_t> seconds(-9'214'560'000, 9'214'646'399);
  for (int i = 0; i < 20'000; ++i) {
    const std::time_t second = seconds(random);
    const auto fraction = static_cast<std::int64_t>(random() % 1'000'000'000);
    std::tm parts{};
    REQUIRE(gmtime_r(&second, &parts) != nullptr);
    char expected[64];
    std::strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &parts);
    const std::int64_t ns = second * ns_per_second + fraction;
    const std::string text = format(ns);
    REQUIRE(text.substr(0, 19) == expected);
    std::int64_t back = 0;
    REQUIRE(parse_time(text, 12345, back));
    REQUIRE(back == ns);
  }
}

TEST_CASE("epoch numbers are taken in their declared unit") {
  CHECK(epoch({1'762'862'400, 0}, TimeFormat::s) == "1762862400000000000");
  CHECK(epoch({1'762'862'400'123, -3}, TimeFormat::s) == "1762862400123000000");
  CHECK(epoch({1'762'862'400'123, 0}, TimeFormat::ms) == "1762862400123000000");
  CHECK(epoch({1'762'862'400'123'456, 0}, TimeFormat::us) == "1762862400123456000");
  CHECK(epoch({1'762'862'400'123'456'789, 0}, TimeFormat::ns) == "1762862400123456789");
  CHECK(epoch({17, 8}, TimeFormat::s) == "1700000000000000000");
  CHECK(epoch({0, INT16_MAX}, TimeFormat::s) == "0");
  CHECK(epoch({1, 0}, TimeFormat::rfc3339) == "no");
}

TEST_CASE("what is finer than a nanosecond is cut towards the past") {
  CHECK(epoch({19, -1}, TimeFormat::ns) == "1");
  CHECK(epoch({-19, -1}, TimeFormat::ns) == "-2");
  CHECK(epoch({1, INT16_MIN}, TimeFormat::s) == "0");
  CHECK(epoch({-1, INT16_MIN}, TimeFormat::s) == "-1");
  CHECK(epoch({INT64_MAX, -27}, TimeFormat::s) == "9");
  CHECK(epoch({INT64_MAX, -28}, TimeFormat::s) == "0");
}

TEST_CASE("an epoch number that does not fit int64 ns is refused") {
  CHECK(epoch({9'223'372'036, 0}, TimeFormat::s) == "9223372036000000000");
  CHECK(epoch({9'223'372'037, 0}, TimeFormat::s) == "no");
  CHECK(epoch({-9'223'372'036, 0}, TimeFormat::s) == "-9223372036000000000");
  CHECK(epoch({-9'223'372'037, 0}, TimeFormat::s) == "no");
  CHECK(epoch({INT64_MIN, 0}, TimeFormat::ns) == "-9223372036854775808");
  CHECK(epoch({1, INT16_MAX}, TimeFormat::ns) == "no");
  CHECK(epoch({1, 10}, TimeFormat::s) == "no");
}

TEST_CASE("without a declared unit the size of an epoch number tells it") {
  CHECK(epoch({99'999'999'999, 0}, TimeFormat::automatic) == "no");  // seconds, in the year 5138
  CHECK(epoch({1'762'862'400, 0}, TimeFormat::automatic) == "1762862400000000000");
  CHECK(epoch({1, 11}, TimeFormat::automatic) == "100000000000000000");  // ms
  CHECK(epoch({1'762'862'400'123, 0}, TimeFormat::automatic) == "1762862400123000000");
  CHECK(epoch({1, 14}, TimeFormat::automatic) == "100000000000000000");  // us
  CHECK(epoch({1, 17}, TimeFormat::automatic) == "100000000000000000");  // ns
  CHECK(epoch({-1'762'862'400, 0}, TimeFormat::automatic) == "-1762862400000000000");
  CHECK(epoch({-1'762'862'400'123, 0}, TimeFormat::automatic) == "-1762862400123000000");
}
