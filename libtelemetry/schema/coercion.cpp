// SPDX-License-Identifier: Apache-2.0
//
// Lenient mode: what a device meant, where that cannot be mistaken.
//
// It runs only for a scalar whose JSON type is not the field's, so a schema in strict mode, and a
// payload of the right types, pay nothing. Journals keep the payload as it came, and whoever reads
// it back decodes it again: what is accepted here may grow, but what was accepted once is accepted
// for ever, with the same value. So it depends on nothing but the field and the bytes.
#include "schema/specification.hpp"
#include "telemetry/core/time.hpp"

namespace telemetry::schemas {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::string_view without_blanks(std::string_view text) noexcept {
  constexpr std::string_view no_break_space = "\u00a0";
  for (;;) {
    if (!text.empty() && is_blank(text.front()))
      text.remove_prefix(1);
    else if (!text.empty() && is_blank(text.back()))
      text.remove_suffix(1);
    else if (text.starts_with(no_break_space))
      text.remove_prefix(no_break_space.size());
    else if (text.ends_with(no_break_space))
      text.remove_suffix(no_break_space.size());
    else
      return text;
  }
}

namespace {

using core::FieldType;
using core::Value;
using core::ValueKind;

Value boolean_in(Value found) {
  std::optional<TextNumber> number;
  if (found.kind() == ValueKind::decimal) {
    number = {.value = found.as_decimal()};
  } else if (found.kind() == ValueKind::text) {
    const std::string_view text = without_blanks(found.as_text());
    if (text == "true" || text == "True" || text == "TRUE") return Value::boolean(true);
    if (text == "false" || text == "False" || text == "FALSE") return Value::boolean(false);
    number = text_number(text);
  }
  if (!number || number->rest != core::Rest::none) return {};
  if (core::compare(number->value, {0, 0}) == 0) return Value::boolean(false);
  if (core::compare(number->value, {1, 0}) == 0) return Value::boolean(true);
  return {};
}

/// Only with a declared unit of time: of a bare number in a text nobody knows what it counts.
Value time_in(const FieldSpec& field, Value found) {
  if (found.kind() != ValueKind::text || field.time_format == core::TimeFormat::automatic ||
      field.time_format == core::TimeFormat::rfc3339)
    return {};
  const auto number = text_number(without_blanks(found.as_text()));
  std::int64_t ns = 0;
  if (!number || !core::epoch_to_ns(number->value, field.time_format, ns)) return {};
  return Value::time(ns);
}

}  // namespace

std::string_view number_in_text(std::string_view text, std::string_view unit) noexcept {
  text = without_blanks(text);
  // The whole text first: a unit may itself end like a number.
  if (text_number(text)) return text;
  if (unit.empty() || !text.ends_with(unit)) return {};
  text.remove_suffix(unit.size());
  text = without_blanks(text);
  return text_number(text) ? text : std::string_view();
}

core::Value coerced(const FieldSpec& field, core::Value found, std::string_view written) noexcept {
  switch (field.type) {
    case FieldType::string:
      return found.kind() == ValueKind::decimal ? Value::text(written) : Value();
    case FieldType::integer:
    case FieldType::number: {
      if (found.kind() != ValueKind::text) return {};
      const std::string_view number = number_in_text(found.as_text(), field.unit);
      return number.empty() ? Value() : Value::text(number);
    }
    case FieldType::boolean:
      return boolean_in(found);
    case FieldType::timestamp:
      return time_in(field, found);
    case FieldType::object:
    case FieldType::array:
    case FieldType::any:
      break;
  }
  return {};
}

}  // namespace telemetry::schemas
