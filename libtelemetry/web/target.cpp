// SPDX-License-Identifier: Apache-2.0
#include "target.hpp"

namespace telemetry::web {
namespace {

constexpr std::size_t parameters_max = 200;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_space,
                                   bool is_path = false) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = digit_of(text[i + 1]), low = digit_of(text[i + 2]);
      if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
      const char byte = static_cast<char>(high * 16 + low);
      if (is_path && byte == '/')
        out += "%2F";  // no end of a part: a proxy that guards /api/data sees no other path
      else
        out += byte;
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::optional<Target> parse_target(std::string_view target,
                                   bool (*keeps_plus)(std::string_view name)) {
  if (!target.starts_with('/')) return std::nullopt;
  const std::size_t question = target.find('?');
  auto path = decoded(target.substr(0, question), false, true);
  if (!path) return std::nullopt;
  Target out{*std::move(path), {}};
  std::string_view rest = question == target.npos ? "" : target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(one.size() < rest.size() ? one.size() + 1 : one.size());
    if (one.empty()) continue;
    if (out.parameters.size() == parameters_max) return std::nullopt;
    const std::size_t equals = one.find('=');
    auto name = decoded(one.substr(0, equals), true);
    if (!name) return std::nullopt;
    auto value = decoded(equals == one.npos ? "" : one.substr(equals + 1), !keeps_plus(*name));
    if (!value) return std::nullopt;
    out.parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return out;
}

}  // namespace telemetry::web
