// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace telemetry::core {

/// 10^0 to 10^9: every power of ten that fits 32 bits.
inline constexpr std::array<std::uint32_t, 10> powers_of_ten = [] {
  std::array<std::uint32_t, 10> powers{};
  std::uint32_t power = 1;
  for (std::size_t i = 0; i < powers.size(); ++i) {
    powers[i] = power;
    if (i < 9) power *= 10;
  }
  return powers;
}();

/// Divides by ten, in steps that a 32-bit CPU does by itself: the 64-bit division of its library
/// would be 1 KB of code. @returns the remainder.
std::uint32_t divide_by_ten(std::uint64_t& value) noexcept;

/// Of the integer, 1 for 0.
[[nodiscard]] std::int32_t count_digits(std::uint64_t value) noexcept;

[[nodiscard]] constexpr std::uint64_t magnitude(std::int64_t value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < 0 ? 0 - bits : bits;
}

}  // namespace telemetry::core
