// SPDX-License-Identifier: Apache-2.0
// How fast the SQLite store writes and answers, and how large it gets. Checks its own counts.
// Usage: bench_sqlite [ROWS] [TOPICS] [BATCH_ROWS] [NORMAL|FULL] [FILE] [US]
// US: microseconds of device time between two messages.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <time.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "conformance/temporary_folder.hpp"
#include "simulator/temperature_schema.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/schema.hpp"

using namespace telemetry;

namespace {

constexpr std::int64_t start_ns = 1'795'248'000'000'000'000;
constexpr JournalId journal{1};

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "bench_sqlite: {}\n", what);
  std::exit(1);
}

template <class T>
void require(const Result<T>& result) {
  if (!result) fail(to_string(result.error()));
}

struct Load {
  std::shared_ptr<const Schema> schema;
  std::vector<std::string> topics;
  std::vector<std::string> sensors;
  std::int64_t step_ns;

  Load(std::size_t topic_count, std::int64_t step) : step_ns(step) {
    std::vector<Diagnostic> diagnostics;
    auto parsed = Schema::parse(simulator::temperature_schema, "bench", diagnostics);
    require(parsed);
    schema = *parsed;
    for (std::size_t i = 0; i < topic_count; ++i) {
      topics.push_back(fmt::format("sensors/sensor-{:03}/temperature", i));
      sensors.push_back(fmt::format("sensor-{:03}", i));
    }
  }

  BatchPtr batch(std::uint64_t after, std::uint64_t rows) const {
    auto batch = std::make_shared<Batch>();
    batch->after = after;
    batch->last = after + rows;
    batch->schemas = schema;
    batch->readings.resize(rows);
    const auto memory = batch->arena.allocate(rows * 5 * sizeof(core::Value), alignof(core::Value));
    auto* values = reinterpret_cast<core::Value*>(memory.data());
    for (std::uint64_t i = 0; i < rows; ++i, values += 5) {
      Reading& reading = batch->readings[i];
      const std::uint64_t id = after + i + 1;
      const std::size_t sensor = id % topics.size();
      const std::int64_t now = start_ns + static_cast<std::int64_t>(id) * step_ns;
      reading.id = id;
      reading.topic = topics[sensor];
      reading.topic_hash = hash64(topics[sensor]);
      reading.schema = schema.get();
      reading.time = now / 1'000'000 * 1'000'000;
      reading.received_at = now + 2'345'678;
      reading.flags = 1 | core::frame_flag::time_from_device;
      const auto noise = static_cast<std::int64_t>(id * 2'654'435'761u % 1000);
      new (values) core::Value(core::Value::decimal({2000 + noise, -2}));
      new (values + 1) core::Value(core::Value::decimal({400 + noise / 10, -1}));
      new (values + 2) core::Value(core::Value::text(sensors[sensor]));
      new (values + 3) core::Value(core::Value::time(reading.time));
      new (values + 4)
          core::Value(core::Value::integer(static_cast<std::int64_t>(id / topics.size())));
      reading.values = {values, 5};
    }
    return batch;
  }
};

void measure_query(Store& store, const std::string& name, const Query& query,
                   std::uint64_t expected) {
  double best = 1e9, best_cpu = 1e9;
  for (int round = 0; round < 5; ++round) {
    std::uint64_t rows = 0;
    const double begin = seconds(CLOCK_MONOTONIC), cpu_begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    require(store.query(query, [&](const Row&) { return ++rows > 0; }));
    best = std::min(best, seconds(CLOCK_MONOTONIC) - begin);
    best_cpu = std::min(best_cpu, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin);
    if (rows != expected) fail(fmt::format("{}: {} rows, expected {}", name, rows, expected));
    if (best > 1) break;
  }
  fmt::print("{:<44} {:>9.2f} ms  {:.2f} ms CPU  {} rows\n", name, best * 1e3, best_cpu * 1e3,
             expected);
}

constexpr int call_rows = 100'000;
constexpr const char* call_table =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c, d, e, f, g, h)";
constexpr const char* call_insert = "INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?)";

// Nanoseconds a row of `insert(row)` into a table in memory.
double time_calls(SQLite::Database& database, const std::function<void(int)>& insert) {
  database.exec("BEGIN");
  const double begin = seconds(CLOCK_THREAD_CPUTIME_ID);
  for (int row = 0; row < call_rows; ++row) insert(row);
  const double took = seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
  database.exec("COMMIT");
  if (database.execAndGet("SELECT count(*) FROM t").getInt() != call_rows)
    fail("rows of the calls");
  return took / call_rows * 1e9;
}

double time_wrapped(std::string_view sensor) {
  SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX);
  database.exec(call_table);
  SQLite::Statement insert(database, call_insert);
  std::string text;
  return time_calls(database, [&](int row) {
    for (int k : {1, 2, 3, 4, 5, 9}) insert.bind(k, static_cast<std::int64_t>(row));
    insert.bind(6, 23.5);
    insert.bind(7, 48.0);
    text = sensor;  // it takes no string_view
    insert.bindNoCopy(8, text);
    insert.exec();
    insert.reset();
  });
}

