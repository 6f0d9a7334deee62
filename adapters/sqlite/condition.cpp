// SPDX-License-Identifier: Apache-2.0
//
// Conditions become SQL where a column has the value, and calls of our own functions where JSON has
// it. What they come to is what evaluate() says; SQL's three values are those of Truth.
#include "condition.hpp"

#include <fmt/format.h>

#include <optional>

#include "telemetry/core/json_pull.hpp"

namespace telemetry::sqlite {
namespace {

using core::FieldType;
using Kind = Condition::Kind;

constexpr const char* leaf_type = "telemetry leaf";

std::string_view text_of(sqlite3_value* value) noexcept { return Statement::text_of(value); }

const Condition& leaf_of(sqlite3_value* value) noexcept {
  static const Condition none{};
  const auto* leaf = static_cast<const Condition*>(sqlite3_value_pointer(value, leaf_type));
  return leaf == nullptr ? none : *leaf;
}

void give_truth(sqlite3_context* context, Truth truth) noexcept {
  if (truth != Truth::unknown) sqlite3_result_int(context, truth == Truth::yes ? 1 : 0);
}

// telemetry_meets(json, path, leaf)
void meets(sqlite3_context* context, int, sqlite3_value** arguments) {
  give_truth(context,
             leaf_meets_json(leaf_of(arguments[2]), text_of(arguments[0]), text_of(arguments[1])));
}

// telemetry_raw_meets(payload, kind, leaf)
void raw_meets(sqlite3_context* context, int, sqlite3_value** arguments) {
  const Condition& leaf = leaf_of(arguments[2]);
  const std::string_view payload = text_of(arguments[0]);
  const bool asks_null = leaf.kind == Kind::is_null;
  switch (static_cast<PayloadKind>(sqlite3_value_int(arguments[1]))) {
    case PayloadKind::json:
      return give_truth(
          context, leaf_meets_json(leaf, payload_member(payload, leaf.field).value_or("null"), {}));
    case PayloadKind::text:
      if (leaf.field != "value") break;
      return give_truth(context, leaf_meets_bare_text(leaf, payload));
    case PayloadKind::binary:
      if (leaf.field == "value" && asks_null) return give_truth(context, Truth::no);
      break;
  }
  give_truth(context, asks_null ? Truth::yes : Truth::unknown);
}

// telemetry_like(text, leaf)
void like(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  give_truth(context, leaf_meets_text(leaf_of(arguments[1]), text_of(arguments[0])));
}

void give_json_value(sqlite3_context* context, std::string_view json) {
  core::JsonPull pull(json);
  switch (pull.next()) {
    case core::JsonToken::number: {
      const auto number =
          Number::read(json.substr(pull.offset(), pull.end_offset() - pull.offset()));
      if (!number) return;
      if (number->is_whole()) return sqlite3_result_int64(context, number->whole());
      return sqlite3_result_double(context, number->real());
    }
    case core::JsonToken::string: {
      if (!pull.escaped()) {
        return sqlite3_result_text64(context, pull.text().data(), pull.text().size(),
                                     SQLITE_TRANSIENT, SQLITE_UTF8);
      }
      std::string text(pull.text().size(), '\0');
      text.resize(core::json_unescape(pull.text(), text));
      return sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    }
    case core::JsonToken::true_:
    case core::JsonToken::false_:  // an SQL value that no number is
      return sqlite3_result_blob(context, json[pull.offset()] == 't' ? "1" : "0", 1, SQLITE_STATIC);
    case core::JsonToken::object_begin:
    case core::JsonToken::array_begin:
      return sqlite3_result_blob64(context, json.data(), json.size(), SQLITE_TRANSIENT);
    default:
      return;
  }
}

// telemetry_value(json, path): a number, a text, a boolean as a blob of one character, or an object
// or array as a blob of its JSON.
void value(sqlite3_context* context, int, sqlite3_value** arguments) {
  const std::string_view path = text_of(arguments[1]);
  const std::string_view json = text_of(arguments[0]);
  const auto member = path.empty() ? json : json_member(json, path);
  if (member) give_json_value(context, *member);
}

// telemetry_raw_value(payload, kind, path)
void raw_value(sqlite3_context* context, int, sqlite3_value** arguments) {
  const std::string_view path = text_of(arguments[2]);
  const std::string_view payload = text_of(arguments[0]);
  const auto kind = static_cast<PayloadKind>(sqlite3_value_int(arguments[1]));
  if (kind == PayloadKind::text && path == "value") {
    sqlite3_result_value(context, arguments[0]);
  } else if (kind == PayloadKind::json) {
    if (const auto member = payload_member(payload, path)) give_json_value(context, *member);
  }
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

/// A literal as SQL compares it with a value of this type.
Result<Parameter> parameter_of(const Condition& leaf, const Literal& literal, FieldType type,
                               const Selection& selection) {
  const auto wrong = [&](std::string_view kind) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is {}; '{}' is not", leaf.field, kind, literal.text())};
  };
  switch (type) {
    case FieldType::number:
    case FieldType::integer:
      if (!literal.number()) return wrong("a number");
      if (literal.number()->is_whole()) return Parameter{literal.number()->whole()};
      return Parameter{literal.number()->real()};
    case FieldType::boolean: {
      const auto boolean = boolean_of(literal);
      if (!boolean) return wrong("true or false");
      return Parameter{std::int64_t{*boolean ? 1 : 0}};
    }
    case FieldType::timestamp: {
      auto time = parse_query_time(literal.text(), selection.now.value_or(0), selection.zone);
      if (!time) return time.error();
      return Parameter{*time};
    }
    default:
      return Parameter{literal.text()};
  }
}

}  // namespace

void bind_parameter(Statement& statement, int index, const Parameter& parameter) {
  if (const auto* leaf = std::get_if<const Condition*>(&parameter)) {
    statement.bind_pointer(index, *leaf, leaf_type);
  } else if (const auto* whole = std::get_if<std::int64_t>(&parameter)) {
    statement.bind(index, *whole);
  } else if (const auto* real = std::get_if<double>(&parameter)) {
    statement.bind(index, *real);
  } else {
    statement.bind(index, std::string_view(std::get<std::string>(parameter)));
  }
}

Place place_of(const Layout& layout, std::string_view path) noexcept {
  Place place;
  for (const Column& column : layout.columns) {
    if (column.path == path) return {&column, {}, false, false};
    place.members = place.members || is_field_or_member(column.path, path);
    const bool holds_it = column.type == FieldType::any && is_field_or_member(path, column.path);
    if (holds_it) place = {&column, path.substr(column.path.size() + 1), false, false};
  }
  place.extra = place.column == nullptr && layout.has_extra;
  return place;
}

std::string field_sql(std::string_view path, const Layout& layout,
                      std::vector<Parameter>& parameters) {
  const auto add = [&](std::string_view text) {
    parameters.emplace_back(std::string(text));
    return fmt::format("?{}", first_parameter - 1 + static_cast<int>(parameters.size()));
  };
  if (layout.is_raw()) return fmt::format("telemetry_raw_value(p.payload,p.kind,{})", add(path));
  const Place place = place_of(layout, path);
  if (place.column != nullptr && place.column->type != FieldType::any) {
    const std::string value = value_sql(*place.column);
    return place.column->type == FieldType::array ? "CAST(" + value + " AS BLOB)" : value;
  }
  if (place.column != nullptr) {
    return fmt::format("telemetry_value({},{})", value_sql(*place.column), add(place.inside));
  }
  return place.extra ? fmt::format("telemetry_value(p.extra,{})", add(path)) : "NULL";
}

std::string ConditionSql::add(Parameter parameter) {
  parameters_.push_back(std::move(parameter));
  return fmt::format("?{}", first_parameter - 1 + static_cast<int>(parameters_.size()));
}

std::string ConditionSql::text(const Condition& condition) {
  if (condition.is_leaf()) return leaf(condition);
  if (condition.kind == Kind::negation) return "(NOT " + text(condition.operands.front()) + ")";
  return joined(condition.operands, condition.kind == Kind::all ? " AND " : " OR ");
}

/// In halves: a chain of a thousand is deeper than SQLite's limit for expressions.
std::string ConditionSql::joined(std::span<const Condition> operands, std::string_view word) {
  if (operands.size() == 1) return text(operands.front());
  constexpr std::size_t chain_max = 100;
  std::string sql = "(";
  if (operands.size() <= chain_max) {
    for (const Condition& operand : operands) {
      if (sql.size() > 1) sql += word;
      sql += text(operand);
    }
  } else {
    const std::size_t half = operands.size() / 2;
    sql += joined(operands.first(half), word);
    sql += word;
    sql += joined(operands.subspan(half), word);
  }
  return sql + ")";
}

std::string ConditionSql::leaf(const Condition& leaf) {
  if (leaf.is_of_topic()) {
    asks_topic_ = true;
    return compared(leaf, leaf.field == "topic" ? "q.topic" : "nullif(q.device,'')",
                    FieldType::string);
  }
  if (layout_.is_raw()) {
    return fmt::format("telemetry_raw_meets(p.payload,p.kind,{})", add(&leaf));
  }
  const Place place = place_of(layout_, leaf.field);
  if (place.column != nullptr && place.inside.empty()) return column_leaf(leaf, *place.column);
  if (place.column != nullptr) return json_leaf(leaf, value_sql(*place.column), place.inside);
  if (place.members) return members_leaf(leaf);
  if (place.extra) return json_leaf(leaf, "p.extra", leaf.field);
  return leaf.kind == Kind::is_null ? "1" : "NULL";
}

std::string ConditionSql::column_leaf(const Condition& leaf, const Column& column) {
  if (leaf.kind != Kind::is_null &&
      (column.type == FieldType::any || column.type == FieldType::array)) {
    return json_leaf(leaf, value_sql(column), {});
  }
  return compared(leaf, value_sql(column), column.type);
}

/// Of an object: it is there when one of its members is; it compares with nothing.
std::string ConditionSql::members_leaf(const Condition& leaf) {
  std::string there;
  for (const Column& column : layout_.columns) {
    if (!is_field_or_member(column.path, leaf.field)) continue;
    if (!there.empty()) there += " OR ";
    there += value_sql(column) + " IS NOT NULL";
  }
  const bool asks_null = leaf.kind == Kind::is_null;
  return fmt::format("(CASE WHEN {} THEN {} ELSE {} END)", there, asks_null ? "0" : "NULL",
                     layout_.has_extra ? json_leaf(leaf, "p.extra", leaf.field)
                     : asks_null       ? "1"
                                       : "NULL");
}

std::string ConditionSql::json_leaf(const Condition& leaf, const std::string& json,
                                    std::string_view path) {
  const std::string where = add(std::string(path));
  return fmt::format("telemetry_meets({},{},{})", json, where, add(&leaf));
}

std::string ConditionSql::compared(const Condition& leaf, const std::string& value,
                                   FieldType type) {
  if (leaf.kind == Kind::is_null) return "(" + value + ") IS NULL";
  if (leaf.kind == Kind::like) {
    if (type != FieldType::string) return "NULL";
    return fmt::format("telemetry_like({},{})", value, add(&leaf));
  }
  std::vector<std::string> literals;
  for (const Literal& literal : leaf.literals) {
    auto parameter = parameter_of(leaf, literal, type, selection_);
    literals.push_back(parameter ? add(*std::move(parameter)) : "NULL");
  }
  if (leaf.kind == Kind::in) {
    return fmt::format("({}) IN ({})", value, fmt::join(literals, ","));
  }
  return fmt::format("({}) {} {}", value, sql_of(leaf.op), literals.front());
}

Result<void> check_leaf(const Condition& leaf, const Column& column, const Selection& selection) {
  if (leaf.kind == Kind::is_null || column.type == FieldType::any ||
      column.type == FieldType::array) {
    return {};
  }
  if (leaf.kind == Kind::like) {
    if (column.type == FieldType::string) return {};
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is no text, so nothing in it is like '{}'", leaf.field,
                             leaf.literals.front().text())};
  }
  for (const Literal& literal : leaf.literals) {
    auto parameter = parameter_of(leaf, literal, column.type, selection);
    if (!parameter) return parameter.error();
  }
  return {};
}

void add_functions(SQLite::Database& database) {
  database.createFunction("telemetry_meets", 3, true, nullptr, meets);
  database.createFunction("telemetry_raw_meets", 3, true, nullptr, raw_meets);
  database.createFunction("telemetry_like", 2, true, nullptr, like);
  database.createFunction("telemetry_value", 2, true, nullptr, value);
  database.createFunction("telemetry_raw_value", 3, true, nullptr, raw_value);
}

}  // namespace telemetry::sqlite
