// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "telemetry/api.hpp"
#include "telemetry/config.hpp"
#include "telemetry/consumer.hpp"
#include "telemetry/dead_letter.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/retention.hpp"
#include "telemetry/source.hpp"
#include "telemetry/store.hpp"

namespace telemetry {

/// Everything a pipeline is made of, as values. pipeline_options() fills it from a configuration.
struct PipelineOptions {
  IngestOptions ingest;
  JournalOptions journal;
  JournalOptions dead_letters;  ///< an empty path: none are kept
  ConsumerOptions consumer;
  RetentionOptions retention;  ///< retention_options_from() has the configuration's
  std::size_t feed_bytes_max = 4 * 1024 * 1024;
  /// How long stop() lets the sinks catch up, and then the dead letters.
  std::int64_t drain_ns = 10'000'000'000;
  std::string schema_path;                   ///< folder or file; empty = no schemas
  bool schema_path_optional = false;         ///< it need not exist
  ValidationFunctions validation_functions;  ///< that schemas may name with `custom`
};
/// Sections journal, dead_letters, schema and buffer of a checked configuration.
[[nodiscard]] Result<PipelineOptions> pipeline_options(const Config& config);

struct PipelineStats {
  IngestStats ingest;
  JournalStats journal;
  JournalStats dead_letters;
  std::vector<ConsumerStats> consumers;  ///< in the order of the sinks; dead letters last
  SourceStats sources;                   ///< of all sources together
  std::size_t sources_connected = 0;
  std::size_t messages_open = 0;  ///< in memory, before the journal
  std::size_t messages_open_max = 0;
  std::uint64_t journal_bytes_max = 0;
  std::int64_t uptime_ns = 0;
  std::uint64_t memory_bytes = 0;  ///< resident now; 0 where the system does not say
  std::uint64_t memory_peak_bytes = 0;
  std::int64_t processor_ns = 0;      ///< that the process has used
  std::uint64_t disk_free_bytes = 0;  ///< where the journal is; 0 where the system does not say
  Histogram::Counts queries;          ///< of Api::query(), latest(), aggregate()
  std::uint64_t reloads = 0;          ///< note_reload(): done
  std::uint64_t reloads_refused = 0;
};

/// What became of a deletion.
struct DeletionReport {
  std::uint64_t sequence = 0;  ///< in the journal: it will be done
  std::uint64_t deleted = 0;   ///< rows, in all stores
  bool done = false;           ///< all stores have
};
/// One JSON object.
[[nodiscard]] std::string to_json(const DeletionReport& report);
/// Called now and then, with the name of a store that is waited for. False: wait no longer.
using DeletionProgress = std::function<bool(const std::string& store)>;

using OnRetained = std::function<void(const RetentionReport&)>;

/// Wires sources, door, journal and consumers; owns their threads. PipelineBuilder makes it.
/// Life: made, which recovers the journal; start(); stop(); destroy. A sink that is away does not
/// keep it from starting: the journal fills meanwhile. Thread: any.
class Pipeline {
 public:
  virtual ~Pipeline() = default;

