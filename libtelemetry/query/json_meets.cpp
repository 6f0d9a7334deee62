// SPDX-License-Identifier: Apache-2.0
//
// One value in JSON against one literal. Reads the text once, without heap but for texts with
// escapes; the first member of a name counts, as in every store.
#include <charconv>
#include <cmath>
#include <compare>
#include <optional>
#include <string>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/query.hpp"

namespace telemetry {
namespace {

using core::JsonPull;
using core::JsonToken;

std::optional<core::Decimal> exact(std::string_view text) {
  JsonPull pull(text);
  if (pull.next() != JsonToken::number) return std::nullopt;
  const core::Decimal number = pull.number();
  if (pull.next() != JsonToken::end) return std::nullopt;
  return number;
}

std::optional<double> nearest_double(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(number)) return std::nullopt;  // "inf" and "nan" are words
  return number;
}

bool holds(Condition::Op op, std::partial_ordering order) noexcept {
  switch (op) {
    case Condition::Op::eq:
      return order == 0;
    case Condition::Op::ne:
      return order != 0;
    case Condition::Op::lt:
      return order < 0;
    case Condition::Op::le:
      return order <= 0;
    case Condition::Op::gt:
      return order > 0;
    case Condition::Op::ge:
      return order >= 0;
  }
  return false;
}

/// The text between the quotes with its escapes decoded, into `room` where it has any.
std::string_view decoded(const JsonPull& pull, std::string& room) {
  if (!pull.escaped()) return pull.text();
  room.resize(pull.text().size());
  room.resize(core::json_unescape(pull.text(), room));
  return room;
}

struct Literal {
  Condition::Op op;
  std::string_view text;
  bool quoted;

  [[nodiscard]] bool meets_number(std::string_view number) const {
    if (quoted) return false;
    const auto literal = nearest_double(text);
    if (!literal) return false;
    const auto a = exact(number);
    const auto b = exact(text);
    if (a && b) return holds(op, core::compare(*a, *b) <=> 0);
    const auto value = nearest_double(number);
    return value && holds(op, *value <=> *literal);
  }
  [[nodiscard]] bool meets_boolean(bool value) const {
    if (quoted || (text != "true" && text != "false")) return false;
    return holds(op, static_cast<int>(value) <=> static_cast<int>(text == "true"));
  }
  [[nodiscard]] bool meets_text(std::string_view value) const {
    if (!quoted && (text == "true" || text == "false" || nearest_double(text))) return false;
    return holds(op, value.compare(text) <=> 0);
  }
  /// The value whose first token was just read.
  [[nodiscard]] bool meets(std::string_view json, const JsonPull& pull, JsonToken token) const {
    std::string room;
    switch (token) {
      case JsonToken::number:
        return meets_number(json.substr(pull.offset(), pull.end_offset() - pull.offset()));
      case JsonToken::string:
        return meets_text(decoded(pull, room));
      case JsonToken::true_:
      case JsonToken::false_:
        return meets_boolean(token == JsonToken::true_);
      default:
        return false;
    }
  }
};

/// Looks through an object that was just opened, up to its end. Nothing when it lacks the path.
/// Recursion: json_depth_max at most, the pull ends with an error before.
std::optional<std::string_view> look(std::string_view json, JsonPull& pull, std::string_view path) {
  std::string room;
  while (pull.next() == JsonToken::key) {
    const std::string_view key = decoded(pull, room);
    const bool whole = key == path;
    const bool inside =
        path.size() > key.size() && path[key.size()] == '.' && path.starts_with(key);
    const std::string_view rest = inside ? path.substr(key.size() + 1) : std::string_view();
    const JsonToken token = pull.next();
    const std::size_t begin = pull.offset();
    const bool container = token == JsonToken::object_begin || token == JsonToken::array_begin;
    if (token == JsonToken::object_begin && inside && !whole) {
      if (const auto found = look(json, pull, rest)) return found;
    } else if (container && !pull.skip_container()) {
      return std::nullopt;
    }
    if (whole && token == JsonToken::error) return std::nullopt;
    if (whole) return json.substr(begin, pull.end_offset() - begin);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> json_member(std::string_view json, std::string_view path) {
  JsonPull pull(json);
  if (pull.next() != JsonToken::object_begin) return std::nullopt;
  return look(json, pull, path);
}

bool json_meets(std::string_view json, std::string_view path, Condition::Op op,
                std::string_view literal, bool quoted) {
  const auto value = path.empty() ? json : json_member(json, path);
  if (!value) return false;
  JsonPull pull(*value);
  const JsonToken token = pull.next();
  return Literal{op, literal, quoted}.meets(*value, pull, token);
}

}  // namespace telemetry
