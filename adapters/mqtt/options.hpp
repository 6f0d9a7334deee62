// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/adapters/mqtt.hpp"

namespace telemetry::mqtt {

/// Turns "tls.ca_file" into the place where the user wrote it.
using Where = std::function<std::string(std::string_view key)>;

/// The contradictions in these options, each with place and remedy; empty when there are none.
[[nodiscard]] std::vector<std::string> contradictions(const MqttOptions& options, MqttUse use,
                                                      const Where& where);
/// The same as one error. Errors: invalid_argument.
[[nodiscard]] Result<void> check(const MqttOptions& options, MqttUse use);
/// Of the topic filters alone. Errors: invalid_argument.
[[nodiscard]] Result<void> check_topics(const MqttOptions& options);

/// "PROGRAM-HOST-HASH", the same at every start, at most 64 bytes.
[[nodiscard]] std::string fixed_client_id(std::string_view program, std::string_view identity);

}  // namespace telemetry::mqtt
