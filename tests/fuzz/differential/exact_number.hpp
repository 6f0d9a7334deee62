// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The arithmetic of the reference: numbers as strings of digits, of any size, never rounded.
namespace telemetry::reference {

/// +-digits * 10^exponent. The digits neither begin nor end with 0; zero has none.
struct ExactNumber {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;
  bool operator==(const ExactNumber&) const = default;
};

/// Bytes of the JSON number that the text begins with; 0: it begins with none.
std::size_t number_prefix(std::string_view text);
/// Of a text that is one JSON number as a whole.
ExactNumber exact(std::string_view number);
ExactNumber exact(std::int64_t mantissa, std::int64_t exponent);

/// <0, 0, >0.
int order(const ExactNumber& a, const ExactNumber& b);
bool is_whole(const ExactNumber& number);
/// Without what is behind the point.
ExactNumber whole_part(const ExactNumber& number);

/// What the product holds of a number: docs/core.md, JSON.
struct HeldNumber {
  ExactNumber value;     ///< rounded half away from 0
  bool rounded = false;  ///< it is not the number
  bool beyond = false;   ///< no double is as far from 0
};
HeldNumber held(const ExactNumber& number);
/// It is held as it is.
bool fits_decimal(const ExactNumber& number);
/// The greatest whole number not above number * 10^shift, if an int64 holds it.
std::optional<std::int64_t> floor_scaled(const ExactNumber& number, int shift);

}  // namespace telemetry::reference
