// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "telemetry/config.hpp"
#include "telemetry/consumer.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/source.hpp"
#include "telemetry/store.hpp"

namespace telemetry {

/// Everything a pipeline is made of, as values. pipeline_options() fills it from a configuration.
struct PipelineOptions {
  IngestOptions ingest;
  JournalOptions journal;
  JournalOptions dead_letters;  ///< an empty path: none are kept
  ConsumerOptions consumer;
  std::size_t feed_bytes_max = 4 * 1024 * 1024;
  /// How long stop() lets the stores catch up, and then the dead letters.
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
  std::uint64_t reloads = 0;  ///< note_reload(): done
  std::uint64_t reloads_refused = 0;
};

/// Wires sources, door, journal and consumers; owns their threads.
/// Life: create() learns where the sinks stand and recovers the journal; start(); stop(); destroy.
/// A sink that is away for now (a retryable error) does not keep it from starting: the journal
/// fills meanwhile. Thread: any.
class Pipeline {
 public:
  /// Errors: what the schema folder, the journal or a sink says; `diagnostics` lists schema
  /// mistakes. invalid_argument  two sinks have the same name.
  [[nodiscard]] static Result<std::unique_ptr<Pipeline>> create(
      const PipelineOptions& options, Environment environment,
      std::vector<std::unique_ptr<Source>> sources, std::vector<std::unique_ptr<Sink>> sinks,
      IngestCallbacks callbacks, std::vector<Diagnostic>& diagnostics);
  virtual ~Pipeline() = default;

  /// Starts the threads. `on_ready` is called once all sources are subscribed.
  [[nodiscard]] virtual Result<void> start(std::function<void()> on_ready = {}) = 0;
  /// Stops reading, commits, drains, flushes, closes. Idempotent.
  virtual void stop() = 0;
  /// Blocks until a source or consumer ended for good by itself, or stop(); returns why.
  [[nodiscard]] virtual Result<void> wait() = 0;
  [[nodiscard]] virtual PipelineStats stats() const = 0;
  /// Loads schemas as create() does, and judges with them from the next batch of each source on.
  /// Batches in memory keep theirs. On an error the set in force stays. Thread: one at a time.
  /// @param schema_path,schema_path_optional  as in PipelineOptions.
  /// Errors: what SchemaSet::load() and check_succession() say; `diagnostics` lists all mistakes.
  [[nodiscard]] virtual Result<void> reload_schemas(const std::string& schema_path,
                                                    bool schema_path_optional,
                                                    std::vector<Diagnostic>& diagnostics) = 0;
  /// Counts a reload of the program's settings. Thread: any.
  virtual void note_reload(bool done) noexcept = 0;
  [[nodiscard]] virtual Ingest& ingest() noexcept = 0;
};

/// The counters under the ancestors' names, one JSON object: messages_received, messages_stored,
/// ...
[[nodiscard]] std::string to_json(const PipelineStats& stats);
/// The same as a few aligned lines for people.
[[nodiscard]] std::string to_text(const PipelineStats& stats);

}  // namespace telemetry
