// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace telemetry::simulator {

/// SplitMix64: the same numbers from the same seed on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  [[nodiscard]] std::uint64_t next() noexcept;
  /// In [low, high).
  [[nodiscard]] double uniform(double low, double high) noexcept;
  /// True in `percent` of 100 calls.
  [[nodiscard]] bool chance(double percent) noexcept;

 private:
  std::uint64_t state_;
};

/// A value that drifts around its mean: each step keeps 98 % of the distance and adds noise.
class Drift {
 public:
  Drift(double mean, double noise) noexcept : mean_(mean), noise_(noise) {}
  double step(Random& random) noexcept;
  [[nodiscard]] double value() const noexcept { return mean_ + distance_; }

 private:
  double mean_;
  double noise_;
  double distance_ = 0;
};

enum class DeviceKind : std::uint8_t { temperature, power_meter_dc, power_meter_ac, f2 };

/// Ways in which write_bad_payload() spoils a payload; every one breaks the device's schema.
inline constexpr unsigned bad_payload_variants = 7;

/// One simulated device: its topics, its numbering and the physics behind its payloads.
class Device {
 public:
  Device(DeviceKind kind, std::string id, std::uint64_t seed);

  [[nodiscard]] DeviceKind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  [[nodiscard]] const std::string& status_topic() const noexcept { return status_topic_; }

  /// Lets the device live until `now` (ns), then replaces `out` by its reading.
  /// @param timestamp what the device believes the time is, ns.
  void write_reading(std::int64_t now, std::int64_t timestamp, std::uint64_t sequence,
                     std::string& out);
  void write_heartbeat(std::int64_t now, std::uint64_t sequence, std::string& out);
  /// Replaces `out` by a payload that the device's schema must refuse.
  void write_bad_payload(unsigned variant, std::int64_t now, std::uint64_t sequence,
                         std::string& out);

  /// The time in the next reading will differ from that of all before. A device that counts from
  /// the start again may not begin before: the same number with the same time could be the very
  /// same payload.
  [[nodiscard]] bool clock_has_moved(std::int64_t now) const noexcept;

  std::uint64_t next_sequence = 0;
  std::uint64_t next_heartbeat = 0;
  std::int64_t heartbeat_due = 0;  ///< ns

 private:
  struct Phase {
    Drift voltage, current, power_factor;
  };
  void write_temperature(std::int64_t now, std::string& out);
  void write_power_meter_dc(double hours, std::string& out);
  void write_power_meter_ac(double hours, std::string& out);
  void write_f2(std::string& out);

  DeviceKind kind_;
  std::string id_, topic_, status_topic_;
  Random random_;
  std::int64_t started_at_ = 0, last_at_ = 0;  // ns
  Drift temperature_, humidity_, voltage_, current_, frequency_, rssi_, pressure_{101.3, 0.02};
  std::array<Phase, 3> phases_;
  double phase_of_day_;
  double energy_, energy_export_;
  bool relay_ = true;
  bool old_firmware_ = false;  // F2: other names for the same fields
};

}  // namespace telemetry::simulator
