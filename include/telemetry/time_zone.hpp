// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "telemetry/core/time.hpp"
#include "telemetry/error.hpp"

namespace date {
class time_zone;
}

namespace telemetry {

/// An IANA time zone, from the system's database (package tzdata), which the library behind it
/// reads right until 2037. A value of two words; threads may share it.
class TimeZone {
 public:
  TimeZone() noexcept = default;  ///< UTC, for which no database is asked
  /// Errors: invalid_argument  no zone of this name, or no database; says what is near.
  [[nodiscard]] static Result<TimeZone> find(std::string_view name);

  [[nodiscard]] std::string_view name() const noexcept;
  [[nodiscard]] bool is_utc() const noexcept { return zone_ == nullptr; }
  /// Seconds east of UTC.
  [[nodiscard]] std::int32_t offset_at(std::int64_t ns) const;
  /// When clocks there show `local_ns` (ns since 1970-01-01T00:00 on them): the first of two such
  /// times; when they skip it, the time of the skip. Ends at the ends of int64.
  [[nodiscard]] std::int64_t utc_of(std::int64_t local_ns) const;
  /// The same, but of two such times the second one where it is not after `not_after`.
  [[nodiscard]] std::int64_t utc_of(std::int64_t local_ns, std::int64_t not_after) const;
  /// What clocks there show, as ns since 1970-01-01T00:00 on them. Ends at the ends of int64.
  [[nodiscard]] std::int64_t local_of(std::int64_t ns) const;

 private:
  const date::time_zone* zone_ = nullptr;
};

inline constexpr std::size_t zoned_time_bytes_max = core::time_text_bytes_max + 5;
/// Appends RFC 3339 as core::format_time() does, with the zone's offset in place of Z where it is
/// not UTC. An offset with seconds (before 1972) is cut to minutes, and the time follows it.
void append_time(std::int64_t ns, const TimeZone& zone, std::string& out);

}  // namespace telemetry
