// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "telemetry/journal.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/schema.hpp"
#include "telemetry/source.hpp"

namespace telemetry {

enum class Unmatched : std::uint8_t { store, dead_letter, drop };

struct IngestOptions {
  Unmatched unmatched = Unmatched::store;
  /// buffer.size: messages of one door in memory before the journal
  std::size_t batch_messages_max = 10'000;
  std::size_t high_water_messages = 8'000;  ///< buffer.high_water_mark
  /// A batch is closed at this size, in a small journal at a 64th of it, or so long after its first
  /// message, or four times as long as the last sync took, 20 ms at most.
  std::size_t sync_bytes = 1024 * 1024;
  std::int64_t sync_interval_ns = 2'000'000;
  SyncMode sync = SyncMode::interval;
  /// Topics and numberings remembered; least recently used go. In bytes as many as if their names
  /// had 256 each, and so with topics_cached_max.
  std::size_t devices_max = 100'000;
  std::size_t topics_cached_max = 100'000;  ///< schema choices remembered
  std::uint32_t window = 1'024;             ///< numbers within which a repeat is a duplicate
  /// Newest messages of each source that are recognised when they come again for want of an
  /// acknowledgement, whatever their topics and numbers. MQTT can have no more under way. What
  /// outlives a restart is less in a small journal: Door::unacknowledged_max().
  std::uint32_t unacknowledged_max = 65'535;
  std::uint32_t sources = 1;  ///< doors that are used beside each other
};

/// User callbacks. Called by the source's thread; views are valid during the call. An exception
/// that leaves one leaves Door::add() or commit(): in a pipeline its source has ended for good
/// then.
struct IngestCallbacks {
  /// A durable message that the stores take: valid, or unmatched.
  std::function<void(const Reading&)> on_message = {};
  /// A durable message with a dead verdict.
  std::function<void(const Reading&, const std::vector<std::string>& problems)> on_invalid = {};
  /// A batch that was not taken; its sender keeps it.
  std::function<void(const Error&)> on_error = {};
  /// The open batch has reached high_water_messages; called before it is durable.
  std::function<void(std::size_t messages, std::size_t messages_max)> on_high_water = {};
};

/// An irregularity in a device's numbering.
struct SequenceEvent {
  enum class Kind : std::uint8_t { gap, reset } kind = Kind::gap;
  std::string key;  ///< topic, or device with sequence_scope: device
  std::int64_t expected = 0;
  std::int64_t found = 0;
  std::int64_t received_at = 0;
};

struct IngestStats {
  std::uint64_t received = 0;  ///< messages handed to add()
  std::uint64_t received_bytes = 0;
  std::uint64_t journaled = 0;  ///< durable
  std::uint64_t valid = 0, invalid = 0, unmatched = 0;
  std::uint64_t duplicates = 0;         ///< dropped
  std::uint64_t retained_skipped = 0;   ///< RetainedPolicy::skip_stored
  std::uint64_t retained_ignored = 0;   ///< RetainedPolicy::ignore
  std::uint64_t unmatched_dropped = 0;  ///< unmatched: drop
  std::uint64_t content_dropped = 0;    ///< readings that their schema leaves out, empty lists too
  std::uint64_t refused = 0;            ///< bad topic or too large: cannot be journaled
  std::uint64_t aborted = 0;            ///< of batches that never happened
  std::uint64_t gaps = 0, gap_messages = 0, resets = 0, late_unchecked = 0;
  std::uint64_t time_missing = 0, time_absurd = 0;
  std::uint64_t coerced = 0;  ///< valid, with values that lenient mode read as another type
  std::uint64_t rounded = 0;  ///< valid, with values that are the nearest to what was read
  std::uint64_t commits = 0, high_water = 0;
  std::size_t messages_open = 0;               ///< in open batches now
  std::vector<std::uint64_t> invalid_by_rule;  ///< index: core::Rule
  std::vector<SequenceEvent> sequence_events;  ///< the newest 100
  Histogram::Counts processing;                ///< from a batch's first message until it is durable
  Histogram::Counts sync;                      ///< of the journal, for each batch
};

/// Judges messages and puts them into the journal. One for all sources.
///
/// Thread: make_door() and each door from one thread at a time; doors of different sources run
/// beside each other. swap_schemas() from any thread; takes effect between batches.
class Ingest {
 public:
  /// Opens the journal and rebuilds the sequence check from it.
  [[nodiscard]] static Result<std::unique_ptr<Ingest>> open(
      const IngestOptions& options, const JournalOptions& journal_options,
      std::shared_ptr<const SchemaSet> schemas, Environment environment,
      IngestCallbacks callbacks = {});
  virtual ~Ingest() = default;

