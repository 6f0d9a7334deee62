// SPDX-License-Identifier: Apache-2.0
//
// The tables of schemas as C++ text.
//
// What is written is what the decoder reads on the host: row by row the tables of Schema::view().
// Members that have their default are left out. Nothing else goes in, no date, path or version of
// this program, so that the same schemas give the same bytes. The text says nothing twice that
// core/schema_check.hpp can say once: the header only names its checks.
#include "schema/cpp_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "telemetry/core/schema_table.hpp"

namespace telemetry::schemas {
namespace {

using namespace std::string_view_literals;

constexpr std::array keywords = {"alignas"sv,       "alignof"sv,     "and"sv,
                                 "and_eq"sv,        "asm"sv,         "auto"sv,
                                 "bitand"sv,        "bitor"sv,       "bool"sv,
                                 "break"sv,         "case"sv,        "catch"sv,
                                 "char"sv,          "char16_t"sv,    "char32_t"sv,
                                 "char8_t"sv,       "class"sv,       "co_await"sv,
                                 "co_return"sv,     "co_yield"sv,    "compl"sv,
                                 "concept"sv,       "const"sv,       "const_cast"sv,
                                 "consteval"sv,     "constexpr"sv,   "constinit"sv,
                                 "continue"sv,      "decltype"sv,    "default"sv,
                                 "delete"sv,        "do"sv,          "double"sv,
                                 "dynamic_cast"sv,  "else"sv,        "enum"sv,
                                 "explicit"sv,      "export"sv,      "extern"sv,
                                 "false"sv,         "float"sv,       "for"sv,
                                 "friend"sv,        "goto"sv,        "if"sv,
                                 "inline"sv,        "int"sv,         "long"sv,
                                 "mutable"sv,       "namespace"sv,   "new"sv,
                                 "noexcept"sv,      "not"sv,         "not_eq"sv,
                                 "nullptr"sv,       "operator"sv,    "or"sv,
                                 "or_eq"sv,         "private"sv,     "protected"sv,
                                 "public"sv,        "register"sv,    "reinterpret_cast"sv,
                                 "requires"sv,      "return"sv,      "short"sv,
                                 "signed"sv,        "sizeof"sv,      "static"sv,
                                 "static_assert"sv, "static_cast"sv, "struct"sv,
                                 "switch"sv,        "template"sv,    "this"sv,
                                 "thread_local"sv,  "throw"sv,       "true"sv,
                                 "try"sv,           "typedef"sv,     "typeid"sv,
                                 "typename"sv,      "union"sv,       "unsigned"sv,
                                 "using"sv,         "virtual"sv,     "void"sv,
                                 "volatile"sv,      "wchar_t"sv,     "while"sv,
                                 "xor"sv,           "xor_eq"sv};

bool is_keyword(std::string_view word) { return std::ranges::count(keywords, word) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/// A literal; with its length where it has a NUL.
std::string text_of(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '?') {  // ? begins a trigraph
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += fmt::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
  return text.find('\0') == text.npos ? out : fmt::format("{{{}, {}}}", out, text.size());
}

std::string decimal_of(core::Decimal value) {
  return fmt::format("{{{}, {}}}", value.mantissa, value.exponent);
}

std::string value_of(const core::Value& value) {
  switch (value.kind()) {
    case core::ValueKind::boolean:
      return fmt::format("Value::boolean({})", value.as_integer() != 0);
    case core::ValueKind::integer:
      return fmt::format("Value::integer({})", value.as_integer());
    case core::ValueKind::decimal:
      return fmt::format("Value::decimal({})", decimal_of(value.as_decimal()));
    case core::ValueKind::time:
      return fmt::format("Value::time({})", value.as_integer());
    case core::ValueKind::text:
      return fmt::format("Value::text({})", text_of(value.as_text()));
    case core::ValueKind::json:
      return fmt::format("Value::json({})", text_of(value.as_text()));
    case core::ValueKind::null:
      break;
  }
  return "Value()";
}

std::string_view word_of(core::FieldType type) {
  return type == core::FieldType::number ? "number" : type_name(type);
}

std::string_view word_of(core::TimeFormat format) {
  return format == core::TimeFormat::automatic ? "automatic" : time_format_name(format);
}

/// Only what is not as in Node{}.
std::string node_of(const core::Node& node) {
  std::string out = fmt::format("{{.type = FieldType::{}", word_of(node.type));
  const core::Node plain;
  const auto number = [&](const char* name, std::uint32_t value, std::uint32_t usual) {
    if (value != usual) out += fmt::format(", .{} = {}", name, value);
  };
  if (node.time_format != plain.time_format)
    out += fmt::format(", .time_format = TimeFormat::{}", word_of(node.time_format));
  if (node.extra_allowed) out += ", .extra_allowed = true";
  if (node.nulls != plain.nulls) out += fmt::format(", .nulls = Nulls::{}", nulls_name(node.nulls));
  number("first", node.first, plain.first);
  number("count", node.count, plain.count);
  number("fields", node.fields, plain.fields);
  number("min", node.min, plain.min);
  number("max", node.max, plain.max);
  if (node.min_exclusive) out += ", .min_exclusive = true";
  if (node.max_exclusive) out += ", .max_exclusive = true";
  number("length_min", node.length_min, plain.length_min);
  number("length_max", node.length_max, plain.length_max);
  number("slot", node.slot, plain.slot);
  return out + "}";
}

std::string key_of(const core::Key& key) {
  return fmt::format("{{{}, {}, {}, {}}}", text_of(key.name), key.node, key.field, key.required);
}

std::string default_of(const core::Default& one) {
  return fmt::format("{{{}, {}}}", one.slot, value_of(one.value));
}

std::string requires_of(const core::Requires& one) {
  return fmt::format("{{{}, {}, {}}}", one.node, one.field, one.needs);
}

std::string comparison_of(const core::Comparison& one) {
  return fmt::format("{{{}, {}, {}, Relation::{}}}", one.node, one.left, one.right,
                     relation_name(one.relation));
}

/// C++ has no arrays without elements: an empty table is left out.
template <class Row>
void add_table(std::string& out, std::string_view type, std::string_view name,
               std::span<const Row> rows, std::string (*write)(const Row&)) {
  if (rows.empty()) return;
  out += fmt::format("inline constexpr {} {}[] = {{\n", type, name);
  for (const Row& row : rows) out += fmt::format("    {},\n", write(row));
  out += "};\n";
}

std::string decimal_row(const core::Decimal& value) { return decimal_of(value); }

void add_tables(std::string& out, const CppSchema& one) {
  const core::SchemaView& view = one.schema->view();
  out += fmt::format("namespace {} {{\n", one.identifier);
  add_table(out, "Node", "nodes", view.nodes, node_of);
  add_table(out, "Key", "keys", view.keys, key_of);
  add_table(out, "Decimal", "bounds", view.bounds, decimal_row);
  add_table(out, "Value", "enums", view.enums, value_of);
  add_table(out, "Default", "defaults", view.defaults, default_of);
  add_table(out, "Requires", "requires_", view.requires_, requires_of);
  add_table(out, "Comparison", "comparisons", view.comparisons, comparison_of);
  out += fmt::format("}}  // namespace {}\n", one.identifier);
}

void add_slots(std::string& out, const CppSchema& one) {
  out += fmt::format(
      "/// Where {} puts its values.\nnamespace {}_slots {{\n"
      "enum Slot : ::std::uint16_t {{\n",
      one.identifier, one.identifier);
  std::set<std::string> taken;
  for (const SlotInfo& slot : one.schema->slots()) {
    std::string name = cpp_identifier(slot.path);
    while (!taken.insert(name).second) name += '_';
    out += fmt::format("  {},{}\n", name,
                       name == slot.path ? "" : fmt::format("  // {}", text_of(slot.path)));
  }
  out += fmt::format("}};\n}}  // namespace {}_slots\n", one.identifier);
}

void add_view(std::string& out, const CppSchema& one) {
  const core::SchemaView& view = one.schema->view();
  out += fmt::format(
      "/// {}, for {}\n"
      "inline constexpr ::telemetry::core::SchemaView {}{{\n",
      title(*one.schema), text_of(one.schema->filter()), one.identifier);
  const auto table = [&](const char* name, bool empty) {
    out += empty ? fmt::format("    .{} = {{}},\n", name)
                 : fmt::format("    .{} = tables::{}::{},\n", name, one.identifier, name);
  };
  table("nodes", view.nodes.empty());
  table("keys", view.keys.empty());
  table("bounds", view.bounds.empty());
  table("enums", view.enums.empty());
  table("defaults", view.defaults.empty());
  table("requires_", view.requires_.empty());
  table("comparisons", view.comparisons.empty());
  if (view.zone_offset_s != 0) out += fmt::format("    .zone_offset_s = {},\n", view.zone_offset_s);
  out += fmt::format("    .slot_count = {},\n", view.slot_count);
  if (view.time_slot != core::no_index)
    out += fmt::format("    .time_slot = {},\n", view.time_slot);
  if (view.sequence_slot != core::no_index)
    out += fmt::format("    .sequence_slot = {},\n", view.sequence_slot);
  out += "};\n";
}

void add_check(std::string& out, const CppSchema& one, std::size_t index) {
  const core::SchemaView& view = one.schema->view();
  out += fmt::format(
      "static_assert(::telemetry::core::is_sound<\n"
      "              all, {},\n"
      "              ::telemetry::core::TableSizes{{.nodes = {},\n"
      "                                            .keys = {},\n"
      "                                            .bounds = {},\n"
      "                                            .enums = {},\n"
      "                                            .defaults = {},\n"
      "                                            .requires_ = {},\n"
      "                                            .comparisons = {}}}>(),\n"
      "              \"{} is damaged\");\n",
      index, view.nodes.size(), view.keys.size(), view.bounds.size(), view.enums.size(),
      view.defaults.size(), view.requires_.size(), view.comparisons.size(), title(*one.schema));
}

bool goes_before(const CppSchema& a, const CppSchema& b) {
  const int order = core::compare_filters(a.schema->filter(), b.schema->filter());
  return order != 0 ? order < 0 : b.schema->version() < a.schema->version();
}

/// All schemas, in the order of choice.
void add_all(std::string& out, std::span<const CppSchema> ordered) {
  out +=
      "/// All of them, in the order of choice.\n"
      "inline constexpr ::telemetry::core::SchemaEntry all[] = {\n";
  for (const CppSchema& one : ordered) {
    out += fmt::format("    {{{}, {}, 0x{:016x}, &{}, {}, {}}},\n", text_of(one.schema->name()),
                       text_of(one.schema->filter()), one.schema->id(), one.identifier,
                       one.schema->version().major, one.schema->version().minor);
  }
  out += "};\n";
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    out +=
        fmt::format("inline constexpr const ::telemetry::core::SchemaEntry& {}_entry = all[{}];\n",
                    ordered[i].identifier, i);
  }
  out +=
      "\n/// The schema that judges this topic, or null.\n"
      "[[nodiscard]] inline const ::telemetry::core::SchemaEntry* choose(\n"
      "    ::std::string_view topic) noexcept {\n"
      "  return ::telemetry::core::choose(all, topic);\n"
      "}\n\n"
      "static_assert(::telemetry::core::is_in_order_of_choice(all),\n"
      "              \"the schemas are not in the order of choice\");\n";
  for (std::size_t i = 0; i < ordered.size(); ++i) add_check(out, ordered[i], i);
}

}  // namespace

std::string cpp_identifier(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (!is_word(c)) c = '_';
  }
  if (out.empty() || is_digit(out.front())) out.insert(0, 1, '_');
  if (is_keyword(out)) out += '_';
  return out;
}

