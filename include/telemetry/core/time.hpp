// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/value.hpp"

namespace telemetry::core {

/// Everywhere in this product a time is int64 ns since 1970-01-01T00:00:00Z (no leap seconds).
inline constexpr std::int64_t ns_per_second = 1'000'000'000;
inline constexpr std::int64_t ns_per_ms = 1'000'000;

/// How a timestamp field is written. `automatic` takes text as RFC 3339 / ISO 8601 and detects the
/// unit of an epoch number by its size.
enum class TimeFormat : std::uint8_t { automatic, rfc3339, s, ms, us, ns };

/// What a text is: no time, one that int64 ns hold, or one that became the nearest of those.
enum class TimeText : std::uint8_t { none, held, moved };

/// Reads RFC 3339, or ISO 8601 without zone or with a space instead of `T` (as old devices write
/// it); date only is not accepted. `t`, `z`, a decimal comma, `+0530` and `+05` are understood.
/// Fractions of any length are cut at ns. A leap second (23:59:60 UTC, with any fraction) is taken
/// as the first instant of the next day; second 60 at any other time is not a time.
///
/// @param zone_offset_s seconds east of UTC, applied when the text names no zone.
/// @param ns unchanged when the text is not such a time. One before 1677-09-21T00:12:44Z or from
///        2262-04-11T23:47:16Z on is `moved`: it becomes the lowest or highest int64.
/// Source: RFC 3339 section 5.6.
[[nodiscard]] TimeText read_time(std::string_view text, std::int32_t zone_offset_s,
                                 std::int64_t& ns) noexcept;

/// The same where a time that would be moved is none.
/// @returns false, `ns` unchanged, when the text is no time.
[[nodiscard]] inline bool parse_time(std::string_view text, std::int32_t zone_offset_s,
                                     std::int64_t& ns) noexcept {
  std::int64_t read = 0;
  const bool held = read_time(text, zone_offset_s, read) == TimeText::held;
  if (held) ns = read;
  return held;
}

/// Converts an epoch number. `automatic` goes by its size without sign: below 1e11 s, below 1e14
/// ms, below 1e17 us, else ns. What is finer than a ns is cut towards the past.
/// @returns false when the result does not fit int64 ns or `format` is rfc3339.
[[nodiscard]] bool epoch_to_ns(const Decimal& number, TimeFormat format, std::int64_t& ns) noexcept;

inline constexpr std::size_t time_text_bytes_max = 36;

/// Writes RFC 3339 UTC with 0, 3, 6 or 9 fraction digits, the fewest that lose nothing.
/// @returns bytes written into `out` (not NUL-terminated).
std::size_t format_time(std::int64_t ns, std::span<char, time_text_bytes_max> out) noexcept;

}  // namespace telemetry::core
