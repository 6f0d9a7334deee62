// SPDX-License-Identifier: Apache-2.0
#include "fuzz/differential/exact_number.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace telemetry::reference {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t count_digits(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && is_digit(text[at + count])) ++count;
  return count;
}

/// Of an exponent; far beyond the range of both sides it does not matter by how much.
std::int64_t read_exponent(std::string_view text) {
  constexpr std::int64_t far = 1'000'000'000'000;
  if (text.front() == '+') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return text.front() == '-' ? -far : far;
  return std::clamp(value, -far, far);
}

ExactNumber normal(bool negative, std::string digits, std::int64_t exponent) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty()) return {};
  return {negative, std::move(digits), exponent};
}

/// Whether the whole number fits the mantissa of its sign.
bool fits_int64(bool negative, const std::string& digits) {
  const std::string limit = negative ? "9223372036854775808" : "9223372036854775807";
  return digits.size() < limit.size() || (digits.size() == limit.size() && digits <= limit);
}

}  // namespace

std::size_t number_prefix(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = count_digits(text, at);
  if (whole == 0) return 0;
  at += text[at] == '0' ? 1 : whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = count_digits(text, at + 1);
    if (fraction == 0) return at;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const bool sign = at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-');
    const std::size_t first = at + (sign ? 2 : 1);
    const std::size_t digits = count_digits(text, first);
    if (digits != 0) at = first + digits;
  }
  return at;
}

ExactNumber exact(std::string_view number) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  std::int64_t exponent = 0;
  if (const auto e = number.find_first_of("eE"); e != std::string_view::npos) {
    exponent = read_exponent(number.substr(e + 1));
    number = number.substr(0, e);
  }
  std::string digits(number);
  if (const auto point = digits.find('.'); point != std::string::npos) {
    exponent -= static_cast<std::int64_t>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  return normal(negative, std::move(digits), exponent);
}

ExactNumber exact(std::int64_t mantissa, std::int64_t exponent) {
  const std::string text = std::to_string(mantissa);
  return normal(mantissa < 0, text.substr(mantissa < 0 ? 1 : 0), exponent);
}

int order(const ExactNumber& a, const ExactNumber& b) {
  const auto sign = [](const ExactNumber& n) { return n.digits.empty() ? 0 : n.negative ? -1 : 1; };
  if (sign(a) != sign(b)) return sign(a) < sign(b) ? -1 : 1;
  const auto point = [](const ExactNumber& n) {
    return static_cast<std::int64_t>(n.digits.size()) + n.exponent;
  };
  int magnitude = a.digits.compare(b.digits);
  if (sign(a) != 0 && point(a) != point(b)) magnitude = point(a) < point(b) ? -1 : 1;
  return sign(a) < 0 ? -magnitude : magnitude;
}

bool is_whole(const ExactNumber& number) { return number.digits.empty() || number.exponent >= 0; }

ExactNumber whole_part(const ExactNumber& number) {
  if (number.exponent >= 0) return number;
  const auto fraction = static_cast<std::size_t>(-number.exponent);
  if (fraction >= number.digits.size()) return {};
  return normal(number.negative, number.digits.substr(0, number.digits.size() - fraction), 0);
}

HeldNumber held(const ExactNumber& number) {
  constexpr std::int64_t exponent_min = -324;
  const auto size = static_cast<std::int64_t>(number.digits.size());
  // How many digits are kept: those that 64 bits hold, and none behind the 324th of the fraction.
  std::int64_t kept = std::min<std::int64_t>(size, 19);
  if (!fits_int64(number.negative, number.digits.substr(0, static_cast<std::size_t>(kept)))) --kept;
  kept = std::min(kept, size + number.exponent - exponent_min);
  HeldNumber out;
  out.rounded = kept < size;
  std::string digits =
      number.digits.substr(0, static_cast<std::size_t>(std::max(kept, std::int64_t{0})));
  if (out.rounded && kept >= 0 && number.digits[static_cast<std::size_t>(kept)] >= '5') {
    std::string up = "0" + digits;
    std::size_t at = up.size();
    while (up[--at] == '9') up[at] = '0';
    ++up[at];
    up.erase(0, up.find_first_not_of('0'));
    if (fits_int64(number.negative, up)) digits = up;
  }
  out.value = normal(number.negative, digits, number.exponent + size - kept);
  ExactNumber far = out.value;
  far.negative = false;
  out.beyond = order(far, exact(1'797'693'134'862'315'708, 290)) > 0;
  return out;
}

bool fits_decimal(const ExactNumber& number) {
  const HeldNumber one = held(number);
  return !one.rounded && !one.beyond;
}

std::optional<std::int64_t> floor_scaled(const ExactNumber& number, int shift) {
  if (number.digits.empty()) return 0;
  const std::int64_t exponent = number.exponent + shift;
  if (exponent > 19) return std::nullopt;
  std::string digits = number.digits;
  bool cut = false;
  if (exponent >= 0) {
    digits.append(static_cast<std::size_t>(exponent), '0');
  } else {
    const auto drop = static_cast<std::size_t>(-exponent);
    cut = true;  // the digits do not end with 0, so what goes is more than nothing
    digits.resize(digits.size() > drop ? digits.size() - drop : 0);
  }
  if (!fits_int64(number.negative, digits)) return std::nullopt;
  const std::string text = (number.negative ? "-" : "") + (digits.empty() ? "0" : digits);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (!cut || !number.negative) return value;
  if (value == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return value - 1;
}

}  // namespace telemetry::reference
