// SPDX-License-Identifier: Apache-2.0
// First bytes: sizes of the buffers; then a script of what the caller, the transport and the broker
// do, with the broker's bytes in it. Whatever they are: what the session sends is well-formed, no
// PUBACK is lost or invented, what is in flight goes out again with its own packet id, and it makes
// no difference how the broker's bytes are cut.
#include "telemetry/core/mqtt_session.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "telemetry/core/topic.hpp"

namespace {

using namespace telemetry::core;

std::uint16_t two_bytes(std::string_view text, std::size_t at) {
  return mqtt_number(reinterpret_cast<const std::uint8_t*>(text.data()) + at);
}

/// Takes the first whole packet off `stream`. @returns false when there is none
bool take_packet(std::string& stream, std::uint8_t& first, std::string& body) {
  std::size_t at = 1, bytes = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (at >= stream.size()) return false;
    if (shift == 28) {  // no length: what follows is not a packet
      stream.clear();
      return false;
    }
    const auto byte = static_cast<std::uint8_t>(stream[at++]);
    bytes |= std::size_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) break;
  }
  if (stream.size() - at < bytes) return false;
  first = static_cast<std::uint8_t>(stream[0]);
  body = stream.substr(at, bytes);
  stream.erase(0, at + bytes);
  return true;
}

class Script {
 public:
  Script(std::string_view script, bool byte_by_byte)
      : script_(script),
        byte_by_byte_(byte_by_byte),
        receive_(4 + next() % 64u),
        send_(23 + next() % 64u),
        window_(1 + next() % 4u),
        options_{.client_id = "c",
                 .keepalive_s = static_cast<std::uint16_t>(next() % 8),
                 .clean_session = next() % 2 == 0,
                 .response_timeout_ms = 2000},
        session_(options_, receive_, send_, window_) {
    open();
  }

  /// @returns all that came out
  std::string run() {
    while (!script_.empty()) {
      step(next());
      check();
    }
    const auto& counters = session_.counters();
    for (const std::uint32_t count : {counters.oversize, counters.malformed, counters.timeouts,
                                      counters.unexpected, counters.resent, counters.pings})
      output_ += "," + std::to_string(count);
    return output_;
  }

  void on_message(const MqttMessage& message) {
    const auto* const begin = reinterpret_cast<const char*>(receive_.data());
    const char* const end = begin + receive_.size();
    for (const std::string_view view : {message.topic, message.payload})
      TELEMETRY_FUZZ_CHECK(view.data() >= begin && view.data() + view.size() <= end);
    TELEMETRY_FUZZ_CHECK(is_valid_topic(message.topic) && message.qos <= 1);
    TELEMETRY_FUZZ_CHECK(message.qos == 1 || !message.duplicate);
    output_.append("message ").append(message.topic).append(" ").append(message.payload);
  }
  void on_acknowledged(std::uint32_t token) {
    const auto at = std::find(in_flight_.begin(), in_flight_.end(), token);
    const auto index = static_cast<std::size_t>(at - in_flight_.begin());
    TELEMETRY_FUZZ_CHECK(index < on_wire_);
    in_flight_.erase(at);
    --on_wire_;
    ids_.erase(token);
    output_ += "acknowledged " + std::to_string(token);
  }
  void on_subscribed(std::uint16_t packet_id, std::uint8_t code) {
    TELEMETRY_FUZZ_CHECK(packet_id == subscribe_id_ && packet_id != 0);
    TELEMETRY_FUZZ_CHECK(code <= 1 || code == 0x80);
    subscribe_id_ = 0;
    output_ += "subscribed";
  }

