// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "schema/text_tree.hpp"

/// JSON Schema draft-07 documents, from the tree of a file to fields.
/// Source: draft-handrews-json-schema-01 and draft-handrews-json-schema-validation-01.
namespace telemetry::schemas::draft7 {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
/// What a value is in JSON: YAML tells by how it is written.
[[nodiscard]] Kind kind_of(const TreeNode& value);
/// `true` as a schema or value.
[[nodiscard]] bool is_true(const TreeNode& value);
[[nodiscard]] bool is_false(const TreeNode& value);
/// The member's value, also when it is null; null when there is none.
[[nodiscard]] const TreeNode* find(const TreeNode& map, std::string_view name);

/// What the value of a keyword must be.
enum class Shape : std::uint8_t {
  schema,
  schemas,      ///< a list of at least one
  schema_map,   ///< by name
  pattern_map,  ///< by regular expression
  items,        ///< a schema or a list of them
  dependencies,
  any_value,
  values,  ///< a list of at least one value
  list,
  text,
  boolean,
  number,
  divisor,  ///< a number above 0
  count,
  type,
  names,
  pattern,
  format,
  reference,
  id,
  dialect,
};
struct Keyword {
  std::string_view name;
  Shape shape;
  bool asserts;  ///< false: people and tools read it, it judges nothing
};
[[nodiscard]] std::span<const Keyword> keywords() noexcept;
/// True when a member of a schema judges: its keyword does, or it is `format: date-time`.
[[nodiscard]] bool judges(const TreeNode::Member& member);
/// Null for a word that is no keyword of draft-07 and no extension of ours.
[[nodiscard]] const Keyword* keyword(std::string_view name);

using Report = std::function<void(Position, std::string message, std::string hint)>;
/// Nodes that are made here; they live as long as this does.
using Nodes = std::deque<TreeNode>;

/// Values of a document, $ref expanded.
inline constexpr std::size_t expanded_max = 40'000;

/// Checks a document: all its mistakes are reported.
/// @returns the document with each $ref replaced by what it names, without annotations, definitions
///          and keywords that have mistakes; null when there is nothing to look at.
[[nodiscard]] const TreeNode* checked(const TreeNode& document, Nodes& nodes, const Report& report);

/// The assertions of a checked schema as JSON with sorted keys.
[[nodiscard]] std::string canonical(const TreeNode& schema);

/// A document as keys of our own schema files.
struct Translation {
  const TreeNode* fields = nullptr;  ///< a list; null when no member can be a field
  const TreeNode* rule = nullptr;    ///< what the fields cannot say; may be null
  bool allow_extra_fields = true;
};
/// Exactly the same payloads are good, save for what docs/schema.md lists.
/// @param document of checked().
[[nodiscard]] Translation translate(const TreeNode& document, Nodes& nodes, const Report& report);

}  // namespace telemetry::schemas::draft7
