// SPDX-License-Identifier: Apache-2.0
#include "telemetry/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "telemetry/core/time.hpp"
#include "telemetry/dead_letter.hpp"
#include "telemetry/export.hpp"

// Ages end at midnight, UTC: so a rule has one deletion a day at most, and whole tables go.
//
// The clock of a gateway may jump by years. Then everything is old but what comes after the jump,
// and there is a gap in what is stored: see the promise of find_due(). A row of before a jump by J
// is in the stretch that is asked for only where J is at most half of the age; one of after it,
// only when the clock has been wrong for a quarter of it.

namespace telemetry {
namespace {

constexpr std::int64_t hour_ns = 3'600 * core::ns_per_second;
constexpr std::int64_t day_ns = 24 * hour_ns;
constexpr std::int64_t year_2020_ns = 1'577'836'800 * core::ns_per_second;

std::string text_of(std::int64_t time) {
  std::string text(core::time_text_bytes_max, '\0');
  text.resize(core::format_time(time, std::span<char, core::time_text_bytes_max>(text)));
  return text;
}

Result<std::uint64_t> count(Store& store, const Selection& selection) {
  Aggregate rows;
  static_cast<Selection&>(rows) = selection;
  rows.measures = {Measure()};
  std::uint64_t found = 0;
  auto done = store.aggregate(rows, [&](const AggregateRow& row) {
    found = static_cast<std::uint64_t>(row.values.front().as_integer());
    return true;
  });
  if (!done) return done.error();
  return found;
}

Result<std::uint64_t> any(Store& store, const Selection& selection) {
  Query first;
  static_cast<Selection&>(first) = selection;
  first.limit = 1;
  std::uint64_t found = 0;
  auto done = store.query(first, [&](const Row&) {
    ++found;
    return false;
  });
  if (!done) return done.error();
  return found;
}

/// One schema after the other, for a store refuses those of which it has nothing yet.
Result<std::uint64_t> rows_of(Store& store, Selection selection, bool counting) {
  const std::vector<std::string> schemas = std::move(selection.schemas);
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < std::max<std::size_t>(schemas.size(), 1); ++i) {
    selection.schemas.clear();
    if (i < schemas.size()) selection.schemas = {schemas[i]};
    auto found = counting ? count(store, selection) : any(store, selection);
    if (found) {
      rows += *found;
    } else if (const Errc code = found.error().code;
               code != Errc::not_found && (schemas.empty() || code != Errc::invalid_argument)) {
      return found;
    }
    if (!counting && rows > 0) break;
  }
  return rows;
}

Result<std::uint64_t> letters_of(const std::string& folder, const Environment& environment,
                                 std::int64_t until, bool counting) {
  LetterSelection selection;
  if (counting) selection.until = until;
  std::uint64_t letters = 0;
  // They stand in the order of their receipt: the first says whether any is old.
  auto read = read_letters(folder, environment, selection, [&](const Letter& letter) {
    if (letter.header.received_at < until) ++letters;
    return counting;
  });
  if (!read && read.error().code != Errc::not_found) return read.error();
  return letters;
}

/// @returns why the clock is not to be trusted; empty when it is.
Result<std::string> doubt(Store& store, const RetentionStep& step, std::int64_t now) {
  Selection recent;
  recent.topics.insert(recent.topics.end(), step.deletion.topics.begin(),
                       step.deletion.topics.end());
  recent.since = now - step.days * day_ns / 2;
  recent.until = now - step.days * day_ns / 4;
  auto found = rows_of(store, recent, false);
  if (!found) return found.error();
  if (*found > 0) return std::string();
  return fmt::format(
      "nothing is stored of {} to {}; a clock that is wrong ({}) would delete too much. It goes on "
      "when there is; telemetry delete does not wait",
      text_of(*recent.since), text_of(*recent.until), text_of(now));
}

std::string step_json(const RetentionStep& step, std::string_view counted) {
  std::string out = fmt::format(R"("days":{},"before":"{}","{}":{},"done":{})", step.days,
                                text_of(step.deletion.until), counted, step.rows, step.done);
  if (step.sequence != 0) out += fmt::format(R"(,"sequence":{})", step.sequence);
  if (!step.held_back.empty()) {
    out += R"(,"held_back":)";
    append_json_string(step.held_back, out);
  }
  return out;
}

}  // namespace

