// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace telemetry::testing {

/// Stands between a client and a broker on this machine, and writes down every MQTT packet in the
/// order in which it passes. A packet is written down before it is passed on.
class MqttProxy {
 public:
  /// Packet types. Source: MQTT 5.0 section 2.1.2.
  enum Type : std::uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    disconnect = 14,
    note = 0,  ///< not a packet: written by write_down()
  };
  struct Event {
    int connection = 0;  ///< counts from 1
    bool from_client = false;
    Type type = note;
    std::uint16_t packet = 0;  ///< packet id of PUBLISH (QoS 1), PUBACK
    std::string payload;       ///< of PUBLISH; text of a note
  };

  explicit MqttProxy(std::uint16_t broker_port);
  ~MqttProxy();
  MqttProxy(const MqttProxy&) = delete;
  MqttProxy& operator=(const MqttProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::vector<Event> events();
  void write_down(std::string text);
  /// Ends the present connection and lets no other in until open().
  void cut();
  void open() { open_ = true; }
  /// Sends DISCONNECT with this reason to the client of MQTT 5 and closes the connection.
  void disconnect_with(int reason) { disconnect_reason_ = reason; }

  /// Broker's packets of a new connection wait until this many PUBLISH are among them, and then
  /// pass in one piece.
  std::atomic<int> publishes_held{0};
  std::atomic<bool> refuses_v5{false};    ///< answers as a broker that knows 3.1.1 only
  std::atomic<bool> closes_on_v5{false};  ///< as one that is rude about it
  std::atomic<bool> closes_after_connack{false};
  std::atomic<bool> refuses_subscriptions{false};

 private:
  struct Side;
  void accept_all();
  void serve(int client, int connection);
  /// Takes the whole packets out of `side`. False when the connection is to be closed.
  bool pass(Side& side, int connection, int answer_to, bool& v5);
  bool handle(std::string& packet, bool from_client, int connection, int answer_to, bool& v5);

  std::uint16_t broker_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> open_{true};
  std::atomic<bool> ends_{false};
  std::atomic<int> disconnect_reason_{0};
  std::mutex mutex_;
  std::vector<Event> events_;
  std::thread thread_;
};

}  // namespace telemetry::testing
