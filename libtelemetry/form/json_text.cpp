// SPDX-License-Identifier: Apache-2.0
#include "form/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "telemetry/core/json_pull.hpp"

namespace telemetry::forms {
namespace {

constexpr std::size_t shown_bytes_max = 60;

/// A quote, a backslash, a control or a byte of a longer sequence.
constexpr std::array<bool, 256> special = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c)
    table[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
  return table;
}();

/// A JSON number. Most cells and values are one, or begin like one (times): each with a tokenizer
/// of its own would be most of their cost.
bool is_number(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto take = [&](char c) {
    const bool is = at < text.size() && text[at] == c;
    at += is ? 1 : 0;
    return is;
  };
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at != begin;
  };
  (void)take('-');
  if (!take('0') && !digits()) return false;
  if (take('.') && !digits()) return false;
  if (take('e') || take('E')) {
    if (!take('+')) (void)take('-');
    if (!digits()) return false;
  }
  return at == text.size();
}

bool is_scalar(std::string_view text) noexcept {
  if (!text.starts_with('"'))
    return is_number(text) || text == "true" || text == "false" || text == "null";
  core::JsonPull pull(text);
  return pull.next() == core::JsonToken::string && pull.next() == core::JsonToken::end;
}

/// That all eight bytes stand for themselves in JSON.
bool is_plain(const char* text) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  constexpr std::uint64_t top = 0x80 * each;
  std::uint64_t bytes;
  std::memcpy(&bytes, text, sizeof(bytes));
  // The top bit of a byte of (x - n) & ~x says that one byte of x is below n.
  const std::uint64_t quote = bytes ^ ('"' * each);
  const std::uint64_t backslash = bytes ^ ('\\' * each);
  const std::uint64_t found = ((bytes - 0x20 * each) & ~bytes) | ((quote - each) & ~quote) |
                              ((backslash - each) & ~backslash) | bytes;
  return (found & top) == 0;
}

bool is_plain(std::string_view text) noexcept {
  constexpr std::size_t step = sizeof(std::uint64_t);
  if (text.size() < step)
    return std::ranges::none_of(text, [](char c) { return special[static_cast<std::uint8_t>(c)]; });
  const char* const last = text.data() + text.size() - step;
  for (const char* at = text.data(); at < last; at += step) {
    if (!is_plain(at)) return false;
  }
  return is_plain(last);
}

}  // namespace

void JsonText::grow(std::size_t bytes) {
  const std::size_t used = size();
  // All that the string has is used before it takes more memory.
  std::size_t wanted = used + std::max(bytes, 256 + used / 2);
  if (wanted > out_.capacity() && used + bytes <= out_.capacity()) wanted = out_.capacity();
  out_.resize(wanted);
  at_ = out_.data() + used;
  end_ = out_.data() + wanted;
}

template <class Number>
void JsonText::number(Number number) {
  constexpr std::size_t digits_max = 32;
  char* const to = room(digits_max);
  at_ = std::to_chars(to, to + digits_max, number).ptr;
}

std::size_t JsonText::inside_string(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  const char* const end = text.data() + text.size();
  const char* run = text.data();
  for (const char* at = run; at != end;) {
    const auto c = static_cast<std::uint8_t>(*at);
    if (!special[c]) {
      ++at;
      continue;
    }
    if (c >= 0x80) {
      const std::size_t bytes = core::utf8_sequence_bytes(at, end);
      if (bytes == 0) return static_cast<std::size_t>(at - text.data());
      at += bytes;
      continue;
    }
    put(std::string_view(run, at));
    run = ++at;
    if (c == '"' || c == '\\') {
      put('\\');
      put(static_cast<char>(c));
    } else if (c == '\n') {
      put("\\n");
    } else {
      put("\\u00");
      put(digits[c >> 4]);
      put(digits[c & 15u]);
    }
  }
  put(std::string_view(run, end));
  return npos;
}

std::size_t JsonText::string(std::string_view text) {
  char* const to = room(text.size() + 2);
  *to = '"';
  if (is_plain(text)) {
    char* const end = std::copy(text.begin(), text.end(), to + 1);
    *end = '"';
    at_ = end + 1;
    return npos;
  }
  ++at_;
  const std::size_t wrong = inside_string(text);
  put('"');
  return wrong;
}

bool JsonText::document(std::string_view text) {
  const std::string_view inner = trimmed(text);
  if (!inner.starts_with('{') && !inner.starts_with('[')) return false;
  core::JsonPull pull(inner);
  core::JsonToken token = pull.next();
  while (token != core::JsonToken::end && token != core::JsonToken::error) token = pull.next();
  if (token == core::JsonToken::error) return false;
  put(inner);
  return true;
}

