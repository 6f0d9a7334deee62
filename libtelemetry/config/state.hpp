// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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

/// Options with whole keys.
class WholeOptions {
 public:
  const Option& add(const Option& option, std::string key) {
    Option& added = options_.emplace_back(option);
    added.key = keys_.emplace_back(std::move(key));
    return added;
  }
  const Option& add(const OptionTable& table, const Option& option) {
    return add(option, table.prefix.empty() ? std::string(option.key)
                                            : fmt::format("{}.{}", table.prefix, option.key));
  }
  [[nodiscard]] bool has(const Option& option) const {
    return std::any_of(options_.begin(), options_.end(),
                       [&](const Option& one) { return &one == &option; });
  }

 private:
  std::deque<std::string> keys_;
  std::deque<Option> options_;
};

/// What a Config is made of.
struct State {
  WholeOptions whole;
  std::vector<const Option*> options;                        ///< in table order
  std::map<std::string, const Option*, std::less<>> by_key;  ///< table keys, without index
  std::map<std::string, std::vector<std::string>, std::less<>> defaults;
  std::map<std::string, Setting, std::less<>> settings;    ///< keys with index, "[0]" left out
  std::map<std::string, std::size_t, std::less<>> counts;  ///< of list sections: their entries
  std::vector<std::string> inert;
  WholeOptions secret_files;  ///< KEY_file of each secret
};

/// "mqtt[1].tls.enabled" -> "mqtt.tls.enabled".
[[nodiscard]] std::string without_index(std::string_view key);
/// "mqtt[0].broker" -> "mqtt.broker"; others stay.
[[nodiscard]] std::string canonical(std::string_view key);

}  // namespace telemetry::config
