// SPDX-License-Identifier: Apache-2.0
//
// Schemas, from file to verdict.
//
// text -> Tree (bounded: bytes, values, depth; aliases counted as expanded) -> SchemaSpec (every
// mistake of the file reported in one go) -> CompiledSchema: the constant tables that the core's
// decoder reads, and the canonical document that names them. SchemaSet holds what is in force: a
// trie of filters, walked once per new topic; the door caches the answer.
//
// Invariants
// - A schema that exists is right: the tables hold no index out of range, no rule that cannot pass,
//   no pattern that does not compile. Nothing is checked again per message.
// - The id is the hash of the canonical document, and parse(document()) gives the same document. So
//   journals may carry the document, and whoever reads it years later judges with the same tables.
//   Descriptions and positions are no part of it; whatever judges or reads a payload is.
// - Numbers go from text to Decimal without a double in between, so that a bound is what was
// written.
// - The tables view strings inside specification_, which never moves: a CompiledSchema is only made
//   in place, behind a shared_ptr, and is immutable from then on. RE2 is safe to use from any
//   thread.
//
// Limits: file 1 MiB, 50,000 values, and core/limits.hpp. They also keep every table below 65,535
// entries, so that a uint16 index suffices.
#include "schema/compiled.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "telemetry/core/topic.hpp"
#include "telemetry/message.hpp"

namespace telemetry::schemas {
namespace {

static_assert(Tree::nodes_max < core::no_index);

core::Value value_of(const Literal& literal) {
  switch (literal.kind) {
    case core::ValueKind::boolean:
      return core::Value::boolean(literal.integer != 0);
    case core::ValueKind::integer:
      return core::Value::integer(literal.integer);
    case core::ValueKind::decimal:
      return core::Value::decimal(literal.number);
    case core::ValueKind::time:
      return core::Value::time(literal.integer);
    case core::ValueKind::text:
      return core::Value::text(literal.text);
    case core::ValueKind::json:
      return core::Value::json(literal.text);
    case core::ValueKind::null:
      break;
  }
  return {};
}

std::uint16_t index(std::size_t value) { return static_cast<std::uint16_t>(value); }

}  // namespace

CompiledSchema::CompiledSchema(SchemaSpec specification, std::string file)
    : specification_(std::move(specification)) {
  name_ = specification_.name;
  version_ = specification_.version;
  file_ = std::move(file);
  document_ = canonical_document(specification_);
  id_ = hash64(document_);
  sequence_per_device_ = specification_.sequence_per_device;
  filter_ = specification_.pattern.filter();
  device_level_ = specification_.pattern.device_level();
  if (!specification_.device.empty()) device_level_ = -1;

  nodes_[add_node(nullptr)].type = core::FieldType::object;
  compile_object(0, specification_.fields, {});
  view_ = {.nodes = nodes_,
           .keys = keys_,
           .bounds = bounds_,
           .enums = enums_,
           .defaults = defaults_,
           .requires_ = requires_,
           .comparisons = comparisons_,
           .zone_offset_s = specification_.zone_offset_s,
           .slot_count = index(slots_.size())};
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].path == specification_.time_field) view_.time_slot = index(i);
    if (slots_[i].path == specification_.sequence_field) view_.sequence_slot = index(i);
  }
  set_unfolding();
  if (!patterns_.empty()) pattern_hook_ = {&CompiledSchema::matches, this};
  compile_json_rules();
  compile_custom();
  if (specification_.lenient) coercion_hook_ = {&CompiledSchema::coerce, this};
}

void CompiledSchema::set_unfolding() {
  const auto slot_of = [&](const std::string& path) {
    const auto found = std::ranges::find(slots_, path, &SlotInfo::path);
    return index(static_cast<std::size_t>(found - slots_.begin()));
  };
  if (view_.time_slot != core::no_index) time_slots_.push_back(view_.time_slot);
  for (const std::string& path : specification_.more_time_fields)
    time_slots_.push_back(slot_of(path));
  for (const std::string& path : specification_.identity) identity_slots_.push_back(slot_of(path));
  conditional_ = specification_.when != nullptr;
  unfolds_ = is_unfolded(specification_);
  if (!unfolds_) return;
  unfolding_ = std::make_unique<const Unfolding>(specification_);
  if (view_.sequence_slot == core::no_index || specification_.records.each.text().empty()) return;
  const auto& from = slot_fields_[view_.sequence_slot]->from;
  numbers_messages_ = !from.empty() && std::ranges::all_of(from, [](const std::string& path) {
    return path.starts_with('/');
  });
}

