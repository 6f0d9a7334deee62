// SPDX-License-Identifier: Apache-2.0
#include "schema/topic_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "schema/specification.hpp"
#include "telemetry/core/topic.hpp"

namespace telemetry::schemas {
namespace {

constexpr std::string_view device_name = "device";
constexpr std::string_view field_name = "field";

bool is_level_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::size_t count_levels(std::string_view topic) {
  return static_cast<std::size_t>(std::ranges::count(topic, '/')) + 1;
}

Error wrong(std::string what, std::string_view remedy) {
  return {Errc::invalid_argument, std::move(what) + '\n' + std::string(remedy)};
}

}  // namespace

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  TopicPattern pattern;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    const std::string_view level = text.substr(start, end - start);
    start = end + 1;
    Level& made = pattern.levels_.emplace_back();
    const std::size_t number = pattern.levels_.size();
    if (number > 1) pattern.filter_ += '/';
    if (level.find_first_of("{}") == level.npos) {
      made.text = level;
      pattern.filter_ += level;
      continue;
    }
    std::string_view name = level.substr(1, level.size() - std::min<std::size_t>(level.size(), 2));
    const bool whole = level.size() > 2 && level.front() == '{' && level.back() == '}';
    const bool many = name.ends_with("...");
    if (many) name.remove_suffix(3);
    if (!whole || !is_level_name(name))
      return wrong(fmt::format("topic_pattern: '{}' in level {}", excerpt(level), number),
                   "a name in braces is a whole level, of letters, digits and _, as {device} or "
                   "{channel}; {device...} is one level or more");
    if (many && pattern.many_ >= 0)
      return wrong("topic_pattern: two names with ...", "only one can be of several levels");
    if (many) pattern.many_ = static_cast<int>(number) - 1;
    made.name = name;
    made.is_device = name == device_name;
    pattern.filter_ += '+';
    if (name == device_name) continue;
    if (std::ranges::find(pattern.names_, name) != pattern.names_.end())
      return wrong(fmt::format("topic_pattern: {{{}}} stands twice", name),
                   name == field_name ? "one level names the field"
                                      : "take another name; only {device} may, and is joined");
    pattern.names_.emplace_back(name);
  }
  if (pattern.levels_.size() > levels_max)
    return wrong(fmt::format("topic_pattern: {} levels; the limit is {}", pattern.levels_.size(),
                             levels_max),
                 "write # for the last ones");
  if (text.starts_with("$share/"))
    return wrong("topic_pattern: a shared subscription is no topic",
                 "leave out $share/GROUP/; it belongs into the subscription");
  if (!core::is_valid_filter(pattern.filter_))
    return wrong(fmt::format("topic_pattern: '{}' is not a topic filter", excerpt(text)),
                 "+ stands alone in a level, # alone in the last one");
  if (pattern.many_ >= 0) {
    if (pattern.levels_.back().text == "#")
      return wrong("topic_pattern: # behind a name with ...", "leave out #");
    pattern.filter_.clear();
    for (int level = 0; level < pattern.many_; ++level) {
      const std::string& literal = pattern.levels_[static_cast<std::size_t>(level)].text;
      pattern.filter_ += (literal.empty() ? "+" : literal) + "/";
    }
    pattern.filter_ += '#';
  }
  pattern.find_device();
  return pattern;
}

/// The levels that a level of the pattern stands for, in a topic that matches.
std::string_view TopicPattern::part(std::string_view topic, std::size_t level) const noexcept {
  const std::size_t levels = count_levels(topic);
  const std::size_t many = many_ < 0 ? levels_.size() : static_cast<std::size_t>(many_);
  const std::size_t more = many_ < 0 ? 0 : levels - levels_.size();
  const std::size_t first = level > many ? level + more : level;
  const std::size_t last = level >= many ? level + more : level;
  const std::string_view begin = core::topic_level(topic, first);
  const std::string_view end = core::topic_level(topic, last);
  return {begin.data(), static_cast<std::size_t>(end.data() + end.size() - begin.data())};
}

bool TopicPattern::matches(std::string_view topic) const noexcept {
  if (is_filter()) return true;
  if (count_levels(topic) < levels_.size()) return false;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const std::string& text = levels_[i].text;
    if (levels_[i].name.empty() && text != "+" && part(topic, i) != text) return false;
  }
  return true;
}

std::string TopicPattern::shape() const {
  if (is_filter()) return filter_;
  std::string out;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (i > 0) out += '/';
    out += levels_[i].name.empty() ? levels_[i].text : "+";
    if (static_cast<int>(i) == many_) out += "...";
  }
  return out;
}

std::size_t TopicPattern::literals() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(levels_, [](const Level& level) {
    return level.name.empty() && level.text != "+" && level.text != "#";
  }));
}

void TopicPattern::find_device() noexcept {
  const auto devices = std::ranges::count(levels_, device_name, &Level::name);
  joins_device_ = devices > 1 || (devices == 1 && !is_filter());
  names_field_ = std::ranges::find(names_, field_name) != names_.end();
  if (joins_device_ || !is_filter()) return;
  const auto named = std::ranges::find(levels_, device_name, &Level::name);
  const auto plus = std::ranges::find_if(levels_, [](const Level& level) {
    return level.text == "+" || (!level.name.empty() && level.name != field_name);
  });
  const auto found = named != levels_.end() ? named : plus;
  if (found != levels_.end()) device_level_ = static_cast<int>(found - levels_.begin());
}

void TopicPattern::read(std::string_view topic, JsonTree& memory,
                        std::vector<NamedText>& out) const {
  if (!is_filter() && count_levels(topic) < levels_.size()) return;  // it is not of this pattern
  const std::size_t before = out.size();
  std::string joined;
  std::size_t begin = 0;  // of the level, where each stands for one
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (begin > topic.size()) return out.resize(before);  // nor is this
    const std::string& name = levels_[i].name;
    std::size_t end = begin;
    while (end < topic.size() && topic[end] != '/') ++end;  // levels are short
    const std::string_view text = is_filter() ? topic.substr(begin, end - begin) : part(topic, i);
    begin = end + 1;
    if (static_cast<int>(i) == device_level_) out.push_back({device_name, text});
    if (name.empty()) continue;
    if (!levels_[i].is_device) {
      out.push_back({name, text});
    } else if (joins_device_) {
      if (!joined.empty()) joined += '/';
      joined += text;
    }
  }
  if (!joined.empty()) out.push_back({device_name, memory.copy(joined)});
}

}  // namespace telemetry::schemas
