// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "journal/frame_scanner.hpp"
#include "journal/segment_file.hpp"
#include "telemetry/journal.hpp"

namespace telemetry::journal {

/// One segment file. The newest may be open for appending: the tail.
struct Segment {
  SegmentKey key;
  std::uint64_t bytes = 0;             ///< counts towards the cap
  std::uint64_t end = 0;               ///< its frames end here; 0 = not known, or still growing
  std::uint64_t last = 0;              ///< its last sequence, when `end` is known
  std::int64_t first_received_at = 0;  ///< of its first message; 0 = not known yet
  std::uint64_t damage_counted = 0;    ///< damage before this offset was counted
  bool header_good = false;
  bool quarantined = false;
};

/// What scanning a segment from start to end found.
struct SegmentScan {
  std::uint64_t end = core::segment_header_bytes;  ///< behind the last whole frame
  std::uint64_t frames = 0, messages = 0;
  std::uint64_t first_sequence = 0;  ///< 0 = no message
  std::uint64_t last_sequence = 0;   ///< first of the segment - 1 when none
  std::int64_t first_received_at = 0, last_received_at = 0;
  std::vector<std::uint64_t> schemas;  ///< documents that stand in it, sorted
  struct Damage {
    std::uint64_t offset, bytes;
  };
  std::vector<Damage> damage;  ///< damaged places; a torn end is none
  std::uint64_t torn_bytes = 0;
};

/// `sequence_limit`: first sequence of the next segment. `visit` sees each frame and its offset;
/// false stops. The file is read up to its size now.
using ScanVisitor = std::function<bool(const core::FrameView&, std::uint64_t offset)>;
enum class Ends : std::uint8_t {
  with_a_frame,
  with_a_message,  ///< of several readings none is left alone: their end is torn
};
[[nodiscard]] Result<SegmentScan> scan_segment(FileSystem& files, FileSystem::Handle file,
                                               SegmentKey key, std::uint64_t sequence_limit,
                                               const ScanVisitor& visit = {},
                                               Ends ends = Ends::with_a_frame);

/// Copies PATH/NAME to PATH/quarantine/NAME, once. True when a copy was made now.
/// Errors: resource_exhausted  the folder would exceed `bytes_max`.
[[nodiscard]] Result<bool> copy_to_quarantine(FileSystem& files, const std::string& path,
                                              const std::string& name, std::uint64_t bytes_max);
/// Moves it there.
[[nodiscard]] Result<void> move_to_quarantine(FileSystem& files, const std::string& path,
                                              const std::string& name);

/// Everything behind Journal. See journal.cpp for how the parts work together.
class SegmentLog {
 public:
  SegmentLog(const JournalOptions& options, Environment environment, SegmentContent content);
  ~SegmentLog();
  SegmentLog(const SegmentLog&) = delete;
  SegmentLog& operator=(const SegmentLog&) = delete;

  // recovery.cpp
  [[nodiscard]] Result<void> open(const RecoveryVisitor& recover);

  // segment_log.cpp
  [[nodiscard]] Result<void> reserve(std::size_t bytes);
  [[nodiscard]] Result<Journal::Ticket> append(std::span<Journal::Record> records);

  // commit.cpp
  [[nodiscard]] Result<void> sync(const Journal::Ticket& ticket);

  // trim.cpp
  void set_cursor(const std::string& consumer, std::uint64_t durable);
  void trim();
  [[nodiscard]] JournalStats stats() const;

  // cursor.cpp
  [[nodiscard]] Result<std::optional<Position>> load_cursor(const std::string& consumer) const;
  [[nodiscard]] Result<void> store_cursor(const std::string& consumer, const Position& position);

  void on_rollback(std::function<void(std::uint64_t)> callback);
  [[nodiscard]] const JournalId& id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t durable_end() const noexcept { return durable_end_.load(); }
  [[nodiscard]] std::uint64_t first_sequence() const noexcept { return first_sequence_.load(); }
  [[nodiscard]] FileSystem& files() const noexcept { return environment_.files; }
  [[nodiscard]] std::recursive_mutex& mutex() const noexcept { return mutex_; }

  // For readers (reader.cpp).

  /// Where reading may go on: what is durable now.
  struct View {
    bool live = false;                      ///< the tail: more may come
    std::uint64_t end = 0;                  ///< may be read up to here; 0 = to the file's end
    std::uint64_t last = 0;                 ///< live: last durable sequence, matches `end`
    std::uint64_t next_first = UINT64_MAX;  ///< first sequence of the next segment
  };
  [[nodiscard]] View view_of(SegmentKey key) const;
  /// The segment that holds `sequence`, else the oldest one.
  [[nodiscard]] std::optional<SegmentKey> segment_for(std::uint64_t sequence) const;
  [[nodiscard]] std::optional<SegmentKey> segment_after(SegmentKey key) const;
  /// Everything up to this sequence was in segments that were deleted since open().
  [[nodiscard]] std::uint64_t trimmed_through() const;
  [[nodiscard]] std::string path_of(SegmentKey key) const;
  /// Counts, logs and quarantines, each place once.
  void note_damage(SegmentKey key, std::uint64_t offset, std::uint64_t bytes);