double time_raw(std::string_view sensor) {
  SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX);
  database.exec(call_table);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(database.getHandle(), call_insert, -1, &insert, nullptr);
  const double result = time_calls(database, [&](int row) {
    for (int k : {1, 2, 3, 4, 5, 9}) sqlite3_bind_int64(insert, k, row);
    sqlite3_bind_double(insert, 6, 23.5);
    sqlite3_bind_double(insert, 7, 48.0);
    sqlite3_bind_text64(insert, 8, sensor.data(), sensor.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (sqlite3_step(insert) != SQLITE_DONE) fail("raw insert");
    sqlite3_reset(insert);
  });
  sqlite3_finalize(insert);
  return result;
}

// What the wrapper costs on the insert path: interleaved rounds, the least of each.
void compare_calls() {
  double wrapped = 1e9, raw = 1e9;
  for (int round = 0; round < 9; ++round) {
    wrapped = std::min(wrapped, time_wrapped("sensor-001-of-hall-7"));
    raw = std::min(raw, time_raw("sensor-001-of-hall-7"));
  }
  fmt::print("{:<44} {:>9.0f} ns/row  sqlite3_* {:.0f} ns/row\n", "insert in memory: SQLiteCpp",
             wrapped, raw);
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int index, const char* fallback) {
    return std::string(argc > index ? argv[index] : fallback);
  };
  const std::uint64_t rows = std::strtoull(argument(1, "1000000").c_str(), nullptr, 10);
  const std::uint64_t topics = std::strtoull(argument(2, "1000").c_str(), nullptr, 10);
  const std::uint64_t batch_rows = std::strtoull(argument(3, "25000").c_str(), nullptr, 10);
  if (rows == 0 || topics == 0 || batch_rows == 0) fail("ROWS, TOPICS, BATCH_ROWS from 1");
  test::TemporaryFolder folder;
  SqliteOptions options;
  options.synchronous = argument(4, "NORMAL");
  options.path = argument(5, folder.path("bench.db").c_str());

  compare_calls();
  const auto step_us = std::strtoll(argument(6, "100").c_str(), nullptr, 10);  // 10,000 a second
  if (step_us <= 0) fail("US from 1");
  Load load(topics, step_us * 1000);
  auto store = make_sqlite_store(options, system_environment());
  require(store->open());
  const OnRejected none_is_rejected = [](std::span<const Rejected> refused) -> Result<void> {
    return Error{Errc::internal, refused.front().reason};
  };
  double wall = 0, cpu = 0, slowest = 0;
  for (std::uint64_t done = 0; done < rows;) {
    const std::uint64_t count = std::min(batch_rows, rows - done);
    const std::vector<BatchPtr> batches{load.batch(done, count)};
    const double begin = seconds(CLOCK_MONOTONIC), cpu_begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    auto report = store->write(journal, batches, none_is_rejected);
    const double took = seconds(CLOCK_MONOTONIC) - begin;
    require(report);
    if (report->accepted != count) fail("rows were not accepted");
    wall += took;
    slowest = std::max(slowest, took);
    cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
    done += count;
  }
  require(store->flush());
  store->close();
  const double bytes = static_cast<double>(std::filesystem::file_size(options.path));
  const auto n = static_cast<double>(rows);
  fmt::print("{:<44} {:>9.0f} rows/s  {:.0f} ns CPU/row  slowest write {:.0f} ms\n",
             fmt::format("write, {} topics, batches of {}", topics, batch_rows), n / wall,
             cpu / n * 1e9, slowest * 1e3);
  fmt::print("{:<44} {:>9.1f}\n", "bytes a row", bytes / n);

  const std::string topic = load.topics[rows % topics];  // the topic of the last row
  const std::uint64_t of_topic = (rows - 1) / topics + 1;
  Query query;
  query.topics = {topic};
  query.order = Order::time_descending;
  query.limit = 100;
  measure_query(*store, "last 100 of a topic", query, std::min<std::uint64_t>(100, of_topic));
  query = {};
  query.topics = {"sensors/+/temperature"};
  query.since = start_ns + static_cast<std::int64_t>(rows / 2) * load.step_ns;
  query.until = *query.since + 1'000'000'000;
  const std::uint64_t second =
      std::max<std::uint64_t>(1, 1'000'000'000 / static_cast<std::uint64_t>(load.step_ns));
  if (1'000'000'000 % load.step_ns == 0 && rows > 2 * second + 20)
    measure_query(*store, "1 s of every topic", query, second);
  query = {};
  measure_query(*store, "everything in time order", query, rows);
  query.order = Order::time_descending;
  query.limit = 100;
  measure_query(*store, "last 100 of everything", query, std::min<std::uint64_t>(100, rows));
  std::uint64_t newest = 0;
  const double begin = seconds(CLOCK_MONOTONIC);
  require(store->latest(Latest(), [&](const Row&) { return ++newest > 0; }));
  fmt::print("{:<44} {:>9.2f} ms  {} rows\n", "latest of every topic",
             (seconds(CLOCK_MONOTONIC) - begin) * 1e3, newest);
  if (newest != std::min(topics, rows)) fail("latest of every topic");
  return 0;
}
