// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "form/forms.hpp"
#include "telemetry/core/utf8.hpp"

namespace telemetry::forms {
namespace {

constexpr std::string_view regex_form = "regex";
constexpr std::int64_t form_pattern_memory_bytes_max = 1024 * 1024;

std::size_t first_not_utf8(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const std::size_t bytes =
        static_cast<std::uint8_t>(*at) < 0x80 ? 1 : core::utf8_sequence_bytes(at, end);
    if (bytes == 0) break;
    at += bytes;
  }
  return static_cast<std::size_t>(at - text.data());
}

}  // namespace

Regex make_regex(const std::string& pattern, Mistakes& mistakes) {
  Regex regex;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(form_pattern_memory_bytes_max);
  regex.expression = std::make_shared<const RE2>(pattern, options);
  if (!regex.expression->ok()) {
    mistakes.add(fmt::format("pattern: {}", regex.expression->error()),
                 "the syntax is RE2: no look-around, no back-references; names as (?P<name>...)");
    return regex;
  }
  const int groups = regex.expression->NumberOfCapturingGroups();
  if (groups > static_cast<int>(Form::groups_max))
    mistakes.add(
        fmt::format("pattern: {} groups", groups),
        fmt::format("the limit is {}; groups without a member are (?:...)", Form::groups_max));
  const auto& names = regex.expression->NamedCapturingGroups();
  for (const auto& [number, name] : regex.expression->CapturingGroupNames()) {
    if (names.at(name) != number)  // the first of that name
      mistakes.add(fmt::format("pattern: two groups have the name {}", name),
                   "give each group a name of its own");
    regex.groups.push_back({number, key_of(name, "pattern", mistakes)});
  }
  if (regex.groups.empty())
    mistakes.add(fmt::format("pattern: {} has no group with a name", shown(pattern)),
                 "T=(?P<temperature>[0-9.]+) reads T=21.5");
  return regex;
}

Result<std::size_t> read(const Regex& regex, std::string_view payload, JsonText& out, Buffers&) {
  if (!core::is_valid_utf8(payload)) return not_utf8(regex_form, payload, first_not_utf8(payload));
  std::array<re2::StringPiece, Form::groups_max + 1> found;
  const auto groups = regex.expression->NumberOfCapturingGroups() + 1;
  if (!regex.expression->Match(re2::StringPiece(payload.data(), payload.size()), 0, payload.size(),
                               RE2::ANCHOR_BOTH, found.data(), groups))
    return refusal_at(regex_form, 0,
                      fmt::format("the pattern does not match {}, which it must from its first to "
                                  "its last byte",
                                  shown(payload)));
  char before = '{';
  for (const Regex::Group& group : regex.groups) {
    const auto& text = found[static_cast<std::size_t>(group.number)];
    if (text.data() == nullptr) continue;
    out.put(before);
    before = ',';
    out.put(group.key);
    // UTF-8, of which no part begins or ends within a character.
    const std::size_t wrong = out.bare({text.data(), text.size()});
    if (wrong != npos)
      return not_utf8(regex_form, payload,
                      static_cast<std::size_t>(text.data() - payload.data()) + wrong);
  }
  if (before == '{') out.put('{');
  out.put('}');
  return std::size_t{1};
}

}  // namespace telemetry::forms
