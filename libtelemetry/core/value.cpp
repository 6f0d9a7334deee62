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

std::uint64_t magnitude(std::int64_t v) noexcept {
  return v < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(v);
}

bool is_small(std::int64_t v) noexcept { return v == static_cast<std::int32_t>(v); }

std::int64_t power_of_ten(std::int32_t exponent) noexcept {
  return static_cast<std::int64_t>(powers_of_ten[static_cast<std::size_t>(exponent)]);
}

std::int32_t count_digits(std::uint64_t v) noexcept {
  std::int32_t digits = 1;
  while (digits < 20 && v >= powers_of_ten[static_cast<std::size_t>(digits)]) ++digits;
  return digits;
}

int order(std::uint64_t a, std::uint64_t b) noexcept { return a < b ? -1 : (a > b ? 1 : 0); }

int compare_magnitudes(std::uint64_t a, std::int32_t a_exponent, std::uint64_t b,
                       std::int32_t b_exponent) noexcept {
  const std::int32_t a_top = count_digits(a) + a_exponent;
  const std::int32_t b_top = count_digits(b) + b_exponent;
  if (a_top != b_top) return a_top < b_top ? -1 : 1;
  if (a_exponent > b_exponent) {
    a *= powers_of_ten[static_cast<std::size_t>(a_exponent - b_exponent)];
  } else {
    b *= powers_of_ten[static_cast<std::size_t>(b_exponent - a_exponent)];
  }
  return order(a, b);
}

}  // namespace

int compare(Decimal a, Decimal b) noexcept {
  if (a.exponent == b.exponent) {
    return a.mantissa < b.mantissa ? -1 : (a.mantissa > b.mantissa ? 1 : 0);
  }
  // Nearly every bound and reading: both fit 32 bits and scale within 64.
  const std::int32_t gap = a.exponent - b.exponent;
  if (gap >= -9 && gap <= 9 && is_small(a.mantissa) && is_small(b.mantissa)) {
    const std::int64_t x = gap > 0 ? a.mantissa * power_of_ten(gap) : a.mantissa;
    const std::int64_t y = gap < 0 ? b.mantissa * power_of_ten(-gap) : b.mantissa;
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  const int a_sign = (a.mantissa > 0) - (a.mantissa < 0);
  const int b_sign = (b.mantissa > 0) - (b.mantissa < 0);
  if (a_sign != b_sign) return a_sign < b_sign ? -1 : 1;
  if (a_sign == 0) return 0;
  const int by_magnitude =
      compare_magnitudes(magnitude(a.mantissa), a.exponent, magnitude(b.mantissa), b.exponent);
  return a_sign > 0 ? by_magnitude : -by_magnitude;
}

bool to_int64(Decimal value, std::int64_t& out) noexcept {
  std::int64_t v = value.mantissa;
  std::int32_t exponent = value.exponent;
  if (v == 0) exponent = 0;
  for (; exponent < 0; ++exponent) {
    if (v % 10 != 0) return false;
    v /= 10;
  }
  for (; exponent > 0; --exponent) {
    if (v > std::numeric_limits<std::int64_t>::max() / 10 ||
        v < std::numeric_limits<std::int64_t>::min() / 10) {
      return false;
    }
    v *= 10;
  }
  out = v;
  return true;
}

}  // namespace telemetry::core
