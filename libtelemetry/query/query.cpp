// SPDX-License-Identifier: Apache-2.0
//
// The texts that people write in queries. A condition is FIELD OP VALUE; what is bare ends at white
// space, what is quoted takes everything and doubles its quote to mean it. Times are absolute, or a
// span back from now. Both are bounded by the length of a command line; nothing here is on a hot
// path.
#include "telemetry/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/time.hpp"

namespace telemetry {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

Error wrong_condition(std::string_view text, std::string_view why) {
  return {
      Errc::invalid_argument,
      fmt::format("condition \"{}\": {}; write FIELD OP VALUE with OP one of = != < <= > >=, for "
                  "example: temperature > 30, or location.name = 'hall 2'",
                  text, why)};
}

// Takes a quoted text from the front of `text`. False when its quote does not end.
bool take_quoted(std::string_view& text, std::string& value) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != quote) {
      value += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == quote) {
      value += quote;
      ++i;
    } else {
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// Takes a path from the front of `text`: names joined by dots, bare up to one of `ends` or in
// double quotes. False when a name is empty, or a quote does not end.
bool take_path(std::string_view& text, std::string_view ends, std::string& path, bool& quoted) {
  for (;;) {
    const std::size_t before = path.size();
    if (text.starts_with('"')) {
      quoted = true;
      if (!take_quoted(text, path)) return false;
    } else {
      std::size_t end = 0;
      while (end < text.size() && text[end] != '.' && ends.find(text[end]) == ends.npos) ++end;
      path += text.substr(0, end);
      text.remove_prefix(end);
    }
    if (path.size() == before) return false;
    if (!text.starts_with('.')) return true;
    path += '.';
    text.remove_prefix(1);
  }
}

// "15m", "1.5h", "7d".
bool read_span(std::string_view text, double& ns) {
  double count = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), count, std::chars_format::fixed);
  if (error != std::errc{} || !(count >= 0)) return false;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  double seconds = 0;
  if (unit == "ms") seconds = 1e-3;
  if (unit == "s") seconds = 1;
  if (unit == "m") seconds = 60;
  if (unit == "h") seconds = 3'600;
  if (unit == "d") seconds = 86'400;
  if (unit == "w") seconds = 604'800;
  ns = count * seconds * 1e9;
  return seconds > 0 && ns < 9e18;
}

}  // namespace

Result<Condition> parse_condition(std::string_view text) {
  const std::string_view whole = trimmed(text);
  Condition condition;
  std::string_view rest = whole;
  if (rest.find_first_of("=!<>") == std::string_view::npos) {
    return wrong_condition(whole, "it has no operator");
  }
  if (rest.find_first_of("=!<>") == 0) return wrong_condition(whole, "it names no field");
  if (!take_path(rest, " \t\r\n'\"=!<>", condition.field, condition.field_quoted)) {
    return wrong_condition(whole, "its field has an empty name, or a quote that does not end");
  }
  rest = trimmed(rest);
  const std::size_t op_end = std::min(rest.find_first_not_of("=!<>"), rest.size());
  if (op_end == 0) {
    return wrong_condition(
        whole, fmt::format("no operator follows \"{}\" (a name with spaces or quotes is written in "
                           "double quotes)",
                           condition.field));
  }
  const std::string_view op = rest.substr(0, op_end);
  using enum Condition::Op;
  if (op == "=")
    condition.op = eq;
  else if (op == "!=")
    condition.op = ne;
  else if (op == "<")
    condition.op = lt;
  else if (op == "<=")
    condition.op = le;
  else if (op == ">")
    condition.op = gt;
  else if (op == ">=")
    condition.op = ge;
  else
    return wrong_condition(whole, fmt::format("\"{}\" is no operator", op));
  rest = trimmed(rest.substr(op.size()));
  if (rest.empty()) return wrong_condition(whole, "it has no value");
  if (rest.front() == '\'' || rest.front() == '"') {
    condition.quoted = true;
    if (!take_quoted(rest, condition.value) || !rest.empty()) {
      return wrong_condition(whole, "the quoted value does not end where the condition ends");
    }
  } else if (rest.find_first_of(blanks) != std::string_view::npos) {
    return wrong_condition(whole,
                           "a value with spaces needs quotes, and each condition an option of "
                           "its own");
  } else {
    condition.value = rest;
  }
  return condition;
}

Result<std::vector<std::string>> parse_fields(std::string_view text) {
  std::vector<std::string> fields;
  for (std::string_view rest = text;;) {
    rest = trimmed(rest);
    bool quoted = false;
    std::string& field = fields.emplace_back();
    const bool taken = take_path(rest, ",\"", field, quoted);
    rest = trimmed(rest);
    if (!taken || (!rest.empty() && rest.front() != ',')) {
      return Error{Errc::invalid_argument,
                   fmt::format("fields \"{}\": write names with commas between them, such as "
                               "temperature,location.lat; a name with a comma or a quote in it "
                               "is written in double quotes",
                               text)};
    }
    while (!quoted && field.find_last_of(blanks) == field.size() - 1) field.pop_back();
    if (rest.empty()) return fields;
    rest.remove_prefix(1);
  }
}

bool is_field_or_member(std::string_view path, std::string_view name) noexcept {
  return path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '.');
}

Result<std::int64_t> parse_query_time(std::string_view text, std::int64_t now) {
  const std::string_view time = trimmed(text);
  std::int64_t ns = 0;
  if (time == "now") return now;
  if (core::parse_time(time, 0, ns)) return ns;
  if (time.size() == 10 && time[4] == '-' && time[7] == '-') {  // a day, from its start, UTC
    if (core::parse_time(std::string(time) + "T00:00:00Z", 0, ns)) return ns;
  }
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
