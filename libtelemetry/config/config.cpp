// SPDX-License-Identifier: Apache-2.0
//
// The configuration of every app.
//
// Life of a setting: the document is read into a tree (text_tree.cpp); the loader (loader.cpp)
// walks it along the option tables and adds what the environment (variables.cpp) and the command
// line say; each value is checked against its option (value.cpp); the strongest wins; what is
// switched on and not built is refused; rules.cpp looks at settings that contradict each other. A
// Config is the immutable outcome.
//
// Invariants: a key is in exactly one table. A Config exists only when there was no error. Every
// value in it is in canonical spelling, so that reading one cannot fail. Nothing that may hold a
// secret gets into a diagnostic, dump() or shown().
//
// Limits: those of Tree (text_tree.hpp), which reads schemas too.
#include "telemetry/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <set>

#include "config/state.hpp"
#include "config/value.hpp"

namespace telemetry {
namespace config {

std::string without_index(std::string_view key) {
  std::string out;
  bool inside = false;
  for (char c : key) {
    if (c == '[') inside = true;
    if (!inside) out += c;
    if (c == ']') inside = false;
  }
  return out;
}

std::string canonical(std::string_view key) {
  const std::size_t index = key.find("[0]");
  std::string out(key);
  if (index != std::string_view::npos) out.erase(index, 3);
  return out;
}

}  // namespace config

namespace {

using config::Setting;
using config::State;

const Setting* find(const State& state, std::string_view key) {
  const auto found = state.settings.find(config::canonical(key));
  return found == state.settings.end() || !found->second.set ? nullptr : &found->second;
}

const std::vector<std::string>& values_of(const State& state, std::string_view key) {
  static const std::vector<std::string> none;
  const auto given = state.settings.find(config::canonical(key));
  if (given != state.settings.end()) return given->second.values;
  const auto fallback = state.defaults.find(config::without_index(key));
  assert(fallback != state.defaults.end() && "the key is in no option table");
  return fallback == state.defaults.end() ? none : fallback->second;
}

std::string_view first_of(const State& state, std::string_view key) {
  const auto& values = values_of(state, key);
  return values.empty() ? std::string_view{} : std::string_view(values.front());
}

bool is_secret(const Option& option) {
  return option.type == OptionType::secret || option.type == OptionType::key_list;
}

}  // namespace

bool Config::is_set(std::string_view key) const { return find(*state_, key) != nullptr; }

std::string Config::text(std::string_view key) const { return std::string(first_of(*state_, key)); }

bool Config::boolean(std::string_view key) const { return first_of(*state_, key) == "true"; }

std::int64_t Config::integer(std::string_view key) const {
  std::int64_t value = 0;
  (void)config::parse_integer(first_of(*state_, key), value);
  return value;
}

double Config::number(std::string_view key) const {
  double value = 0;
  (void)config::parse_number(first_of(*state_, key), value);
  return value;
}

std::int64_t Config::duration_ns(std::string_view key) const {
  std::int64_t ns = 0;
  (void)config::parse_duration(first_of(*state_, key), ns);
  return ns;
}

std::vector<std::string> Config::text_list(std::string_view key) const {
  return values_of(*state_, key);
}

std::vector<Subscription> Config::topics(std::string_view key) const {
  std::vector<Subscription> out;
  for (const std::string& value : values_of(*state_, key)) {
    const config::TopicValue topic = config::topic_value(value);
    out.push_back({std::string(topic.filter), static_cast<std::uint8_t>(topic.qos - '0'),
                   retained_policy_of(topic.retained)});
  }
  return out;
}

std::vector<std::string> Config::entries(std::string_view section) const {
  const auto found = state_->counts.find(section);
  const std::size_t count = found == state_->counts.end() ? 1 : found->second;
  if (count == 1) return {std::string(section)};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(fmt::format("{}[{}]", section, i));
  return out;
}

Origin Config::origin(std::string_view key) const {
  const Setting* setting = find(*state_, key);
  return setting == nullptr ? Origin{} : setting->origin;
}

std::string Config::where(std::string_view key) const {
  const Origin from = origin(key);
  if (from.file.empty()) return fmt::format("{} (default)", key);
  return from.line > 0 ? fmt::format("{}:{}:{}: {}", from.file, from.line, from.column, key)
                       : fmt::format("{}: {}", from.file, key);
}

Diagnostic Config::mistake(std::string_view key, std::string_view message, std::string hint) const {
  const Origin at = origin(key);
  return {at.file, at.line, at.column,
          fmt::format("{}{}: {}", key, at.file.empty() ? " (default)" : "", message),
          std::move(hint)};
}

const std::vector<std::string>& Config::inert_sections() const noexcept { return state_->inert; }

std::uint64_t Config::fingerprint() const {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: stable, and no more is asked of it here
  const auto add = [&hash](std::string_view bytes) {
    for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;
  };
  for (const auto& [key, setting] : state_->settings) {
    const auto option = state_->by_key.find(config::without_index(key));
    if (!setting.set || option == state_->by_key.end() || is_secret(*option->second)) continue;
    add(key);
    for (const std::string& value : setting.values) add(value);
  }
  return hash;
}

std::vector<Config::Change> Config::changes_in(const Config& next) const {
  std::set<std::string_view> keys;
  for (const State* state : {state_.get(), next.state_.get()}) {
    for (const auto& [key, setting] : state->settings) {
      // What follows from another setting goes with that one.
      if (setting.set && !setting.inert) keys.insert(key);
    }
  }
  std::vector<Change> out;
  for (const std::string_view key : keys) {
    if (values_of(*state_, key) == values_of(*next.state_, key)) continue;
    const auto option = state_->by_key.find(config::without_index(key));
    out.push_back({std::string(key), option != state_->by_key.end() && option->second->reloadable});
  }
  return out;
}

std::vector<Config::Shown> Config::shown() const {
  std::vector<Shown> out;
  const auto add = [&](const Option& option, std::string key) {
    Shown shown;
    shown.type = option.type;
    shown.values = values_of(*state_, key);
    if (const Setting* setting = find(*state_, key)) {
      shown.set = true;
      shown.origin = setting->origin;
      if (!setting->from_file.empty()) {
        shown.key = key + "_file";
        shown.type = OptionType::text;
        shown.values = {setting->from_file};
        out.push_back(std::move(shown));
        return;
      }
    }
    if (is_secret(option)) {
      for (std::string& value : shown.values) value = "***";
    }
    shown.key = std::move(key);
    out.push_back(std::move(shown));
  };
  const std::vector<const Option*>& options = state_->options;
  for (auto at = options.begin(); at != options.end();) {
    const auto inside = [](const std::string& section, const Option& option) {
      return option.key.size() > section.size() && option.key.starts_with(section) &&
             option.key[section.size()] == '.';
    };
    const auto list = std::ranges::find_if(
        state_->counts, [&](const auto& one) { return inside(one.first, **at); });
    if (list == state_->counts.end()) {
      add(**at, std::string((*at)->key));
      ++at;
      continue;
    }
    const std::string& section = list->first;
    const auto end = std::find_if(at, options.end(),
                                  [&](const Option* option) { return !inside(section, *option); });
    for (const std::string& entry : entries(section)) {
      for (auto option = at; option != end; ++option) {
        add(**option, entry + std::string((*option)->key.substr(section.size())));
      }
    }
    at = end;
  }
  return out;
}

}  // namespace telemetry
