// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/mqtt_codec.hpp"

#include <cstring>

#include "telemetry/core/topic.hpp"

namespace telemetry::core {
namespace {

/// Writes on and on; the caller has made room.
struct Writer {
  std::uint8_t* at;

  void byte(std::size_t value) noexcept { *at++ = static_cast<std::uint8_t>(value); }
  void number(std::size_t value) noexcept {
    byte(value >> 8);
    byte(value);
  }
  void bytes(std::string_view value) noexcept {
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    at += value.size();
  }
  void text(std::string_view value) noexcept {
    number(value.size());
    bytes(value);
  }
  /// Section 2.2.3: seven bits a byte, the lowest first.
  void header(std::size_t first, std::size_t body_bytes) noexcept {
    byte(first);
    for (; body_bytes >= 0x80; body_bytes >>= 7) byte(body_bytes | 0x80);
    byte(body_bytes);
  }
};

}  // namespace

std::size_t mqtt_encode_connect(const MqttOptions& options, std::span<std::uint8_t> out) noexcept {
  const std::size_t body_bytes = mqtt_connect_body_bytes(options);
  if (body_bytes == 0 || mqtt_packet_bytes(body_bytes) > out.size()) return 0;
  constexpr std::size_t clean = 0x02, will_qos1 = 0x0C, will_retain = 0x20, password = 0x40,
                        user_name = 0x80;
  const bool has_will = !options.will_topic.empty();
  std::size_t flags = options.clean_session ? clean : 0;
  if (has_will) flags |= will_qos1 | (options.will_retain ? will_retain : 0);
  if (!options.user_name.empty()) flags |= user_name;
  if (!options.password.empty()) flags |= password;
  Writer writer{out.data()};
  writer.header(mqtt_packet::connect, body_bytes);
  writer.text("MQTT");
  writer.byte(4);
  writer.byte(flags);
  writer.number(options.keepalive_s);
  writer.text(options.client_id);
  if (has_will) {
    writer.text(options.will_topic);
    writer.text(options.will_payload);
  }
  if (!options.user_name.empty()) writer.text(options.user_name);
  if (!options.password.empty()) writer.text(options.password);
  return static_cast<std::size_t>(writer.at - out.data());
}

void mqtt_encode_publish(std::string_view topic, std::string_view payload, std::uint8_t flags,
                         std::uint16_t packet_id, std::uint8_t* out) noexcept {
  const bool qos1 = (flags & mqtt_flag::qos1) != 0;
  Writer writer{out};
  writer.header(static_cast<std::size_t>(mqtt_packet::publish | flags),
                2 + topic.size() + (qos1 ? 2u : 0u) + payload.size());
  writer.text(topic);
  if (qos1) writer.number(packet_id);
  writer.bytes(payload);
}

void mqtt_encode_puback(std::uint16_t packet_id, std::uint8_t* out) noexcept {
  Writer writer{out};
  writer.header(mqtt_packet::puback, 2);
  writer.number(packet_id);
}

void mqtt_encode_subscribe(std::string_view filter, std::uint8_t qos, std::uint16_t packet_id,
                           std::uint8_t* out) noexcept {
  constexpr std::size_t reserved_flags = 0x02;  // section 3.8.1
  Writer writer{out};
  writer.header(mqtt_packet::subscribe | reserved_flags, 5 + filter.size());
  writer.number(packet_id);
  writer.text(filter);
  writer.byte(qos);
}

bool mqtt_decode_publish(std::uint8_t first, std::span<const std::uint8_t> body,
                         MqttMessage& message, std::uint16_t& packet_id) noexcept {
  const bool qos1 = (first & mqtt_flag::qos1) != 0;
  if (body.size() < 2) return false;
  const std::size_t topic_bytes = mqtt_number(body.data());
  const std::size_t payload_at = 2 + topic_bytes + (qos1 ? 2u : 0u);
  if (payload_at > body.size()) return false;
  if (qos1) {
    packet_id = mqtt_number(body.data() + payload_at - 2);
    if (packet_id == 0) return false;
  }
  const auto* const text = reinterpret_cast<const char*>(body.data());
  message.topic = {text + 2, topic_bytes};
  message.payload = {text + payload_at, body.size() - payload_at};
  message.qos = qos1 ? 1 : 0;
  message.retained = (first & mqtt_flag::retain) != 0;
  message.duplicate = (first & mqtt_flag::duplicate) != 0;
  return is_valid_topic(message.topic);
}

}  // namespace telemetry::core