 private:
  std::uint8_t next() {
    if (script_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(script_[0]);
    script_.remove_prefix(1);
    return byte;
  }

  void step(std::uint8_t what) {
    std::uint32_t token = 0;
    switch (what % 12) {
      case 0:
      case 1:
      case 2: {
        const auto bytes = script_.substr(0, next() % 80u);
        script_.remove_prefix(std::min(script_.size(), bytes.size()));
        pending_ += bytes;
        receive();
        break;
      }
      case 3:
        session_.poll(now_ += next() * 50u);
        break;
      case 4:
        send(next());
        break;
      case 5: {
        const std::string payload(next() % 32u, 'x');
        const bool sent = session_.publish("t", payload, (what & 0x80) != 0);
        TELEMETRY_FUZZ_CHECK(!sent || on_wire_ == in_flight_.size());
        break;
      }
      case 6:
      case 7:
        if (session_.publish("t", payload_of(token_), token_, token_ % 3 == 0)) {
          TELEMETRY_FUZZ_CHECK(on_wire_ == in_flight_.size());
          in_flight_.push_back(token_++);
          ++on_wire_;
        }
        break;
      case 8:
        if (session_.next_resend(token)) {
          TELEMETRY_FUZZ_CHECK(on_wire_ < in_flight_.size() && in_flight_[on_wire_] == token);
          if (session_.resend("t", payload_of(token))) ++on_wire_;
        }
        break;
      case 9:
        if (session_.subscribe("f", next(), subscribe_id_))
          TELEMETRY_FUZZ_CHECK(subscribe_id_ != 0);
        break;
      case 10:
        open();
        break;
      default:
        end(next());
    }
  }

  void end(std::uint8_t how) {
    if (how % 3 == 0) {
      disconnected_ = session_.disconnect() || disconnected_;
    } else if (how % 3 == 1) {
      session_.close();
      forget_connection();
    } else {
      if (on_wire_ < in_flight_.size()) {
        ids_.erase(in_flight_[on_wire_]);
        in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(on_wire_));
      }
      session_.drop_resend();
    }
  }

  static std::string payload_of(std::uint32_t token) { return "#" + std::to_string(token); }

  void open() {
    forget_connection();
    TELEMETRY_FUZZ_CHECK(session_.open(now_));
  }

  void forget_connection() {
    output_ += "|";
    pending_.clear();
    input_.clear();
    wire_.clear();
    acknowledged_.clear();
    on_wire_ = 0;
    subscribe_id_ = 0;
    disconnected_ = false;
    first_ = true;
  }

  void receive() {
    while (!pending_.empty()) {
      const std::size_t offered = byte_by_byte_ ? 1 : pending_.size();
      const std::size_t taken = session_.receive(
          {reinterpret_cast<const std::uint8_t*>(pending_.data()), offered}, now_, *this);
      TELEMETRY_FUZZ_CHECK(taken <= offered);
      TELEMETRY_FUZZ_CHECK(taken == offered || session_.to_send().size() + 8 > send_.size());
      input_ += pending_.substr(0, taken);
      pending_.erase(0, taken);
      if (taken != offered) break;
    }
  }

  void send(std::size_t most) {
    const auto queued = session_.to_send();
    const std::size_t count = std::min(queued.size(), most);
    wire_.append(reinterpret_cast<const char*>(queued.data()), count);
    session_.sent(count);
    std::uint8_t first = 0;
    std::string body;
    while (take_packet(wire_, first, body)) judge(first, body);
  }

