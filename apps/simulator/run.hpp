// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "fleet.hpp"
#include "telemetry/adapters/mqtt.hpp"

namespace telemetry::simulator {

struct RunOptions {
  FleetOptions fleet;
  MqttOptions mqtt;
  double rate_per_s = 100;                 ///< over all devices; 0 = as fast as the window allows
  std::int64_t duration_ns = 0;            ///< 0 = no end
  std::int64_t drain_ns = 10'000'000'000;  ///< how long the end waits for acknowledgements
  std::uint32_t in_flight_max = 1'000;     ///< messages that the broker has not acknowledged
  std::uint8_t qos = 1;
  bool retained = false;
  std::string acked_log;  ///< file: topic, sequence, kind of each acknowledged message
  bool status_lines = true;
  bool json = false;  ///< the summary as one JSON object
};

/// Publishes until the count, the duration or `stop` ends it, then waits for what is under way.
/// Prints a line per second and a summary to stdout.
/// @returns exit code: 0, or 1 when messages stayed unacknowledged.
/// Errors: what MqttPublisher::connect() says; permission_denied, not_found, ...  the acked log
/// cannot be written.
[[nodiscard]] Result<int> run(const RunOptions& options, Environment environment,
                              const std::atomic<bool>& stop);

}  // namespace telemetry::simulator
