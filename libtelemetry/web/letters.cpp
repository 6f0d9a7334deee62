// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

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

bool may_see(const Principal& principal, std::string_view topic) {
  return !principal.scope || matches_any(*principal.scope, topic);
}

std::string letter_json(const Call& call, const Letter& letter, LetterDetail detail) {
  std::string out =
      fmt::format("{{\"id\":\"{}\"", call.here.seal.id(Seal::Kind::letter, letter.header.sequence));
  append_members(letter, detail, out);
  return out + "}";
}

/// What the parameters say. A parameter that the route has not selects nothing.
core::Result<LetterSelection, Problem> letter_selection(const Call& call) {
  Selection times;
  if (auto wrong = take_times(call, times)) return *std::move(wrong);
  LetterSelection selection;
  selection.topic_filter = call.value("topic");
  selection.since = times.since.value_or(INT64_MIN);
  selection.until = times.until.value_or(INT64_MAX);
  selection.schema = call.value("schema");
  selection.reason = call.value("reason");
  if (selection.reason.empty()) return selection;
  if (const std::string wrong = reason_problem(selection.reason); !wrong.empty())
    return problem_of({Errc::invalid_argument, wrong}, "reason");
  return selection;
}

}  // namespace

Answer get_letters(Call& call) {
  DeadLetterSink* const letters = call.here.pipeline.dead_letters();
  auto selection = letter_selection(call);
  if (!selection) return std::move(selection).error();
  if (const std::string_view text = call.value("cursor"); !text.empty()) {
    const auto before = call.here.seal.number(Seal::Kind::letter, text);
    if (!before || *before == 0) {
      return problem_of({Errc::invalid_argument, "this is no cursor; take it from the page before"},
                        "cursor");
    }
    selection->ids = {{0, *before - 1}};
  }
  const std::size_t limit = call.count("limit");
  std::deque<std::pair<std::uint64_t, std::string>> newest;
  bool more = false;
  if (letters != nullptr) {
    const auto read =
        read_letters(letters->path(), call.here.environment, *selection, [&](const Letter& letter) {
          if (!may_see(call.principal, letter.topic)) return !call.request.is_abandoned();
          newest.emplace_back(letter.header.sequence,
                              letter_json(call, letter, LetterDetail::list));
          more = more || newest.size() > limit;
          if (newest.size() > limit) newest.pop_front();
          return !call.request.is_abandoned();
        });
    if (!read && read.error().code != Errc::not_found) return problem_of(read.error());
  }
  std::string out = "{\"data\":[";
  for (auto one = newest.rbegin(); one != newest.rend(); ++one) {
    if (out.back() != '[') out += ",\n";
    out += one->second;
  }
  out += more ? fmt::format("],\"next_cursor\":\"{}\"}}\n",
                            call.here.seal.id(Seal::Kind::letter, newest.front().first))
              : "],\"next_cursor\":null}\n";
  return json_answer(std::move(out));
}

Answer get_letter(Call& call) {
  DeadLetterSink* const letters = call.here.pipeline.dead_letters();
  const std::string_view text = call.value("id");
  const auto id = call.here.seal.number(Seal::Kind::letter, text);
  std::string out;
  if (id && letters != nullptr) {
    LetterSelection selection;
    selection.ids = {{*id, *id}};
    const auto read =
        read_letters(letters->path(), call.here.environment, selection, [&](const Letter& letter) {
          if (may_see(call.principal, letter.topic))
            out = letter_json(call, letter, LetterDetail::all);
          return false;
        });
    if (!read && read.error().code != Errc::not_found) return problem_of(read.error());
  }
  if (!out.empty()) return json_answer(out + "\n");
  return problem_of(
      {Errc::not_found, fmt::format("there is no letter '{}': never there, replayed, dropped, or "
                                    "gone because their journal was full",
                                    printable(text))},
      "id");
}

Answer get_letters_summary(Call& call) {
  DeadLetterSink* const letters = call.here.pipeline.dead_letters();
  auto selection = letter_selection(call);
  if (!selection) return std::move(selection).error();
  std::map<std::uint64_t, std::string> schemas;  // names, by id
  std::map<std::pair<std::string, std::string>, LetterGroup> groups;
  std::size_t told_apart = 0;
  const auto add = [&](const Letter& letter) {
    if (!may_see(call.principal, letter.topic)) return !call.request.is_abandoned();
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
    const auto read = read_letters(letters->path(), call.here.environment, *selection, add);
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
