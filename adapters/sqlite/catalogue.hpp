// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "layout.hpp"

namespace telemetry::sqlite {

/// What a query may know of rows without reading them.
struct Extent {
  std::int64_t row_count = 0;
  std::int64_t first_id = 0, last_id = 0;  ///< these and all below: only when row_count > 0
  std::int64_t time_min = 0, time_max = 0;

  void count(std::int64_t row_id, std::int64_t time) noexcept;
};

/// Rows of a partition that follow each other are a block, and a stretch of its index by block.
inline constexpr std::int64_t block_rows = 16'384;
[[nodiscard]] constexpr std::int64_t block_of(std::int64_t row_number) noexcept {
  return row_number / block_rows;
}

/// A table that holds a stretch of rows.
struct Partition : Extent {
  std::int64_t id = 0;
  std::string table;
  const Layout* layout = nullptr;
  std::int64_t received_min = 0, received_max = 0;
  bool open = false;
  bool indexed = false;      ///< by topic and time; else by block, topic and time
  std::int64_t emptied = 0;  ///< ns; when its last row was deleted. One that is open has none
  bool changed = false;      ///< differs from its row in `partitions`
  /// What came to which block since its row in `blocks` was written.
  std::map<std::int64_t, Extent> blocks_changed;

  void count(std::int64_t row_id, std::int64_t time, std::int64_t received_at);
};

/// Rows of the next partition when `partitions` exist. Sizes double with every 5th partition from
/// the 300th on, so that 400 are never passed by rows alone.
[[nodiscard]] std::int64_t partition_capacity(std::uint64_t partition_rows,
                                              std::size_t partitions) noexcept;

/// The tables `partitions`, `schemas` and `columns` in memory, also those of older versions. Throws
/// SQLite::Exception.
class Catalogue {
 public:
  void load(SQLite::Database& database);
  /// Has save() rebuild the views if an older program made them.
  void check_views(SQLite::Database& database);

  [[nodiscard]] const std::deque<Partition>& partitions() const noexcept { return partitions_; }
  /// Null when there is none with this id.
  [[nodiscard]] const Partition* partition(std::int64_t id) const noexcept;
  [[nodiscard]] Partition* partition(std::int64_t id) noexcept {
    return const_cast<Partition*>(std::as_const(*this).partition(id));
  }
  [[nodiscard]] std::int64_t last_id() const noexcept;
  /// False in a file of an older version, which has no table `blocks`.
  [[nodiscard]] bool has_blocks() const noexcept { return has_blocks_; }
  /// Schemas by id, without the raw layout.
  [[nodiscard]] const std::map<std::uint64_t, Layout>& layouts() const noexcept { return layouts_; }

  /// The partition that takes rows of this schema (null: raw), or null when there is none.
  [[nodiscard]] Partition* open_partition(std::uint64_t schema_id) noexcept;
  /// Creates table, index and entry. Views follow at save().
  Partition& add_partition(SQLite::Database& database, const Schema* schema);
  void close(Partition& partition) noexcept;
  /// So many rows of it were deleted at `now`.
  void deleted(SQLite::Database& database, Partition& partition, std::int64_t rows,
               std::int64_t now);
  /// Drops the tables that were emptied before, and loads the catalogue anew.
  void drop_emptied(SQLite::Database& database, std::int64_t before);
  /// Writes what changed: entries, blocks, and the views where they are stale.
  void save(SQLite::Database& database);
  /// A closed partition that is still indexed by block, or null. Large ones stay so: making an
  /// index takes too long.
  [[nodiscard]] Partition* closed_by_block() noexcept;
  /// Gives a closed partition its index by topic and time, in a transaction of its own.
  static void index(SQLite::Database& database, Partition& partition);

 private:
  const Layout& layout_for(SQLite::Database& database, const Schema* schema);
  void rebuild_views(SQLite::Database& database) const;

  Layout raw_;
  std::map<std::uint64_t, Layout> layouts_;
  std::deque<Partition> partitions_;  // by id; addresses stay
  bool views_stale_ = false;
  bool has_blocks_ = true;
};

}  // namespace telemetry::sqlite
