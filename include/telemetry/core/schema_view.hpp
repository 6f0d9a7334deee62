// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/limits.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/value.hpp"

/// A compiled schema as constant tables. On the host telemetry::Schema owns them; on firmware they
/// are `constexpr` arrays in flash that the schema compiler wrote. One decoder reads both.
namespace telemetry::core {

inline constexpr std::uint16_t no_index = 0xFFFF;

enum class FieldType : std::uint8_t {
  string,
  integer,
  number,
  boolean,
  timestamp,
  object,
  array,
  any,  ///< Any JSON value; kept as JSON text.
};

/// What `null` means where a value may stand.
enum class Nulls : std::uint8_t {
  absent,    ///< As if the member were not there; not so for an array's item, which is refused.
  refused,   ///< A value of the wrong type.
  accepted,  ///< A value: the member is there, and takes no default. `any` keeps the text.
};

/// What one position of the document may hold.
struct Node {
  FieldType type = FieldType::any;
  TimeFormat time_format = TimeFormat::automatic;
  bool extra_allowed = false;  ///< object: undeclared keys are accepted and reported
  Nulls nulls = Nulls::absent;
  std::uint16_t first = 0;       ///< object: first of `keys`; array: the item's node;
                                 ///< string/integer/number with enum: first of `enums`
  std::uint16_t count = 0;       ///< object: number of keys; enum: number of values
  std::uint16_t fields = 0;      ///< object: number of declared fields (keys minus aliases)
  std::uint16_t min = no_index;  ///< index into `bounds`
  std::uint16_t max = no_index;  ///< index into `bounds`
  bool min_exclusive = false;    ///< the bound itself is below `min`
  bool max_exclusive = false;    ///< the bound itself is above `max`
  std::uint32_t length_min = 0;  ///< string: code points; array: items
  std::uint32_t length_max = UINT32_MAX;
  std::uint16_t pattern = no_index;  ///< index that the host's pattern hook understands
  std::uint16_t slot = no_index;     ///< where the value goes; objects and array items have none
};

/// One accepted name of one field of an object. Keys of an object are adjacent, in schema order,
/// each field's own name before its aliases.
struct Key {
  std::string_view name;
  std::uint16_t node = 0;   ///< what the value must be
  std::uint16_t field = 0;  ///< 0-based number of the field within its object; aliases share it
  bool required = false;
};

/// A value for a slot whose field was absent.
struct Default {
  std::uint16_t slot = 0;
  Value value;
};

/// Within the object `node`: where field `field` is present, field `needs` must be too.
struct Requires {
  std::uint16_t node = 0;
  std::uint16_t field = 0;
  std::uint16_t needs = 0;
};

/// Which order of two values a comparison allows: bit 0 less, bit 1 equal, bit 2 greater.
enum class Relation : std::uint8_t {
  less_than = 1,
  equal = 2,
  less_or_equal = 3,
  greater_than = 4,
  not_equal = 5,
  greater_or_equal = 6,
};

/// Within the object `node`: where the values of both slots are given, they stand in `relation`.
/// Both are numbers (integer or number), both timestamps, or, with equal and not_equal, both
/// strings or both booleans.
struct Comparison {
  std::uint16_t node = 0;   ///< not inside an array
  std::uint16_t left = 0;   ///< slot
  std::uint16_t right = 0;  ///< slot
  Relation relation = Relation::equal;
};

/// nodes[0] is the document itself and is an object. Slots number the declared leaves (everything
/// but objects and what is inside arrays) in document order.
struct SchemaView {
  std::span<const Node> nodes;
  std::span<const Key> keys;
  std::span<const Decimal> bounds;
  std::span<const Value> enums;
  std::span<const Default> defaults;
  std::span<const Requires> requires_;
  std::span<const Comparison> comparisons = {};
  std::int32_t zone_offset_s = 0;  ///< for timestamps without a zone
  std::uint16_t slot_count = 0;
  std::uint16_t time_slot = no_index;
  std::uint16_t sequence_slot = no_index;
};

}  // namespace telemetry::core
