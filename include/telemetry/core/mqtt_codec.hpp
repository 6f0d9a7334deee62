// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// Packets of MQTT 3.1.1 as bytes, as far as a client with QoS 0 and 1 needs them.
/// Source: MQTT 3.1.1 (OASIS Standard, 2014), sections 2 and 3. Memory: the caller's buffers only.
namespace telemetry::core {

/// First byte of a packet without its flags. Source: section 2.2.1.
namespace mqtt_packet {
inline constexpr std::uint8_t connect = 0x10;
inline constexpr std::uint8_t connack = 0x20;
inline constexpr std::uint8_t publish = 0x30;
inline constexpr std::uint8_t puback = 0x40;
inline constexpr std::uint8_t subscribe = 0x80;
inline constexpr std::uint8_t suback = 0x90;
inline constexpr std::uint8_t pingreq = 0xC0;
inline constexpr std::uint8_t pingresp = 0xD0;
inline constexpr std::uint8_t disconnect = 0xE0;
}  // namespace mqtt_packet

/// Flags in the first byte of a PUBLISH. Source: section 3.3.1.
namespace mqtt_flag {
inline constexpr std::uint8_t retain = 0x01;
inline constexpr std::uint8_t qos1 = 0x02;
inline constexpr std::uint8_t qos2 = 0x04;
inline constexpr std::uint8_t duplicate = 0x08;
}  // namespace mqtt_flag

/// Most bytes behind the fixed header. Source: section 2.2.3.
inline constexpr std::size_t mqtt_body_bytes_max = 268'435'455;
/// Longest text (topic, client id, ...) in a packet. Source: section 1.5.3.
inline constexpr std::size_t mqtt_text_bytes_max = 65'535;

/// Whole packet for a body of at most mqtt_body_bytes_max; 0 for a longer one.
[[nodiscard]] constexpr std::size_t mqtt_packet_bytes(std::size_t body_bytes) noexcept {
  if (body_bytes > mqtt_body_bytes_max) return 0;
  std::size_t bytes = 2 + body_bytes;
  for (; body_bytes >= 0x80; body_bytes >>= 7) ++bytes;
  return bytes;
}

/// What CONNECT says. Views: must outlive their user. Texts are UTF-8, the password any bytes.
struct MqttOptions {
  std::string_view client_id = {};   ///< empty: the broker makes one; only with clean_session
  std::string_view user_name = {};   ///< empty: none
  std::string_view password = {};    ///< empty: none; not without user_name
  std::string_view will_topic = {};  ///< empty: no will. The broker publishes it with QoS 1
  std::string_view will_payload = {};
  std::uint16_t keepalive_s = 60;  ///< 0: no pings
  bool will_retain = false;
  bool clean_session = false;
  std::uint32_t response_timeout_ms = 10'000;  ///< CONNACK, PUBACK, SUBACK, PINGRESP; at least 1
};

/// Bytes of CONNECT behind its fixed header; 0 when the options contradict each other or a text is
/// too long.
[[nodiscard]] constexpr std::size_t mqtt_connect_body_bytes(const MqttOptions& options) noexcept {
  if ((options.client_id.empty() && !options.clean_session) ||
      (options.user_name.empty() && !options.password.empty()) ||
      (options.will_topic.empty() && !options.will_payload.empty()))
    return 0;
  std::size_t body = 12 + options.client_id.size();
  bool good = options.client_id.size() <= mqtt_text_bytes_max;
  const auto add = [&](std::string_view text, bool present) {
    if (present) body += 2 + text.size();
    good = good && text.size() <= mqtt_text_bytes_max;
  };
  add(options.will_topic, !options.will_topic.empty());
  add(options.will_payload, !options.will_topic.empty());
  add(options.user_name, !options.user_name.empty());
  add(options.password, !options.password.empty());
  return good ? body : 0;
}

/// Bytes of CONNECT; 0 as above.
[[nodiscard]] constexpr std::size_t mqtt_connect_bytes(const MqttOptions& options) noexcept {
  const std::size_t body = mqtt_connect_body_bytes(options);
  return body == 0 ? 0 : mqtt_packet_bytes(body);
}

/// Bytes of PUBLISH; 0 when it would be longer than the standard allows.
[[nodiscard]] constexpr std::size_t mqtt_publish_bytes(std::size_t topic_bytes,
                                                       std::size_t payload_bytes,
                                                       bool qos1) noexcept {
  if (topic_bytes > mqtt_text_bytes_max || payload_bytes > mqtt_body_bytes_max) return 0;
  return mqtt_packet_bytes(2 + topic_bytes + (qos1 ? 2u : 0u) + payload_bytes);
}

/// Bytes of SUBSCRIBE with one filter; 0 when the filter is too long.
[[nodiscard]] constexpr std::size_t mqtt_subscribe_bytes(std::size_t filter_bytes) noexcept {
  return filter_bytes > mqtt_text_bytes_max ? 0 : mqtt_packet_bytes(5 + filter_bytes);
}

/// @returns bytes written, mqtt_connect_bytes(); 0 when that is 0 or more than `out` has. Source:
///          section 3.1.
std::size_t mqtt_encode_connect(const MqttOptions& options, std::span<std::uint8_t> out) noexcept;

// These write to `out`, which has room for as many bytes as the functions above say (4 for PUBACK),
// and that is not 0. Source: sections 3.3, 3.4, 3.8.

/// @param flags     of mqtt_flag
/// @param packet_id 1..65535 with qos1, else not used
void mqtt_encode_publish(std::string_view topic, std::string_view payload, std::uint8_t flags,
                         std::uint16_t packet_id, std::uint8_t* out) noexcept;
void mqtt_encode_puback(std::uint16_t packet_id, std::uint8_t* out) noexcept;
/// @param qos at most 1
void mqtt_encode_subscribe(std::string_view filter, std::uint8_t qos, std::uint16_t packet_id,
                           std::uint8_t* out) noexcept;

/// A number of two bytes. Source: section 1.5.2.
[[nodiscard]] constexpr std::uint16_t mqtt_number(const std::uint8_t* at) noexcept {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

/// A message as received; the views are into the receive buffer, valid until on_message returns.
struct MqttMessage {
  std::string_view topic;
  std::string_view payload;
  std::uint8_t qos = 0;  ///< 0 or 1
  bool retained = false;
  bool duplicate = false;  ///< the broker sent it before, on an earlier connection perhaps
};

/// Reads the body of a PUBLISH.
/// @param first     its first byte; the flags have been judged
/// @param packet_id set with QoS 1
/// @returns false when it is malformed: lengths, the topic (is_valid_topic()), packet id 0
[[nodiscard]] bool mqtt_decode_publish(std::uint8_t first, std::span<const std::uint8_t> body,
                                       MqttMessage& message, std::uint16_t& packet_id) noexcept;

}  // namespace telemetry::core