Result<RetentionReport> find_due(const RetentionOptions& options, Store& store,
                                 const std::string& dead_letters, const Environment& environment,
                                 bool counting) {
  const std::int64_t now = environment.clock.now();
  if (now < year_2020_ns) {
    return Error{Errc::failed_precondition,
                 fmt::format("the clock says {}: nothing is deleted by age", text_of(now))};
  }
  const auto step_of = [&](std::int64_t days) {
    RetentionStep step;
    step.days = days;
    const std::int64_t age_ago = now - days * day_ns;
    step.deletion.until = age_ago - (age_ago % day_ns + day_ns) % day_ns;
    return step;
  };
  const auto look = [&](RetentionStep& step, const Result<std::uint64_t>& due) -> Result<void> {
    if (!due) return due.error();
    step.rows = *due;
    if (step.rows == 0) return {};
    auto why = doubt(store, step, now);
    if (!why) return why.error();
    step.held_back = *std::move(why);
    return {};
  };
  RetentionReport report;
  for (const RetentionRule& rule : options.rules) {
    RetentionStep& step = report.rules.emplace_back(step_of(rule.days));
    step.deletion.topics = rule.topics;
    step.deletion.schemas = rule.schemas;
    Selection old;
    old.topics = rule.topics;
    old.schemas = rule.schemas;
    old.until = step.deletion.until;
    if (auto looked = look(step, rows_of(store, old, counting)); !looked) return looked.error();
  }
  if (options.dead_letter_days > 0 && !dead_letters.empty()) {
    RetentionStep& step = report.dead_letters.emplace(step_of(options.dead_letter_days));
    const auto letters = letters_of(dead_letters, environment, step.deletion.until, counting);
    if (auto looked = look(step, letters); !looked) return looked.error();
  }
  return report;
}

std::string to_json(const RetentionReport& report) {
  std::string rules;
  for (const RetentionStep& step : report.rules) {
    Deletion who = step.deletion;
    who.until = INT64_MAX;
    std::string selection = to_json(who);
    selection.pop_back();
    rules += fmt::format("{}{},{}}}", rules.empty() ? "" : ",", selection, step_json(step, "rows"));
  }
  const auto is_complete = [](const RetentionStep& step) {
    return step.done && step.held_back.empty();
  };
  const bool complete = std::ranges::all_of(report.rules, is_complete) &&
                        (!report.dead_letters || is_complete(*report.dead_letters));
  std::string out = fmt::format(R"({{"complete":{},"rules":[{}])", complete, rules);
  if (report.dead_letters) {
    out += fmt::format(R"(,"dead_letters":{{{}}})", step_json(*report.dead_letters, "letters"));
  }
  return out + "}";
}

std::string to_text(const RetentionReport& report, RetentionTense tense) {
  std::string out;
  const auto add = [&](const RetentionStep& step, const std::string& what) {
    out += fmt::format("{}, older than {} days (before {}): ", what, step.days,
                       text_of(step.deletion.until));
    if (tense == RetentionTense::future) {
      out += fmt::format("{} would go", step.rows);
    } else {
      out += fmt::format("{} deleted", step.rows);
    }
    if (!step.done) out += "; not all stores have done it yet: they will";
    if (!step.held_back.empty()) out += "; held back: " + step.held_back;
    out += '\n';
  };
  for (const RetentionStep& step : report.rules) {
    const auto& [topics, schemas] = std::tie(step.deletion.topics, step.deletion.schemas);
    std::string what = fmt::format("{}", fmt::join(topics, ", "));
    if (!schemas.empty()) what += fmt::format(" of {}", fmt::join(schemas, ", "));
    add(step, what);
  }
  if (report.dead_letters) add(*report.dead_letters, "dead letters");
  return out;
}

}  // namespace telemetry
