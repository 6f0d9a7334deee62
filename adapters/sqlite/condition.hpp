// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "layout.hpp"
#include "telemetry/query.hpp"

/// A query's conditions and names as SQL.
namespace telemetry::sqlite {

using Parameter = std::variant<std::int64_t, double, std::string>;

void bind_parameter(SQLite::Statement& statement, int index, const Parameter& parameter);

[[nodiscard]] std::string_view sql_of(Condition::Op op) noexcept;

/// Where rows of a layout have what a path names.
struct Place {
  const Column* column = nullptr;
  std::string_view inside;  ///< the rest of the path, in the JSON of the column
  bool extra = false;       ///< an undeclared member may have the name
  explicit operator bool() const noexcept { return column != nullptr || extra; }
};
[[nodiscard]] Place place_of(const Layout& layout, std::string_view path) noexcept;

/// The condition over alias p of a table with this layout; its parameters, ?7 being the first of
/// all, are appended. Empty when no row can meet it.
/// Errors: invalid_argument  the literal does not fit the column.
[[nodiscard]] Result<std::string> condition_sql(const Condition& condition, const Layout& layout,
                                                std::int64_t now,
                                                std::vector<Parameter>& parameters);

/// The function that condition_sql() calls.
void add_functions(SQLite::Database& database);

/// Errors: invalid_argument  not a topic filter.
[[nodiscard]] Result<void> check_filter(std::string_view filter);

}  // namespace telemetry::sqlite