  /// Starts the threads. `on_ready` is called, by one of them, once all sources are subscribed; an
  /// exception that leaves it ends the process.
  /// Errors: failed_precondition  it was started, or stopped, before.
  [[nodiscard]] virtual Result<void> start(std::function<void()> on_ready = {}) = 0;
  /// Stops reading, commits, drains, flushes, closes. Idempotent. From a callback or a sink it does
  /// what request_stop() does, for their threads are those that it waits for.
  virtual void stop() = 0;
  /// Lets wait() return, and returns at once: for signal threads, callbacks and sinks. Whoever
  /// waits then stops.
  virtual void request_stop() noexcept = 0;
  /// Blocks until a source failed for good, all sources have ended, request_stop() or stop().
  /// @returns the source's error; consumers try for ever.
  [[nodiscard]] virtual Result<void> wait() = 0;
  [[nodiscard]] virtual PipelineStats stats() const = 0;
  /// Asks the first of the sinks that is a Store; without one every query is failed_precondition.
  [[nodiscard]] virtual Api& api() noexcept = 0;
  /// Loads schemas as at the start, and judges with them from the next batch of each source on.
  /// Batches in memory keep theirs. On an error the set in force stays. Thread: one at a time.
  /// @param schema_path,schema_path_optional  as in PipelineOptions.
  /// Errors: what SchemaSet::load() and check_succession() say, all mistakes in its diagnostics.
  [[nodiscard]] virtual Result<void> reload_schemas(const std::string& schema_path,
                                                    bool schema_path_optional) = 0;
  /// Puts a deletion into the journal and waits for the stores to do it. After start().
  /// Thread: any.
  /// Errors: those of Api::check() and Ingest::append(); cancelled  `progress` said so before it
  /// was in the journal.
  [[nodiscard]] virtual Result<DeletionReport> erase(const Principal& principal,
                                                     const Deletion& deletion,
                                                     const DeletionProgress& progress) = 0;
  /// Deletes now what is too old, as the schedule does. After start(). What fails of it says so in
  /// its `held_back`. Thread: any.
  /// Errors: failed_precondition  it is not enabled, or there is no store; those of find_due().
  [[nodiscard]] virtual Result<RetentionReport> retain(const DeletionProgress& progress) = 0;
  /// From now on; looks at once when something changed. Thread: any.
  virtual void set_retention(RetentionOptions options) = 0;
  /// Counts a reload of the program's settings. Thread: any.
  virtual void note_reload(bool done) noexcept = 0;
  [[nodiscard]] virtual Ingest& ingest() noexcept = 0;
  /// Null when none are kept.
  [[nodiscard]] virtual DeadLetterSink* dead_letters() noexcept = 0;
};

/// Puts a Pipeline together. With a folder and a source it stores nothing yet and works:
///
///   auto pipeline = telemetry::PipelineBuilder("data")
///                       .source(telemetry::make_mqtt_source(mqtt))
///                       .sink(telemetry::make_sqlite_store({.path = "data/telemetry.db"}))
///                       .start().value();
///
/// Thread: one. create() or start() once.
class PipelineBuilder {
 public:
  /// The journal and the dead letters lie in this folder; no schemas.
  explicit PipelineBuilder(const std::string& folder);
  explicit PipelineBuilder(PipelineOptions options);

  /// Clock, files and log in the place of default_environment().
  PipelineBuilder& environment(Environment environment);
  /// Folder or file of the schemas.
  PipelineBuilder& schemas(std::string path);
  PipelineBuilder& source(std::unique_ptr<Source> source);
  PipelineBuilder& sink(std::shared_ptr<Sink> sink);
  /// make_function_sink()
  PipelineBuilder& sink(std::string name, std::function<Result<void>(const Reading&)> take,
                        SinkTraits traits = {});
  PipelineBuilder& callbacks(IngestCallbacks callbacks);
  /// Called by a thread of the pipeline when retention's schedule has deleted something.
  PipelineBuilder& on_retained(OnRetained on_retained);
  /// For what has no function here.
  [[nodiscard]] PipelineOptions& options() noexcept { return options_; }

  /// Errors: what the schemas (all mistakes are in its diagnostics), the journal or a sink say;
  /// invalid_argument  a sink's name is none, or another's.
  [[nodiscard]] Result<std::unique_ptr<Pipeline>> create();
  /// create(), then Pipeline::start().
  [[nodiscard]] Result<std::unique_ptr<Pipeline>> start(std::function<void()> on_ready = {});

 private:
  PipelineOptions options_;
  std::optional<Environment> environment_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::shared_ptr<Sink>> sinks_;
  IngestCallbacks callbacks_;
  OnRetained on_retained_;
};

/// The counters under the ancestors' names, one JSON object: messages_received, messages_stored,
/// ...
[[nodiscard]] std::string to_json(const PipelineStats& stats);
/// The same for Prometheus, under the ancestors' names: mqtt_messages_received_total, ...
void add_to(Exposition& text, const PipelineStats& stats);
/// The same as a few aligned lines for people.
[[nodiscard]] std::string to_text(const PipelineStats& stats);

}  // namespace telemetry
