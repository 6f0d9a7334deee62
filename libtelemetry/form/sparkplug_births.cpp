// SPDX-License-Identifier: Apache-2.0
#include "form/sparkplug_births.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>

#include "telemetry/core/topic.hpp"

namespace telemetry {
namespace {

constexpr std::string_view topics_of_sparkplug = "spBv1.0/";

/// Whose message it is: `GROUP/NODE`, or `GROUP/NODE/DEVICE`; empty: of nobody.
std::string key_of(std::string_view topic) {
  if (!topic.starts_with(topics_of_sparkplug)) return {};
  const std::string_view kind = core::topic_level(topic, 2);
  const bool of_node = kind == "NBIRTH" || kind == "NDATA" || kind == "NDEATH" || kind == "NCMD";
  const bool of_device = kind == "DBIRTH" || kind == "DDATA" || kind == "DDEATH" || kind == "DCMD";
  if (!of_node && !of_device) return {};
  const std::string_view group = core::topic_level(topic, 1);
  const std::string_view node = core::topic_level(topic, 3);
  const std::string_view device = core::topic_level(topic, 4);
  if (group.empty() || node.empty() || device.empty() == of_device ||
      !core::topic_level(topic, 5).empty())
    return {};
  std::string key = std::string(group) + '/' + std::string(node);
  if (of_device) key += '/' + std::string(device);
  return key;
}

}  // namespace

SparkplugBirths::Birth::Birth(std::span<const Metric> metrics) {
  std::size_t bytes = 0;
  for (const Metric& metric : metrics) bytes += metric.name.size();
  names_.reserve(bytes);  // never moves: views of it follow
  by_name_.reserve(metrics.size());
  for (const Metric& metric : metrics) {
    const std::size_t begin = names_.size();
    names_ += metric.name;
    Metric& kept = by_name_.emplace_back(metric);
    kept.name = std::string_view(names_).substr(begin);
    if (kept.has_alias) by_alias_.push_back(kept);
  }
  std::ranges::stable_sort(by_name_, {}, &Metric::name);
  std::ranges::stable_sort(by_alias_, {}, &Metric::alias);
}

const SparkplugBirths::Metric* SparkplugBirths::Birth::by_alias(
    std::uint64_t alias) const noexcept {
  const auto found = std::ranges::equal_range(by_alias_, alias, {}, &Metric::alias);
  if (found.empty()) return nullptr;
  // No name is better than a wrong one.
  const auto differs = [&](const Metric& one) { return one.name != found.front().name; };
  return std::ranges::any_of(found, differs) ? nullptr : &found.front();
}

const SparkplugBirths::Metric* SparkplugBirths::Birth::by_name(
    std::string_view name) const noexcept {
  const auto found = std::ranges::lower_bound(by_name_, name, {}, &Metric::name);
  return found != by_name_.end() && found->name == name ? &*found : nullptr;
}

std::size_t SparkplugBirths::Birth::bytes() const noexcept {
  return sizeof *this + names_.size() + (by_name_.size() + by_alias_.size()) * sizeof(Metric);
}

struct SparkplugBirths::State {
  struct Node {
    std::shared_ptr<const Birth> birth;
    std::list<const std::string*>::iterator use;
  };
  using Nodes = std::map<std::string, Node, std::less<>>;

  void forget(Nodes::iterator node) {
    bytes -= bytes_of(*node);
    uses.erase(node->second.use);
    nodes.erase(node);
  }
  [[nodiscard]] static std::size_t bytes_of(const Nodes::value_type& node) {
    return sizeof node + node.first.size() + node.second.birth->bytes();
  }

  std::mutex mutex;
  Nodes nodes;
  std::list<const std::string*> uses;  // their keys, the one asked for last in front
  std::size_t bytes = 0;
};

SparkplugBirths::SparkplugBirths() : state_(std::make_unique<State>()) {}
SparkplugBirths::~SparkplugBirths() = default;

std::uint32_t SparkplugBirths::datatype(std::string_view word) noexcept {
  const auto found = std::ranges::find(forms::sparkplug_datatypes, word);
  return found == forms::sparkplug_datatypes.end()
             ? 0
             : static_cast<std::uint32_t>(found - forms::sparkplug_datatypes.begin());
}

bool SparkplugBirths::is_birth(std::string_view topic) noexcept {
  if (!topic.starts_with(topics_of_sparkplug)) return false;
  const std::string_view kind = core::topic_level(topic, 2);
  return kind == "NBIRTH" || kind == "DBIRTH";
}

void SparkplugBirths::learn(std::string_view topic, std::span<const Metric> metrics) {
  const std::string key = key_of(topic);
  if (key.empty() || !is_birth(topic)) return;
  auto birth = std::make_shared<const Birth>(metrics.first(std::min(metrics.size(), metrics_max)));
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  // A node's birth says that its devices will be born anew. What they said before is over, also
  // where such a birth is then lost.
  const bool of_node = core::topic_level(topic, 4).empty();
  auto old = state.nodes.lower_bound(key);
  while (old != state.nodes.end() &&
         (old->first == key || (of_node && old->first.starts_with(key + '/'))))
    state.forget(old++);
  const auto node = state.nodes.emplace(key, State::Node{std::move(birth), {}}).first;
  state.uses.push_front(&node->first);
  node->second.use = state.uses.begin();
  state.bytes += State::bytes_of(*node);
  while (state.nodes.size() > nodes_max || state.bytes > bytes_max)
    state.forget(state.nodes.find(*state.uses.back()));
}

std::shared_ptr<const SparkplugBirths::Birth> SparkplugBirths::find(std::string_view topic) {
  const std::string key = key_of(topic);
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  const auto found = state.nodes.find(key);
  if (found == state.nodes.end()) return nullptr;
  state.uses.splice(state.uses.begin(), state.uses, found->second.use);
  return found->second.birth;
}

}  // namespace telemetry
