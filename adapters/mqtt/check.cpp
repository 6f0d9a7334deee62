// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <mosquitto.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "options.hpp"
#include "telemetry/message.hpp"

namespace telemetry::mqtt {
namespace {

/// Letters, digits, '-' and '_' only: what every broker takes.
std::string plain(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (const char c : text.substr(0, bytes_max)) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    out.push_back(keep ? c : '-');
  }
  return out;
}

std::optional<std::string> unreadable(const std::string& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return std::nullopt;
  return errno_text(errno);
}

void check_tls(const MqttOptions& options, const Where& where, std::vector<std::string>& out) {
  const MqttTls& tls = options.tls;
  const std::pair<std::string_view, const std::string&> files[] = {{"tls.ca_file", tls.ca_file},
                                                                   {"tls.cert_file", tls.cert_file},
                                                                   {"tls.key_file", tls.key_file}};
  for (const auto& [key, path] : files) {
    if (path.empty()) continue;
    if (!tls.enabled) {
      out.push_back(
          fmt::format("{}: set, but TLS is off; set tls.enabled: true or remove it", where(key)));
    } else if (const auto reason = unreadable(path)) {
      out.push_back(fmt::format("{}: cannot read '{}': {}; give a PEM file that this user may read",
                                where(key), path, *reason));
    }
  }
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    const bool no_key = tls.key_file.empty();
    out.push_back(fmt::format("{}: a client certificate needs both files; set {}",
                              where(no_key ? "tls.cert_file" : "tls.key_file"),
                              no_key ? "tls.key_file" : "tls.cert_file"));
  }
  if (tls.min_version != "1.2" && tls.min_version != "1.3") {
    out.push_back(
        fmt::format("{}: '{}' is not 1.2 or 1.3", where("tls.min_version"), tls.min_version));
  }
}

void check_topics(const MqttOptions& options, const Where& where, std::vector<std::string>& out) {
  if (options.topics.empty()) {
    out.push_back(
        fmt::format("{}: no topic to subscribe to; list at least one, for example "
                    "{{topic: \"sensors/#\", qos: 1}}",
                    where("topics")));
  }
  std::vector<std::string_view> seen;
  for (const Subscription& topic : options.topics) {
    if (mosquitto_sub_topic_check(topic.filter.c_str()) != MOSQ_ERR_SUCCESS) {
      out.push_back(
          fmt::format("{}: '{}' is not a topic filter; + and # stand alone in a level, "
                      "# only at the end",
                      where("topics"), topic.filter));
    }
    if (topic.qos > 2) {
      out.push_back(fmt::format("{}: QoS {} of '{}' is not 0, 1 or 2", where("topics"), topic.qos,
                                topic.filter));
    }
    if (std::find(seen.begin(), seen.end(), topic.filter) != seen.end()) {
      out.push_back(
          fmt::format("{}: '{}' stands there twice; remove one", where("topics"), topic.filter));
    }
    seen.push_back(topic.filter);
  }
}

void check_session(const MqttOptions& options, const Where& where, std::vector<std::string>& out) {
  if (options.persistent_session && options.session_expiry_s == 0) {
    out.push_back(
        fmt::format("{}: 0 makes the broker forget the session that persistent_session "
                    "asks for; give a time such as 7d, or set persistent_session: false",
                    where("session_expiry")));
  }
  if (options.receive_maximum == 0) {
    out.push_back(fmt::format("{}: 0 would let no message through; give 1 to 65535",
                              where("receive_maximum")));
  }
}

}  // namespace

std::vector<std::string> contradictions(const MqttOptions& options, MqttUse use,
                                        const Where& where) {
  std::vector<std::string> out;
  if (options.broker.empty()) out.push_back(fmt::format("{}: empty; name a host", where("broker")));
  if (options.port == 0) out.push_back(fmt::format("{}: 0 is no port", where("port")));
  if (options.client_id.size() > 256 ||
      mosquitto_validate_utf8(options.client_id.c_str(),
                              static_cast<int>(options.client_id.size())) != MOSQ_ERR_SUCCESS) {
    out.push_back(fmt::format("{}: must be UTF-8 of at most 256 bytes", where("client_id")));
  }
  if (options.username.empty() && !options.password.empty()) {
    out.push_back(
        fmt::format("{}: a password without a user name; set username", where("password")));
  }
  if (options.keepalive_s != 0 && options.keepalive_s < 5) {
    out.push_back(fmt::format("{}: must be 0 or at least 5 s", where("keepalive")));
  }
  if (options.reconnect_min_ns <= 0 || options.reconnect_max_ns < options.reconnect_min_ns) {
    out.push_back(fmt::format("{}: must not be below reconnect_min", where("reconnect_max")));
  }
  check_tls(options, where, out);
  if (use == MqttUse::subscribe) {
    check_topics(options, where, out);
    check_session(options, where, out);
  } else if (options.in_flight_max == 0) {
    out.push_back(fmt::format("{}: 0 would let no message through", where("in_flight_max")));
  }
  return out;
}

Result<void> check_topics(const MqttOptions& options) {
  std::vector<std::string> found;
  check_topics(
      options, [&](std::string_view key) { return fmt::format("{}.{}", options.section, key); },
      found);
  if (found.empty()) return {};
  return Error{Errc::invalid_argument, fmt::format("{}", fmt::join(found, "; "))};
}

Result<void> check(const MqttOptions& options, MqttUse use) {
  const auto found = contradictions(options, use, [&](std::string_view key) {
    return fmt::format("{}.{}", options.section, key);
  });
  if (found.empty()) return {};
  return Error{Errc::invalid_argument, fmt::format("{}", fmt::join(found, "; "))};
}

std::string fixed_client_id(std::string_view program, std::string_view identity) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  const std::string_view name = host[0] == '\0' ? std::string_view{"host"} : host;
  return fmt::format("{}-{}-{:08x}", plain(program, 20), plain(name, 32),
                     static_cast<std::uint32_t>(hash64(identity)));
}

}  // namespace telemetry::mqtt
