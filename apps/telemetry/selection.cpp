// SPDX-License-Identifier: Apache-2.0
#include "selection.hpp"

#include <memory>

#include "process/backends.hpp"

namespace telemetry::command_line {

const char* const selection_footer =
    "FILTER is an MQTT topic filter: + stands for one level, # for all that follow. "
    "Quote it. Times: 2026-11-21T08:00:00Z, 2026-11-21, seconds since 1970, or a span "
    "back from now (15m, 24h, 7d). They are those of the device, or of arrival where the "
    "device sent none. Fields of nested objects are written with a dot: location.lat. COND is "
    "temperature > 30 and the like, joined by and, or, not; also in (a, b), like 'hall%', is null. "
    "Names with spaces or quotes stand in double quotes. Without a schema too: a bare value is "
    "called value.";

void SelectionArguments::add_to(Command& command) {
  command.positional("FILTER", filters,
                     "Topic filters; without one, all topics but those that begin with $");
  command.option("--device", devices, "Only of this device; may be repeated").type("NAME");
  command.option("--schema", schemas, "Only of this schema; may be repeated").type("NAME");
  const auto time = [](std::string_view text) {
    return std::string(text.empty() ? "a time, for example 1h" : "");
  };
  command.option("--since,--start", since, "Not before").type("TIME").check(time);
  command.option("--until,--end", until, "Before").type("TIME").check(time);
  command.option("--where", where, "Only where this holds; may be repeated").type("COND");
  command.option("--tz", zone, "Time zone of days, of times without offset, and of the output")
      .type("ZONE")
      .show_default();
}

Result<void> SelectionArguments::fill(Selection& selection) const {
  if (!filters.empty()) selection.topics = filters;
  selection.devices = devices;
  selection.schemas = schemas;
  auto found = TimeZone::find(zone);
  if (!found) return found.error();
  selection.zone = *found;
  const std::int64_t now = environment().clock.now();
  selection.now = now;
  for (const bool is_until : {false, true}) {
    const std::string& text = is_until ? until : since;
    if (text.empty()) continue;
    const auto time = parse_query_time(text, now, *found);
    if (!time) return time.error();
    (is_until ? selection.until : selection.since) = *time;
  }
  for (const std::string& text : where) {
    auto condition = parse_condition(text);
    if (!condition) return condition.error();
    selection.where.push_back(*std::move(condition));
  }
  return {};
}

Result<std::vector<std::string>> names_of(const std::vector<std::string>& texts) {
  std::vector<std::string> names;
  for (const std::string& text : texts) {
    auto fields = parse_fields(text);
    if (!fields) return fields.error();
    names.insert(names.end(), fields->begin(), fields->end());
  }
  return names;
}

Result<Api> open_api(const Settings& settings) {
  const Result<Config> config = settings.load();
  if (!config) return config.error();
  auto store = make_reader(*config, environment());
  if (!store) return store.error();
  return Api(std::shared_ptr<Store>(*std::move(store)), environment());
}

}  // namespace telemetry::command_line
