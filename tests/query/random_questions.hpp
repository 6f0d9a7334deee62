// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <map>
#include <set>

#include "query/random_rows.hpp"

/// Seeded random questions about random rows.
namespace telemetry::test {

using Function = Measure::Function;

/// A number from the environment.
inline std::uint64_t setting(const char* name, std::uint64_t fallback) {
  const char* const given = getenv(name);
  return given == nullptr ? fallback : strtoull(given, nullptr, 10);
}

/// How values of different kinds stand to each other in min, max and groups.
inline int rank(const core::Value& value) {
  switch (value.kind()) {
    case core::ValueKind::null:
      return 0;
    case core::ValueKind::json:
      return 5;
    case core::ValueKind::integer:
    case core::ValueKind::decimal:
      return 1;
    case core::ValueKind::boolean:
      return 2;
    case core::ValueKind::time:
      return 3;
    default:
      return 4;
  }
}
class RandomQuestions : public RandomRows {
 public:
  using RandomRows::RandomRows;

  std::map<std::string, std::uint64_t> hits;  // by operator, function, bucket and zone
  std::optional<std::int64_t> last_time;      // of all questions, where others write behind it

  Query some_query() {
    Query query;
    select(query);
    query.order = choice.one_in(2) ? Order::time_descending : Order::time_ascending;
    if (choice.one_in(3)) query.limit = static_cast<std::uint64_t>(1 + choice.below(300));
    return query;
  }

  Latest some_latest() {
    Latest latest;
    select(latest);
    return latest;
  }

  Series some_series() {
    static const std::vector<std::string> fields{
        "temperature", "temperature",      "humidity",  "on",   "count", "place", "place.lat",
        "note",        "note.temperature", "note.mode", "rssi", "power", "value", "status",
        "list"};
    static const std::vector<std::uint64_t> widths{1, 2, 3, 7, 20, 100, 1'000, 10'000};
    static const std::vector<std::uint64_t> limits{1, 2, 5, 20, 50, 200};
    Series series;
    select(series);
    if (choice.one_in(2)) {
      for (std::int64_t n = 1 + choice.below(3); n > 0; --n)
        series.fields.push_back(choice.of(fields));
    }
    series.columns = choice.of(widths);
    series.limit = choice.of(limits);
    return series;
  }

  [[nodiscard]] std::string say(const Selection& selection) const {
    std::string text;
    for (const std::string& topic : selection.topics) text += topic + " ";
    for (const std::string& device : selection.devices) text += "device " + device + " ";
    for (const std::string& schema : selection.schemas) text += "schema " + schema + " ";
    if (selection.since) text += fmt::format("since {} ", *selection.since);
    if (selection.until) text += fmt::format("until {} ", *selection.until);
    for (const Condition& one : selection.where) {
      append_condition(one, text);
      text += "; ";
    }
    return text + std::string(selection.zone.name());
  }

  /// @param used what of `hits` it is
  Aggregate some_aggregate(std::set<std::string>& used) {
    static const std::vector<std::string> fields{
        "temperature", "temperature", "humidity",         "status", "on",    "count", "seen",
        "place.lat",   "note",        "note.temperature", "rssi",   "power", "value"};
    static const std::vector<Function> functions{
        Function::count,  Function::avg,   Function::min,  Function::max,       Function::sum,
        Function::stddev, Function::first, Function::last, Function::percentile};
    static const std::vector<std::string> keys{"topic",  "device", "schema", "schema",
                                               "status", "on",     "count"};
    static const std::vector<std::string> widths{"1h", "6h", "30m", "7m", "1d", "1w", "1mo", "36h"};
    Aggregate aggregate;
    select(aggregate);
    for (std::int64_t n = 1 + choice.below(4); n > 0; --n) {
      Measure measure;
      measure.function = choice.of(functions);
      measure.field = choice.of(fields);
      if (measure.function == Function::count && choice.one_in(2)) measure.field.clear();
      if (measure.function == Function::percentile)
        measure.rank = static_cast<double>(choice.below(101));
      used.insert(fmt::format("function {}", static_cast<int>(measure.function)));
      aggregate.measures.push_back(measure);
    }
    if (!choice.one_in(3)) {
      const std::string& width = choice.of(widths);
      aggregate.bucket = *parse_bucket(width);
      used.insert("bucket " + width);
      used.insert("zone " + std::string(aggregate.zone.name()));
    } else {
      used.insert("bucket none");
    }
    if (choice.one_in(2)) aggregate.by = {choice.of(keys)};
    if (choice.one_in(4)) aggregate.by.push_back(choice.one_in(2) ? "topic" : "device");
    if (choice.one_in(3)) aggregate.order = Order::time_descending;
    if (choice.one_in(5)) aggregate.limit = static_cast<std::uint64_t>(1 + choice.below(30));
    return aggregate;
  }

