// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "telemetry/adapters/mqtt.hpp"

/// Words for what can go wrong between here and a broker. No secret ever stands in them.
namespace telemetry::mqtt {

struct Failure {
  std::string reason;
  std::string remedy;  ///< may be empty
};

[[nodiscard]] std::string address(const MqttOptions& options);

/// mosquitto_connect*() did not get a connection. `error` is errno, or the code of getaddrinfo;
/// `tls_log` is what OpenSSL said.
[[nodiscard]] Failure dial_failure(const MqttOptions& options, int result, int error,
                                   std::string_view tls_log);
/// The broker answered CONNECT with this code.
[[nodiscard]] Failure refusal(const MqttOptions& options, const std::string& client_id, bool v5,
                              int code);
/// A connection ended. `disconnect_code` is that of the broker's DISCONNECT (MQTT 5) or 0.
[[nodiscard]] Failure end_of_connection(const MqttOptions& options, const std::string& client_id,
                                        int result, int error, int disconnect_code,
                                        std::string_view tls_log);
/// The broker closed the connection, or was silent, before it answered CONNECT.
[[nodiscard]] Failure no_answer(const MqttOptions& options, bool closed, std::string_view tls_log);

}  // namespace telemetry::mqtt
