// SPDX-License-Identifier: Apache-2.0
#include "schema/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "telemetry/core/limits.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/topic.hpp"

namespace telemetry::schemas {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t text_bytes_max = 4096;
constexpr std::size_t mistakes_max = 100;

constexpr std::array schema_keys = {"name"sv,          "version"sv,        "description"sv,
                                    "topic_pattern"sv, "time_field"sv,     "time_format"sv,
                                    "time_zone"sv,     "sequence_field"sv, "sequence_scope"sv,
                                    "validation"sv,    "fields"sv,         "json_schema"sv,
                                    "payload"sv,       "records"sv,        "device"sv,
                                    "identity"sv,      "when"sv,           "drop"sv};
constexpr std::array validation_keys = {"strict"sv, "allow_extra_fields"sv, "nulls"sv,
                                        "json_schema"sv, "custom"sv};

struct Word {
  std::string_view word;
  std::string_view hint;
};

constexpr std::string_view json_schema_hint =
    "a JSON Schema document stands under `json_schema`, beside name, version and topic_pattern";
constexpr std::string_view comparison_hint =
    "a field compares itself: `validation: {less_than: other_field}`";
constexpr std::string_view custom_hint =
    "name a function that the program registers: `validation: {custom: NAME}`";
constexpr std::string_view lenient_hint =
    "lenient mode is `validation: {strict: false}` of the whole schema";

/// Words of later versions of this product, and of other schema languages.
constexpr Word special_keys[] = {
    {"$schema", json_schema_hint},
    {"$ref", json_schema_hint},
    {"$id", json_schema_hint},
    {"properties", json_schema_hint},
    {"definitions", json_schema_hint},
    {"compare", comparison_hint},
    {"comparisons", comparison_hint},
    {"rules", "rules of a field stand in its `validation`"},
    {"custom", custom_hint},
    {"function", custom_hint},
    {"validator", custom_hint},
    {"lenient", lenient_hint},
    {"coerce", lenient_hint},
    {"minimum", "did you mean `min`?"},
    {"maximum", "did you mean `max`?"},
    {"regex", "did you mean `pattern`?"},
    {"values", "did you mean `enum`?"},
    {"topic", "did you mean `topic_pattern`?"},
    {"additionalProperties", "did you mean `validation: {allow_extra_fields: ...}`?"},
};

}  // namespace

std::string hint_for(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view near = nearest(word, known);
  if (!near.empty()) return fmt::format("did you mean `{}`?", near);
  return fmt::format("known: {}", fmt::join(known, ", "));
}

std::string_view kind_name(const TreeNode& node) {
  switch (node.kind) {
    case TreeNode::Kind::null:
      return "nothing";
    case TreeNode::Kind::scalar:
      return "a value";
    case TreeNode::Kind::sequence:
      return "a list";
    case TreeNode::Kind::map:
      return "a map";
  }
  return "nothing";
}

void Reader::mistake(Position at, std::string message, std::string hint) {
  if (mistakes_ >= mistakes_max) return;
  // What an alias repeats is said once.
  for (const Diagnostic& d : diagnostics_) {
    if (d.line == at.line && d.column == at.column && d.message == message && d.file == file_)
      return;
  }
  diagnostics_.push_back({file_, at.line, at.column, std::move(message), std::move(hint)});
  if (++mistakes_ == mistakes_max)
    diagnostics_.push_back({file_, 0, 0, "there are more mistakes", "mend these first"});
}

void Reader::check_keys(const TreeNode& map, std::span<const std::string_view> known,
                        std::string_view where) {
  for (const TreeNode::Member& member : map.members) {
    if (std::find(known.begin(), known.end(), member.name) != known.end()) continue;
    std::string hint = hint_for(member.name, known);
    for (const Word& special : special_keys) {
      if (special.word == member.name) hint = special.hint;
    }
    mistake(member.at, fmt::format("{}: unknown key '{}'", where, excerpt(member.name)),
            std::move(hint));
  }
}

