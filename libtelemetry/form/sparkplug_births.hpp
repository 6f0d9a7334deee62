// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/form.hpp"

namespace telemetry {

namespace forms {

/// Datatypes of Sparkplug B by their number.
inline constexpr std::array<std::string_view, 35> sparkplug_datatypes = {
    "Unknown",      "Int8",
    "Int16",        "Int32",
    "Int64",        "UInt8",
    "UInt16",       "UInt32",
    "UInt64",       "Float",
    "Double",       "Boolean",
    "String",       "DateTime",
    "Text",         "UUID",
    "DataSet",      "Bytes",
    "File",         "Template",
    "PropertySet",  "PropertySetList",
    "Int8Array",    "Int16Array",
    "Int32Array",   "Int64Array",
    "UInt8Array",   "UInt16Array",
    "UInt32Array",  "UInt64Array",
    "FloatArray",   "DoubleArray",
    "BooleanArray", "StringArray",
    "DateTimeArray"};

}  // namespace forms

class SparkplugBirths::Birth {
 public:
  explicit Birth(std::span<const Metric> metrics);

  /// Null where no metric has it, or where two of different names have.
  [[nodiscard]] const Metric* by_alias(std::uint64_t alias) const noexcept;
  [[nodiscard]] const Metric* by_name(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::string names_;
  std::vector<Metric> by_name_;
  std::vector<Metric> by_alias_;
};

}  // namespace telemetry
