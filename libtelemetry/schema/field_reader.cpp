// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "schema/reader.hpp"
#include "telemetry/core/limits.hpp"

namespace telemetry::schemas {
namespace {

using namespace std::string_view_literals;
using core::FieldType;

constexpr std::array rule_keys = {"min"sv,
                                  "max"sv,
                                  "min_length"sv,
                                  "max_length"sv,
                                  "pattern"sv,
                                  "enum"sv,
                                  "min_items"sv,
                                  "max_items"sv,
                                  "less_than"sv,
                                  "less_or_equal"sv,
                                  "equal"sv,
                                  "not_equal"sv,
                                  "greater_than"sv,
                                  "greater_or_equal"sv,
                                  "custom"sv,
                                  "exclusive_min"sv,
                                  "exclusive_max"sv,
                                  "nulls"sv,
                                  "allow_extra_fields"sv,
                                  "json_schema"sv};
constexpr std::array own_keys = {"name"sv,        "type"sv,       "required"sv,    "unit"sv,
                                 "default"sv,     "aliases"sv,    "description"sv, "requires"sv,
                                 "time_format"sv, "validation"sv, "fields"sv,      "items"sv};
constexpr auto field_keys = [] {
  std::array<std::string_view, own_keys.size() + rule_keys.size() + mapping_keys.size()> keys;
  std::copy(mapping_keys.begin(), mapping_keys.end(),
            std::copy(rule_keys.begin(), rule_keys.end(),
                      std::copy(own_keys.begin(), own_keys.end(), keys.begin())));
  return keys;
}();

std::optional<core::Relation> relation_of(std::string_view rule) {
  for (const RelationWord& word : relation_words) {
    if (word.word == rule) return word.relation;
  }
  return {};
}

struct TypeWord {
  std::string_view word;
  FieldType type;
};
constexpr TypeWord types[] = {{"string", FieldType::string},   {"integer", FieldType::integer},
                              {"float", FieldType::number},    {"number", FieldType::number},
                              {"boolean", FieldType::boolean}, {"timestamp", FieldType::timestamp},
                              {"object", FieldType::object},   {"array", FieldType::array},
                              {"any", FieldType::any}};
/// What other languages call them.
constexpr TypeWord foreign_types[] = {
    {"str", FieldType::string},          {"text", FieldType::string},
    {"int", FieldType::integer},         {"long", FieldType::integer},
    {"double", FieldType::number},       {"decimal", FieldType::number},
    {"bool", FieldType::boolean},        {"datetime", FieldType::timestamp},
    {"date-time", FieldType::timestamp}, {"time", FieldType::timestamp},
    {"map", FieldType::object},          {"dict", FieldType::object},
    {"list", FieldType::array}};

constexpr std::int64_t field_pattern_memory_bytes_max = 2 * 1024 * 1024;
constexpr std::size_t enum_values_max = 1024;  // the decoder compares with one after the other

bool applies(std::string_view rule, FieldType type) {
  if (const auto relation = relation_of(rule)) {
    const bool ordered =
        type == FieldType::integer || type == FieldType::number || type == FieldType::timestamp;
    const bool equality =
        *relation == core::Relation::equal || *relation == core::Relation::not_equal;
    return ordered || (equality && (type == FieldType::string || type == FieldType::boolean));
  }
  if (rule == "custom") return type != FieldType::object;
  if (rule == "nulls" || rule == "json_schema") return true;
  if (rule == "allow_extra_fields") return type == FieldType::object;
  if (rule == "min" || rule == "max" || rule == "exclusive_min" || rule == "exclusive_max")
    return type == FieldType::integer || type == FieldType::number;
  if (rule == "min_length" || rule == "max_length" || rule == "pattern")
    return type == FieldType::string;
  if (rule == "enum")
    return type == FieldType::string || type == FieldType::integer || type == FieldType::number;
  return type == FieldType::array;
}

/// The keyword that a default breaks ("breaks multipleOf 0.5"), or empty.
/// @param written a time is judged as it is written.
std::string broken_json_rule(const FieldSpec& field, const TreeNode& written,
                             const Literal& literal) {
  if (!field.json_rule) return {};
  const bool text = field.type == FieldType::timestamp && literal.kind == core::ValueKind::time &&
                    !(written.plain && text_number(written.text));
  const std::string json = text                                    ? json_string(written.text)
                           : literal.kind == core::ValueKind::time ? written.text
                                                                   : literal_text(literal);
  const JsonPayload payload(json);
  const auto& parts = field.json_rule->parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!field.json_rule->keeps(i, payload.root()))
      return fmt::format("breaks {} {}", parts[i].keyword, excerpt(parts[i].text));
  }
  return {};
}

