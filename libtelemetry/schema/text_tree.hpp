// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/error.hpp"

/// A schema file as a bounded tree that remembers where everything stood.
namespace telemetry::schemas {

/// 1-based; columns count bytes.
struct Position {
  int line = 0;
  int column = 0;
};

struct TreeNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };
  struct Member {
    std::string name;
    Position at;
    const TreeNode* value = nullptr;
  };

  Kind kind = Kind::null;
  bool plain = false;  ///< scalar written without quotes
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

  /// Reads one YAML or JSON document. Mistakes of form are appended to `diagnostics`.
  /// Errors: false when there is no tree to look at.
  [[nodiscard]] bool read(std::string_view text, const std::string& file,
                          std::vector<Diagnostic>& diagnostics);
  [[nodiscard]] const TreeNode& root() const noexcept { return *root_; }

 private:
  class Builder;
  std::deque<TreeNode> nodes_;
  const TreeNode* root_ = nullptr;
};

}  // namespace telemetry::schemas