bool CompiledSchema::matches(const void* context, std::uint16_t pattern, std::string_view text) {
  const auto& self = *static_cast<const CompiledSchema*>(context);
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *self.patterns_[pattern]);
}

core::Value CompiledSchema::coerce(const void* context, std::uint16_t node, core::Value found,
                                   std::string_view written) noexcept {
  return coerced(*static_cast<const CompiledSchema*>(context)->node_fields_[node], found, written);
}

std::uint16_t CompiledSchema::add_node(const FieldSpec* field) {
  nodes_.emplace_back();
  node_fields_.push_back(field);
  return index(nodes_.size() - 1);
}

/// Equal bounds share one row: on firmware it takes 16 bytes of flash.
std::uint16_t CompiledSchema::add_bound(core::Decimal bound) {
  const auto same = [&](const core::Decimal& other) {
    return other.mantissa == bound.mantissa && other.exponent == bound.exponent;
  };
  const auto found = std::find_if(bounds_.begin(), bounds_.end(), same);
  if (found != bounds_.end()) return index(static_cast<std::size_t>(found - bounds_.begin()));
  bounds_.push_back(bound);
  return index(bounds_.size() - 1);
}

void CompiledSchema::compile_object(std::uint16_t node, const std::vector<FieldSpec>& fields,
                                    const Scope& scope) {
  // Keys of one object are adjacent, so all of them come before any of a nested one.
  const std::size_t first_key = keys_.size();
  std::vector<std::uint16_t> field_nodes;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const FieldSpec& field = fields[i];
    field_nodes.push_back(add_node(&field));
    keys_.push_back({field.name, field_nodes.back(), index(i), field.required});
    for (const std::string& alias : field.aliases)
      keys_.push_back({alias, field_nodes.back(), index(i), field.required});
    for (const std::string& needed : field.requires_) {
      const auto at = std::find_if(fields.begin(), fields.end(),
                                   [&](const FieldSpec& other) { return other.name == needed; });
      requires_.push_back({node, index(i), index(static_cast<std::size_t>(at - fields.begin()))});
    }
  }
  nodes_[node].first = index(first_key);
  nodes_[node].count = index(keys_.size() - first_key);
  nodes_[node].fields = index(fields.size());
  nodes_[node].extra_allowed = node_fields_[node] == nullptr
                                   ? specification_.allow_extra_fields
                                   : node_fields_[node]->allow_extra_fields;
  for (std::size_t i = 0; i < fields.size(); ++i) compile_field(field_nodes[i], fields[i], scope);
  compile_comparisons(node, fields, field_nodes);
}

/// After the fields: they have their slots now.
void CompiledSchema::compile_comparisons(std::uint16_t node, const std::vector<FieldSpec>& fields,
                                         const std::vector<std::uint16_t>& field_nodes) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (const ComparisonSpec& comparison : fields[i].comparisons) {
      const auto other = std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& field) {
        return field.name == comparison.other;
      });
      const auto at = static_cast<std::size_t>(other - fields.begin());
      comparisons_.push_back(
          {node, nodes_[field_nodes[i]].slot, nodes_[field_nodes[at]].slot, comparison.relation});
    }
  }
}

void CompiledSchema::compile_field(std::uint16_t node, const FieldSpec& field, const Scope& scope) {
  nodes_[node].type = field.type;
  // What was converted is RFC 3339.
  const bool converted = !field.conversion.is_none() || !specification_.zone.empty();
  nodes_[node].time_format = converted ? core::TimeFormat::automatic : field.time_format;
  nodes_[node].nulls = field.nulls;
  nodes_[node].min_exclusive = field.min_exclusive;
  nodes_[node].max_exclusive = field.max_exclusive;
  if (field.length_min) nodes_[node].length_min = *field.length_min;
  if (field.length_max) nodes_[node].length_max = *field.length_max;
  compile_rules(nodes_[node], field);
  const bool required = scope.required && field.required;
  if (field.type == core::FieldType::object) {
    compile_object(node, field.fields, {scope.prefix + field.name + ".", required, scope.in_array});
    return;
  }
  if (!scope.in_array) {
    const std::uint16_t slot = index(slots_.size());
    nodes_[node].slot = slot;
    slot_fields_.push_back(&field);
    slots_.push_back({scope.prefix + field.name, field.type, field.unit, required});
    if (field.default_value) defaults_.push_back({slot, value_of(*field.default_value)});
  }
  if (field.type == core::FieldType::array) {
    const std::uint16_t item = add_node(&field.items.front());
    nodes_[node].first = item;
    compile_field(item, field.items.front(), {{}, false, true});
  }
}

