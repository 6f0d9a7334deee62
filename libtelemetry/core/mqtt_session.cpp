// SPDX-License-Identifier: Apache-2.0
// The send buffer is one stretch of bytes that moves to the front when its end is reached. What is
// owed to the broker always has room: publications leave send_reserve_bytes free, and no byte is
// read while less than that is free. A byte can end at most one packet, and a packet asks for at
// most one PUBACK; so behind a PUBACK there are still 4 bytes, for PINGREQ and DISCONNECT.
//
// The window is a list in the order of first transmission. Its first on_wire_ entries were sent on
// this connection; the rest waits to be sent again. New ones are taken only when nothing waits, so
// the order never changes.
#include "telemetry/core/mqtt_session.hpp"

#include <cstring>

#include "telemetry/core/topic.hpp"

namespace telemetry::core {
namespace {

constexpr std::uint8_t in_body = 5;  // a fixed header has at most 5 bytes
constexpr std::size_t puback_bytes = 4;

static_assert(sizeof(void*) > 4 || sizeof(MqttSession) < 120);

constexpr std::uint8_t kind_of(std::uint8_t first) noexcept { return first & 0xF0u; }

}  // namespace

MqttSession::MqttSession(const MqttOptions& options, std::span<std::uint8_t> receive,
                         std::span<std::uint8_t> send, std::span<InFlight> window) noexcept
    : options_(&options),
      receive_(receive),
      send_(send),
      window_(window.data(), window.size() < window_max ? window.size() : window_max) {}

// --- The transport.

bool MqttSession::open(std::uint32_t now_ms) noexcept {
  close();
  now_ms_ = last_sent_ms_ = last_received_ms_ = answer_since_ms_ = now_ms;
  if (receive_.size() < receive_bytes_min) return false;
  send_end_ = mqtt_encode_connect(*options_, send_);
  if (send_end_ == 0) return false;
  state_ = MqttState::connecting;
  return true;
}

void MqttSession::close() noexcept {
  state_ = MqttState::disconnected;
  send_begin_ = send_end_ = 0;
  on_wire_ = subscribe_id_ = 0;
  header_bytes_ = 0;
  ping_pending_ = failed_ = disconnecting_ = false;
}

bool MqttSession::wants_close() const noexcept {
  return failed_ || (disconnecting_ && send_begin_ == send_end_);
}

std::span<const std::uint8_t> MqttSession::to_send() const noexcept {
  if (failed_) return {};
  return {send_.data() + send_begin_, send_end_ - send_begin_};
}

void MqttSession::sent(std::size_t bytes) noexcept {
  const std::size_t queued = send_end_ - send_begin_;
  send_begin_ += bytes < queued ? bytes : queued;
  if (send_begin_ == send_end_) send_begin_ = send_end_ = 0;
}

std::size_t MqttSession::room() const noexcept { return send_.size() - (send_end_ - send_begin_); }

/// There is room().
std::uint8_t* MqttSession::append(std::size_t bytes) noexcept {
  if (send_.size() - send_end_ < bytes) {
    std::memmove(send_.data(), send_.data() + send_begin_, send_end_ - send_begin_);
    send_end_ -= send_begin_;
    send_begin_ = 0;
  }
  std::uint8_t* const at = send_.data() + send_end_;
  send_end_ += bytes;
  last_sent_ms_ = now_ms_;
  return at;
}

std::uint8_t* MqttSession::append_with_reserve(std::size_t bytes) noexcept {
  const bool fits = bytes != 0 && is_open() && bytes + send_reserve_bytes <= room();
  return fits ? append(bytes) : nullptr;
}

/// PINGREQ or DISCONNECT.
void MqttSession::append_empty(std::uint8_t packet) noexcept {
  std::uint8_t* const out = append(2);
  out[0] = packet;
  out[1] = 0;
}

// --- Time.

bool MqttSession::waits_for_answer() const noexcept {
  return state_ == MqttState::connecting || ping_pending_ || disconnecting_ || subscribe_id_ != 0;
}

void MqttSession::start_answer_time() noexcept {
  if (!waits_for_answer()) answer_since_ms_ = now_ms_;
}

void MqttSession::poll(std::uint32_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (state_ == MqttState::disconnected || failed_) return;
  const std::uint32_t timeout_ms = options_->response_timeout_ms;
  if ((waits_for_answer() && now_ms - answer_since_ms_ >= timeout_ms) ||
      (on_wire_ != 0 && now_ms - puback_since_ms_ >= timeout_ms)) {
    ++counters_.timeouts;
    failed_ = true;
    return;
  }
  const std::uint32_t keepalive_ms = options_->keepalive_s * 1000u;
  if (keepalive_ms == 0 || !is_open() || ping_pending_ || room() < 2) return;
  if (now_ms - last_sent_ms_ < keepalive_ms && now_ms - last_received_ms_ < keepalive_ms) return;
  start_answer_time();
  append_empty(mqtt_packet::pingreq);
  ping_pending_ = true;
  ++counters_.pings;
}

// --- What the broker sends.

bool MqttSession::fail() noexcept {
  ++counters_.malformed;
  failed_ = true;
  return false;
}

/// Reads up to the next event. @returns false when there is none in `bytes`.
bool MqttSession::next_event(std::span<const std::uint8_t> bytes, std::size_t& taken,
                             Event& event) noexcept {
  while (taken < bytes.size()) {
    if (failed_ || disconnecting_ || state_ == MqttState::disconnected) {
      taken = bytes.size();
      return false;
    }
    if (room() < send_reserve_bytes) return false;
    if (header_bytes_ != in_body && !read_header(bytes[taken++])) continue;
    const std::size_t rest = body_bytes_ - body_at_;
    const std::size_t here = bytes.size() - taken;
    const std::size_t count = rest < here ? rest : here;
    const std::uint8_t* const from = bytes.data() + taken;
    if (body_bytes_ > receive_.size()) {
      keep_of_oversize(from, count);
    } else if (count != 0) {
      std::memcpy(receive_.data() + body_at_, from, count);
    }
    body_at_ += static_cast<std::uint32_t>(count);
    taken += count;
    if (body_at_ != body_bytes_) return false;
    header_bytes_ = 0;
    if (finish_packet(event)) return true;
  }
  return false;
}

/// @returns true when the fixed header is complete and its packet has a place here.
bool MqttSession::read_header(std::uint8_t byte) noexcept {
  if (header_bytes_ == 0) {
    first_ = byte;
    body_bytes_ = body_at_ = 0;
    header_bytes_ = 1;
    return false;
  }
  body_bytes_ |= static_cast<std::uint32_t>(byte & 0x7Fu) << (7u * (header_bytes_ - 1u));
  if (byte >= 0x80) {
    if (++header_bytes_ == in_body) fail();
    return false;
  }
  header_bytes_ = in_body;
  return is_expected() || fail();
}

/// Judges type, flags and length. Source: sections 2.2 and 3.
bool MqttSession::is_expected() const noexcept {
  if (state_ == MqttState::connecting) return first_ == mqtt_packet::connack && body_bytes_ == 2;
  if (kind_of(first_) == mqtt_packet::publish) {
    if ((first_ & mqtt_flag::qos2) != 0) return false;
    if ((first_ & mqtt_flag::qos1) != 0) return body_bytes_ >= 5;
    return (first_ & mqtt_flag::duplicate) == 0 && body_bytes_ >= 3;
  }
  return (first_ == mqtt_packet::puback && body_bytes_ == 2) ||
         (first_ == mqtt_packet::suback && body_bytes_ == 3) ||
         (first_ == mqtt_packet::pingresp && body_bytes_ == 0);
}

/// Of a PUBLISH that is skipped only the topic's length (bytes 0 and 1) and the packet id behind
/// the topic are kept, at 2 and 3. It may take long; answers behind it are not late.
void MqttSession::keep_of_oversize(const std::uint8_t* bytes, std::size_t count) noexcept {
  answer_since_ms_ = puback_since_ms_ = now_ms_;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = body_at_ + i;
    if (at < 2) {
      receive_[at] = bytes[i];
    } else if (const std::size_t place = at - mqtt_number(receive_.data());
               place == 2 || place == 3) {
      receive_[place] = bytes[i];
    }
  }
}

