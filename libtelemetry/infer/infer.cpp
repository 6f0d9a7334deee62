// SPDX-License-Identifier: Apache-2.0
//
// Which topics share a schema. Each topic has a profile of its own until the end, for only then is
// known which levels vary.
#include "telemetry/infer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "infer/draft.hpp"
#include "infer/names.hpp"
#include "schema/specification.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/form.hpp"
#include "telemetry/schema.hpp"

namespace telemetry {
namespace {

using infer::Object;
using schemas::JsonValue;

constexpr std::size_t none = SIZE_MAX;
constexpr std::size_t few_members = 3;
constexpr std::size_t bare_text_bytes_max = 64;
constexpr std::size_t schema_name_bytes_max = 48;

std::vector<std::string> levels_of(std::string_view topic) {
  std::vector<std::string> levels;
  for (std::size_t begin = 0; begin <= topic.size();) {
    const std::size_t end = std::min(topic.find('/', begin), topic.size());
    levels.emplace_back(topic.substr(begin, end - begin));
    begin = end + 1;
  }
  return levels;
}

std::string joined(const std::vector<std::string>& levels) {
  return fmt::format("{}", fmt::join(levels, "/"));
}

bool has_digit(std::string_view text) { return text.find_first_of("0123456789") != text.npos; }

/// Names that tell one kind of device from another, in order.
using Shape = std::vector<std::string>;

Shape shape_of(const Object& root) {
  Shape names;
  for (const infer::Field& field : root.fields) {
    std::string name = field.name;
    const bool id = name.ends_with("id") || name.ends_with("ID") || name.ends_with("Id");
    if (!id && !infer::sounds_like_time(name) && infer::sequence_rank(name) == infer::no_rank)
      names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_similar(const Shape& a, const Shape& b) {
  Shape both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size() * 2 >= a.size() + b.size() - both.size();
}

/// Topics that will share a schema.
struct Group {
  std::vector<std::string> levels;  ///< "+" where they differ
  std::vector<std::string_view> topics;
  Shape shape;
  std::size_t device_level = none;  ///< the level that a payload repeats
  bool bare = false;                ///< payloads are single values
  Object root;

  void take(Group&& other) {
    for (std::size_t i = 0; i < levels.size(); ++i)
      if (levels[i] != other.levels[i]) levels[i] = "+";
    topics.insert(topics.end(), other.topics.begin(), other.topics.end());
    if (device_level == none) device_level = other.device_level;
    root.merge(other.root);
  }

  /// Whether another text may stand at this level.
  [[nodiscard]] bool may_vary(std::size_t level) const {
    if (levels[level] == "+" || (level == 0 && levels[0].starts_with('$'))) return false;
    // home/hall/temperature and home/hall/humidity, both {"value": 1}: the last level tells them
    // apart, not the payload.
    return shape.size() >= few_members || level + 1 < levels.size() || has_digit(levels[level]);
  }
};

/// Joins groups that differ in one level and are similar. @returns true when some were.
bool join_neighbours(std::vector<Group>& groups) {
  std::map<Shape, std::size_t> shape_ids;
  for (const Group& group : groups) shape_ids.emplace(group.shape, shape_ids.size());
  const auto with_gap = [](const Group& group, std::size_t level) {
    auto levels = group.levels;
    levels[level] = "+";
    return fmt::format("{} {}", level, joined(levels));
  };
  std::map<std::string, std::map<const Shape*, std::size_t>> counts;
  for (const Group& group : groups)
    for (std::size_t i = 0; i < group.levels.size(); ++i)
      if (group.may_vary(i)) ++counts[with_gap(group, i)][&shape_ids.find(group.shape)->first];

  std::map<std::string, std::vector<std::size_t>> places;  // of `out`
  std::vector<Group> out;
  const std::size_t before = groups.size();
  for (Group& group : groups) {
    std::size_t best = none;
    std::pair<std::size_t, bool> best_worth{1, true};
    for (std::size_t i = 0; i < group.levels.size(); ++i) {
      if (!group.may_vary(i)) continue;
      std::size_t similar = 0;
      for (const auto& [shape, count] : counts[with_gap(group, i)])
        if (is_similar(*shape, group.shape)) similar += count;
      const std::pair worth{similar, has_digit(group.levels[i])};
      if (worth > best_worth) {
        best = i;
        best_worth = worth;
      }
    }
    if (best == none) {
      out.push_back(std::move(group));
      continue;
    }
    auto& candidates = places[with_gap(group, best)];
    const auto at = std::find_if(candidates.begin(), candidates.end(), [&](std::size_t place) {
      return is_similar(out[place].shape, group.shape);
    });
    if (at != candidates.end()) {
      out[*at].take(std::move(group));
    } else {
      candidates.push_back(out.size());
      out.push_back(std::move(group));
    }
  }
  groups = std::move(out);
  return groups.size() < before;
}

/// True when a topic that both match is judged by `a`: the rule of SchemaSet::choose().
bool beats(const Group& a, const Group& b) {
  for (std::size_t i = 0; i < a.levels.size(); ++i)
    if ((a.levels[i] == "+") != (b.levels[i] == "+")) return b.levels[i] == "+";
  return false;
}

/// True when `rival` would judge topics of `group`.
bool takes_from(const Group& rival, const Group& group) {
  if (rival.levels.size() != group.levels.size()) return false;
  if (rival.levels == group.levels) return true;
  if (!beats(rival, group)) return false;
  const std::string filter = joined(rival.levels);
  return std::any_of(group.topics.begin(), group.topics.end(),
                     [&](std::string_view topic) { return core::topic_matches(filter, topic); });
}

/// Joins groups of which one would judge the other's topics.
void join_rivals(std::vector<Group>& groups) {
  for (bool joined_some = true; joined_some;) {
    joined_some = false;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      for (std::size_t j = 0; j < groups.size();) {
        if (i == j || !takes_from(groups[j], groups[i])) {
          ++j;
          continue;
        }
        groups[i].take(std::move(groups[j]));
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(j));
        if (j < i) --i;
        joined_some = true;
      }
    }
  }
}

/// Topics of single values whose shared pattern meets one of objects have a schema each: a literal
/// topic is always the most specific.
std::vector<Group> apart(std::vector<Group> bare, const std::vector<Group>& objects,
                         const std::function<Group(std::string_view)>& group_of) {
  std::vector<Group> out;
  for (Group& group : bare) {
    const bool meets = std::ranges::any_of(objects, [&](const Group& other) {
      return takes_from(other, group) || takes_from(group, other);
    });
    if (!meets) {
      out.push_back(std::move(group));
      continue;
    }
    for (const std::string_view topic : group.topics) out.push_back(group_of(topic));
  }
  return out;
}

/// The wildcard that names the device, and why.
std::string name_device(const Group& group, std::vector<std::string>& levels) {
  std::size_t device = group.device_level;
  std::string why = "the payload names the device, too";
  if (device == none || levels[device] != "+") {
    std::size_t most = 0;
    device = none;
    for (std::size_t i = 0; i < levels.size(); ++i) {
      if (levels[i] != "+") continue;
      std::set<std::string_view> texts;
      for (const std::string_view topic : group.topics) texts.insert(core::topic_level(topic, i));
      if (texts.size() <= most) continue;
      most = texts.size();
      device = i;
    }
    why = fmt::format("{} different texts there", most);
  }
  if (device == none) return "one topic: where others differ write + or {device}";
  levels[device] = "{device}";
  return why;
}

std::string name_of(const std::vector<std::string>& levels, std::set<std::string>& taken) {
  std::string name;
  for (const std::string& level : levels) {
    if (level == "+") continue;
    if (!name.empty()) name += '_';
    for (const char c : level) {
      const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      const bool letter = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9');
      if (letter) name += small;
      if (!letter && !name.empty() && name.back() != '_') name += '_';
    }
  }
  if (name.size() > schema_name_bytes_max) name.resize(schema_name_bytes_max);
  while (name.ends_with('_')) name.pop_back();
  if (name.empty()) name = "messages";
  if (name[0] >= '0' && name[0] <= '9') name.insert(0, "m_");
  std::string distinct = name;
  for (int i = 2; !taken.insert(distinct).second; ++i) distinct = fmt::format("{}_{}", name, i);
  return distinct;
}

/// Why a payload is no JSON object that a schema could accept; empty: it is one.
std::string flaw_in(std::string_view payload) {
  if (payload.size() > core::payload_bytes_max)
    return fmt::format("{} bytes: the largest payload is {}", payload.size(),
                       core::payload_bytes_max);
  core::JsonPull pull(payload);
  core::JsonToken token = pull.next();
  const bool object = token == core::JsonToken::object_begin;
  while (token != core::JsonToken::end && token != core::JsonToken::error) token = pull.next();
  if (token == core::JsonToken::end) return object ? "" : "no JSON object: a schema needs one";
  const auto at = [&](std::string_view what) {
    return fmt::format("byte {}: {}", pull.offset() + 1, what);
  };
  switch (pull.error()) {
    case core::JsonError::depth:
      return at("nested too deep");
    case core::JsonError::utf8:
      return at("not UTF-8");
    case core::JsonError::surrogate:
      return at("half of a surrogate pair");
    case core::JsonError::trailing_bytes:
      return at("something follows the document");
    case core::JsonError::syntax:
    case core::JsonError::none:
      break;
  }
  return at("not JSON");
}

/// A payload that is one value, as a document; empty: it is none, or may be a torn object.
std::string document_of_value(std::string_view payload) {
  static const Form form = *Form::make({.form = "value"});
  if (payload.size() > core::payload_bytes_max) return {};
  Form::Scratch scratch;
  std::string value;
  if (!form.read(payload, value, scratch)) return {};
  const std::string_view text = schemas::without_blanks(payload);
  const bool is_text = value.starts_with('"') && !text.starts_with('"');
  const bool is_word = text.size() <= bare_text_bytes_max &&
                       text.find_first_of("{}[]<>") == text.npos &&
                       std::ranges::none_of(text, [](char c) { return c >= 0 && c < ' '; });
  if (text.empty() || (is_text && !is_word)) return {};
  std::string document = "{\"value\":" + value + "}";
  return flaw_in(document).empty() ? document : std::string();
}

}  // namespace

class SchemaInference::Topics {
 public:
  struct Topic {
    std::size_t device_level = none;
    bool bare = false;  ///< as its first message
    Object root;
  };
  std::map<std::string, Topic, std::less<>> all;
  infer::Room room{.fields_left = fields_max};
  std::uint64_t messages = 0;

