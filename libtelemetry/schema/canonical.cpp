// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "schema/specification.hpp"

namespace telemetry::schemas {
namespace {

/// Members of one JSON object. The order of the calls is the order in the document.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() { out_ += '}'; }

  void raw(std::string_view key, std::string_view json) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\":";
    out_ += json;
  }
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) raw(key, json_string(value));
  }

 private:
  std::string& out_;
  bool first_ = true;
};

template <class Items, class Write>
std::string list(const Items& items, Write write) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += write(item);
  }
  return out + ']';
}

/// `inherited`: what fields have that do not say otherwise.
std::string rules(const FieldSpec& field, const SchemaSpec& inherited) {
  std::string out;
  {
    Object object(out);
    const bool array = field.type == core::FieldType::array;
    if (field.min)
      object.raw(field.min_exclusive ? "exclusive_min" : "min", number_text(*field.min));
    if (field.max)
      object.raw(field.max_exclusive ? "exclusive_max" : "max", number_text(*field.max));
    if (field.length_min && *field.length_min > 0)
      object.raw(array ? "min_items" : "min_length", fmt::format("{}", *field.length_min));
    if (field.length_max)
      object.raw(array ? "max_items" : "max_length", fmt::format("{}", *field.length_max));
    object.text("pattern", field.pattern);
    if (!field.enum_.empty()) object.raw("enum", list(field.enum_, literal_text));
    for (const RelationWord& word : relation_words) {
      std::vector<std::string> others;
      for (const ComparisonSpec& comparison : field.comparisons) {
        if (comparison.relation == word.relation) others.push_back(comparison.other);
      }
      if (!others.empty()) object.raw(word.word, list(others, json_string));
    }
    if (field.nulls != inherited.nulls) object.text("nulls", nulls_name(field.nulls));
    if (field.type == core::FieldType::object &&
        field.allow_extra_fields != inherited.allow_extra_fields)
      object.raw("allow_extra_fields", field.allow_extra_fields ? "true" : "false");
    if (field.json_rule) object.raw("json_schema", field.json_rule->text());
    object.text("custom", field.custom);
  }
  return out;
}

std::string field_document(const FieldSpec& field, const SchemaSpec& schema) {
  std::string out;
  {
    Object object(out);
    object.text("name", field.name);
    object.text("type", type_name(field.type));
    if (field.required) object.raw("required", "true");
    object.text("unit", field.unit);
    if (field.default_value) object.raw("default", literal_text(*field.default_value));
    if (!field.aliases.empty()) object.raw("aliases", list(field.aliases, json_string));
    if (!field.requires_.empty()) object.raw("requires", list(field.requires_, json_string));
    if (field.type == core::FieldType::timestamp && field.time_format != schema.time_format)
      object.text("time_format", time_format_name(field.time_format));
    if (const std::string text = rules(field, schema); text != "{}") object.raw("validation", text);
    const auto nested = [&](const FieldSpec& inner) { return field_document(inner, schema); };
    if (!field.fields.empty()) object.raw("fields", list(field.fields, nested));
    if (!field.items.empty() && nested(field.items.front()) != R"({"type":"any"})")
      object.raw("items", nested(field.items.front()));
  }
  return out;
}

std::string schema_rules(const SchemaSpec& schema) {
  std::string out;
  {
    Object object(out);
    if (schema.lenient) object.raw("strict", "false");
    if (schema.allow_extra_fields) object.raw("allow_extra_fields", "true");
    if (schema.nulls != core::Nulls::absent) object.text("nulls", nulls_name(schema.nulls));
    if (schema.json_rule) object.raw("json_schema", schema.json_rule->text());
    object.text("custom", schema.custom);
  }
  return out;
}

std::string zone_text(std::int32_t offset_s) {
  const int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
  return fmt::format("{}{:02}:{:02}", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace

std::string canonical_document(const SchemaSpec& schema) {
  std::string out;
  {
    Object object(out);
    object.text("name", schema.name);
    object.raw("version", fmt::format("\"{}.{}\"", schema.version.major, schema.version.minor));
    object.text("topic_pattern", schema.topic_pattern);
    object.text("time_field", schema.time_field);
    if (schema.time_format != core::TimeFormat::automatic)
      object.text("time_format", time_format_name(schema.time_format));
    if (schema.zone_offset_s != 0) object.text("time_zone", zone_text(schema.zone_offset_s));
    object.text("sequence_field", schema.sequence_field);
    if (schema.sequence_per_device) object.text("sequence_scope", "device");
    if (const std::string text = schema_rules(schema); text != "{}") object.raw("validation", text);
    object.raw("fields", list(schema.fields, [&](const FieldSpec& field) {
                 return field_document(field, schema);
               }));
  }
  return out;
}

}  // namespace telemetry::schemas
