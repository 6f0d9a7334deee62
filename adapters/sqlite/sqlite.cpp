// SPDX-License-Identifier: Apache-2.0
#include "telemetry/adapters/sqlite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "connection.hpp"
#include "reader.hpp"
#include "readers.hpp"
#include "writer.hpp"

// The SQLite store. docs/sqlite.md describes tables, views, sizes and what survives what.
//
// Life of a row: write() opens one IMMEDIATE transaction, finds or makes the topic's number and the
// open partition of the judging schema document, inserts, counts the row in the partition's entry,
// notes the topic's newest time, and at the end writes catalogue, blocks, `latest` and the journal
// position; then it commits. Row ids are journal sequences: a row that comes again is found by its
// id and skipped. A partition is closed when it is full: no row comes to it any more, and some time
// later its index by topic takes the place of that by block.
//
// Invariants: position and rows change in the same transaction. A partition holds rows of exactly
// one schema document, so its columns never change. Every row lies inside the id and time range of
// its partition's entry. Readers see rows only by their own connections.
//
// Durability: with WAL and synchronous=FULL each commit is synced. With NORMAL what was committed
// is safe once a checkpoint has copied the whole log; checkpoints are ours (passive, when the log
// has grown to checkpoint_pages, and at flush), so that `durable` is never a guess. After each
// commit the system may begin to write the log: all of it at once would hold up the journal's
// fdatasync for 100 ms, and with it the acknowledgements.
//
// Limits: a write takes the rows it is given, memory grows with its distinct topics; the topic
// cache holds topics_cached_max between writes; partitions stay below 400 by doubling their size.

namespace telemetry {

namespace {

constexpr int checkpoint_pages = 2500;  // 10 MB
constexpr std::int64_t space_check_ns = 1'000'000'000;
constexpr std::int64_t index_wait_ns = 600'000'000'000;
constexpr std::uint64_t space_check_rows = 100'000;
constexpr std::uint64_t mebibyte = 1024 * 1024;

constexpr Option options_table[] = {
    {.key = "path",
     .type = OptionType::text,
     .fallback = "./data/telemetry.db",
     .doc = "The database file; it and its folder are made when they do not exist."},
    {.key = "journal_mode",
     .type = OptionType::choice,
     .fallback = "WAL",
     .doc = "WAL lets queries run beside writes; DELETE is for file systems without shared memory.",
     .choices = "WAL|DELETE"},
    {.key = "synchronous",
     .type = OptionType::choice,
     .fallback = "NORMAL",
     .doc = "NORMAL syncs at checkpoints and the journal keeps the rest; FULL syncs each commit.",
     .choices = "NORMAL|FULL"},
    {.key = "free_space_reserve_mb",
     .type = OptionType::integer,
     .fallback = "64",
     .doc =
         "Writing stops while less than this is free on the disk, so that the journal fails last.",
     .unit = "MB",
     .min = 0,
     .max = 1'048'576},
    {.key = "partition_rows",
     .type = OptionType::integer,
     .fallback = "500000",
     .doc = "Rows of one partition table.",
     .min = 1000,
     .max = 100'000'000},
    {.key = "cache_mb",
     .type = OptionType::integer,
     .fallback = "4",
     .doc = "Page cache of the writing connection.",
     .unit = "MB",
     .min = 1,
     .max = 4096},
    {.key = "busy_timeout",
     .type = OptionType::duration,
     .fallback = "5s",
     .doc = "How long to wait for another program's lock before the write counts as failed and is "
            "retried.",
     .min = 0.001,
     .max = 600},
};

class SqliteStore final : public Store {
 public:
  SqliteStore(const SqliteOptions& options, Environment environment)
      : options_(options), environment_(std::move(environment)), readers_(options_) {}
  ~SqliteStore() override { SqliteStore::close(); }

