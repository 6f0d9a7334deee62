// SPDX-License-Identifier: Apache-2.0
#include "condition.hpp"

#include <fmt/format.h>

#include <charconv>
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
  if (real.ec == std::errc() && real.ptr == end && !text.empty()) return number;
  return std::nullopt;
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
    case core::FieldType::any:
      if (auto number = number_of(condition.value); number && !condition.quoted) return *number;
      return Parameter{condition.value};
    default:
      return Parameter{condition.value};
  }
}

bool is_of_topic(const Condition& condition) noexcept {
  return condition.field == "topic" || condition.field == "device";
}

Result<void> check_filter(std::string_view filter) {
  if (core::is_valid_filter(filter)) return {};
  return Error{Errc::invalid_argument,
               fmt::format("'{}' is not a topic filter: '+' stands for one whole level, '#' for "
                           "all that follow and comes last",
                           filter)};
}

}  // namespace telemetry::sqlite
