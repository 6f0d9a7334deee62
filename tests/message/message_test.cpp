// SPDX-License-Identifier: Apache-2.0
#include "telemetry/message.hpp"

#include "catch.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

using namespace telemetry;

TEST_CASE("hash64 is XXH3 with seed 0, so that stored hashes keep their meaning") {
  CHECK(hash64("") == 0x2D06800538D394C2ull);
}

TEST_CASE("to_double gives the nearest double on the exact and on the slow path") {
  CHECK(to_double({2351, -2}) == 23.51);
  CHECK(to_double({-5, 0}) == -5.0);
  CHECK(to_double({30000000000000004, -17}) == 0.30000000000000004);
  CHECK(to_double({9223372036854775807, 0}) == 9223372036854775807.0);
  CHECK(to_double({1, 300}) == 1e300);
  CHECK(to_double({1'797'693'134'862'315'708, 290}) == std::numeric_limits<double>::max());
  CHECK(to_double({1, 309}) == std::numeric_limits<double>::infinity());
  CHECK(to_double({-1, 400}) == -std::numeric_limits<double>::infinity());
  CHECK(to_double({5, -324}) == std::numeric_limits<double>::denorm_min());
  CHECK(to_double({2, -324}) == 0);
  CHECK(to_double({-1, -400}) == 0);
  CHECK(to_double({123456789012345678, -25}) == 123456789012345678e-25);
}

TEST_CASE("an arena keeps what it handed out and reuses its blocks after clear") {
  Arena arena(64);
  const auto first = arena.copy("hello");
  const auto large = arena.copy(std::string(1000, 'x'));
  for (int i = 0; i < 100; ++i) (void)arena.copy("0123456789");
  CHECK(first == "hello");
  CHECK(large == std::string(1000, 'x'));
  CHECK(arena.bytes() == 5 + 1000 + 1000);
  arena.clear();
  CHECK(arena.bytes() == 0);
  CHECK(arena.copy("again").data() == first.data());
}

TEST_CASE("an arena aligns what asks for it") {
  Arena arena(256);
  (void)arena.copy("x");
  const auto aligned = arena.allocate(32, 16);
  CHECK(reinterpret_cast<std::uintptr_t>(aligned.data()) % 16 == 0);
}

TEST_CASE("a decimal of any exponent is the nearest double") {
  for (int exponent = -345; exponent <= 310; ++exponent) {
    for (const std::int64_t mantissa : {std::int64_t{1}, std::int64_t{-7}, INT64_MAX}) {
      const std::string text = std::to_string(mantissa) + "e" + std::to_string(exponent);
      INFO(text);
      CHECK(to_double({mantissa, static_cast<std::int16_t>(exponent)}) ==
            std::strtod(text.c_str(), nullptr));
    }
  }
}
