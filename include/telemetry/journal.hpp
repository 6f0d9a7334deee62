// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/journal_format.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

enum class SyncMode : std::uint8_t {
  interval,  ///< group commit: an acknowledgement waits for the next sync (default)
  always,    ///< every message is synced by itself
  never,     ///< no fdatasync: survives kill -9, not a power cut
};
enum class WhenFull : std::uint8_t { block, drop_oldest };

struct JournalOptions {
  std::string path;                                      ///< folder; created when missing
  std::uint64_t size_max_bytes = 1024ull * 1024 * 1024;  ///< of all segments
  std::uint64_t segment_bytes = 64ull * 1024 * 1024;     ///< a segment is closed at this size; see
                                                         ///< JournalSizes
  SyncMode sync = SyncMode::interval;
  WhenFull when_full = WhenFull::block;
  std::int64_t replay_window_ns = 24ll * 3600 * 1'000'000'000;  ///< kept for replay, space allowing
  /// A new journal, or one that lies behind its consumers (restored backup), starts above this.
  std::uint64_t sequence_floor = 0;
};

/// What follows from the sizes in JournalOptions. However full a journal was, one whose consumers
/// have durably read everything takes the next append of up to `append_bytes_max`.
struct JournalSizes {
  std::uint64_t segment_bytes = 0;     ///< the option, and at most a quarter of the journal
  std::size_t snapshot_bytes_max = 0;  ///< state that a segment may start with: about 2 % of the
                                       ///< journal, an eighth of a segment, 8 MiB
  std::uint64_t start_bytes_max = 0;   ///< header and snapshot
  std::uint64_t append_bytes_max = 0;  ///< frames of one append: the journal less two starts, that
                                       ///< of its segment and that of the one that replaces it
};
[[nodiscard]] JournalSizes sizes_of(const JournalOptions& options) noexcept;

/// State that a segment starts with. `write` hands it over in pieces, for it may have some MB.
struct Snapshot {
  using Put = std::function<void(std::string_view piece)>;
  std::size_t bytes = 0;  ///< of all pieces; 0 = there is none
  std::function<void(const Put& put)> write;

  [[nodiscard]] static Snapshot of(std::string state) {
    const std::size_t bytes = state.size();
    return {bytes, [state = std::move(state)](const Put& put) { put(state); }};
  }
};

/// What the journal asks for while it writes. Called inside reserve() and append().
struct SegmentContent {
  /// Canonical document of a schema id; written before its first use in each segment.
  std::function<std::string(std::uint64_t schema_id)> schema_document;
  /// State of the sequence check, at most JournalSizes::snapshot_bytes_max; it must not move before
  /// it is written.
  std::function<Snapshot()> snapshot;
  /// At open the visitor sees at least so many messages before the tail segment, if there are.
  std::uint64_t visited_messages = 0;
};

/// Sees every frame of the tail segment (and its snapshot first) at open, to rebuild state; of more
/// segments, in order, when their messages are asked for.
using RecoveryVisitor = std::function<void(const core::FrameView&)>;

struct JournalStats {
  std::uint64_t bytes = 0;  ///< of all segments
  std::uint64_t segments = 0;
  std::uint64_t first_sequence = 0;  ///< oldest message still held
  std::uint64_t last_sequence = 0;   ///< newest durable message; 0 = none yet
  std::uint64_t appended_frames = 0;
  std::uint64_t appended_bytes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t sync_failures = 0;  ///< segments abandoned
  std::uint64_t append_failures = 0;
  std::uint64_t rollbacks = 0;
  std::uint64_t torn_bytes = 0;     ///< cut at recovery
  std::uint64_t damaged_bytes = 0;  ///< skipped
  std::uint64_t damaged_places = 0;
  std::uint64_t quarantined_segments = 0;
  std::uint64_t dropped_frames = 0;  ///< needed by a consumer, dropped by drop_oldest
  bool full = false;                 ///< the last reserve() was refused
  bool clock_suspect = false;        ///< wall clock jumped > 24 h: trimming is paused
};

/// An append-only, checksummed, size-capped log of messages; the only durable queue of the product.
///
/// Layout: PATH/lock, PATH/journal.id, PATH/SEQUENCE-SEGMENTID.tlj (20 and 16 digits, so that a
/// damaged header loses nothing), PATH/cursors/NAME, PATH/quarantine/. Format:
/// docs/formats/journal_v1.md. Thread: append/reserve/sync from any thread (one mutex); readers
/// each on their own.
class Journal {
 public:
  class Reader;
  /// A group of frames that was appended and may not be durable yet.
  struct Ticket {
    std::uint64_t epoch = 0;
    std::uint64_t first = 0;  ///< sequence of the first message
    std::uint64_t last = 0;
  };

