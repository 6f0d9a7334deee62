// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/topic.hpp"

#include "telemetry/core/limits.hpp"
#include "telemetry/core/utf8.hpp"

namespace telemetry::core {
namespace {

constexpr std::string_view share_prefix = "$share/";

// string_view's find() and starts_with() would pull memchr and the throwing substr() into firmware.
constexpr std::size_t absent = std::string_view::npos;

std::size_t find(std::string_view text, char c, std::size_t start = 0) noexcept {
  for (std::size_t i = start; i < text.size(); ++i) {
    if (text[i] == c) return i;
  }
  return absent;
}

bool is_shared(std::string_view filter) noexcept {
  return filter.size() >= share_prefix.size() && filter[0] == share_prefix[0] &&
         std::string_view(filter.data(), share_prefix.size()) == share_prefix;
}

/// Topic and filter alike: 1..65535 bytes of UTF-8 without NUL.
bool is_valid_string(std::string_view text) noexcept {
  return !text.empty() && text.size() <= topic_bytes_max && find(text, '\0') == absent &&
         is_valid_utf8(text);
}

std::string_view from(std::string_view text, std::size_t start) noexcept {
  text.remove_prefix(start);
  return text;
}

}  // namespace

bool is_valid_topic(std::string_view topic) noexcept {
  return is_valid_string(topic) && find(topic, '+') == absent && find(topic, '#') == absent;
}

bool is_valid_filter(std::string_view filter) noexcept {
  if (!is_valid_string(filter)) return false;
  if (is_shared(filter)) {
    const std::size_t slash = find(filter, '/', share_prefix.size());
    if (slash == absent || slash == share_prefix.size()) return false;
    for (std::size_t i = share_prefix.size(); i < slash; ++i) {
      if (filter[i] == '+' || filter[i] == '#') return false;
    }
    filter = from(filter, slash + 1);
    if (filter.empty()) return false;
  }
  return has_valid_wildcards(filter);
}

std::string_view without_share(std::string_view filter) noexcept {
  if (!is_shared(filter)) return filter;
  const std::size_t slash = find(filter, '/', share_prefix.size());
  return slash == absent ? filter : from(filter, slash + 1);
}

bool topic_matches(std::string_view filter, std::string_view topic) noexcept {
  filter = without_share(filter);
  if (filter.empty() || topic.empty()) return false;
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
  const char* f = filter.data();
  const char* t = topic.data();
  const char* const f_end = f + filter.size();
  const char* const t_end = t + topic.size();
  for (;;) {
    while (f != f_end && t != t_end && *f == *t) {  // no topic has a wildcard in it
      ++f;
      ++t;
    }
    if (f == f_end) return t == t_end;
    if (*f == '#') return true;
    if (*f != '+') return t == t_end && f_end - f == 2 && f[0] == '/' && f[1] == '#';
    while (t != t_end && *t != '/') ++t;
    ++f;
  }
}

std::string_view topic_level(std::string_view topic, std::size_t index) noexcept {
  for (; index > 0; --index) {
    const std::size_t slash = find(topic, '/');
    if (slash == absent) return {};
    topic.remove_prefix(slash + 1);
  }
  const std::size_t slash = find(topic, '/');
  if (slash != absent) topic.remove_suffix(topic.size() - slash);
  return topic;
}

}  // namespace telemetry::core
