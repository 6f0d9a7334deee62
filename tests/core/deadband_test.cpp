// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/deadband.hpp"

#include <random>
#include "catch.hpp"

using namespace telemetry::core;

TEST_CASE("the first value passes, then only changes of more than the band") {
  Deadband filter({5, -1});  // 0.5
  CHECK(filter.passes({230, -1}, 0));
  CHECK_FALSE(filter.passes({230, -1}, 1));
  CHECK_FALSE(filter.passes({235, -1}, 2));
  CHECK_FALSE(filter.passes({225, -1}, 3));
  CHECK(filter.passes({23'501, -3}, 4));
  CHECK_FALSE(filter.passes({23'002, -3}, 5));  // against the last that passed
  CHECK_FALSE(filter.passes({24, 0}, 6));
  CHECK(filter.passes({3, 1}, 7));
  filter.reset();
  CHECK(filter.passes({3, 1}, 8));
}

TEST_CASE("after the longest silence a value passes although it has not changed") {
  Deadband filter({1, 0}, 1000);
  const std::uint32_t start = UINT32_MAX - 100;  // the clock wraps
  CHECK(filter.passes({7, 0}, start));
  CHECK_FALSE(filter.passes({7, 0}, start + 999));
  CHECK(filter.passes({7, 0}, start + 1000));
  CHECK_FALSE(filter.passes({7, 0}, start + 1999));
  Deadband patient({1, 0});
  CHECK(patient.passes({7, 0}, 0));
  CHECK_FALSE(patient.passes({7, 0}, UINT32_MAX));
}

TEST_CASE("a band of zero lets every change pass, a negative one everything") {
  Deadband filter({0, 5});
  CHECK(filter.passes({10, -1}, 0));
  CHECK_FALSE(filter.passes({1, 0}, 0));
  CHECK(filter.passes({1'000'000'000'000'001, -15}, 0));
  Deadband open({-1, 0});
  CHECK(open.passes({1, 0}, 0));
  CHECK(open.passes({1, 0}, 0));
}

TEST_CASE("extremes neither overflow nor hide a change") {
  Deadband filter({1, 0});
  CHECK(filter.passes({INT64_MIN, 0}, 0));
  CHECK(filter.passes({INT64_MAX, 0}, 0));
  CHECK_FALSE(filter.passes({INT64_MAX - 1, 0}, 0));
  CHECK(filter.passes({INT64_MAX, INT16_MAX}, 0));
  CHECK(filter.passes({1, INT16_MIN}, 0));
  CHECK_FALSE(filter.passes({0, INT16_MAX}, 0));
  CHECK_FALSE(filter.passes({0, INT16_MIN}, 0));
  Deadband wide({1, 300});
  CHECK(wide.passes({5, 0}, 0));
  CHECK_FALSE(wide.passes({-5, 0}, 0));
}

TEST_CASE("the filter agrees with arithmetic in 128 bits") {
  std::mt19937_64 random(3);
  const auto decimal = [&] {
    const auto mantissa = static_cast<std::int64_t>(random() % 200'001) - 100'000;
    return Decimal{mantissa, static_cast<std::int16_t>(static_cast<int>(random() % 9) - 4)};
  };
  __extension__ using Wide = __int128;
  const auto scaled = [](Decimal value) {
    Wide wide = value.mantissa;
    for (int i = value.exponent; i > -4; --i) wide *= 10;
    return wide;
  };
  int passed = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Decimal a = decimal(), b = decimal();
    Decimal band = decimal();
    if (band.mantissa < 0) band.mantissa = -band.mantissa;
    Deadband filter(band);
    REQUIRE(filter.passes(a, 0));
    const Wide difference = scaled(a) > scaled(b) ? scaled(a) - scaled(b) : scaled(b) - scaled(a);
    const bool expected = difference > scaled(band);
    REQUIRE(filter.passes(b, 0) == expected);
    passed += expected ? 1 : 0;
  }
  CHECK(passed > 20'000);
  CHECK(passed < 80'000);
}
