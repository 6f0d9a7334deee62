// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace telemetry::web {
namespace {

/// "localhost:8080" without its port.
std::string_view host_of(std::string_view header) {
  if (header.starts_with('[')) return header.substr(0, header.find(']') + 1);
  return header.substr(0, header.find(':'));
}

bool is_own_name(std::string_view name) {
  std::string host(name);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

/// One client may have 2^64 addresses of IPv6: its network counts.
std::string client_of(std::string_view address) {
  in6_addr parsed{};
  const std::string text(address);
  if (::inet_pton(AF_INET6, text.c_str(), &parsed) != 1) return text;
  constexpr std::size_t network_bytes = 8;
  return {reinterpret_cast<const char*>(parsed.s6_addr), network_bytes};
}

}  // namespace

bool is_loopback(std::string_view host) {
  const std::string text(host);
  in_addr parsed{};
  constexpr std::uint32_t net = 127;
  if (::inet_pton(AF_INET, text.c_str(), &parsed) == 1) return ntohl(parsed.s_addr) >> 24 == net;
  return text == "localhost" || text == "::1";
}

bool is_health(std::string_view target) noexcept {
  const std::string_view path = target.substr(0, target.find('?'));
  for (const std::string_view one :
       {"/livez", "/readyz", "/health", "/health/live", "/health/ready"}) {
    if (path == one) return true;
  }
  return false;
}

std::optional<Problem> Guard::refusal(const Request& request) {
  if (auto refused = host_refusal(request)) return refused;
  // A supervisor on this machine must hear the truth, whoever else asks too much.
  if (is_health(request.target)) return std::nullopt;
  return rate_refusal(request.peer);
}

/// Without sign-in only this machine is answered, and only under its own names: a page of the web
/// could give a name of its own this machine's address.
std::optional<Problem> Guard::host_refusal(const Request& request) const {
  if (options_.allow_insecure || options_.authenticator) return std::nullopt;
  if (!is_loopback(request.peer)) {
    return Problem{403, "only_this_machine",
                   "nobody signs in here, so only programs on this machine are answered"};
  }
  if (is_own_name(host_of(request.header("Host")))) return std::nullopt;
  return Problem{421, "unknown_host",
                 fmt::format("'{}' is no name of this machine; write localhost or 127.0.0.1",
                             printable(request.header("Host")))};
}

// A bucket of two seconds' requests for each client.
std::optional<Problem> Guard::rate_refusal(std::string_view peer) {
  const double rate = options_.requests_per_s;
  if (rate <= 0) return std::nullopt;
  const double room = std::max(1.0, 2 * rate);
  const std::int64_t now = clock_.monotonic();
  const std::scoped_lock lock(mutex_);
  if (clients_.size() >= clients_max) {  // those whose buckets are full again are as good as new
    std::erase_if(clients_, [&](const auto& one) {
      return static_cast<double>(now - one.second.filled_at) / 1e9 * rate >= room;
    });
    if (clients_.size() >= clients_max) clients_.clear();
  }
  const auto [client, fresh] = clients_.try_emplace(client_of(peer), Bucket{room, now});
  Bucket& bucket = client->second;
  const double gained = static_cast<double>(now - bucket.filled_at) / 1e9 * rate;
  bucket.tokens = std::min(room, bucket.tokens + gained);
  bucket.filled_at = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  Problem problem{429, "too_many_requests",
                  fmt::format("more than {} requests per second come from this address "
                              "(web.api.rate_limit)",
                              rate)};
  problem.retry_after_s = std::max<std::int64_t>(1, std::llround((1 - bucket.tokens) / rate));
  return problem;
}

core::Result<Guard::Place, Problem> Guard::enter(std::string_view name, std::string_view address) {
  std::string client = fmt::format("{}\n{}", name, client_of(address));
  const std::scoped_lock lock(mutex_);
  if (exports_ == exports_max) {
    return Problem{
        503,
        "too_many_exports",
        fmt::format("{} exports are under way, which is the limit; try again later", exports_max),
        {},
        10};
  }
  std::size_t& of_client = exports_of_[client];
  if (of_client == exports_of_client_max) {
    return Problem{429,
                   "too_many_exports",
                   fmt::format("{} exports of yours are under way, which is the limit; try again "
                               "when one is done",
                               exports_of_client_max),
                   {},
                   10};
  }
  ++of_client;
  ++exports_;
  return Place(*this, std::move(client));
}

void Guard::leave(const std::string& client) {
  const std::scoped_lock lock(mutex_);
  --exports_;
  const auto found = exports_of_.find(client);
  if (--found->second == 0) exports_of_.erase(found);
}

std::string_view Guard::allowed_origin(const Request& request) const {
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return {};
  for (const std::string& allowed : options_.cors_origins) {
    if (allowed == origin) return origin;
    if (allowed == "*") return "*";
  }
  return {};
}

bool is_own_page(const Request& request, const Config& config) {
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return true;  // no browser
  const std::string_view host = request.header("Host");
  if (origin == fmt::format("http://{}", host) || origin == fmt::format("https://{}", host)) {
    return true;
  }
  const auto origins = config.text_list("web.cors_origins");
  return std::ranges::find(origins, origin) != origins.end();
}

}  // namespace telemetry::web
