// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/differential/exact_number.hpp"
#include "fuzz/differential/json_tree.hpp"
#include "fuzz/differential/schema_model.hpp"
#include "telemetry/core/decode.hpp"

/// docs/schema.md once more, written to be read: no tables, no hurry, nothing of the product's but
/// its enumerations.
namespace telemetry::reference {

struct Finding {
  core::Rule rule = core::Rule::none;
  std::string where;  ///< "location.lat", "phases[].voltage"; empty: the document
  auto operator<=>(const Finding&) const = default;
};

struct PlainValue {
  core::ValueKind kind = core::ValueKind::null;
  std::int64_t integer = 0;  ///< boolean, integer, time (ns)
  ExactNumber number = {};   ///< decimal
  std::string text = {};
  JsonTree json = {};
  bool operator==(const PlainValue&) const = default;
};

struct PlainExtra {
  std::string where;  ///< of the object that holds it
  std::string key;
  JsonTree value;
  bool operator==(const PlainExtra&) const = default;
};

struct Judgement {
  std::vector<Finding> findings;
  std::map<std::string, PlainValue> values;  ///< of the fields that have one, by path
  std::vector<PlainExtra> extras;
  std::size_t coercions = 0;
  std::size_t roundings = 0;
};

/// Judges a document that is JSON.
/// @param extras_max more of them are unknown fields
Judgement judge(const SchemaModel& schema, const JsonTree& document, std::size_t extras_max);

/// The rules of its own that a value of the right type breaks.
std::vector<core::Rule> broken_by_text(const FieldModel& field, const std::string& text);
std::vector<core::Rule> broken_by_number(const FieldModel& field, const ExactNumber& number);

/// The field's value in a scalar of another JSON type, in lenient mode; null: none.
PlainValue coerced(const FieldModel& field, const JsonTree& found);

/// RFC 3339 as docs/schema.md widens it. False: not a time.
/// @param moved set when it is the nearest that is held.
bool read_time_text(std::string_view text, std::int32_t zone_offset_s, std::int64_t& ns,
                    bool& moved);
bool read_time_number(const ExactNumber& number, core::TimeFormat format, std::int64_t& ns);

}  // namespace telemetry::reference