std::string_view remedy(std::string_view rule, FieldType type) {
  if (relation_of(rule))
    return type == FieldType::string || type == FieldType::boolean ? "write equal or not_equal"
                                                                   : "remove it";
  if (rule == "custom") return "put it into the `validation` of the schema, or of its fields";
  const bool lower = rule.ends_with("min") || rule.starts_with("min");
  if (rule != "pattern" && rule != "enum" && rule != "allow_extra_fields") {
    if (type == FieldType::string) return lower ? "write min_length" : "write max_length";
    if (type == FieldType::array) return lower ? "write min_items" : "write max_items";
    if (type == FieldType::integer || type == FieldType::number)
      return lower ? "write min" : "write max";
  }
  return "remove it";
}

}  // namespace

std::vector<FieldSpec> Reader::read_fields(const TreeNode& node, const Place& place) {
  std::vector<FieldSpec> fields;
  if (node.kind != TreeNode::Kind::sequence) {
    mistake(node.at, "fields must be a list", "begin each field with `- name: ...`");
    return fields;
  }
  if (node.items.empty()) mistake(node.at, "fields is empty", "declare at least one field");
  if (node.items.size() > core::fields_per_object_max) {
    mistake(node.at,
            fmt::format("{} fields in one object; the limit is {}", node.items.size(),
                        core::fields_per_object_max),
            "group them in objects, or keep a part as type any");
  }
  Names names;
  std::vector<const TreeNode*> nodes;
  for (const TreeNode* item : node.items) {
    if (item->kind != TreeNode::Kind::map) {
      mistake(item->at, "a field must be a map", "- {name: temperature, type: float}");
      continue;
    }
    FieldSpec field;
    read_name(*item, place, field);
    const std::string where = fmt::format("field '{}{}'", place.prefix, excerpt(field.name));
    if (const auto [first, is_new] = names.emplace(field.name, field.at);
        !is_new && !field.name.empty()) {
      mistake(field.at, where + " is declared twice",
              fmt::format("its name is also used in line {}", first->second.line));
    }
    read_field(*item, place, field);
    read_aliases(*item, place, where, field, names);
    fields.push_back(std::move(field));
    nodes.push_back(item);
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string where = fmt::format("field '{}{}'", place.prefix, excerpt(fields[i].name));
    read_requires(*nodes[i], place, where, fields, fields[i]);
    check_comparisons(place, where, fields, fields[i]);
    check_custom(place, where, fields[i]);
  }
  return fields;
}

void Reader::read_name(const TreeNode& node, const Place& place, FieldSpec& field) {
  field.at = node.at;
  const TreeNode* name = node.find("name");
  if (name == nullptr) {
    mistake(node.at,
            fmt::format("a field{} has no name",
                        place.prefix.empty() ? "" : " of '" + place.prefix + "'"),
            "add name: and the member's key");
    return;
  }
  field.at = name->at;
  field.name = text(*name, "name").value_or("");
  if (!place.in_array && field.name.find('.') != std::string::npos) {
    std::string plain = field.name;
    std::replace(plain.begin(), plain.end(), '.', '_');
    mistake(name->at,
            fmt::format("name: '{}' has a dot, which joins names to a path", excerpt(field.name)),
            fmt::format(
                "a member of an object stands among the `fields` of a field of type object; a key "
                "that has the dot itself is {{name: {}, aliases: [{}], ...}}",
                excerpt(plain), excerpt(field.name)));
  }
  if (field.name.size() > core::field_name_bytes_max) {
    mistake(name->at,
            fmt::format("name: {} bytes; the limit is {}", field.name.size(),
                        core::field_name_bytes_max),
            "leave the field out and set allow_extra_fields: true to keep its value");
  }
}

void Reader::read_field(const TreeNode& node, const Place& place, FieldSpec& field) {
  const std::string where =
      fmt::format("field '{}{}'", place.prefix, excerpt(field.name.empty() ? "?" : field.name));
  field.nulls = schema_.nulls;
  field.allow_extra_fields = schema_.allow_extra_fields;
  check_keys(node, field_keys, where);
  bool known = true;
  read_type(node, where, field, known);
  if (const TreeNode* required = node.find("required"))
    field.required = boolean(*required, where + ": required").value_or(false);
  read_inside(node, place, where, field);
  read_rules(node, where, field, known);
  check_member_defaults(field.fields, field.json_rule.get());
  if (known) read_default(node, place, where, field);
}

