// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "telemetry/auth.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/retention.hpp"

namespace telemetry {
namespace {

using enum OptionType;

constexpr Option options[] = {
    {.key = "topics",
     .type = text_list,
     .doc = "Topic filters, any of them. Unset: # (all topics but those that begin with $).",
     .reloadable = true},
    {.key = "schemas",
     .type = text_list,
     .doc = "Names of schemas, any of them. Unset: all, and messages without schema.",
     .reloadable = true},
    {.key = "days",
     .type = integer,
     .doc = "Age of what is deleted. Where several rules cover a message, the shortest counts.",
     .unit = "days",
     .min = 1,
     .max = 36'500,
     .reloadable = true},
};

/// Whether every message of `inner` is one of `outer`.
bool covers(const RetentionRule& outer, const RetentionRule& inner) {
  const bool schemas =
      outer.schemas.empty() ||
      (!inner.schemas.empty() && std::ranges::all_of(inner.schemas, [&](const std::string& name) {
        return std::ranges::find(outer.schemas, name) != outer.schemas.end();
      }));
  return schemas && std::ranges::all_of(inner.topics, [&](const std::string& filter) {
           return std::ranges::any_of(outer.topics, [&](const std::string& other) {
             return contains_filter(other, filter);
           });
         });
}

class RuleReader {
 public:
  explicit RuleReader(const Config& config) : config_(config) {}
  Result<std::vector<RetentionRule>> read();

 private:
  void read(const std::string& section);
  void check_that_all_count();
  void add(RetentionRule rule, std::string place) {
    rules_.push_back(std::move(rule));
    places_.push_back(std::move(place));
  }

  const Config& config_;
  std::vector<RetentionRule> rules_;
  std::vector<std::string> places_;  // the key that has the age
  std::vector<Diagnostic> mistakes_;
};

Result<std::vector<RetentionRule>> RuleReader::read() {
  for (const std::string& section : config_.entries("retention.rules")) read(section);
  // What the ancestors wrote is a rule for everything; by default where there are no others.
  if (config_.is_set("retention.days") || (rules_.empty() && mistakes_.empty())) {
    RetentionRule all;
    all.days = config_.integer("retention.days");
    add(std::move(all), "retention.days");
  }
  if (mistakes_.empty()) check_that_all_count();
  if (!mistakes_.empty()) return mistakes_error(std::move(mistakes_));
  return std::move(rules_);
}

void RuleReader::read(const std::string& section) {
  const std::string topics = section + ".topics", schemas = section + ".schemas",
                    days = section + ".days";
  const std::string what = config_.is_set(topics) ? topics : schemas;
  const bool is_list = config_.entries("retention.rules").size() > 1;
  if (!is_list && !config_.is_set(what) && !config_.is_set(days)) return;  // there are none
  if (!config_.is_set(days)) {
    mistakes_.push_back(config_.mistake(config_.is_set(what) ? what : "retention.enabled",
                                        fmt::format("{} is missing", days),
                                        "say after how many days: days: 90"));
    return;
  }
  // A variable that is empty counts as not set, and must not stand for everything.
  if (!config_.is_set(what)) {
    mistakes_.push_back(config_.mistake(days, "neither topics nor schemas are named",
                                        "write topics: [\"#\"], or retention.days for all"));
    return;
  }
  RetentionRule rule;
  rule.days = config_.integer(days);
  if (config_.is_set(topics)) rule.topics = config_.text_list(topics);
  if (config_.is_set(schemas)) rule.schemas = config_.text_list(schemas);
  for (const std::string& key : {topics, schemas}) {
    const auto texts =
        config_.is_set(key) ? config_.text_list(key) : std::vector<std::string>{"any"};
    if (texts.empty() || std::ranges::find(texts, "") != texts.end()) {
      mistakes_.push_back(config_.mistake(key, "empty", "leave it out for all"));
    }
  }
  Deletion deletion;
  deletion.topics = rule.topics;
  deletion.schemas = rule.schemas;
  constexpr std::size_t times_bytes_max = 100;
  if (rule.topics.size() > Selection::topics_max ||
      to_json(deletion).size() + times_bytes_max > deletion_bytes_max) {
    mistakes_.push_back(config_.mistake(
        what,
        fmt::format("too much for one rule: at most {} topic filters, {} bytes in all",
                    Selection::topics_max, deletion_bytes_max),
        "make several rules of it"));
  }
  for (const std::string& filter : rule.topics) {
    if (filter.empty() || (core::is_valid_filter(filter) && core::without_share(filter) == filter))
      continue;
    mistakes_.push_back(config_.mistake(topics, fmt::format("\"{}\" is not a topic filter", filter),
                                        "write for example sensors/#"));
  }
  add(std::move(rule), days);
}

/// Who writes a rule that keeps more believes that it does.
void RuleReader::check_that_all_count() {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    for (std::size_t j = 0; j < rules_.size(); ++j) {
      const bool shorter =
          rules_[j].days < rules_[i].days || (rules_[j].days == rules_[i].days && j < i);
      if (i == j || !shorter || !covers(rules_[j], rules_[i])) continue;
      mistakes_.push_back(config_.mistake(
          places_[i],
          fmt::format("no effect: {} covers the same messages and deletes them after {} days",
                      places_[j], rules_[j].days),
          "the shortest age of all rules that cover a message counts; give the other rule topics "
          "or schemas that leave these out"));
      break;
    }
  }
}

}  // namespace

OptionTable retention_options() noexcept {
  return {.prefix = "retention.rules",
          .options = options,
          .entry = "{topics: [\"sensors/#\"], schemas: [temperature], days: 90}"};
}

Result<RetentionOptions> retention_options_from(const Config& config) {
  RetentionOptions retention;
  retention.enabled = config.boolean("retention.enabled");
  if (!retention.enabled) return retention;
  retention.every_ns = config.duration_ns("retention.every");
  retention.dead_letter_days = config.integer("retention.dead_letters.days");
  auto rules = RuleReader(config).read();
  if (!rules) return rules.error();
  retention.rules = *std::move(rules);
  return retention;
}

}  // namespace telemetry