  [[nodiscard]] std::string name() const override { return "sqlite"; }
  [[nodiscard]] SinkTraits traits() const override { return {.transactional = true}; }
  [[nodiscard]] Result<std::uint64_t> sequence_floor() override;
  [[nodiscard]] Result<void> open() override;
  [[nodiscard]] Result<std::optional<Position>> position(const JournalId& journal) override;
  [[nodiscard]] Result<WriteReport> write(const JournalId& journal,
                                          std::span<const BatchPtr> batches,
                                          const OnRejected& on_rejected) override;
  [[nodiscard]] Result<std::uint64_t> flush() override;
  void close() noexcept override;
  [[nodiscard]] Result<std::uint64_t> query(const Query& query, const RowVisitor& visit) override {
    return on_reader(
        query, [&](sqlite::Reader& reader) { return sqlite::run_query(reader, query, visit); });
  }
  [[nodiscard]] Result<std::unique_ptr<RowStream>> stream(const Query& query) override {
    auto reader = readers_.take();
    if (!reader) return reader.error();
    return sqlite::guarded(options_.path, [&] {
      return sqlite::open_stream(options_.path, readers_, *std::move(reader), query);
    });
  }
  [[nodiscard]] Result<void> latest(const Latest& latest, const RowVisitor& visit) override {
    return on_reader(
        latest, [&](sqlite::Reader& reader) { return sqlite::run_latest(reader, latest, visit); });
  }
  [[nodiscard]] Result<Shape> shape(const Selection& selection) override {
    return on_reader(selection,
                     [&](sqlite::Reader& reader) { return sqlite::run_shape(reader, selection); });
  }
  [[nodiscard]] Result<void> aggregate(const Aggregate& aggregate,
                                       const AggregateVisitor& visit) override {
    return on_reader(aggregate, [&](sqlite::Reader& reader) {
      return sqlite::run_aggregate(reader, aggregate, visit);
    });
  }
  [[nodiscard]] Result<SeriesEnd> series(const Series& series,
                                         const SeriesVisitor& visit) override {
    return on_reader(
        series, [&](sqlite::Reader& reader) { return sqlite::run_series(reader, series, visit); });
  }

 private:
  template <class Work>
  [[nodiscard]] auto on_reader(const Selection& selection, const Work& work)
      -> decltype(work(std::declval<sqlite::Reader&>()));
  [[nodiscard]] Result<void> take_lock();
  [[nodiscard]] Result<void> check_writable() const;
  [[nodiscard]] Result<void> check_space();
  void index_closed();
  void begin_log_sync();
  void make_durable();
  [[nodiscard]] bool is_wal() const noexcept { return options_.journal_mode == "WAL"; }
  [[nodiscard]] bool is_full() const noexcept { return options_.synchronous == "FULL"; }

