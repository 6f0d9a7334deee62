// SPDX-License-Identifier: Apache-2.0
//
// The texts that people write in queries: times are absolute or a span back from now, widths of
// buckets, functions of fields. All are as long as a command line at most; nothing here is on a hot
// path.
#include "telemetry/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/message.hpp"

namespace telemetry {
namespace {

using Function = Measure::Function;

constexpr std::string_view white_space = " \t\r\n";
constexpr double real_day_ns = 86'400e9;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

/// "15m", "1.5h", "7d".
bool read_span(std::string_view text, double& ns) {
  double count = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), count, std::chars_format::fixed);
  if (error != std::errc{} || !(count >= 0)) return false;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  double unit_ns = 0;
  if (unit == "ms") unit_ns = 1e6;
  if (unit == "s") unit_ns = 1e9;
  if (unit == "m") unit_ns = 60e9;
  if (unit == "h") unit_ns = 3'600e9;
  if (unit == "d") unit_ns = real_day_ns;
  if (unit == "w") unit_ns = 7 * real_day_ns;
  ns = count * unit_ns;
  return unit_ns > 0 && ns < 9e18;
}

/// A time that names its zone.
bool has_offset(std::string_view time) {
  if (time.ends_with('Z') || time.ends_with('z')) return true;
  const std::size_t clock = time.find(':');
  return clock != std::string_view::npos && time.find_first_of("+-", clock) != time.npos;
}

constexpr std::pair<std::string_view, Function> function_names[] = {
    {"count", Function::count},   {"avg", Function::avg},     {"mean", Function::avg},
    {"min", Function::min},       {"max", Function::max},     {"sum", Function::sum},
    {"stddev", Function::stddev}, {"first", Function::first}, {"last", Function::last}};

bool read_function(std::string_view name, Measure& measure) {
  for (const auto& [known, function] : function_names) {
    if (name != known) continue;
    measure.function = function;
    return true;
  }
  measure.function = Function::percentile;
  measure.rank = 50;
  if (name == "median") return true;
  if (!name.starts_with('p') || name.size() < 2) return false;
  const char* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + 1, end, measure.rank, std::chars_format::fixed);
  return read.ec == std::errc() && read.ptr == end && measure.rank >= 0 && measure.rank <= 100;
}

/// The end of the field that stands in parentheses: names in double quotes may have any character.
std::size_t closing(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == ')' && !quoted) return i;
  }
  return std::string_view::npos;
}

Error no_measure(std::string_view text) {
  return {Errc::invalid_argument,
          fmt::format("\"{}\" is no list of functions of fields; write avg(temperature), "
                      "p95(location.lat), count() with the functions avg min max sum count stddev "
                      "first last median, or p and a number up to 100",
                      text)};
}

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_hex(std::uint64_t value, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) out += hex_digits[(value >> shift) & 15];
}

/// What must be the same from page to page.
std::uint64_t hash_of(const Query& query) {
  std::string text;
  const auto list = [&text](const std::vector<std::string>& items) {
    for (const std::string& item : items) text += fmt::format("{}:{},", item.size(), item);
    text += ';';
  };
  list(query.topics);
  list(query.devices);
  list(query.schemas);
  for (const Condition& condition : query.where) {
    text += ';';
    append_condition(condition, text);
  }
  text += query.order == Order::time_ascending ? ";<" : ";>";
  if (query.id_min > 0) text += std::to_string(query.id_min);
  return hash64(text);
}

}  // namespace

std::string Measure::name() const {
  if (function == Function::percentile) return fmt::format("p{}({})", rank, field);
  for (const auto& [known, named] : function_names) {
    if (named == function) return fmt::format("{}({})", known, field);
  }
  return field;
}

