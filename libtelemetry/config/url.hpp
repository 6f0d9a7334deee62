// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace telemetry::config {

/// The parts of "scheme://user:password@host:port/path".
struct Url {
  std::string scheme;  ///< lower case; empty for a bare "host" or "host:port"
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::string host;  ///< an IPv6 address without its brackets
  std::optional<int> port;
  std::string path;  ///< without the leading slash and without a query
};

/// Nothing when the text is not of that form: no host, a port that is none, a bad %-escape.
/// Source: RFC 3986 section 3.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

}  // namespace telemetry::config
