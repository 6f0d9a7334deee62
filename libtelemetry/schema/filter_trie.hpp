// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "telemetry/schema.hpp"

namespace telemetry::schemas {

/// Topic filters, level by level. A look-up goes literal, then `+`, then `#`, so that the first hit
/// is the most specific filter; it visits each branch at most once and allocates nothing.
class FilterTrie {
 public:
  /// The schema must outlive the trie.
  void insert(const Schema& schema);
  [[nodiscard]] const Schema* choose(std::string_view topic) const noexcept;
  [[nodiscard]] std::vector<const Schema*> matching(std::string_view topic) const;

 private:
  struct Branch {
    std::uint32_t plus = 0;             // 0: none; the root is nobody's child
    std::vector<const Schema*> exact;   // filters that end here, in the order of the choice
    std::vector<const Schema*> behind;  // filters that end with # below here, the same
  };
  struct Edge {
    std::uint32_t parent;
    std::string_view level;
    friend bool operator==(const Edge&, const Edge&) = default;
  };
  struct EdgeHash {
    std::size_t operator()(const Edge& edge) const noexcept;
  };

  template <class Visit>
  bool walk(std::uint32_t at, std::string_view rest, bool wild, Visit& visit) const;

  std::vector<Branch> branches_ = std::vector<Branch>(1);
  std::unordered_map<Edge, std::uint32_t, EdgeHash> literals_;
};

}  // namespace telemetry::schemas
