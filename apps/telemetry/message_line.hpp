// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace telemetry::command_line {

/// A message as programs write it on one line of JSON.
struct MessageLine {
  std::string topic;  ///< a valid one
  std::string payload;
  std::int64_t received_at = 0;  ///< ns; 0 = not known
};

/// Of {"topic": ..., "payload": ...} as `mosquitto_sub -F %j` and `telemetry query --format jsonl`
/// write it: a text is those bytes, {"base64": ...} these, anything else its JSON. Or with
/// payload_base64 or payload_hex. Nothing: it is none.
[[nodiscard]] std::optional<MessageLine> read_message_line(std::string_view line);

}  // namespace telemetry::command_line
