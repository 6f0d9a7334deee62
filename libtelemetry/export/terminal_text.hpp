// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace telemetry::text {

struct CodePoint {
  char32_t code = 0xFFFD;
  std::size_t bytes = 1;  ///< of the text; 1 for a byte that is not UTF-8
  bool valid = false;
};

/// The first code point of a text that is not empty.
[[nodiscard]] CodePoint next_code_point(std::string_view text) noexcept;

/// Cells that a code point takes on a terminal: 0, 1 or 2.
[[nodiscard]] std::size_t cells_of(char32_t code) noexcept;
/// Cells of a whole text of visible characters.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;

/// Appends a text so that a terminal only shows it: control characters, also those that turn the
/// direction of writing, as \n, \t, \x1b, \u202e; bytes that are not UTF-8 as U+FFFD.
void append_visible(std::string_view text, std::string& out);
/// The longest start of a visible text that fits, with an ellipsis where something was cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t cells);

}  // namespace telemetry::text