std::size_t JsonText::bare(std::string_view text) {
  const std::string_view inner = trimmed(text);
  if (is_scalar(inner)) {
    put(inner);
    return npos;
  }
  const std::size_t wrong = string(inner);
  return wrong == npos ? npos : wrong + static_cast<std::size_t>(inner.data() - text.data());
}

void JsonText::whole(std::uint64_t value) { number(value); }

void JsonText::whole(std::int64_t value) { number(value); }

void JsonText::real(double value) {
  if (std::isnan(value)) {
    put("\"NaN\"");
  } else if (std::isinf(value)) {
    put(value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
  } else if (!few_decimals(value)) {
    number(value);
  }
}

/// Reals of at most 15 digits, four of them decimals, which is what sensors send: the same text as
/// that of to_chars(), which takes three times as long. The quotient of two exact doubles is the
/// double that the text means; two texts of 15 digits never mean the same double, so the one with
/// the fewest decimals is the shortest.
bool JsonText::few_decimals(double value) {
  constexpr std::array<double, 5> powers = {1, 1e1, 1e2, 1e3, 1e4};
  constexpr double digits_end = 1e15;
  const double size = std::abs(value);
  if (!(size >= 1e-3)) return false;  // beyond it an exponent may be shorter
  for (std::size_t decimals = 0; decimals < powers.size(); ++decimals) {
    const double scaled = size * powers[decimals];
    if (!(scaled < digits_end)) return false;
    const auto digits = static_cast<std::int64_t>(scaled + 0.5);
    if (static_cast<double>(digits) / powers[decimals] != size) continue;
    if (decimals == 0 && digits % 100'000 == 0) return false;  // the same
    if (value < 0) put('-');
    decimal(digits, decimals);
    return true;
  }
  return false;
}

void JsonText::decimal(std::int64_t digits, std::size_t decimals) {
  std::array<char, 20> text{};
  const char* const end = std::to_chars(text.begin(), text.end(), digits).ptr;
  const std::string_view all(text.data(), static_cast<std::size_t>(end - text.data()));
  const std::size_t whole = all.size() > decimals ? all.size() - decimals : 0;
  if (whole == 0) put('0');
  put(all.substr(0, whole));
  if (decimals == 0) return;
  put('.');
  for (std::size_t i = all.size(); i < decimals; ++i) put('0');
  put(all.substr(whole));
}

void JsonText::bytes(std::string_view bytes, Encoding encoding) {
  put('"');
  if (encoding == Encoding::base16 || encoding == Encoding::hex) {
    const std::string_view digits =
        encoding == Encoding::hex ? "0123456789abcdef" : "0123456789ABCDEF";
    for (const char c : bytes) {
      const auto byte = static_cast<std::uint8_t>(c);
      put(digits[byte >> 4]);
      put(digits[byte & 15u]);
    }
  } else {
    std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (encoding == Encoding::base64)
      alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
      std::uint32_t group = 0;
      const std::size_t count = std::min<std::size_t>(3, bytes.size());
      for (std::size_t i = 0; i < 3; ++i)
        group = group << 8 | (i < count ? static_cast<std::uint8_t>(bytes[i]) : 0u);
      for (std::size_t i = 0; i <= count; ++i) put(alphabet[group >> (18 - 6 * i) & 63u]);
      if (encoding == Encoding::base64) put(std::string_view("==").substr(count - 1));
    }
  }
  put('"');
}

bool is_white(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

Error refusal(std::string_view form, std::string_view place, std::string_view what) {
  return {Errc::invalid_argument, fmt::format("{}: {}: {}", form, place, what)};
}

Error refusal_at(std::string_view form, std::size_t byte, std::string_view what) {
  return refusal(form, fmt::format("byte {}", byte), what);
}

Error not_utf8(std::string_view form, std::string_view payload, std::size_t at) {
  return refusal_at(form, at,
                    fmt::format("0x{:02x} is not UTF-8 here; a text must be",
                                static_cast<std::uint8_t>(payload[at])));
}

Error too_large(std::string_view form, std::size_t byte) {
  return refusal_at(form, byte,
                    fmt::format("the JSON of what stands before it is over the limit of {} bytes",
                                core::payload_bytes_max));
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, shown_bytes_max)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return fmt::format("\"{}\"{}", out, text.size() > shown_bytes_max ? " and so on" : "");
}

}  // namespace telemetry::forms
