// SPDX-License-Identifier: Apache-2.0
#include "schema/filter_trie.hpp"

#include <algorithm>

#include "telemetry/message.hpp"

namespace telemetry::schemas {
namespace {

void place(std::vector<const Schema*>& schemas, const Schema& schema) {
  const auto at = std::find_if(schemas.begin(), schemas.end(), [&](const Schema* other) {
    return other->version() < schema.version();
  });
  schemas.insert(at, &schema);
}

/// A rest without data is the end of the topic; an empty level has data.
std::string_view take_level(std::string_view& rest) noexcept {
  const std::size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  rest = slash == rest.npos ? std::string_view() : rest.substr(slash + 1);
  return level;
}

}  // namespace

std::size_t FilterTrie::EdgeHash::operator()(const Edge& edge) const noexcept {
  return static_cast<std::size_t>(hash64(edge.level) + edge.parent * 0x9E3779B97F4A7C15u);
}

void FilterTrie::insert(const Schema& schema) {
  std::uint32_t at = 0;
  for (std::string_view rest = schema.filter(); rest.data() != nullptr;) {
    const std::string_view level = take_level(rest);
    if (level == "#") return place(branches_[at].behind, schema);
    const auto fresh = static_cast<std::uint32_t>(branches_.size());
    std::uint32_t next = fresh;
    if (level == "+") {
      if (branches_[at].plus == 0) branches_[at].plus = fresh;
      next = branches_[at].plus;
    } else {
      next = literals_.emplace(Edge{at, level}, fresh).first->second;
    }
    if (next == fresh) branches_.emplace_back();
    at = next;
  }
  place(branches_[at].exact, schema);
}

// Recursion is as deep as the deepest filter, which the reader bounds.
template <class Visit>
bool FilterTrie::walk(std::uint32_t at, std::string_view rest, bool wild, Visit& visit) const {
  const Branch& branch = branches_[at];
  if (rest.data() == nullptr) return visit(branch.exact) || visit(branch.behind);
  const std::string_view level = take_level(rest);
  const auto literal = literals_.find(Edge{at, level});
  if (literal != literals_.end() && walk(literal->second, rest, true, visit)) return true;
  if (!wild) return false;
  if (branch.plus != 0 && walk(branch.plus, rest, true, visit)) return true;
  return visit(branch.behind);
}

const Schema* FilterTrie::choose(std::string_view topic) const noexcept {
  const Schema* chosen = nullptr;
  auto visit = [&](const std::vector<const Schema*>& schemas) {
    if (!schemas.empty()) chosen = schemas.front();
    return chosen != nullptr;
  };
  if (!topic.empty()) walk(0, topic, topic.front() != '$', visit);
  return chosen;
}

std::vector<const Schema*> FilterTrie::matching(std::string_view topic) const {
  std::vector<const Schema*> all;
  auto visit = [&](const std::vector<const Schema*>& schemas) {
    all.insert(all.end(), schemas.begin(), schemas.end());
    return false;
  };
  if (!topic.empty()) walk(0, topic, topic.front() != '$', visit);
  return all;
}

}  // namespace telemetry::schemas
