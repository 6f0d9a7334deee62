// SPDX-License-Identifier: Apache-2.0
// The store lane: a consumer that is behind reads the journal, decodes, and commits rows and cursor
// to SQLite. The journal is filled through the door first, 1 message a second from every topic, so
// that 10 minutes of a topic are 600 rows. Rates are of the whole lane, the first and the last
// million apart; then the size of the file and two queries on the same database, whose rows are
// checked one by one. With ROWS a multiple of 500,000 the open partition is full. The same rows go
// into tables with an index by topic and time by plain SQLite calls as well, a statement a row,
// without journal, decoder and cursor: what such tables cost on this machine at that hour.
//
// usage: bench_store [ROWS] [TOPICS] [BATCH_ROWS] [FOLDER]
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "conformance/temporary_folder.hpp"
#include "simulator/temperature_schema.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/consumer.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/ingest.hpp"

using namespace telemetry;

namespace {

constexpr std::int64_t start_ns = 1'795'248'000'000'000'000;
constexpr std::uint64_t window_rows = 1'000'000;
constexpr int query_rounds = 21;

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "bench_store: {}\n", what);
  std::exit(1);
}

template <class T>
T require(Result<T> result) {
  if (!result) fail(to_string(result.error()));
  return *std::move(result);
}
void require(const Result<void>& result) {
  if (!result) fail(to_string(result.error()));
}

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Load {
  std::uint64_t rows;
  std::uint64_t topics;

  [[nodiscard]] std::string sensor(std::uint64_t topic) const {
    return fmt::format("sensor-{:05}", topic);
  }
  [[nodiscard]] std::string topic(std::uint64_t topic) const {
    return fmt::format("sensors/{}/temperature", sensor(topic));
  }
  /// Of message 0, 1, ...; whole milliseconds, as devices write them.
  [[nodiscard]] std::int64_t time(std::uint64_t message) const {
    return start_ns + static_cast<std::int64_t>(message * 1'000 / topics) * 1'000'000;
  }
};

/// One message from each topic in turn, through the door.
void fill(Ingest& ingest, const Load& load) {
  const auto door = ingest.make_door();
  std::vector<std::string> topics, sensors;
  for (std::uint64_t i = 0; i < load.topics; ++i) {
    topics.push_back(load.topic(i));
    sensors.push_back(load.sensor(i));
  }
  std::string payload;
  std::array<char, core::time_text_bytes_max> text;
  for (std::uint64_t i = 0; i < load.rows; ++i) {
    const std::uint64_t noise = i * 2'654'435'761u % 1'000;
    const std::int64_t time = load.time(i);
    payload.clear();
    fmt::format_to(std::back_inserter(payload),
                   R"({{"temperature":{}.{:02},"humidity":{}.{},"sensor_id":"{}",)"
                   R"("timestamp":"{}","seq":{}}})",
                   20 + noise / 100, noise % 100, 40 + noise % 7, noise % 10,
                   sensors[i % load.topics],
                   std::string_view(text.data(), core::format_time(time, text)), i / load.topics);
    door->add({.topic = topics[i % load.topics],
               .payload = payload,
               .qos = 1,
               .received_at = time + 2'345'678});
    if (door->open_messages() == 5'000 || i + 1 == load.rows) require(door->commit());
  }
  const IngestStats stats = ingest.stats();
  if (stats.valid != load.rows || stats.journaled != load.rows)
    fail("the door found a good message bad");
}

/// The store, and when it had committed how many rows.
class TimedSink final : public Sink {
 public:
  struct Commit {
    std::uint64_t rows;
    double at;
  };
  explicit TimedSink(std::unique_ptr<Store> store) : store_(std::move(store)) {}
  std::string name() const override { return store_->name(); }
  Result<void> open() override { return store_->open(); }
  SinkTraits traits() const override { return store_->traits(); }
  Result<std::optional<Position>> position(const JournalId& journal) override {
    return store_->position(journal);
  }
  Result<WriteReport> write(const JournalId& journal, std::span<const BatchPtr> batches,
                            const OnRejected& on_rejected) override {
    const double began = seconds(CLOCK_MONOTONIC);
    auto report = store_->write(journal, batches, on_rejected);
    const double now = seconds(CLOCK_MONOTONIC);
    if (report) rows_ += report->accepted;
    commits.push_back({rows_, now});
    in_store += now - began;
    slowest = std::max(slowest, now - began);
    return report;
  }
  Result<std::uint64_t> flush() override { return store_->flush(); }
  void close() noexcept override { store_->close(); }

  std::vector<Commit> commits;
  double in_store = 0;
  double slowest = 0;

 private:
  std::unique_ptr<Store> store_;
  std::uint64_t rows_ = 0;
};

/// Rows a second between two counts of committed rows.
double rate(const std::vector<TimedSink::Commit>& commits, std::uint64_t from, std::uint64_t to) {
  const auto at = [&](std::uint64_t rows) {
    return *std::lower_bound(
        commits.begin(), commits.end(), rows,
        [](const TimedSink::Commit& one, std::uint64_t wanted) { return one.rows < wanted; });
  };
  const auto first = at(from), last = at(to);
  return static_cast<double>(last.rows - first.rows) / (last.at - first.at);
}

/// What SQLite makes of at most a million of the rows: rows a second, checkpoints included.
double plain_rate(const Load& load, const SqliteOptions& options, std::uint64_t batch_rows) {
  const std::string path = options.path + ".plain";
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec(fmt::format(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=10000;"
      "PRAGMA cache_size=-{}",
      options.cache_bytes / 1024));
  std::vector<std::string> sensors;
  for (std::uint64_t i = 0; i < load.topics; ++i) sensors.push_back(load.sensor(i));
  sqlite3_stmt* insert = nullptr;
  const std::uint64_t rows = std::min(window_rows, load.rows);
  const double began = seconds(CLOCK_MONOTONIC);
  for (std::uint64_t i = 0; i < rows; ++i) {
    if (i % batch_rows == 0) database.exec(i == 0 ? "BEGIN" : "COMMIT; BEGIN");
    if (i % options.partition_rows == 0) {
      const std::uint64_t part = i / options.partition_rows;
      database.exec(fmt::format(
          "CREATE TABLE p{0} (id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL,"
          " time INTEGER NOT NULL, delay INTEGER NOT NULL, flags INTEGER NOT NULL,"
          " temperature REAL, humidity REAL, sensor_id TEXT, timestamp INTEGER, seq INTEGER);"
          "CREATE INDEX p{0}_topic_time ON p{0} (topic_id, time)",
          part));
      const std::string sql = fmt::format("INSERT INTO p{} VALUES (?,?,?,?,?,?,?,?,?,?)", part);
      sqlite3_finalize(insert);
      if (sqlite3_prepare_v2(database.getHandle(), sql.c_str(), -1, &insert, nullptr) != SQLITE_OK)
        fail("a plain insert is refused");
    }
    const auto number = static_cast<std::int64_t>(i);
    const std::string& sensor = sensors[i % load.topics];
    sqlite3_bind_int64(insert, 1, number + 1);
    sqlite3_bind_int64(insert, 2, static_cast<std::int64_t>(i % load.topics));
    sqlite3_bind_int64(insert, 3, load.time(i));
    sqlite3_bind_int64(insert, 4, 2'345'678);
    sqlite3_bind_int64(insert, 5, 1);
    sqlite3_bind_double(insert, 6, 20 + static_cast<double>(i % 1'000) / 100);
    sqlite3_bind_double(insert, 7, 40 + static_cast<double>(i % 70) / 10);
    sqlite3_bind_text64(insert, 8, sensor.data(), sensor.size(), SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(insert, 10, static_cast<std::int64_t>(i / load.topics));
    if (sqlite3_step(insert) != SQLITE_DONE) fail("a plain insert is refused");
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  database.exec("COMMIT; PRAGMA wal_checkpoint(FULL)");
  return static_cast<double>(rows) / (seconds(CLOCK_MONOTONIC) - began);
}

void drain(Ingest& ingest, const Load& load, const SqliteOptions& options,
           std::uint64_t batch_rows) {
  auto owned = std::make_unique<TimedSink>(make_sqlite_store(options, system_environment()));
  TimedSink& sink = *owned;
  Feed feed(0);
  ConsumerOptions consumer_options;
  consumer_options.batch_rows_max = batch_rows;
  Consumer consumer(std::move(owned), ingest.journal(), feed, consumer_options,
                    system_environment());
  require(consumer.open());
  std::stop_source stop;
  stop.request_stop();  // to the journal's end, then return
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  sink.commits.push_back({0, seconds(CLOCK_MONOTONIC)});
  consumer.run(stop.get_token(), INT64_MAX / 2);
  const double wall = seconds(CLOCK_MONOTONIC) - sink.commits.front().at;
  if (consumer.stats().accepted != load.rows || sink.commits.back().rows != load.rows)
    fail(fmt::format("{} of {} rows were accepted", consumer.stats().accepted, load.rows));
  const std::uint64_t window = std::min(window_rows, load.rows);
  const double first = rate(sink.commits, 0, window);
  const double last = rate(sink.commits, load.rows - window, load.rows);
  const auto rows = static_cast<double>(load.rows);
  fmt::print("lane, {} rows, {} topics, batches of {}: {:.0f} rows/s with the last checkpoint\n",
             load.rows, load.topics, batch_rows, rows / wall);
  fmt::print("  first {} rows {:.0f} rows/s, last {:.0f} rows/s, ratio {:.2f}\n", window, first,
             last, last / first);
  fmt::print("  {:.0f} ns CPU a row; {:.0f} % of the time in the store; slowest write {:.0f} ms\n",
             (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / rows * 1e9, sink.in_store / wall * 100,
             sink.slowest * 1e3);
}

void report_file(const Load& load, const std::string& path) {
  SQLite::Database database(path);
  const auto stored = static_cast<std::uint64_t>(
      database.execAndGet("SELECT sum(row_count) FROM partitions").getInt64());
  if (stored != load.rows) fail(fmt::format("{} of {} rows are stored", stored, load.rows));
  const std::int64_t open =
      database.execAndGet("SELECT row_count FROM partitions WHERE open").getInt64();
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  fmt::print("  {:.1f} bytes a row; {} partitions, {} rows in the open one\n",
             bytes / static_cast<double>(load.rows),
             database.execAndGet("SELECT count(*) FROM partitions").getInt(), open);
}

/// @param expected ids, in order
void measure(Store& store, const std::string& name, const Query& query,
             const std::vector<std::uint64_t>& expected) {
  std::vector<double> took;
  for (int round = 0; round < query_rounds; ++round) {
    std::vector<std::uint64_t> found;
    found.reserve(expected.size());
    const double began = seconds(CLOCK_MONOTONIC);
    require(store.query(query, [&](const Row& row) {
      if (row.topic == query.topics.front() && row.fields.size() == 5) found.push_back(row.id);
      return true;
    }));
    took.push_back(seconds(CLOCK_MONOTONIC) - began);
    if (found != expected) fail(fmt::format("{}: other rows than expected", name));
  }
  std::sort(took.begin(), took.end());
  fmt::print("  {}: median of {} {:.2f} ms, least {:.2f}, most {:.2f}; {} rows\n", name,
             query_rounds, took[took.size() / 2] * 1e3, took.front() * 1e3, took.back() * 1e3,
             expected.size());
}

void measure_queries(const Load& load, const SqliteOptions& options) {
  const auto store = make_sqlite_store(options, system_environment());
  const std::uint64_t topic = load.topics / 3;
  if (load.rows <= topic) return;
  const std::uint64_t of_topic = (load.rows - topic - 1) / load.topics + 1;
  Query query;
  query.topics = {load.topic(topic)};
  query.order = Order::time_descending;
  query.limit = 100;
  std::vector<std::uint64_t> expected;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(100, of_topic); ++i)
    expected.push_back((of_topic - 1 - i) * load.topics + topic + 1);
  measure(*store, "last 100 of a topic", query, expected);

  const std::uint64_t span = std::min<std::uint64_t>(600, of_topic);
  const auto ten_minutes = [&](const std::string& name, std::uint64_t first) {
    query = {};
    query.topics = {load.topic(topic)};
    query.since = load.time(first * load.topics + topic);
    query.until = load.time((first + span - 1) * load.topics + topic) + 1;
    expected.clear();
    for (std::uint64_t i = first; i < first + span; ++i)
      expected.push_back(i * load.topics + topic + 1);
    measure(*store, name, query, expected);
  };
  ten_minutes("the last 10 minutes of a topic", of_topic - span);
  ten_minutes("10 minutes of a topic, half way back", (of_topic - span) / 2);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int index, std::uint64_t fallback) {
    return argc > index ? std::strtoull(argv[index], nullptr, 10) : fallback;
  };
  const Load load{number(1, 1'000'000), number(2, 1'000)};
  const std::uint64_t batch_rows = number(3, ConsumerOptions().batch_rows_max);
  if (load.rows == 0 || load.topics == 0 || batch_rows == 0)
    fail("usage: [ROWS] [TOPICS] [BATCH_ROWS] [FOLDER], numbers from 1");
  const test::TemporaryFolder temporary;
  const std::string folder = argc > 4 ? argv[4] : temporary.path();
  SqliteOptions options;
  options.path = folder + "/bench-store.db";
  if (std::filesystem::exists(options.path)) {
    fail(options.path + " is there already: remove bench-store* from the folder, or name another");
  }
  {
    std::vector<Diagnostic> diagnostics;
    auto schema = require(Schema::parse(simulator::temperature_schema, "bench", diagnostics));
    const auto schemas = require(SchemaSet::make({schema}, diagnostics));
    IngestOptions ingest_options;
    ingest_options.sync = SyncMode::never;  // filling is not what is measured
    JournalOptions journal_options;
    journal_options.path = folder + "/bench-store-journal";
    journal_options.size_max_bytes = 1ull << 40;
    journal_options.sync = SyncMode::never;
    const auto ingest =
        require(Ingest::open(ingest_options, journal_options, schemas, system_environment()));
    fill(*ingest, load);
    const double plain = plain_rate(load, options, batch_rows);
    fmt::print("plain SQLite, {} rows: {:.0f} rows/s\n", std::min(window_rows, load.rows), plain);
    drain(*ingest, load, options, batch_rows);
    std::filesystem::remove_all(journal_options.path);
  }
  report_file(load, options.path);
  measure_queries(load, options);
  return 0;
}