  const SqliteOptions options_;
  Environment environment_;
  sqlite::Readers readers_;
  std::optional<FileSystem::Handle> lock_;  // while open for writing
  std::unique_ptr<sqlite::Writer> writer_;
  std::uint64_t committed_ = 0;                // last sequence of a commit
  std::uint64_t durable_ = 0;                  // last sequence that survives a power cut
  std::optional<std::int64_t> space_checked_;  // monotonic
  std::uint64_t rows_since_space_check_ = 0;
  std::int64_t index_not_before_ = 0;  // monotonic
};

Result<void> SqliteStore::open() {
  close();
  if (options_.read_only) {
    auto reader = sqlite::open_reader(options_);
    if (!reader) return reader.error();
    return {};
  }
  auto locked = take_lock();
  if (!locked && locked.error().code != Errc::not_found) return locked;  // no folder yet
  auto database = sqlite::open_writer(options_, environment_);
  if (!database) {
    close();
    return database.error();
  }
  if (!lock_) {
    if (locked = take_lock(); !locked) return locked;
  }
  return sqlite::guarded(options_.path, [&]() -> Result<void> {
    auto writer = std::make_unique<sqlite::Writer>(std::move(*database), options_, name());
    const auto position = writer->position();
    writer_ = std::move(writer);
    committed_ = position ? position->sequence : 0;
    durable_ = std::min(durable_, committed_);  // a restored backup may stand further back
    index_not_before_ = environment_.clock.monotonic() + index_wait_ns;
    make_durable();
    return {};
  });
}

/// Two writers would take each other's rows for their own.
Result<void> SqliteStore::take_lock() {
  auto locked = environment_.files.lock(options_.path + ".lock");
  if (locked) {
    lock_ = *locked;
    return {};
  }
  if (locked.error().code != Errc::already_exists) {
    return Error{locked.error().code,
                 fmt::format("storage.sqlite.path: {}", locked.error().context)};
  }
  return Error{Errc::already_exists,
               fmt::format("another program writes into {}, give each its own "
                           "storage.sqlite.path: {}",
                           options_.path, locked.error().context)};
}

void SqliteStore::close() noexcept {
  readers_.clear();  // first, so that the writer is the last and removes the write-ahead log
  writer_.reset();
  if (lock_) environment_.files.close(*lock_);
  lock_.reset();
  space_checked_.reset();
}

template <class Work>
auto SqliteStore::on_reader(const Selection& selection, const Work& work)
    -> decltype(work(std::declval<sqlite::Reader&>())) {
  auto reader = readers_.take();
  if (!reader) return reader.error();
  auto done = sqlite::guarded(options_.path, [&] {
    const sqlite::StopWatch watch(**reader, selection);
    return work(**reader);
  });
  if (done) readers_.give_back(*std::move(reader));
  return done;
}

Result<void> SqliteStore::check_writable() const {
  if (writer_) return {};
  return Error{Errc::failed_precondition,
               fmt::format("{}: {}", options_.path,
                           options_.read_only ? "opened read-only" : "not open for writing")};
}

/// Mistakes in what the file is, and where, end the start here.
Result<std::uint64_t> SqliteStore::sequence_floor() {
  if (auto opened = open(); !opened) return std::move(opened).error();
  const std::uint64_t floor = committed_;
  close();
  return floor;
}

Result<std::optional<Position>> SqliteStore::position(const JournalId&) {
  if (auto ready = check_writable(); !ready) return ready.error();
  return sqlite::guarded(options_.path,
                         [&]() -> Result<std::optional<Position>> { return writer_->position(); });
}

Result<void> SqliteStore::check_space() {
  const std::int64_t now = environment_.clock.monotonic();
  if (space_checked_ && now - *space_checked_ < space_check_ns &&
      rows_since_space_check_ < space_check_rows) {
    return {};
  }
  auto free = environment_.files.free_bytes(sqlite::folder_of(options_.path));
  if (!free) {
    return Error{Errc::unavailable, fmt::format("{}: cannot tell the free space: {}", options_.path,
                                                free.error().context)};
  }
  if (*free < options_.free_space_reserve_bytes) {
    return Error{
        Errc::resource_exhausted,
        fmt::format("{}: {} MB free on its disk, less than the reserve of {} MB "
                    "(storage.sqlite.free_space_reserve_mb). Free some space; messages "
                    "wait in the journal meanwhile",
                    options_.path, *free / mebibyte, options_.free_space_reserve_bytes / mebibyte)};
  }
  space_checked_ = now;
  rows_since_space_check_ = 0;
  return {};
}

Result<WriteReport> SqliteStore::write(const JournalId& journal, std::span<const BatchPtr> batches,
                                       const OnRejected& on_rejected) {
  if (auto ready = check_writable(); !ready) return ready.error();
  if (batches.empty()) return WriteReport{0, durable_};
  auto in_place = sqlite::guarded(options_.path, [&]() -> Result<void> {
    if (!writer_->moved()) return {};
    return Error{Errc::unavailable,
                 fmt::format("{}: the file was moved or removed; it is made again", options_.path)};
  });
  if (!in_place) {
    close();
    return in_place.error();
  }
  const bool deletes = batches.front()->deletion.has_value();
  if (auto space = check_space(); !space && !deletes) return space.error();
  auto written = sqlite::guarded(options_.path, [&]() -> Result<WriteReport> {
    const auto between = [this] {
      if (is_wal() && writer_->wal_pages() >= checkpoint_pages) (void)writer_->checkpoint();
    };
    auto done = deletes ? writer_->erase(journal, batches.front(), between)
                        : writer_->write(journal, batches, on_rejected);
    if (!done) return done.error();
    WriteReport& report = *done;
    rows_since_space_check_ += report.accepted;
    const std::uint64_t previous = committed_;
    committed_ = batches.back()->last;
    index_closed();
    if (is_wal() && !is_full()) {
      begin_log_sync();
      if (writer_->wal_pages() >= checkpoint_pages) make_durable();
    } else {
      // Without WAL a commit removes the journal file; NORMAL syncs that name with the next one.
      durable_ = is_full() ? committed_ : previous;
      if (is_wal() && writer_->wal_pages() >= checkpoint_pages) (void)writer_->checkpoint();
    }
    report.durable = durable_;
    return report;
  });
  if (!written) close();  // rolls back; open() starts afresh
  return written;
}

/// The rows of a closed table can be queried as well without this; it helps plain SQL, and times
/// that come out of order. But rows that come meanwhile wait, so it may take a thousandth of the
/// time; one that fails may be tried again.
void SqliteStore::index_closed() {
  const std::int64_t began = environment_.clock.monotonic();
  if (began < index_not_before_) return;
  const auto indexed = sqlite::guarded(options_.path, [&]() -> Result<void> {
    writer_->index_closed();
    return {};
  });
  const std::int64_t took = environment_.clock.monotonic() - began;
  index_not_before_ = began + std::max(index_wait_ns, 1000 * took);
  if (indexed) return;
  environment_.log(LogLevel::warn, "sqlite",
                   fmt::format("no index by topic for a full table, plain SQL on it is slower: {}",
                               indexed.error().context));
}

/// The log's file may be opened and closed beside SQLite, which keeps its locks on other files.
void SqliteStore::begin_log_sync() {
  const auto log = environment_.files.open_read(options_.path + "-wal");
  if (!log) return;
  environment_.files.begin_sync(*log);
  environment_.files.close(*log);
}

void SqliteStore::make_durable() {
  if (is_wal()) {
    if (durable_ != committed_ && writer_->checkpoint()) durable_ = committed_;
    return;
  }
  if (environment_.files.sync_folder(sqlite::folder_of(options_.path))) durable_ = committed_;
}

Result<std::uint64_t> SqliteStore::flush() {
  if (auto ready = check_writable(); !ready) return ready.error();
  return sqlite::guarded(options_.path, [&]() -> Result<std::uint64_t> {
    if (durable_ != committed_) make_durable();
    return durable_;
  });
}

}  // namespace

OptionTable sqlite_options() noexcept { return {"storage.sqlite", options_table}; }

Result<SqliteOptions> sqlite_options_from(const Config& config) {
  SqliteOptions options;
  options.path = config.text("storage.sqlite.path");
  if (options.path.empty()) {
    return mistakes_error({config.mistake("storage.sqlite.path", "empty",
                                          "name a file, for example ./data/telemetry.db")});
  }
  options.journal_mode = config.text("storage.sqlite.journal_mode");
  options.synchronous = config.text("storage.sqlite.synchronous");
  const auto integer = [&](const char* key) {
    return static_cast<std::uint64_t>(config.integer(key));
  };
  options.free_space_reserve_bytes = integer("storage.sqlite.free_space_reserve_mb") * mebibyte;
  options.partition_rows = integer("storage.sqlite.partition_rows");
  options.cache_bytes = integer("storage.sqlite.cache_mb") * mebibyte;
  options.busy_timeout_ns = config.duration_ns("storage.sqlite.busy_timeout");
  return options;
}

std::unique_ptr<Store> make_sqlite_store(const SqliteOptions& options, Environment environment) {
  return std::make_unique<SqliteStore>(options, std::move(environment));
}

}  // namespace telemetry
