// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "catalogue.hpp"
#include "telemetry/message.hpp"

namespace telemetry::sqlite {

/// What is remembered of a topic between writes.
struct Topic {
  std::int64_t id = 0;
  std::int64_t latest_time = INT64_MIN;
  std::int64_t latest_id = 0;
  std::int64_t latest_partition = 0;
  std::uint16_t device_at = 0, device_bytes = 0;  ///< the part of its name that is its device
  bool changed = false;

  void set_device(std::string_view name, std::string_view device) noexcept {
    const std::size_t at = name.find(device);
    device_at = static_cast<std::uint16_t>(at == name.npos ? 0 : at);
    device_bytes = static_cast<std::uint16_t>(at == name.npos ? 0 : device.size());
  }
};

/// One row that waits for its table.
struct PendingRow {
  const Reading* reading = nullptr;
  Topic* topic = nullptr;
  PayloadKind kind = PayloadKind::json;  ///< of a row without schema
};

/// Readings, or topics, as the rows of a virtual table, so that one statement inserts all of them:
/// `INSERT ... SELECT * FROM telemetry_rows_N`, N columns, those of the message table, or of
/// `latest`, in its order. A statement per row costs SQLite half as much again, and more where rows
/// are small: it opens table and index each time.
class RowSource {
 public:
  /// Before the first statement that names it; the connection may not outlive this object.
  /// @returns the name of the virtual table. Throws SQLite::Exception.
  [[nodiscard]] std::string table_for(sqlite3* database, const Layout& layout);
  [[nodiscard]] std::string table_for_latest(sqlite3* database);

  /// What the next statement reads; `partition` already has the rows before these.
  void offer(const Partition& partition, std::span<const PendingRow> rows) noexcept;
  void offer_latest(std::span<const Topic* const> topics) noexcept;
  /// The row that the statement has read last.
  [[nodiscard]] std::size_t position() const noexcept { return position_; }

  /// The value of a column of the row at position(). Used by SQLite.
  void value(sqlite3_context* context, int column) const;
  [[nodiscard]] bool is_end() const noexcept { return position_ >= rows_.size() + topics_.size(); }
  void rewind() noexcept { position_ = 0; }
  void advance() noexcept { ++position_; }

 private:
  std::string table_of(sqlite3* database, std::size_t columns);

  const Partition* partition_ = nullptr;
  std::span<const PendingRow> rows_;
  std::span<const Topic* const> topics_;  // when there are no rows
  std::size_t position_ = 0;
  std::set<std::size_t> registered_;  // numbers of columns
};

/// A row that SQLite could not hold as it is: a number beyond the range of a double.
[[nodiscard]] bool is_storable(const Layout& layout, const Reading& reading) noexcept;

}  // namespace telemetry::sqlite
