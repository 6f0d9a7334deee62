// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "telemetry/adapters/mqtt.hpp"

/// Words for what can go wrong between here and a broker. No secret ever stands in them.
namespace telemetry::mqtt {

/// What a broker did with CONNECT.
enum class Answer : std::uint8_t {
  accepted,
  refused,   ///< for another reason than the version
  other,     ///< says, or shows, that it speaks the other version
  closed,    ///< without an answer
  silent,    ///< no answer in time
  not_mqtt,  ///< what came is no CONNACK of this version
};

struct Failure {
  std::string reason;
  std::string remedy;  ///< may be empty
};

[[nodiscard]] std::string address(const MqttOptions& options);

/// mosquitto_connect*() did not get a connection. `error` is errno, or the code of getaddrinfo;
/// `tls_log` is what OpenSSL said.
[[nodiscard]] Failure dial_failure(const MqttOptions& options, int result, int error,
                                   std::string_view tls_log);
/// The broker answered CONNECT with this code, of 3.1.1 (1 to 5) or of MQTT 5 (128 and more).
[[nodiscard]] Failure refusal(const MqttOptions& options, const std::string& client_id, int code);

/// How a connection ended that the broker had accepted.
struct End {
  int result = 0, error = 0;  ///< of libmosquitto, and errno
  int disconnect_code = 0;    ///< of the broker's DISCONNECT (MQTT 5)
  std::string_view tls_log;   ///< what OpenSSL said
  std::string unanswered;     ///< what the broker had not answered: "SUBSCRIBE to 'a/#'"
  bool v5 = true;
  int times = 0;  ///< in a row that it was shut out at once
};
/// The broker closed it, and not because it stops, is busy, or another client came.
[[nodiscard]] bool is_shut_out(const End& end) noexcept;
[[nodiscard]] Failure end_of_connection(const MqttOptions& options, const std::string& client_id,
                                        const End& end);
/// The broker closed the connection, was silent, or sent something else than CONNACK.
[[nodiscard]] Failure no_answer(const MqttOptions& options, Answer answer,
                                std::string_view tls_log);

}  // namespace telemetry::mqtt
