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

/// The columns that RowBuffer reads: id, time, delay, flags, topic's number, the source's columns,
/// of a raw layout kind and payload, and extra where there is any and it is wanted.
[[nodiscard]] std::string select_sql(const Source& source);

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
  /// A window twice as wide may not fit.
  [[nodiscard]] bool is_half_full() const noexcept {
    return arena_.bytes() >= buffer_bytes_max / 2;
  }

  /// Copies the current row of `statement`, but not its topic and device.
  void add(const Source& source, Statement& statement, std::string_view topic,
           std::string_view device);
  /// The number of the topic of the current row of `statement`.
  [[nodiscard]] static std::int64_t topic_id(Statement& statement) noexcept {
    return statement.integer(4);
  }
  /// Rows come in any order of time and id until then.
  void sort(bool ascending);
  /// Hands rows to the visitor, from where it stopped before. False when it stopped.
  bool visit(const RowVisitor& visit);
  [[nodiscard]] bool is_visited() const noexcept { return visited_ == rows_.size(); }

 private:
  struct Entry {
    Row row;
    std::size_t first_field;
    std::size_t field_count;
  };
  [[nodiscard]] core::Value value_of(const Column& column, sqlite3_value* stored);

  struct Place {
    std::int64_t time;
    std::uint64_t id;
    std::uint32_t index;
  };
  std::vector<Entry> rows_;
  std::vector<Place> order_;  // empty: as they came
  std::size_t visited_ = 0;
  std::vector<Field> fields_;
  Arena arena_{64 * 1024};
};

}  // namespace telemetry::sqlite
