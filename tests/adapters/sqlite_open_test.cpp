// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "adapters/sqlite_store.hpp"
#include "migration.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

using Texts = std::vector<std::string>;

Error open_fails(const SqliteOptions& options) {
  auto opened = make_sqlite_store(options, system_environment())->open();
  REQUIRE_FALSE(opened);
  return opened.error();
}

void run_file(const std::string& path, const std::string& database_path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::stringstream sql;
  sql << file.rdbuf();
  SQLite::Database database(database_path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec(sql.str());
}

}  // namespace

TEST_CASE("open makes the folder and a file that others may not read") {
  SqliteFixture f;
  f.options.path = f.folder.path("new/folder/telemetry.db");
  f.open();
  struct stat status {};
  REQUIRE(stat(f.options.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  REQUIRE(stat((f.options.path + "-wal").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  CHECK(f.count() == 0);
}

TEST_CASE("a folder that cannot be written is permission_denied with the remedy") {
  if (geteuid() == 0) {
    SqliteFixture f;
    f.options.path = "/proc/telemetry.db";  // root may write everywhere else
    const Error error = open_fails(f.options);
    CHECK_THAT(error.context,
               Catch::Contains("/proc/telemetry.db") && Catch::Contains("storage.sqlite.path"));
    return;
  }
  SqliteFixture f;
  std::filesystem::create_directory(f.folder.path("read_only"));
  chmod(f.folder.path("read_only").c_str(), 0550);
  f.options.path = f.folder.path("read_only/telemetry.db");
  const Error error = open_fails(f.options);
  CHECK(error.code == Errc::permission_denied);
  CHECK_THAT(error.context, Catch::Contains("storage.sqlite.path"));
}

TEST_CASE("a file that is no database is refused and left as it is") {
  SqliteFixture f;
  const std::string text(5000, 'x');
  std::ofstream(f.options.path) << text;
  const Error error = open_fails(f.options);
  CHECK(error.code == Errc::failed_precondition);
  CHECK_THAT(error.context,
             Catch::Contains("not an SQLite database") && Catch::Contains("storage.sqlite.path"));
  std::stringstream found;
  found << std::ifstream(f.options.path).rdbuf();
  CHECK(found.str() == text);
}

namespace {

std::string bytes_of(const std::string& path) {
  std::stringstream found;
  found << std::ifstream(path, std::ios::binary).rdbuf();
  return found.str();
}

/// The database of an older telemetry program, as it is found after its program was killed.
void leave_behind(const std::string& path, const std::string& before, const std::string& during) {
  const std::string live = path + ".live";
  SQLite::Database database(live, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec(before);
  database.exec(
      "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload "
      "TEXT NOT NULL, timestamp TEXT, received_at TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP);"
      "CREATE INDEX idx_topic ON messages(topic);"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
      "INSERT INTO messages (topic, payload) SELECT 'sensors/s/temperature', '{\"temperature\":' "
      "|| i "
      "|| '}' FROM n");
  database.exec(during);
  for (const char* suffix : {"", "-wal", "-journal"}) {
    if (std::filesystem::exists(live + suffix)) {
      std::filesystem::copy_file(live + suffix, path + suffix);
    }
  }
}

}  // namespace

TEST_CASE("an older program's messages table in the way is named, and no byte of it is changed") {
  const std::pair<const char*, const char*> states[] = {
      {"", ""},                           // ended in order
      {"PRAGMA journal_mode = WAL", ""},  // all of it in the log
      {"", "PRAGMA journal_mode = WAL; INSERT INTO messages (topic, payload) VALUES ('a', 'b')"},
      {"", "PRAGMA cache_size = 1; BEGIN; UPDATE messages SET payload = payload || ' '"}};
  for (const auto& [before, during] : states) {
    SqliteFixture f;
    INFO(before << "; " << during);
    leave_behind(f.options.path, before, during);
    std::vector<std::pair<std::string, std::string>> files;
    for (const char* suffix : {"", "-wal", "-journal"}) {
      const std::string path = f.options.path + suffix;
      if (std::filesystem::exists(path)) files.emplace_back(path, bytes_of(path));
    }
    CHECK(files.size() == ((std::string(before) + during).empty() ? 1 : 2));
    const Error error = open_fails(f.options);
    CHECK(error.code == Errc::failed_precondition);
    CHECK_THAT(error.context,
               Catch::Contains("'messages', as an older telemetry program wrote it") &&
                   Catch::Contains("Set storage.sqlite.path to a new file, for example") &&
                   Catch::EndsWith("telemetry-new.db"));
    const auto reader = make_sqlite_store(f.options, system_environment());
    CHECK_FALSE(reader->latest(latest_of("#"), [](const Row&) { return true; }));
    for (const auto& [path, bytes] : files) {
      INFO(path);
      CHECK(bytes_of(path) == bytes);
    }
  }
}

TEST_CASE("another program's database is refused and left as it is") {
  SqliteFixture f;
  {
    SQLite::Database other(f.options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("CREATE TABLE messages (id INTEGER PRIMARY KEY, topic TEXT)");
  }
  const Error error = open_fails(f.options);
  CHECK(error.code == Errc::failed_precondition);
  CHECK_THAT(error.context, Catch::Contains("another program") && Catch::Contains("'messages'"));
  CHECK(f.sql("SELECT name FROM sqlite_schema") == Texts{"messages"});
}

TEST_CASE("a damaged database is data_loss with the remedy") {
  SqliteFixture f;
  f.open();
  f.store->close();
  {
    std::fstream file(f.options.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(4096 * 8, '\xA5');
    file.seekp(100);
    file << std::string(50, '\xA5');
  }
  const Error error = open_fails(f.options);
  CHECK(error.code == Errc::data_loss);
  CHECK_THAT(error.context, Catch::Contains(".recover"));
}

TEST_CASE("a database of a newer program is refused, for writing and for reading") {
  SqliteFixture f;
  f.open();
  f.store->close();
  f.run_sql("UPDATE meta SET version = 999");
  const Error error = open_fails(f.options);
  CHECK(error.code == Errc::failed_precondition);
  CHECK_THAT(error.context, Catch::Contains("999") && Catch::Contains("Update this program"));
  f.options.read_only = true;
  CHECK(open_fails(f.options).code == Errc::failed_precondition);
}

TEST_CASE("a kept connection finds that a newer program has taken the file over") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("t/a", "1");
  f.write(builder.done());
  Latest latest;
  latest.topics = {"t/a"};
  const auto ask = [&] { return f.store->latest(latest, [](const Row&) { return true; }); };
  REQUIRE(ask());
  REQUIRE(ask());
  f.run_sql("UPDATE meta SET version = 999");
  const auto refused = ask();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::failed_precondition);
}

TEST_CASE(
    "read-only: a missing database is not_found, an existing one answers, writes are refused") {
  SqliteFixture f;
  f.options.read_only = true;
  const Error error = open_fails(f.options);
  CHECK(error.code == Errc::not_found);
  CHECK_THAT(error.context, Catch::Contains(f.options.path) && Catch::Contains("Start"));
  CHECK_FALSE(std::filesystem::exists(f.options.path));

  f.options.read_only = false;
  f.open();
  BatchBuilder builder;
  builder.add_raw("a", "1");
  const BatchPtr batch = builder.done();
  f.write(batch);
  SqliteOptions read_only = f.options;
  read_only.read_only = true;
  auto reader = make_sqlite_store(read_only, system_environment());
  require(reader->open());
  int rows = 0;
  require(reader->query({}, [&](const Row&) { return ++rows > 0; }));
  CHECK(rows == 1);
  std::vector<BatchPtr> batches{batch};
  auto written = reader->write(test_journal, batches, {});
  REQUIRE_FALSE(written);
  CHECK(written.error().code == Errc::failed_precondition);
}

TEST_CASE("an empty file that is there already becomes a database") {
  SqliteFixture f;
  std::ofstream(f.options.path).flush();
  f.open();
  CHECK(f.count() == 0);
}

// tests/golden/sqlite/v1.sql is the dump of a database that version 1 wrote.
TEST_CASE("a database of version 1 opens, shows its rows and takes new ones") {
  SqliteFixture f;
  run_file(TELEMETRY_SOURCE_DIR "/tests/golden/sqlite/v1.sql", f.options.path);
  const Texts payloads{R"({"temperature":23.51,"sensor_id":"sensor-001","seq":7})", "\"on\""};
  CHECK(f.sql("SELECT payload FROM messages ORDER BY id") == payloads);
  f.open();
  CHECK(f.sql("SELECT payload FROM messages ORDER BY id") == payloads);
  CHECK(f.position() == 2);
  CHECK(f.sql("SELECT first_id || hex(journal_id) = '0' || (SELECT hex(journal_id) FROM"
              " journal_cursor) FROM journals") == Texts{"1"});
  BatchBuilder builder(2);
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"temperature":1,"sensor_id":"sensor-002"})");
  f.write(builder.done());
  CHECK(f.count() == 3);
  CHECK(f.sql("SELECT version FROM meta") ==
        Texts{std::to_string(sqlite::migrations().back().version)});
}

TEST_CASE("the views of an older program are rebuilt with the next write") {
  SqliteFixture f;
  f.open();
  const auto write_raw = [&](std::uint64_t after) {
    BatchBuilder builder(after);
    builder.add_raw("raw", "on");
    f.write(builder.done());
  };
  write_raw(0);
  f.run_sql(
      "DROP VIEW messages; CREATE VIEW messages AS SELECT p.id AS id,json_object() AS payload"
      " FROM raw_p1 p");
  f.open();
  write_raw(1);
  CHECK(f.sql("SELECT retained FROM messages ORDER BY id") == Texts{"0", "0"});
}

TEST_CASE("a database of version 1 is queried as it is") {
  SqliteFixture f;
  run_file(TELEMETRY_SOURCE_DIR "/tests/golden/sqlite/v1.sql", f.options.path);
  // Queries of many topics would read blocks.
  f.run_sql(
      "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
      " INSERT INTO topics (topic) SELECT 'other/' || i FROM n");
  f.options.read_only = true;
  f.open();
  std::vector<std::uint64_t> ids;
  require(f.store->query({}, [&](const Row& row) {
    ids.push_back(row.id);
    return true;
  }));
  CHECK(ids == std::vector<std::uint64_t>{1, 2});
  CHECK(f.sql("SELECT version FROM meta") == Texts{"1"});
}

TEST_CASE("migrations run in order, once, and all or none") {
  TemporaryFolder folder;
  SQLite::Database database(folder.path("db"), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  const sqlite::Migration first[] = {
      {1, "CREATE TABLE meta (version INTEGER); CREATE TABLE a (x)"}};
  require(sqlite::migrate(database, "db", first));
  CHECK(sqlite::stored_version(database) == 1);

  const sqlite::Migration broken[] = {
      first[0], {2, "INSERT INTO a VALUES (2)"}, {3, "INSERT INTO missing VALUES (3)"}};
  CHECK_THROWS_AS(sqlite::migrate(database, "db", broken), SQLite::Exception);
  CHECK(sqlite::stored_version(database) == 1);
  CHECK(database.execAndGet("SELECT count(*) FROM a").getInt() == 0);

  const sqlite::Migration mended[] = {
      first[0], {2, "INSERT INTO a VALUES (2)"}, {3, "UPDATE a SET x = x * 10"}};
  require(sqlite::migrate(database, "db", mended));
  require(sqlite::migrate(database, "db", mended));
  CHECK(sqlite::stored_version(database) == 3);
  CHECK(database.execAndGet("SELECT group_concat(x) FROM a").getString() == "20");
}

TEST_CASE("the migrations of this build are numbered from 1 without gaps") {
  int expected = 1;
  for (const auto& migration : sqlite::migrations()) CHECK(migration.version == expected++);
  CHECK(expected > 1);
}

TEST_CASE("the options come from the configuration") {
  const OptionTable tables[] = {sqlite_options()};
  Config::Sources sources;
  sources.environment = [](const std::string&) { return std::nullopt; };
  sources.environment_names = [] { return Texts{}; };
  std::vector<Diagnostic> diagnostics;
  auto config = Config::load(sources, tables, diagnostics);
  require(config);
  auto options = sqlite_options_from(*config);
  require(options);
  const SqliteOptions defaults;
  CHECK(options->path == "./data/telemetry.db");
  CHECK(options->journal_mode == defaults.journal_mode);
  CHECK(options->synchronous == defaults.synchronous);
  CHECK(options->free_space_reserve_bytes == defaults.free_space_reserve_bytes);
  CHECK(options->partition_rows == defaults.partition_rows);
  CHECK(options->cache_bytes == defaults.cache_bytes);
  CHECK(options->busy_timeout_ns == defaults.busy_timeout_ns);

  sources.overrides = {{"storage.sqlite.path", "/x/y.db"},
                       {"storage.sqlite.synchronous", "FULL"},
                       {"storage.sqlite.busy_timeout", "250ms"},
                       {"storage.sqlite.cache_mb", "2"}};
  config = Config::load(sources, tables, diagnostics);
  require(config);
  options = sqlite_options_from(*config);
  require(options);
  CHECK(options->path == "/x/y.db");
  CHECK(options->synchronous == "FULL");
  CHECK(options->busy_timeout_ns == 250'000'000);
  CHECK(options->cache_bytes == 2 * 1024 * 1024);
}
