// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <limits>

#include "fuzz/differential/checker.hpp"

namespace telemetry::reference {
namespace {

/// Takes a text apart from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool digits(std::size_t count, int& value) {
    value = 0;
    if (text_.size() < count) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return false;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return true;
  }
  bool one_of(std::string_view characters, char& found) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) return false;
    found = text_.front();
    text_.remove_prefix(1);
    return true;
  }
  bool one_of(std::string_view characters) {
    char found = 0;
    return one_of(characters, found);
  }
  [[nodiscard]] bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

bool read_zone(Scanner& text, std::int32_t& offset_s) {
  if (text.done()) return true;
  if (text.one_of("Zz")) return offset_s = 0, text.done();
  char sign = 0;
  int hours = 0, minutes = 0;
  if (!text.one_of("+-", sign) || !text.digits(2, hours)) return false;
  if (!text.done()) {
    static_cast<void>(text.one_of(":"));
    if (!text.digits(2, minutes)) return false;
  }
  if (!text.done() || hours > 23 || minutes > 59) return false;
  offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
  return true;
}

}  // namespace

bool read_time_text(std::string_view all, std::int32_t zone_offset_s, std::int64_t& ns,
                    bool& moved) {
  using namespace std::chrono;
  Scanner text(all);
  int y = 0, m = 0, d = 0, hour = 0, minute = 0, second = 0;
  if (!text.digits(4, y) || !text.one_of("-") || !text.digits(2, m) || !text.one_of("-") ||
      !text.digits(2, d) || !text.one_of("Tt ") || !text.digits(2, hour) || !text.one_of(":") ||
      !text.digits(2, minute) || !text.one_of(":") || !text.digits(2, second)) {
    return false;
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return false;
  std::int64_t fraction = 0;
  if (text.one_of(".,")) {
    int digit = 0;
    if (!text.digits(1, digit)) return false;
    std::int64_t unit = 100'000'000;
    do {
      fraction += digit * unit;
      unit /= 10;
    } while (text.digits(1, digit));
  }
  if (!read_zone(text, zone_offset_s)) return false;
  const auto at = sys_days(date) + hours(hour) + minutes(minute) + seconds(second - zone_offset_s);
  if (second == 60) {
    // A leap second comes at the end of a UTC day only, and counts as the first of the next.
    if (at != floor<days>(at)) return false;
    fraction = 0;
  }
  // Whole seconds whose every fraction fits 64 bits of ns.
  using Limits = std::numeric_limits<std::int64_t>;
  const std::int64_t since_1970 = at.time_since_epoch().count();
  moved = since_1970 < -9'223'372'036 || since_1970 >= 9'223'372'036;
  if (moved)
    ns = since_1970 < 0 ? Limits::min() : Limits::max();
  else
    ns = since_1970 * 1'000'000'000 + fraction;
  return true;
}

bool read_time_number(const ExactNumber& written, core::TimeFormat format, std::int64_t& ns) {
  const ExactNumber number = held(written).value;
  ExactNumber size = number;
  size.negative = false;
  const auto below = [&](int exponent) { return order(size, exact(1, exponent)) < 0; };
  int shift = 0;
  switch (format) {
    case core::TimeFormat::automatic:
      shift = below(11) ? 9 : below(14) ? 6 : below(17) ? 3 : 0;
      break;
    case core::TimeFormat::s:
      shift = 9;
      break;
    case core::TimeFormat::ms:
      shift = 6;
      break;
    case core::TimeFormat::us:
      shift = 3;
      break;
    case core::TimeFormat::ns:
      break;
    case core::TimeFormat::rfc3339:
      return false;
  }
  const auto value = floor_scaled(number, shift);
  if (value) ns = *value;
  return value.has_value();
}

}  // namespace telemetry::reference