std::optional<std::string> Reader::text(const TreeNode& node, std::string_view what) {
  if (node.kind != TreeNode::Kind::scalar) {
    mistake(node.at, fmt::format("{} must be text, not {}", what, kind_name(node)),
            "write one text in the same line");
  } else if (node.text.empty()) {
    mistake(node.at, fmt::format("{} is empty", what), "write a text, or remove the key");
  } else if (node.text.size() > text_bytes_max) {
    mistake(node.at, fmt::format("{} is longer than {} bytes", what, text_bytes_max),
            "shorten it; a remark (# ...) may have any length");
  } else if (node.block && node.text.ends_with('\n') && !what.ends_with("description")) {
    mistake(node.at, fmt::format("{} ends with a line break", what),
            "write it in one line, or with |- in the place of |");
  } else {
    return node.text;
  }
  return {};
}

std::optional<bool> Reader::boolean(const TreeNode& node, std::string_view what) {
  bool value = false;
  if (node.kind == TreeNode::Kind::scalar && node.plain && config::parse_boolean(node.text, value))
    return value;
  mistake(node.at, fmt::format("{} must be true or false", what), "write true or false, unquoted");
  return {};
}

std::optional<core::Decimal> Reader::number(const TreeNode& node, std::string_view what) {
  const auto value = text_number(node.text);
  if (node.kind != TreeNode::Kind::scalar) {
    mistake(node.at, fmt::format("{} must be a number, not {}", what, kind_name(node)),
            "write one number in the same line");
  } else if (!node.plain) {
    mistake(node.at, fmt::format("{} must be a number, not text", what), "remove the quotes");
  } else if (!value) {
    mistake(node.at, fmt::format("{}: '{}' is not a number", what, excerpt(node.text)),
            config::number_hint(node.text));
  } else if (value->rest != core::Rest::none) {
    mistake(node.at, fmt::format("{}: {} cannot be held exactly", what, excerpt(node.text)),
            std::string(exact_number_hint));
  } else {
    return normalized(value->value);
  }
  return {};
}

std::optional<std::uint32_t> Reader::count(const TreeNode& node, std::string_view what) {
  const auto value = number(node, what);
  if (!value) return {};
  std::int64_t whole = 0;
  if (!core::to_int64(*value, whole) || whole < 0 || whole >= UINT32_MAX) {
    mistake(node.at, fmt::format("{} must be a whole number from 0 to {}", what, UINT32_MAX - 1),
            "write for example 10");
    return {};
  }
  return static_cast<std::uint32_t>(whole);
}

std::vector<std::string> Reader::texts(const TreeNode& node, std::string_view what,
                                       std::vector<Position>* positions) {
  std::vector<std::string> out;
  const TreeNode* const one[] = {&node};
  const std::span<const TreeNode* const> nodes =
      node.kind == TreeNode::Kind::sequence ? std::span<const TreeNode* const>(node.items) : one;
  for (const TreeNode* item : nodes) {
    auto value = text(*item, what);
    if (!value) continue;
    out.push_back(std::move(*value));
    if (positions != nullptr) positions->push_back(item->at);
  }
  return out;
}

