// SPDX-License-Identifier: Apache-2.0
#include "core/utf8.hpp"

#include <cstdint>
#include <cstring>

#include "telemetry/core/json_pull.hpp"

namespace telemetry::core {
namespace {

std::uint8_t byte_at(const char* at) noexcept { return static_cast<std::uint8_t>(*at); }

bool in_range(const char* at, std::uint8_t low, std::uint8_t high) noexcept {
  return byte_at(at) >= low && byte_at(at) <= high;
}

}  // namespace

std::size_t utf8_sequence_bytes(const char* at, const char* end) noexcept {
  const std::uint8_t lead = byte_at(at);
  const std::size_t bytes = lead < 0xC2   ? 0
                            : lead < 0xE0 ? 2
                            : lead < 0xF0 ? 3
                            : lead < 0xF5 ? 4
                                          : 0;
  if (bytes == 0 || static_cast<std::size_t>(end - at) < bytes) return 0;
  // The second byte also shuts out overlong forms, surrogates and what lies above U+10FFFF.
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : (lead == 0xF0 ? 0x90 : 0x80);
  const std::uint8_t high = lead == 0xED ? 0x9F : (lead == 0xF4 ? 0x8F : 0xBF);
  if (!in_range(at + 1, low, high)) return 0;
  for (std::size_t i = 2; i < bytes; ++i) {
    if (!in_range(at + i, 0x80, 0xBF)) return 0;
  }
  return bytes;
}

bool is_valid_utf8(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  constexpr std::size_t high_bits = static_cast<std::size_t>(0x8080'8080'8080'8080u);
  while (at != end) {
    std::size_t word = 0;
    while (static_cast<std::size_t>(end - at) >= sizeof(word)) {
      std::memcpy(&word, at, sizeof(word));
      if ((word & high_bits) != 0) break;
      at += sizeof(word);
    }
    if (at == end) break;
    if (byte_at(at) < 0x80) {
      ++at;
      continue;
    }
    const std::size_t bytes = utf8_sequence_bytes(at, end);
    if (bytes == 0) return false;
    at += bytes;
  }
  return true;
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (char c : text) count += (static_cast<std::uint8_t>(c) & 0xC0u) != 0x80u ? 1u : 0u;
  return count;
}

}  // namespace telemetry::core
