// SPDX-License-Identifier: Apache-2.0
#include "condition.hpp"

#include <fmt/format.h>

#include <sqlite3.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "telemetry/core/topic.hpp"

namespace telemetry::sqlite {

namespace {

std::optional<Parameter> number_of(std::string_view text) {
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  const auto whole = std::from_chars(text.data(), end, integer);
  if (whole.ec == std::errc() && whole.ptr == end && !text.empty()) return integer;
  double number = 0;
  const auto real = std::from_chars(text.data(), end, number);
  const bool whole_text = real.ec == std::errc() && real.ptr == end && !text.empty();
  if (whole_text && std::isfinite(number)) return number;
  return std::nullopt;
}

std::string_view text_of(sqlite3_value* value) noexcept {
  const auto* text = static_cast<const char*>(sqlite3_value_blob(value));
  return {text, text == nullptr ? 0 : static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

// telemetry_meets(json, path, op, literal, quoted)
void meets(sqlite3_context* context, int, sqlite3_value** arguments) {
  const bool met = json_meets(text_of(arguments[0]), text_of(arguments[1]),
                              static_cast<Condition::Op>(sqlite3_value_int(arguments[2])),
                              text_of(arguments[3]), sqlite3_value_int(arguments[4]) != 0);
  sqlite3_result_int(context, met ? 1 : 0);
}

/// The literal of a condition as SQL compares it with a column of this type.
Result<Parameter> literal_of(const Condition& condition, core::FieldType type, std::int64_t now) {
  const auto wrong = [&](std::string_view kind) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is {}; '{}' is not", condition.field, kind, condition.value)};
  };
  switch (type) {
    case core::FieldType::number:
    case core::FieldType::integer: {
      auto number = number_of(condition.value);
      if (!number) return wrong("a number");
      return *number;
    }
    case core::FieldType::boolean:
      if (condition.value == "true" || condition.value == "1") return Parameter{std::int64_t{1}};
      if (condition.value == "false" || condition.value == "0") return Parameter{std::int64_t{0}};
      return wrong("true or false");
    case core::FieldType::timestamp: {
      auto time = parse_query_time(condition.value, now);
      if (!time) return time.error();
      return Parameter{*time};
    }
    default:
      return Parameter{condition.value};
  }
}

}  // namespace

void bind_parameter(SQLite::Statement& statement, int index, const Parameter& parameter) {
  std::visit([&](const auto& value) { statement.bind(index, value); }, parameter);
}

std::string_view sql_of(Condition::Op op) noexcept {
  switch (op) {
    case Condition::Op::eq:
      return "=";
    case Condition::Op::ne:
      return "<>";
    case Condition::Op::lt:
      return "<";
    case Condition::Op::le:
      return "<=";
    case Condition::Op::gt:
      return ">";
    case Condition::Op::ge:
      return ">=";
  }
  return "=";
}

Place place_of(const Layout& layout, std::string_view path) noexcept {
  Place place;
  for (const Column& column : layout.columns) {
    if (column.path == path) return {&column, {}, false};
    const bool holds_it =
        column.type == core::FieldType::any && is_field_or_member(path, column.path);
    if (holds_it) place = {&column, path.substr(column.path.size() + 1), false};
  }
  place.extra = place.column == nullptr && layout.has_extra;
  return place;
}

Result<std::string> condition_sql(const Condition& condition, const Layout& layout,
                                  std::int64_t now, std::vector<Parameter>& parameters) {
  const auto add = [&parameters](auto value) {
    parameters.emplace_back(std::move(value));
    return fmt::format("?{}", 6 + parameters.size());
  };
  if (layout.is_raw()) {
    const std::string path = add(condition.field);
    const std::string rest = fmt::format("{},{},{})", static_cast<int>(condition.op),
                                         add(condition.value), condition.quoted ? 1 : 0);
    std::string met = fmt::format("telemetry_meets(p.payload,{},{}", path, rest);
    if (condition.field == "value") met += " OR telemetry_meets(p.payload,''," + rest;
    return fmt::format(" AND p.kind={} AND ({})", static_cast<int>(PayloadKind::json), met);
  }
  const Place place = place_of(layout, condition.field);
  if (!place) return std::string();
  if (!place.extra && place.column->type != core::FieldType::any) {
    auto literal = literal_of(condition, place.column->type, now);
    if (!literal) return literal.error();
    std::string parameter =
        std::visit([&](auto&& value) { return add(std::move(value)); }, *std::move(literal));
    return fmt::format(" AND {} {} {}", value_sql(*place.column), sql_of(condition.op), parameter);
  }
  const std::string path = add(place.extra ? condition.field : std::string(place.inside));
  return fmt::format(
      " AND telemetry_meets({},{},{},{},{})", place.extra ? "p.extra" : value_sql(*place.column),
      path, static_cast<int>(condition.op), add(condition.value), condition.quoted ? 1 : 0);
}

void add_functions(SQLite::Database& database) {
  database.createFunction("telemetry_meets", 5, true, nullptr, meets);
}

Result<void> check_filter(std::string_view filter) {
  if (core::is_valid_filter(filter)) return {};
  return Error{Errc::invalid_argument,
               fmt::format("'{}' is not a topic filter: '+' stands for one whole level, '#' for "
                           "all that follow and comes last",
                           filter)};
}

}  // namespace telemetry::sqlite
