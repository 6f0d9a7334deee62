// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/limits.hpp"
#include "telemetry/core/schema_table.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/core/utf8.hpp"

/// Checks of constant tables while the firmware is compiled. The decoder takes its tables on trust:
/// a header that was damaged must not become firmware. Nothing of this is in the program.
namespace telemetry::core {

enum class SchemaFault : std::uint8_t {
  none,
  sizes,
  name,
  filter,
  node,
  tree,
  nesting,
  keys,
  key_names,
  slots,
  bounds,
  lengths,
  enums,
  pattern,
  defaults,
  requires_,
  comparisons,
  roles,
};

/// Rows of each table of a SchemaView.
struct TableSizes {
  std::size_t nodes = 0, keys = 0, bounds = 0, enums = 0, defaults = 0, requires_ = 0,
              comparisons = 0;
};

/// is_valid_utf8() in few steps: compilers limit how many they take.
[[nodiscard]] constexpr bool is_table_text(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end; ++at) {
    if ((*at & 0x80) == 0) continue;
    const std::size_t bytes = utf8_sequence_bytes(at, end);
    if (bytes == 0) return false;
    at += bytes - 1;
  }
  return true;
}

/// is_valid_filter() for a filter that is not shared.
[[nodiscard]] constexpr bool is_table_filter(std::string_view filter) noexcept {
  constexpr std::string_view share = "$share/";
  bool shared = filter.size() >= share.size();
  for (std::size_t i = 0; shared && i < share.size(); ++i) shared = filter[i] == share[i];
  for (const char c : filter) {
    if (c == '\0') return false;
  }
  return !filter.empty() && filter.size() <= topic_bytes_max && !shared && is_table_text(filter) &&
         has_valid_wildcards(filter);
}

/// One run over the tables of one schema.
class SchemaCheck {
 public:
  /// What is known of a node before it is looked at.
  struct Place {
    std::uint8_t depth = 0;  ///< open objects and arrays, itself included; 0: nothing leads there
    bool in_array = false;
  };

  /// @param places one for each node, as made.
  constexpr SchemaCheck(const SchemaEntry& entry, const TableSizes& sizes,
                        std::span<Place> places) noexcept
      : entry_(entry), view_(*entry.view), sizes_(sizes), places_(places) {}

  [[nodiscard]] constexpr SchemaFault run() noexcept {
    if (!sizes_are_right()) return SchemaFault::sizes;
    if (entry_.name.empty() || !is_table_text(entry_.name)) return SchemaFault::name;
    if (!is_table_filter(entry_.filter)) return SchemaFault::filter;
    if (view_.nodes[0].type != FieldType::object) return SchemaFault::tree;
    places_[0].depth = 1;
    for (std::size_t i = 0; i < view_.nodes.size(); ++i) {
      if (const SchemaFault fault = check_node(i); fault != SchemaFault::none) return fault;
    }
    // Nothing is left over: a row that is missing in the middle moves all that follow.
    if (keys_used_ != view_.keys.size()) return SchemaFault::keys;
    if (slots_used_ != view_.slot_count) return SchemaFault::slots;
    if (bounds_used_ != view_.bounds.size()) return SchemaFault::bounds;
    if (enums_used_ != view_.enums.size()) return SchemaFault::enums;
    if (!defaults_are_right()) return SchemaFault::defaults;
    if (!requires_are_right()) return SchemaFault::requires_;
    if (!comparisons_are_right()) return SchemaFault::comparisons;
    if (!roles_are_right()) return SchemaFault::roles;
    return SchemaFault::none;
  }

 private:
  static constexpr bool is_number(FieldType type) noexcept {
    return type == FieldType::integer || type == FieldType::number;
  }
  /// What a default or a value of an enum must be; null: there are none.
  static constexpr ValueKind value_kind(FieldType type) noexcept {
    switch (type) {
      case FieldType::string:
        return ValueKind::text;
      case FieldType::integer:
        return ValueKind::integer;
      case FieldType::number:
        return ValueKind::decimal;
      case FieldType::boolean:
        return ValueKind::boolean;
      case FieldType::timestamp:
        return ValueKind::time;
      case FieldType::object:
      case FieldType::array:
      case FieldType::any:
        break;
    }
    return ValueKind::null;
  }
  static constexpr bool fits(const Value& value, FieldType type) noexcept {
    return value.kind() == value_kind(type) && !value.is_null() &&
           (value.kind() != ValueKind::text || is_table_text(value.as_text()));
  }

  constexpr bool sizes_are_right() const noexcept {
    return view_.nodes.size() == sizes_.nodes && view_.keys.size() == sizes_.keys &&
           view_.bounds.size() == sizes_.bounds && view_.enums.size() == sizes_.enums &&
           view_.defaults.size() == sizes_.defaults && view_.requires_.size() == sizes_.requires_ &&
           view_.comparisons.size() == sizes_.comparisons && sizes_.nodes != 0 &&
           sizes_.nodes < no_index && sizes_.keys < no_index && sizes_.bounds < no_index &&
           sizes_.enums < no_index && sizes_.comparisons < no_index &&
           places_.size() == sizes_.nodes && view_.slot_count <= slots_max;
  }

