// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

/// MQTT topic names and topic filters. Source: MQTT 5.0 section 4.7 and 4.8.2.
namespace telemetry::core {

/// True for a topic name that may be published to: 1..65535 bytes of valid UTF-8, no NUL, `+`, `#`.
[[nodiscard]] bool is_valid_topic(std::string_view topic) noexcept;

/// True for a well-formed topic filter, `$share/GROUP/FILTER` included.
[[nodiscard]] bool is_valid_filter(std::string_view filter) noexcept;

/// True when every `+` fills a whole level and every `#` the last one.
[[nodiscard]] constexpr bool has_valid_wildcards(std::string_view filter) noexcept {
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const char c = filter[i];
    if (c != '+' && c != '#') continue;
    if (i != 0 && filter[i - 1] != '/') return false;
    const bool last = i + 1 == filter.size();
    if (c == '#' ? !last : (!last && filter[i + 1] != '/')) return false;
  }
  return true;
}

/// The filter behind `$share/GROUP/`, or the filter itself when it is not shared.
[[nodiscard]] std::string_view without_share(std::string_view filter) noexcept;

/// True when `topic` matches `filter`. `sport/#` matches `sport`; a leading wildcard does not match
/// a topic that begins with `$`; a shared filter matches as its inner filter does.
/// Both must be valid; no allocation; linear time.
[[nodiscard]] bool topic_matches(std::string_view filter, std::string_view topic) noexcept;

/// The level with this 0-based index ("a/b/c": level 1 is "b"), or an empty view past the last one.
[[nodiscard]] std::string_view topic_level(std::string_view topic, std::size_t index) noexcept;

}  // namespace telemetry::core
