// SPDX-License-Identifier: Apache-2.0
//
// Conditions over rows, the plain way: what a store pushes down must come to the same.
#include <algorithm>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/query.hpp"

namespace telemetry {
namespace {

using core::JsonPull;
using core::JsonToken;
using core::ValueKind;

Truth leaf_meets_time(const Condition& leaf, std::int64_t time, const Selection& context) {
  if (leaf.kind == Condition::Kind::is_null) return Truth::no;
  if (leaf.kind == Condition::Kind::like) return Truth::unknown;
  Condition numbers = leaf;
  for (Literal& literal : numbers.literals) {
    const auto wanted = parse_query_time(literal.text(), context.now.value_or(0), context.zone);
    literal = wanted ? Literal(std::to_string(*wanted), false) : Literal("", true);
  }
  return leaf_meets_number(numbers, Number(time));
}

Truth leaf_meets_value(const Condition& leaf, const core::Value& value, const Selection& context) {
  switch (value.kind()) {
    case ValueKind::null:
      break;
    case ValueKind::boolean:
      return leaf_meets_boolean(leaf, value.as_integer() != 0);
    case ValueKind::integer:
    case ValueKind::decimal:
      return leaf_meets_number(leaf, Number::of(value));
    case ValueKind::time:
      return leaf_meets_time(leaf, value.as_integer(), context);
    case ValueKind::text:
      return leaf_meets_text(leaf, value.as_text());
    case ValueKind::json:
      return leaf_meets_json(leaf, value.as_text(), {});
  }
  return leaf.kind == Condition::Kind::is_null ? Truth::yes : Truth::unknown;
}

Truth leaf_meets_raw(const Condition& leaf, const Row& row) {
  if (row.raw_kind == Row::RawKind::json) {
    const auto member = payload_member(row.raw, leaf.field);
    return leaf_meets_json(leaf, member.value_or("null"), {});
  }
  if (leaf.field != "value") {
    return leaf.kind == Condition::Kind::is_null ? Truth::yes : Truth::unknown;
  }
  if (row.raw_kind == Row::RawKind::text) return leaf_meets_bare_text(leaf, row.raw);
  return leaf.kind == Condition::Kind::is_null ? Truth::no : Truth::unknown;
}

/// The declared field, or the one that holds the path, and what of the path is inside it.
const Field* find_field(const Row& row, std::string_view path, std::string_view& inside) {
  const Field* holder = nullptr;
  for (const Field& field : row.fields) {
    if (field.path == path) {
      inside = {};
      return &field;
    }
    if (field.value.kind() == ValueKind::json && is_field_or_member(path, field.path)) {
      holder = &field;
      inside = path.substr(field.path.size() + 1);
    }
  }
  return holder;
}

Truth leaf_meets_row(const Condition& leaf, const Row& row, const Selection& context) {
  const bool asks_null = leaf.kind == Condition::Kind::is_null;
  if (leaf.is_of_topic()) {
    if (leaf.field == "topic") return leaf_meets_text(leaf, row.topic);
    if (row.device.empty()) return asks_null ? Truth::yes : Truth::unknown;
    return leaf_meets_text(leaf, row.device);
  }
  if (row.raw_kind != Row::RawKind::none) return leaf_meets_raw(leaf, row);
  std::string_view inside;
  if (const Field* field = find_field(row, leaf.field, inside)) {
    if (inside.empty()) return leaf_meets_value(leaf, field->value, context);
    return leaf_meets_json(leaf, field->value.as_text(), inside);
  }
  const bool is_object = std::ranges::any_of(
      row.fields, [&](const Field& field) { return is_field_or_member(field.path, leaf.field); });
  if (is_object) return asks_null ? Truth::no : Truth::unknown;
  if (!row.extra.empty()) return leaf_meets_json(leaf, row.extra, leaf.field);
  return asks_null ? Truth::yes : Truth::unknown;
}

core::Value value_of_json(std::string_view json, std::string& room) {
  JsonPull pull(json);
  switch (pull.next()) {
    case JsonToken::true_:
      return core::Value::boolean(true);
    case JsonToken::false_:
      return core::Value::boolean(false);
    case JsonToken::number: {
      const auto number =
          Number::read(json.substr(pull.offset(), pull.end_offset() - pull.offset()));
      return number ? number->value() : core::Value();
    }
    case JsonToken::string:
      if (!pull.escaped()) return core::Value::text(pull.text());
      room.resize(pull.text().size());
      room.resize(core::json_unescape(pull.text(), room));
      return core::Value::text(room);
    case JsonToken::object_begin:
    case JsonToken::array_begin:
      return core::Value::json(json);
    default:
      return {};
  }
}

core::Value value_of_member(std::string_view json, std::string_view path, std::string& room) {
  const auto member = json_member(json, path);
  return member ? value_of_json(*member, room) : core::Value();
}

}  // namespace

bool matches_any(const std::vector<std::string>& filters, std::string_view topic) {
  return std::ranges::any_of(
      filters, [&](const std::string& filter) { return core::topic_matches(filter, topic); });
}

Truth evaluate(const Condition& condition, const Row& row, const Selection& context) {
  return evaluate(condition,
                  [&](const Condition& leaf) { return leaf_meets_row(leaf, row, context); });
}

bool is_selected(const Selection& selection, const Row& row) {
  const auto lists = [](const std::vector<std::string>& names, std::string_view name) {
    return names.empty() || std::ranges::find(names, name) != names.end();
  };
  return (!selection.since || row.time >= *selection.since) &&
         (!selection.until || row.time < *selection.until) &&
         lists(selection.devices, row.device) && lists(selection.schemas, row.schema) &&
         matches_any(selection.topics, row.topic) &&
         std::ranges::all_of(selection.where, [&](const Condition& condition) {
           return evaluate(condition, row, selection) == Truth::yes;
         });
}

core::Value value_of(const Row& row, std::string_view path, std::string& room) {
  if (row.raw_kind == Row::RawKind::json) {
    const auto member = payload_member(row.raw, path);
    return member ? value_of_json(*member, room) : core::Value();
  }
  if (row.raw_kind == Row::RawKind::text && path == "value") return core::Value::text(row.raw);
  if (row.raw_kind != Row::RawKind::none) return {};
  std::string_view inside;
  if (const Field* field = find_field(row, path, inside)) {
    if (field->value.kind() != ValueKind::json) return field->value;
    return inside.empty() ? value_of_json(field->value.as_text(), room)
                          : value_of_member(field->value.as_text(), inside, room);
  }
  return row.extra.empty() ? core::Value() : value_of_member(row.extra, path, room);
}

}  // namespace telemetry
