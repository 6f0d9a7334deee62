// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "adapters/sqlite_store.hpp"
#include "catalogue.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/core/time.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

using Texts = std::vector<std::string>;

constexpr const char* weather_schema = R"(
name: weather
version: "2.1"
topic_pattern: weather/#
validation: {strict: true, allow_extra_fields: true}
fields:
  - {name: id, type: string, required: true}
  - name: location
    type: object
    fields:
      - {name: lat, type: float}
      - {name: lon, type: float}
      - {name: floor, type: object, fields: [{name: number, type: integer}]}
  - {name: wet, type: boolean}
  - {name: Time, type: integer}
  - {name: measured, type: timestamp}
  - {name: history, type: array, items: {type: float}}
)";

std::string time_text(std::int64_t ns) {
  char text[core::time_text_bytes_max];
  return {text, core::format_time(ns, text)};
}

}  // namespace

TEST_CASE("the messages view shows what the device sent, keys in schema order, times in UTC") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"seq":7,"timestamp":"2025-11-11T13:00:00.123+01:00","sensor_id":"sensor-001",)"
              R"("temperature":23.51,"humidity":48})",
              start_ns + 5);
  f.write(builder.done());
  CHECK(f.sql("SELECT id FROM messages") == Texts{"1"});
  CHECK(f.sql("SELECT topic FROM messages") == Texts{"sensors/a/temperature"});
  CHECK(f.sql("SELECT payload FROM messages") ==
        Texts{R"({"temperature":23.51,"humidity":48.0,"sensor_id":"sensor-001",)"
              R"("timestamp":"2025-11-11T12:00:00.123Z","seq":7})"});
  CHECK(f.sql("SELECT timestamp FROM messages") == Texts{"2025-11-11T12:00:00.123Z"});
  CHECK(f.sql("SELECT received_at FROM messages") == Texts{"2026-11-21T08:00:00.000000005Z"});
  CHECK(f.sql("SELECT created_at FROM messages") == Texts{"2026-11-21T08:00:00.000000005Z"});
  CHECK(f.sql("SELECT time_ns FROM messages") == Texts{"1762862400123000000"});
  CHECK(f.sql("SELECT payload->>'temperature' FROM messages") == Texts{"23.51"});
}

TEST_CASE("absent fields are left out; the payload can be empty") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("weather/x", parse_schema(weather_schema), R"({"id":"a"})");
  builder.add("other",
              parse_schema("{name: other, version: '1.0', topic_pattern: other, "
                           "fields: [{name: a, type: integer}]}"),
              "{}");
  f.write(builder.done());
  CHECK(f.sql("SELECT payload FROM messages ORDER BY id") == Texts{R"({"id":"a"})", "{}"});
}

TEST_CASE("nested objects, booleans, arrays, timestamps and undeclared members are rebuilt") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("weather/x", parse_schema(weather_schema),
              R"({"id":"quote \" and \u0000","location":{"lat":-1.5,"floor":{"number":3}},)"
              R"("wet":true,"Time":-9007199254740993,"measured":"1969-12-31T23:59:59.999999999Z",)"
              R"("history":[1,2.50],"colour":{"r":1}})");
  builder.add("weather/x", parse_schema(weather_schema), R"({"id":"b","wet":false})");
  f.write(builder.done());
  CHECK(f.sql("SELECT payload FROM messages ORDER BY id") ==
        Texts{R"({"id":"quote \" and \u0000","location":{"lat":-1.5,"floor":{"number":3}},)"
              R"("wet":true,"Time":-9007199254740993,"measured":"1969-12-31T23:59:59.999999999Z",)"
              R"("history":[1,2.50],"colour":{"r":1}})",
              R"({"id":"b","wet":false})"});
}