  [[nodiscard]] std::vector<Group> groups() const;

 private:
  [[nodiscard]] Group group_of(std::string_view name) const;
  [[nodiscard]] std::vector<Group> groups_of(bool bare) const;
};

SchemaInference::SchemaInference() : topics_(std::make_unique<Topics>()) {}
SchemaInference::~SchemaInference() = default;

std::uint64_t SchemaInference::messages() const noexcept { return topics_->messages; }

Result<void> SchemaInference::add(std::string_view topic, std::string_view payload,
                                  std::int64_t received_at) {
  const auto levels = static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/') + 1);
  if (!core::is_valid_topic(topic) || topic.size() > topic_bytes_max || levels > topic_levels_max) {
    return Error{Errc::invalid_argument,
                 fmt::format("\"{}\" is not a topic, or too long a one", schemas::excerpt(topic))};
  }
  const auto known = topics_->all.find(topic);
  const std::string flaw = flaw_in(payload);
  std::string document;
  const bool bare = known != topics_->all.end() ? known->second.bare : !flaw.empty();
  if (bare) {
    if (flaw.empty()) {
      return Error{Errc::invalid_argument, "an object; the messages before were single values"};
    }
    document = document_of_value(payload);
    if (document.empty()) return Error{Errc::invalid_argument, flaw};
    payload = document;
  } else if (!flaw.empty()) {
    return Error{Errc::invalid_argument, flaw};
  }
  schemas::JsonTree memory;
  JsonValue value;
  std::string refusal;
  if (!memory.parse(payload, values_max, value, refusal))
    return Error{Errc::invalid_argument, "it " + refusal};
  auto at = known;
  if (at == topics_->all.end()) {
    if (topics_->all.size() == topics_max) {
      return Error{Errc::resource_exhausted,
                   fmt::format("more than {} topics: choose some with a filter", topics_max)};
    }
    at = topics_->all.try_emplace(std::string(topic)).first;
    at->second.bare = bare;
    for (const schemas::JsonMember& member : value.inside) {
      if (bare || member.value.kind != JsonValue::Kind::string || member.value.text.empty())
        continue;
      for (std::size_t i = 0; i < levels; ++i)
        if (core::topic_level(topic, i) == member.value.text) at->second.device_level = i;
    }
  }
  topics_->room.received_at = received_at;
  at->second.root.add(value, topics_->room, false);
  ++topics_->messages;
  return {};
}

Group SchemaInference::Topics::group_of(std::string_view name) const {
  const Topic& topic = all.find(name)->second;
  Group group;
  group.levels = levels_of(name);
  group.topics.push_back(name);
  group.shape = shape_of(topic.root);
  group.device_level = topic.device_level;
  group.bare = topic.bare;
  group.root.merge(topic.root);
  return group;
}

std::vector<Group> SchemaInference::Topics::groups_of(bool bare) const {
  std::vector<Group> groups;
  for (const auto& [name, topic] : all) {
    if (topic.bare == bare) groups.push_back(group_of(name));
  }
  while (join_neighbours(groups)) {
  }
  for (Group& group : groups) {
    const std::size_t device = group.device_level;
    if (device != none && !(device == 0 && group.levels[0].starts_with('$')))
      group.levels[device] = "+";
  }
  join_rivals(groups);
  return groups;
}

std::vector<Group> SchemaInference::Topics::groups() const {
  std::vector<Group> groups = groups_of(false);
  for (Group& group :
       apart(groups_of(true), groups, [this](std::string_view name) { return group_of(name); }))
    groups.push_back(std::move(group));
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.root.count > b.root.count; });
  return groups;
}

