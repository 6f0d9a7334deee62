// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/value.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include "catch.hpp"

using namespace telemetry::core;

namespace {

constexpr std::int64_t int_max = INT64_MAX;
constexpr std::int64_t int_min = INT64_MIN;
constexpr std::int16_t exp_max = INT16_MAX;
constexpr std::int16_t exp_min = INT16_MIN;

int sign(int v) { return (v > 0) - (v < 0); }

/// Compares by writing both out in full, as on paper.
int compare_on_paper(Decimal a, Decimal b) {
  const int lowest = std::min(a.exponent, b.exponent);
  const auto written = [lowest](Decimal d) {
    std::string digits = std::to_string(d.mantissa);
    if (digits[0] == '-') digits.erase(0, 1);
    if (digits == "0") return std::string();
    return digits + std::string(static_cast<std::size_t>(d.exponent - lowest), '0');
  };
  const std::string x = written(a);
  const std::string y = written(b);
  const int a_sign = x.empty() ? 0 : (a.mantissa < 0 ? -1 : 1);
  const int b_sign = y.empty() ? 0 : (b.mantissa < 0 ? -1 : 1);
  if (a_sign != b_sign) return a_sign < b_sign ? -1 : 1;
  const int by_size = x.size() != y.size() ? (x.size() < y.size() ? -1 : 1) : sign(x.compare(y));
  return a_sign < 0 ? -by_size : by_size;
}

}  // namespace

TEST_CASE("decimals compare by value, not by form") {
  CHECK(compare({125, 0}, {1250, -1}) == 0);
  CHECK(compare({125, 0}, {1'250'001, -4}) < 0);
  CHECK(compare({-125, 0}, {-1'250'001, -4}) > 0);
  CHECK(compare({1, 0}, {-1, 0}) > 0);
  CHECK(compare({0, 0}, {0, exp_max}) == 0);
  CHECK(compare({0, exp_min}, {1, exp_min}) < 0);
  CHECK(compare({0, exp_max}, {-1, exp_min}) > 0);
}

TEST_CASE("decimals at the ends of their range compare without overflow") {
  CHECK(compare({int_max, exp_max}, {int_max, exp_max}) == 0);
  CHECK(compare({int_max, exp_max}, {int_min, exp_max}) > 0);
  CHECK(compare({int_min, exp_min}, {int_max, exp_max}) < 0);
  CHECK(compare({1, exp_max}, {int_max, exp_min}) > 0);
  CHECK(compare({-1, exp_max}, {int_min, exp_min}) < 0);
  CHECK(compare({int_min, 0}, {-9'223'372'036'854'775'807, 0}) < 0);
  CHECK(compare({922'337'203'685'477'580, 1}, {int_max, 0}) < 0);
  CHECK(compare({922'337'203'685'477'581, 1}, {int_max, 0}) > 0);
  CHECK(compare({1, 18}, {1'000'000'000'000'000'000, 0}) == 0);
  CHECK(compare({1, 18}, {1'000'000'000'000'000'001, 0}) < 0);
  CHECK(compare({9, 18}, {int_max, 0}) < 0);
  CHECK(compare({1, exp_max}, {10, exp_max - 1}) == 0);
}

TEST_CASE("decimals compare as on paper, whatever they are") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 100'000; ++i) {
    const auto mantissa = [&random] {
      // Every number of digits is as likely as any other.
      return static_cast<std::int64_t>(random()) >> (random() % 64);
    };
    const auto exponent = [&random] {
      return static_cast<std::int16_t>(static_cast<int>(random() % 41) - 20);
    };
    const Decimal a{mantissa(), exponent()};
    Decimal b{mantissa(), exponent()};
    if (i % 4 == 0) b = {a.mantissa / 1000, static_cast<std::int16_t>(a.exponent + 3)};
    const int expected = compare_on_paper(a, b);
    if (sign(compare(a, b)) != expected || sign(compare(b, a)) != -expected) {
      FAIL(a.mantissa << "e" << a.exponent << " against " << b.mantissa << "e" << b.exponent);
    }
  }
}

TEST_CASE("whole decimals that fit become int64, others do not") {
  const auto whole = [](Decimal d) {
    std::int64_t out = -1;
    return to_int64(d, out) ? std::to_string(out) : std::string("no");
  };
  CHECK(whole({10, -1}) == "1");
  CHECK(whole({1, 3}) == "1000");
  CHECK(whole({-1500, -2}) == "-15");
  CHECK(whole({15, -1}) == "no");
  CHECK(whole({0, exp_min}) == "0");
  CHECK(whole({0, exp_max}) == "0");
  CHECK(whole({1, exp_max}) == "no");
  CHECK(whole({1, exp_min}) == "no");
  CHECK(whole({int_max, 0}) == "9223372036854775807");
  CHECK(whole({int_min, 0}) == "-9223372036854775808");
  CHECK(whole({922'337'203'685'477'580, 1}) == "9223372036854775800");
  CHECK(whole({922'337'203'685'477'581, 1}) == "no");
  CHECK(whole({-922'337'203'685'477'581, 1}) == "no");
  CHECK(whole({1'000'000'000'000'000'000, -18}) == "1");
}

TEST_CASE("a value takes 16 bytes and gives back what was put in") {
  CHECK(sizeof(Value) == 2 * sizeof(void*));
  CHECK(Value().is_null());
  CHECK(Value::boolean(true).as_integer() == 1);
  CHECK(Value::time(-5).as_integer() == -5);
  CHECK(Value::decimal({-42, -7}).as_decimal().mantissa == -42);
  CHECK(Value::decimal({-42, -7}).as_decimal().exponent == -7);
  CHECK(Value::integer(9).as_decimal().exponent == 0);
  CHECK(Value::text("abc").as_text() == "abc");
  CHECK(Value::json("[1]").kind() == ValueKind::json);
}
