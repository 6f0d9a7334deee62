// SPDX-License-Identifier: Apache-2.0
#include "config/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "config/value.hpp"

namespace telemetry::config {
namespace {

std::string value_of(const State& state, std::string_view key) {
  if (const auto given = state.settings.find(key); given != state.settings.end()) {
    return given->second.values.empty() ? "" : given->second.values.front();
  }
  const auto fallback = state.defaults.find(key);
  return fallback == state.defaults.end() || fallback->second.empty() ? ""
                                                                      : fallback->second.front();
}

void derive(State& state, std::string_view key, std::string value) {
  if (state.by_key.contains(key) && !state.settings.contains(key)) {
    state.settings[std::string(key)].values = {std::move(value)};
  }
}

}  // namespace

void derive_defaults(State& state) {
  std::filesystem::path journal = value_of(state, "journal.path");
  if (!journal.has_filename()) journal = journal.parent_path();  // "data/journal/"
  derive(state, "dead_letters.path", (journal.parent_path() / "dead_letters").string());

  std::int64_t size = 0;
  (void)parse_integer(value_of(state, "buffer.size"), size);
  derive(state, "buffer.high_water_mark",
         fmt::format("{}", std::max<std::int64_t>(1, size * 8 / 10)));

  std::int64_t journal_mb = 0;
  (void)parse_integer(value_of(state, "journal.size_max_mb"), journal_mb);
  derive(state, "journal.segment_mb",
         fmt::format("{}", std::clamp<std::int64_t>(journal_mb / 8, 1, 64)));
}

void check_rules(const Config& config, const State& state, std::vector<Diagnostic>& diagnostics) {
  const auto complain = [&](std::string_view key, std::string message, std::string hint) {
    const Origin at = config.origin(key);
    diagnostics.push_back({at.file, at.line, at.column, std::move(message), std::move(hint)});
  };
  if (state.by_key.contains("journal.path")) {
    const std::int64_t segment = config.integer("journal.segment_mb");
    const std::int64_t journal = config.integer("journal.size_max_mb");
    if (segment * 2 > journal) {
      complain("journal.segment_mb",
               fmt::format("journal.segment_mb ({}) is more than half of journal.size_max_mb ({})",
                           segment, journal),
               "a full journal gives way segment by segment; leave segment_mb out");
    }
    const auto folder = [&](std::string_view key) {
      const auto path = std::filesystem::path(config.text(key)).lexically_normal();
      return path.has_filename() ? path : path.parent_path();
    };
    if (folder("dead_letters.path") == folder("journal.path")) {
      complain("dead_letters.path", "dead_letters.path is the folder of journal.path",
               "give the dead letters a folder of their own");
    }
  }
  if (state.by_key.contains("buffer.size")) {
    const std::int64_t mark = config.integer("buffer.high_water_mark");
    if (mark > config.integer("buffer.size")) {
      complain("buffer.high_water_mark",
               fmt::format("buffer.high_water_mark ({}) is above buffer.size ({})", mark,
                           config.integer("buffer.size")),
               "leave it out for 80 % of buffer.size");
    }
  }
  if (state.by_key.contains("schema.path") && !config.boolean("schema.auto_discovery")) {
    std::error_code error;
    if (std::filesystem::is_directory(config.text("schema.path"), error)) {
      complain("schema.auto_discovery",
               fmt::format("schema.auto_discovery is false, but schema.path \"{}\" is a folder",
                           config.text("schema.path")),
               "let schema.path name one file, or set auto_discovery to true");
    }
  }
}

}  // namespace telemetry::config
