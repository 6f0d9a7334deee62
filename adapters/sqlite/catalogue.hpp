// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "layout.hpp"

namespace telemetry::sqlite {

/// A table that holds a stretch of rows, and what a query may know of it without reading it.
struct Partition {
  std::int64_t id = 0;
  std::string table;
  const Layout* layout = nullptr;
  std::int64_t row_count = 0;
  std::int64_t first_id = 0, last_id = 0;  ///< these and all below: only when row_count > 0
  std::int64_t time_min = 0, time_max = 0;
  std::int64_t received_min = 0, received_max = 0;
  bool open = false;
  bool changed = false;  ///< differs from its row in `partitions`

  void count(std::int64_t row_id, std::int64_t time, std::int64_t received_at) noexcept;
};

/// Rows of the next partition when `partitions` exist. Sizes double with every 5th partition from
/// the 300th on, so that 400 are never passed by rows alone.
[[nodiscard]] std::int64_t partition_capacity(std::uint64_t partition_rows,
                                              std::size_t partitions) noexcept;

/// The tables `partitions`, `schemas` and `columns` in memory. Throws SQLite::Exception.
class Catalogue {
 public:
  void load(SQLite::Database& database);

  [[nodiscard]] const std::deque<Partition>& partitions() const noexcept { return partitions_; }
  [[nodiscard]] std::int64_t last_id() const noexcept;
  /// Schemas by id, without the raw layout.
  [[nodiscard]] const std::map<std::uint64_t, Layout>& layouts() const noexcept { return layouts_; }

  /// The partition that takes rows of this schema (null: raw), or null when there is none.
  [[nodiscard]] Partition* open_partition(std::uint64_t schema_id) noexcept;
  /// Creates table, index and entry. Views follow at save().
  Partition& add_partition(SQLite::Database& database, const Schema* schema);
  void close(Partition& partition) noexcept;
  /// Writes what changed: entries, and the views after add_partition().
  void save(SQLite::Database& database);

 private:
  const Layout& layout_for(SQLite::Database& database, const Schema* schema);
  void rebuild_views(SQLite::Database& database) const;

  Layout raw_;
  std::map<std::uint64_t, Layout> layouts_;
  std::deque<Partition> partitions_;  // by id; addresses stay
  bool views_stale_ = false;
};

}  // namespace telemetry::sqlite
