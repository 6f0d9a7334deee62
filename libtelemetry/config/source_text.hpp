// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace telemetry::config {

/// 1-based; columns count bytes.
struct Position {
  int line = 1;
  int column = 1;
};

/// The characters of a YAML file, asked about what yaml-cpp reads over. Offsets count bytes, as
/// yaml-cpp's marks do.
class SourceText {
 public:
  static constexpr std::size_t npos = std::string::npos;

  struct Flaw {
    Position at;
    std::string message;
    std::string hint;
  };

  /// Without its byte order mark, and with a line end behind the last line: without one yaml-cpp
  /// tells less.
  explicit SourceText(std::string_view text);
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// Bytes that no text has: yaml-cpp reads past bad UTF-8, and takes a lone carriage return for
  /// text or for a line end, as its version goes.
  [[nodiscard]] std::optional<Flaw> bad_byte() const;

  /// Where the value itself begins, behind an anchor.
  [[nodiscard]] std::size_t value_start(std::size_t offset) const;
  /// The offset behind the quote that closes the one at `open`; npos where none does.
  [[nodiscard]] std::size_t quote_end(std::size_t open) const;
  /// The first quote from `offset` on that is open at `end` or at the end of its line, or whose end
  /// does not end its text; npos where there is none.
  [[nodiscard]] std::size_t wrong_quote(std::size_t offset, std::size_t end) const;
  /// True where a text in quotes may end: nothing, or punctuation, follows.
  [[nodiscard]] bool ends_text(std::size_t offset) const;
  [[nodiscard]] std::size_t line_start(std::size_t offset) const {
    return offset == 0 ? 0 : text_.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
  }
  /// The offset of the line end.
  [[nodiscard]] std::size_t line_end(std::size_t offset) const {
    return std::min(text_.find('\n', offset), text_.size());
  }
  /// The first line after the one of `begin` that is not empty, begins before `end` and is indented
  /// by `columns` or less; npos where there is none.
  [[nodiscard]] std::size_t outdented(std::size_t begin, std::size_t end, int columns) const;

  [[nodiscard]] std::size_t skip_blanks(std::size_t offset) const;
  [[nodiscard]] char at(std::size_t offset) const {
    return offset < text_.size() ? text_[offset] : '\0';
  }
  [[nodiscard]] Position position(std::size_t offset) const { return position(offset, 0, {}); }
  /// The same, counted from a place that is known.
  [[nodiscard]] Position position(std::size_t offset, std::size_t known, Position at) const;
  /// 1-based; without its line end.
  [[nodiscard]] std::string_view line(int number) const;
  [[nodiscard]] bool starts_line(std::size_t offset) const;

 private:
  std::string text_;
};

}  // namespace telemetry::config
