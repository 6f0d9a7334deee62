// SPDX-License-Identifier: Apache-2.0
// A pull tokenizer: the caller asks for the next token, so nothing is called back, nothing is built
// and nothing recurses; the open containers are one bit each. It accepts exactly RFC 8259, in at
// most json_depth_max levels, with strings that are valid UTF-8 and name no half of a surrogate
// pair. Strings stay as written and numbers become exact Decimals, longer ones as much of them as
// fits and the direction of the rest: there is no floating point here.
//
// Life of a document: expect_ says what may come next; next() skips white space and a due comma,
// reads one token, and leaves at_ behind it (behind the colon after a key). An error is final.
#include "telemetry/core/json_pull.hpp"

#include <cstring>
#include <limits>

#include "core/powers_of_ten.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>

#include <bit>
#endif

namespace telemetry::core {
namespace {

constexpr std::ptrdiff_t exponent_min = read_exponent_min;
constexpr std::ptrdiff_t exponent_max = read_exponent_max;
constexpr std::uint64_t largest_mantissa = 1'797'693'134'862'315'708;  // of the largest double
constexpr std::uint64_t mantissa_max = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) noexcept { return static_cast<std::uint8_t>(c - '0') < 10; }

bool is_space(char c) noexcept {
  return static_cast<std::uint8_t>(c) <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

const char* skip_space(const char* at, const char* end) noexcept {
  while (at != end && is_space(*at)) ++at;
  return at;
}

/// The first byte from `at` on that needs a look: a quote, a backslash, a control or a non-ASCII.
const char* find_special(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(' ');
  for (; end - at >= 16; at += 16) {
    __m128i block;
    std::memcpy(&block, at, sizeof(block));
    // Signed: bytes >= 0x80 are below space, as controls are.
    const __m128i special =
        _mm_or_si128(_mm_cmplt_epi8(block, space),
                     _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at != end && static_cast<signed char>(*at) >= ' ' && *at != '"' && *at != '\\') ++at;
  return at;
}

/// Value of four hexadecimal digits, or -1.
std::int32_t read_hex4(const char* at, const char* end) noexcept {
  if (end - at < 4) return -1;
  std::int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    std::int32_t digit = 0;
    if (is_digit(c)) {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(std::int32_t code) noexcept { return code >= 0xD800 && code <= 0xDBFF; }
bool is_low_surrogate(std::int32_t code) noexcept { return code >= 0xDC00 && code <= 0xDFFF; }

/// What a backslash makes of the character behind it; 0: nothing, or more than that (u).
char escaped_character(char c) noexcept {
  constexpr std::string_view pairs = "\"\"\\\\//b\bf\fn\nr\rt\t";
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    if (pairs[i] == c) return pairs[i + 1];
  }
  return '\0';
}

/// Any well-formed mantissa text, times 10^exponent: its first 19 digits, of which the last ones go
/// where the limit or the exponent's range wants it.
/// @returns Rest, of a number above 0.
int read_long(const char* at, const char* end, std::uint64_t limit, std::ptrdiff_t& exponent,
              std::uint64_t& mantissa) noexcept {
  constexpr std::uint64_t full = 1'000'000'000'000'000'000;  // 19 digits
  std::uint32_t digit = 0;                                   // the first that is cut off
  std::uint32_t more = 0;                                    // not 0: others, behind it
  std::ptrdiff_t step = 0;                                   // -1 behind the point
  mantissa = 0;
  for (std::ptrdiff_t cut = 0; at != end; ++at) {
    const auto next = static_cast<std::uint32_t>(*at - '0');
    if (next > 9) {
      step = -1;
      continue;
    }
    exponent += step;
    if (mantissa < full) {
      mantissa = mantissa * 10 + next;
      continue;
    }
    ++exponent;
    if (cut++ == 0) {
      digit = next;
    } else {
      more |= next;
    }
  }
  if (mantissa == 0) return 0;
  for (; exponent > exponent_max && mantissa < full; --exponent) mantissa *= 10;
  for (; mantissa > limit || (exponent < exponent_min && mantissa != 0); ++exponent) {
    more |= digit;
    digit = divide_by_ten(mantissa);
  }
  if (exponent < exponent_min) digit = 1;
  int rest = (digit | more) != 0 ? 1 : 0;
  if (digit >= 5 && mantissa != limit) {
    ++mantissa;
    rest = -1;
  }
  if (exponent < exponent_max || (exponent == exponent_max && mantissa <= largest_mantissa)) {
    return rest;
  }
  exponent = exponent_max + 1;
  return 1;
}

}  // namespace

JsonToken JsonPull::next() noexcept {
  const char* at = skip_space(at_, end_);
  switch (expect_) {
    case Expect::comma_or_end:
      if (at == end_ || *at != ',') return close(at);
      at = skip_space(at + 1, end_);
      return in_object() ? read_key(at) : read_value(at);
    case Expect::key_or_end:
      if (at != end_ && *at == '}') return close(at);
      return read_key(at);
    case Expect::value_or_end:
      if (at != end_ && *at == ']') return close(at);
      return read_value(at);
    case Expect::key:
      return read_key(at);
    case Expect::value:
      return read_value(at);
    case Expect::done:
      break;
  }
  if (error_ != JsonError::none) return JsonToken::error;
  if (at != end_) return fail(JsonError::trailing_bytes, at);
  token_ = at_ = at;
  return JsonToken::end;
}

[[gnu::noinline, gnu::cold]] JsonToken JsonPull::fail(JsonError error, const char* where) noexcept {
  error_ = error;
  token_ = where;
  at_ = where;
  expect_ = Expect::done;
  return JsonToken::error;
}

void JsonPull::value_done(const char* at) noexcept {
  at_ = at;
  expect_ = depth_ == 0 ? Expect::done : Expect::comma_or_end;
}

JsonToken JsonPull::read_key(const char* at) noexcept {
  if (at == end_ || *at != '"') return fail(JsonError::syntax, at);
  if (!read_string(at)) return JsonToken::error;
  const char* const colon = skip_space(at_, end_);
  if (colon == end_ || *colon != ':') return fail(JsonError::syntax, colon);
  at_ = colon + 1;
  expect_ = Expect::value;
  return JsonToken::key;
}

JsonToken JsonPull::read_value(const char* at) noexcept {
  if (at == end_) return fail(JsonError::syntax, at);
  switch (*at) {
    case '"':
      if (!read_string(at)) return JsonToken::error;
      value_done(at_);
      return JsonToken::string;
    case '{':
      return open(at, JsonToken::object_begin);
    case '[':
      return open(at, JsonToken::array_begin);
    case 't':
      return read_literal(at, "true", JsonToken::true_);
    case 'f':
      return read_literal(at, "false", JsonToken::false_);
    case 'n':
      return read_literal(at, "null", JsonToken::null_);
    default:
      return read_number(at);
  }
}

JsonToken JsonPull::read_literal(const char* at, std::string_view word, JsonToken token) noexcept {
  if (static_cast<std::size_t>(end_ - at) < word.size() ||
      std::memcmp(at, word.data(), word.size()) != 0) {
    return fail(JsonError::syntax, at);
  }
  token_ = at;
  value_done(at + word.size());
  return token;
}

JsonToken JsonPull::open(const char* at, JsonToken token) noexcept {
  if (depth_ == json_depth_max) return fail(JsonError::depth, at);
  const std::uint32_t bit = std::uint32_t{1} << depth_;
  const bool object = token == JsonToken::object_begin;
  in_object_ = object ? (in_object_ | bit) : (in_object_ & ~bit);
  ++depth_;
  token_ = at;
  at_ = at + 1;
  expect_ = object ? Expect::key_or_end : Expect::value_or_end;
  return token;
}

JsonToken JsonPull::close(const char* at) noexcept {
  const bool object = in_object();
  if (at == end_ || *at != (object ? '}' : ']')) return fail(JsonError::syntax, at);
  --depth_;
  token_ = at;
  value_done(at + 1);
  return object ? JsonToken::object_end : JsonToken::array_end;
}

bool JsonPull::read_string(const char* at) noexcept {
  const char* const first = at + 1;
  const char* p = first;
  bool escaped = false;
  for (;;) {
    p = find_special(p, end_);
    if (p == end_) {
      fail(JsonError::syntax, p);
      return false;
    }
    if (*p == '"') break;
    if (*p == '\\') {
      escaped = true;
      p = check_escape(p);
      if (p == nullptr) return false;
    } else if (static_cast<std::uint8_t>(*p) < 0x80) {
      fail(JsonError::syntax, p);
      return false;
    } else {
      const std::size_t bytes = utf8_sequence_bytes(p, end_);
      if (bytes == 0) {
        fail(JsonError::utf8, p);
        return false;
      }
      p += bytes;
    }
  }
  text_ = {first, static_cast<std::size_t>(p - first)};
  escaped_ = escaped;
  token_ = at;
  at_ = p + 1;
  return true;
}

/// From a backslash to behind its escape (both halves of a surrogate pair), or null after an error.
const char* JsonPull::check_escape(const char* at) noexcept {
  const char* p = at + 1;
  if (p == end_) {
    fail(JsonError::syntax, p);
    return nullptr;
  }
  if (*p != 'u') {
    if (escaped_character(*p) != '\0') return p + 1;
    fail(JsonError::syntax, at);
    return nullptr;
  }
  const std::int32_t code = read_hex4(p + 1, end_);
  if (code < 0) {
    fail(JsonError::syntax, at);
    return nullptr;
  }
  p += 5;
  if (is_high_surrogate(code) && end_ - p >= 2 && p[0] == '\\' && p[1] == 'u' &&
      is_low_surrogate(read_hex4(p + 2, end_))) {
    return p + 6;
  }
  if (is_high_surrogate(code) || is_low_surrogate(code)) {
    fail(JsonError::surrogate, at);
    return nullptr;
  }
  return p;
}

JsonToken JsonPull::read_number(const char* at) noexcept {
  const char* p = at;
  const bool negative = *p == '-';
  if (negative) ++p;
  const char* const digits = p;
  const char* point = nullptr;
  std::uint64_t mantissa = 0;
  for (; p != end_; ++p) {
    const auto digit = static_cast<std::uint32_t>(*p - '0');
    if (digit <= 9) {
      mantissa = mantissa * 10 + digit;
    } else if (*p == '.' && point == nullptr && p != digits) {
      point = p;
    } else {
      break;
    }
  }
  const char* const mantissa_end = p;
  const char* const whole_end = point != nullptr ? point : p;
  if (whole_end == digits || p - 1 == point) return fail(JsonError::syntax, p);
  if (*digits == '0' && whole_end - digits > 1) return fail(JsonError::syntax, digits + 1);
  auto digit_count = p - digits;
  std::ptrdiff_t exponent = 0;
  if (point != nullptr) {
    --digit_count;
    exponent = point + 1 - p;
  }
  std::ptrdiff_t power = 0;
  if (p != end_ && (*p == 'e' || *p == 'E')) {
    ++p;
    const bool down = p != end_ && *p == '-';
    if (p != end_ && (*p == '-' || *p == '+')) ++p;
    const char* const power_digits = p;
    // Beyond this no document is long enough for its digits to bring the exponent back.
    constexpr std::ptrdiff_t power_max = std::numeric_limits<std::ptrdiff_t>::max() / 2;
    for (; p != end_ && is_digit(*p); ++p) {
      if (power < power_max / 10) power = power * 10 + (*p - '0');
    }
    if (p == power_digits) return fail(JsonError::syntax, p);
    if (down) power = -power;
    exponent += power;
  }
  // Up to 18 digits the mantissa above cannot have overflowed; other numbers are read again.
  int rest = 0;
  if (digit_count > 18 || exponent < exponent_min || exponent > exponent_max) {
    const std::uint64_t limit = mantissa_max + (negative ? 1 : 0);
    rest = read_long(digits, mantissa_end, limit, power, mantissa);
    exponent = power;
  }
  if (negative) {
    mantissa = 0 - mantissa;
    rest = -rest;
  }
  rest_ = static_cast<Rest>(rest);
  number_.mantissa = static_cast<std::int64_t>(mantissa);
  number_.exponent = static_cast<std::int16_t>(mantissa == 0 ? 0 : exponent);
  token_ = at;
  value_done(p);
  return JsonToken::number;
}

bool JsonPull::skip_container() noexcept {
  const std::size_t outside = depth() - 1;
  while (depth() > outside) {
    if (next() == JsonToken::error) return false;
  }
  return true;
}

std::size_t json_unescape(std::string_view raw, std::span<char> out) noexcept {
  const char* at = raw.data();
  const char* const end = at + raw.size();
  char* to = out.data();
  while (at != end) {
    if (*at != '\\') {
      *to++ = *at++;
      continue;
    }
    const char kind = at[1];
    at += 2;
    if (kind != 'u') {
      *to++ = escaped_character(kind);
      continue;
    }
    auto code = static_cast<std::uint32_t>(read_hex4(at, end));
    at += 4;
    if (is_high_surrogate(static_cast<std::int32_t>(code))) {
      const auto low = static_cast<std::uint32_t>(read_hex4(at + 2, end));
      at += 6;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code < 0x80) {
      *to++ = static_cast<char>(code);
      continue;
    }
    // A lead byte of as many ones as there are bytes, then six bits a byte.
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    *to++ = static_cast<char>(0xFF80u >> more | code >> (6 * more));
    while (--more >= 0) *to++ = static_cast<char>(0x80u | (code >> (6 * more) & 0x3Fu));
  }
  return static_cast<std::size_t>(to - out.data());
}

}  // namespace telemetry::core
