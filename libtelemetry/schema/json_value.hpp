// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/message.hpp"

/// JSON as a tree, with its numbers as they are written.
namespace telemetry::schemas {

struct JsonMember;

struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool truth = false;
  std::string_view text;               ///< string: unescaped; number: as written
  std::string_view written;            ///< all of it, as it stands in what was parsed
  std::span<const JsonMember> inside;  ///< object: its members; array: its items, without names

  /// Null when there is none, or this is no object.
  [[nodiscard]] const JsonValue* find(std::string_view name) const noexcept;
};

/// Of a value that begins so, when it is one.
[[nodiscard]] JsonValue::Kind kind_of(char first) noexcept;

struct JsonMember {
  std::string_view name;
  JsonValue value;
};

/// The memory of trees. What is made lives as long as this, and views what it was made of.
class JsonTree {
 public:
  explicit JsonTree(std::size_t block_bytes = 16 * 1024) noexcept : arena_(block_bytes) {}

  /// Reads the first document of a text; `out.written` says where it ends.
  /// @param text JSON within core::json_depth_max.
  /// @returns false, with `refusal` set, when it has more values and keys than that, a key twice in
  ///          one object, or is not JSON.
  bool parse(std::string_view text, std::size_t values_max, JsonValue& out, std::string& refusal);
  /// As parse(), but does not look into the records: the items of the array that these names lead
  /// to, or what else stands there. They have no `text` and nothing `inside`, and only their quotes
  /// and brackets are checked.
  /// @returns false, also where parse() does not; then that says what the text is.
  bool outline(std::string_view text, std::size_t values_max,
               std::span<const std::string_view> to_records, JsonValue& out);
  /// An object or array of these.
  [[nodiscard]] JsonValue make(JsonValue::Kind kind, std::span<const JsonMember> inside);
  [[nodiscard]] std::string_view copy(std::string_view text) { return arena_.copy(text); }
  void clear() noexcept { arena_.clear(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return arena_.capacity(); }

 private:
  class Parser;
  Arena arena_;
  std::vector<JsonMember> open_;  // of the containers that are open
  std::vector<std::string_view> names_;
};

/// Compact JSON; numbers as canonical_number() writes them.
[[nodiscard]] std::string json_text(const JsonValue& value);

/// A number of any length: digits that neither begin nor end with 0, times 10^exponent.
struct LongNumber {
  bool negative = false;
  std::string digits;  ///< empty: 0
  std::int64_t exponent = 0;
};
/// @param json one JSON number.
[[nodiscard]] LongNumber long_number(std::string_view json);
/// The same text for equal numbers.
[[nodiscard]] std::string canonical_number(std::string_view json);

}  // namespace telemetry::schemas
