// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// RapidJSON's opinion of a document, as a plain tree.
namespace telemetry::reference {

struct JsonTree {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool truth = false;
  std::string text;               ///< number: as written; string: unescaped
  std::vector<std::string> keys;  ///< object: of its items, in order, repeated ones too
  std::vector<JsonTree> items;    ///< array, object
  bool operator==(const JsonTree&) const = default;
};

/// Where RapidJSON and this product differ by design; docs/core.md says why. Everything else that
/// differs is a mistake of one of them.
enum class Difference : std::uint8_t {
  number_beyond_double,  ///< RapidJSON refuses what a double cannot hold; the reference puts
                         ///< another number in its place to read on, so the rest is still compared
  lone_surrogate,        ///< RapidJSON takes an escape that names only the low half of a pair
  ends_at_nul,           ///< RapidJSON takes a NUL byte behind the document for its end
  depth,                 ///< RapidJSON has no limit; here json_depth_max
};
inline constexpr std::size_t difference_count = 4;
std::string_view name_of(Difference difference);

struct Opinion {
  bool is_json = false;  ///< RapidJSON accepts it
  JsonTree tree;
  bool differs[difference_count] = {};
  [[nodiscard]] bool has(Difference one) const { return differs[static_cast<std::size_t>(one)]; }
};

Opinion opinion_of(std::string_view document);

}  // namespace telemetry::reference
