// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iterator>
#include <string>

namespace telemetry::core::test {

/// One to four random edits, of bytes and of pieces that parsers of JSON stumble over.
template <class Random>
void mutate_json(std::string& text, Random& random) {
  static const std::string pieces[] = {
      "{",    "}",       "[",       "]",    ",",  ":",      "\"", "\\",
      "\\u",  "\\ud83d", "\\ude00", "0",    "-",  ".",      "e",  "E+",
      "true", "null",    "1e400",   " ",    "\n", "\\n",    "ü",  "😀",
      "\xFF", "\xC0",    "\xED",    "\xA0", "00", "\"a\":", "1",  "9999999999999999999",
      "\x01"};
  const auto piece = [&]() -> const std::string& { return pieces[random() % std::size(pieces)]; };
  for (std::size_t n = 1 + random() % 4; n > 0; --n) {
    const std::size_t at = random() % (text.size() + 1);
    switch (random() % 8) {
      case 0:
        text.insert(at, piece());
        break;
      case 1:
        text.erase(at, 1 + random() % 3);
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 3:
        text.resize(at);
        break;
      case 4:
        text.insert(at, text.substr(random() % (text.size() + 1), random() % 20));
        break;
      default:
        if (at < text.size()) text[at] = piece()[0];
        break;
    }
  }
  if (random() % 64 == 0) text.insert(random() % (text.size() + 1), 1, '\0');
}

}  // namespace telemetry::core::test
