// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "layout.hpp"
#include "statement.hpp"
#include "telemetry/query.hpp"

/// A query's conditions and names as SQL.
namespace telemetry::sqlite {

/// A leaf goes to a function of ours as a pointer.
using Parameter = std::variant<std::int64_t, double, std::string, const Condition*>;

/// The number of the first parameter of a condition; those before are the window's.
inline constexpr int first_parameter = 8;

void bind_parameter(Statement& statement, int index, const Parameter& parameter);

/// Where rows of a layout have what a path names.
struct Place {
  const Column* column = nullptr;
  std::string_view inside;  ///< the rest of the path, in the JSON of the column
  bool members = false;     ///< it is an object with declared members
  bool extra = false;       ///< an undeclared member may have the name
  explicit operator bool() const noexcept { return column != nullptr || members || extra; }
};
[[nodiscard]] Place place_of(const Layout& layout, std::string_view path) noexcept;

/// What a field is in SQL over alias p of a table with this layout: a column, or the value of a
/// member of JSON as an SQL value. Parameters are appended. NULL where it is not there.
[[nodiscard]] std::string field_sql(std::string_view path, const Layout& layout,
                                    std::vector<Parameter>& parameters);

/// The condition over alias p of a table with this layout and, of a leaf that asks for topic or
/// device, alias q of its topics. Parameters are appended, and point into `condition`.
/// Errors: invalid_argument  a literal does not fit its column; the condition is unknown there.
class ConditionSql {
 public:
  ConditionSql(const Layout& layout, const Selection& selection,
               std::vector<Parameter>& parameters) noexcept
      : layout_(layout), selection_(selection), parameters_(parameters) {}

  [[nodiscard]] std::string text(const Condition& condition);
  /// A leaf asked for topic or device.
  [[nodiscard]] bool asks_topic() const noexcept { return asks_topic_; }

 private:
  [[nodiscard]] std::string joined(std::span<const Condition> operands, std::string_view word);
  [[nodiscard]] std::string leaf(const Condition& leaf);
  [[nodiscard]] std::string column_leaf(const Condition& leaf, const Column& column);
  [[nodiscard]] std::string members_leaf(const Condition& leaf);
  [[nodiscard]] std::string json_leaf(const Condition& leaf, const std::string& json,
                                      std::string_view path);
  [[nodiscard]] std::string compared(const Condition& leaf, const std::string& value,
                                     core::FieldType type);
  [[nodiscard]] std::string add(Parameter parameter);

  const Layout& layout_;
  const Selection& selection_;
  std::vector<Parameter>& parameters_;
  bool asks_topic_ = false;
};

/// Whether the literals of a leaf fit what the path is in this layout.
/// Errors: invalid_argument  they do not.
[[nodiscard]] Result<void> check_leaf(const Condition& leaf, const Column& column,
                                      const Selection& selection);

/// The functions that conditions call.
void add_functions(SQLite::Database& database);

}  // namespace telemetry::sqlite
