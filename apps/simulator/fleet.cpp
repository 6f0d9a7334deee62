// SPDX-License-Identifier: Apache-2.0
// Who speaks next, and what goes wrong.
//
// Devices take turns. A turn is one reading; around it stand the faults, so that an ingester's
// counters can be compared number by number:
//   bad payload   an extra, spoilt message before the reading. It carries the reading's number and
//                 does not use it up: a refused message leaves no gap behind.
//   duplicate     the reading's bytes once more, right after it.
//   gap           1..10 numbers are left out before the reading. Never before a device's first.
//   reset         numbering begins again at 0 with this reading. Never before a device's first.
//   wrong clock   the reading's timestamp lies in 1970 or 30 days ahead.
//   burst         the device keeps its turn for 50 more readings that ignore the rate.
#include "fleet.hpp"

#include <algorithm>
#include <utility>

namespace telemetry::simulator {
namespace {

constexpr std::int64_t thirty_days_ns = 30ll * 24 * 3600 * 1'000'000'000;

std::string numbered(std::string name, std::uint32_t number) {
  auto digits = std::to_string(number);
  if (digits.size() < 3) digits.insert(0, 3 - digits.size(), '0');
  return std::move(name) + "-" + digits;
}

}  // namespace

std::string_view to_string(MessageKind kind) noexcept {
  switch (kind) {
    case MessageKind::reading:
      return "reading";
    case MessageKind::duplicate:
      return "duplicate";
    case MessageKind::bad_payload:
      return "bad_payload";
    case MessageKind::heartbeat:
      return "heartbeat";
  }
  return "";
}

Fleet::Fleet(const FleetOptions& options) : options_(options), random_(options.seed) {
  const auto prefix = options_.id_prefix.empty() ? "" : options_.id_prefix + "-";
  devices_.reserve(options_.temperature_sensors + options_.power_meters_dc +
                   options_.power_meters_ac + options_.f2_controllers);
  const auto add = [&](DeviceKind kind, const std::string& name, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
      devices_.emplace_back(kind, numbered(name, options_.first_number + i), random_.next());
  };
  add(DeviceKind::temperature, "sensor", options_.temperature_sensors);
  add(DeviceKind::power_meter_dc, prefix + "dc", options_.power_meters_dc);
  add(DeviceKind::power_meter_ac, prefix + "ac", options_.power_meters_ac);
  add(DeviceKind::f2, prefix + "f2", options_.f2_controllers);
}

bool Fleet::next(std::int64_t now, Outgoing& out) {
  if (duplicate_pending_) {
    duplicate_pending_ = false;
    ++counts_.duplicates;
    out = {devices_[turn_].topic(), payload_, MessageKind::duplicate, turn_,
           duplicate_sequence_,     true};
    return true;
  }
  if (!bad_sent_ && next_heartbeat(now, out)) return true;
  if (!bad_sent_) {
    if (options_.readings_max != 0 && counts_.readings >= options_.readings_max) return false;
    choose_device();
    if (random_.chance(options_.faults.bad_payloads)) {
      auto& device = devices_[turn_];
      device.write_bad_payload(static_cast<unsigned>(random_.next() % bad_payload_variants), now,
                               device.next_sequence, payload_);
      ++counts_.bad_payloads;
      bad_sent_ = true;
      out = {device.topic(), payload_, MessageKind::bad_payload, turn_, device.next_sequence, true};
      return true;
    }
  }
  bad_sent_ = false;
  write_good_reading(now, out);
  return true;
}

bool Fleet::next_heartbeat(std::int64_t now, Outgoing& out) {
  if (options_.heartbeat_interval_ns == 0 || devices_.empty()) return false;
  if (!heartbeats_planned_) {
    // The first at once, so that a new device is seen; the others spread over the interval.
    const auto count = static_cast<std::int64_t>(devices_.size());
    for (std::int64_t i = 0; i < count; ++i)
      devices_[static_cast<std::size_t>(i)].heartbeat_due =
          now + options_.heartbeat_interval_ns / count * i;
    heartbeats_planned_ = true;
  }
  // Devices fall due in the order of their numbers, so only one must be looked at.
  auto& device = devices_[heartbeat_turn_];
  if (device.heartbeat_due > now) return false;
  device.heartbeat_due = std::max(device.heartbeat_due, now - options_.heartbeat_interval_ns) +
                         options_.heartbeat_interval_ns;
  const auto sequence = device.next_heartbeat++;
  device.write_heartbeat(now, sequence, payload_);
  ++counts_.heartbeats;
  out = {device.status_topic(), payload_, MessageKind::heartbeat, heartbeat_turn_, sequence, false};
  heartbeat_turn_ = (heartbeat_turn_ + 1) % static_cast<std::uint32_t>(devices_.size());
  return true;
}

void Fleet::choose_device() {
  in_burst_ = burst_left_ > 0;
  if (in_burst_) {
    --burst_left_;
    return;
  }
  if (counts_.readings > 0) turn_ = (turn_ + 1) % static_cast<std::uint32_t>(devices_.size());
}

void Fleet::write_good_reading(std::int64_t now, Outgoing& out) {
  auto& device = devices_[turn_];
  if (device.next_sequence > 0) {
    if (random_.chance(options_.faults.resets) && device.clock_has_moved(now)) {
      device.next_sequence = 0;
      ++counts_.resets;
    } else if (random_.chance(options_.faults.gaps)) {
      const auto missing = 1 + random_.next() % gap_messages_max;
      device.next_sequence += missing;
      ++counts_.gaps;
      counts_.gap_messages += missing;
    }
  }
  auto timestamp = now;
  if (random_.chance(options_.faults.wrong_clocks)) {
    ++counts_.wrong_clocks;
    timestamp = random_.chance(50) ? now + thirty_days_ns : now % thirty_days_ns;
  }
  const auto sequence = device.next_sequence++;
  device.write_reading(now, timestamp, sequence, payload_);
  ++counts_.readings;
  out = {device.topic(), payload_, MessageKind::reading, turn_, sequence, !in_burst_};
  if (random_.chance(options_.faults.duplicates)) {
    duplicate_pending_ = true;
    duplicate_sequence_ = sequence;
  }
  if (!in_burst_ && random_.chance(options_.faults.bursts)) {
    burst_left_ = burst_readings;
    ++counts_.bursts;
  }
}

}  // namespace telemetry::simulator
