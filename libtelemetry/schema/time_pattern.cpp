// SPDX-License-Identifier: Apache-2.0
//
// Times as devices write them: the letters of strptime, without a locale and without what it skips
// in silence. A number has at most as many digits as its letter says.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "schema/conversion.hpp"

namespace telemetry::schemas {
namespace {

constexpr std::string_view known_letters = "YymdbHIMSfpzj%";
constexpr std::array<std::string_view, 12> months = {"jan", "feb", "mar", "apr", "may", "jun",
                                                     "jul", "aug", "sep", "oct", "nov", "dec"};

/// Days since 1970-01-01 of the proleptic Gregorian calendar.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
constexpr std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const noexcept { return at_ == text_.size(); }
  bool take(char c) noexcept {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool number(std::size_t digits_max, int low, int high, int& out) noexcept {
    std::size_t digits = 0;
    out = 0;
    for (; digits < digits_max && !done() && text_[at_] >= '0' && text_[at_] <= '9'; ++digits)
      out = out * 10 + (text_[at_++] - '0');
    return digits > 0 && out >= low && out <= high;
  }
  /// Digits behind the point, cut at ns.
  bool fraction(std::int64_t& ns) noexcept {
    std::size_t digits = 0;
    ns = 0;
    for (; !done() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (digits++ < 9) ns = ns * 10 + (text_[at_] - '0');
    }
    for (std::size_t i = digits; i < 9; ++i) ns *= 10;
    return digits > 0;
  }
  std::string word(std::size_t bytes) noexcept {
    std::string out(text_.substr(at_, bytes));
    std::ranges::transform(out, out.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    at_ += out.size();
    return out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

struct Parts {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  int day_of_year = 0;
  std::int64_t fraction = 0;
  bool twelve = false, afternoon = false;
  std::optional<std::int32_t> offset_s;
};

bool read_zone(Scan& scan, Parts& parts) {
  if (scan.take('Z') || scan.take('z')) {
    parts.offset_s = 0;
    return true;
  }
  const bool west = scan.take('-');
  if (!west && !scan.take('+')) return false;
  int hours = 0;
  int minutes = 0;
  if (!scan.number(2, 0, 23, hours)) return false;
  if (scan.take(':') || !scan.done()) {
    if (!scan.number(2, 0, 59, minutes)) return false;
  }
  parts.offset_s = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
  return true;
}

bool read_part(char letter, Scan& scan, Parts& parts) {
  switch (letter) {
    case 'Y':
      return scan.number(4, 0, 9999, parts.year);
    case 'y':
      if (!scan.number(2, 0, 99, parts.year)) return false;
      parts.year += parts.year < 70 ? 2000 : 1900;
      return true;
    case 'm':
      return scan.number(2, 1, 12, parts.month);
    case 'b': {
      const auto found = std::ranges::find(months, scan.word(3));
      parts.month = static_cast<int>(found - months.begin()) + 1;
      return found != months.end();
    }
    case 'd':
      return scan.number(2, 1, 31, parts.day);
    case 'j':
      return scan.number(3, 1, 366, parts.day_of_year);
    case 'H':
      return scan.number(2, 0, 23, parts.hour);
    case 'I':
      parts.twelve = true;
      return scan.number(2, 1, 12, parts.hour);
    case 'M':
      return scan.number(2, 0, 59, parts.minute);
    case 'S':
      return scan.number(2, 0, 59, parts.second);
    case 'f':
      return scan.fraction(parts.fraction);
    case 'p': {
      const std::string word = scan.word(2);
      parts.afternoon = word == "pm";
      return parts.afternoon || word == "am";
    }
    case 'z':
      return read_zone(scan, parts);
    case '%':
      return scan.take('%');
    default:
      return false;
  }
}

bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

bool is_date(const Parts& parts) {
  constexpr std::array days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (parts.day_of_year != 0) return parts.day_of_year <= (is_leap(parts.year) ? 366 : 365);
  const int last = days[static_cast<std::size_t>(parts.month - 1)];
  return parts.day <= last || (parts.month == 2 && parts.day == 29 && is_leap(parts.year));
}

}  // namespace

std::string wrong_pattern(std::string_view pattern) {
  bool year = false;
  bool month = false;
  bool day = false;
  bool day_of_year = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (++i == pattern.size()) return "it ends with %";
    const char letter = pattern[i];
    if (known_letters.find(letter) == known_letters.npos)
      return fmt::format("%{} is not known; known are %Y %y %m %d %b %j %H %I %M %S %f %p %z %%",
                         letter);
    year = year || letter == 'Y' || letter == 'y';
    month = month || letter == 'm' || letter == 'b';
    day = day || letter == 'd';
    day_of_year = day_of_year || letter == 'j';
  }
  if (year && (day_of_year || (month && day))) return "";
  return "it has no whole date: that is %Y or %y with %m or %b and %d, or with %j";
}

std::optional<PatternTime> read_time(std::string_view text, std::string_view pattern) {
  Scan scan(text);
  Parts parts;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%' ? !read_part(pattern[++i], scan, parts) : !scan.take(pattern[i]))
      return {};
  }
  if (!scan.done() || !is_date(parts)) return {};
  if (parts.twelve) parts.hour = parts.hour % 12 + (parts.afternoon ? 12 : 0);
  const std::int64_t days = parts.day_of_year != 0
                                ? days_of(parts.year, 1, 1) + parts.day_of_year - 1
                                : days_of(parts.year, static_cast<unsigned>(parts.month),
                                          static_cast<unsigned>(parts.day));
  const std::int64_t seconds =
      days * 86'400 + parts.hour * 3'600 + parts.minute * 60 + parts.second;
  PatternTime time{0, parts.offset_s};
  // Within the years that int64 ns hold, with a day to spare for the zone.
  if (parts.year < 1678 || parts.year > 2261) return {};
  time.local_ns = seconds * core::ns_per_second + parts.fraction;
  return time;
}

}  // namespace telemetry::schemas
