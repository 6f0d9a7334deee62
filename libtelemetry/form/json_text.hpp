// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "telemetry/core/limits.hpp"
#include "telemetry/error.hpp"

namespace telemetry::forms {

inline constexpr std::size_t npos = std::string_view::npos;

/// Bytes as text, by RFC 4648; hex is base16 in small letters.
enum class Encoding : std::uint8_t { base64url, base64, base16, hex };

/// Writes JSON behind what a string has already. The string is larger than what was written until
/// this ends: so a piece is a copy, without a look at the string.
class JsonText {
 public:
  explicit JsonText(std::string& out) noexcept
      : out_(out), start_(out.size()), at_(out.data() + start_), end_(at_) {}
  JsonText(const JsonText&) = delete;
  JsonText& operator=(const JsonText&) = delete;
  ~JsonText() { out_.resize(size()); }

  void put(char c) { *room(1) = c, ++at_; }
  void put(std::string_view text) { at_ = std::copy(text.begin(), text.end(), room(text.size())); }
  /// The text in quotes. @returns the offset of the first byte that is not UTF-8; npos: there is
  /// none.
  [[nodiscard]] std::size_t string(std::string_view text);
  /// The same, without quotes.
  [[nodiscard]] std::size_t inside_string(std::string_view text);
  /// A JSON object or array as it is. @returns false, and nothing was put, when it is none
  [[nodiscard]] bool document(std::string_view text);
  /// A JSON number, true, false, null or string stays as it is; all else is a text. White space
  /// around it goes. @returns as string()
  [[nodiscard]] std::size_t bare(std::string_view text);
  void whole(std::uint64_t value);
  void whole(std::int64_t value);
  /// The shortest text that reads back as this double; NaN and the infinities are texts.
  void real(double value);
  /// In quotes; base64url without padding.
  void bytes(std::string_view bytes, Encoding encoding);

  /// More was written than a document may have.
  [[nodiscard]] bool full() const noexcept { return size() - start_ > core::payload_bytes_max; }
  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::size_t>(at_ - out_.data());
  }
  /// All of the string; until the next is written.
  [[nodiscard]] std::string_view all() const noexcept { return {out_.data(), size()}; }
  /// What was written from this size() on; until the next is written.
  [[nodiscard]] std::string_view since(std::size_t size) const noexcept {
    return all().substr(size);
  }

 private:
  /// Where so many bytes can be written.
  [[nodiscard]] char* room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) grow(bytes);
    return at_;
  }
  void grow(std::size_t bytes);
  [[nodiscard]] bool few_decimals(double value);
  void decimal(std::int64_t digits, std::size_t decimals);
  template <class Number>
  void number(Number number);

  std::string& out_;
  std::size_t start_;
  char* at_;
  char* end_;
};

[[nodiscard]] bool is_white(char c) noexcept;
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// "form: place: what", invalid_argument.
[[nodiscard]] Error refusal(std::string_view form, std::string_view place, std::string_view what);
[[nodiscard]] Error refusal_at(std::string_view form, std::size_t byte, std::string_view what);
/// The byte at `at`, which is in `payload`, is not UTF-8.
[[nodiscard]] Error not_utf8(std::string_view form, std::string_view payload, std::size_t at);
/// The documents are over the limit.
[[nodiscard]] Error too_large(std::string_view form, std::size_t byte);
/// The beginning of a text, in quotes, for people.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace telemetry::forms
