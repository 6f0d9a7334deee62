// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "adapters/sqlite_store.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

void run_sql(const std::string& path, const std::string& sql) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec(sql);
}

/// "number topic payload received_at" of each message from a number on.
std::vector<std::string> messages_of(ImportSource& source, std::uint64_t from) {
  std::vector<std::string> all;
  for (;;) {
    ImportedMessage message;
    const auto number = source.read(from, message);
    REQUIRE(number);
    if (*number == 0) return all;
    all.push_back(
        fmt::format("{} {} {} {}", *number, message.topic, message.payload, message.received_at));
    from = *number + 1;
  }
}

}  // namespace

TEST_CASE("the table of an older program is read by its ids, and goes on where it was") {
  const TemporaryFolder folder;
  const std::string path = folder.path("old.db");
  std::ifstream file(TELEMETRY_SOURCE_DIR "/tests/ancestors/databases/mtss_messages.sql");
  std::stringstream sql;
  sql << file.rdbuf();
  run_sql(path, sql.str());
  auto source = open_old_messages(path);
  REQUIRE(source);
  CHECK(messages_of(*source, 1) ==
        std::vector<std::string>{
            R"(1 sensors/sensor-001/temperature {"temperature": 21.5, "sensor_id": "sensor-001"} )"
            "1714564801000000000",
            R"(2 sensors/sensor-002/temperature {"temperature": 19.25, "sensor_id": "sensor-002"} )"
            "1714564802000000000"});
  run_sql(path,
          "INSERT INTO messages (id, topic, payload, received_at) VALUES (9, 'a', x'00ff', 'x');"
          "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
          "INSERT INTO messages (id, topic, payload, received_at) SELECT i, 'b', i, '' FROM n");
  auto grown = open_old_messages(path);
  REQUIRE(grown);
  CHECK(grown->id == source->id);
  const auto rows = messages_of(*grown, 3);
  REQUIRE(rows.size() == 1'992);
  CHECK(rows.front() == std::string("9 a \0\xff 0", 8));
  CHECK(rows.back() == "2000 b 2000 0");
}

TEST_CASE("tables with fewer columns and times as numbers are read, too") {
  const TemporaryFolder folder;
  const std::string path = folder.path("old.db");
  run_sql(path,
          "CREATE TABLE messages (topic, payload, timestamp);"
          "INSERT INTO messages VALUES ('a', 'x', 1714564801), ('b', 'y', 1714564801500)");
  auto source = open_old_messages(path);
  REQUIRE(source);
  CHECK(messages_of(*source, 1) ==
        std::vector<std::string>{"1 a x 1714564801000000000", "2 b y 1714564801500000000"});
}

TEST_CASE("a database without such a table is refused, ours too") {
  const TemporaryFolder folder;
  run_sql(folder.path("other.db"), "CREATE TABLE messages (id, text)");
  const auto other = open_old_messages(folder.path("other.db"));
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::failed_precondition);
  SqliteFixture f;
  f.open();
  const auto ours = open_old_messages(f.options.path);
  REQUIRE_FALSE(ours);
  CHECK_THAT(ours.error().context, Catch::Contains("no table \"messages\" with topic and payload"));
  CHECK(open_old_messages(folder.path("nothing.db")).error().code == Errc::not_found);
}
