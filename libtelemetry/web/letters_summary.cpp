// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>

#include "routes.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

/// Of all groups together; those beyond are not told apart.
constexpr std::size_t topics_told_apart_max = 100'000;

struct LetterGroup {
  std::uint64_t messages = 0;
  std::int64_t newest = INT64_MIN;  // received, ns
  std::unordered_set<std::uint64_t> topics;
  std::string topic, problems;  // of the newest
};

}  // namespace

Answer get_letters_summary(Call& call) {
  DeadLetterSink* const letters = call.here.pipeline.dead_letters();
  Selection times;
  if (auto wrong = take_times(call, times)) return *std::move(wrong);
  LetterSelection selection;
  selection.topic_filter = call.value("topic");
  selection.since = times.since.value_or(INT64_MIN);
  selection.until = times.until.value_or(INT64_MAX);
  std::map<std::uint64_t, std::string> schemas;  // names, by id
  std::map<std::pair<std::string, std::string>, LetterGroup> groups;
  std::size_t told_apart = 0;
  const auto add = [&](const Letter& letter) {
    if (call.principal.scope && !matches_any(*call.principal.scope, letter.topic))
      return !call.request.is_abandoned();
    const auto [name, fresh] = schemas.try_emplace(letter.header.schema_id);
    if (fresh && letter.header.schema_id != 0) name->second = schema_name(letter);
    LetterGroup& group = groups[{name->second, reason(letter)}];
    ++group.messages;
    if (told_apart < topics_told_apart_max && group.topics.insert(hash64(letter.topic)).second)
      ++told_apart;
    if (letter.header.received_at >= group.newest) {
      group.newest = letter.header.received_at;
      group.topic = letter.topic;
      group.problems = letter.problems;
    }
    return !call.request.is_abandoned();
  };
  if (letters != nullptr) {
    const auto read = read_letters(letters->path(), call.here.environment, selection, add);
    if (!read && read.error().code != Errc::not_found) return problem_of(read.error());
  }
  std::vector<const decltype(groups)::value_type*> order;
  for (const auto& one : groups) order.push_back(&one);
  std::ranges::stable_sort(
      order, [](const auto* a, const auto* b) { return a->second.messages > b->second.messages; });
  std::string out = "{\"data\":[";
  for (const auto* one : order) {
    const auto& [schema, why] = one->first;
    const LetterGroup& group = one->second;
    out += out.back() == '[' ? "{\"schema\":" : ",\n{\"schema\":";
    if (schema.empty())
      out += "null";
    else
      append_json_string(schema, out);
    out += ",\"reason\":";
    append_json_string(why, out);
    out += fmt::format(",\"messages\":{},\"newest\":", group.messages);
    append_json_time(group.newest, out);
    out += fmt::format(",\"topics\":{},\"example\":{{\"topic\":", group.topics.size());
    append_json_string(group.topic, out);
    out += ",\"problems\":";
    out += payload_kind(group.problems) == Row::RawKind::json ? group.problems : "[]";
    out += "}}";
  }
  return json_answer(out + "]}\n");
}

}  // namespace telemetry::web
