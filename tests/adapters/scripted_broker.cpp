// SPDX-License-Identifier: Apache-2.0
#include "adapters/scripted_broker.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "adapters/mqtt_bytes.hpp"

namespace telemetry::testing {

std::vector<std::string> ScriptedBroker::Packet::filters() const {
  std::vector<std::string> out;
  std::size_t at = 2;
  std::size_t properties = 0;
  if (v5 && take_length(body, at, properties)) at += properties;
  while (at + 2 < body.size()) {
    const std::size_t bytes = word_at(body, at);
    out.push_back(body.substr(at + 2, bytes));
    at += 2 + bytes + 1;
  }
  return out;
}

bool ScriptedBroker::Packet::asks_for(const std::string& filter) const {
  const auto all = filters();
  return type() == subscribe && std::find(all.begin(), all.end(), filter) != all.end();
}

ScriptedBroker::ScriptedBroker(Script script)
    : script_(std::move(script)),
      listener_(listen_anywhere(port_)),
      thread_([this] { accept_all(); }) {}

ScriptedBroker::~ScriptedBroker() {
  ends_ = true;
  thread_.join();
  ::close(listener_);
}

/// Source: MQTT 3.1.1 and 5.0, sections 3.2, 3.4, 3.9, 3.11 and 3.13.
ScriptedBroker::Answer ScriptedBroker::polite(const Packet& packet) {
  switch (packet.type()) {
    case connect:
      return {packet.v5 ? std::string("\x20\x03\x00\x00\x00", 5)
                        : std::string("\x20\x02\x00\x00", 4)};
    case subscribe: {
      const std::string codes(packet.filters().size(), '\x01');
      const std::string body = packet.id() + (packet.v5 ? std::string(1, '\0') : "") + codes;
      return {std::string("\x90") + static_cast<char>(body.size()) + body};
    }
    case 10:
      return {packet.v5 ? std::string("\xb0\x04") + packet.id() + std::string(2, '\0')
                        : std::string("\xb0\x02") + packet.id()};
    case 12:
      return {std::string("\xd0\x00", 2)};
    default:
      return {};
  }
}

std::string ScriptedBroker::publish_v5(const std::string& topic, const std::string& payload) {
  const std::string body = std::string(1, '\0') + static_cast<char>(topic.size()) + topic +
                           std::string(1, '\0') + payload;
  return std::string("\x30") + static_cast<char>(body.size()) + body;
}

void ScriptedBroker::send(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  to_send_ += bytes;
}

std::vector<ScriptedBroker::Packet> ScriptedBroker::packets() {
  const std::lock_guard lock(mutex_);
  return packets_;
}

std::string ScriptedBroker::versions() {
  std::string out;
  for (const Packet& packet : packets()) {
    if (packet.type() != connect) continue;
    out += (out.empty() ? "" : " ") + std::to_string(byte_at(packet.body, 6));
  }
  return out;
}

std::size_t ScriptedBroker::count(const std::function<bool(const Packet&)>& matches) {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(packets_.begin(), packets_.end(), matches));
}

bool ScriptedBroker::wait_for(std::size_t count,
                              const std::function<bool(const Packet&)>& matches) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
    return std::count_if(packets_.begin(), packets_.end(), matches) >=
           static_cast<std::ptrdiff_t>(count);
  });
}

void ScriptedBroker::accept_all() {
  for (int connection = 1; !ends_;) {
    pollfd file{listener_, POLLIN, 0};
    if (::poll(&file, 1, 5) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) serve(client, connection++);
    ::close(client);
  }
}

void ScriptedBroker::serve(int client, int connection) {
  std::string unread;
  bool v5 = false;
  while (!ends_ && !closes_.exchange(false)) {
    std::string mine;
    {
      const std::lock_guard lock(mutex_);
      mine = std::exchange(to_send_, {});
    }
    if (!send_all(client, mine)) return;
    pollfd file{client, POLLIN, 0};
    if (::poll(&file, 1, 5) <= 0) continue;
    char bytes[16 * 1024];
    const ssize_t count = ::recv(client, bytes, sizeof bytes, 0);
    if (count <= 0) return;
    unread.append(bytes, static_cast<std::size_t>(count));
    if (!answer(unread, client, connection, v5)) return;
  }
}

/// False when the connection is to be closed.
bool ScriptedBroker::answer(std::string& unread, int client, int connection, bool& v5) {
  for (;;) {
    std::size_t head = 1;
    std::size_t length = 0;
    if (!take_length(unread, head, length) || unread.size() < head + length) return true;
    Packet packet;
    packet.connection = connection;
    packet.first = byte_at(unread, 0);
    packet.body = unread.substr(head, length);
    unread.erase(0, head + length);
    if (packet.type() == connect) v5 = byte_at(packet.body, 6) == 5;
    packet.v5 = v5;
    const Answer answer = script_(packet);
    {
      const std::lock_guard lock(mutex_);
      packets_.push_back(std::move(packet));
      changed_.notify_all();
    }
    if (!send_all(client, answer.bytes) || answer.closes) return false;
  }
}

}  // namespace telemetry::testing
