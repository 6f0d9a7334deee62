// SPDX-License-Identifier: Apache-2.0
#include "failure.hpp"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>

#include <cerrno>

namespace telemetry::mqtt {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Failure tls_failure(const MqttOptions& options, std::string_view log) {
  Failure failure;
  failure.reason = fmt::format("TLS handshake failed: {}",
                               log.empty() ? std::string_view{"no reason given"} : log);
  const std::string& section = options.section;
  if (contains(log, "host name verification")) {
    failure.remedy = fmt::format(
        "the broker's certificate is not for '{}': set {}.broker to a name that it carries",
        options.broker, section);
  } else if (contains(log, "certificate verify failed")) {
    failure.remedy = fmt::format(
        "the broker's certificate is not signed by {}, or has expired: check {}.tls.ca_file",
        options.tls.ca_file.empty() ? "a certificate authority of this system"
                                    : options.tls.ca_file,
        section);
  } else if (contains(log, "alert")) {
    failure.remedy = fmt::format(
        "the broker wants a client certificate that it trusts: check {0}.tls.cert_file and "
        "{0}.tls.key_file",
        section);
  } else if (contains(log, "wrong version number") || contains(log, "packet length")) {
    failure.remedy =
        fmt::format("port {} does not speak TLS: check {}.port", options.port, section);
  } else {
    failure.remedy = fmt::format("check {}.tls", section);
  }
  return failure;
}

}  // namespace

std::string address(const MqttOptions& options) {
  const bool v6 = contains(options.broker, ":");
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", options.broker, v6 ? "]" : "", options.port);
}

Failure dial_failure(const MqttOptions& options, int result, int error, std::string_view tls_log) {
  const std::string& section = options.section;
  switch (result) {
    case MOSQ_ERR_EAI:
      return {fmt::format("cannot resolve '{}': {}", options.broker, gai_strerror(error)),
              fmt::format("check {}.broker and the name server", section)};
    case MOSQ_ERR_TLS:
      return tls_failure(options, tls_log);
    case MOSQ_ERR_ERRNO:
      if (error == ECONNREFUSED) {
        return {errno_text(error),
                fmt::format("start the broker, or check {0}.broker and {0}.port", section)};
      }
      return {errno_text(error),
              fmt::format("check {0}.broker, {0}.port and the network", section)};
    default:
      return {mosquitto_strerror(result), fmt::format("check {}", section)};
  }
}

Failure refusal(const MqttOptions& options, const std::string& client_id, bool v5, int code) {
  const std::string& section = options.section;
  Failure failure;
  failure.reason =
      fmt::format("the broker refused the connection: {}",
                  v5 || code > CONNACK_REFUSED_NOT_AUTHORIZED ? mosquitto_reason_string(code)
                                                              : mosquitto_connack_string(code));
  const int reason = v5 ? code : code | 0x100;
  switch (reason) {
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
    case 0x100 | CONNACK_REFUSED_PROTOCOL_VERSION:
      failure.remedy = fmt::format("set {}.protocol to auto", section);
      break;
    case MQTT_RC_CLIENTID_NOT_VALID:
    case 0x100 | CONNACK_REFUSED_IDENTIFIER_REJECTED:
      failure.remedy =
          fmt::format("it does not take the client id '{}': set {}.client_id", client_id, section);
      break;
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
    case MQTT_RC_NOT_AUTHORIZED:
    case 0x100 | CONNACK_REFUSED_BAD_USERNAME_PASSWORD:
    case 0x100 | CONNACK_REFUSED_NOT_AUTHORIZED:
      failure.remedy = options.username.empty()
                           ? fmt::format(
                                 "it wants to know who we are: set {0}.username and "
                                 "{0}.password, or {0}.tls.cert_file",
                                 section)
                           : fmt::format(
                                 "check the password of '{}' in {}.password, and the "
                                 "broker's rules for that user",
                                 options.username, section);
      break;
    case MQTT_RC_BANNED:
      failure.remedy = "the broker has banned this client: ask who runs it";
      break;
    default:
      failure.remedy = "the broker's log says why";
  }
  return failure;
}

Failure end_of_connection(const MqttOptions& options, const std::string& client_id, int result,
                          int error, int disconnect_code, std::string_view tls_log) {
  const std::string& section = options.section;
  if (disconnect_code == MQTT_RC_SESSION_TAKEN_OVER) {
    return {fmt::format("another client has connected as '{}'", client_id),
            fmt::format("give each client its own {}.client_id", section)};
  }
  if (disconnect_code == MQTT_RC_KEEP_ALIVE_TIMEOUT || result == MOSQ_ERR_KEEPALIVE) {
    return {"nothing was heard within the keep-alive time",
            fmt::format("check the network; {}.keepalive must be longer than the slowest commit",
                        section)};
  }
  if (disconnect_code >= MQTT_RC_UNSPECIFIED) {
    return {fmt::format("the broker ended it: {}", mosquitto_reason_string(disconnect_code)), {}};
  }
  if (result == MOSQ_ERR_TLS || !tls_log.empty()) return tls_failure(options, tls_log);
  if (result == MOSQ_ERR_CONN_LOST || (result == MOSQ_ERR_ERRNO && error == EPIPE)) {
    return {"the broker closed the connection",
            fmt::format("it was stopped, or another client uses the client id '{}'", client_id)};
  }
  if (result == MOSQ_ERR_ERRNO && error != 0) return {errno_text(error), {}};
  return {result == MOSQ_ERR_SUCCESS ? "the connection is closed" : mosquitto_strerror(result), {}};
}

Failure no_answer(const MqttOptions& options, bool closed, std::string_view tls_log) {
  if (!tls_log.empty()) return tls_failure(options, tls_log);
  const std::string_view what = closed ? "the connection was closed before the broker answered"
                                       : "connected, but nothing answered in time";
  return {std::string{what},
          options.tls.enabled
              ? fmt::format("does port {} speak MQTT over TLS? check {}.port", options.port,
                            options.section)
              : fmt::format("does port {0} speak MQTT without TLS? check {1}.port and "
                            "{1}.tls.enabled",
                            options.port, options.section)};
}

}  // namespace telemetry::mqtt
