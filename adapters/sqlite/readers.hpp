// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "connection.hpp"

namespace telemetry::sqlite {

/// Connections for queries. The one used last is kept: opening another makes SQLite parse the text
/// of every table and view, which costs more than most queries, the more partitions the more.
/// Thread: any.
class Readers {
 public:
  explicit Readers(const SqliteOptions& options) noexcept : options_(options) {}

  /// A connection to the file that stands at the path now. Errors: those of open_reader().
  [[nodiscard]] Result<DatabasePtr> take();
  /// After a query that went well; nothing of it may be left.
  void give_back(DatabasePtr database) noexcept;
  /// Closes the one that is kept.
  void clear() noexcept;

 private:
  const SqliteOptions& options_;
  std::mutex mutex_;
  DatabasePtr kept_;
};

}  // namespace telemetry::sqlite
