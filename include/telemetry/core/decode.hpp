// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/schema_view.hpp"
#include "telemetry/core/value.hpp"

namespace telemetry::core {

/// The rule that a payload broke. Values are stored in journals: append only, never renumber.
enum class Rule : std::uint8_t {
  none = 0,
  json_syntax = 1,
  json_depth = 2,
  json_utf8 = 3,
  json_surrogate = 4,
  number_range = 5,
  trailing_bytes = 6,
  duplicate_key = 7,
  type = 8,
  required = 9,
  unknown_field = 10,
  min = 11,
  max = 12,
  min_length = 13,
  max_length = 14,
  pattern = 15,
  enum_ = 16,
  min_items = 17,
  max_items = 18,
  time_format = 19,
  requires_ = 20,
  custom = 21,
  payload_too_large = 22,
  no_schema = 23,
  topic = 24,
  comparison = 25,
  json_schema = 26,
  form = 27,
  records = 28,
};

/// Name of the rule as it appears in schemas, logs and metrics, for example "max_length".
[[nodiscard]] std::string_view to_string(Rule rule) noexcept;

/// One broken rule. Its text (JSON path, value found, value allowed) is rendered on the host.
struct Violation {
  Rule rule = Rule::none;
  /// The node whose rule broke; the object's for unknown_field, required, requires_ and comparison;
  /// no_index when the payload is not JSON (json_*, trailing_bytes) or not judged at all.
  std::uint16_t node = no_index;
  /// Index into `keys`: required, requires_: of the missing field; duplicate_key: of the second.
  /// Index into `comparisons`: comparison. The schema's number of the function or of the JSON
  /// Schema keyword: custom and json_schema, which the host finds after the decoding; they have no
  /// offset.
  std::uint16_t key = no_index;
  /// First byte in the payload of what was found: a value as written, or for unknown_field and
  /// duplicate_key the key without its quotes. For comparison, and when nothing was found: where
  /// the object ends; for json_* the byte that is wrong.
  std::uint32_t offset = 0;
  std::uint32_t length = 0;  ///< its bytes; 0 when nothing was found
};

/// An accepted undeclared member. Views into the payload, as written. Members of objects inside
/// arrays are accepted but not listed: the array's own value has them.
struct Extra {
  std::uint16_t node = 0;  ///< the object that holds it
  std::string_view key;    ///< raw text between the quotes
  std::string_view value;  ///< raw JSON
};

/// Caller's memory for one decode.
struct DecodeBuffers {
  std::span<Value> values;          ///< >= SchemaView::slot_count; those are all written
  std::span<char> scratch;          ///< >= payload bytes; unescaped strings go here
  std::span<Violation> violations;  ///< in the order of discovery; the rest are counted only
  std::span<Extra> extras;          ///< more extra members than this are Rule::unknown_field
};

/// Checks text against a pattern that the tables only number (host only). Never null in a view
/// whose nodes have patterns.
struct PatternHook {
  bool (*matches)(const void* context, std::uint16_t pattern, std::string_view text) = nullptr;
  const void* context = nullptr;
};

/// Lenient mode (host only): reads a scalar of another JSON type than the field's as the field's.
struct CoercionHook {
  /// @param found text (unescaped), decimal or boolean.
  /// @param written the value's bytes in the payload.
  /// @returns what the field's type stores: boolean, time, text inside `written`; for integers and
  ///          numbers the JSON number as a text inside `found`; null when it cannot be read without
  ///          guessing.
  Value (*coerce)(const void* context, std::uint16_t node, Value found,
                  std::string_view written) noexcept = nullptr;
  const void* context = nullptr;
};

struct DecodeResult {
  Rule first = Rule::none;  ///< none: the payload is valid
  /// Values that are not what was read, but the nearest that is held; at most 255 are counted.
  std::uint8_t roundings = 0;
  std::uint16_t violations = 0;  ///< all that were found, stored or not
  std::uint16_t extras = 0;
  std::uint16_t coercions = 0;  ///< values that the coercion hook read, noted or not
  std::uint32_t scratch_used = 0;
  [[nodiscard]] bool ok() const noexcept { return first == Rule::none; }
  /// Coercions and roundings, noted or not.
  [[nodiscard]] std::size_t notes() const noexcept { return std::size_t{coercions} + roundings; }
};

/// Judges one payload: well-formed JSON, an object, every rule of the schema. Goes on after a
/// broken rule to report them all; stops at the first byte that is not JSON.
///
/// null counts as absent, but not as an array's item, unless Node::nulls says otherwise. Integers
/// accept 1.0 and 1e3. A number is judged as it is written, in any length; its slot takes the
/// Decimal, and a time that int64 ns do not hold is the nearest: such roundings break nothing.
/// A `number` beyond the largest double is number_range, and so is an integer beyond 64 bits.
/// Defaults are filled in. A declared field that comes twice (also once by an
/// alias, also as null) is duplicate_key. Comparisons look at values that the payload gives, never
/// at defaults, and not at one whose type is broken. A payload over payload_bytes_max, or buffers
/// too small for it, is payload_too_large. After a broken rule `values` serve diagnostics only.
/// Thread: any; no shared state.  Memory: no heap; 0.7 KB of stack on a Cortex-M, no recursion.
DecodeResult decode(const SchemaView& schema, std::string_view payload,
                    const DecodeBuffers& buffers, PatternHook pattern = {}) noexcept;

/// The same, but a scalar of another type than the field's is first offered to the hook, if it has
/// a function. What it reads must keep all other rules. It is never asked about what is inside
/// arrays, for those are kept as written.
/// @param notes the values that were read as another type, or rounded, with Rule::none and, for the
///        latter, rounded_note as `key`; in the order of discovery. The rest are counted only.
DecodeResult decode(const SchemaView& schema, std::string_view payload,
                    const DecodeBuffers& buffers, PatternHook pattern, CoercionHook coercion,
                    std::span<Violation> notes = {}) noexcept;
inline constexpr std::uint16_t rounded_note = 0;

}  // namespace telemetry::core