  constexpr SchemaFault check_node(std::size_t index) noexcept {
    const Node& node = view_.nodes[index];
    const Place place = places_[index];
    const bool nests = node.type == FieldType::object || node.type == FieldType::array;
    if (node.type > FieldType::any || node.time_format > TimeFormat::ns ||
        node.nulls > Nulls::accepted) {
      return SchemaFault::node;
    }
    if (place.depth == 0) return SchemaFault::tree;
    if (nests && place.depth > schema_depth_max) return SchemaFault::nesting;
    if (node.pattern != no_index) return SchemaFault::pattern;
    if (node.length_min > node.length_max) return SchemaFault::lengths;
    if (!bounds_are_right(node)) return SchemaFault::bounds;
    if (!nests && node.count != 0 && !enum_is_right(node)) return SchemaFault::enums;
    if (!slot_is_right(index)) return SchemaFault::slots;
    if (node.type == FieldType::object) return check_object(index);
    if (node.type == FieldType::array && !adopt(node.first, index, true)) return SchemaFault::tree;
    return SchemaFault::none;
  }

  /// The members of an object: field by field, its own name before its aliases.
  constexpr SchemaFault check_object(std::size_t index) noexcept {
    const Node& node = view_.nodes[index];
    const std::size_t end = std::size_t{node.first} + node.count;
    if (node.count == 0 || end > view_.keys.size() || node.fields > fields_per_object_max) {
      return SchemaFault::keys;
    }
    keys_used_ += node.count;
    for (std::size_t i = node.first; i < end; ++i) {
      const Key& key = view_.keys[i];
      const bool first = i == node.first;
      const Key& previous = view_.keys[first ? i : i - 1];
      const bool alias = !first && key.field == previous.field;
      if (key.field >= node.fields) return SchemaFault::keys;
      if (!alias && key.field != (first ? 0 : previous.field + 1)) return SchemaFault::keys;
      if (alias && (key.node != previous.node || key.required != previous.required)) {
        return SchemaFault::keys;
      }
      if (!is_key_name(key.name)) return SchemaFault::key_names;
      if (!alias && !adopt(key.node, index, places_[index].in_array)) return SchemaFault::tree;
    }
    return view_.keys[end - 1].field + 1 == node.fields ? SchemaFault::none : SchemaFault::keys;
  }

  static constexpr bool is_key_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= field_name_bytes_max && is_table_text(name);
  }

  /// False when `child` is none, or already somebody's.
  constexpr bool adopt(std::size_t child, std::size_t parent, bool in_array) noexcept {
    if (child <= parent || child >= places_.size() || places_[child].depth != 0) return false;
    places_[child] = {static_cast<std::uint8_t>(places_[parent].depth + 1), in_array};
    return true;
  }

  constexpr bool slot_is_right(std::size_t index) noexcept {
    const std::uint16_t slot = view_.nodes[index].slot;
    if (view_.nodes[index].type == FieldType::object || places_[index].in_array) {
      return slot == no_index;
    }
    if (slot >= view_.slot_count || slot_nodes_[slot] != 0) return false;
    slot_nodes_[slot] = static_cast<std::uint16_t>(index);
    ++slots_used_;
    return true;
  }

  constexpr bool bounds_are_right(const Node& node) noexcept {
    const std::uint16_t pair[] = {node.min, node.max};
    for (const std::uint16_t bound : pair) {
      if (bound == no_index) continue;
      if (!is_number(node.type) || bound >= view_.bounds.size()) return false;
      if (bounds_used_ <= bound) bounds_used_ = std::size_t{bound} + 1;
    }
    return true;
  }

  constexpr bool enum_is_right(const Node& node) noexcept {
    const std::size_t end = std::size_t{node.first} + node.count;
    if (node.type != FieldType::string && !is_number(node.type)) return false;
    if (end > view_.enums.size()) return false;
    enums_used_ += node.count;
    for (std::size_t i = node.first; i < end; ++i) {
      if (!fits(view_.enums[i], node.type)) return false;
    }
    return true;
  }

  constexpr FieldType type_of_slot(std::size_t slot) const noexcept {
    return view_.nodes[slot_nodes_[slot]].type;
  }

  constexpr bool defaults_are_right() const noexcept {
    for (std::size_t i = 0; i < view_.defaults.size(); ++i) {
      const Default& one = view_.defaults[i];
      if (i > 0 && one.slot <= view_.defaults[i - 1].slot) return false;
      if (one.slot >= view_.slot_count || !fits(one.value, type_of_slot(one.slot))) return false;
    }
    return true;
  }

  constexpr bool is_object(std::size_t node) const noexcept {
    return node < view_.nodes.size() && view_.nodes[node].type == FieldType::object &&
           !places_[node].in_array;
  }

  constexpr bool requires_are_right() const noexcept {
    for (const Requires& one : view_.requires_) {
      if (!is_object(one.node) || one.field == one.needs) return false;
      const std::uint16_t fields = view_.nodes[one.node].fields;
      if (one.field >= fields || one.needs >= fields) return false;
    }
    return true;
  }

  constexpr bool comparisons_are_right() const noexcept {
    for (const Comparison& one : view_.comparisons) {
      const auto relation = static_cast<unsigned>(one.relation);
      if (!is_object(one.node) || one.left >= view_.slot_count || one.right >= view_.slot_count ||
          one.left == one.right || relation < 1 || relation > 6) {
        return false;
      }
      const FieldType left = type_of_slot(one.left);
      const FieldType right = type_of_slot(one.right);
      if (is_number(left) && is_number(right)) continue;
      const bool by_equality = left == FieldType::string || left == FieldType::boolean;
      const bool equality = one.relation == Relation::equal || one.relation == Relation::not_equal;
      if (left != right || (!by_equality && left != FieldType::timestamp)) return false;
      if (by_equality && !equality) return false;
    }
    return true;
  }

  constexpr bool roles_are_right() const noexcept {
    constexpr std::int32_t day_s = 24 * 3600;
    const auto is = [this](std::uint16_t slot, FieldType type) {
      return slot == no_index || (slot < view_.slot_count && type_of_slot(slot) == type);
    };
    return is(view_.time_slot, FieldType::timestamp) &&
           is(view_.sequence_slot, FieldType::integer) && view_.zone_offset_s > -day_s &&
           view_.zone_offset_s < day_s;
  }

  const SchemaEntry& entry_;
  const SchemaView& view_;
  const TableSizes& sizes_;
  std::span<Place> places_;
  std::array<std::uint16_t, slots_max> slot_nodes_{};  // 0: of none yet, for that is the document
  std::size_t keys_used_ = 0, slots_used_ = 0, bounds_used_ = 0, enums_used_ = 0;
};

