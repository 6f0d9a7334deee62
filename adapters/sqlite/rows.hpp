// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue.hpp"
#include "statement.hpp"
#include "telemetry/message.hpp"
#include "telemetry/query.hpp"

namespace telemetry::sqlite {

/// What a query wants from one partition.
struct Source {
  const Partition* partition = nullptr;
  std::vector<const Column*> columns;  ///< those to return
  bool want_extra = true;
  std::string condition;  ///< " AND ..." over alias p, with parameters from ?7 on
};

/// The columns that RowBuffer reads: id, time, delay, flags, `topic_sql`, `device_sql`, the
/// source's columns, of a raw layout kind and payload, and extra where there is any and it is
/// wanted.
[[nodiscard]] std::string select_sql(const Source& source, std::string_view topic_sql,
                                     std::string_view device_sql);

inline constexpr std::size_t buffer_bytes_max = 8 * 1024 * 1024;

/// Rows copied out of SQLite, so that no read transaction waits for a visitor. Who fills it asks
/// is_full(). Rows have views into the catalogue whose layouts the sources name.
class RowBuffer {
 public:
  void clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  [[nodiscard]] bool is_full(std::size_t rows_max) const noexcept {
    return rows_.size() >= rows_max || arena_.bytes() >= buffer_bytes_max;
  }
  [[nodiscard]] const Row& back() const noexcept { return rows_.back().row; }

  /// Copies the current row of `statement`.
  void add(const Source& source, Statement& statement);
  /// Hands rows to the visitor, at most `limit`. False when the visitor stopped.
  [[nodiscard]] bool visit(const RowVisitor& visit, std::uint64_t limit);

 private:
  struct Entry {
    Row row;
    std::size_t first_field;
    std::size_t field_count;
  };
  [[nodiscard]] core::Value value_of(const Column& column, sqlite3_value* stored);

  std::vector<Entry> rows_;
  std::vector<Field> fields_;
  Arena arena_{64 * 1024};
};

}  // namespace telemetry::sqlite
