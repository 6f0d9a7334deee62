// SPDX-License-Identifier: Apache-2.0
#include "process/letter_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "process/control.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr std::array<std::string_view, 7> known_members{"topic",   "since",  "until", "ids",
                                                        "refused", "reason", "schema"};

}  // namespace

std::string to_json(const LetterSelection& selection) {
  std::string topic, ids;
  append_json_string(selection.topic_filter, topic);
  for (const auto& [first, last] : selection.ids) {
    ids += fmt::format("{}\"{}-{}\"", ids.empty() ? "" : ",", first, last);
  }
  std::string out = fmt::format(R"({{"topic":{},"since":{},"until":{},"ids":[{}])", topic,
                                selection.since, selection.until, ids);
  for (const auto& [name, text] :
       {std::pair("reason", &selection.reason), {"schema", &selection.schema}}) {
    if (text->empty()) continue;  // a program that knows no such member refuses it
    out += fmt::format(",\"{}\":", name);
    append_json_string(*text, out);
  }
  return out + "}";
}

Result<LetterSelection> selection_from(std::string_view json) {
  // What is not understood selects nothing: all letters would be too many.
  const auto names = control::member_names(json);
  if (!names) return names.error();
  LetterSelection selection;
  for (const std::string& name : *names) {
    if (std::ranges::find(known_members, name) == known_members.end()) {
      return Error{Errc::invalid_argument, fmt::format("{:?} selects no letters", name)};
    }
    std::string* const to = name == "topic"    ? &selection.topic_filter
                            : name == "reason" ? &selection.reason
                            : name == "schema" ? &selection.schema
                                               : nullptr;
    if (to == nullptr) continue;
    auto text = control::text_member(json, name);
    if (!text) return text.error();
    *to = *text;
    if (to->empty() && to != &selection.topic_filter)
      return Error{Errc::invalid_argument, fmt::format("{} is empty", name)};
  }
  if (!selection.reason.empty()) {
    if (const std::string wrong = reason_problem(selection.reason); !wrong.empty())
      return Error{Errc::invalid_argument, wrong};
  }
  if (!selection.topic_filter.empty() && !core::is_valid_filter(selection.topic_filter)) {
    return Error{Errc::invalid_argument,
                 fmt::format("{:?} is not a topic filter", selection.topic_filter)};
  }
  for (auto [name, time] : {std::pair("since", &selection.since), {"until", &selection.until}}) {
    const std::string text = control::json_member(json, name);
    const char* const end = text.data() + text.size();
    if (text.empty()) continue;
    if (const auto read = std::from_chars(text.data(), end, *time);
        read.ec != std::errc() || read.ptr != end) {
      return Error{Errc::invalid_argument, fmt::format("{}: not a time in nanoseconds", name)};
    }
  }
  const auto ids = control::text_members(json, "ids");
  if (!ids) return ids.error();
  for (const std::string& text : *ids) {
    const auto range = parse_ids(text);
    if (!range) return range.error();
    selection.ids.push_back(*range);
  }
  return selection;
}

Result<std::pair<std::uint64_t, std::uint64_t>> parse_ids(std::string_view text) {
  std::uint64_t first = 0;
  const char* const end = text.data() + text.size();
  auto [at, failed] = std::from_chars(text.data(), end, first);
  std::uint64_t last = first;
  if (failed == std::errc() && at != end && *at == '-') {
    const auto second = std::from_chars(at + 1, end, last);
    at = second.ptr;
    failed = second.ec;
  }
  if (failed == std::errc() && at == end && first <= last) return std::pair(first, last);
  return Error{Errc::invalid_argument,
               fmt::format("{:?} is no letter's id: write 12, or 12-20 for several", text)};
}

}  // namespace telemetry