bool MqttSession::finish_packet(Event& event) noexcept {
  last_received_ms_ = now_ms_;
  const std::uint8_t kind = kind_of(first_);
  if (kind == mqtt_packet::publish) return finish_publish(event);
  if (kind == mqtt_packet::connack) return finish_connack();
  if (kind == mqtt_packet::pingresp) {
    if (!ping_pending_) {
      ++counters_.unexpected;
    } else {
      ping_pending_ = false;
      answer_since_ms_ = now_ms_;
    }
    return false;
  }
  const std::uint16_t packet_id = mqtt_number(receive_.data());
  if (packet_id == 0) return fail();
  if (kind == mqtt_packet::puback) return finish_puback(packet_id, event);
  event.code = receive_[2];
  if (event.code > 1 && event.code != 0x80) return fail();
  if (packet_id != subscribe_id_) {
    ++counters_.unexpected;
    return false;
  }
  subscribe_id_ = 0;
  answer_since_ms_ = now_ms_;
  event.packet_id = packet_id;
  event.kind = EventKind::subscribed;
  return true;
}

/// Source: section 3.2.2.
bool MqttSession::finish_connack() noexcept {
  const std::uint8_t flags = receive_[0];
  const std::uint8_t code = receive_[1];
  if (flags > 1 || (flags == 1 && (code != 0 || options_->clean_session))) return fail();
  session_present_ = flags == 1;
  connack_code_ = code;
  state_ = code == 0 ? MqttState::connected : MqttState::refused;
  failed_ = code != 0;
  return false;
}

