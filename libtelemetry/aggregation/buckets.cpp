// SPDX-License-Identifier: Apache-2.0
#include <date/date.h>

#include <algorithm>

#include "telemetry/aggregation.hpp"

namespace telemetry {
namespace {

constexpr std::int64_t ns_per_day = 86'400 * core::ns_per_second;

/// The last multiple of `width` at or before `ns`; the lowest int64 where there is none.
std::int64_t floor_to(std::int64_t ns, std::int64_t width) noexcept {
  const std::int64_t rest = ns % width;
  std::int64_t floor = 0;
  const std::int64_t back = rest < 0 ? rest + width : rest;
  return __builtin_sub_overflow(ns, back, &floor) ? INT64_MIN : floor;
}

std::int64_t plus(std::int64_t ns, std::int64_t width) noexcept {
  std::int64_t sum = 0;
  return __builtin_add_overflow(ns, width, &sum) ? INT64_MAX : sum;
}

std::int64_t ns_of(date::year_month month) noexcept {
  const date::sys_days days{month / 1};
  std::int64_t ns = 0;
  const std::int64_t count = days.time_since_epoch().count();
  if (__builtin_mul_overflow(count, ns_per_day, &ns)) return count < 0 ? INT64_MIN : INT64_MAX;
  return ns;
}

}  // namespace

Buckets::Span Buckets::of(std::int64_t time) {
  if (time >= last_.begin && time < last_.end) return last_;
  last_ = compute(time);
  last_.begin = std::min(last_.begin, time);  // at the ends of int64
  if (last_.end <= time) last_.end = INT64_MAX;
  return last_;
}

Buckets::Span Buckets::compute(std::int64_t time) const {
  const auto calendar = [&](std::int64_t begin, std::int64_t end) {
    return Span{zone_.utc_of(begin), zone_.utc_of(end)};
  };
  switch (bucket_.kind) {
    case Bucket::Kind::none:
      return {INT64_MIN, INT64_MAX};
    case Bucket::Kind::fixed: {
      if (zone_.is_utc() || ns_per_day % bucket_.width_ns != 0) {
        const std::int64_t begin = floor_to(time, bucket_.width_ns);
        return {begin, plus(begin == INT64_MIN ? time : begin, bucket_.width_ns)};
      }
      const std::int64_t midnight = floor_to(zone_.local_of(time), ns_per_day);
      const Span day = calendar(midnight, plus(midnight, ns_per_day));
      const std::int64_t since = time < day.begin ? 0 : time - day.begin;
      const std::int64_t begin = day.begin + floor_to(since, bucket_.width_ns);
      return {begin, std::min(plus(begin, bucket_.width_ns), day.end)};
    }
    case Bucket::Kind::day: {
      const std::int64_t midnight = floor_to(zone_.local_of(time), ns_per_day);
      return calendar(midnight, plus(midnight, ns_per_day));
    }
    case Bucket::Kind::week: {
      constexpr std::int64_t first_monday = 4 * ns_per_day;
      const std::int64_t local = zone_.local_of(time);
      const std::int64_t monday =
          plus(floor_to(plus(local, -first_monday), 7 * ns_per_day), first_monday);
      return calendar(monday, plus(monday, 7 * ns_per_day));
    }
    case Bucket::Kind::month: {
      const std::int64_t days =
          zone_.local_of(time) / ns_per_day - (zone_.local_of(time) % ns_per_day < 0 ? 1 : 0);
      const date::year_month_day day{date::sys_days{date::days{days}}};
      const date::year_month month{day.year(), day.month()};
      return calendar(ns_of(month), ns_of(month + date::months{1}));
    }
  }
  return {INT64_MIN, INT64_MAX};
}

}  // namespace telemetry
