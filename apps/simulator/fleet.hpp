// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "devices.hpp"

namespace telemetry::simulator {

/// Faults on demand, each in percent of the readings.
struct FaultRates {
  double bad_payloads = 0;
  double duplicates = 0;
  double gaps = 0;
  double resets = 0;
  double wrong_clocks = 0;
  double bursts = 0;
};

struct FleetOptions {
  std::uint32_t temperature_sensors = 10;
  std::uint32_t power_meters_dc = 2;
  std::uint32_t power_meters_ac = 1;
  std::uint32_t f2_controllers = 0;
  std::string id_prefix;  ///< "PREFIX-dc-001" instead of "dc-001"; all but temperature sensors
  std::uint32_t first_number = 1;  ///< of the device numbers, so that two simulators do not clash
  std::int64_t heartbeat_interval_ns = 30'000'000'000;  ///< per device; 0 = none
  std::uint64_t readings_max = 0;                       ///< 0 = no end
  std::uint64_t seed = 1;
  FaultRates faults;
};

inline constexpr std::uint32_t devices_max = 1'000'000;
inline constexpr std::uint32_t burst_readings = 50;
inline constexpr std::uint64_t gap_messages_max = 10;

enum class MessageKind : std::uint8_t { reading, duplicate, bad_payload, heartbeat };
[[nodiscard]] std::string_view to_string(MessageKind kind) noexcept;

struct Outgoing {
  std::string_view topic;    ///< valid as long as the fleet
  std::string_view payload;  ///< valid until the next call
  MessageKind kind = MessageKind::reading;
  std::uint32_t device = 0;  ///< index into devices()
  std::uint64_t sequence = 0;
  bool paced = true;  ///< false: goes out at once, beside the rate (burst, heartbeat)
};

/// What was handed out, named as the ingesting side counts it.
struct FleetCounts {
  std::uint64_t readings = 0;  ///< well-formed, duplicates not counted
  std::uint64_t heartbeats = 0;
  std::uint64_t bad_payloads = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t gaps = 0, gap_messages = 0;
  std::uint64_t resets = 0;
  std::uint64_t wrong_clocks = 0;
  std::uint64_t bursts = 0;
};

/// All devices; decides which of them speaks next and what goes wrong.
class Fleet {
 public:
  explicit Fleet(const FleetOptions& options);

  /// The next message, by turns. False when readings_max is reached and nothing hangs over.
  /// @param now ns since 1970.
  [[nodiscard]] bool next(std::int64_t now, Outgoing& out);

  [[nodiscard]] const std::vector<Device>& devices() const noexcept { return devices_; }
  [[nodiscard]] const FleetCounts& counts() const noexcept { return counts_; }

 private:
  bool next_heartbeat(std::int64_t now, Outgoing& out);
  void choose_device();
  void write_good_reading(std::int64_t now, Outgoing& out);

  FleetOptions options_;
  Random random_;
  std::vector<Device> devices_;
  FleetCounts counts_;
  std::string payload_;
  std::uint32_t turn_ = 0;  // device whose turn it is
  std::uint32_t heartbeat_turn_ = 0;
  std::uint32_t burst_left_ = 0;
  bool in_burst_ = false;           // this turn belongs to a burst
  bool bad_sent_ = false;           // this turn's spoilt copy went out; the good one follows
  bool duplicate_pending_ = false;  // payload_ goes out once more
  std::uint64_t duplicate_sequence_ = 0;
  bool heartbeats_planned_ = false;
};

}  // namespace telemetry::simulator