void Reader::read_type(const TreeNode& node, const std::string& where, FieldSpec& field,
                       bool& known) {
  known = false;
  const TreeNode* type = node.find("type");
  if (type == nullptr) {
    mistake(node.at, where + " has no type", "add type: float, integer, string, ...");
    return;
  }
  const auto word = text(*type, where + ": type");
  if (!word) return;
  std::vector<std::string_view> candidates;
  for (const TypeWord& one : types) {
    candidates.push_back(one.word);
    if (one.word != *word) continue;
    field.type = one.type;
    known = true;
  }
  if (known) return;
  std::string_view near = nearest(*word, candidates);
  for (const TypeWord& one : foreign_types) {
    if (one.word == *word) near = type_name(one.type);
  }
  mistake(type->at, fmt::format("{}: unknown type '{}'", where, excerpt(*word)),
          near.empty() ? fmt::format("types: {}", fmt::join(candidates, ", "))
                       : fmt::format("did you mean `{}`?", near));
}

void Reader::read_rules(const TreeNode& node, const std::string& where, FieldSpec& field,
                        bool known) {
  static const TreeNode nothing;
  const TreeNode* validation = node.find("validation");
  if (validation != nullptr && validation->kind != TreeNode::Kind::map) {
    mistake(validation->at, where + ": validation must be a map", "validation: {min: 0, max: 100}");
    validation = nullptr;
  }
  if (validation == nullptr) validation = &nothing;
  check_keys(*validation, rule_keys, where + ": validation");
  Names seen;
  for (const TreeNode* map : {&node, validation}) {
    for (const TreeNode::Member& member : map->members) {
      const bool is_rule =
          std::find(rule_keys.begin(), rule_keys.end(), member.name) != rule_keys.end();
      if (!is_rule || member.value->kind == TreeNode::Kind::null) continue;
      if (const auto [first, is_new] = seen.emplace(member.name, member.at); !is_new) {
        mistake(member.at, fmt::format("{}: {} is given twice", where, member.name),
                fmt::format("the other is in line {}", first->second.line));
      } else if (known && !applies(member.name, field.type)) {
        mistake(member.at,
                fmt::format("{}: {} does not apply to type {}", where, member.name,
                            type_name(field.type)),
                std::string(remedy(member.name, field.type)));
      } else if (known) {
        apply_rule(member.name, *member.value, where, field);
      }
    }
  }
  check_order(validation->members.empty() ? node : *validation, where, field);
  // Values of an enum are judged by the other rules, so they come last.
  for (const TreeNode* map : {&node, validation}) {
    const TreeNode* values = map->find("enum");
    if (known && values != nullptr && applies("enum", field.type) && field.enum_.empty())
      read_enum(*values, where, field);
  }
}

void Reader::apply_rule(std::string_view rule, const TreeNode& value, const std::string& where,
                        FieldSpec& field) {
  const std::string what = fmt::format("{}: {}", where, rule);
  if (rule == "min" || rule == "exclusive_min") {
    if (field.min)
      mistake(value.at, fmt::format("{}: min and exclusive_min", where), "keep the narrower one");
    field.min = number(value, what);
    field.min_exclusive = rule == "exclusive_min" && field.min;
  }
  if (rule == "max" || rule == "exclusive_max") {
    if (field.max)
      mistake(value.at, fmt::format("{}: max and exclusive_max", where), "keep the narrower one");
    field.max = number(value, what);
    field.max_exclusive = rule == "exclusive_max" && field.max;
  }
  if (rule == "nulls") field.nulls = nulls(value, what);
  if (rule == "allow_extra_fields")
    field.allow_extra_fields = boolean(value, what).value_or(field.allow_extra_fields);
  if (rule == "json_schema") read_json_rule(value, what, field.json_rule, field.json_rule_at);
  if (rule == "min_length" || rule == "min_items") field.length_min = count(value, what);
  if (rule == "max_length" || rule == "max_items") field.length_max = count(value, what);
  if (rule == "pattern") read_pattern(value, where, field);
  if (const auto relation = relation_of(rule)) read_comparison(*relation, value, what, field);
  if (rule == "custom") {
    field.custom_at = value.at;
    read_custom(value, what, field.custom, field.custom_function);
  }
}

