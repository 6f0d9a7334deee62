// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>

/// What the proxy and the scripted broker share: sockets of this machine, and MQTT's bytes.
namespace telemetry::testing {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A socket that listens on a free port.
inline int listen_anywhere(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener, 16) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the test cannot listen");
  }
  port = ntohs(address.sin_port);
  return listener;
}

inline bool send_all(int socket, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

inline std::uint8_t byte_at(const std::string& bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<std::uint8_t>(bytes[i]) : 0;
}

inline std::size_t word_at(const std::string& bytes, std::size_t i) {
  return static_cast<std::size_t>(byte_at(bytes, i)) << 8 | byte_at(bytes, i + 1);
}

/// Variable byte integer at `i`; moves `i` behind it. False when it is not all there.
inline bool take_length(const std::string& bytes, std::size_t& i, std::size_t& value) {
  value = 0;
  for (unsigned shift = 0; shift <= 21; shift += 7) {
    if (i >= bytes.size()) return false;
    const std::uint8_t byte = byte_at(bytes, i++);
    value |= static_cast<std::size_t>(byte & 127U) << shift;
    if ((byte & 128U) == 0) return true;
  }
  return false;
}

}  // namespace telemetry::testing
