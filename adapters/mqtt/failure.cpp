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

/// A connection that ends so often as soon as it stands does so for a reason.
constexpr int shut_out_max = 3;

bool is_closed(const End& end) noexcept {
  return end.result == MOSQ_ERR_CONN_LOST ||
         (end.result == MOSQ_ERR_ERRNO && (end.error == EPIPE || end.error == ECONNRESET));
}

/// libmosquitto: "Connection Refused: not authorised."
std::string connack_text(int code) {
  std::string_view text = mosquitto_connack_string(code);
  constexpr std::string_view intro = "Connection Refused: ";
  if (text.starts_with(intro)) text.remove_prefix(intro.size());
  while (text.ends_with('.')) text.remove_suffix(1);
  return std::string(text);
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

Failure refusal(const MqttOptions& options, const std::string& client_id, int code) {
  const std::string& section = options.section;
  Failure failure;
  failure.reason =
      fmt::format("the broker refused the connection: {}",
                  code < MQTT_RC_UNSPECIFIED ? connack_text(code) : mosquitto_reason_string(code));
  switch (code) {
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
    case CONNACK_REFUSED_PROTOCOL_VERSION:
      failure.remedy = options.protocol == MqttProtocol::automatic
                           ? "it takes neither MQTT 5 nor 3.1.1: its log says why"
                           : fmt::format("set {}.protocol to auto", section);
      break;
    case MQTT_RC_CLIENTID_NOT_VALID:
    case CONNACK_REFUSED_IDENTIFIER_REJECTED:
      failure.remedy =
          fmt::format("it does not take the client id '{}': set {}.client_id", client_id, section);
      break;
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
    case MQTT_RC_NOT_AUTHORIZED:
    case CONNACK_REFUSED_BAD_USERNAME_PASSWORD:
    case CONNACK_REFUSED_NOT_AUTHORIZED:
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
    case MQTT_RC_SERVER_UNAVAILABLE:
    case CONNACK_REFUSED_SERVER_UNAVAILABLE:
      failure.remedy = "it is starting, stopping or overloaded; its log says why";
      break;
    case MQTT_RC_BANNED:
      failure.remedy = "the broker has banned this client: ask who runs it";
      break;
    default:
      failure.remedy = "the broker's log says why";
  }
  return failure;
}

bool is_shut_out(const End& end) noexcept {
  switch (end.disconnect_code) {
    case MQTT_RC_SERVER_BUSY:
    case MQTT_RC_SERVER_SHUTTING_DOWN:
    case MQTT_RC_KEEP_ALIVE_TIMEOUT:
    case MQTT_RC_SESSION_TAKEN_OVER:
    case MQTT_RC_ADMINISTRATIVE_ACTION:
    case MQTT_RC_USE_ANOTHER_SERVER:
    case MQTT_RC_SERVER_MOVED:
      return false;
    default:
      return end.disconnect_code >= MQTT_RC_UNSPECIFIED || is_closed(end);
  }
}

Failure end_of_connection(const MqttOptions& options, const std::string& client_id,
                          const End& end) {
  const std::string& section = options.section;
  if (end.disconnect_code == MQTT_RC_SESSION_TAKEN_OVER) {
    return {fmt::format("another client has connected as '{}'", client_id),
            fmt::format("give each client its own {}.client_id", section)};
  }
  if (end.disconnect_code == MQTT_RC_KEEP_ALIVE_TIMEOUT || end.result == MOSQ_ERR_KEEPALIVE) {
    return {"nothing was heard within the keep-alive time",
            fmt::format("check the network; {}.keepalive must be longer than the slowest commit",
                        section)};
  }
  const bool said_why = end.disconnect_code >= MQTT_RC_UNSPECIFIED;
  if (!said_why && (end.result == MOSQ_ERR_TLS || !end.tls_log.empty())) {
    return tls_failure(options, end.tls_log);
  }
  Failure failure;
  if (said_why) {
    failure.reason =
        fmt::format("the broker ended it: {}", mosquitto_reason_string(end.disconnect_code));
  } else if (is_closed(end)) {
    failure = {"the broker closed the connection",
               fmt::format("it was stopped, or another client uses the client id '{}'", client_id)};
  } else if (end.result == MOSQ_ERR_ERRNO && end.error != 0) {
    failure.reason = errno_text(end.error);
  } else {
    failure.reason = end.result == MOSQ_ERR_SUCCESS ? "the connection is closed"
                                                    : mosquitto_strerror(end.result);
  }
  if (is_shut_out(end) && !end.unanswered.empty()) {
    failure.reason += fmt::format(" before it answered {}", end.unanswered);
    failure.remedy = fmt::format(
        "its rules may forbid that; or it was stopped, or another client uses the client id '{}'",
        client_id);
  }
  if (end.times >= shut_out_max) {
    failure.reason += fmt::format(", {} times in a row as soon as it stood", end.times);
    failure.remedy = fmt::format(
        "look at: another client with the client id '{0}' ({1}.client_id); what the broker's rules "
        "allow {2} ({1}.topics); the broker's log{3}",
        client_id, section, options.username.empty() ? "us" : fmt::format("'{}'", options.username),
        end.v5 ? fmt::format("; {}.protocol: 3.1.1", section) : "");
  }
  return failure;
}

Failure no_answer(const MqttOptions& options, Answer answer, std::string_view tls_log) {
  if (!tls_log.empty()) return tls_failure(options, tls_log);
  const std::string& section = options.section;
  const bool is_fixed = options.protocol != MqttProtocol::automatic;
  if (answer == Answer::not_mqtt && is_fixed) {
    return {fmt::format("what answered does not speak MQTT {}",
                        options.protocol == MqttProtocol::v5 ? "5" : "3.1.1"),
            fmt::format("set {0}.protocol to auto; check {0}.port", section)};
  }
  Failure failure;
  failure.reason = answer == Answer::not_mqtt ? "what answered does not speak MQTT"
                   : answer == Answer::closed
                       ? "the connection was closed before the broker answered"
                       : "connected, but nothing answered in time";
  failure.remedy =
      options.tls.enabled
          ? fmt::format("does port {} speak MQTT over TLS? check {}.port", options.port, section)
          : fmt::format("does port {0} speak MQTT without TLS? check {1}.port and {1}.tls.enabled",
                        options.port, section);
  if (is_fixed) {
    failure.remedy += fmt::format("; does it speak MQTT {}? set {}.protocol to auto",
                                  options.protocol == MqttProtocol::v5 ? "5" : "3.1.1", section);
  }
  return failure;
}

}  // namespace telemetry::mqtt
