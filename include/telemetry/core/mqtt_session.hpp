// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/mqtt_codec.hpp"

namespace telemetry::core {

enum class MqttState : std::uint8_t {
  disconnected,
  connecting,  ///< CONNECT was queued
  connected,
  refused,  ///< by the broker: connack_code(); wants_close()
};

/// A session of an MQTT 3.1.1 client with QoS 0 and 1: bytes in, bytes out, time passed in. It has
/// no transport, no clock and no payloads of its own. docs/core.md says what a caller does in which
/// order.
///
/// Promise: a QoS 1 publication that was taken stays in flight until its PUBACK, over any number of
/// connections; after each CONNACK those in flight go out again, oldest first, with DUP and the
/// same packet id, before anything new. So each arrives at least once, first arrivals in order.
/// Broker:  what it sends is not trusted. Bytes that are no packet, a packet that has no place here
///          (QoS 2, anything before CONNACK) and answers that do not come in time end the
///          connection: wants_close(). Answers that nothing waits for are counted and ignored.
/// Thread:  one context, or guarded by the caller.
/// Memory:  the caller's three buffers, which live as long as the session, as the options do.
/// Time:    milliseconds of any clock that goes forward; 2^32 may be passed at any time.
class MqttSession {
 public:
  /// A QoS 1 publication that waits for its PUBACK.
  struct InFlight {
    std::uint32_t token = 0;  ///< the caller's name for it
    std::uint16_t packet_id = 0;
    std::uint8_t flags = 0;  ///< mqtt_flag::retain
  };

  /// Since construction; they wrap.
  struct Counters {
    std::uint32_t oversize = 0;    ///< messages skipped: larger than the receive buffer
    std::uint32_t malformed = 0;   ///< connections ended because of what the broker sent
    std::uint32_t timeouts = 0;    ///< connections ended because an answer did not come
    std::uint32_t unexpected = 0;  ///< answers that nothing waited for
    std::uint32_t resent = 0;      ///< publications sent again
    std::uint32_t pings = 0;
  };

  /// What publish() and subscribe() leave free in the send buffer for PUBACK, PINGREQ, DISCONNECT.
  static constexpr std::size_t send_reserve_bytes = 8;
  static constexpr std::size_t receive_bytes_min = 4;
  /// Places of a larger window are not used.
  static constexpr std::size_t window_max = 0x4000;

  /// @param options read at each open()
  /// @param receive a message must fit without its fixed header, else it is skipped; at least
  ///                receive_bytes_min
  /// @param send    holds CONNECT, and the largest PUBLISH + send_reserve_bytes
  /// @param window  most publications in flight at once
  MqttSession(const MqttOptions& options, std::span<std::uint8_t> receive,
              std::span<std::uint8_t> send, std::span<InFlight> window) noexcept;
  MqttSession(MqttOptions&&, std::span<std::uint8_t>, std::span<std::uint8_t>,
              std::span<InFlight>) = delete;  // the options would not live long enough
  MqttSession(const MqttSession&) = delete;
  MqttSession& operator=(const MqttSession&) = delete;

  // --- The transport.

  /// The transport is there (again): queues CONNECT.
  /// @returns false when CONNECT does not fit the send buffer, the options contradict each other or
  ///          the receive buffer is too small; still disconnected then.
  [[nodiscard]] bool open(std::uint32_t now_ms) noexcept;
  /// The transport is gone, with all that was queued; publications in flight stay. Subscriptions
  /// that were not answered are forgotten.
  void close() noexcept;
  /// Shut the transport and call close(): a protocol error, a timeout, a refusal, or DISCONNECT has
  /// been sent.
  [[nodiscard]] bool wants_close() const noexcept;

  /// What the transport shall send; valid until the next call of another member but sent().
  [[nodiscard]] std::span<const std::uint8_t> to_send() const noexcept;
  /// The transport has taken the first `bytes` of to_send().
  void sent(std::size_t bytes) noexcept;

  /// Takes what the broker has sent, in any cuts, and calls the handler:
  ///   on_message(const MqttMessage&)                  its PUBACK, if it needs one, is queued
  ///   on_acknowledged(std::uint32_t token)            in the order in which the broker says so
  ///   on_subscribed(std::uint16_t packet_id, std::uint8_t code)   code: granted QoS, or 0x80
  /// The handler may publish, subscribe and disconnect, but not open, close or receive.
  /// @returns bytes taken. Fewer than `bytes` when the send buffer has no room for a PUBACK: keep
  ///          the rest, send, and pass it again. So no PUBACK is ever lost.
  template <class Handler>
  [[nodiscard]] std::size_t receive(std::span<const std::uint8_t> bytes, std::uint32_t now_ms,
                                    Handler&& handler) noexcept {
    now_ms_ = now_ms;
    std::size_t taken = 0;
    Event event;
    while (next_event(bytes, taken, event)) {
      if (event.kind == EventKind::message) {
        handler.on_message(static_cast<const MqttMessage&>(event.message));
      } else if (event.kind == EventKind::acknowledged) {
        handler.on_acknowledged(event.token);
      } else {
        handler.on_subscribed(event.packet_id, event.code);
      }
    }
    return taken;
  }

  /// Keepalive and timeouts. Call it in every round, behind receive() and before publishing: an
  /// answer that has come must not count as missing, and times are taken from the last call.
  /// A PINGREQ goes out when nothing was sent or nothing came for keepalive_s, so that a transport
  /// that dies silently is noticed. The answer to it, to CONNECT and to SUBSCRIBE, and the PUBACK
  /// of the oldest publication, may each take response_timeout_ms.
  void poll(std::uint32_t now_ms) noexcept;

  // --- After each CONNACK: what is in flight, again.