TEST_CASE("a field whose name is taken by a column of ours gets another column, not another key") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("weather/x", parse_schema(weather_schema), R"({"id":"mine","Time":5})");
  f.write(builder.done());
  CHECK(f.sql("SELECT id_ FROM weather_v2") == Texts{"mine"});
  CHECK(f.sql("SELECT Time_ FROM weather_v2") == Texts{"5"});
  CHECK(f.sql("SELECT payload FROM messages") == Texts{R"({"id":"mine","Time":5})"});
}

TEST_CASE("the column of blocks evades a field of an older file") {
  sqlite::Layout layout;
  CHECK(layout.block() == "block");
  layout.columns = {{"Block", "Block"}, {"block_", "block_"}};
  CHECK(layout.block() == "block__");
}

TEST_CASE("each major version has a view with a column a field, times as text") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"timestamp":1762862400,"sensor_id":"sensor-001","temperature":1})");
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"sensor_id":"sensor-002","temperature":2})");
  f.write(builder.done());
  CHECK(f.sql("SELECT name FROM pragma_table_info('temperature_sensor_v1')") ==
        Texts{"id", "topic", "time", "received_at", "temperature", "humidity", "sensor_id",
              "timestamp", "seq", "extra", "time_ns", "device", "retained"});
  CHECK(f.sql("SELECT timestamp FROM temperature_sensor_v1 ORDER BY id") ==
        Texts{"2025-11-11T12:00:00Z", "NULL"});
  CHECK(f.sql("SELECT time FROM temperature_sensor_v1 ORDER BY id") ==
        Texts{"2025-11-11T12:00:00Z", "2026-11-21T08:00:00.002Z"});
}

TEST_CASE(
    "the views have the device that the topic names, a field called device has its own column") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("m/one",
              parse_schema("{name: m, version: '1.0', topic_pattern: 'm/{device}', fields: "
                           "[{name: Device, type: string}]}"),
              R"({"Device":"two"})");
  builder.add_raw("raw", "1");
  f.write(builder.done());
  CHECK(f.sql("SELECT device FROM messages ORDER BY id") == Texts{"one", "NULL"});
  CHECK(f.sql("SELECT device FROM m_v1") == Texts{"one"});
  CHECK(f.sql("SELECT Device_ FROM m_v1") == Texts{"two"});
}

TEST_CASE("the columns of device and retained evade fields of an older file") {
  const sqlite::Layout layout{1, "m", 1, 0, false, {{"Device", "Device"}}};
  const Texts columns{"Device", "device_", "Retained"};
  CHECK_THAT(sqlite::schema_arm(layout, "m_v1_p1", columns),
             Catch::Contains(",t.device AS device__,(p.flags&4)<>0 AS retained_ FROM"));
}

TEST_CASE("the views say which rows were retained") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  const auto schema = parse_schema(
      "{name: m, version: '1.0', topic_pattern: m, fields: [{name: retained, type: string}]}");
  builder.add("m", schema, R"({"retained":"x"})").flags |= core::frame_flag::retained;
  builder.add("m", schema, "{}");
  builder.add_raw("raw", "1").flags |= core::frame_flag::retained;
  f.write(builder.done());
  CHECK(f.sql("SELECT retained FROM messages ORDER BY id") == Texts{"1", "0", "1"});
  CHECK(f.sql("SELECT retained FROM m_v1 ORDER BY id") == Texts{"1", "0"});
  CHECK(f.sql("SELECT retained_ FROM m_v1 ORDER BY id") == Texts{"x", "NULL"});
}

TEST_CASE("a device time that was not believed is kept beside the receive time") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  Reading& reading = builder.add(
      "sensors/a/temperature", temperature_schema(),
      R"({"timestamp":"1970-01-01T00:00:09Z","sensor_id":"sensor-001","temperature":1})");
  reading.time = reading.received_at;
  reading.flags = static_cast<std::uint16_t>(reading.flags & ~core::frame_flag::time_from_device);
  f.write(builder.done());
  CHECK(f.sql("SELECT timestamp FROM messages") == Texts{"2026-11-21T08:00:00.001Z"});
  CHECK(f.sql("SELECT payload->>'timestamp' FROM messages") == Texts{"1970-01-01T00:00:09Z"});
}