bool MqttSession::finish_publish(Event& event) noexcept {
  const bool qos1 = (first_ & mqtt_flag::qos1) != 0;
  const bool oversize = body_bytes_ > receive_.size();
  std::uint16_t packet_id = 0;
  if (oversize) {
    const std::uint8_t* const kept = receive_.data();
    const std::size_t topic_bytes = mqtt_number(kept);
    packet_id = mqtt_number(kept + 2);
    if (topic_bytes == 0 || 2 + topic_bytes + (qos1 ? 2u : 0u) > body_bytes_ ||
        (qos1 && packet_id == 0))
      return fail();
    ++counters_.oversize;
  } else if (!mqtt_decode_publish(first_, receive_.first(body_bytes_), event.message, packet_id)) {
    return fail();
  }
  if (qos1) mqtt_encode_puback(packet_id, append(puback_bytes));
  event.kind = EventKind::message;
  return !oversize;
}

bool MqttSession::finish_puback(std::uint16_t packet_id, Event& event) noexcept {
  const std::size_t index = find(packet_id, on_wire_);
  if (index == on_wire_) {
    ++counters_.unexpected;
    return false;
  }
  event.token = window_[index].token;
  event.kind = EventKind::acknowledged;
  erase(index);
  --on_wire_;
  if (index == 0) puback_since_ms_ = now_ms_;
  return true;
}

// --- Publications in flight.

/// Index among the first `count`; `count` when it is not there.
std::size_t MqttSession::find(std::uint16_t packet_id, std::size_t count) const noexcept {
  std::size_t index = 0;
  while (index < count && window_[index].packet_id != packet_id) ++index;
  return index;
}

void MqttSession::erase(std::size_t index) noexcept {
  --in_flight_;
  InFlight* const at = window_.data() + index;
  std::memmove(at, at + 1, (in_flight_ - index) * sizeof(InFlight));
}