std::optional<Literal> Reader::literal(const TreeNode& node, const FieldSpec& field,
                                       std::string_view what) {
  Literal out;
  if (node.kind != TreeNode::Kind::scalar) {
    mistake(node.at,
            fmt::format("{} must be a {}, not {}", what, type_name(field.type), kind_name(node)),
            "write one value in the same line");
    return {};
  }
  bool truth = false;
  const auto value = node.plain ? text_number(node.text) : std::nullopt;
  switch (field.type) {
    case core::FieldType::string:
      if (value || (node.plain && config::parse_boolean(node.text, truth))) {
        mistake(node.at, fmt::format("{}: {} is not a string", what, node.text),
                fmt::format("put it in quotes: \"{}\"", node.text));
        return {};
      }
      out.kind = core::ValueKind::text;
      out.text = node.text;
      return out;
    case core::FieldType::integer:
    case core::FieldType::number: {
      const auto exact = number(node, what);
      if (!exact) return {};
      out.number = *exact;
      out.kind = core::ValueKind::decimal;
      if (field.type == core::FieldType::number) return out;
      out.kind = core::ValueKind::integer;
      if (core::to_int64(out.number, out.integer)) return out;
      mistake(node.at, fmt::format("{}: {} is not an integer", what, node.text),
              "write a whole number of at most 64 bits, or declare type: float");
      return {};
    }
    case core::FieldType::boolean: {
      const auto value_read = boolean(node, what);
      if (!value_read) return {};
      out.kind = core::ValueKind::boolean;
      out.integer = *value_read ? 1 : 0;
      return out;
    }
    case core::FieldType::timestamp: {
      out.kind = core::ValueKind::time;
      std::int64_t ns = 0;
      const auto read = core::read_time(node.text, schema_.zone_offset_s, ns);
      if (value ? core::epoch_to_ns(value->value, field.time_format, out.integer)
                : core::parse_time(node.text, schema_.zone_offset_s, out.integer))
        return out;
      mistake(node.at,
              fmt::format("{}: '{}' is {}", what, excerpt(node.text),
                          read == core::TimeText::moved ? "outside 1677-09-21 to 2262-04-11"
                                                        : "not a time"),
              "write it as 2026-01-31T12:00:00Z");
      return {};
    }
    case core::FieldType::object:
    case core::FieldType::array:
    case core::FieldType::any:
      break;
  }
  mistake(node.at, fmt::format("{} is not possible for type {}", what, type_name(field.type)),
          "remove it");
  return {};
}

core::TimeFormat Reader::time_format(const TreeNode& node) {
  constexpr std::array names = {"auto"sv, "rfc3339"sv, "s"sv, "ms"sv, "us"sv, "ns"sv};
  const auto value = text(node, "time_format");
  if (!value) return core::TimeFormat::automatic;
  const auto found = std::find(names.begin(), names.end(), *value);
  if (found != names.end()) return static_cast<core::TimeFormat>(found - names.begin());
  const bool of_field = *value == local_epoch_name || value->find('%') != std::string::npos;
  mistake(node.at, fmt::format("time_format: unknown format '{}'", excerpt(*value)),
          of_field ? "a pattern, and local_s, stand in the field" : hint_for(*value, names));
  return core::TimeFormat::automatic;
}

