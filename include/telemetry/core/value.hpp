// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace telemetry::core {

/// An exact decimal number: mantissa * 10^exponent. JSON numbers stay in this form, so that bounds
/// compare exactly and host and firmware agree to the last digit.
struct Decimal {
  std::int64_t mantissa = 0;
  std::int16_t exponent = 0;
};

/// How a number that was read stands to its Decimal. One with more digits than a Decimal holds is
/// rounded to 19 digits, or to 18 where 64 bits hold no 19, half away from 0. No Decimal lies
/// between the two, so it still compares exactly with every Decimal.
enum class Rest : std::int8_t {
  below = -1,  ///< The number is lower.
  none = 0,    ///< The Decimal is the number.
  above = 1,   ///< The number is higher.
};

/// Exponents of numbers that were read: every double has its Decimal. A number beyond the largest
/// double has the exponent behind these, and is farther from 0 than every Decimal with these.
inline constexpr std::int16_t read_exponent_min = -324;
inline constexpr std::int16_t read_exponent_max = 290;

/// Orders two decimals exactly (no floating point). Returns -1, 0 or 1.
[[nodiscard]] int compare(const Decimal& a, const Decimal& b) noexcept;

/// True and `out` set when the decimal is a whole number that fits int64 (1.0 and 1e3 are whole).
[[nodiscard]] bool to_int64(const Decimal& value, std::int64_t& out) noexcept;

enum class ValueKind : std::uint8_t {
  null,     ///< The field was absent or null; see Value::is_absent().
  boolean,  ///< integer is 0 or 1.
  integer,  ///< integer.
  decimal,  ///< integer is the mantissa, `exponent` the exponent.
  time,     ///< integer is ns since 1970-01-01T00:00:00Z.
  text,     ///< UTF-8, not NUL-terminated.
  json,     ///< Raw JSON text (arrays), already checked.
};

/// One typed value, 16 bytes on a 64-bit machine. Owns nothing: text points into the payload, the
/// scratch buffer of the decoder, or the schema.
class Value {
 public:
  constexpr Value() noexcept : integer_(0) {}
  /// Of a field that was there and null, where that is a value.
  [[nodiscard]] static constexpr Value given_null() noexcept {
    return Value(0, 1, ValueKind::null);
  }
  [[nodiscard]] static constexpr Value boolean(bool v) noexcept {
    return Value(v ? 1 : 0, 0, ValueKind::boolean);
  }
  [[nodiscard]] static constexpr Value integer(std::int64_t v) noexcept {
    return Value(v, 0, ValueKind::integer);
  }
  [[nodiscard]] static constexpr Value decimal(Decimal v) noexcept {
    return Value(v.mantissa, static_cast<std::uint16_t>(v.exponent), ValueKind::decimal);
  }
  [[nodiscard]] static constexpr Value time(std::int64_t ns) noexcept {
    return Value(ns, 0, ValueKind::time);
  }
  [[nodiscard]] static constexpr Value text(std::string_view v) noexcept {
    return Value(v, ValueKind::text);
  }
  [[nodiscard]] static constexpr Value json(std::string_view v) noexcept {
    return Value(v, ValueKind::json);
  }

  [[nodiscard]] constexpr ValueKind kind() const noexcept { return kind_; }
  [[nodiscard]] constexpr bool is_null() const noexcept { return kind_ == ValueKind::null; }
  /// Null, and not because the payload says so: a default takes its place.
  [[nodiscard]] constexpr bool is_absent() const noexcept { return is_null() && size_ == 0; }
  /// The int64 of boolean, integer and time.
  [[nodiscard]] constexpr std::int64_t as_integer() const noexcept { return integer_; }
  /// The number of decimal, boolean, integer and time.
  [[nodiscard]] constexpr Decimal as_decimal() const noexcept {
    return {integer_, static_cast<std::int16_t>(size_)};
  }
  /// The bytes of text and json.
  [[nodiscard]] constexpr std::string_view as_text() const noexcept { return {text_, size_}; }

 private:
  constexpr Value(std::int64_t v, std::uint16_t exponent, ValueKind kind) noexcept
      : integer_(v), size_(exponent), kind_(kind) {}
  constexpr Value(std::string_view v, ValueKind kind) noexcept
      : text_(v.data()), size_(static_cast<std::uint32_t>(v.size())), kind_(kind) {}

  union {
    std::int64_t integer_;
    const char* text_;
  };
  std::uint32_t size_ = 0;
  ValueKind kind_ = ValueKind::null;
};

}  // namespace telemetry::core
