// SPDX-License-Identifier: Apache-2.0
#include "adapters/mqtt_proxy.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "adapters/mqtt_bytes.hpp"

namespace telemetry::testing {
struct MqttProxy::Side {
  int from = -1, to = -1;
  bool from_client = false;
  std::string unread;   // bytes of a packet that is not whole yet
  std::string waiting;  // whole packets, held back
  int publishes = 0;
};

MqttProxy::MqttProxy(std::uint16_t broker_port) : broker_port_(broker_port) {
  listener_ = listen_anywhere(port_);
  thread_ = std::thread([this] { accept_all(); });
}

MqttProxy::~MqttProxy() {
  ends_ = true;
  thread_.join();
  ::close(listener_);
}

std::vector<MqttProxy::Event> MqttProxy::events() {
  const std::lock_guard lock(mutex_);
  return events_;
}

void MqttProxy::write_down(std::string text) {
  const std::lock_guard lock(mutex_);
  Event event;
  event.payload = std::move(text);
  events_.push_back(std::move(event));
}

void MqttProxy::cut() { open_ = false; }

void MqttProxy::accept_all() {
  for (int connection = 1; !ends_;) {
    pollfd file{listener_, POLLIN, 0};
    if (::poll(&file, 1, 5) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0 && open_) serve(client, connection++);
    ::close(client);
  }
}

void MqttProxy::serve(int client, int connection) {
  const int broker = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(broker_port_);
  if (::connect(broker, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(broker);
    return;
  }
  const int on = 1;
  ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(broker, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Side sides[2];
  sides[0] = {client, broker, true, {}, {}, 0};
  sides[1] = {broker, client, false, {}, {}, 0};
  bool v5 = false;
  bool alive = true;
  while (alive && open_ && !ends_) {
    if (const int reason = disconnect_reason_.exchange(0); reason != 0) {
      send_all(client, std::string("\xe0\x01") + static_cast<char>(reason));
      break;
    }
    pollfd files[] = {{client, POLLIN, 0}, {broker, POLLIN, 0}};
    if (::poll(files, 2, 5) <= 0) continue;
    for (int i = 0; i < 2 && alive; ++i) {
      if (files[i].revents == 0) continue;
      char bytes[64 * 1024];
      const ssize_t count = ::recv(sides[i].from, bytes, sizeof bytes, 0);
      alive = count > 0;
      if (!alive) break;
      sides[i].unread.append(bytes, static_cast<std::size_t>(count));
      alive = pass(sides[i], connection, client, v5);
    }
  }
  ::close(broker);
}

bool MqttProxy::pass(Side& side, int connection, int answer_to, bool& v5) {
  for (;;) {
    std::size_t body = 1;
    std::size_t length = 0;
    if (!take_length(side.unread, body, length) || side.unread.size() < body + length) break;
    std::string packet = side.unread.substr(0, body + length);
    side.unread.erase(0, body + length);
    const auto type = static_cast<Type>(byte_at(packet, 0) >> 4);
    if (!handle(packet, side.from_client, connection, answer_to, v5)) return false;
    side.publishes += type == publish ? 1 : 0;
    side.waiting += packet;
    if (type == connack && closes_after_connack) {
      send_all(side.to, side.waiting);
      return false;
    }
  }
  if (!side.from_client && side.publishes < publishes_held) return true;
  return send_all(side.to, std::exchange(side.waiting, {}));
}

bool MqttProxy::handle(std::string& packet, bool from_client, int connection, int answer_to,
                       bool& v5) {
  std::size_t at = 1;
  std::size_t length = 0;
  take_length(packet, at, length);
  Event event;
  event.connection = connection;
  event.from_client = from_client;
  event.type = static_cast<Type>(byte_at(packet, 0) >> 4);
  if (event.type == connect) v5 = byte_at(packet, at + 6) == 5;
  if (event.type == puback) event.packet = static_cast<std::uint16_t>(word_at(packet, at));
  if (event.type == publish) {
    at += 2 + word_at(packet, at);
    if ((byte_at(packet, 0) & 6U) != 0) {
      event.packet = static_cast<std::uint16_t>(word_at(packet, at));
      at += 2;
    }
    if (v5) {
      std::size_t properties = 0;
      take_length(packet, at, properties);
      at += properties;
    }
    event.payload = packet.substr(std::min(at, packet.size()));
  }
  if (event.type == suback && refuses_subscriptions) packet.back() = static_cast<char>(0x87);
  const bool refused = event.type == connect && v5 && (refuses_v5 || closes_on_v5);
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  // CONNACK of 3.1.1: unacceptable protocol version. Source: MQTT 3.1.1 section 3.2.
  if (refused && refuses_v5) send_all(answer_to, std::string("\x20\x02\x00\x01", 4));
  return !refused;
}

}  // namespace telemetry::testing
