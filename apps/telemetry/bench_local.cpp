// SPDX-License-Identifier: Apache-2.0
// Disk, decoder, journal and store, each by itself on one thread. Payloads are written outside the
// measured time. What a part writes is bounded, so that the free space that was asked for is enough
// on the fastest disk too.
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "bench.hpp"
#include "output.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/journal.hpp"

namespace telemetry::command_line::bench {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::size_t small_append_bytes = 4096;
constexpr std::size_t large_append_bytes = 256 * 1024;
constexpr std::size_t small_appends_min = 20, small_appends_max = 16'384;
constexpr std::size_t large_appends_min = 4, large_appends_max = 512;
constexpr std::size_t decode_round_messages = 500;
constexpr std::size_t journal_group_messages = 1'000;
constexpr std::uint64_t journal_bytes_max = 192 * mib;
constexpr std::uint64_t store_rows_max = 500'000;
constexpr std::uint64_t store_payload_bytes_max = 128 * mib;

double thread_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

class File {
 public:
  File(FileSystem& files, FileSystem::Handle handle) : files_(files), handle_(handle) {}
  ~File() { files_.close(handle_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Appends and forces it to the disk. @returns how long that took, ns.
  Result<std::int64_t> append(const Run& run, std::span<const std::uint8_t> bytes) {
    const std::int64_t began = run.now();
    if (auto written = files_.write(handle_, end_, bytes); !written) return written.error();
    if (auto synced = files_.sync(handle_); !synced) return synced.error();
    end_ += bytes.size();
    return run.now() - began;
  }

 private:
  FileSystem& files_;
  FileSystem::Handle handle_;
  std::uint64_t end_ = 0;
};

/// Appends for `budget_ns`. @returns what each took, in us.
Result<std::vector<double>> append_for(const Run& run, const std::string& path, std::size_t bytes,
                                       std::size_t least, std::size_t most,
                                       std::int64_t budget_ns) {
  auto handle = run.environment.files.open_write(path);
  if (!handle) return handle.error();
  File file(run.environment.files, *handle);
  std::vector<std::uint8_t> block(bytes);
  run.environment.random(block);  // some disks store zeros, or what they know, without writing
  std::vector<double> took_us;
  const std::int64_t until = run.now() + budget_ns;
  while (took_us.size() < least || (run.now() < until && took_us.size() < most)) {
    if (auto go = check_stop(run); !go) return go.error();
    auto took = file.append(run, block);
    if (!took) return took.error();
    took_us.push_back(static_cast<double>(*took) / 1e3);
  }
  return took_us;
}

// Order does not matter, for the journal keeps it; a message that is missing, or another, does.
std::uint64_t fingerprint(std::string_view topic, std::string_view payload) {
  return hash64(topic) * 31 + hash64(payload);
}

Result<void> check_journal(const Run& run, Journal& journal, std::uint64_t messages,
                           std::uint64_t fingerprints) {
  const auto reader = journal.read_from(0);
  while (true) {
    if (auto go = check_stop(run); !go) return go;
    const auto frame = reader->next();
    if (!frame) return frame.error();
    if (!frame->has_value()) break;
    if ((*frame)->header.kind != core::FrameKind::message) continue;
    --messages;
    fingerprints -= fingerprint((*frame)->topic, (*frame)->payload);
  }
  if (messages == 0 && fingerprints == 0) return {};
  return Error{Errc::data_loss,
               "the journal does not give back what was written; check the disk (dmesg)"};
}

/// A batch as the door hands it to stores, and the bytes of its payloads.
std::shared_ptr<Batch> make_batch(const Run& run, std::uint64_t after, std::uint64_t rows,
                                  std::uint64_t& payload_bytes) {
  auto batch = std::make_shared<Batch>();
  batch->after = after;
  batch->last = after + rows;
  std::string payload;
  for (std::uint64_t i = after; i < after + rows; ++i) {
    const std::int64_t now = run.environment.clock.now();
    run.samples.write(i, now, payload);
    judge(run.samples.of(i).schema.get(),
          {.topic = run.samples.topic(i), .payload = payload, .qos = 1, .received_at = now},
          *batch);
    batch->readings.back().id = i + 1;
    payload_bytes += payload.size();
  }
  return batch;
}

Result<void> check_rows(const Run& run, Store& store, const std::string& path,
                        std::uint64_t expected) {
  std::uint64_t rows = 0;
  auto queried = store.query({}, [&](const Row&) {
    ++rows;
    return !run.stop.load();
  });
  if (!queried) return queried.error();
  if (auto go = check_stop(run); !go) return go;
  if (rows == expected) return {};
  return Error{Errc::data_loss, fmt::format("{}: {} of {} rows are there; check the disk (dmesg)",
                                            path, rows, expected)};
}

}  // namespace

Result<void> check_stop(const Run& run) {
  if (!run.stop.load(std::memory_order_relaxed)) return {};
  return Error{Errc::cancelled, "stopped by a signal; the temporary folder is removed"};
}

double percentile(std::vector<double>& values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(last * share + 0.5);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

Result<DiskFigures> measure_disk(const Run& run, const std::string& folder,
                                 std::int64_t budget_ns) {
  DiskFigures figures;
  struct statfs system {};
  figures.in_memory = ::statfs(folder.c_str(), &system) == 0 && system.f_type == TMPFS_MAGIC;
  auto small = append_for(run, folder + "/small", small_append_bytes, small_appends_min,
                          small_appends_max, budget_ns / 2);
  if (!small) return small.error();
  auto large = append_for(run, folder + "/large", large_append_bytes, large_appends_min,
                          large_appends_max, budget_ns / 2);
  if (!large) return large.error();
  double large_us = 0;
  for (const double us : *large) large_us += us;
  figures.syncs = small->size();
  figures.sync_p50_us = percentile(*small, 0.5);
  figures.sync_p99_us = percentile(*small, 0.99);
  figures.append_mb_per_s = static_cast<double>(large->size() * large_append_bytes) / large_us;
  return figures;
}

Result<std::vector<DecodeFigures>> measure_decode(const Run& run, std::int64_t budget_ns) {
  std::vector<DecodeFigures> all;
  std::array<core::Value, core::slots_max> values;
  std::array<core::Violation, 16> violations;
  std::array<core::Extra, 64> extras;
  for (const Sample& sample : run.samples.all) {
    std::vector<std::string> payloads(decode_round_messages);
    std::size_t bytes = 0, bytes_max = 0;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      sample.write(i % sample.topics.size(), run.environment.clock.now(),
                   i / sample.topics.size() + 1, payloads[i]);
      bytes += payloads[i].size();
      bytes_max = std::max(bytes_max, payloads[i].size());
    }
    std::vector<char> scratch(bytes_max);
    std::vector<double> rounds;
    const auto schemas = static_cast<std::int64_t>(run.samples.all.size());
    const std::int64_t until = run.now() + budget_ns / schemas;
    while (rounds.empty() || run.now() < until) {
      if (auto go = check_stop(run); !go) return go.error();
      const double began = thread_cpu_s();
      for (const std::string& payload : payloads) {
        const auto result =
            core::decode(sample.schema->view(), payload, {values, scratch, violations, extras},
                         sample.schema->pattern_hook(), sample.schema->coercion_hook());
        if (!result.ok()) return Error{Errc::internal, "a good sample was found bad"};
      }
      rounds.push_back(thread_cpu_s() - began);
    }
    const auto messages = static_cast<double>(payloads.size());
    all.push_back({sample.schema->name() + " " + version_of(*sample.schema),
                   static_cast<double>(bytes) / messages,
                   percentile(rounds, 0.5) * 1e9 / messages});
  }
  return all;
}

Result<JournalFigures> measure_journal(const Run& run, const std::string& folder,
                                       std::int64_t budget_ns) {
  auto journal = Journal::open({.path = folder + "/journal"}, run.environment);
  if (!journal) return journal.error();
  std::vector<std::string> payloads(journal_group_messages);
  std::vector<Journal::Record> records(journal_group_messages);
  JournalFigures figures;
  figures.group_messages = journal_group_messages;
  std::uint64_t fingerprints = 0, bytes = 0;
  std::int64_t taken_ns = 0;
  const std::int64_t until = run.now() + budget_ns;
  while (figures.messages == 0 || (run.now() < until && bytes < journal_bytes_max)) {
    if (auto go = check_stop(run); !go) return go.error();
    std::size_t group_bytes = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::uint64_t message = figures.messages + i;
      records[i] = {};
      records[i].header.received_at = run.environment.clock.now();
      run.samples.write(message, records[i].header.received_at, payloads[i]);
      records[i].topic = run.samples.topic(message);
      records[i].payload = payloads[i];
      group_bytes += core::frame_size(records[i].topic.size(), payloads[i].size(), false);
      fingerprints += fingerprint(records[i].topic, payloads[i]);
    }
    const std::int64_t began = run.now();
    if (auto room = (*journal)->reserve(group_bytes); !room) return room.error();
    auto ticket = (*journal)->append(records);
    if (!ticket) return ticket.error();
    if (auto synced = (*journal)->sync(*ticket); !synced) return synced.error();
    taken_ns += run.now() - began;
    figures.messages += records.size();
    bytes += group_bytes;
  }
  if (auto good = check_journal(run, **journal, figures.messages, fingerprints); !good) {
    return good.error();
  }
  const auto messages = static_cast<double>(figures.messages);
  figures.messages_per_s = messages / static_cast<double>(taken_ns) * 1e9;
  figures.frame_bytes = static_cast<double>(bytes) / messages;
  return figures;
}

Result<StoreFigures> measure_store(const Run& run, const std::string& folder,
                                   std::int64_t budget_ns) {
  SqliteOptions options = run.sqlite;
  options.path = folder + "/bench.db";
  const auto store = make_sqlite_store(options, run.environment);
  if (auto opened = store->open(); !opened) return opened.error();
  StoreFigures figures;
  figures.batch_rows = std::min<std::uint64_t>(run.pipeline.consumer.batch_rows_max, 50'000);
  std::int64_t taken_ns = 0;
  std::uint64_t payload_bytes = 0;
  const std::int64_t until = run.now() + budget_ns;
  while (figures.rows == 0 || (run.now() < until && figures.rows < store_rows_max &&
                               payload_bytes < store_payload_bytes_max)) {
    if (auto go = check_stop(run); !go) return go.error();
    const std::vector<BatchPtr> batches{
        make_batch(run, figures.rows, figures.batch_rows, payload_bytes)};
    const std::int64_t began = run.now();
    auto report =
        store->write({1}, batches, [](std::span<const Rejected> rejected) -> Result<void> {
          return Error{Errc::internal, rejected.front().reason};
        });
    if (!report) return report.error();
    taken_ns += run.now() - began;
    if (report->accepted != figures.batch_rows) {
      return Error{Errc::internal, fmt::format("the store took {} of {} good rows",
                                               report->accepted, figures.batch_rows)};
    }
    figures.rows += figures.batch_rows;
  }
  const std::int64_t began = run.now();
  if (auto flushed = store->flush(); !flushed) return flushed.error();
  taken_ns += run.now() - began;
  store->close();
  if (auto good = check_rows(run, *store, options.path, figures.rows); !good) return good.error();
  auto handle = run.environment.files.open_read(options.path);
  if (!handle) return handle.error();
  const auto bytes = run.environment.files.size(*handle);
  run.environment.files.close(*handle);
  if (!bytes) return bytes.error();
  const auto rows = static_cast<double>(figures.rows);
  figures.rows_per_s = rows / static_cast<double>(taken_ns) * 1e9;
  figures.row_bytes = static_cast<double>(*bytes) / rows;
  return figures;
}

}  // namespace telemetry::command_line::bench