TEST_CASE("a row with a value that lenient mode read keeps the warning in its flags") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  const char* const payload = R"({"sensor_id":"sensor-001","temperature":1})";
  builder.add("sensors/a/temperature", temperature_schema(), payload);
  builder.add("sensors/a/temperature", temperature_schema(), payload).flags |=
      core::frame_flag::coerced;
  f.write(builder.done());
  CHECK(f.sql("SELECT flags&128 FROM temperature_sensor_v1_p1 ORDER BY id") == Texts{"0", "128"});
}

TEST_CASE("a row with a rounded value keeps the warning in its flags") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  const char* const payload = R"({"sensor_id":"sensor-001","temperature":1})";
  builder.add("sensors/a/temperature", temperature_schema(), payload).flags |=
      core::frame_flag::rounded;
  f.write(builder.done());
  CHECK(f.sql("SELECT flags&256 FROM temperature_sensor_v1_p1") == Texts{"256"});
}

TEST_CASE("payloads without schema show as JSON, as text, or as base64") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("raw", R"({"b": 1, "a": [null]})");
  builder.add_raw("raw", "on \"fire\"");
  builder.add_raw("raw", std::string_view("\xff\x00\x01", 3));
  builder.add_raw("raw", "");
  builder.add_raw("raw", "18446744073709551615");
  builder.add_raw("raw", std::string_view("a\0b", 3));
  f.write(builder.done());
  CHECK(f.sql("SELECT payload FROM messages ORDER BY id") ==
        Texts{R"({"b": 1, "a": [null]})", R"("on \"fire\"")", R"({"base64":"/wAB"})", R"("")",
              "18446744073709551615", R"({"base64":"YQBi"})"});
}

TEST_CASE("every time prints in SQL as it prints in C++") {
  SqliteFixture f;
  f.open();
  const auto schema = parse_schema(
      "{name: t, version: '1.0', topic_pattern: t, fields: [{name: at, type: timestamp}]}");
  std::mt19937_64 random(20261121);
  BatchBuilder builder;
  Texts expected;
  constexpr std::int64_t units[] = {1, 1'000, 1'000'000, 1'000'000'000, 86'400'000'000'000};
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t unit = units[static_cast<std::size_t>(i) % std::size(units)];
    std::int64_t ns = static_cast<std::int64_t>(random() >> 1) / unit * unit;
    if (i % 3 == 0) ns = -ns;
    const core::Value value = core::Value::time(ns);
    builder.add_values("t", schema, {&value, 1});
    expected.push_back(time_text(ns));
  }
  f.write(builder.done());
  CHECK(f.sql("SELECT at FROM t_v1 ORDER BY id") == expected);
}

