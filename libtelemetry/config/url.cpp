// SPDX-License-Identifier: Apache-2.0
#include "config/url.hpp"

#include <charconv>

namespace telemetry::config {
namespace {

bool decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const char* end = text.data() + i + 3;
    if (i + 2 >= text.size() || std::from_chars(text.data() + i + 1, end, value, 16).ptr != end) {
      return false;
    }
    out += static_cast<char>(value);
    i += 2;
  }
  return true;
}

bool parse_port(std::string_view text, std::optional<int>& port) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  if (value < 1 || value > 65'535) return false;
  port = value;
  return true;
}

bool parse_user(std::string_view text, Url& url) {
  const std::size_t colon = text.find(':');
  if (!decode(text.substr(0, colon), url.user.emplace())) return false;
  return colon == std::string_view::npos || decode(text.substr(colon + 1), url.password.emplace());
}

bool parse_host(std::string_view text, bool has_scheme, Url& url) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && (text[0] != ':' || !parse_port(text.substr(1), url.port))) return false;
    return !url.host.empty();
  }
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && !has_scheme && text.find(':') != colon) {
    url.host = text;  // a bare IPv6 address
    return true;
  }
  url.host = text.substr(0, colon);
  if (colon != std::string_view::npos && !parse_port(text.substr(colon + 1), url.port))
    return false;
  return !url.host.empty();
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  for (char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return std::nullopt;
  }
  const std::size_t scheme_end = text.find("://");
  const bool has_scheme = scheme_end != std::string_view::npos;
  if (!has_scheme && text.find('@') != std::string_view::npos) return std::nullopt;
  if (has_scheme) {
    for (char c : text.substr(0, scheme_end)) {
      url.scheme += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    text.remove_prefix(scheme_end + 3);
    const std::size_t path = text.find_first_of("/?#");
    if (path != std::string_view::npos && text[path] == '/') {
      const std::string_view rest = text.substr(path + 1);
      if (!decode(rest.substr(0, rest.find_first_of("?#")), url.path)) return std::nullopt;
    }
    text = text.substr(0, path);
    const std::size_t at = text.rfind('@');
    if (at != std::string_view::npos) {
      if (!parse_user(text.substr(0, at), url)) return std::nullopt;
      text.remove_prefix(at + 1);
    }
  }
  if (!parse_host(text, has_scheme, url)) return std::nullopt;
  return url;
}

}  // namespace telemetry::config
