// SPDX-License-Identifier: Apache-2.0
#include "config/variables.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace telemetry::config {
namespace {

bool is_name(std::string_view text) {
  const auto letter = [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

constexpr std::string_view prefix = "TELEMETRY_";

}  // namespace

Expanded expand_variables(std::string_view text, const Lookup& lookup) {
  Expanded out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("$${")) {
      out.text += "${";
      out.changed = true;
      at += 3;
      continue;
    }
    if (!text.substr(at).starts_with("${")) {
      out.text += text[at++];
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) {
      out.malformed = true;
      return out;
    }
    const std::string_view inside = text.substr(at + 2, end - at - 2);
    const std::size_t separator = inside.find(":-");
    const std::string name(inside.substr(0, separator));
    if (!is_name(name)) {
      out.malformed = true;
      return out;
    }
    std::optional<std::string> value = lookup(name);
    if (separator != std::string_view::npos) {
      if (!value || value->empty()) value = std::string(inside.substr(separator + 2));
    } else if (!value) {
      out.missing.push_back(name);
    }
    out.text += value.value_or("");
    out.changed = true;
    at = end + 1;
  }
  return out;
}

std::string key_of_variable(std::string_view name) {
  if (!name.starts_with(prefix) || name.find("__") == std::string_view::npos) return {};
  name.remove_prefix(prefix.size());
  std::string key;
  while (!name.empty()) {
    const std::size_t end = name.find("__");
    const std::string_view part = name.substr(0, end);
    const bool index = !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return std::isdigit(static_cast<unsigned char>(c)) != 0;
    });
    if (index) {
      key += "[" + std::string(part) + "]";
    } else {
      if (!key.empty()) key += '.';
      for (char c : part) key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    name = end == std::string_view::npos ? std::string_view{} : name.substr(end + 2);
  }
  return key;
}

std::string variable_of_key(std::string_view key) {
  std::string name(prefix);
  for (char c : key) {
    if (c == '.') {
      name += "__";
    } else {
      name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return name;
}

std::span<const ShortName> short_names() noexcept {
  static constexpr ShortName names[] = {
      {"MQTT_BROKER", "mqtt.broker"},
      {"MQTT_USERNAME", "mqtt.username"},
      {"MQTT_PASSWORD", "mqtt.password"},
      {"API_PORT", "web.port"},
      {"DATABASE_URL", "storage.postgresql"},
      {"DB_PASSWORD", "storage.postgresql.password"},
      {"JWT_SECRET", "security.authentication.jwt_secret"},
      {"LOG_LEVEL", "logging.level"},
  };
  return names;
}

std::optional<std::string> process_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::vector<std::string> process_variable_names() {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

}  // namespace telemetry::config
