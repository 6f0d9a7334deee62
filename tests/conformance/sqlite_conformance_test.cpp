// SPDX-License-Identifier: Apache-2.0
#include <SQLiteCpp/SQLiteCpp.h>

#include "catch.hpp"

#include "conformance/sink_conformance.hpp"
#include "conformance/temporary_folder.hpp"
#include "telemetry/adapters/sqlite.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

SinkUnderTest sqlite_under_test(const std::string& journal_mode, const std::string& synchronous,
                                std::uint64_t partition_rows) {
  auto folder = std::make_shared<TemporaryFolder>();
  SqliteOptions options;
  options.path = folder->path("telemetry.db");
  options.journal_mode = journal_mode;
  options.synchronous = synchronous;
  options.partition_rows = partition_rows;
  return {{.skips_stored = true, .skips_replayed = true, .is_store = true},
          [folder, options] { return make_sqlite_store(options, system_environment()); },
          [folder, options]() -> std::uint64_t {
            SQLite::Database database(options.path, SQLite::OPEN_READONLY, 5000);
            return static_cast<std::uint64_t>(
                database.execAndGet("SELECT count(*) FROM messages").getInt64());
          }};
}

}  // namespace

TEST_CASE("the SQLite store keeps the contract of every sink") {
  check_sink([] { return sqlite_under_test("WAL", "NORMAL", 500'000); });
}

TEST_CASE("the SQLite store keeps it with synchronous FULL and partitions of two rows") {
  check_sink([] { return sqlite_under_test("WAL", "FULL", 2); });
}

TEST_CASE("the SQLite store keeps it without write-ahead log") {
  check_sink([] { return sqlite_under_test("DELETE", "NORMAL", 500'000); });
}
