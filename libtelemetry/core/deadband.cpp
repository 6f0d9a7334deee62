// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/deadband.hpp"

namespace telemetry::core {
namespace {

/// Brings `value` to a lower exponent. @returns false when it does not fit 63 bits.
bool lower_exponent(Decimal& value, std::int16_t exponent) noexcept {
  constexpr std::int64_t tenth = INT64_MAX / 10;
  if (value.mantissa == 0) value.exponent = exponent;
  for (; value.exponent > exponent; --value.exponent) {
    if (value.mantissa > tenth || value.mantissa < -tenth) return false;
    value.mantissa *= 10;
  }
  return true;
}

std::int16_t lowest(std::int16_t exponent, Decimal value) noexcept {
  return value.mantissa != 0 && value.exponent < exponent ? value.exponent : exponent;
}

bool differ_by_more(Decimal a, Decimal b, Decimal band) noexcept {
  if (band.mantissa < 0) return true;
  const std::int16_t exponent = lowest(lowest(lowest(INT16_MAX, a), b), band);
  if (!lower_exponent(a, exponent) || !lower_exponent(b, exponent)) return true;
  const auto x = static_cast<std::uint64_t>(a.mantissa);
  const auto y = static_cast<std::uint64_t>(b.mantissa);
  const std::uint64_t difference = a.mantissa > b.mantissa ? x - y : y - x;
  // A band beyond 63 bits is larger than any difference but one beyond 63 bits.
  if (!lower_exponent(band, exponent)) return difference > INT64_MAX;
  return difference > static_cast<std::uint64_t>(band.mantissa);
}

}  // namespace

bool Deadband::passes(Decimal value, std::uint32_t now_ms) noexcept {
  const bool silent = silence_ms_max_ != 0 && now_ms - last_ms_ >= silence_ms_max_;
  if (any_ && !silent && !differ_by_more(value, last_, band_)) return false;
  last_ = value;
  last_ms_ = now_ms;
  any_ = true;
  return true;
}

}  // namespace telemetry::core
