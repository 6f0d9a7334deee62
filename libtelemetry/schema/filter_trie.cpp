// SPDX-License-Identifier: Apache-2.0
#include "schema/filter_trie.hpp"

#include <algorithm>
#include <iterator>

#include "schema/compiled.hpp"
#include "telemetry/message.hpp"

namespace telemetry::schemas {
namespace {

/// Of schemas with one filter: the pattern with more literal levels, then those with a condition,
/// by name; of one name the highest version.
bool before(const Schema& a, const Schema& b) {
  const TopicPattern& mine = compiled(a).specification().pattern;
  const TopicPattern& theirs = compiled(b).specification().pattern;
  if (mine.literals() != theirs.literals()) return mine.literals() > theirs.literals();
  if (a.is_conditional() != b.is_conditional()) return a.is_conditional();
  if (a.name() != b.name()) return a.name() < b.name();
  return b.version() < a.version();
}

void place(std::vector<const Schema*>& schemas, const Schema& schema) {
  schemas.insert(
      std::ranges::find_if(schemas, [&](const Schema* other) { return before(schema, *other); }),
      &schema);
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
    for (const Schema* schema : schemas) {
      if (!compiled(*schema).specification().pattern.matches(topic)) continue;
      chosen = schema;
      break;
    }
    return chosen != nullptr;
  };
  if (!topic.empty()) walk(0, topic, topic.front() != '$', visit);
  return chosen;
}

std::vector<const Schema*> FilterTrie::matching(std::string_view topic) const {
  std::vector<const Schema*> all;
  auto visit = [&](const std::vector<const Schema*>& schemas) {
    std::ranges::copy_if(schemas, std::back_inserter(all), [&](const Schema* schema) {
      return compiled(*schema).specification().pattern.matches(topic);
    });
    return false;
  };
  if (!topic.empty()) walk(0, topic, topic.front() != '$', visit);
  return all;
}

}  // namespace telemetry::schemas
