// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <vector>

#include "catalogue.hpp"
#include "telemetry/message.hpp"

namespace telemetry::sqlite {

/// Deletes the rows of one deletion, a part in each transaction. Throws SQLite::Exception.
class Erasure {
 public:
  /// @param rows_per_step  that are deleted, or read, in one transaction
  Erasure(SQLite::Database& database, const Deletion& deletion, std::int64_t rows_per_step)
      : database_(database), deletion_(deletion), rows_per_step_(rows_per_step) {}

  /// In a transaction: deletes a part and mends `latest`; catalogue.save() writes the rest.
  /// @returns false when none are left.
  bool step(Catalogue& catalogue);
  [[nodiscard]] std::int64_t deleted() const noexcept { return deleted_; }

 private:
  void begin(const Catalogue& catalogue);
  [[nodiscard]] bool is_whole(const Partition& partition);
  std::int64_t erase(const Partition& partition, std::int64_t& done);
  std::int64_t erase_by_topic(const Partition& partition);
  std::int64_t erase_by_id(const Partition& partition);
  void bind_range(SQLite::Statement& statement) const;
  void mend_latest(const Catalogue& catalogue, const Partition& partition);
  void mend_latest(const std::vector<const Partition*>& partitions, std::int64_t topic);

  SQLite::Database& database_;
  const Deletion& deletion_;
  const std::int64_t rows_per_step_;
  bool begun_ = false;
  bool all_topics_ = false;
  std::size_t topics_ = 0;
  std::vector<std::int64_t> partitions_;  // that may have rows; the last one is next
  std::int64_t read_id_ = 0;              // of it, when it is read by id
  std::int64_t deleted_ = 0;
  bool at_end_ = false;  // of the partition
};

}  // namespace telemetry::sqlite
