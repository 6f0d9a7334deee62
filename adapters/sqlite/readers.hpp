// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "catalogue.hpp"
#include "condition.hpp"
#include "connection.hpp"

namespace telemetry::sqlite {

class SeriesRun;
/// Functions that hand rows to the run that `run` points to. It outlives the connection.
void add_series_functions(SQLite::Database& database, SeriesRun** run);

/// A connection for queries with what is costly to make again: its statements (preparing the query
/// of one partition takes as long as finding ten of its rows) and the catalogue. Thread: one at a
/// time.
class Reader {
 public:
  /// @param options outlive it
  Reader(DatabasePtr database, const SqliteOptions& options)
      : database_(std::move(database)), options_(options) {
    kept_.reserve(kept_max + 1);
    add_functions(*database_);
    add_series_functions(*database_, series_run_.get());
  }

  [[nodiscard]] SQLite::Database& database() noexcept { return *database_; }
  /// As of now, or of the transaction that is open. It never changes: a query that keeps it may
  /// keep views into it. Errors: those of check_reader(), which is asked when the file has changed.
  [[nodiscard]] Result<std::shared_ptr<const Catalogue>> catalogue();
  /// Who takes the rows of telemetry_take().
  void set_series_run(SeriesRun* run) noexcept { *series_run_ = run; }
  [[nodiscard]] Statement take(const std::string& sql);
  /// Keeps a statement, which is reset, for the next take() of the same text.
  void give_back(Statement statement) noexcept;

 private:
  static constexpr std::size_t kept_max = 64;

  const std::unique_ptr<SeriesRun*> series_run_ = std::make_unique<SeriesRun*>(nullptr);
  DatabasePtr database_;
  const SqliteOptions& options_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::int64_t data_version_ = 0;  // of the catalogue
  std::vector<Statement> kept_;    // the one used last stands last
};

/// A statement of a reader for one use: reset and given back at its end.
class KeptStatement {
 public:
  KeptStatement(Reader& reader, const std::string& sql)
      : reader_(reader), statement_(reader.take(sql)) {}
  ~KeptStatement() {
    statement_.reset();
    reader_.give_back(std::move(statement_));
  }
  KeptStatement(const KeptStatement&) = delete;
  KeptStatement& operator=(const KeptStatement&) = delete;
  [[nodiscard]] Statement* operator->() noexcept { return &statement_; }
  [[nodiscard]] Statement& operator*() noexcept { return statement_; }

 private:
  Reader& reader_;
  Statement statement_;
};

/// A read transaction, for as long as this lives.
class Snapshot {
 public:
  explicit Snapshot(Reader& reader) : reader_(reader) { KeptStatement(reader_, "BEGIN")->step(); }
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Reader& reader_;
};

/// Lets a query of a reader end early, for as long as this lives.
class StopWatch {
 public:
  StopWatch(Reader& reader, const Selection& selection) noexcept;
  ~StopWatch();
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  sqlite3* const database_;  // null: nothing is watched
};

/// Readers that were used are kept: opening a connection makes SQLite parse the text of every table
/// and view, which costs more than most queries, the more partitions the more.
/// Thread: any.
class Readers {
 public:
  explicit Readers(const SqliteOptions& options) noexcept : options_(options) {}

  /// A connection to the file that stands at the path now. Errors: those of open_reader().
  [[nodiscard]] Result<std::unique_ptr<Reader>> take();
  /// After a query that went well; nothing of it may be left.
  void give_back(std::unique_ptr<Reader> reader) noexcept;
  /// Closes those that are kept.
  void clear() noexcept;

 private:
  const SqliteOptions& options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> kept_;  // the one used last stands last
};

}  // namespace telemetry::sqlite
