// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <unistd.h>

#include <fmt/format.h>

#include <limits>
#include <set>

#include "adapters/sqlite_store.hpp"
#include "catalogue.hpp"
#include "telemetry/export.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

using Texts = std::vector<std::string>;

SchemaPtr counter_schema(const std::string& version, const std::string& more = "") {
  return parse_schema("name: counter\nversion: \"" + version +
                      "\"\ntopic_pattern: counters/#\nfields:\n"
                      "  - {name: n, type: integer, required: true}\n" +
                      more);
}

BatchPtr counters(std::uint64_t after, int rows, const SchemaPtr& schema,
                  const std::string& topic = "counters/a") {
  BatchBuilder builder(after);
  for (int i = 1; i <= rows; ++i) {
    builder.add(topic, schema, fmt::format(R"({{"n":{}}})", after + static_cast<std::uint64_t>(i)));
  }
  return builder.done();
}

BatchPtr raws(std::uint64_t after, int rows, std::size_t payload_bytes = 1) {
  BatchBuilder builder(after);
  for (int i = 0; i < rows; ++i) builder.add_raw("raw", std::string(payload_bytes, '7'));
  return builder.done();
}

}  // namespace

TEST_CASE("a full partition is closed and another opened, also within one write") {
  SqliteFixture f;
  f.options.partition_rows = 10;
  f.open();
  f.write(counters(0, 25, counter_schema("1.0")));
  CHECK(f.sql("SELECT table_name FROM partitions ORDER BY id") ==
        Texts{"counter_v1_p1", "counter_v1_p2", "counter_v1_p3"});
  CHECK(f.sql("SELECT row_count || ' ' || first_id || ' ' || last_id || ' ' || open FROM partitions"
              " ORDER BY id") == Texts{"10 1 10 0", "10 11 20 0", "5 21 25 1"});
  f.open();
  f.write(counters(25, 6, counter_schema("1.0")));
  CHECK(f.sql("SELECT row_count FROM partitions ORDER BY id") == Texts{"10", "10", "10", "1"});
  CHECK(f.sql("SELECT n FROM counter_v1 ORDER BY n").size() == 31);
  CHECK(f.count() == 31);
}

TEST_CASE("a closed table is indexed by topic and time, an open one by block") {
  SqliteFixture f;
  f.options.partition_rows = 10;
  f.open();
  f.write(counters(0, 25, counter_schema("1.0")));
  const char* indexed = "SELECT indexed FROM partitions ORDER BY id";
  CHECK(f.sql(indexed) == Texts{"0", "0", "0"});
  for (std::uint64_t row = 25; row < 29; ++row) {  // one at a time, each after ten minutes
    f.clock.advance(row % 2 == 0 ? 500'000'000'000 : 100'000'000'000);
    f.write(counters(row, 1, counter_schema("1.0")));
    if (row == 27) CHECK(f.sql(indexed) == Texts{"1", "0", "0"});
  }
  const Texts names{"counter_v1_p1_topic_time", "counter_v1_p2_topic_time",
                    "counter_v1_p3_block_topic_time"};
  const char* indexes =
      "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name LIKE 'counter%'"
      " ORDER BY name";
  CHECK(f.sql(indexes) == names);
  CHECK(f.sql("SELECT idx FROM sqlite_stat1 WHERE tbl LIKE 'counter%' ORDER BY idx") == names);
  CHECK(f.sql(indexed) == Texts{"1", "1", "0"});
  CHECK(f.count("counter_v1") == 29);
}

