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

/// One as it is, several as a list.
std::string one_or_list(const std::vector<std::string>& texts) {
  return texts.size() == 1 ? json_string(texts.front()) : list(texts, json_string);
}

void write_conversion(const FieldSpec& field, const SchemaSpec& schema, Object& object) {
  const ConversionSpec& of = field.conversion;
  if (!field.from.empty()) object.raw("from", one_or_list(field.from));
  if (!of.words.empty()) {
    std::string words;
    {
      Object map(words);
      for (const auto& [word, json] : of.words) {
        const std::string key = json_string(word);
        map.raw(std::string_view(key).substr(1, key.size() - 2), json);
      }
    }
    object.raw("words", words);
  }
  if (!of.no_value.empty()) object.raw("no_value", one_or_list(of.no_value));
  if (of.non_finite_absent) object.text("non_finite", "absent");
  if (of.decimal_comma) object.raw("decimal_comma", "true");
  if (of.hex) object.raw("hex", "true");
  if (of.scale) object.raw("scale", number_text(*of.scale));
  if (of.offset) object.raw("offset", number_text(*of.offset));
  if (of.decimals) object.raw("decimals", fmt::format("{}", *of.decimals));
  if (field.type == core::FieldType::timestamp) {
    std::vector<std::string> formats;
    if (of.local_epoch)
      formats.emplace_back(local_epoch_name);
    else if (field.time_format != schema.time_format)
      formats.emplace_back(time_format_name(field.time_format));
    formats.insert(formats.end(), of.time_patterns.begin(), of.time_patterns.end());
    if (!formats.empty()) object.raw("time_format", one_or_list(formats));
  }
  object.text("time_zone", of.zone);
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
    write_conversion(field, schema, object);
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

std::string text_of(const Condition& condition) {
  std::string out;
  append_condition(condition, out);
  return out;
}

void write_payload(const SchemaSpec& schema, Object& object) {
  if (const std::string payload = payload_document(schema); !payload.empty())
    object.raw("payload", payload);
  if (!schema.records.each.text().empty()) {
    std::string records;
    {
      Object map(records);
      map.text("each", schema.records.each.text());
      map.text("key", schema.records.key);
    }
    object.raw("records", records);
  }
  object.text("device", schema.device);
  if (schema.when) object.raw("when", json_string(text_of(*schema.when)));
  if (schema.drop_all) {
    object.raw("drop", "true");
  } else if (schema.drop_empty || !schema.drop.empty()) {
    std::vector<std::string> what;
    if (schema.drop_empty) what.emplace_back("empty");
    for (const auto& condition : schema.drop) what.push_back(text_of(*condition));
    object.raw("drop", one_or_list(what));
  }
}

}  // namespace

std::string payload_document(const SchemaSpec& schema) {
  const Form::Specification& form = schema.payload.form;
  std::string out;
  {
    Object object(out);
    if (form.form != "json") object.text("form", form.form);
    if (!form.unpack.empty()) object.raw("unpack", list(form.unpack, json_string));
    if (!form.columns.empty()) object.raw("columns", list(form.columns, json_string));
    if (form.header) object.raw("header", "true");
    object.text("separator", form.separator);
    object.text("assign", form.assign);
    object.text("pattern", form.pattern);
    const auto field_of = [](const LayoutField& field) {
      std::string json;
      {
        Object one(json);
        one.text("name", field.name);
        one.text("type", field.type);
        if (field.count != 1) one.raw("count", fmt::format("{}", field.count));
      }
      return json;
    };
    if (!form.layout.empty()) object.raw("layout", list(form.layout, field_of));
  }
  return out == "{}" ? std::string() : out;
}

std::string canonical_document(const SchemaSpec& schema) {
  std::string out;
  {
    Object object(out);
    object.text("name", schema.name);
    object.raw("version", fmt::format("\"{}.{}\"", schema.version.major, schema.version.minor));
    object.text("topic_pattern", schema.topic_pattern);
    write_payload(schema, object);
    if (schema.more_time_fields.empty()) {
      object.text("time_field", schema.time_field);
    } else {
      std::vector<std::string> times = {schema.time_field};
      times.insert(times.end(), schema.more_time_fields.begin(), schema.more_time_fields.end());
      object.raw("time_field", list(times, json_string));
    }
    if (schema.time_format != core::TimeFormat::automatic)
      object.text("time_format", time_format_name(schema.time_format));
    object.text("time_zone", schema.zone);
    if (schema.zone_offset_s != 0) object.text("time_zone", zone_text(schema.zone_offset_s));
    object.text("sequence_field", schema.sequence_field);
    if (schema.sequence_per_device) object.text("sequence_scope", "device");
    if (!schema.identity.empty()) object.raw("identity", list(schema.identity, json_string));
    if (const std::string text = schema_rules(schema); text != "{}") object.raw("validation", text);
    if (!schema.fields.empty() || !schema.drop_all)
      object.raw("fields", list(schema.fields, [&](const FieldSpec& field) {
                   return field_document(field, schema);
                 }));
  }
  return out;
}

}  // namespace telemetry::schemas