  /// Opens or creates; always succeeds on damaged content (cut, skip, quarantine, count, log).
  /// Errors: already_exists  another process holds the lock; permission_denied, resource_exhausted,
  /// unavailable  the folder cannot be written.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const JournalOptions& options,
                                                             Environment environment,
                                                             SegmentContent content = {},
                                                             const RecoveryVisitor& recover = {});
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  [[nodiscard]] const JournalId& id() const noexcept;

  /// Ensures that frames of together `bytes` fit: rolls to a new segment, trims, drops the oldest,
  /// also the only one. The segment's snapshot is taken here, before the state that it describes
  /// moves on.
  /// Errors: resource_exhausted  full, and every segment is still needed (`block`), or the disk is
  /// full, or `bytes` exceed JournalSizes::append_bytes_max; unavailable  the disk fails.
  [[nodiscard]] Result<void> reserve(std::size_t bytes);

  /// One frame to append. sequence is assigned by the journal for FrameKind::message.
  struct Record {
    core::FrameHeader header;
    std::string_view topic;
    std::string_view payload;
    std::string_view problems = {};  ///< of a FrameKind::problems before it; empty: there is none
  };
  /// Writes the records in order, schema documents before their first use. reserve() came before.
  /// On error nothing was appended. `records[i].header.sequence` and received_at (never going back)
  /// are filled in.
  [[nodiscard]] Result<Ticket> append(std::span<Record> records);

  /// Returns once the ticket's frames are on stable storage (leader and followers: one fdatasync
  /// serves all who wait). With SyncMode::never at once.
  /// Errors: everything appended since the last successful sync is rolled back, for all who wait.
  [[nodiscard]] Result<void> sync(const Ticket& ticket);

  /// Called, under the append mutex, when unsynced appends were rolled back: state that followed
  /// them must be undone to the last durable sequence.
  void on_rollback(std::function<void(std::uint64_t last_durable)> callback);
  /// Runs `work` under the mutex that appends take, so that other state moves in step with it.
  /// append() may be called inside.
  [[nodiscard]] std::unique_lock<std::recursive_mutex> lock();

  /// Newest durable message sequence; consumers may read up to it.
  [[nodiscard]] std::uint64_t durable_end() const noexcept;
  /// Sequence of the oldest message still held; durable_end() + 1 when empty.
  [[nodiscard]] std::uint64_t first_sequence() const noexcept;

  /// Names a consumer whose needs keep segments: everything above `durable` is needed.
  void set_cursor(const std::string& consumer, std::uint64_t durable);
  /// Cursor files for sinks without a position of their own.
  [[nodiscard]] Result<std::optional<Position>> load_cursor(const std::string& consumer) const;
  [[nodiscard]] Result<void> store_cursor(const std::string& consumer, const Position& position);

  /// Reads durable messages from `after` (exclusive) on.
  [[nodiscard]] std::unique_ptr<Reader> read_from(std::uint64_t after);

  /// Deletes what may go now (called by reserve too; here for idle times).
  void trim();
  [[nodiscard]] JournalStats stats() const;

 private:
  Journal();
  struct State;
  std::unique_ptr<State> state_;
};

/// Walks frames in order. Damage is skipped, counted in the journal's stats and logged; the damaged
/// segment is copied to quarantine once.
/// Thread: one. May outlive segments that are trimmed meanwhile, not the journal.
class Journal::Reader {
 public:
  virtual ~Reader() = default;
  /// The next durable message, tombstone or schema frame; nothing when there is no more for now.
  /// Schema frames that stand in the segment before the asked range are returned too: the document
  /// of every message's schema comes before the message.
  /// The view is valid until the next call.
  [[nodiscard]] virtual Result<std::optional<core::FrameView>> next() = 0;
  /// Sequence up to which everything was returned, or is gone for good.
  [[nodiscard]] virtual std::uint64_t position() const noexcept = 0;
  /// Messages in the asked range that were not there any more (trimmed or damaged).
  [[nodiscard]] virtual std::uint64_t missing() const noexcept = 0;
};

/// Reads a journal folder without its lock, beside a running writer: `telemetry journal`.
struct JournalCheck {
  std::string file;
  std::uint64_t bytes = 0, frames = 0, messages = 0, first_sequence = 0, last_sequence = 0;
  std::uint64_t damaged_bytes = 0, damaged_places = 0, torn_bytes = 0;
  bool header_damaged = false;
  std::string note;
};
[[nodiscard]] Result<std::vector<JournalCheck>> check_journal(const std::string& path,
                                                              Environment environment);
using DumpVisitor =
    std::function<bool(const core::FrameView&, const std::string& file, std::uint64_t offset)>;
[[nodiscard]] Result<void> dump_journal(const std::string& path, Environment environment,
                                        const DumpVisitor& visit);
/// Rewrites damaged segments without the damage (the damaged ones go to quarantine/) and cuts torn
/// tails. Refuses (failed_precondition) while a writer holds the lock. Returns what it changed.
[[nodiscard]] Result<std::vector<JournalCheck>> repair_journal(const std::string& path,
                                                               Environment environment);

}  // namespace telemetry
