// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "schema/specification.hpp"
#include "schema/unfolding.hpp"

namespace telemetry::schemas {

/// The tables of one schema and what they were made from. Every Schema is one.
class CompiledSchema final : public Schema {
 public:
  CompiledSchema(SchemaSpec specification, std::string file);

  /// See Schema::check_json_schema().
  [[nodiscard]] std::size_t call_json_rules(std::string_view payload,
                                            std::span<core::Violation> violations) const;
  /// How a payload breaks what is not in the tables.
  struct Finding {
    std::string pointer = {};  ///< empty: the document
    std::string found = {};    ///< empty: what it is says nothing
    std::string allowed = {};  ///< "custom even"; empty: `reason` is all
    std::string reason = {};

    [[nodiscard]] std::string text() const;
  };
  /// Where a payload breaks a keyword for the first time; nothing when it does not.
  [[nodiscard]] std::optional<Finding> describe_json_rule(std::uint16_t number,
                                                          std::string_view payload) const;

  /// See Schema::check_custom().
  [[nodiscard]] std::size_t call_custom(std::span<const core::Value> values,
                                        std::span<core::Violation> violations) const;
  /// What a custom rule says of a payload that breaks it; nothing when there is no such rule.
  [[nodiscard]] std::optional<Finding> describe_custom(std::uint16_t rule,
                                                       std::string_view payload) const;

  /// Null when payloads are what the tables read.
  [[nodiscard]] const Unfolding* unfolding() const noexcept { return unfolding_.get(); }

  [[nodiscard]] const SchemaSpec& specification() const noexcept { return specification_; }
  /// The topic level that names the device; -1: none does.
  [[nodiscard]] int device_level() const noexcept { return device_level_; }
  /// The field of a node of the view; null for the document itself and past the end.
  [[nodiscard]] const FieldSpec* field(std::size_t node) const noexcept {
    return node < node_fields_.size() ? node_fields_[node] : nullptr;
  }
  [[nodiscard]] const FieldSpec& field_of_slot(std::size_t slot) const noexcept {
    return *slot_fields_[slot];
  }

 private:
  struct Scope {
    std::string prefix;
    bool required = true;   // and all parents
    bool in_array = false;  // no slots in here
  };

  struct CustomRule {
    std::uint16_t slot = core::no_index;  // the document
    std::uint16_t node = 0;
    const std::string* name;
    const ValidationFunction* function;
  };

  /// One keyword of one field, or of the document.
  struct JsonPart {
    std::uint16_t node = 0;
    const JsonRule* rule;
    std::size_t part;
  };
  class JsonWalk;

  void compile_json_rules();
  void compile_custom();
  [[nodiscard]] std::optional<std::string> broken(const CustomRule& rule,
                                                  std::span<const core::Value> values) const;
  static bool matches(const void* context, std::uint16_t pattern, std::string_view text);
  static core::Value coerce(const void* context, std::uint16_t node, core::Value found,
                            std::string_view written) noexcept;
  void set_unfolding();
  void compile_object(std::uint16_t node, const std::vector<FieldSpec>& fields, const Scope& scope);
  void compile_comparisons(std::uint16_t node, const std::vector<FieldSpec>& fields,
                           const std::vector<std::uint16_t>& field_nodes);
  void compile_field(std::uint16_t node, const FieldSpec& field, const Scope& scope);
  void compile_rules(core::Node& node, const FieldSpec& field);
  std::uint16_t add_node(const FieldSpec* field);
  std::uint16_t add_bound(core::Decimal bound);

  SchemaSpec specification_;
  std::unique_ptr<const Unfolding> unfolding_;
  std::vector<const FieldSpec*> node_fields_;
  std::vector<const FieldSpec*> slot_fields_;
  std::vector<core::Node> nodes_;
  std::vector<core::Key> keys_;
  std::vector<core::Decimal> bounds_;
  std::vector<core::Value> enums_;
  std::vector<core::Default> defaults_;
  std::vector<core::Requires> requires_;
  std::vector<core::Comparison> comparisons_;
  std::vector<std::shared_ptr<const RE2>> patterns_;
  std::vector<JsonPart> json_parts_;  // in the order of the nodes
  std::vector<bool> json_below_;      // by node: it or something in it has a part
  std::vector<CustomRule> custom_rules_;
};

/// The file's text as a schema, or null after at least one error in `diagnostics`.
[[nodiscard]] std::shared_ptr<const CompiledSchema> compile(std::string_view text,
                                                            const std::string& file,
                                                            std::vector<Diagnostic>& diagnostics,
                                                            const ValidationFunctions& functions);

[[nodiscard]] inline const CompiledSchema& compiled(const Schema& schema) noexcept {
  return static_cast<const CompiledSchema&>(schema);
}

/// "temperature_sensor 1.0"
[[nodiscard]] std::string title(const Schema& schema);

}  // namespace telemetry::schemas
