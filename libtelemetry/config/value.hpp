// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "telemetry/config.hpp"

namespace telemetry::config {

/// "90d", "24h", "1h30m", "1.5s", "2ms"; a plain number is seconds. False when it is none of these.
[[nodiscard]] bool parse_duration(std::string_view text, std::int64_t& ns) noexcept;
/// A finite number as JSON writes it, the whole text.
[[nodiscard]] bool parse_number(std::string_view text, double& value) noexcept;
/// The same where it is whole: 5, 5.0, 1e3.
[[nodiscard]] bool parse_integer(std::string_view text, std::int64_t& value) noexcept;
/// "a|b|c" as parts.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
/// A value for a message: shortened, control bytes replaced.
[[nodiscard]] std::string quoted(std::string_view text);
/// What an option may be, for people: "a whole number from 1 to 65535".
[[nodiscard]] std::string allowed(const Option& option);

/// A topic filter among the values of a topic_list: "QOS FILTER", or "QOS,RETAINED FILTER".
struct TopicValue {
  char qos;
  std::string_view retained;  ///< empty: not given
  std::string_view filter;
};
[[nodiscard]] TopicValue topic_value(std::string_view value) noexcept;

/// What is wrong with a value.
struct Problem {
  int line = 0;
  int column = 0;
  std::string message;  ///< follows the key: "must be ..."
  std::string hint;
};

/// Replaces the references to variables in a text of a file.
using Expand = std::function<bool(Written& scalar)>;

/// Checks what was written against its option and gives its values in canonical spelling; no
/// values: null, the option stays unset. `expand` is called on every scalar; where it returns false
/// the value is skipped, it has complained itself.
[[nodiscard]] std::optional<std::vector<std::string>> check_value(const Option& option,
                                                                  Written written,
                                                                  const Expand& expand,
                                                                  std::vector<Problem>& problems);

/// True when both mean the same for this type ("1.0" and "1", "60s" and "1m").
[[nodiscard]] bool same_value(const Option& option, const std::vector<std::string>& a,
                              const std::vector<std::string>& b);

/// The default in canonical form; empty when there is none.
[[nodiscard]] std::vector<std::string> fallback_values(const Option& option);

}  // namespace telemetry::config
