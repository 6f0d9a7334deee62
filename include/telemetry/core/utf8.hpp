// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// UTF-8. Source: RFC 3629 section 4.
namespace telemetry::core {

/// Bytes (2..4) of the well-formed multi-byte sequence at `at`, or 0 when there is none before
/// `end`. The byte at `at` exists and is >= 0x80.
[[nodiscard]] [[gnu::noinline]] constexpr std::size_t utf8_sequence_bytes(
    const char* at, const char* end) noexcept {
  const auto in_range = [at](std::size_t i, std::uint8_t low, std::uint8_t high) {
    return static_cast<std::uint8_t>(at[i]) >= low && static_cast<std::uint8_t>(at[i]) <= high;
  };
  const auto lead = static_cast<std::uint8_t>(*at);
  const std::size_t bytes = lead < 0xC2   ? 0
                            : lead < 0xE0 ? 2
                            : lead < 0xF0 ? 3
                            : lead < 0xF5 ? 4
                                          : 0;
  if (bytes == 0 || static_cast<std::size_t>(end - at) < bytes) return 0;
  // The second byte also shuts out overlong forms, surrogates and what lies above U+10FFFF.
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : (lead == 0xF0 ? 0x90 : 0x80);
  const std::uint8_t high = lead == 0xED ? 0x9F : (lead == 0xF4 ? 0x8F : 0xBF);
  if (!in_range(1, low, high)) return 0;
  for (std::size_t i = 2; i < bytes; ++i) {
    if (!in_range(i, 0x80, 0xBF)) return 0;
  }
  return bytes;
}

/// True when every byte sequence is well-formed UTF-8.
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;

/// Number of code points of valid UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view text) noexcept;

}  // namespace telemetry::core
