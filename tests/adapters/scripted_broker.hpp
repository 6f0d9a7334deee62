// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace telemetry::testing {

/// A broker that answers each packet as a test says, byte by byte. One connection at a time.
class ScriptedBroker {
 public:
  /// What a client has sent.
  struct Packet {
    int connection = 0;      ///< counts from 1
    bool v5 = false;         ///< as its CONNECT said
    std::uint8_t first = 0;  ///< type and flags
    std::string body;

    [[nodiscard]] int type() const noexcept { return first >> 4; }
    /// Of SUBSCRIBE, UNSUBSCRIBE, PUBACK: the packet id as its two bytes.
    [[nodiscard]] std::string id() const { return body.substr(0, 2); }
    /// Of SUBSCRIBE.
    [[nodiscard]] std::vector<std::string> filters() const;
    [[nodiscard]] bool asks_for(const std::string& filter) const;
  };
  struct Answer {
    std::string bytes;
    bool closes = false;
  };
  /// Called in the broker's thread.
  using Script = std::function<Answer(const Packet&)>;

  explicit ScriptedBroker(Script script);
  ~ScriptedBroker();
  ScriptedBroker(const ScriptedBroker&) = delete;
  ScriptedBroker& operator=(const ScriptedBroker&) = delete;

  /// Accepts, grants what is asked for and answers pings, as a good broker of either version.
  [[nodiscard]] static Answer polite(const Packet& packet);
  /// PUBLISH with QoS 0 for a client of MQTT 5.
  [[nodiscard]] static std::string publish_v5(const std::string& topic, const std::string& payload);
  /// CONNECT of MQTT 5, of 3.1.1; SUBSCRIBE.
  static constexpr int connect = 1, subscribe = 8;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// To the client that is connected, or to the next one.
  void send(const std::string& bytes);
  void close_connection() { closes_ = true; }
  [[nodiscard]] std::vector<Packet> packets();
  /// Versions of all CONNECT: "5", "5 4", ...
  [[nodiscard]] std::string versions();
  [[nodiscard]] std::size_t count(const std::function<bool(const Packet&)>& matches);
  [[nodiscard]] bool wait_for(std::size_t count, const std::function<bool(const Packet&)>& matches);

 private:
  void accept_all();
  void serve(int client, int connection);
  bool answer(std::string& unread, int client, int connection, bool& v5);

  Script script_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> ends_{false}, closes_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Packet> packets_;
  std::string to_send_;
  std::thread thread_;
};

}  // namespace telemetry::testing
