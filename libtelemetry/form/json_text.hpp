// SPDX-License-Identifier: Apache-2.0
#pragma once

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

/// Writes JSON behind what a string has already.
class JsonText {
 public:
  explicit JsonText(std::string& out) noexcept : out_(out), start_(out.size()) {}

  void put(char c) { out_.push_back(c); }
  void put(std::string_view text) { out_.append(text); }
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
  void whole(std::uint64_t number);
  void whole(std::int64_t number);
  /// The shortest text that reads back as this double; NaN and the infinities are texts.
  void real(double number);
  /// In quotes; base64url without padding.
  void bytes(std::string_view bytes, Encoding encoding);

  /// More was written than a document may have.
  [[nodiscard]] bool full() const noexcept {
    return out_.size() - start_ > core::payload_bytes_max;
  }
  [[nodiscard]] std::size_t size() const noexcept { return out_.size(); }
  /// All of the string; until the next is written.
  [[nodiscard]] std::string_view all() const noexcept { return out_; }
  /// What was written from this size() on; until the next is written.
  [[nodiscard]] std::string_view since(std::size_t size) const noexcept {
    return std::string_view(out_).substr(size);
  }

 private:
  std::string& out_;
  std::size_t start_;
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