Result<std::vector<Measure>> parse_measures(std::string_view text) {
  std::vector<Measure> measures;
  for (std::string_view rest = trimmed(text);;) {
    const std::size_t open = rest.find('(');
    if (open == std::string_view::npos) return no_measure(text);
    Measure measure;
    if (!read_function(trimmed(rest.substr(0, open)), measure)) return no_measure(text);
    rest.remove_prefix(open + 1);
    const std::size_t close = closing(rest);
    if (close == std::string_view::npos) return no_measure(text);
    const std::string_view field = trimmed(rest.substr(0, close));
    const bool all = field.empty() || field == "*";
    if (all && measure.function != Function::count) return no_measure(text);
    if (!all) {
      auto fields = parse_fields(field);
      if (!fields || fields->size() != 1) return no_measure(text);
      measure.field = std::move(fields->front());
    }
    measures.push_back(std::move(measure));
    rest = trimmed(rest.substr(close + 1));
    if (rest.empty()) return measures;
    if (rest.front() != ',') return no_measure(text);
    rest = trimmed(rest.substr(1));
  }
}

Result<Bucket> parse_bucket(std::string_view text) {
  const std::string_view width = trimmed(text);
  if (width == "1d" || width == "day") return Bucket{Bucket::Kind::day, 0};
  if (width == "1w" || width == "week") return Bucket{Bucket::Kind::week, 0};
  if (width == "1mo" || width == "month") return Bucket{Bucket::Kind::month, 0};
  double ns = 0;
  if (read_span(width, ns) && std::llround(ns) >= 1) {
    return Bucket{Bucket::Kind::fixed, std::llround(ns)};
  }
  return Error{
      Errc::invalid_argument,
      fmt::format("\"{}\" is no width of a bucket; write 10s, 15m, 1h, 1d, 1w or 1mo", width)};
}

std::string to_text(const Cursor& cursor, const Query& query) {
  std::string text;
  append_hex(static_cast<std::uint64_t>(cursor.time), text);
  append_hex(cursor.id, text);
  append_hex(cursor.id_max, text);
  append_hex(static_cast<std::uint64_t>(cursor.since), text);
  append_hex(static_cast<std::uint64_t>(cursor.until), text);
  append_hex(hash_of(query), text);
  return text;
}

Result<Cursor> parse_cursor(std::string_view text, const Query& query) {
  std::array<std::uint64_t, 6> parts{};
  bool valid = text.size() == 16 * parts.size();
  for (std::size_t i = 0; valid && i < parts.size(); ++i) {
    const char* const begin = text.data() + 16 * i;
    const auto read = std::from_chars(begin, begin + 16, parts[i], 16);
    valid = read.ec == std::errc() && read.ptr == begin + 16;
  }
  if (!valid) {
    return Error{Errc::invalid_argument,
                 fmt::format("\"{}\" is no cursor; take it from the end of the page before", text)};
  }
  if (parts[5] != hash_of(query)) {
    return Error{
        Errc::invalid_argument,
        "the cursor belongs to another query: topics, devices, schemas, conditions and order "
        "must be those of the first page"};
  }
  return Cursor{static_cast<std::int64_t>(parts[0]), parts[1], parts[2],
                static_cast<std::int64_t>(parts[3]), static_cast<std::int64_t>(parts[4])};
}

bool is_field_or_member(std::string_view path, std::string_view name) noexcept {
  return path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '.');
}

Result<std::int64_t> parse_query_time(std::string_view text, std::int64_t now,
                                      const TimeZone& zone) {
  const std::string_view time = trimmed(text);
  std::int64_t ns = 0;
  if (time == "now") return now;
  std::string day;  // from its start
  if (time.size() == 10 && time[4] == '-' && time[7] == '-') day = fmt::format("{}T00:00:00", time);
  const std::string_view full = day.empty() ? time : std::string_view(day);
  if (core::parse_time(full, 0, ns)) return has_offset(full) ? ns : zone.utc_of(ns);
  core::JsonPull number(time);
  if (number.next() == core::JsonToken::number) {
    const core::Decimal epoch = number.number();
    if (number.next() == core::JsonToken::end &&
        core::epoch_to_ns(epoch, core::TimeFormat::automatic, ns)) {
      return ns;
    }
  }
  if (double span = 0; read_span(time, span)) return now - std::llround(span);
  return Error{
      Errc::invalid_argument,
      fmt::format("\"{}\" is no time; write 2026-11-21T08:00:00Z, 2026-11-21, seconds since "
                  "1970, or a span back from now such as 15m, 24h, 7d",
                  time)};
}

}  // namespace telemetry