  /// One packet that the session sent.
  void judge(std::uint8_t first, const std::string& body) {
    output_ += "sent " + std::to_string(first) + body;
    TELEMETRY_FUZZ_CHECK(first_ == (first == 0x10));
    first_ = false;
    if (first == 0x40) {
      TELEMETRY_FUZZ_CHECK(body.size() == 2);
      acknowledged_.push_back(two_bytes(body, 0));
    } else if (first == 0x82) {
      TELEMETRY_FUZZ_CHECK(body.size() == 6 && two_bytes(body, 0) != 0 && body[5] <= 1);
    } else if ((first & 0xF6) == 0x32) {
      TELEMETRY_FUZZ_CHECK(body.size() > 6 && body.substr(0, 3) == std::string("\0\1t", 3));
      const std::uint16_t id = two_bytes(body, 3);
      const auto token = static_cast<std::uint32_t>(std::stoul(body.substr(6)));
      TELEMETRY_FUZZ_CHECK(id != 0 && ((first & 1) != 0) == (token % 3 == 0));
      const auto known = ids_.find(token);
      TELEMETRY_FUZZ_CHECK(known == ids_.end() || (known->second == id && (first & 8) != 0));
      // An acknowledged one may still lie in the send buffer of a broker that lies.
      if (std::find(in_flight_.begin(), in_flight_.end(), token) == in_flight_.end()) return;
      for (const auto& [other, other_id] : ids_)
        TELEMETRY_FUZZ_CHECK(other == token || other_id != id);
      ids_[token] = id;
    } else {
      TELEMETRY_FUZZ_CHECK(first == 0x10 || (first & 0xFE) == 0x30 || first == 0xC0 ||
                           first == 0xE0);
    }
  }

  /// The PUBACKs owed for what was taken.
  std::vector<std::uint16_t> owed() const {
    std::vector<std::uint16_t> ids;
    std::string stream = input_, body;
    std::uint8_t first = 0;
    while (take_packet(stream, first, body)) {
      if ((first & 0xF6) != 0x32) continue;
      const std::size_t topic = two_bytes(body, 0);
      ids.push_back(two_bytes(body, 2 + topic));
    }
    return ids;
  }

  void check() {
    TELEMETRY_FUZZ_CHECK(session_.in_flight() == in_flight_.size());
    TELEMETRY_FUZZ_CHECK(in_flight_.size() <= window_.size());
    std::uint32_t token = 0;
    TELEMETRY_FUZZ_CHECK(session_.oldest_in_flight(token) == !in_flight_.empty());
    TELEMETRY_FUZZ_CHECK(in_flight_.empty() || token == in_flight_.front());
    TELEMETRY_FUZZ_CHECK(session_.to_send().size() <= send_.size());
    if (session_.wants_close()) {
      TELEMETRY_FUZZ_CHECK(session_.to_send().empty());
      TELEMETRY_FUZZ_CHECK(!session_.publish("t", "x") && !session_.publish("t", "x", 0u));
    } else if (session_.state() == MqttState::connected && !disconnected_) {
      std::vector<std::uint16_t> all = acknowledged_;
      std::string queued = wire_, body;
      const auto rest = session_.to_send();
      queued.append(reinterpret_cast<const char*>(rest.data()), rest.size());
      std::uint8_t first = 0;
      while (take_packet(queued, first, body)) {
        if (first == 0x40) all.push_back(two_bytes(body, 0));
      }
      TELEMETRY_FUZZ_CHECK(all == owed());
    }
  }

  std::string_view script_;
  const bool byte_by_byte_;
  std::vector<std::uint8_t> receive_, send_;
  std::vector<MqttSession::InFlight> window_;
  const MqttOptions options_;
  MqttSession session_;
  std::uint32_t now_ = 0xFFFF'FF00u, token_ = 0;
  std::string output_;
  std::string pending_;  // sent by the broker, not taken yet
  std::string input_;    // taken on this connection
  std::string wire_;     // sent on this connection, not a whole packet yet
  bool first_ = true, disconnected_ = false;
  std::uint16_t subscribe_id_ = 0;
  std::vector<std::uint16_t> acknowledged_;
  std::vector<std::uint32_t> in_flight_;
  std::size_t on_wire_ = 0;
  std::map<std::uint32_t, std::uint16_t> ids_;  // of what is in flight and was seen on the wire
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(data, size);
  if (text.size() > 4096) return 0;
  TELEMETRY_FUZZ_CHECK(Script(text, false).run() == Script(text, true).run());
  return 0;
}