TEST_CASE("the messages view finds topic, id and time by index") {
  SqliteFixture f;
  f.options.partition_rows = 100;
  f.open();
  BatchBuilder builder;
  for (int i = 0; i < 490; ++i) {
    builder.add("sensors/s" + std::to_string(i % 7) + "/temperature", temperature_schema(),
                R"({"temperature":1,"sensor_id":"sensor-001"})");
    builder.add_raw("raw/" + std::to_string(i % 5), "1");
  }
  f.write(builder.done());
  for (std::uint64_t row = 980; row < 988; ++row) {  // each closed table gets its index
    f.clock.advance(600'000'000'000);
    BatchBuilder more(row);
    more.add_raw("raw/1", "1");
    f.write(more.done());
  }
  // True when this many tables of rows, of 10, are searched the way `how` says.
  const auto searches = [&](const std::string& where, const std::string& how, int wanted = 10) {
    SQLite::Database database(f.options.path, SQLite::OPEN_READONLY);
    SQLite::Statement plan(database, "EXPLAIN QUERY PLAN SELECT * FROM messages WHERE " + where);
    int tables = 0, matching = 0;
    while (plan.executeStep()) {
      const std::string line = plan.getColumn(3).getString();
      if (line.find(" p") != 4 && line.find(" p") != 6) continue;
      ++tables;
      if (line.find(how) != std::string::npos) ++matching;
    }
    CHECK(tables == 10);
    return matching == wanted;
  };
  // Of a table that is open, each block; but for a time alone all rows.
  CHECK(searches("topic = 'raw/1'", "topic_id=?)"));
  CHECK(searches("id = 7", "(rowid=?)"));
  CHECK(searches("id BETWEEN 7 AND 9", "(rowid>? AND rowid<?)"));
  CHECK(searches("time_ns >= 5 AND time_ns < 6", "AND time>? AND time<?)", 8));
  CHECK(searches("topic = 'raw/1' AND time_ns > 5 ORDER BY time_ns DESC LIMIT 3",
                 "topic_id=? AND time>?)"));
  CHECK_FALSE(searches("payload LIKE '%x%'", "time>?"));  // the check can fail
}

TEST_CASE("the newest rows of a view are found by id, without sorting") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("sensors/s1/temperature", temperature_schema(),
              R"({"temperature":1,"sensor_id":"sensor-001"})");
  f.write(builder.done());
  for (const char* query :
       {"SELECT id FROM messages ORDER BY id DESC LIMIT 1",
        "SELECT topic, payload, timestamp FROM messages ORDER BY id DESC LIMIT 5",
        "SELECT topic, temperature FROM temperature_sensor_v1 ORDER BY id DESC LIMIT 5"}) {
    CAPTURE(query);
    SQLite::Database database(f.options.path, SQLite::OPEN_READONLY);
    SQLite::Statement plan(database, std::string("EXPLAIN QUERY PLAN ") + query);
    std::string text;
    while (plan.executeStep()) text += plan.getColumn(3).getString() + "\n";
    CHECK(text.find("SCAN p\n") != std::string::npos);
    CHECK(text.find("TEMP B-TREE") == std::string::npos);
  }
}

TEST_CASE("a row of the temperature sensor takes at most 100 bytes") {
  SqliteFixture f;
  f.open();
  const auto schema = temperature_schema();
  constexpr int rows = 100'000;
  for (int first = 0; first < rows; first += 25'000) {
    BatchBuilder builder(static_cast<std::uint64_t>(first));
    for (int i = first; i < first + 25'000; ++i) {
      const std::int64_t at = start_ns + i * std::int64_t{1'234'567};
      builder.add("sensors/sensor-" + std::to_string(i % 1000) + "/temperature", schema,
                  R"({"temperature":)" + std::to_string(20 + i % 700 / 100.0).substr(0, 5) +
                      R"(,"humidity":48.5,"sensor_id":"sensor-)" + std::to_string(100 + i % 900) +
                      R"(","timestamp":")" + time_text(at / 1'000'000 * 1'000'000) + R"(","seq":)" +
                      std::to_string(i / 1000) + "}",
                  at + 3'456'789);
    }
    f.write(builder.done());
  }
  require(f.store->flush());
  f.store->close();
  const double bytes = static_cast<double>(std::filesystem::file_size(f.options.path)) / rows;
  WARN("bytes a row: " << bytes);
  CHECK(bytes <= 100);
}

TEST_CASE("an absent text is left out of the view, at the top and inside objects") {
  SqliteFixture f;
  f.open();
  const auto schema = parse_schema(
      "{name: texts, version: '1.0', topic_pattern: t, validation: {allow_extra_fields: true}, "
      "fields: [{name: v, type: float}, {name: state, type: string}, "
      "{name: loc, type: object, fields: [{name: room, type: string}]}]}");
  BatchBuilder builder;
  builder.add("t", schema, R"({"v":1})");
  builder.add("t", schema, R"({"v":1,"state":"","loc":{"room":"a"},"more":2})");
  f.write(builder.done());
  CHECK(f.sql("SELECT payload FROM messages ORDER BY id") ==
        Texts{R"({"v":1.0})", R"({"v":1.0,"state":"","loc":{"room":"a"},"more":2})"});
}
