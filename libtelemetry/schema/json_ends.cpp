// SPDX-License-Identifier: Apache-2.0
#include "schema/json_ends.hpp"

#include <cstring>

#include "telemetry/core/limits.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>

#include <bit>
#endif

namespace telemetry::schemas {
namespace {

/// What has been seen of a value.
struct Levels {
  std::size_t depth = 0;
  bool in_string = false;
  std::size_t escaped = std::string_view::npos;  ///< this byte is what a backslash says

  enum class Step : std::uint8_t { on, ends, wrong };
  /// @param c a quote, a backslash or a bracket
  Step take(char c, std::size_t at) noexcept {
    if (at == escaped) return Step::on;
    if (c == '\\') {
      escaped = at + 1;
      return in_string ? Step::on : Step::wrong;
    }
    if (c == '"') {
      in_string = !in_string;
      return in_string || depth != 0 ? Step::on : Step::ends;
    }
    if (in_string) return Step::on;
    if (c == '{' || c == '[') return ++depth <= core::json_depth_max ? Step::on : Step::wrong;
    if (depth == 0) return Step::wrong;
    return --depth == 0 ? Step::ends : Step::on;
  }
};

bool is_structure(char c) noexcept {
  return c == '"' || c == '\\' || c == '{' || c == '}' || c == '[' || c == ']';
}

}  // namespace

std::size_t json_end(std::string_view json, std::size_t begin) noexcept {
  using Step = Levels::Step;
  Levels levels;
  std::size_t at = begin;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i to_brace = _mm_set1_epi8(0x20);  // a bracket becomes a brace
  const __m128i open = _mm_set1_epi8('{');
  const __m128i close = _mm_set1_epi8('}');
  for (; json.size() - at >= 16; at += 16) {
    __m128i block;
    std::memcpy(&block, json.data() + at, sizeof(block));
    const __m128i braces = _mm_or_si128(block, to_brace);
    const __m128i found =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                     _mm_or_si128(_mm_cmpeq_epi8(braces, open), _mm_cmpeq_epi8(braces, close)));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(found)); mask != 0; mask &= mask - 1) {
      const std::size_t place = at + static_cast<std::size_t>(std::countr_zero(mask));
      const Step step = levels.take(json[place], place);
      if (step == Step::ends) return place + 1;
      if (step == Step::wrong) return std::string_view::npos;
    }
  }
#endif
  for (; at < json.size(); ++at) {
    if (!is_structure(json[at])) continue;
    const Step step = levels.take(json[at], at);
    if (step == Step::ends) return at + 1;
    if (step == Step::wrong) return std::string_view::npos;
  }
  return std::string_view::npos;
}

}  // namespace telemetry::schemas
