// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include "catch.hpp"

#include <string>
#include <vector>

#include "conformance/batch_builder.hpp"
#include "conformance/temporary_folder.hpp"
#include "model/fault_file_system.hpp"
#include "telemetry/adapters/sqlite.hpp"

/// A store in a folder of its own, and plain SQL on the same file.
namespace telemetry::test {

inline constexpr JournalId test_journal{7, 7, 7};

template <class T>
void require(const Result<T>& result) {
  if (!result) UNSCOPED_INFO(to_string(result.error()));
  REQUIRE(result);
}

class SqliteFixture {
 public:
  SqliteFixture() {
    options.path = folder.path("telemetry.db");
    options.busy_timeout_ns = 50'000'000;
  }

  void open() {
    const Environment machine = system_environment();
    store = make_sqlite_store(options, {clock, machine.files, machine.random, log});
    require(store->open());
  }
  Result<WriteReport> try_write(std::span<const BatchPtr> batches) {
    return store->write(journal, batches, [this](std::span<const Rejected> rows) -> Result<void> {
      if (!may_reject) return Error{Errc::unavailable, "no room"};
      for (const auto& [reading, reason] : rows) {
        rejected.push_back(std::to_string(reading->id) + ": " + reason);
      }
      return {};
    });
  }
  WriteReport write(BatchPtr batch) {
    std::vector<BatchPtr> batches{std::move(batch)};
    auto report = try_write(batches);
    require(report);
    return *report;
  }
  Error write_fails(BatchPtr batch) {
    std::vector<BatchPtr> batches{std::move(batch)};
    auto report = try_write(batches);
    REQUIRE_FALSE(report);
    return report.error();
  }
  std::uint64_t position() {
    auto found = store->position(test_journal);
    require(found);
    return *found ? (*found)->sequence : 0;
  }
  /// The first column of all rows, as text; nulls as "NULL".
  std::vector<std::string> sql(const std::string& query) const {
    SQLite::Database database(options.path, SQLite::OPEN_READONLY, 5000);
    SQLite::Statement statement(database, query);
    std::vector<std::string> result;
    while (statement.executeStep()) {
      const auto column = statement.getColumn(0);
      result.push_back(column.isNull() ? "NULL" : column.getString());
    }
    return result;
  }
  void run_sql(const std::string& statements) const {
    SQLite::Database database(options.path, SQLite::OPEN_READWRITE, 5000);
    database.exec(statements);
  }
  std::int64_t count(const std::string& from = "messages") const {
    return std::stoll(sql("SELECT count(*) FROM " + from).at(0));
  }

  model::ManualClock clock;
  Log log;
  TemporaryFolder folder;
  SqliteOptions options;
  std::unique_ptr<Store> store;
  JournalId journal = test_journal;  // from which the batches come
  bool may_reject = true;
  std::vector<std::string> rejected;  // "ID: REASON"
};

}  // namespace telemetry::test