void Reader::read_version(const TreeNode& node) {
  schema_.version_at = node.at;
  const auto value = text(node, "version");
  if (!value) return;
  std::uint32_t parts[3] = {};
  std::size_t part = 0;
  const char* at = value->data();
  const char* const end = at + value->size();
  bool good = false;
  for (; part < 3; ++part, ++at) {
    const auto [next, error] = std::from_chars(at, end, parts[part]);
    if (error != std::errc() || parts[part] > 65'535) break;
    at = next;
    good = at == end;
    if (good || *at != '.') break;
  }
  if (!good) {
    mistake(node.at, fmt::format("version: '{}' is not MAJOR.MINOR", excerpt(*value)),
            "write it as \"1.0\", each number at most 65535");
  } else if (parts[2] != 0) {
    mistake(node.at, fmt::format("version: '{}' has a patch number", *value),
            fmt::format("a schema changes by MAJOR.MINOR: write \"{}.{}\"", parts[0], parts[1]));
  }
  schema_.version = {parts[0], parts[1]};
}

void Reader::read_validation(const TreeNode& node) {
  if (node.kind != TreeNode::Kind::map) {
    mistake(node.at, fmt::format("validation must be a map, not {}", kind_name(node)),
            "validation: {strict: true, allow_extra_fields: false}");
    return;
  }
  check_keys(node, validation_keys, "validation");
  if (const TreeNode* strict = node.find("strict")) {
    schema_.strict_at = strict->at;
    schema_.lenient = !boolean(*strict, "strict").value_or(true);
  }
  if (const TreeNode* extra = node.find("allow_extra_fields"))
    schema_.allow_extra_fields = boolean(*extra, "allow_extra_fields").value_or(false);
  if (const TreeNode* value = node.find("nulls")) schema_.nulls = nulls(*value, "nulls");
  if (const TreeNode* rule = node.find("json_schema"))
    read_json_rule(*rule, "validation: json_schema", schema_.json_rule, schema_.json_rule_at);
  if (const TreeNode* custom = node.find("custom")) {
    schema_.custom_at = custom->at;
    read_custom(*custom, "custom", schema_.custom, schema_.custom_function);
  }
}

void Reader::read_custom(const TreeNode& node, const std::string& what, std::string& name,
                         ValidationFunction& function) {
  const auto value = text(node, what);
  if (!value) return;
  name = *value;
  if (functions_.accepts_every_name()) return;
  if (const ValidationFunction* found = functions_.find(name)) {
    function = *found;
    return;
  }
  const std::vector<std::string_view> names = functions_.names();
  mistake(node.at, fmt::format("{}: there is no validation function '{}'", what, excerpt(name)),
          names.empty() ? "this program registers none: add it to its ValidationFunctions"
                        : hint_for(name, names));
}

void Reader::read_head(const TreeNode& root) {
  const auto required = [&](std::string_view key, std::string_view example) {
    const TreeNode* node = root.find(key);
    if (node == nullptr)
      mistake(root.at, fmt::format("`{}` is missing", key), fmt::format("add {}", example));
    return node;
  };
  if (const TreeNode* node = required("name", "name: temperature_sensor")) {
    schema_.name = text(*node, "name").value_or("");
    schema_.name_at = node->at;
    const auto letter = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto allowed = [&](char c) {
      return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    const std::string& name = schema_.name;
    if (!name.empty() && (name.size() > name_bytes_max || !letter(name.front()) ||
                          !std::all_of(name.begin(), name.end(), allowed)))
      mistake(node->at, fmt::format("name: '{}' is not a schema name", excerpt(name)),
              "at most 64 letters, digits, _ - . and a letter or _ first");
  }
  schema_.version_at = schema_.name_at;
  if (const TreeNode* node = root.find("version")) read_version(*node);
  if (const TreeNode* node = root.find("description"))
    static_cast<void>(text(*node, "description"));
  if (const TreeNode* node =
          required("topic_pattern", "topic_pattern: sensors/{device}/temperature"))
    read_topic_pattern(*node);
  if (const TreeNode* node = root.find("time_format")) schema_.time_format = time_format(*node);
  if (const TreeNode* node = root.find("time_zone")) {
    read_zone(*node, "time_zone", schema_.zone, &schema_.zone_offset_s);
    if (!schema_.zone.empty()) note_mapped("time_zone", *node);
  }
  read_payload_keys(root);
  if (const TreeNode* node = root.find("validation")) read_validation(*node);
}

void Reader::collect_slots(const std::vector<FieldSpec>& fields, const std::string& prefix) {
  for (const FieldSpec& field : fields) {
    if (field.type == core::FieldType::object)
      collect_slots(field.fields, prefix + field.name + ".");
    else
      slots_.push_back({prefix + field.name, &field});
  }
}

void Reader::check_slots(const TreeNode& fields) {
  collect_slots(schema_.fields, "");
  if (slots_.size() > core::slots_max) {
    mistake(
        fields.at,
        fmt::format("{} values in one message; the limit is {}", slots_.size(), core::slots_max),
        "split the schema, or keep a part as type any");
  }
}

const FieldSpec* Reader::find_slot(const TreeNode& node, std::string_view key,
                                   core::FieldType type) {
  const auto value = text(node, key);
  if (!value) return nullptr;
  std::vector<std::string_view> candidates;
  for (const Slot& slot : slots_) {
    if (slot.path == *value) {
      if (slot.field->type == type) return slot.field;
      mistake(node.at,
              fmt::format("{}: field '{}' has type {}", key, *value, type_name(slot.field->type)),
              fmt::format("it must have type: {}", type_name(type)));
      return nullptr;
    }
    const auto& aliases = slot.field->aliases;
    if (std::find(aliases.begin(), aliases.end(), *value) != aliases.end()) {
      mistake(node.at, fmt::format("{}: '{}' is an alias", key, *value),
              fmt::format("name the field itself: {}", slot.path));
      return nullptr;
    }
    if (slot.field->type == type) candidates.push_back(slot.path);
  }
  mistake(node.at, fmt::format("{}: there is no field '{}'", key, excerpt(*value)),
          candidates.empty() ? fmt::format("declare it under fields with type: {}", type_name(type))
                             : hint_for(*value, candidates));
  return nullptr;
}

void Reader::resolve_time_field(const TreeNode& root) {
  if (const TreeNode* node = root.find("time_field")) {
    const TreeNode* const one[] = {node};
    const bool several = node->kind == TreeNode::Kind::sequence;
    const std::span<const TreeNode* const> items =
        several ? std::span<const TreeNode* const>(node->items) : one;
    if (several) note_mapped("time_field", *node);
    for (const TreeNode* item : items) {
      if (find_slot(*item, "time_field", core::FieldType::timestamp) == nullptr) continue;
      if (schema_.time_field.empty())
        schema_.time_field = item->text;
      else
        schema_.more_time_fields.push_back(item->text);
    }
    return;
  }
  for (const Slot& slot : slots_) {
    if (slot.path == "timestamp" && slot.field->type == core::FieldType::timestamp)
      schema_.time_field = slot.path;
  }
}

void Reader::resolve_sequence_field(const TreeNode& root) {
  if (const TreeNode* node = root.find("sequence_field")) {
    if (find_slot(*node, "sequence_field", core::FieldType::integer) != nullptr)
      schema_.sequence_field = node->text;
  }
  if (const TreeNode* node = root.find("identity")) resolve_identity(*node);
  const TreeNode* node = root.find("sequence_scope");
  if (node == nullptr) return;
  const auto scope = text(*node, "sequence_scope");
  if (!scope) return;
  schema_.sequence_per_device = *scope == "device";
  if (*scope != "device" && *scope != "topic")
    mistake(node->at, fmt::format("sequence_scope: unknown scope '{}'", excerpt(*scope)),
            "write topic or device");
  else if (root.find("sequence_field") == nullptr)
    mistake(node->at, "sequence_scope without sequence_field", "add sequence_field, or remove it");
  else if (schema_.sequence_per_device && !schema_.pattern.names_device() &&
           (schema_.device.empty() || schema_.device == SchemaSpec::no_device))
    mistake(node->at, "sequence_scope: device, but topic_pattern names no device",
            "put {device} into topic_pattern");
}

void Reader::resolve_identity(const TreeNode& node) {
  std::vector<Position> at;
  const auto paths = texts(node, "identity", &at);
  std::vector<std::string_view> known;
  for (const Slot& slot : slots_) known.push_back(slot.path);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (std::ranges::find(known, paths[i]) == known.end())
      mistake(at[i], fmt::format("identity: there is no field '{}'", excerpt(paths[i])),
              hint_for(paths[i], known));
    else
      schema_.identity.push_back(paths[i]);
  }
  if (!schema_.sequence_field.empty())
    mistake(node.at, "identity beside sequence_field", "the number is its identity: remove one");
}

SchemaSpec Reader::read(const TreeNode& root) {
  if (root.kind == TreeNode::Kind::null) {
    mistake({}, "the file is empty", "begin with `name:`");
    return {};
  }
  if (root.kind != TreeNode::Kind::map) {
    mistake(root.at, fmt::format("a schema is a map of keys, not {}", kind_name(root)),
            "begin with `name:`");
    return {};
  }
  check_keys(root, schema_keys, "schema");
  read_head(root);
  const TreeNode* fields = root.find("fields");
  const TreeNode* json_schema = root.find("json_schema");
  bool complete = false;
  if (json_schema != nullptr) {
    complete = read_json_schema(*json_schema, root);
  } else if (fields == nullptr) {
    const bool misplaced = root.find("properties") != nullptr || root.find("$schema") != nullptr;
    if (!misplaced && !schema_.drop_all)
      mistake(root.at, "`fields` is missing", "add fields: with one entry for each member");
  } else {
    schema_.fields = read_fields(*fields, {});
    check_slots(*fields);
    complete = true;
  }
  if (complete) {
    resolve_time_field(root);
    resolve_sequence_field(root);
  }
  check_member_defaults(schema_.fields, schema_.json_rule.get());
  check_strict();
  return std::move(schema_);
}

SchemaSpec read_specification(const TreeNode& root, const std::string& file,
                              std::vector<Diagnostic>& diagnostics,
                              const ValidationFunctions& functions) {
  return Reader(file, diagnostics, functions).read(root);
}

}  // namespace telemetry::schemas
