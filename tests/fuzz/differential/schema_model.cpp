// SPDX-License-Identifier: Apache-2.0
#include "fuzz/differential/schema_model.hpp"

#include <fmt/format.h>

namespace telemetry::reference {
namespace {

using core::FieldType;

constexpr const char* type_words[] = {"string",    "integer", "float", "boolean",
                                      "timestamp", "object",  "array", "any"};
constexpr const char* time_words[] = {"auto", "rfc3339", "s", "ms", "us", "ns"};

bool is_text(const FieldModel& field) {
  return field.type == FieldType::string ||
         (field.type == FieldType::timestamp && (field.time_format == core::TimeFormat::automatic ||
                                                 field.time_format == core::TimeFormat::rfc3339));
}

std::string literal(const FieldModel& field, const std::string& value) {
  return is_text(field) ? quoted(value) : value;
}

template <class Items, class Write>
std::string list(const Items& items, const Write& write) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + write(item);
  return out + "]";
}

std::string rules_of(const FieldModel& field) {
  std::string out;
  const std::string unit = field.type == FieldType::array ? "items" : "length";
  if (field.min) out += fmt::format(", \"min\": {}", *field.min);
  if (field.max) out += fmt::format(", \"max\": {}", *field.max);
  if (field.length_min) out += fmt::format(", \"min_{}\": {}", unit, *field.length_min);
  if (field.length_max) out += fmt::format(", \"max_{}\": {}", unit, *field.length_max);
  if (field.pattern != nullptr)
    out += fmt::format(", \"pattern\": {}", quoted(field.pattern->expression));
  if (!field.enum_.empty()) {
    out += ", \"enum\": " +
           list(field.enum_, [&](const std::string& value) { return literal(field, value); });
  }
  for (const core::Relation relation :
       {core::Relation::less_than, core::Relation::equal, core::Relation::less_or_equal,
        core::Relation::greater_than, core::Relation::not_equal,
        core::Relation::greater_or_equal}) {
    std::vector<std::string> others;
    for (const auto& [each, other] : field.comparisons) {
      if (each == relation) others.push_back(other);
    }
    if (!others.empty())
      out += fmt::format(", \"{}\": {}", word_of(relation), list(others, quoted));
  }
  return out;
}

std::string text_of(const FieldModel& field) {
  std::string out = fmt::format("{{\"type\": \"{}\"", type_words[static_cast<int>(field.type)]);
  if (!field.name.empty()) out += ", \"name\": " + quoted(field.name);
  if (field.required) out += ", \"required\": true";
  if (!field.unit.empty()) out += ", \"unit\": " + quoted(field.unit);
  if (!field.aliases.empty()) out += ", \"aliases\": " + list(field.aliases, quoted);
  if (!field.requires_.empty()) out += ", \"requires\": " + list(field.requires_, quoted);
  if (field.default_) out += ", \"default\": " + literal(field, *field.default_);
  if (field.type == FieldType::timestamp) {
    out +=
        fmt::format(", \"time_format\": \"{}\"", time_words[static_cast<int>(field.time_format)]);
  }
  out += rules_of(field);
  if (!field.fields.empty()) out += ", \"fields\": " + list(field.fields, text_of);
  if (!field.items.empty()) out += ", \"items\": " + text_of(field.items.front());
  return out + "}";
}

}  // namespace

const char* word_of(core::Relation relation) {
  constexpr const char* words[] = {
      "", "less_than", "equal", "less_or_equal", "greater_than", "not_equal", "greater_or_equal"};
  return words[static_cast<int>(relation)];
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string document_of(const SchemaModel& schema) {
  const std::int32_t minutes =
      (schema.zone_offset_s < 0 ? -schema.zone_offset_s : schema.zone_offset_s) / 60;
  return fmt::format(
      "{{\"name\": \"generated\", \"version\": \"1.0\", \"topic_pattern\": \"a/+\", "
      "\"time_zone\": \"{}{:02}:{:02}\", "
      "\"validation\": {{\"strict\": {}, \"allow_extra_fields\": {}}}, \"fields\": {}}}",
      schema.zone_offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60, !schema.lenient,
      schema.extra_allowed, list(schema.fields, text_of));
}

}  // namespace telemetry::reference
