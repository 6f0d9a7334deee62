// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/web.hpp"

namespace telemetry::web {

/// Who asks through a proxy that may say so.
struct Client {
  std::string address;
  bool secure = false;
};

/// The proxies whose X-Forwarded-For and X-Forwarded-Proto count. Thread: any.
class Proxies {
 public:
  /// Errors: the first text that is neither an address nor a network ("10.0.0.0/8", "::1").
  [[nodiscard]] static core::Result<Proxies, std::string> parse(
      const std::vector<std::string>& networks);
  /// The peer; behind a trusted proxy the nearest address that is none of a trusted proxy.
  [[nodiscard]] Client client_of(const Request& request) const;

 private:
  using Address = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  struct Network {
    Address address;
    unsigned bits;
  };
  [[nodiscard]] bool contain(const Address& address) const noexcept;

  std::vector<Network> networks_;
};

}  // namespace telemetry::web
