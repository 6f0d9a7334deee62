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

void check_tls(const MqttOptions& options, std::vector<Mistake>& out) {
  const MqttTls& tls = options.tls;
  const std::pair<std::string_view, const std::string&> files[] = {{"tls.ca_file", tls.ca_file},
                                                                   {"tls.cert_file", tls.cert_file},
                                                                   {"tls.key_file", tls.key_file}};
  for (const auto& [key, path] : files) {
    if (path.empty()) continue;
    if (!tls.enabled) {
      out.push_back({key, "set, but TLS is off", "set tls.enabled: true or remove it"});
    } else if (const auto reason = unreadable(path)) {
      out.push_back({key, fmt::format("cannot read '{}': {}", path, *reason),
                     "give a PEM file that this user may read"});
    }
  }
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    const bool no_key = tls.key_file.empty();
    out.push_back({no_key ? "tls.cert_file" : "tls.key_file",
                   "a client certificate needs both files",
                   no_key ? "set tls.key_file" : "set tls.cert_file"});
  }
  if (tls.min_version != "1.2" && tls.min_version != "1.3") {
    out.push_back(
        {"tls.min_version", fmt::format("'{}' is not 1.2 or 1.3", tls.min_version), "write 1.2"});
  }
}

void check_topics(const MqttOptions& options, std::vector<Mistake>& out) {
  const auto complain = [&out](std::string text, std::string hint) {
    out.push_back({"topics", std::move(text), std::move(hint)});
  };
  if (options.topics.empty()) {
    complain("no topic to subscribe to",
             "list at least one, for example {topic: \"sensors/#\", qos: 1}");
  }
  std::vector<std::string_view> seen;
  for (const Subscription& topic : options.topics) {
    if (mosquitto_sub_topic_check(topic.filter.c_str()) != MOSQ_ERR_SUCCESS) {
      complain(fmt::format("'{}' is not a topic filter", topic.filter),
               "+ and # stand alone in a level, # only at the end");
    }
    if (topic.qos > 2) {
      complain(fmt::format("QoS {} of '{}' is not 0, 1 or 2", topic.qos, topic.filter), "write 1");
    }
    if (std::find(seen.begin(), seen.end(), topic.filter) != seen.end()) {
      complain(fmt::format("'{}' stands there twice", topic.filter), "remove one");
    }
    seen.push_back(topic.filter);
  }
}

void check_session(const MqttOptions& options, std::vector<Mistake>& out) {
  if (options.persistent_session && options.session_expiry_s == 0) {
    out.push_back({"session_expiry",
                   "0 makes the broker forget the session that persistent_session asks for",
                   "give a time such as 7d, or set persistent_session: false"});
  }
  if (options.receive_maximum == 0) {
    out.push_back({"receive_maximum", "0 would let no message through", "give 1 to 65535"});
  }
}

Result<void> as_error(std::string_view section, const std::vector<Mistake>& mistakes) {
  if (mistakes.empty()) return {};
  std::string text;
  for (const Mistake& one : mistakes) {
    text += fmt::format("{}{}.{}: {}", text.empty() ? "" : "; ", section, one.key, one.text);
    if (!one.hint.empty()) text += " (" + one.hint + ")";
  }
  return Error{Errc::invalid_argument, std::move(text)};
}

}  // namespace

std::vector<Mistake> contradictions(const MqttOptions& options, MqttUse use) {
  std::vector<Mistake> out;
  if (options.broker.empty()) out.push_back({"broker", "empty", "name a host"});
  if (options.port == 0) out.push_back({"port", "0 is no port", "write 1 to 65535"});
  if (options.client_id.size() > 256 ||
      mosquitto_validate_utf8(options.client_id.c_str(),
                              static_cast<int>(options.client_id.size())) != MOSQ_ERR_SUCCESS) {
    out.push_back({"client_id", "must be UTF-8 of at most 256 bytes", ""});
  }
  if (options.username.empty() && !options.password.empty()) {
    out.push_back({"password", "a password without a user name", "set username"});
  }
  if (options.keepalive_s != 0 && options.keepalive_s < 5) {
    out.push_back({"keepalive", "must be 0 or at least 5 s", ""});
  }
  if (options.reconnect_min_ns <= 0 || options.reconnect_max_ns < options.reconnect_min_ns) {
    out.push_back({"reconnect_max", "must not be below reconnect_min", ""});
  }
  check_tls(options, out);
  if (use == MqttUse::subscribe) {
    check_topics(options, out);
    check_session(options, out);
  } else if (options.in_flight_max == 0) {
    out.push_back({"in_flight_max", "0 would let no message through", "write 1 or more"});
  }
  return out;
}

Result<void> check_topics(const MqttOptions& options) {
  std::vector<Mistake> found;
  check_topics(options, found);
  return as_error(options.section, found);
}

Result<void> check(const MqttOptions& options, MqttUse use) {
  return as_error(options.section, contradictions(options, use));
}

std::string fixed_client_id(std::string_view program, std::string_view identity) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  const std::string_view name = host[0] == '\0' ? std::string_view{"host"} : host;
  return fmt::format("{}-{}-{:08x}", plain(program, 20), plain(name, 32),
                     static_cast<std::uint32_t>(hash64(identity)));
}

}  // namespace telemetry::mqtt
