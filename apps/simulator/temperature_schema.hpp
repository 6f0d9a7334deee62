// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace telemetry::simulator {

/// For the readings of DeviceKind::temperature, where no schema file is at hand.
inline constexpr const char* temperature_schema = R"(
name: temperature_sensor
version: "1.0"
topic_pattern: sensors/{device}/temperature
time_field: timestamp
sequence_field: seq
fields:
  - {name: temperature, type: float, required: true, validation: {min: -50, max: 150}}
  - {name: humidity, type: float, validation: {min: 0, max: 100}}
  - {name: sensor_id, type: string, required: true, validation: {min_length: 3, max_length: 32}}
  - {name: timestamp, type: timestamp}
  - {name: seq, type: integer, validation: {min: 0}}
)";

}  // namespace telemetry::simulator