void CompiledSchema::compile_rules(core::Node& node, const FieldSpec& field) {
  if (field.min) node.min = add_bound(*field.min);
  if (field.max) node.max = add_bound(*field.max);
  if (field.expression) {
    node.pattern = index(patterns_.size());
    patterns_.push_back(field.expression);
  }
  if (!field.enum_.empty()) {
    node.first = index(enums_.size());
    node.count = index(field.enum_.size());
    for (const Literal& literal : field.enum_) enums_.push_back(value_of(literal));
  }
}

std::shared_ptr<const CompiledSchema> compile(std::string_view text, const std::string& file,
                                              std::vector<Diagnostic>& diagnostics,
                                              const ValidationFunctions& functions) {
  Tree tree;
  std::vector<Diagnostic> found;
  const bool readable = tree.read(text, file, found);
  SchemaSpec specification;
  if (readable) specification = read_specification(tree.root(), file, found, functions);
  std::stable_sort(found.begin(), found.end(), [](const Diagnostic& a, const Diagnostic& b) {
    if (a.line == 0 || b.line == 0) return a.line > b.line;  // the whole file comes last
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].line != 0) continue;
    found[i].line = i == 0 ? 1 : found[i - 1].line;
    found[i].column = i == 0 ? 1 : found[i - 1].column;
  }
  const bool good = readable && !has_errors(found);
  diagnostics.insert(diagnostics.end(), found.begin(), found.end());
  if (!good) return nullptr;
  auto schema = std::make_shared<const CompiledSchema>(std::move(specification), file);
  // The journal must be able to read it back.
  if (schema->document().size() > Tree::bytes_max) {
    diagnostics.push_back({file, 1, 1,
                           fmt::format("{} bytes, aliases and $ref expanded; the limit is {}",
                                       schema->document().size(), Tree::bytes_max),
                           "split the schema"});
    return nullptr;
  }
  return schema;
}

std::string title(const Schema& schema) {
  return fmt::format("{} {}.{}", schema.name(), schema.version().major, schema.version().minor);
}

}  // namespace telemetry::schemas

namespace telemetry {

Result<std::shared_ptr<const Schema>> Schema::parse(std::string_view document,
                                                    const std::string& file,
                                                    std::vector<Diagnostic>& diagnostics,
                                                    const ValidationFunctions& functions) {
  const std::size_t before = diagnostics.size();
  if (std::shared_ptr<const Schema> schema =
          schemas::compile(document, file, diagnostics, functions))
    return schema;
  return Error{Errc::invalid_argument, to_string(diagnostics[before])};
}

Unfolded Schema::unfold(const UnfoldInput& input, Arena& arena, std::vector<Record>& out) const {
  if (const auto* unfolding = schemas::compiled(*this).unfolding())
    return unfolding->run(input, arena, out);
  out.push_back({input.payload, input.payload, device(input.topic)});
  return {};
}

bool Schema::takes(const UnfoldInput& input) const {
  return !conditional_ || schemas::compiled(*this).unfolding()->takes(input);
}

std::uint64_t Schema::identity(std::span<const core::Value> values) const noexcept {
  std::uint64_t hash = 0;
  for (const std::uint16_t slot : identity_slots_) {
    const core::Value& value = values[slot];
    if (value.is_null()) continue;
    const bool text =
        value.kind() == core::ValueKind::text || value.kind() == core::ValueKind::json;
    const core::Decimal number = text ? core::Decimal{} : value.as_decimal();
    const std::uint64_t of_value =
        text ? hash64(value.as_text())
             : hash64({reinterpret_cast<const char*>(&number.mantissa), sizeof number.mantissa}) +
                   static_cast<std::uint64_t>(number.exponent);
    hash = (hash ^ of_value) * 0x9E3779B97F4A7C15ull + slot + 1;
  }
  return hash;
}

std::string_view Schema::device(std::string_view topic) const noexcept {
  if (device_level_ < 0) return {};
  return core::topic_level(topic, static_cast<std::size_t>(device_level_));
}

}  // namespace telemetry
