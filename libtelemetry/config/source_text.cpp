// SPDX-License-Identifier: Apache-2.0
#include "config/source_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "telemetry/core/json_pull.hpp"

namespace telemetry::config {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// Bytes of the code point that begins here; 0 when it is none.
std::size_t code_point_bytes(std::string_view text) {
  for (std::size_t count = 1; count <= std::min<std::size_t>(4, text.size()); ++count) {
    if (core::is_valid_utf8(text.substr(0, count))) return count;
  }
  return 0;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

}  // namespace

SourceText::SourceText(std::string_view text) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  text_ = text;
  if (!text_.ends_with('\n')) text_ += '\n';
}

std::optional<SourceText::Flaw> SourceText::bad_byte() const {
  if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) {
    return Flaw{{}, "not UTF-8 but UTF-16", "save the file as UTF-8"};
  }
  for (std::size_t i = 0; i < text_.size();) {
    const std::size_t bytes = code_point_bytes(std::string_view(text_).substr(i, 4));
    if (bytes == 0) return Flaw{position(i), "not valid UTF-8", "save the file as UTF-8"};
    if (text_[i] == '\r' && text_[i + 1] != '\n') {
      return Flaw{position(i), "a carriage return that ends no line",
                  "end each line with a line feed; inside quotes write \\r"};
    }
    if (is_control(text_[i])) {
      return Flaw{position(i),
                  fmt::format("control character 0x{:02X}", static_cast<int>(text_[i])),
                  "write it as an escape in double quotes, such as \"\\x01\""};
    }
    if (std::string_view(text_).substr(i, bytes) == byte_order_mark) {
      return Flaw{position(i), "an invisible byte order mark (U+FEFF) inside the file",
                  "remove it: delete and retype what stands around here"};
    }
    i += bytes;
  }
  return {};
}

std::size_t SourceText::skip_blanks(std::size_t offset) const {
  while (at(offset) == ' ' || at(offset) == '\t') ++offset;
  return offset;
}

std::size_t SourceText::value_start(std::size_t offset) const {
  if (at(offset) != '&') return offset;
  while (offset < text_.size() && std::string_view(" \t\r\n").find(text_[offset]) == npos) ++offset;
  while (offset < text_.size()) {
    if (text_[offset] == '#') {
      offset = line_end(offset);
    } else if (std::string_view(" \t\r\n").find(text_[offset]) == npos) {
      return offset;
    } else {
      ++offset;
    }
  }
  return offset;
}

std::size_t SourceText::quote_end(std::size_t open) const {
  const char quote = at(open);
  for (std::size_t i = open + 1; i < text_.size(); ++i) {
    if (quote == '"' && text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      if (quote == '"' || at(i + 1) != quote) return i + 1;
      ++i;
    }
  }
  return npos;
}

bool SourceText::ends_text(std::size_t offset) const {
  return std::string_view(" \t\r\n,]}:").find(at(offset)) != npos;
}

std::size_t SourceText::wrong_quote(std::size_t offset, std::size_t end) const {
  std::size_t broken = npos;
  bool begins = true;  // a quote here would begin a text
  while (offset < std::min(end, text_.size())) {
    const char c = text_[offset];
    if (begins && (c == '"' || c == '\'')) {
      const std::size_t close = quote_end(offset);
      if (close == npos || close > end) return broken == npos ? offset : broken;
      if (broken == npos && (line_end(offset) < close || !ends_text(close))) broken = offset;
      offset = close;
      begins = false;
      continue;
    }
    if (begins && c == '#') {
      offset = line_end(offset);
      continue;
    }
    begins = std::string_view(" \t\r\n[]{},").find(c) != npos;
    ++offset;
  }
  return broken;
}

std::size_t SourceText::outdented(std::size_t begin, std::size_t end, int columns) const {
  if (columns < 0) return npos;
  for (std::size_t next = text_.find('\n', begin); next != npos && next + 1 < end;
       next = text_.find('\n', next + 1)) {
    const std::size_t first = text_.find_first_not_of(' ', next + 1);
    if (first == npos || text_[first] == '\n' || text_[first] == '\r') continue;
    if (first - next - 1 <= static_cast<std::size_t>(columns)) return first;
  }
  return npos;
}

Position SourceText::position(std::size_t offset, std::size_t known, Position at) const {
  const std::string_view between = std::string_view(text_).substr(known, offset - known);
  const std::size_t line = between.rfind('\n');
  if (line == std::string_view::npos)
    return {at.line, at.column + static_cast<int>(between.size())};
  return {at.line + static_cast<int>(std::count(between.begin(), between.end(), '\n')),
          static_cast<int>(between.size() - line)};
}

std::string_view SourceText::line(int number) const {
  std::string_view rest = text_;
  for (int i = 1; i < number; ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  return rest.ends_with('\r') ? rest.substr(0, rest.size() - 1) : rest;
}

bool SourceText::starts_line(std::size_t offset) const {
  while (offset > 0 && text_[offset - 1] == ' ') --offset;
  return offset == 0 || text_[offset - 1] == '\n';
}

}  // namespace telemetry::config
