// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "bench_samples.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/pipeline.hpp"

/// `telemetry bench`: what each part does on this machine, measured with the library's own parts in
/// a temporary folder. bench.cpp parses, makes the folder and runs the parts; bench_local.cpp and
/// bench_broker.cpp measure; bench_report.cpp prints and advises.
namespace telemetry::command_line::bench {

/// What all measurements share.
struct Run {
  Environment environment;
  const std::atomic<bool>& stop;  ///< set by a signal; every loop looks at it
  PipelineOptions pipeline;       ///< as the configuration says; paths are replaced
  SqliteOptions sqlite;
  const Samples& samples;
  std::uint16_t in_flight_max = 0;  ///< messages between publisher and journal

  [[nodiscard]] std::int64_t now() const { return environment.clock.monotonic(); }
};

/// Errors: cancelled  a signal came.
[[nodiscard]] Result<void> check_stop(const Run& run);

struct DiskFigures {
  std::string folder;  ///< below which it was measured
  std::string use;     ///< "journal", "database", "journal and database"
  bool in_memory = false;
  std::uint64_t free_bytes = 0;
  std::uint64_t syncs = 0;
  double sync_p50_us = 0, sync_p99_us = 0;  ///< of a 4 KiB append
  double append_mb_per_s = 0;               ///< 256 KiB at a time, each synced
};
struct DecodeFigures {
  std::string schema;  ///< name and version
  double payload_bytes = 0;
  double decode_ns = 0;  ///< CPU time of one message
};
struct JournalFigures {
  std::uint64_t messages = 0;
  std::uint64_t group_messages = 0;  ///< synced together
  double messages_per_s = 0;
  double frame_bytes = 0;
};
struct StoreFigures {
  std::uint64_t rows = 0;
  std::uint64_t batch_rows = 0;
  double rows_per_s = 0;
  double row_bytes = 0;
};
struct BrokerFigures {
  std::string broker;   ///< host and port
  std::string skipped;  ///< why it was not measured; empty = it was
  std::uint64_t messages = 0;
  double messages_per_s = 0;
  double cpu_per_100000_messages_s = 0;  ///< without publisher and broker
  double latency_messages_per_s = 0;     ///< rate at which the latency was measured
  double latency_p50_ms = 0, latency_p99_ms = 0;
};
struct Figures {
  double seconds = 0;
  std::vector<DiskFigures> disks;  ///< the journal's first
  std::vector<DecodeFigures> decode;
  JournalFigures journal;
  StoreFigures store;
  BrokerFigures broker;
};

/// Each works in `folder`, which exists and is empty, for about `budget_ns`, and checks that what
/// it wrote is there. Errors: cancelled, data_loss  something is missing; what disk and parts say.
[[nodiscard]] Result<DiskFigures> measure_disk(const Run& run, const std::string& folder,
                                               std::int64_t budget_ns);
[[nodiscard]] Result<std::vector<DecodeFigures>> measure_decode(const Run& run,
                                                                std::int64_t budget_ns);
[[nodiscard]] Result<JournalFigures> measure_journal(const Run& run, const std::string& folder,
                                                     std::int64_t budget_ns);
[[nodiscard]] Result<StoreFigures> measure_store(const Run& run, const std::string& folder,
                                                 std::int64_t budget_ns);
/// Publishes to a topic of its own on the broker and reads it back through source, door, journal
/// and store. Nothing stays in the broker: no retained message, no session.
/// @param database_folder  where the store writes, maybe on another disk than `folder`.
/// @param explicitly  the user named the broker: that it does not answer is an error; else a reason
/// in BrokerFigures::skipped.
[[nodiscard]] Result<BrokerFigures> measure_broker(const Run& run, const MqttOptions& broker,
                                                   bool explicitly, const std::string& folder,
                                                   const std::string& database_folder,
                                                   std::int64_t budget_ns);

/// The value below which `share` (0 to 1) of the values are. Not for an empty list.
[[nodiscard]] double percentile(std::vector<double>& values, double share);

/// What the figures mean for the settings in force: one sentence or two each.
[[nodiscard]] std::vector<std::string> advice(const Run& run, const MqttOptions& broker,
                                              const Figures& figures);
[[nodiscard]] std::string to_text(const Run& run, const Figures& figures,
                                  const std::vector<std::string>& advice);
[[nodiscard]] std::string to_json(const Run& run, const Figures& figures,
                                  const std::vector<std::string>& advice);

}  // namespace telemetry::command_line::bench
