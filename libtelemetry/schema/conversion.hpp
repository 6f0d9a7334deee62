// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/json_value.hpp"
#include "telemetry/core/schema_view.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/value.hpp"
#include "telemetry/time_zone.hpp"

/// From what a device writes to what the field's type is. Reference: docs/payloads.md.
namespace telemetry::schemas {

/// What a field says of its values; by default nothing.
struct ConversionSpec {
  std::vector<std::pair<std::string, std::string>> words;  ///< a text, and the JSON it stands for
  std::vector<std::string> no_value;                       ///< texts and numbers
  bool non_finite_absent = false;
  bool decimal_comma = false;
  bool hex = false;  ///< texts of hexadecimal digits are whole numbers
  std::optional<core::Decimal> scale;
  std::optional<core::Decimal> offset;
  std::optional<std::int32_t> decimals;
  // timestamps
  std::vector<std::string> time_patterns;  ///< `%d.%m.%Y %H:%M`, one after the other
  bool local_epoch = false;                ///< seconds since 1970 of the clock on the wall
  std::string zone;                        ///< IANA name, or empty

  friend bool operator==(const ConversionSpec&, const ConversionSpec&);
  [[nodiscard]] bool is_none() const { return *this == ConversionSpec(); }
};

/// Made once for a field.
class Conversion {
 public:
  /// @param zone_offset_s, format of times that no pattern reads and whose zone is not named
  Conversion(ConversionSpec specification, core::FieldType type, TimeZone zone,
             std::int32_t zone_offset_s, core::TimeFormat format, bool lenient);

  enum class Outcome : std::uint8_t { as_it_is, converted, absent };
  /// What cannot be converted stays as it is, and its type decides.
  /// @param received_at of two times that a clock showed twice the later one that is not after it.
  /// @param json of `converted`: what is appended to it
  Outcome apply(const JsonValue& value, std::int64_t received_at, std::string& json) const;

 private:
  [[nodiscard]] bool convert_number(std::string_view text, bool is_text, std::string& json) const;
  [[nodiscard]] bool convert_time(const JsonValue& value, std::int64_t received_at,
                                  std::string& json) const;

  ConversionSpec spec_;
  core::FieldType type_;
  TimeZone zone_;
  std::int32_t zone_offset_s_;
  core::TimeFormat format_;
  bool lenient_;
};

/// A time as the pattern has it, on the clock that wrote it.
struct PatternTime {
  std::int64_t local_ns = 0;
  std::optional<std::int32_t> offset_s;  ///< with %z
};
/// The pattern is checked_pattern().
[[nodiscard]] std::optional<PatternTime> read_time(std::string_view text, std::string_view pattern);
/// Why it is none, or empty. Known: %Y %y %m %d %b %H %I %M %S %f %p %z %j %%.
[[nodiscard]] std::string wrong_pattern(std::string_view pattern);

/// a * b + c, to 18 digits; nothing where it is beyond a Decimal.
[[nodiscard]] std::optional<core::Decimal> scaled(core::Decimal number, core::Decimal by,
                                                  core::Decimal plus);
/// Half away from 0, to so many digits behind the point.
[[nodiscard]] core::Decimal rounded(core::Decimal number, std::int32_t decimals);

}  // namespace telemetry::schemas