Result<std::vector<InferredSchema>> SchemaInference::finish() const {
  if (topics_->messages == 0) {
    return Error{
        Errc::unavailable,
        "no message with a JSON object or a single value was seen, so there is nothing to infer "
        "from"};
  }
  std::vector<InferredSchema> out;
  std::set<std::string> taken;
  for (const Group& group : topics_->groups()) {
    InferredSchema schema;
    auto levels = group.levels;
    const std::string why = name_device(group, levels);
    schema.name = name_of(group.levels, taken);
    schema.topic_pattern = joined(levels);
    schema.messages = group.root.count;
    schema.topics = group.topics.size();
    schema.document = infer::draft(
        {schema.name, schema.topic_pattern, why, group.bare, group.topics, group.root});
    if (schema.document.empty()) continue;
    std::vector<Diagnostic> diagnostics;
    if (!Schema::parse(schema.document, schema.name, diagnostics) || !diagnostics.empty()) {
      return Error{Errc::internal,
                   fmt::format("the draft for {} is not a schema: {}; please report it",
                               schema.topic_pattern, to_string(diagnostics.front()))};
    }
    out.push_back(std::move(schema));
  }
  if (out.empty()) {
    return Error{Errc::unavailable,
                 "only objects without members that a schema can declare were seen"};
  }
  return out;
}

}  // namespace telemetry