void Reader::check_order(const TreeNode& node, const std::string& where, const FieldSpec& field) {
  const auto at = [&](std::string_view key) {
    for (const TreeNode::Member& member : node.members) {
      if (member.name == key) return member.at;
    }
    return field.at;
  };
  const bool open = field.min_exclusive || field.max_exclusive;
  if (field.min && field.max && core::compare(*field.min, *field.max) > (open ? -1 : 0)) {
    const std::string_view min = field.min_exclusive ? "exclusive_min" : "min";
    mistake(
        at(min),
        open ? fmt::format("{}: nothing lies between {} {} and {} {}", where, min,
                           number_text(*field.min), field.max_exclusive ? "exclusive_max" : "max",
                           number_text(*field.max))
             : fmt::format("{}: min {} is above max {}", where, number_text(*field.min),
                           number_text(*field.max)),
        open ? "no value could pass; widen them" : "no value could pass; swap them");
  }
  if (field.length_min && field.length_max && *field.length_min > *field.length_max) {
    const std::string_view unit = field.type == FieldType::array ? "items" : "length";
    mistake(at(fmt::format("min_{}", unit)),
            fmt::format("{}: min_{} {} is above max_{} {}", where, unit, *field.length_min, unit,
                        *field.length_max),
            "no value could pass; swap them");
  }
}

void Reader::read_pattern(const TreeNode& node, const std::string& where, FieldSpec& field) {
  const auto pattern = text(node, where + ": pattern");
  if (!pattern) return;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(field_pattern_memory_bytes_max);
  auto expression = std::make_shared<const RE2>(*pattern, options);
  if (!expression->ok()) {
    mistake(node.at, fmt::format("{}: pattern: {}", where, expression->error()),
            "the syntax is RE2: no look-around, no back-references");
    return;
  }
  field.pattern = *pattern;
  field.pattern_at = node.at;
  field.expression = std::move(expression);
}

void Reader::read_enum(const TreeNode& node, const std::string& where, FieldSpec& field) {
  if (node.kind != TreeNode::Kind::sequence || node.items.empty()) {
    mistake(node.at, where + ": enum must be a list of values", "enum: [a, b]");
    return;
  }
  if (node.items.size() > enum_values_max) {
    mistake(node.at,
            fmt::format("{}: enum has {} values; the limit is {}", where, node.items.size(),
                        enum_values_max),
            "use a pattern");
    return;
  }
  std::vector<Literal> values;
  std::map<std::string, Position> seen;
  for (const TreeNode* item : node.items) {
    auto value = literal(*item, field, where + ": enum");
    if (!value) continue;
    const std::string text = literal_text(*value);
    if (const std::string rule = broken_rule(field, *value); !rule.empty())
      mistake(item->at, fmt::format("{}: enum: {} {}", where, excerpt(text), rule),
              "it could never pass; remove it");
    if (!seen.emplace(text, item->at).second)
      mistake(item->at, fmt::format("{}: enum: {} stands twice", where, excerpt(text)),
              "remove one of the two");
    values.push_back(std::move(*value));
  }
  field.enum_ = std::move(values);
}

void Reader::read_default(const TreeNode& node, const Place& place, const std::string& where,
                          FieldSpec& field) {
  const TreeNode* value = node.find("default");
  if (value == nullptr) return;
  if (place.in_array) {
    mistake(value->at, where + ": default is not possible inside an array",
            "items are stored as they come; remove it");
  } else if (field.type == FieldType::object || field.type == FieldType::array ||
             field.type == FieldType::any) {
    mistake(value->at,
            fmt::format("{}: default is not possible for type {}", where, type_name(field.type)),
            field.type == FieldType::object ? "give defaults to its fields" : "remove it");
  } else if (field.required) {
    mistake(value->at, where + ": a required field never takes its default",
            "remove default, or required");
  } else if (auto read = literal(*value, field, where + ": default")) {
    std::string rule = broken_rule(field, *read);
    if (rule.empty()) rule = broken_json_rule(field, *value, *read);
    if (!rule.empty())
      mistake(value->at,
              fmt::format("{}: default {} {}", where, excerpt(literal_text(*read)), rule),
              "a default keeps the rules of its field");
    field.default_value = std::move(*read);
  }
}

void Reader::read_inside(const TreeNode& node, const Place& place, const std::string& where,
                         FieldSpec& field) {
  if (const TreeNode* unit = node.find("unit"))
    field.unit = text(*unit, where + ": unit").value_or("");
  if (const TreeNode* description = node.find("description"))
    static_cast<void>(text(*description, where + ": description"));
  if (field.type == FieldType::timestamp) field.time_format = schema_.time_format;
  if (const TreeNode* format = node.find("time_format")) {
    if (field.type == FieldType::timestamp)
      field.time_format = read_time_formats(*format, field);
    else
      mistake(format->at, where + ": time_format applies to type timestamp only", "remove it");
  }
  read_mapping(node, place, where, field);
  const TreeNode* fields = node.find("fields");
  const TreeNode* items = node.find("items");
  const bool nested = field.type == FieldType::object || field.type == FieldType::array;
  if (nested && place.depth >= core::schema_depth_max) {
    mistake(field.at,
            fmt::format("{} is nested deeper than {} levels", where, core::schema_depth_max),
            "keep the inner part as type any");
    return;
  }
  if (field.type == FieldType::object && fields == nullptr) {
    mistake(field.at, where + ": an object needs fields", "list them, or use type: any");
  } else if (field.type == FieldType::object) {
    field.fields =
        read_fields(*fields, {place.prefix + field.name + ".", place.depth + 1, place.in_array});
  } else if (fields != nullptr) {
    mistake(fields->at, fmt::format("{}: fields needs type object", where), "type: object");
  }
  if (field.type == FieldType::array) {
    field.items.emplace_back();
    field.items.front().nulls = schema_.nulls;
    if (items != nullptr) read_items(*items, place, where, field);
  } else if (items != nullptr) {
    mistake(items->at, fmt::format("{}: items needs type array", where), "type: array");
  }
}