TEST_CASE("a block's entry says which ids and times are in it, also after late rows and restarts") {
  SqliteFixture f;
  f.options.free_space_reserve_bytes = 0;
  f.open();
  std::uint64_t written = 0;
  for (const std::uint64_t count : {1u, 16'382u, 3u, 16'000u, 36'000u}) {
    BatchBuilder builder(written);
    for (std::uint64_t i = 0; i < count; ++i) {
      Reading& reading = builder.add_raw("t", "1");
      reading.time = static_cast<std::int64_t>(written + i);
      if (i % 700 == 5) reading.time -= 3000;
    }
    f.write(builder.done());
    written += count;
    if (written == 16'386) f.open();
  }
  CHECK(f.sql("SELECT block || ' ' || first_id || ' ' || last_id FROM blocks") ==
        Texts{"0 1 16384", "1 16385 32768", "2 32769 49152", "3 49153 65536", "4 65537 68386"});
  CHECK(f.sql("SELECT block || ' ' || time_min || ' ' || time_max FROM blocks") ==
        f.sql("SELECT block || ' ' || min(time) || ' ' || max(time) FROM raw_p1 GROUP BY block"));
}

TEST_CASE("an index that cannot be built stops nobody and is built later") {
  SqliteFixture f;
  f.options.partition_rows = 10;
  std::string said;
  f.log =
      Log([&](LogLevel, std::string_view, std::string_view text) { said = text; }, LogLevel::warn);
  f.open();
  f.write(raws(0, 20));
  f.run_sql("CREATE TABLE raw_p1_topic_time (in_the_way)");
  f.clock.advance(600'000'000'000);
  f.write(raws(20, 5));
  const char* closed = "SELECT indexed FROM partitions ORDER BY id";
  CHECK(f.sql(closed) == Texts{"0", "0", "0"});
  CHECK(f.count() == 25);
  CHECK(said.find("raw_p1_topic_time") != std::string::npos);
  std::size_t seen = 0;
  require(f.store->query({}, [&](const Row&) { return ++seen > 0; }));
  CHECK(seen == 25);
  f.run_sql("DROP TABLE raw_p1_topic_time");
  f.clock.advance(600'000'000'000);
  f.write(raws(25, 1));
  CHECK(f.sql(closed) == Texts{"1", "0", "0"});
  CHECK(f.count() == 26);
}

TEST_CASE("the catalogue holds the least and greatest of both times") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("a", "1", 500).time = 40;
  builder.add_raw("a", "2", 400).time = 70;
  builder.add_raw("a", "3", 600).time = 50;
  f.write(builder.done());
  CHECK(f.sql("SELECT time_min || ' ' || time_max || ' ' || received_min || ' ' || received_max"
              " FROM partitions") == Texts{"40 70 400 600"});
}

TEST_CASE("a late message goes into the open partition and widens its range") {
  SqliteFixture f;
  f.options.partition_rows = 2;
  f.open();
  f.write(raws(0, 3));
  BatchBuilder builder(3);
  builder.add_raw("raw", "late").time = 5;
  f.write(builder.done());
  CHECK(f.sql("SELECT time_min FROM partitions ORDER BY id").back() == "5");
  CHECK(f.sql("SELECT id FROM messages ORDER BY time_ns LIMIT 1") == Texts{"4"});
}

TEST_CASE("partition sizes double, so that rows alone never need more than 400") {
  double rows = 0;
  std::int64_t previous = 0;
  for (std::size_t partitions = 0; partitions < 400; ++partitions) {
    const std::int64_t capacity = sqlite::partition_capacity(500'000, partitions);
    CHECK(capacity >= previous);
    previous = capacity;
    rows += static_cast<double>(capacity);
  }
  CHECK(sqlite::partition_capacity(500'000, 0) == 500'000);
  CHECK(rows > 3e12);  // a year at 100,000 messages a second
  CHECK(sqlite::partition_capacity(500'000, 100'000) == previous);
  CHECK(sqlite::partition_capacity(std::numeric_limits<std::uint64_t>::max(), 100'000) > 0);
}

TEST_CASE("the views work with more tables than one UNION may have") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  for (int i = 0; i < 520; ++i) {
    builder.add(fmt::format("many/{}", i),
                parse_schema(fmt::format("{{name: s{0}, version: '1.0', topic_pattern: 'many/{0}', "
                                         "fields: [{{name: a, type: integer}}]}}",
                                         i)),
                R"({"a":1})");
  }
  f.write(builder.done());
  CHECK(f.sql("SELECT count(*) FROM partitions") == Texts{"520"});
  CHECK(f.count() == 520);
  CHECK(f.sql("SELECT id FROM messages WHERE topic = 'many/519'") == Texts{"520"});
}

TEST_CASE("a new minor version adds its columns; rows of both come through the same view") {
  SqliteFixture f;
  f.open();
  const auto older = counter_schema("1.0");
  const auto newer = counter_schema("1.1", "  - {name: note, type: string}\n");
  f.write(counters(0, 2, older));
  BatchBuilder builder(2);
  builder.add("counters/a", newer, R"({"n":3,"note":"x"})");
  builder.add("counters/b", older, R"({"n":4})");
  f.write(builder.done());
  CHECK(f.sql("SELECT note FROM counter_v1 ORDER BY id") == Texts{"NULL", "NULL", "x", "NULL"});
  CHECK(f.sql("SELECT payload FROM messages ORDER BY id") ==
        Texts{R"({"n":1})", R"({"n":2})", R"({"n":3,"note":"x"})", R"({"n":4})"});
  CHECK(f.sql("SELECT minor FROM schemas ORDER BY minor") == Texts{"0", "1"});
}

TEST_CASE("a new major version has tables and a view of its own") {
  SqliteFixture f;
  f.open();
  f.write(counters(0, 1, counter_schema("1.0")));
  f.write(counters(1, 1, counter_schema("2.0")));
  CHECK(f.count("counter_v1") == 1);
  CHECK(f.count("counter_v2") == 1);
  CHECK(f.count() == 2);
}

TEST_CASE("a document that changed without a new version gets tables of its own") {
  SqliteFixture f;
  f.open();
  f.write(counters(0, 1, counter_schema("1.0")));
  BatchBuilder builder(1);
  builder.add("counters/a",
              parse_schema("{name: counter, version: '1.0', topic_pattern: 'counters/#', "
                           "fields: [{name: n, type: string}]}"),
              R"({"n":"many"})");
  f.write(builder.done());
  CHECK(f.sql("SELECT n FROM counter_v1 ORDER BY id") == Texts{"1", "many"});
}

TEST_CASE("views of other people survive a new partition") {
  SqliteFixture f;
  f.options.partition_rows = 1;
  f.open();
  f.write(raws(0, 1));
  f.run_sql("CREATE VIEW mine AS SELECT count(*) AS n FROM messages");
  f.write(raws(1, 2));
  CHECK(f.sql("SELECT n FROM mine") == Texts{"3"});
}

namespace {

SchemaPtr float_schema() {
  return parse_schema(
      "{name: f, version: '1.0', topic_pattern: f, fields: [{name: v, type: float}]}");
}
const core::Value huge = core::Value::decimal({1, 400});  // beyond SQLite's REAL

}  // namespace

TEST_CASE("a row that cannot be stored is rejected alone") {
  SqliteFixture f;
  f.open();
  const SchemaPtr schema = float_schema();
  const auto fine = core::Value::decimal({15, -1});
  BatchBuilder builder;
  builder.add_values("f", schema, {&fine, 1});
  builder.add_values("f", schema, {&huge, 1});
  builder.add_values("f", schema, {&fine, 1});
  const auto report = f.write(builder.done());
  CHECK(report.accepted == 2);
  CHECK(f.rejected == Texts{"2: a number is beyond the range of SQLite's REAL"});
  CHECK(f.sql("SELECT id FROM messages ORDER BY id") == Texts{"1", "3"});
  CHECK(f.sql("SELECT row_count FROM partitions") == Texts{"2"});
  CHECK(f.position() == 3);
}

TEST_CASE("nothing is committed while a rejected row cannot be kept elsewhere") {
  SqliteFixture f;
  f.open();
  const SchemaPtr schema = float_schema();
  BatchBuilder builder;
  builder.add_raw("t/a", "1");
  builder.add_values("f", schema, {&huge, 1});
  const BatchPtr batch = builder.done();
  f.may_reject = false;
  CHECK(f.write_fails(batch).context == "no room");
  CHECK(f.rejected.empty());
  CHECK(f.sql("SELECT count(*) FROM topics") == Texts{"0"});
  require(f.store->open());
  CHECK(f.position() == 0);
  f.may_reject = true;
  CHECK(f.write(batch).accepted == 1);
  CHECK(f.rejected.size() == 1);
  CHECK(f.position() == 2);
}

TEST_CASE("rows that the file refuses are rejected alone, wherever they stand in a write") {
  SqliteFixture f;
  f.open();
  const SchemaPtr schema = counter_schema("1.0");
  f.write(counters(0, 2, schema));
  f.run_sql("CREATE UNIQUE INDEX someone_elses ON counter_v1_p1 (n)");
  BatchBuilder builder(2);
  for (const int n : {1, 3, 2, 2, 4, 1}) {
    builder.add("counters/b", schema, fmt::format(R"({{"n":{}}})", n));
  }
  const WriteReport report = f.write(builder.done());
  CHECK(report.accepted == 2);
  REQUIRE(f.rejected.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK_THAT(f.rejected[i],
               Catch::StartsWith(Texts{"3", "5", "6", "8"}[i] + ": SQLite refuses") &&
                   Catch::Contains("constraint"));
  }
  CHECK(f.sql("SELECT id || ' ' || n FROM counter_v1 ORDER BY id") ==
        Texts{"1 1", "2 2", "4 3", "7 4"});
  CHECK(f.sql("SELECT row_count || ' ' || last_id FROM partitions") == Texts{"4 7"});
  CHECK(f.sql("SELECT id FROM latest ORDER BY id") == Texts{"2", "7"});
}

TEST_CASE("one write may mix the rows of many tables") {
  SqliteFixture f;
  f.options.partition_rows = 3;
  f.open();
  const SchemaPtr old = counter_schema("1.0");
  const SchemaPtr fresh = counter_schema("2.0", "  - {name: text, type: string}\n");
  BatchBuilder builder;
  for (int i = 0; i < 5; ++i) {
    builder.add("counters/a", old, fmt::format(R"({{"n":{}}})", i));
    builder.add_raw("raw", std::string("\xFF\x00", 2) + std::to_string(i));
    builder.add("counters/b", fresh, fmt::format(R"({{"n":{0},"text":"{0}"}})", i * 10));
    builder.add_raw("raw", "plain " + std::to_string(i));
  }
  CHECK(f.write(builder.done()).accepted == 20);
  CHECK(f.count() == 20);
  CHECK(f.sql("SELECT n FROM counter_v1 ORDER BY id") == Texts{"0", "1", "2", "3", "4"});
  CHECK(f.sql("SELECT n || text FROM counter_v2 ORDER BY id") ==
        Texts{"00", "1010", "2020", "3030", "4040"});
  CHECK(f.sql("SELECT payload FROM messages WHERE topic = 'raw' ORDER BY id LIMIT 4") ==
        Texts{R"({"base64":"/wAw"})", R"("plain 0")", R"({"base64":"/wAx"})", R"("plain 1")"});
  CHECK(f.sql("SELECT count(*) FROM partitions") == Texts{"8"});
}

TEST_CASE("topics are told apart even when their hashes are the same") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("a", "1").topic_hash = 42;
  builder.add_raw("b", "2").topic_hash = 42;
  builder.add_raw("a", "3").topic_hash = 42;
  f.write(builder.done());
  CHECK(f.sql("SELECT topic FROM messages ORDER BY id") == Texts{"a", "b", "a"});
}

TEST_CASE("with synchronous NORMAL a write is durable after flush, not before") {
  SqliteFixture f;
  f.open();
  CHECK(f.write(raws(0, 5)).durable == 0);
  auto durable = f.store->flush();
  require(durable);
  CHECK(*durable == 5);
  CHECK(f.write(raws(5, 5)).durable == 5);
}

TEST_CASE("with synchronous FULL a write is durable at once") {
  SqliteFixture f;
  f.options.synchronous = "FULL";
  f.open();
  CHECK(f.write(raws(0, 5)).durable == 5);
}

TEST_CASE("without write-ahead log NORMAL is durable one write later, FULL at once") {
  SqliteFixture f;
  f.options.journal_mode = "DELETE";
  f.open();
  CHECK(f.write(raws(0, 5)).durable == 0);
  CHECK(f.write(raws(5, 5)).durable == 5);
  f.options.synchronous = "FULL";
  f.open();
  CHECK(f.write(raws(10, 5)).durable == 15);
}

TEST_CASE("a reader that stays in its transaction holds durable back, never the data") {
  SqliteFixture f;
  f.open();
  f.write(raws(0, 5));
  require(f.store->flush());
  SQLite::Database reader(f.options.path, SQLite::OPEN_READONLY);
  SQLite::Transaction snapshot(reader);
  CHECK(reader.execAndGet("SELECT count(*) FROM messages").getInt() == 5);
  f.write(raws(5, 5));
  auto durable = f.store->flush();
  require(durable);
  CHECK(*durable == 5);
  CHECK(f.count() == 10);
  snapshot.commit();
  durable = f.store->flush();
  require(durable);
  CHECK(*durable == 10);
}

TEST_CASE("the log is copied into the database when it has grown, without a flush") {
  SqliteFixture f;
  f.open();
  std::uint64_t durable = 0;
  std::uint64_t after = 0;
  for (int i = 0; i < 20 && durable == 0; ++i, after += 50) {
    durable = f.write(raws(after, 50, 100'000)).durable;
  }
  CHECK(durable == after);
}

TEST_CASE("another program's lock makes the write fail for now, and it succeeds afterwards") {
  SqliteFixture f;
  f.open();
  f.write(raws(0, 5));
  SQLite::Database other(f.options.path, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const Error error = f.write_fails(raws(5, 5));
  CHECK(error.code == Errc::unavailable);
  CHECK(is_retryable(error.code));
  CHECK_THAT(error.context, Catch::Contains(f.options.path) && Catch::Contains("locked"));
  other.exec("COMMIT");
  require(f.store->open());
  CHECK(f.position() == 5);
  f.write(raws(5, 5));
  CHECK(f.count() == 10);
}

TEST_CASE("below the free-space reserve nothing is written") {
  SqliteFixture f;
  f.options.free_space_reserve_bytes = 1ull << 60;
  f.open();
  const Error error = f.write_fails(raws(0, 5));
  CHECK(error.code == Errc::resource_exhausted);
  CHECK_THAT(error.context, Catch::Contains("free_space_reserve_mb"));
  CHECK(f.position() == 0);
  f.options.free_space_reserve_bytes = 0;
  f.open();
  f.write(raws(0, 5));
  CHECK(f.count() == 5);
}

TEST_CASE("a full disk fails the write as a whole; with room again nothing is missing") {
  if (geteuid() != 0) {
    WARN("skipped: mounting a small file system needs root");
    return;
  }
  SqliteFixture f;
  const std::string disk = f.folder.path("disk");
  std::filesystem::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=6m") != 0) {
    WARN("skipped: cannot mount a tmpfs here");
    return;
  }
  f.options.path = disk + "/telemetry.db";
  f.options.free_space_reserve_bytes = 0;
  f.open();
  std::uint64_t written = 0;
  std::optional<Error> error;
  while (!error && written < 100'000) {
    std::vector<BatchPtr> batches{raws(written, 500, 200)};
    auto report = f.try_write(batches);
    if (report)
      written += 500;
    else
      error = report.error();
  }
  REQUIRE(error);
  CHECK(is_retryable(error->code));
  CHECK(mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
  require(f.store->open());
  CHECK(f.position() == written);
  f.write(raws(written, 500, 200));
  CHECK(f.count() == static_cast<std::int64_t>(written) + 500);
  CHECK(f.sql("PRAGMA integrity_check") == Texts{"ok"});
  f.store.reset();
  CHECK(umount(disk.c_str()) == 0);
}

TEST_CASE("an old backup restored goes on from its own position, each row once") {
  SqliteFixture f;
  f.options.partition_rows = 7;
  f.open();
  f.write(raws(0, 10));
  f.store->close();
  std::filesystem::copy_file(f.options.path, f.folder.path("backup"));
  require(f.store->open());
  f.write(raws(10, 10));
  f.store->close();
  std::filesystem::rename(f.folder.path("backup"), f.options.path);
  require(f.store->open());
  CHECK(f.position() == 10);
  f.write(raws(10, 10));
  CHECK(f.count() == 20);
  CHECK(f.sql("SELECT count(DISTINCT id) FROM messages") == Texts{"20"});
}

TEST_CASE("a database that is removed under the writer is noticed and made again") {
  SqliteFixture f;
  f.open();
  f.write(raws(0, 5));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(f.options.path + suffix);
  }
  CHECK(f.write_fails(raws(5, 5)).code == Errc::unavailable);
  require(f.store->open());
  CHECK(f.position() == 0);
  f.write(raws(5, 5));
  CHECK(f.count() == 5);
}

TEST_CASE("the device of a topic follows the schema that judges it") {
  SqliteFixture f;
  f.open();
  const auto schema = [](const std::string& pattern) {
    return parse_schema("{name: s, version: '1.0', topic_pattern: '" + pattern +
                        "', fields: [{name: v, type: integer}]}");
  };
  const auto device_after = [&](std::uint64_t id, const SchemaPtr& judge) {
    BatchBuilder builder(id - 1);
    const std::string payload = R"({"v": 1})";
    if (judge == nullptr)
      builder.add_raw("hall/left/7", payload);
    else
      builder.add("hall/left/7", judge, payload);
    f.write(builder.done());
    return f.sql("SELECT device FROM topics").at(0);
  };
  CHECK(device_after(1, nullptr) == "NULL");
  CHECK(device_after(2, schema("hall/{device}/7")) == "left");
  CHECK(device_after(3, schema("hall/left/{device}")) == "7");
  CHECK(device_after(4, nullptr) == "7");
  f.open();
  CHECK(device_after(5, schema("hall/left/{device}")) == "7");
  CHECK(device_after(6, schema("{device}/left/7")) == "hall");
  CHECK(device_after(7, schema("hall/left/7")) == "NULL");
  CHECK(f.sql("SELECT count(*) FROM topics").at(0) == "1");
}

TEST_CASE("a payload with a NUL byte is binary, here as in every output") {
  SqliteFixture f;
  f.open();
  const std::string_view payload("a\0b", 3);
  BatchBuilder builder;
  builder.add_raw("t", payload);
  f.write(builder.done());
  CHECK(f.sql("SELECT kind || payload FROM raw_p1").at(0) == "2YQBi");
  CHECK(payload_kind(payload) == Row::RawKind::binary);
}

TEST_CASE("rows that another program deleted are gone for the writer too") {
  SqliteFixture f;
  f.open();
  f.write(raws(0, 5));
  f.run_sql("DELETE FROM raw_p1 WHERE id = 3; DELETE FROM latest; DELETE FROM topics");
  f.write(raws(5, 1));
  CHECK(f.sql("SELECT topic FROM topics") == Texts{"raw"});
  CHECK(f.sql("SELECT id FROM latest") == Texts{"6"});
}
