// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "form/forms.hpp"

namespace telemetry::forms {
namespace {

constexpr std::string_view pairs_form = "pairs";

/// Behind the quote that closes the one at `at`; npos: there is none.
std::size_t behind_quotes(std::string_view payload, std::size_t at) noexcept {
  for (std::size_t i = at + 1; i < payload.size(); ++i) {
    if (payload[i] == '\\')
      ++i;
    else if (payload[i] == '"')
      return i + 1;
  }
  return npos;
}

}  // namespace

Result<std::size_t> read(const Pairs& pairs, std::string_view payload, JsonText& out,
                         Buffers& buffers) {
  buffers.members.clear();
  buffers.document.clear();
  JsonText names(buffers.document);
  bool first = true;
  for (std::size_t at = payload.find_first_not_of(pairs.separators); at != npos;
       at = payload.find_first_not_of(pairs.separators, at)) {
    std::size_t end = std::min(payload.find_first_of(pairs.separators, at), payload.size());
    const std::size_t assign = payload.find_first_of(pairs.assign, at);
    const std::string_view pair = payload.substr(at, end - at);
    if (trimmed(pair).empty()) {
      at = end;
      continue;
    }
    if (assign >= end)
      return refusal_at(pairs_form, at,
                        fmt::format("{} has no {}", shown(pair), shown(pairs.assign)));
    const std::string_view key = trimmed(payload.substr(at, assign - at));
    if (key.empty()) return refusal_at(pairs_form, at, fmt::format("{} has no name", shown(pair)));
    std::size_t value = assign + 1;
    while (value < end && is_white(payload[value])) ++value;
    if (value < end && payload[value] == '"') {
      end = behind_quotes(payload, value);
      if (end == npos)
        return refusal_at(pairs_form, value, "the quote that opens here is not closed");
      const std::size_t next =
          std::min(payload.find_first_of(pairs.separators, end), payload.size());
      if (!trimmed(payload.substr(end, next - end)).empty())
        return refusal_at(pairs_form, end, "something follows the closing quote of a value");
    }
    out.put(first ? '{' : ',');
    first = false;
    const std::size_t name = names.size();
    if (const std::size_t wrong = names.string(key); wrong != npos)
      return not_utf8(pairs_form, payload,
                      static_cast<std::size_t>(key.data() - payload.data()) + wrong);
    buffers.members.add(name, names.size(), at);
    out.put(names.since(name));
    out.put(':');
    if (const std::size_t wrong = out.bare(payload.substr(value, end - value)); wrong != npos)
      return not_utf8(pairs_form, payload, value + wrong);
    if (out.full()) return too_large(pairs_form, end);
    at = end;
  }
  if (first) return refusal_at(pairs_form, 0, "there is no pair");
  if (const auto twice = buffers.members.end(0, names.all()))
    return refusal_at(pairs_form, twice->place, fmt::format("{} is there twice", twice->name));
  out.put('}');
  return std::size_t{1};
}

}  // namespace telemetry::forms