  [[nodiscard]] virtual std::unique_ptr<Door> make_door() = 0;
  [[nodiscard]] virtual Journal& journal() noexcept = 0;
  virtual void swap_schemas(std::shared_ptr<const SchemaSet> schemas) = 0;
  /// The schemas in force for the next batch. Thread: any.
  [[nodiscard]] virtual std::shared_ptr<const SchemaSet> schemas() const = 0;
  /// Adds one who is given each batch, in journal order, as soon as it is durable. Called under a
  /// lock, by a source's thread: it must not wait. Thread: any.
  virtual void on_durable(std::function<void(const BatchPtr&)> callback) = 0;
  /// Puts a deletion into the journal, durable: messages before it are to go, later ones to stay.
  /// Stores follow in their own time. Thread: any.
  /// @returns its sequence. Errors: invalid_argument  it is larger than deletion_bytes_max, or
  /// names no topics; resource_exhausted, unavailable  the journal takes nothing now.
  [[nodiscard]] virtual Result<std::uint64_t> append(Deletion deletion) = 0;
  [[nodiscard]] virtual IngestStats stats() const = 0;
};

/// A deletion as JSON. Source: docs/formats/journal_v1.md.
inline constexpr std::size_t deletion_bytes_max = 32 * 1024;
[[nodiscard]] std::string to_json(const Deletion& deletion);
/// Errors: invalid_argument  it is none, or has a member that is not known.
[[nodiscard]] Result<Deletion> parse_deletion(std::string_view json);
/// The one of a tombstone frame. Errors: those of parse_deletion().
[[nodiscard]] Result<Deletion> read_deletion(const core::FrameView& frame);

/// Judges one payload outside a pipeline and adds its readings to `batch`: the same code path as
/// the door's. A null schema gives Verdict::unmatched. `violations` receives the first 16 broken
/// rules of the first reading that breaks some; they are places in its Reading::document.
/// The batch copies topic and payload; `schema` must live as long as the batch.
/// @param births what Sparkplug nodes said before; or null
Unfolded judge(const Schema* schema, const Message& message, Batch& batch,
               std::vector<core::Violation>* violations = nullptr,
               SparkplugBirths* births = nullptr);

/// What is wrong with an invalid reading: judged again, the first 16 broken rules. Empty when its
/// schema finds nothing, as one that was read back from a journal does not ask custom functions.
[[nodiscard]] std::vector<core::Violation> violations_of(const Reading& reading);

/// Adds the reading of a message frame to `batch`. Verdict, times and flags are those of the frame;
/// only the values are decoded again, with the judging schema. A valid frame whose schema is not
/// known any more (null), or no longer accepts it, becomes Verdict::unmatched: stored as it is.
void read_back(const core::FrameView& frame, const Schema* schema, Batch& batch);

/// What a journal tells of one device's numbering. The counters are of the messages that it holds.
struct NumberingReport {
  std::string key;  ///< topic, or device with sequence_scope: device
  bool per_device = false;
  std::int64_t last = 0;         ///< highest number since the device began anew
  std::int64_t received_at = 0;  ///< ns, of its newest message; 0: the journal holds none any more
  std::uint64_t messages = 0;
  std::uint64_t gaps = 0;     ///< times that numbers were left out
  std::uint64_t missing = 0;  ///< numbers left out, of which some may have come late
  std::uint64_t resets = 0;
};
/// Sorted by key; at most IngestOptions::devices_max, others are left out. Takes no lock: also
/// beside a running writer. Errors: not_found, permission_denied, unavailable  the folder.
[[nodiscard]] Result<std::vector<NumberingReport>> read_numberings(const std::string& path,
                                                                   const Environment& environment);

}  // namespace telemetry