void Reader::read_items(const TreeNode& node, const Place& place, const std::string& where,
                        FieldSpec& field) {
  FieldSpec& item = field.items.front();
  item.at = node.at;
  item.allow_extra_fields = schema_.allow_extra_fields;
  const Place inside{place.prefix + field.name + "[]", place.depth + 1, true};
  if (node.kind != TreeNode::Kind::map) {
    mistake(node.at, where + ": items must be a map", "items: {type: float}");
    return;
  }
  for (const std::string_view key : {"name"sv, "required"sv, "aliases"sv, "requires"sv}) {
    if (const TreeNode* value = node.find(key))
      mistake(value->at,
              fmt::format("{}: items: {} does not apply to the item of an array", where, key),
              "remove it");
  }
  check_keys(node, field_keys, where + ": items");
  const std::string item_where = where + ": items";
  bool known = true;
  read_type(node, item_where, item, known);
  read_inside(node, inside, item_where, item);
  read_rules(node, item_where, item, known);
  check_comparisons(inside, item_where, {}, item);
  check_custom(inside, item_where, item);
  if (known) read_default(node, inside, item_where, item);
}

void Reader::read_aliases(const TreeNode& node, const Place& place, const std::string& where,
                          FieldSpec& field, Names& names) {
  const TreeNode* aliases = node.find("aliases");
  if (aliases == nullptr) return;
  if (place.in_array) {
    mistake(aliases->at, where + ": aliases are not possible inside an array",
            "items are stored as they come; remove it");
    return;
  }
  std::vector<Position> at;
  field.aliases = texts(*aliases, where + ": aliases", &at);
  for (std::size_t i = 0; i < field.aliases.size(); ++i) {
    const std::string& alias = field.aliases[i];
    if (alias.size() > core::field_name_bytes_max) {
      mistake(at[i],
              fmt::format("{}: alias: {} bytes; the limit is {}", where, alias.size(),
                          core::field_name_bytes_max),
              "remove it; allow_extra_fields: true keeps the value");
    }
    if (const auto [first, is_new] = names.emplace(alias, at[i]); !is_new) {
      mistake(at[i], fmt::format("{}: alias '{}' is taken", where, excerpt(alias)),
              fmt::format("its name is also used in line {}", first->second.line));
    }
  }
}

void Reader::check_custom(const Place& place, const std::string& where, const FieldSpec& field) {
  if (place.in_array && !field.custom.empty())
    mistake(field.custom_at, where + ": custom is not possible inside an array",
            "let the array itself name the function");
}

void Reader::read_requires(const TreeNode& node, const Place& place, const std::string& where,
                           const std::vector<FieldSpec>& siblings, FieldSpec& field) {
  const TreeNode* requires_ = node.find("requires");
  if (requires_ == nullptr) return;
  if (place.in_array) {
    mistake(requires_->at, where + ": requires is not possible inside an array", "remove it");
    return;
  }
  std::vector<Position> at;
  field.requires_ = texts(*requires_, where + ": requires", &at);
  std::vector<std::string_view> names;
  for (const FieldSpec& sibling : siblings) names.push_back(sibling.name);
  for (std::size_t i = 0; i < field.requires_.size(); ++i) {
    const std::string& needed = field.requires_[i];
    if (needed == field.name) {
      mistake(at[i], where + ": requires itself", "remove it");
    } else if (std::find(names.begin(), names.end(), needed) == names.end()) {
      const std::string_view near = nearest(needed, names);
      mistake(at[i],
              fmt::format("{}: requires '{}', which is no field beside it", where, excerpt(needed)),
              near.empty() ? "name a field of the same object, by its own name"
                           : fmt::format("did you mean `{}`?", near));
    }
  }
}

}  // namespace telemetry::schemas
