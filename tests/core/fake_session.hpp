// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace telemetry::test {

/// The part of MqttSession that StoreForward needs, and a broker behind it.
class FakeSession {
 public:
  enum class State : std::uint8_t { disconnected, connected };
  struct Delivery {
    std::string payload;
    bool duplicate = false;
  };

  explicit FakeSession(std::size_t window) : window_(window) {}

  [[nodiscard]] State state() const { return connected ? State::connected : State::disconnected; }
  [[nodiscard]] bool accepts(std::string_view topic, std::size_t) const { return !topic.empty(); }
  bool publish(std::string_view topic, std::string_view payload, std::uint32_t token,
               bool = false) {
    if (!connected || waiting_ > 0 || room == 0 || flight_.size() == window_) return false;
    --room;
    flight_.push_back(token);
    deliver(topic, payload, false);
    return true;
  }
  bool next_resend(std::uint32_t& token) const {
    if (!connected || waiting_ == 0) return false;
    token = flight_[flight_.size() - waiting_];
    return true;
  }
  bool resend(std::string_view topic, std::string_view payload) {
    if (!connected || waiting_ == 0 || room == 0) return false;
    --room;
    --waiting_;
    deliver(topic, payload, true);
    return true;
  }
  void drop_resend() {
    flight_.erase(flight_.end() - static_cast<std::ptrdiff_t>(waiting_));
    --waiting_;
    ++dropped;
  }

  void connect() {
    connected = true;
    waiting_ = flight_.size();
    room = SIZE_MAX;
  }
  void disconnect() {
    connected = false;
    waiting_ = 0;
  }
  /// The broker acknowledges the oldest `count` that were sent on this connection.
  template <class Forward>
  std::size_t acknowledge(Forward& forward, std::size_t count = SIZE_MAX, std::size_t from = 0) {
    std::size_t done = 0;
    while (connected && flight_.size() - waiting_ > from && done < count) {
      const auto at = flight_.begin() + static_cast<std::ptrdiff_t>(from);
      const std::uint32_t token = *at;
      flight_.erase(at);
      forward.on_acknowledged(token);
      ++done;
    }
    return done;
  }
  [[nodiscard]] std::size_t in_flight() const { return flight_.size(); }

  /// Payloads as they came, and those that came for the first time.
  [[nodiscard]] std::vector<std::string> payloads() const {
    std::vector<std::string> all;
    for (const Delivery& delivery : deliveries) all.push_back(delivery.payload);
    return all;
  }

  bool connected = false;
  std::size_t room = SIZE_MAX;  // publications that fit the send buffer
  std::size_t dropped = 0;
  std::vector<Delivery> deliveries;

 private:
  void deliver(std::string_view, std::string_view payload, bool duplicate) {
    deliveries.push_back({std::string(payload), duplicate});
  }

  std::size_t window_;
  std::deque<std::uint32_t> flight_;
  std::size_t waiting_ = 0;  // of those in flight: to be sent again, at the end of the queue
};

}  // namespace telemetry::test
