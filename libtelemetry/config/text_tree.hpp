// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "config/source_text.hpp"
#include "telemetry/error.hpp"

/// A configuration or schema file as a bounded tree that remembers where everything stood.
namespace telemetry::config {

struct TreeNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };
  struct Member {
    std::string name;
    Position at;
    const TreeNode* value = nullptr;
  };

  Kind kind = Kind::null;
  bool plain = false;  ///< scalar written without quotes
  bool block = false;  ///< scalar written with | or >: it may end with a line break
  Position at;
  std::string text;
  std::vector<const TreeNode*> items;
  std::vector<Member> members;
  std::size_t weight = 1;  ///< nodes of the tree from here, aliases expanded

  /// The member's value, or null when it is absent or has no value.
  [[nodiscard]] const TreeNode* find(std::string_view name) const noexcept;
};

class Tree {
 public:
  static constexpr std::size_t bytes_max = 1024 * 1024;
  static constexpr std::size_t nodes_max = 50'000;  ///< aliases expanded
  static constexpr std::size_t depth_max = 64;

  /// Reads one YAML or JSON document; an empty one has a root of kind null. What YAML would take in
  /// silence for something else than what was meant is a mistake: a quote that is never closed, a
  /// value over several lines (but for texts that only people read), a key given twice, a tag, an
  /// anchor without use, a second document. Mistakes are appended to `diagnostics`, each with its
  /// place; no value is part of them, for it may be a secret.
  /// Errors: false when there is no tree to look at.
  [[nodiscard]] bool read(std::string_view text, const std::string& file,
                          std::vector<Diagnostic>& diagnostics);
  [[nodiscard]] const TreeNode& root() const noexcept { return *root_; }

 private:
  class Builder;
  std::deque<TreeNode> nodes_;
  const TreeNode* root_ = nullptr;
};

/// "true", "True" or "TRUE", and the same of false, as YAML and Python write them. False when it is
/// none of these.
[[nodiscard]] bool parse_boolean(std::string_view text, bool& value) noexcept;

/// True for a number as JSON writes it. What else YAML or C take for one (020, 0x10, +5, .5, 1_000)
/// means different things to different programs.
[[nodiscard]] bool is_number(std::string_view text) noexcept;
/// What to write in the place of a number that is none.
[[nodiscard]] std::string number_hint(std::string_view text);

}  // namespace telemetry::config
