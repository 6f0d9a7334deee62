// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/limits.hpp"
#include "telemetry/core/utf8.hpp"
#include "telemetry/core/value.hpp"

namespace telemetry::core {

enum class JsonToken : std::uint8_t {
  object_begin,
  object_end,
  array_begin,
  array_end,
  key,     ///< text() is the raw key between its quotes; the colon has been read.
  string,  ///< text() is the raw string between its quotes.
  number,  ///< number() and rest().
  true_,
  false_,
  null_,
  end,    ///< The document is complete and nothing but white space follows.
  error,  ///< error() says what; offset() says where. Stays so.
};

/// With the numbers of Rule.
enum class JsonError : std::uint8_t {
  none,
  syntax,              ///< Not JSON at this place (an empty document and a NUL byte too).
  depth,               ///< More than json_depth_max levels.
  utf8,                ///< A string is not valid UTF-8.
  surrogate,           ///< An escape names half of a surrogate pair.
  trailing_bytes = 6,  ///< Something follows the document.
};

/// Reads one JSON document token by token. Read-only input, no NUL needed, no heap, no recursion.
/// Source: RFC 8259; strings are checked as UTF-8 (RFC 3629).
class JsonPull {
 public:
  explicit JsonPull(std::string_view document) noexcept
      : begin_(document.data()), at_(begin_), end_(begin_ + document.size()), token_(begin_) {}

  /// Reads the next token. After `end` or `error` it returns the same again.
  JsonToken next() noexcept;

  /// After key or string: the bytes between the quotes, escapes as written.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// After key or string: true when text() contains escapes and must be unescaped before use.
  [[nodiscard]] bool escaped() const noexcept { return escaped_; }
  /// After number: exact when rest() is none. See read_exponent_max.
  [[nodiscard]] const Decimal& number() const noexcept { return number_; }
  [[nodiscard]] Rest rest() const noexcept { return rest_; }
  [[nodiscard]] JsonError error() const noexcept { return error_; }
  /// Offset of the first byte of the last token, or of the byte that is wrong.
  [[nodiscard]] std::size_t offset() const noexcept {
    return static_cast<std::size_t>(token_ - begin_);
  }
  /// Offset behind the last token: [offset(), end_offset()) are its bytes.
  [[nodiscard]] std::size_t end_offset() const noexcept {
    return static_cast<std::size_t>(at_ - begin_);
  }
  /// Number of objects and arrays that are open.
  [[nodiscard]] std::size_t depth() const noexcept { return depth_; }

  /// Call after a *_begin token: reads up to and including its end. False on error.
  bool skip_container() noexcept;
  /// Call after a *_begin token when its end has been found without reading: it is the byte before
  /// this offset.
  void close_container(std::size_t end_offset) noexcept {
    --depth_;
    value_done(begin_ + end_offset);
  }

 private:
  enum class Expect : std::uint8_t { value, value_or_end, key, key_or_end, comma_or_end, done };

  JsonToken fail(JsonError error, const char* where) noexcept;
  JsonToken read_key(const char* at) noexcept;
  JsonToken read_value(const char* at) noexcept;
  JsonToken read_literal(const char* at, std::string_view word, JsonToken token) noexcept;
  JsonToken read_number(const char* at) noexcept;
  JsonToken open(const char* at, JsonToken token) noexcept;
  JsonToken close(const char* at) noexcept;
  bool read_string(const char* at) noexcept;
  const char* check_escape(const char* at) noexcept;
  void value_done(const char* at) noexcept;
  [[nodiscard]] bool in_object() const noexcept { return ((in_object_ >> (depth_ - 1)) & 1u) != 0; }

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* token_;
  std::string_view text_;
  Decimal number_;
  std::uint32_t in_object_ = 0;  // one bit a level: 1 = object
  std::uint8_t depth_ = 0;
  Expect expect_ = Expect::value;
  JsonError error_ = JsonError::none;
  bool escaped_ = false;
  Rest rest_ = Rest::none;
};

/// Decodes the escapes of a raw string that JsonPull has accepted.
/// @param out at least raw.size() bytes: the result is never longer than the raw text.
/// @returns the bytes written.
std::size_t json_unescape(std::string_view raw, std::span<char> out) noexcept;

}  // namespace telemetry::core
