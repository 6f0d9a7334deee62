// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/decode.hpp"

namespace telemetry::core {

std::string_view to_string(Rule rule) noexcept {
  switch (rule) {
    case Rule::none:
      return "none";
    case Rule::json_syntax:
      return "json_syntax";
    case Rule::json_depth:
      return "json_depth";
    case Rule::json_utf8:
      return "json_utf8";
    case Rule::json_surrogate:
      return "json_surrogate";
    case Rule::number_range:
      return "number_range";
    case Rule::trailing_bytes:
      return "trailing_bytes";
    case Rule::duplicate_key:
      return "duplicate_key";
    case Rule::type:
      return "type";
    case Rule::required:
      return "required";
    case Rule::unknown_field:
      return "unknown_field";
    case Rule::min:
      return "min";
    case Rule::max:
      return "max";
    case Rule::min_length:
      return "min_length";
    case Rule::max_length:
      return "max_length";
    case Rule::pattern:
      return "pattern";
    case Rule::enum_:
      return "enum";
    case Rule::min_items:
      return "min_items";
    case Rule::max_items:
      return "max_items";
    case Rule::time_format:
      return "time_format";
    case Rule::requires_:
      return "requires";
    case Rule::custom:
      return "custom";
    case Rule::payload_too_large:
      return "payload_too_large";
    case Rule::no_schema:
      return "no_schema";
    case Rule::topic:
      return "topic";
    case Rule::comparison:
      return "comparison";
    case Rule::json_schema:
      return "json_schema";
    case Rule::form:
      return "form";
    case Rule::records:
      return "records";
  }
  return "none";
}

}  // namespace telemetry::core
