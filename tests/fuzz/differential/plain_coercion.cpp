// SPDX-License-Identifier: Apache-2.0
// The table of "Lenient mode" in docs/schema.md.
#include "fuzz/differential/checker.hpp"

namespace telemetry::reference {
namespace {

using core::FieldType;
using core::ValueKind;
using Kind = JsonTree::Kind;

/// Without white space, as JSON knows it, and no-break spaces at both ends.
std::string trimmed(std::string text) {
  const std::string no_break = "\u00a0";
  for (bool changed = true; changed;) {
    changed = false;
    if (!text.empty() && std::string(" \t\n\r").find(text.front()) != std::string::npos) {
      text.erase(0, 1);
      changed = true;
    }
    if (!text.empty() && std::string(" \t\n\r").find(text.back()) != std::string::npos) {
      text.pop_back();
      changed = true;
    }
    if (text.starts_with(no_break)) {
      text.erase(0, no_break.size());
      changed = true;
    }
    if (text.ends_with(no_break)) {
      text.erase(text.size() - no_break.size());
      changed = true;
    }
  }
  return text;
}

bool is_number(const std::string& text) {
  return !text.empty() && number_prefix(text) == text.size();
}

PlainValue boolean_in(const JsonTree& found) {
  const auto value = [](bool truth) {
    return PlainValue{.kind = ValueKind::boolean, .integer = truth ? 1 : 0};
  };
  if (found.kind != Kind::string && found.kind != Kind::number) return {};
  const std::string text = found.kind == Kind::string ? trimmed(found.text) : found.text;
  if (text == "true" || text == "True" || text == "TRUE") return value(true);
  if (text == "false" || text == "False" || text == "FALSE") return value(false);
  if (!is_number(text)) return {};
  if (order(exact(text), exact(0, 0)) == 0) return value(false);
  if (order(exact(text), exact(1, 0)) == 0) return value(true);
  return {};
}

PlainValue number_in(const FieldModel& field, const JsonTree& found) {
  if (found.kind != Kind::string) return {};
  std::string text = trimmed(found.text);
  if (!is_number(text)) {
    if (field.unit.empty() || !text.ends_with(field.unit)) return {};
    text = trimmed(text.substr(0, text.size() - field.unit.size()));
    if (!is_number(text)) return {};
  }
  return {.kind = ValueKind::decimal, .number = exact(text)};
}

PlainValue time_in(const FieldModel& field, const JsonTree& found) {
  if (found.kind != Kind::string || field.time_format == core::TimeFormat::automatic ||
      field.time_format == core::TimeFormat::rfc3339) {
    return {};
  }
  const std::string text = trimmed(found.text);
  PlainValue value{.kind = ValueKind::time};
  if (!is_number(text) || !read_time_number(exact(text), field.time_format, value.integer))
    return {};
  return value;
}

}  // namespace

PlainValue coerced(const FieldModel& field, const JsonTree& found) {
  switch (field.type) {
    case FieldType::string:
      if (found.kind != Kind::number) return {};
      return {.kind = ValueKind::text, .text = found.text};
    case FieldType::integer:
    case FieldType::number:
      return number_in(field, found);
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

}  // namespace telemetry::reference