  /// Which publication must be sent again next. @returns false when there is none, or not
  /// connected.
  [[nodiscard]] bool next_resend(std::uint32_t& token) const noexcept;
  /// Sends it again; topic and payload as before. @returns false when there is no room, or nothing
  /// to send again; nothing changed then.
  [[nodiscard]] bool resend(std::string_view topic, std::string_view payload) noexcept;
  /// Takes it out of flight unsent, because the caller no longer has it.
  void drop_resend() noexcept;

  // --- Publishing and subscribing. false: not now (not connected, no room, window full, resends
  // waiting, an unanswered SUBSCRIBE) or never (accepts()); nothing changed then.

  /// True when such a message can be published at all: the topic is valid and the packet fits an
  /// empty send buffer. Ask once, before a message is stored: one that cannot go would block those
  /// behind it, and one with a bad topic makes the broker close the connection again and again.
  [[nodiscard]] bool accepts(std::string_view topic, std::size_t payload_bytes) const noexcept;
  /// QoS 0. @param topic must be valid; not checked here.
  [[nodiscard]] bool publish(std::string_view topic, std::string_view payload,
                             bool retain = false) noexcept;
  /// QoS 1. @param token comes back in on_acknowledged() and next_resend().
  [[nodiscard]] bool publish(std::string_view topic, std::string_view payload, std::uint32_t token,
                             bool retain = false) noexcept;
  /// One at a time: the next one after on_subscribed().
  /// @param filter must be valid (is_valid_filter()); not checked here
  /// @param qos    0 or 1 (a larger one counts as 1)
  /// @param packet_id set when it was queued
  [[nodiscard]] bool subscribe(std::string_view filter, std::uint8_t qos,
                               std::uint16_t& packet_id) noexcept;
  /// Queues DISCONNECT behind what is queued already: the broker drops the will. Nothing is taken
  /// from then on, in or out: what the broker sends is ignored and comes again another time.
  /// wants_close() once it is sent. @returns false when not connected or no room.
  [[nodiscard]] bool disconnect() noexcept;

  [[nodiscard]] MqttState state() const noexcept { return state_; }
  /// The last CONNACK's return code. Source: section 3.2.2.3.
  [[nodiscard]] std::uint8_t connack_code() const noexcept { return connack_code_; }
  /// The last CONNACK's flag: the broker still knew the session, with its subscriptions.
  [[nodiscard]] bool session_present() const noexcept { return session_present_; }
  /// Publications without PUBACK, those that wait to be sent again included.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  /// The oldest of them: all that was published before it is acknowledged. @returns false for none.
  [[nodiscard]] bool oldest_in_flight(std::uint32_t& token) const noexcept;
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  enum class EventKind : std::uint8_t { message, acknowledged, subscribed };
  struct Event {
    MqttMessage message;
    std::uint32_t token = 0;
    std::uint16_t packet_id = 0;
    std::uint8_t code = 0;
    EventKind kind = EventKind::message;
  };

  bool next_event(std::span<const std::uint8_t> bytes, std::size_t& taken, Event& event) noexcept;
  bool read_header(std::uint8_t byte) noexcept;
  [[nodiscard]] bool is_expected() const noexcept;
  void keep_of_oversize(const std::uint8_t* bytes, std::size_t count) noexcept;
  bool finish_packet(Event& event) noexcept;
  bool finish_connack() noexcept;
  bool finish_publish(Event& event) noexcept;
  bool finish_puback(std::uint16_t packet_id, Event& event) noexcept;
  bool fail() noexcept;

  [[nodiscard]] bool is_open() const noexcept;
  [[nodiscard]] bool waits_for_answer() const noexcept;
  [[nodiscard]] std::size_t room() const noexcept;
  std::uint8_t* append(std::size_t bytes) noexcept;
  std::uint8_t* append_with_reserve(std::size_t bytes) noexcept;
  void append_empty(std::uint8_t packet) noexcept;
  bool append_publish(std::string_view topic, std::string_view payload, std::uint8_t flags,
                      std::uint16_t packet_id) noexcept;
  void start_answer_time() noexcept;
  [[nodiscard]] std::size_t find(std::uint16_t packet_id, std::size_t count) const noexcept;
  void erase(std::size_t index) noexcept;
  [[nodiscard]] std::uint16_t free_packet_id() const noexcept;

  // Small ones first: Thumb reaches them with short instructions.
  MqttState state_ = MqttState::disconnected;
  std::uint8_t connack_code_ = 0;
  std::uint8_t first_ = 0;         // first byte of the packet that is being read
  std::uint8_t header_bytes_ = 0;  // read of its fixed header, or in_body
  bool session_present_ = false, ping_pending_ = false, failed_ = false, disconnecting_ = false;
  std::uint16_t in_flight_ = 0;
  std::uint16_t on_wire_ = 0;  // of those in flight: sent on this connection
  std::uint16_t last_packet_id_ = 0;
  std::uint16_t subscribe_id_ = 0;              // SUBSCRIBE without SUBACK; 0 = none
  std::uint32_t body_bytes_ = 0, body_at_ = 0;  // of the packet that is being read
  std::uint32_t now_ms_ = 0, last_sent_ms_ = 0, last_received_ms_ = 0;
  std::uint32_t answer_since_ms_ = 0;  // CONNACK, SUBACK, PINGRESP
  std::uint32_t puback_since_ms_ = 0;  // since the oldest publication is the oldest, and sent
  std::size_t send_begin_ = 0, send_end_ = 0;
  const MqttOptions* options_;
  std::span<std::uint8_t> receive_, send_;
  std::span<InFlight> window_;  // the oldest first
  Counters counters_;
};

}  // namespace telemetry::core
