// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/config.hpp"

namespace telemetry::config {

using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

/// What became of the `${...}` in a text.
struct Expanded {
  std::string text;
  std::vector<std::string> missing;  ///< variables without value and default
  bool malformed = false;            ///< a "${" that is not closed or names no variable
  bool changed = false;
};
/// `${NAME}`: its value; `${NAME:-default}`: the default when NAME is unset or empty; `$${`: "${".
[[nodiscard]] Expanded expand_variables(std::string_view text, const Lookup& lookup);

/// "TELEMETRY_MQTT__1__TLS__CA_FILE" -> "mqtt[1].tls.ca_file"; empty for any other name.
[[nodiscard]] std::string key_of_variable(std::string_view name);
/// "mqtt.tls.ca_file" -> "TELEMETRY_MQTT__TLS__CA_FILE".
[[nodiscard]] std::string variable_of_key(std::string_view key);

/// Variables with a short name, as the ancestors had them, and the setting each stands for.
struct ShortName {
  std::string_view variable;
  std::string_view key;
};
[[nodiscard]] std::span<const ShortName> short_names() noexcept;

[[nodiscard]] std::optional<std::string> process_variable(const std::string& name);
[[nodiscard]] std::vector<std::string> process_variable_names();

}  // namespace telemetry::config
