// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/mqtt_session.hpp"

namespace telemetry::testing {

/// "30 05 a" style hexadecimal to bytes; blanks are skipped, and 'text' stands for itself.
inline std::string wire(std::string_view spelled) {
  std::string bytes;
  for (std::size_t i = 0; i < spelled.size(); ++i) {
    if (spelled[i] == ' ') continue;
    if (spelled[i] == '\'') {
      while (spelled[++i] != '\'') bytes += spelled[i];
    } else {
      const std::string digits(spelled.substr(i++, 2));
      bytes += static_cast<char>(std::strtoul(digits.c_str(), nullptr, 16));
    }
  }
  return bytes;
}

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Writes down, one line each, what the session reports.
struct EventLog {
  std::vector<std::string> events;

  void on_message(const core::MqttMessage& message) {
    events.push_back("message " + std::string(message.topic) + " '" + std::string(message.payload) +
                     "' qos " + std::to_string(message.qos) +
                     (message.retained ? " retained" : "") +
                     (message.duplicate ? " duplicate" : ""));
  }
  void on_acknowledged(std::uint32_t token) {
    events.push_back("acknowledged " + std::to_string(token));
  }
  void on_subscribed(std::uint16_t packet_id, std::uint8_t code) {
    events.push_back("subscribed " + std::to_string(packet_id) + " " + std::to_string(code));
  }
};

struct ClientSizes {
  std::size_t receive = 64, send = 64, window = 4;
};

/// A session with its buffers and a log. Sizes are exact, so that a sanitizer sees the first byte
/// that is touched beyond them.
class MqttClient {
 public:
  explicit MqttClient(core::MqttOptions given = {.client_id = "c"}, ClientSizes sizes = {})
      : options(given),
        receive_(sizes.receive),
        send_(sizes.send),
        window_(sizes.window),
        session(options, receive_, send_, window_) {}

  /// Everything that is to be sent, as sent.
  std::string take() {
    const auto bytes = session.to_send();
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    session.sent(bytes.size());
    return text;
  }
  /// The broker sends `bytes`, whole. @returns bytes taken
  std::size_t feed(std::string_view bytes) { return session.receive(as_bytes(bytes), now, log); }
  /// What has happened since the last call.
  std::vector<std::string> events() {
    std::vector<std::string> events;
    events.swap(log.events);
    return events;
  }
  void poll_after(std::uint32_t ms) { session.poll(now += ms); }
  /// CONNECT taken, CONNACK given (section 3.2).
  bool connect(bool session_present = false) {
    const bool opened = session.open(now);
    take();
    feed(session_present ? wire("20 02 01 00") : wire("20 02 00 00"));
    return opened && session.state() == core::MqttState::connected;
  }

  core::MqttOptions options;
  EventLog log;
  std::uint32_t now = 1000;

 private:
  std::vector<std::uint8_t> receive_, send_;
  std::vector<core::MqttSession::InFlight> window_;

 public:
  core::MqttSession session;
};

}  // namespace telemetry::testing