 private:
  // Bytes that are durable, and the sync that runs. A leaf: no other mutex is taken under it.
  struct Commit {
    std::mutex mutex;
    std::condition_variable changed;
    FileSystem::Handle file = -1;  // the tail
    SegmentKey segment;
    std::uint64_t epoch = 0;  // counts rollbacks
    std::uint64_t written_offset = 0, written_last = 0;
    std::uint64_t durable_offset = 0, durable_last = 0;
    bool busy = false;    // a sync runs; nothing else may sync, truncate or close the file
    bool failed = false;  // it failed: the tail must be abandoned
    Error failure;
    // durable_last at the end of each past epoch; the newest only.
    std::deque<std::uint64_t> epoch_ends;
    std::uint64_t syncs = 0;
  };

  // recovery.cpp
  Result<void> judge_segments(const std::vector<SegmentKey>& keys);
  Result<std::optional<HeaderState>> judge_segment(SegmentKey key, std::uint64_t& bytes);
  Result<void> recover_tail(const RecoveryVisitor& recover);
  Result<void> recover_file(FileSystem::Handle file, const RecoveryVisitor& recover);
  void visit_earlier(const RecoveryVisitor& recover);
  void find_last_time();
  [[nodiscard]] bool starts_with_snapshot(const Segment& segment) const;
  void set_aside(SegmentKey key);
  void note_scan(const Segment& segment, const SegmentScan& scan, std::uint64_t next_first);

  // segment_log.cpp
  Result<void> roll();
  Result<void> create_segment();
  Result<FileSystem::Handle> write_segment_start(SegmentKey key);
  Result<void> settle(SegmentKey newest);
  Result<std::size_t> write_snapshot(FileSystem::Handle file, SegmentKey key,
                                     const Snapshot& snapshot);
  std::size_t plan(std::span<const Journal::Record> records);
  Result<std::size_t> encode(std::span<Journal::Record> records, std::size_t bytes);
  Error undo_write(Error reason);
  void restore_folder();
  [[nodiscard]] bool tail_open() const noexcept { return tail_ >= 0; }

  // commit.cpp
  [[nodiscard]] std::optional<Result<void>> outcome_of(const Journal::Ticket& ticket) const;
  bool sync_now(std::unique_lock<std::mutex>& lock);
  /// Syncs the tail under the append mutex. False: it failed, now or before.
  bool sync_tail(bool always = false);
  void mark_failed(Error reason);
  void close_tail();
  void publish_tail(FileSystem::Handle file, SegmentKey key, std::uint64_t offset);
  void publish_written();
  [[nodiscard]] std::uint64_t commit_epoch() const;
  void abandon_if_failed();
  /// Gives up the tail behind its last durable frame and opens another segment.
  void abandon();
  [[nodiscard]] Error abandoned_error() const;

  // cursor.cpp
  /// Before what lies up to `last` goes. A cursor's file may be some seconds old; it must not say
  /// that its consumer still needs what is no longer there.
  void bring_cursors(std::uint64_t last);

  // trim.cpp
  Result<void> make_room(std::size_t bytes);
  Result<void> free_oldest(std::size_t bytes, bool disk);
  [[nodiscard]] Error full_error(std::size_t bytes, bool disk) const;
  [[nodiscard]] std::uint64_t lowest_cursor() const;
  [[nodiscard]] bool oldest_passed() const;
  [[nodiscard]] bool oldest_outlived();
  [[nodiscard]] std::uint64_t count_needed();
  bool delete_oldest();
  void check_clock();
  void update_first_sequence();

  void log(LogLevel level, std::string_view message) const {
    environment_.log(level, "journal", message);
  }

  const JournalOptions options_;
  const JournalSizes sizes_;
  Environment environment_;
  const SegmentContent content_;
  mutable std::recursive_mutex mutex_;
  std::recursive_mutex cursor_mutex_;  // of the cursors' files; taken after mutex_
  FileSystem::Handle lock_file_ = -1;
  JournalId id_{};

  std::deque<Segment> segments_;  // in order; the tail is the last
  std::uint64_t total_bytes_ = 0;
  SegmentKey newest_key_;  // also of a segment that could not be created
  std::uint64_t trimmed_through_ = 0;

  FileSystem::Handle tail_ = -1;
  std::uint64_t tail_offset_ = 0;
  std::uint64_t tail_start_ = 0;  // behind header and snapshot
  std::uint64_t next_ = 1;
  std::int64_t last_received_at_ = 0;
  std::vector<std::uint64_t> tail_schemas_;  // sorted

  // Reused by every append.
  struct Document {
    std::size_t record;  // it stands before this one
    std::uint64_t schema_id;
    std::string text;
  };
  std::vector<Document> documents_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t buffer_bytes_ = 0;

  std::map<std::string, std::uint64_t> cursors_;
  std::function<void(std::uint64_t)> on_rollback_;
  mutable Commit commit_;
  std::atomic<std::uint64_t> durable_end_{0};
  std::atomic<std::uint64_t> first_sequence_{1};

  bool disk_full_ = false;  // a write failed for want of space
  std::int64_t wall_start_ = 0, monotonic_start_ = 0, suspect_since_ = 0;
  JournalStats stats_;
};

}  // namespace telemetry::journal
