// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "telemetry/adapters/mqtt.hpp"

namespace telemetry::mqtt {

struct Mistake {
  std::string_view key;  ///< below the section: "tls.ca_file"
  std::string text;
  std::string hint;
};
/// The contradictions in these options.
[[nodiscard]] std::vector<Mistake> contradictions(const MqttOptions& options, MqttUse use);
/// The same as one error. Errors: invalid_argument.
[[nodiscard]] Result<void> check(const MqttOptions& options, MqttUse use);
/// Of the topic filters alone. Errors: invalid_argument.
[[nodiscard]] Result<void> check_topics(const MqttOptions& options);

/// "PROGRAM-HOST-HASH", the same at every start, at most 64 bytes.
[[nodiscard]] std::string fixed_client_id(std::string_view program, std::string_view identity);

}  // namespace telemetry::mqtt
