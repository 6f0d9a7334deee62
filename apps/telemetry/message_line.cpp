// SPDX-License-Identifier: Apache-2.0
#include "message_line.hpp"

#include <charconv>

#include "telemetry/condition.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"

namespace telemetry::command_line {
namespace {

bool is_text(const std::optional<std::string_view>& json) { return json && json->starts_with('"'); }

std::optional<std::string> bytes_of_hex(std::string_view digits) {
  std::string out;
  if (digits.size() % 2 != 0) return {};
  for (; !digits.empty(); digits.remove_prefix(2)) {
    unsigned byte = 0;
    const char* const end = digits.data() + 2;
    if (std::from_chars(digits.data(), end, byte, 16).ptr != end) return {};
    out += static_cast<char>(byte);
  }
  return out;
}

std::optional<std::string> payload_of(std::string_view line) {
  if (const auto hex = json_member(line, "payload_hex"); is_text(hex))
    return bytes_of_hex(text_of_json(*hex));
  if (const auto base64 = json_member(line, "payload_base64"); is_text(base64))
    return payload_of_json("{\"base64\":" + std::string(*base64) + "}");
  const auto payload = json_member(line, "payload");
  if (!payload) return {};
  // What mosquitto_sub writes of no bytes is null.
  if (*payload == "null" && json_member(line, "payloadlen") == "0") return std::string();
  return payload_of_json(*payload);
}

}  // namespace

std::optional<MessageLine> read_message_line(std::string_view line) {
  if (payload_kind(line) != Row::RawKind::json) return {};
  const auto topic = json_member(line, "topic");
  auto payload = payload_of(line);
  if (!is_text(topic) || !payload) return {};
  MessageLine message{text_of_json(*topic), *std::move(payload)};
  if (!core::is_valid_topic(message.topic)) return {};
  if (const auto time = json_member(line, "received_at"); is_text(time))
    (void)core::parse_time(text_of_json(*time), 0, message.received_at);
  return message;
}

}  // namespace telemetry::command_line