bool is_cpp_namespace(std::string_view text) {
  for (bool first = true;; first = false) {
    const std::size_t end = std::min(text.find("::"), text.size());
    const std::string_view name = text.substr(0, end);
    const bool reserved = name.starts_with('_') || name.find("__") != name.npos ||
                          (first && (name == "std" || name == "telemetry"));
    if (name.empty() || reserved || cpp_identifier(name) != name) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 2);
  }
}

std::string cpp_header(std::span<const CppSchema> schemas, std::string_view name_space) {
  std::string out =
      "// Written by `telemetry schema compile --to cpp`. Do not change it: change the schemas.\n"
      "#pragma once\n\n"
      "#include <cstdint>\n"
      "#include <string_view>\n\n"
      "#include \"telemetry/core/schema_check.hpp\"\n"
      "#include \"telemetry/core/schema_table.hpp\"\n\n";
  out += fmt::format("namespace {} {{\n\nnamespace tables {{\n", name_space);
  for (const char* type : {"Comparison", "Decimal", "Default", "FieldType", "Key", "Node", "Nulls",
                           "Relation", "Requires", "TimeFormat", "Value"}) {
    out += fmt::format("using ::telemetry::core::{};\n", type);
  }
  for (const CppSchema& one : schemas) {
    out += '\n';
    add_tables(out, one);
  }
  out += "\n}  // namespace tables\n";
  for (const CppSchema& one : schemas) {
    out += '\n';
    add_slots(out, one);
    add_view(out, one);
  }
  std::vector<CppSchema> ordered(schemas.begin(), schemas.end());
  std::ranges::stable_sort(ordered, goes_before);
  out += '\n';
  add_all(out, ordered);
  out += fmt::format("\n}}  // namespace {}\n", name_space);
  return out;
}

}  // namespace telemetry::schemas