std::uint16_t MqttSession::free_packet_id() const noexcept {
  std::uint16_t id = last_packet_id_;
  do {
    ++id;
  } while (id == 0 || id == subscribe_id_ || find(id, in_flight_) != in_flight_);
  return id;
}

bool MqttSession::oldest_in_flight(std::uint32_t& token) const noexcept {
  if (in_flight_ == 0) return false;
  token = window_[0].token;
  return true;
}

bool MqttSession::next_resend(std::uint32_t& token) const noexcept {
  if (!is_open() || on_wire_ == in_flight_) return false;
  token = window_[on_wire_].token;
  return true;
}

bool MqttSession::resend(std::string_view topic, std::string_view payload) noexcept {
  if (on_wire_ == in_flight_) return false;
  const InFlight& entry = window_[on_wire_];
  const auto flags =
      static_cast<std::uint8_t>(entry.flags | mqtt_flag::qos1 | mqtt_flag::duplicate);
  if (!append_publish(topic, payload, flags, entry.packet_id)) return false;
  if (on_wire_++ == 0) puback_since_ms_ = now_ms_;
  ++counters_.resent;
  return true;
}

void MqttSession::drop_resend() noexcept {
  if (on_wire_ != in_flight_) erase(on_wire_);
}

// --- Publishing and subscribing.

bool MqttSession::is_open() const noexcept {
  return state_ == MqttState::connected && !failed_ && !disconnecting_;
}

bool MqttSession::accepts(std::string_view topic, std::size_t payload_bytes) const noexcept {
  const std::size_t bytes = mqtt_publish_bytes(topic.size(), payload_bytes, true);
  return bytes != 0 && bytes + send_reserve_bytes <= send_.size() && is_valid_topic(topic);
}

bool MqttSession::append_publish(std::string_view topic, std::string_view payload,
                                 std::uint8_t flags, std::uint16_t packet_id) noexcept {
  const bool qos1 = (flags & mqtt_flag::qos1) != 0;
  std::uint8_t* const out =
      append_with_reserve(mqtt_publish_bytes(topic.size(), payload.size(), qos1));
  if (out == nullptr) return false;
  mqtt_encode_publish(topic, payload, flags, packet_id, out);
  return true;
}

bool MqttSession::publish(std::string_view topic, std::string_view payload, bool retain) noexcept {
  return on_wire_ == in_flight_ &&
         append_publish(topic, payload, retain ? mqtt_flag::retain : 0, 0);
}

bool MqttSession::publish(std::string_view topic, std::string_view payload, std::uint32_t token,
                          bool retain) noexcept {
  if (on_wire_ != in_flight_ || in_flight_ == window_.size()) return false;
  const std::uint16_t packet_id = free_packet_id();
  const std::uint8_t kept = retain ? mqtt_flag::retain : 0;
  const auto flags = static_cast<std::uint8_t>(kept | mqtt_flag::qos1);
  if (!append_publish(topic, payload, flags, packet_id)) return false;
  if (in_flight_ == 0) puback_since_ms_ = now_ms_;
  last_packet_id_ = packet_id;
  window_[in_flight_] = {token, packet_id, kept};
  on_wire_ = ++in_flight_;
  return true;
}

bool MqttSession::subscribe(std::string_view filter, std::uint8_t qos,
                            std::uint16_t& packet_id) noexcept {
  if (subscribe_id_ != 0) return false;
  std::uint8_t* const out = append_with_reserve(mqtt_subscribe_bytes(filter.size()));
  if (out == nullptr) return false;
  start_answer_time();
  packet_id = last_packet_id_ = subscribe_id_ = free_packet_id();
  mqtt_encode_subscribe(filter, qos == 0 ? 0 : 1, packet_id, out);
  return true;
}

bool MqttSession::disconnect() noexcept {
  if (!is_open() || room() < 2) return false;
  start_answer_time();
  append_empty(mqtt_packet::disconnect);
  disconnecting_ = true;
  return true;
}

}  // namespace telemetry::core
