// SPDX-License-Identifier: Apache-2.0
#include "proxies.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "target.hpp"

namespace telemetry::web {
namespace {

using Bytes = std::array<std::uint8_t, 16>;
constexpr unsigned mapped_bits = 96;

std::optional<Bytes> parse_address(std::string_view given) {
  const std::string text(given);
  Bytes out{};
  if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
  out[10] = out[11] = 0xff;
  if (::inet_pton(AF_INET, text.c_str(), out.data() + 12) == 1) return out;
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// "192.0.2.1:4711", "[2001:db8::1]:4711", or without port.
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  return std::ranges::count(text, ':') == 1 ? text.substr(0, text.find(':')) : text;
}

/// All entries of all headers of this name, the last first.
std::vector<std::string_view> from_the_last(const Request& request, std::string_view name) {
  std::vector<std::string_view> out;
  for (const Request::Header& header : request.headers) {
    if (!is_same_name(header.name, name)) continue;
    std::string_view rest = header.value;
    for (;;) {
      const std::size_t comma = rest.find(',');
      out.push_back(trimmed(rest.substr(0, comma)));
      if (comma == rest.npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace

core::Result<Proxies, std::string> Proxies::parse(const std::vector<std::string>& networks) {
  Proxies out;
  for (const std::string& text : networks) {
    const std::string_view view = text;
    const std::size_t slash = view.find('/');
    const auto address = parse_address(view.substr(0, slash));
    if (!address) return text;
    const bool is_v4 = view.find(':') == view.npos;
    unsigned bits = is_v4 ? 32 : 128;
    if (slash != view.npos) {
      const char* const end = view.data() + view.size();
      unsigned given = 0;
      const auto read = std::from_chars(view.data() + slash + 1, end, given);
      if (read.ec != std::errc() || read.ptr != end || given > bits) return text;
      bits = given;
    }
    out.networks_.push_back({*address, is_v4 ? bits + mapped_bits : bits});
  }
  return out;
}

bool Proxies::contain(const Address& address) const noexcept {
  return std::ranges::any_of(networks_, [&](const Network& network) {
    const unsigned bytes = network.bits / 8, bits = network.bits % 8;
    if (!std::equal(address.begin(), address.begin() + bytes, network.address.begin()))
      return false;
    return bits == 0 || (address[bytes] ^ network.address[bytes]) >> (8 - bits) == 0;
  });
}

Client Proxies::client_of(const Request& request) const {
  Client client{std::string(request.peer), request.secure};
  auto address = networks_.empty() ? std::nullopt : parse_address(request.peer);
  if (!address || !contain(*address)) return client;
  if (const auto protocols = from_the_last(request, "X-Forwarded-Proto"); !protocols.empty())
    client.secure = is_same_name(protocols.front(), "https");
  for (const std::string_view entry : from_the_last(request, "X-Forwarded-For")) {
    std::string_view text = without_port(entry);
    text = text.substr(0, text.find('%'));  // of a link
    address = parse_address(text);
    client.address = address ? text : "unknown";  // but not the proxy: it asks for somebody else
    if (!address) break;
    if (!contain(*address)) break;
  }
  return client;
}

}  // namespace telemetry::web
