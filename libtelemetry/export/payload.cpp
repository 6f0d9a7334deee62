// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "telemetry/condition.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr std::string_view base64_begin = R"({"base64":)";

bool is_string(std::string_view json) { return json.size() >= 2 && json.starts_with('"'); }

/// Source: RFC 4648 section 4.
std::optional<std::string> bytes_of_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == digits.npos) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xFFu);
  }
  return out;
}

}  // namespace

std::string text_of_json(std::string_view json) {
  const std::string_view raw = json.substr(1, json.size() - 2);
  std::string out(raw.size(), '\0');
  out.resize(core::json_unescape(raw, out));
  return out;
}

std::string payload_of_json(std::string_view json) {
  if (is_string(json)) return text_of_json(json);
  if (json.starts_with(base64_begin)) {
    const auto text = json_member(json, "base64");
    const bool alone = text && base64_begin.size() + text->size() + 1 == json.size();
    if (auto bytes =
            alone && is_string(*text) ? bytes_of_base64(text_of_json(*text)) : std::nullopt)
      return *std::move(bytes);
  }
  return std::string(json);
}

}  // namespace telemetry
