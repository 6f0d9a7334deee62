// SPDX-License-Identifier: Apache-2.0
#include "export/terminal_text.hpp"

#include <algorithm>
#include <iterator>

namespace telemetry::text {
namespace {

struct Range {
  char32_t first, last;
};

bool is_in(const Range* begin, const Range* end, char32_t code) {
  return std::any_of(begin, end, [code](Range r) { return code >= r.first && code <= r.last; });
}

// Source: Unicode 15, East Asian Width W and F, in whole blocks.
constexpr Range wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                          {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
                          {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                          {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};
constexpr Range combining[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                               {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF},
                               {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
// C0, C1, and what hides text or turns its direction.
constexpr Range commanding[] = {{0x00, 0x1F},     {0x7F, 0x9F},      {0x061C, 0x061C},
                                {0x200B, 0x200F}, {0x2028, 0x202E},  {0x2060, 0x206F},
                                {0xFEFF, 0xFEFF}, {0xE0000, 0xE007F}};

void append_escape(char32_t code, std::string& out) {
  constexpr char hex[] = "0123456789abcdef";
  if (code == '\n' || code == '\r' || code == '\t') {
    out += code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
    return;
  }
  out += code < 0x100 ? "\\x" : "\\u";
  for (int shift = code < 0x100 ? 4 : code < 0x10000 ? 12 : 16; shift >= 0; shift -= 4) {
    out += hex[code >> shift & 15];
  }
}

}  // namespace

CodePoint next_code_point(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  char32_t code = lead & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, bytes, true};
}

std::size_t cells_of(char32_t code) noexcept {
  if (code < 0x300) return 1;
  if (is_in(std::begin(combining), std::end(combining), code)) return 0;
  return is_in(std::begin(wide), std::end(wide), code) ? 2 : 1;
}

std::size_t width_of(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    width += cells_of(point.code);
    text.remove_prefix(point.bytes);
  }
  return width;
}

void append_visible(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    if (!point.valid) {
      out += "\xEF\xBF\xBD";
    } else if (is_in(std::begin(commanding), std::end(commanding), point.code)) {
      append_escape(point.code, out);
    } else {
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
}

std::string shortened(std::string_view text, std::size_t cells) {
  if (width_of(text) <= cells) return std::string(text);
  if (cells == 0) return {};
  std::size_t used = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const CodePoint point = next_code_point(text.substr(bytes));
    if (used + cells_of(point.code) > cells - 1) break;
    used += cells_of(point.code);
    bytes += point.bytes;
  }
  return std::string(text.substr(0, bytes)) + "\xE2\x80\xA6";
}

}  // namespace telemetry::text
