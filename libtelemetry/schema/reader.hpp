// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/specification.hpp"

namespace telemetry::schemas {

/// Keys of a field that say where its value stands and how it is written.
inline constexpr std::array<std::string_view, 10> mapping_keys = {
    "from", "words", "no_value", "non_finite", "decimal_comma",
    "hex",  "scale", "offset",   "decimals",   "time_zone"};

/// What to write instead of a word that is not known.
[[nodiscard]] std::string hint_for(std::string_view word, std::span<const std::string_view> known);
/// "a list" and so on.
[[nodiscard]] std::string_view kind_name(const TreeNode& node);

/// Walks the tree of one schema file; collects every mistake and goes on.
class Reader {
 public:
  Reader(const std::string& file, std::vector<Diagnostic>& diagnostics,
         const ValidationFunctions& functions)
      : file_(file), diagnostics_(diagnostics), functions_(functions) {}

  SchemaSpec read(const TreeNode& root);

 private:
  /// Where a field stands.
  struct Place {
    std::string prefix;     // "location." for the fields of location
    std::size_t depth = 1;  // containers that are open, the document included
    bool in_array = false;
  };
  struct Slot {
    std::string path;
    const FieldSpec* field;
  };
  using Names = std::map<std::string, Position, std::less<>>;

  void mistake(Position at, std::string message, std::string hint = {});
  void check_keys(const TreeNode& map, std::span<const std::string_view> known,
                  std::string_view where);

  // One value; nothing (and a mistake) when it is not of that kind.
  std::optional<std::string> text(const TreeNode& node, std::string_view what);
  std::optional<bool> boolean(const TreeNode& node, std::string_view what);
  std::optional<core::Decimal> number(const TreeNode& node, std::string_view what);
  std::optional<std::uint32_t> count(const TreeNode& node, std::string_view what);
  std::vector<std::string> texts(const TreeNode& node, std::string_view what,
                                 std::vector<Position>* positions = nullptr);
  std::optional<Literal> literal(const TreeNode& node, const FieldSpec& field,
                                 std::string_view what);
  core::TimeFormat time_format(const TreeNode& node);

  // The document.
  void read_head(const TreeNode& root);
  void read_version(const TreeNode& node);
  void read_topic_pattern(const TreeNode& node);
  void read_validation(const TreeNode& node);
  void read_custom(const TreeNode& node, const std::string& what, std::string& name,
                   ValidationFunction& function);
  void check_slots(const TreeNode& fields);
  void resolve_time_field(const TreeNode& root);
  void resolve_sequence_field(const TreeNode& root);
  void resolve_identity(const TreeNode& node);
  const FieldSpec* find_slot(const TreeNode& node, std::string_view key, core::FieldType type);
  void collect_slots(const std::vector<FieldSpec>& fields, const std::string& prefix);

  // How a payload becomes documents (payload_reader.cpp).
  void read_payload_keys(const TreeNode& root);
  void note_mapped(std::string_view key, const TreeNode& node);
  void read_form(const TreeNode& node);
  void read_layout(const TreeNode& node, Form::Specification& to);
  void read_records(const TreeNode& node);
  void read_drop(const TreeNode& node);
  std::shared_ptr<const Condition> condition(const TreeNode& node, std::string_view what);
  void check_template(const TreeNode& node, const std::string& value, std::string_view what);
  void read_zone(const TreeNode& node, const std::string& what, std::string& zone,
                 std::int32_t* offset_s);
  void read_mapping(const TreeNode& node, const Place& place, const std::string& where,
                    FieldSpec& field);
  void read_mapping_key(std::string_view key, const TreeNode& value, const std::string& what,
                        FieldSpec& field);
  void read_words(const TreeNode& node, const std::string& what, FieldSpec& field);
  void read_no_value(const TreeNode& node, const std::string& what, ConversionSpec& to);
  core::TimeFormat read_time_formats(const TreeNode& node, FieldSpec& field);

  // Fields (field_reader.cpp).
  std::vector<FieldSpec> read_fields(const TreeNode& node, const Place& place);
  void read_name(const TreeNode& node, const Place& place, FieldSpec& field);
  void read_field(const TreeNode& node, const Place& place, FieldSpec& field);
  void read_type(const TreeNode& node, const std::string& where, FieldSpec& field, bool& known);
  void read_rules(const TreeNode& node, const std::string& where, FieldSpec& field, bool known);
  void apply_rule(std::string_view rule, const TreeNode& value, const std::string& where,
                  FieldSpec& field);
  void read_enum(const TreeNode& node, const std::string& where, FieldSpec& field);
  void read_pattern(const TreeNode& node, const std::string& where, FieldSpec& field);
  void check_order(const TreeNode& node, const std::string& where, const FieldSpec& field);
  void read_default(const TreeNode& node, const Place& place, const std::string& where,
                    FieldSpec& field);
  void read_inside(const TreeNode& node, const Place& place, const std::string& where,
                   FieldSpec& field);
  void read_items(const TreeNode& node, const Place& place, const std::string& where,
                  FieldSpec& field);
  void read_aliases(const TreeNode& node, const Place& place, const std::string& where,
                    FieldSpec& field, Names& names);
  void read_requires(const TreeNode& node, const Place& place, const std::string& where,
                     const std::vector<FieldSpec>& siblings, FieldSpec& field);

  // JSON Schema (json_schema_reader.cpp).
  bool read_json_schema(const TreeNode& document, const TreeNode& root);
  void read_json_rule(const TreeNode& node, const std::string& what,
                      std::shared_ptr<const JsonRule>& rule, std::vector<Position>& places);
  core::Nulls nulls(const TreeNode& node, std::string_view what);
  void check_strict();
  void check_member_defaults(const std::vector<FieldSpec>& fields, const JsonRule* rule);

  // Comparisons (comparison_reader.cpp).
  void read_comparison(core::Relation relation, const TreeNode& value, const std::string& what,
                       FieldSpec& field);
  void check_comparisons(const Place& place, const std::string& where,
                         const std::vector<FieldSpec>& siblings, FieldSpec& field);
  void check_custom(const Place& place, const std::string& where, const FieldSpec& field);
  void check_comparison(const std::string& where, const std::vector<FieldSpec>& siblings,
                        const FieldSpec& field, const ComparisonSpec& comparison);

  const std::string& file_;
  std::vector<Diagnostic>& diagnostics_;
  const ValidationFunctions& functions_;
  std::size_t mistakes_ = 0;
  std::vector<Position> json_rules_;
  SchemaSpec schema_;
  std::vector<Slot> slots_;
};

}  // namespace telemetry::schemas
