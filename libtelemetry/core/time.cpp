// SPDX-License-Identifier: Apache-2.0
// Times are int64 ns since the epoch, so the calendar is that of RFC 3339 (proleptic Gregorian) and
// a day has 86,400 s. The day count uses eras of 400 years that begin on 1 March, which puts the
// leap day at the end of its year and needs no table.
#include "telemetry/core/time.hpp"

#include <limits>

#include "core/powers_of_ten.hpp"

namespace telemetry::core {
namespace {

constexpr std::int64_t seconds_per_day = 86'400;
constexpr std::int64_t days_per_era = 146'097;
// Of those that int64 holds with any fraction.
constexpr std::int64_t last_second = std::numeric_limits<std::int64_t>::max() / ns_per_second - 1;
constexpr std::int64_t first_second = -last_second - 1;

/// Unsigned throughout, for a Cortex-M0 divides in software: counted from an era before year 0.
constexpr std::int32_t days_from_civil(std::uint32_t year, std::uint32_t month,
                                       std::uint32_t day) noexcept {
  constexpr std::int32_t epoch_day = 719'468 + static_cast<std::int32_t>(days_per_era);
  year += 400 - (month <= 2 ? 1 : 0);
  const std::uint32_t day_of_year = (153 * (month + (month > 2 ? 0 : 12) - 3) + 2) / 5 + day - 1;
  const std::uint32_t century = year / 100;
  return static_cast<std::int32_t>(year * 365 + year / 4 - century + century / 4 + day_of_year) -
         epoch_day;
}
static_assert(days_from_civil(1970, 1, 1) == 0);
static_assert(days_from_civil(1677, 9, 21) * seconds_per_day + 12 * 60 + 44 == first_second);
static_assert(days_from_civil(2262, 4, 11) * seconds_per_day + 86'400 - 12 * 60 - 45 ==
              last_second);

std::uint32_t days_in_month(std::uint32_t year, std::uint32_t month) noexcept {
  if (month == 2) return year % (year % 100 == 0 ? 16 : 4) == 0 ? 29 : 28;
  return 30 + ((month + (month > 7 ? 1 : 0)) & 1);
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Digits at fixed places: any other character clears `good`, which is looked at once, at the end.
std::uint32_t two_digits(const char* at, bool& good) noexcept {
  const auto tens = static_cast<std::uint32_t>(at[0] - '0');
  const auto ones = static_cast<std::uint32_t>(at[1] - '0');
  good &= (tens < 10) & (ones < 10);
  return tens * 10 + ones;
}

/// One or more digits, those beyond ns are cut. Returns behind them, or null.
const char* read_fraction(const char* at, const char* end, std::int64_t& ns) noexcept {
  const char* const begin = at;
  std::uint32_t value = 0;
  for (; at != end && is_digit(*at); ++at) {
    if (at - begin < 9) value = value * 10 + static_cast<std::uint32_t>(*at - '0');
  }
  if (at == begin) return nullptr;
  const std::size_t missing = at - begin < 9 ? static_cast<std::size_t>(9 - (at - begin)) : 0;
  ns = static_cast<std::int64_t>(value * powers_of_ten[missing]);
  return at;
}

/// All that is left is the zone: `Z`, +hh:mm, +hhmm or +hh as seconds east of UTC; nothing at all
/// leaves the default.
bool read_zone(const char* at, const char* end, std::int32_t& offset_s) noexcept {
  if (at == end) return true;
  const char sign = *at++;
  if (sign == 'Z' || sign == 'z') {
    offset_s = 0;
    return at == end;
  }
  const auto left = end - at;
  if ((sign != '+' && sign != '-') || left < 2 || left > 5 || left == 3) return false;
  bool good = left != 5 || at[2] == ':';
  const std::uint32_t hours = two_digits(at, good);
  std::uint32_t minutes = two_digits(end - 2, good);
  if (left == 2) minutes = 0;
  if (!good || hours > 23 || minutes > 59) return false;
  offset_s = static_cast<std::int32_t>(hours * 60 + minutes) * (sign == '-' ? -60 : 60);
  return true;
}

char* put_digits(char* out, std::int64_t value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + digits;
}

}  // namespace

TimeText read_time(std::string_view text, std::int32_t zone_offset_s, std::int64_t& ns) noexcept {
  constexpr std::size_t fixed_bytes = std::string_view("2025-11-11T12:00:00").size();
  if (text.size() < fixed_bytes) return TimeText::none;
  const char* at = text.data();
  const char* const end = at + text.size();
  bool good = (at[4] == '-') & (at[7] == '-') & (at[13] == ':') & (at[16] == ':') &
              ((at[10] == 'T') | (at[10] == 't') | (at[10] == ' '));
  const std::uint32_t year = two_digits(at, good) * 100 + two_digits(at + 2, good);
  const std::uint32_t month = two_digits(at + 5, good);
  const std::uint32_t day = two_digits(at + 8, good);
  const std::uint32_t hour = two_digits(at + 11, good);
  const std::uint32_t minute = two_digits(at + 14, good);
  const std::uint32_t second = two_digits(at + 17, good);
  if (!good || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
      hour > 23 || minute > 59 || second > 60) {
    return TimeText::none;
  }
  at += fixed_bytes;
  std::int64_t fraction_ns = 0;
  if (at != end && (*at == '.' || *at == ',')) {
    at = read_fraction(at + 1, end, fraction_ns);
    if (at == nullptr) return TimeText::none;
  }
  std::int32_t offset_s = zone_offset_s;
  if (!read_zone(at, end, offset_s)) return TimeText::none;

  const std::int32_t second_of_day =
      static_cast<std::int32_t>(hour * 3600 + minute * 60 + second) - offset_s;
  if (second == 60) {
    if (second_of_day != 0 && second_of_day != seconds_per_day) return TimeText::none;
    fraction_ns = 0;
  }
  const std::int64_t seconds = days_from_civil(year, month, day) * seconds_per_day + second_of_day;
  if (seconds < first_second || seconds > last_second) {
    ns = year < 1900 ? std::numeric_limits<std::int64_t>::min()
                     : std::numeric_limits<std::int64_t>::max();
    return TimeText::moved;
  }
  ns = seconds * ns_per_second + fraction_ns;
  return TimeText::held;
}

bool epoch_to_ns(const Decimal& number, TimeFormat format, std::int64_t& ns) noexcept {
  if (format == TimeFormat::automatic) {
    const std::int32_t digits = count_digits(magnitude(number.mantissa)) + number.exponent;
    format = digits <= 11   ? TimeFormat::s
             : digits <= 14 ? TimeFormat::ms
             : digits <= 17 ? TimeFormat::us
                            : TimeFormat::ns;
  }
  std::int32_t exponent = number.exponent;
  switch (format) {
    case TimeFormat::s:
      exponent += 9;
      break;
    case TimeFormat::ms:
      exponent += 6;
      break;
    case TimeFormat::us:
      exponent += 3;
      break;
    case TimeFormat::ns:
      break;
    case TimeFormat::automatic:
    case TimeFormat::rfc3339:
      return false;
  }
  const std::int64_t value = number.mantissa;
  if (exponent >= 0) {  // beyond 10^19 there is 0 only
    return to_int64({value, static_cast<std::int16_t>(exponent < 19 ? exponent : 19)}, ns);
  }
  const bool negative = value < 0;
  std::uint64_t rest = magnitude(value);
  // A negative value is rounded up without its sign, so that all are cut towards the past.
  for (; exponent < 0 && rest > (negative ? 1u : 0u); ++exponent) {
    if (divide_by_ten(rest) != 0 && negative) ++rest;
  }
  ns = static_cast<std::int64_t>(negative ? 0 - rest : rest);
  return true;
}

std::size_t format_time(std::int64_t ns, std::span<char, time_text_bytes_max> out) noexcept {
  std::int64_t seconds = ns / ns_per_second;
  std::int64_t fraction = ns % ns_per_second;
  if (fraction < 0) {
    fraction += ns_per_second;
    --seconds;
  }
  std::int64_t days = seconds / seconds_per_day;
  std::int64_t second_of_day = seconds % seconds_per_day;
  if (second_of_day < 0) {
    second_of_day += seconds_per_day;
    --days;
  }
  // Every int64 ns lies in 1677..2262: days are positive after the shift to the era of 1600.
  const auto day_number = static_cast<std::int32_t>(days + 719'468);
  const std::int32_t era = day_number / static_cast<std::int32_t>(days_per_era);
  const std::int32_t day_of_era = day_number - era * static_cast<std::int32_t>(days_per_era);
  const std::int32_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int32_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int32_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int32_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
  const std::int32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

  char* at = put_digits(out.data(), year, 4);
  *at++ = '-';
  at = put_digits(at, month, 2);
  *at++ = '-';
  at = put_digits(at, day, 2);
  *at++ = 'T';
  at = put_digits(at, second_of_day / 3600, 2);
  *at++ = ':';
  at = put_digits(at, second_of_day / 60 % 60, 2);
  *at++ = ':';
  at = put_digits(at, second_of_day % 60, 2);
  if (fraction != 0) {
    *at++ = '.';
    if (fraction % 1'000'000 == 0) {
      at = put_digits(at, fraction / 1'000'000, 3);
    } else if (fraction % 1'000 == 0) {
      at = put_digits(at, fraction / 1'000, 6);
    } else {
      at = put_digits(at, fraction, 9);
    }
  }
  *at++ = 'Z';
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace telemetry::core
