// SPDX-License-Identifier: Apache-2.0
// Decimals are compared without floating point and without 128-bit integers, so that a Cortex-M0
// and a gateway agree. Two numbers of different order of magnitude are told apart by their digits;
// two of the same order differ by at most 18 in exponent, and the one with the larger exponent has
// room in 64 bits to be scaled up: it ends with as many digits as the other, 19 at most.
#include "telemetry/core/value.hpp"

#include <limits>

#include "core/powers_of_ten.hpp"

namespace telemetry::core {
namespace {

template <class Integer>
int order(Integer a, Integer b) noexcept {
  return a < b ? -1 : (a > b ? 1 : 0);
}

std::uint64_t scaled(std::uint64_t small, std::int32_t exponent) noexcept {
  return std::uint64_t{static_cast<std::uint32_t>(small)} *
         powers_of_ten[static_cast<std::size_t>(exponent)];
}

/// Of two numbers that are not 0.
int compare_magnitudes(std::uint64_t a, std::int32_t a_exponent, std::uint64_t b,
                       std::int32_t b_exponent) noexcept {
  std::int32_t gap = a_exponent - b_exponent;
  // Nearly every bound and reading fits 32 bits and scales within 64.
  if (gap >= -9 && gap <= 9 && (a | b) >> 32 == 0) {
    if (gap > 0) {
      a = scaled(a, gap);
    } else {
      b = scaled(b, -gap);
    }
    gap = 0;
  } else if (gap != 0) {
    const std::int32_t a_top = count_digits(a) + a_exponent;
    const std::int32_t b_top = count_digits(b) + b_exponent;
    if (a_top != b_top) return a_top < b_top ? -1 : 1;
  }
  for (; gap > 0; --gap) a *= 10;
  for (; gap < 0; ++gap) b *= 10;
  return order(a, b);
}

}  // namespace

std::uint32_t divide_by_ten(std::uint64_t& value) noexcept {
  std::uint64_t quotient = 0;
  std::uint32_t rest = 0;
  for (int shift = 48; shift >= 0; shift -= 16) {
    const std::uint32_t part = rest << 16 | static_cast<std::uint32_t>(value >> shift & 0xFFFF);
    quotient = quotient << 16 | part / 10;
    rest = part % 10;
  }
  value = quotient;
  return rest;
}

std::int32_t count_digits(std::uint64_t value) noexcept {
  std::int32_t digits = 1;
  for (std::uint64_t power = 10; digits < 20 && value >= power; ++digits) power *= 10;
  return digits;
}

int compare(const Decimal& a, const Decimal& b) noexcept {
  const bool negative = a.mantissa < 0;
  if (a.mantissa == 0 || b.mantissa == 0 || negative != (b.mantissa < 0)) {
    return order(a.mantissa, b.mantissa);  // by their signs
  }
  const int by_magnitude =
      compare_magnitudes(magnitude(a.mantissa), a.exponent, magnitude(b.mantissa), b.exponent);
  return negative ? -by_magnitude : by_magnitude;
}

bool to_int64(const Decimal& value, std::int64_t& out) noexcept {
  std::uint64_t v = magnitude(value.mantissa);
  std::int32_t exponent = v == 0 ? 0 : value.exponent;
  for (; exponent < 0; ++exponent) {
    if (divide_by_ten(v) != 0) return false;
  }
  for (; exponent > 0; --exponent) {
    if (v > std::numeric_limits<std::int64_t>::max() / 10) return false;
    v *= 10;
  }
  out = static_cast<std::int64_t>(value.mantissa < 0 ? std::uint64_t{0} - v : v);
  return true;
}

}  // namespace telemetry::core
