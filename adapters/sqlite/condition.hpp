// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "telemetry/core/schema_view.hpp"
#include "telemetry/query.hpp"

/// A query's conditions and names as SQL.
namespace telemetry::sqlite {

using Parameter = std::variant<std::int64_t, double, std::string>;

void bind_parameter(SQLite::Statement& statement, int index, const Parameter& parameter);

[[nodiscard]] std::string_view sql_of(Condition::Op op) noexcept;

/// True for a condition that topics answer, not rows.
[[nodiscard]] bool is_of_topic(const Condition& condition) noexcept;

/// The literal of a condition as SQL compares it with a column of this type.
/// Errors: invalid_argument  the column holds something else.
[[nodiscard]] Result<Parameter> literal_of(const Condition& condition, core::FieldType type,
                                           std::int64_t now);

/// Errors: invalid_argument  not a topic filter.
[[nodiscard]] Result<void> check_filter(std::string_view filter);

}  // namespace telemetry::sqlite
