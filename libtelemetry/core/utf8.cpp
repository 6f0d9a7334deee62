// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/utf8.hpp"

#include <cstring>

namespace telemetry::core {

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
    if (static_cast<std::uint8_t>(*at) < 0x80) {
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