template <const auto& table, std::size_t index, TableSizes sizes>
consteval SchemaFault find_fault() {
  std::array<SchemaCheck::Place, sizes.nodes> places{};
  return SchemaCheck(table[index], sizes, places).run();
}

/// For static_assert: the compiler names what is wrong with the schema table[index].
template <const auto& table, std::size_t index, TableSizes sizes>
consteval bool is_sound() {
  constexpr SchemaFault fault = find_fault<table, index, sizes>();
  static_assert(fault != SchemaFault::sizes, "a table of the schema has lost or gained rows");
  static_assert(fault != SchemaFault::name, "the name of the schema is empty or not UTF-8");
  static_assert(fault != SchemaFault::filter, "the filter of the schema is not a topic filter");
  static_assert(fault != SchemaFault::node, "a node has an unknown type, time format or nulls");
  static_assert(fault != SchemaFault::tree,
                "the nodes are no tree: each belongs to one field or array that stands before it");
  static_assert(fault != SchemaFault::nesting, "nodes are nested deeper than schema_depth_max");
  static_assert(fault != SchemaFault::keys,
                "the keys of an object are out of range, or not field by field");
  static_assert(fault != SchemaFault::key_names, "a key is empty, too long or not UTF-8");
  static_assert(fault != SchemaFault::slots,
                "a slot is not below slot_count, used twice or not at all");
  static_assert(fault != SchemaFault::bounds,
                "min or max is out of range or of no number, or a bound is not used");
  static_assert(fault != SchemaFault::lengths, "length_min is above length_max");
  static_assert(fault != SchemaFault::enums,
                "an enum is out of range or not of its field's type, or a value is not used");
  static_assert(fault != SchemaFault::pattern, "a node has a pattern, which firmware cannot judge");
  static_assert(fault != SchemaFault::defaults,
                "a default has no slot, or not its type, or they are not in order");
  static_assert(fault != SchemaFault::requires_, "requires names no two fields of an object");
  static_assert(fault != SchemaFault::comparisons, "a comparison of values that do not compare");
  static_assert(
      fault != SchemaFault::roles,
      "the time slot is no timestamp, the sequence slot no integer, or the zone over 24 h");
  return fault == SchemaFault::none;
}

/// For static_assert: the schemas are in the order that choose() needs.
[[nodiscard]] constexpr bool is_in_order_of_choice(std::span<const SchemaEntry> schemas) noexcept {
  for (std::size_t i = 1; i < schemas.size(); ++i) {
    const SchemaEntry& a = schemas[i - 1];
    const SchemaEntry& b = schemas[i];
    const int order = compare_filters(a.filter, b.filter);
    const bool newer = a.major != b.major ? a.major > b.major : a.minor > b.minor;
    if (order > 0 || (order == 0 && (a.name != b.name || !newer))) return false;
  }
  return true;
}

}  // namespace telemetry::core
