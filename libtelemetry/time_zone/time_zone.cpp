// SPDX-License-Identifier: Apache-2.0
#include "telemetry/time_zone.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace telemetry {
namespace {

using core::ns_per_second;

std::int64_t floor_seconds(std::int64_t ns) noexcept {
  return ns / ns_per_second - (ns % ns_per_second < 0 ? 1 : 0);
}

std::int64_t plus_seconds(std::int64_t ns, std::int64_t seconds) noexcept {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(ns, seconds * ns_per_second, &sum)) {
    return seconds > 0 ? INT64_MAX : INT64_MIN;
  }
  return sum;
}

date::sys_seconds seconds_of(std::int64_t ns) noexcept {
  return date::sys_seconds(std::chrono::seconds(floor_seconds(ns)));
}

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  TimeZone zone;
  if (name == "UTC" || name == "Z") return zone;
  try {
    zone.zone_ = date::locate_zone(std::string(name));
    return zone;
  } catch (const std::exception&) {
    std::vector<std::string_view> known;
    try {
      for (const date::time_zone& one : date::get_tzdb().zones) known.push_back(one.name());
    } catch (const std::exception&) {
      known.clear();
    }
    if (known.empty()) {
      return Error{Errc::invalid_argument,
                   fmt::format("time zone '{}': this system has no time zones; install tzdata, or "
                               "take UTC",
                               name)};
    }
    const std::string_view near = nearest(name, known);
    return Error{
        Errc::invalid_argument,
        near.empty()
            ? fmt::format("unknown time zone '{}': write it as Europe/Berlin, or UTC", name)
            : fmt::format("unknown time zone '{}': did you mean '{}'?", name, near)};
  }
}

std::string_view TimeZone::name() const noexcept {
  return zone_ == nullptr ? std::string_view("UTC") : std::string_view(zone_->name());
}

std::int32_t TimeZone::offset_at(std::int64_t ns) const {
  if (zone_ == nullptr) return 0;
  return static_cast<std::int32_t>(zone_->get_info(seconds_of(ns)).offset.count());
}

std::int64_t TimeZone::local_of(std::int64_t ns) const { return plus_seconds(ns, offset_at(ns)); }

std::int64_t TimeZone::utc_of(std::int64_t local_ns) const {
  if (zone_ == nullptr) return local_ns;
  const date::local_seconds local{std::chrono::seconds(floor_seconds(local_ns))};
  const date::local_info info = zone_->get_info(local);
  if (info.result == date::local_info::nonexistent) {
    return info.first.end.time_since_epoch().count() * ns_per_second;
  }
  return plus_seconds(local_ns, -info.first.offset.count());
}

std::int64_t TimeZone::utc_of(std::int64_t local_ns, std::int64_t not_after) const {
  const std::int64_t first = utc_of(local_ns);
  if (zone_ == nullptr) return first;
  const date::local_seconds local{std::chrono::seconds(floor_seconds(local_ns))};
  const date::local_info info = zone_->get_info(local);
  if (info.result != date::local_info::ambiguous) return first;
  const std::int64_t second = plus_seconds(local_ns, -info.second.offset.count());
  return second <= not_after ? second : first;
}

void append_time(std::int64_t ns, const TimeZone& zone, std::string& out) {
  std::array<char, core::time_text_bytes_max> text;
  if (zone.is_utc()) {
    // Rows of an answer are mostly of one day.
    constexpr std::int64_t ns_per_day = 86'400 * ns_per_second;
    constexpr std::size_t date_bytes = 11;  // with the T
    struct Date {
      std::int64_t midnight = INT64_MAX;
      char text[date_bytes] = {};
    };
    thread_local Date date;
    if (ns < 0 || ns < date.midnight || ns - date.midnight >= ns_per_day) {
      out.append(text.data(), core::format_time(ns, text));
      if (ns < 0) return;
      date.midnight = ns - ns % ns_per_day;
      std::copy_n(text.data(), date_bytes, date.text);
      return;
    }
    char* at = std::copy_n(date.text, date_bytes, text.data());
    const auto digits = [&at](std::int64_t value, int count) {
      for (int i = count; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
      at += count;
    };
    const std::int64_t second = (ns - date.midnight) / ns_per_second;
    const std::int64_t rest = ns % ns_per_second;
    digits(second / 3'600, 2);
    *at++ = ':';
    digits(second / 60 % 60, 2);
    *at++ = ':';
    digits(second % 60, 2);
    if (rest != 0) {
      *at++ = '.';
      const std::int64_t shown = rest % 1'000'000 == 0 ? rest / 1'000'000
                                 : rest % 1'000 == 0   ? rest / 1'000
                                                       : rest;
      digits(shown, shown == rest ? 9 : rest % 1'000'000 == 0 ? 3 : 6);
    }
    *at++ = 'Z';
    out.append(text.data(), at);
    return;
  }
  const std::int32_t minutes = zone.offset_at(ns) / 60;
  out.append(text.data(),
             core::format_time(plus_seconds(ns, minutes * 60), text) - 1);  // without Z
  out += fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                     std::abs(minutes) % 60);
}

}  // namespace telemetry