 private:
  std::string literal(const std::string& field) {
    if (choice.one_in(20)) return "'on'";
    if (field == "status" || field == "name" || field == "place.hall" || field == "note.mode") {
      std::string word = choice.of(words);
      std::string text = "'";
      for (const char c : word) text.append(c == '\'' ? 2 : 1, c);
      return field == "status" && choice.one_in(4) ? fmt::format("{}", choice.below(4))
                                                   : text + "'";
    }
    if (field == "on") return choice.one_in(2) ? "true" : "false";
    if (field == "seen") {
      return choice.one_in(2) ? fmt::format("{}", 1'792'800'000 + choice.below(10) * 3'600)
                              : "2026-10-24T02:30:00";
    }
    if (field == "device") return fmt::format("d{}", choice.below(8));
    if (field == "topic")
      return choice.one_in(2) ? "'raw/1'" : fmt::format("meter/d{}", choice.below(40));
    return number(choice);
  }

  std::string leaf() {
    static const std::vector<std::string> fields{"temperature",
                                                 "temperature",
                                                 "humidity",
                                                 "status",
                                                 "on",
                                                 "count",
                                                 "seen",
                                                 "place.lat",
                                                 "place.hall",
                                                 "place",
                                                 "note",
                                                 "note.mode",
                                                 "note.temperature",
                                                 "list",
                                                 "rssi",
                                                 "firmware.version",
                                                 "firmware",
                                                 "power",
                                                 "name",
                                                 "value",
                                                 "device",
                                                 "topic"};
    return leaf(choice.of(fields));
  }
  std::string leaf(const std::string& field) {
    const bool text = field == "status" || field == "name" || field == "place.hall" ||
                      field == "note" || field == "device" || field == "topic" || field == "value";
    if (choice.one_in(8)) {
      ++hits["is null"];
      return field + (choice.one_in(2) ? " is null" : " is not null");
    }
    if (text && choice.one_in(3)) {
      static const std::vector<std::string> patterns{
          "%", "h%", "%o%", "_n", "%a_l %", "h_ll", "50\\%", "raw/%", "%d1%", "", "o_%"};
      ++hits["like"];
      return field + (choice.one_in(3) ? " not like '" : " like '") + choice.of(patterns) + "'";
    }
    if (choice.one_in(5)) {
      ++hits["in"];
      std::string list = literal(field);
      for (std::int64_t n = choice.below(4); n > 0; --n) list += ", " + literal(field);
      return field + (choice.one_in(3) ? " not in (" : " in (") + list + ")";
    }
    static const std::vector<std::string> operators{"=", "!=", "<", "<=", ">", ">="};
    const std::string op = choice.of(operators);
    ++hits[op];
    return field + " " + op + " " + literal(field);
  }

  std::string condition_text(int depth) {
    if (depth == 0 || choice.one_in(2)) return leaf();
    switch (choice.below(3)) {
      case 0:
        ++hits["and"];
        return "(" + condition_text(depth - 1) + " and " + condition_text(depth - 1) + ")";
      case 1:
        ++hits["or"];
        return "(" + condition_text(depth - 1) + " or " + condition_text(depth - 1) + ")";
      default:
        ++hits["not"];
        return "not " + condition_text(depth - 1);
    }
  }

  void select(Selection& selection) {
    static const std::vector<std::string> filters{
        "#",    "#",        "#",        "air/#",  "air/+/x", "meter/+", "raw/#",  "raw/1",
        "+/d3", "air/d1/#", "meter/d7", "none/#", "air",     "+/d1/#",  "$SYS/#", "raw/3"};
    if (choice.one_in(2)) {
      selection.topics.clear();
      for (std::int64_t n = 1 + choice.below(3); n > 0; --n)
        selection.topics.push_back(choice.of(filters));
    }
    if (choice.one_in(8)) selection.devices = {fmt::format("d{}", choice.below(6)), "d2"};
    if (choice.one_in(8)) selection.schemas = {choice.one_in(2) ? "air" : "meter"};
    const std::int64_t begin = rows.front()->row.time, end = rows.back()->row.time;
    const auto some_time = [&] {
      if (choice.one_in(4)) return choice.of(edges);
      return choice.one_in(2) ? choice.of(rows)->row.time : begin + choice.below(end - begin);
    };
    if (choice.one_in(3)) selection.since = some_time();
    if (choice.one_in(3)) selection.until = some_time();
    if (last_time) selection.until = std::min(selection.until.value_or(*last_time), *last_time);
    if (selection.since && selection.until && *selection.since >= *selection.until) {
      std::swap(selection.since, selection.until);
      if (selection.since == selection.until) selection.since.reset();
    }
    const std::string& zone = choice.of(zones);
    selection.zone = *TimeZone::find(zone);
    selection.now = 1'792'900'000 * second;
    if (choice.one_in(3)) return;
    if (choice.one_in(8)) {  // of topic and fields at once; not all topics have a device
      selection.where.push_back(condition(leaf("device") + " or " + leaf()));
      return;
    }
    for (std::int64_t n = choice.one_in(5) ? 2 : 1; n > 0; --n) {
      selection.where.push_back(condition(condition_text(static_cast<int>(choice.below(4)))));
    }
  }
};

}  // namespace telemetry::test
