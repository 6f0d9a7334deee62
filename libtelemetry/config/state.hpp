// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/config.hpp"

namespace telemetry::config {

struct Setting {
  std::vector<std::string> values;  ///< canonical; topics are "QOS FILTER"
  Origin origin;
  bool set = false;       ///< given, not a default
  std::string from_file;  ///< secrets: the file that KEY_file named
  bool inert = false;     ///< checked, and without effect in this app
};

/// What a Config is made of.
struct State {
  std::vector<const Option*> options;                        ///< in table order
  std::map<std::string, const Option*, std::less<>> by_key;  ///< table keys, without index
  std::map<std::string, std::vector<std::string>, std::less<>> defaults;
  std::map<std::string, Setting, std::less<>> settings;    ///< keys with index, "[0]" left out
  std::map<std::string, std::size_t, std::less<>> counts;  ///< entries of list sections
  std::vector<std::string> inert;
  std::deque<std::string> names;  ///< keys of the options made here
  std::deque<Option> made;        ///< KEY_file of each secret
};

/// "mqtt[1].tls.enabled" -> "mqtt.tls.enabled".
[[nodiscard]] std::string without_index(std::string_view key);
/// "mqtt[0].broker" -> "mqtt.broker"; others stay.
[[nodiscard]] std::string canonical(std::string_view key);

}  // namespace telemetry::config
