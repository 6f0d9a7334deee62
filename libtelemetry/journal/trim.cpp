// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "journal/segment_log.hpp"

// The cap: what may be deleted, when, and what is said when nothing may. Segments go from the
// oldest on, each name synced before the next one goes, so that a crash cannot leave an older
// segment without its successor, whose name marks its end. The only segment can go too, once a new
// one is there, which carries number and state on; so the start of one always stays free.

namespace telemetry::journal {
namespace {
constexpr std::int64_t clock_jump_max_ns = 24ll * 3600 * 1'000'000'000;
constexpr std::uint64_t disk_slack_bytes = 64 * 1024;
}  // namespace

void SegmentLog::set_cursor(const std::string& consumer, std::uint64_t durable) {
  const std::lock_guard lock(mutex_);
  cursors_[consumer] = durable;
}

std::uint64_t SegmentLog::lowest_cursor() const {
  // Without a cursor nothing has been consumed.
  std::uint64_t lowest = cursors_.empty() ? 0 : UINT64_MAX;
  for (const auto& [consumer, durable] : cursors_) lowest = std::min(lowest, durable);
  return lowest;
}

bool SegmentLog::oldest_passed() const {
  const auto& oldest = segments_.front();
  const std::uint64_t next = segments_.size() > 1 ? segments_[1].key.first : next_;
  return lowest_cursor() >= (oldest.end != 0 ? oldest.last : next - 1);
}

void SegmentLog::trim() {
  const std::lock_guard lock(mutex_);
  while (segments_.size() > 1 && oldest_passed() && oldest_outlived() && delete_oldest()) {
  }
}

bool SegmentLog::oldest_outlived() {
  if (options_.replay_window_ns <= 0) return true;
  if (stats_.clock_suspect) return false;
  const std::int64_t now = environment_.clock.now();
  // All of a segment is older than the first message of the next one.
  auto& next = segments_[1];
  if (next.first_received_at == 0 && (segments_.size() > 2 || !tail_open())) {
    if (auto opened = files().open_read(path_of(next.key))) {
      const OpenFile file(files(), *opened);
      (void)scan_segment(files(), *file, next.key, UINT64_MAX,
                         [&](const core::FrameView& frame, std::uint64_t) {
                           if (!has_own_sequence(frame.header.kind)) return true;
                           next.first_received_at = frame.header.received_at;
                           return false;
                         });
    }
    if (next.first_received_at == 0) next.first_received_at = now;  // unreadable: keeps a window
  }
  return next.first_received_at != 0 && now - next.first_received_at > options_.replay_window_ns;
}

Result<void> SegmentLog::make_room(std::size_t bytes) {
  if (bytes > sizes_.append_bytes_max) return full_error(bytes, false);
  bool freed = false;
  for (;;) {
    bool disk = false;
    if (disk_full_) {
      // What the system says is free may not be ours to use (quota): first give up what can go.
      const auto free = files().free_bytes(options_.path);
      disk = (!freed && segments_.size() > 1 && oldest_passed()) ||
             (free && *free < bytes + disk_slack_bytes);
      if (!disk) disk_full_ = false;
    }
    const std::uint64_t needed = bytes + sizes_.start_bytes_max;
    if (!disk && total_bytes_ + needed <= options_.size_max_bytes) return {};
    if (auto done = free_oldest(bytes, disk); !done) return done;
    freed = true;
  }
}

Result<void> SegmentLog::free_oldest(std::size_t bytes, bool disk) {
  if (segments_.empty()) return full_error(bytes, disk);
  const bool is_only = segments_.size() == 1;
  const bool has_messages = !is_only || next_ > segments_.front().key.first;
  // Without a message it may still hold documents, or what could not be cut off.
  if (!has_messages && segments_.front().bytes <= sizes_.start_bytes_max) {
    return full_error(bytes, disk);
  }
  const bool needed = has_messages && !oldest_passed();
  if (needed && options_.when_full != WhenFull::drop_oldest) return full_error(bytes, disk);
  if (is_only) {
    if (auto rolled = roll(); !rolled) return rolled;
    if (segments_.size() == 1) return {};  // it had no message, or a sync failed: replaced
  }
  const std::uint64_t dropped = needed ? count_needed() : 0;
  const std::string file = path_of(segments_.front().key);
  if (!delete_oldest()) return full_error(bytes, disk);
  if (!needed) return {};
  stats_.dropped_frames += dropped;
  log(LogLevel::warn, fmt::format("{}: dropped with {} frames that a consumer still needs "
                                  "(journal.when_full: drop_oldest)",
                                  file, dropped));
  return {};
}

Error SegmentLog::full_error(std::size_t bytes, bool disk) const {
  if (disk) {
    return {Errc::resource_exhausted,
            fmt::format("{}: disk full, {} more bytes needed (free space, or lower "
                        "journal.size_max_mb so that the journal stops first)",
                        options_.path, bytes)};
  }
  if (bytes > sizes_.append_bytes_max) {
    return {Errc::resource_exhausted,
            fmt::format("{}: a batch of {} bytes cannot fit, at most {} do (raise "
                        "journal.size_max_mb)",
                        options_.path, bytes, sizes_.append_bytes_max)};
  }
  std::string needed = "no consumer has read it";
  const std::uint64_t lowest = lowest_cursor();
  for (const auto& [consumer, durable] : cursors_) {
    if (durable == lowest) needed = fmt::format("consumer {} stands at {}", consumer, durable);
  }
  return {Errc::resource_exhausted,
          fmt::format("{}: journal full, {} of {} bytes, and {} of {} (mend the consumer, raise "
                      "journal.size_max_mb, or set journal.when_full: drop_oldest)",
                      options_.path, total_bytes_, options_.size_max_bytes, needed, next_ - 1)};
}

std::uint64_t SegmentLog::count_needed() {
  const auto& oldest = segments_.front();
  const std::uint64_t lowest = lowest_cursor();
  if (oldest.end != 0) return oldest.last - std::max(oldest.key.first - 1, lowest);
  std::uint64_t needed = 0;  // from an earlier run: numbers may have been skipped in it
  if (auto opened = files().open_read(path_of(oldest.key))) {
    const OpenFile file(files(), *opened);
    (void)scan_segment(
        files(), *file, oldest.key, segments_[1].key.first,
        [&](const core::FrameView& frame, std::uint64_t) {
          if (has_own_sequence(frame.header.kind) && frame.header.sequence > lowest) {
            ++needed;
          }
          return true;
        });
  }
  return needed;
}

bool SegmentLog::delete_oldest() {
  const auto& oldest = segments_.front();
  bring_cursors(segments_[1].key.first - 1);
  auto removed = files().remove(path_of(oldest.key));
  if (removed || removed.error().code == Errc::not_found) {
    removed = files().sync_folder(options_.path);
  }
  if (!removed) {
    log(LogLevel::error, removed.error().context);
    return false;
  }
  total_bytes_ -= oldest.bytes;
  trimmed_through_ = segments_[1].key.first - 1;
  segments_.pop_front();
  update_first_sequence();
  return true;
}

void SegmentLog::update_first_sequence() {
  first_sequence_.store(segments_.empty() ? next_ : segments_.front().key.first);
}

void SegmentLog::check_clock() {
  const std::int64_t now = environment_.clock.now();
  const std::int64_t monotonic = environment_.clock.monotonic();
  const std::int64_t drift = (now - wall_start_) - (monotonic - monotonic_start_);
  const bool behind = now < last_received_at_ - clock_jump_max_ns;
  const bool jumped = drift > clock_jump_max_ns || drift < -clock_jump_max_ns;
  if (!behind && !jumped) {
    stats_.clock_suspect = false;
    return;
  }
  if (!stats_.clock_suspect) {
    stats_.clock_suspect = true;
    suspect_since_ = monotonic;
    log(LogLevel::error,
        "the wall clock jumped by more than 24 hours; deletion by age pauses (set the clock)");
  }
  // After a window by the steady clock, nothing that bears the old time is young any more.
  if (jumped &&
      monotonic - suspect_since_ > std::max(options_.replay_window_ns, clock_jump_max_ns)) {
    wall_start_ = now;
    monotonic_start_ = monotonic;
  }
}

JournalStats SegmentLog::stats() const {
  const std::lock_guard lock(mutex_);
  JournalStats stats = stats_;
  stats.bytes = total_bytes_;
  stats.segments = segments_.size();
  stats.first_sequence = first_sequence();
  stats.last_sequence = durable_end();
  const std::lock_guard commit_lock(commit_.mutex);
  stats.syncs = commit_.syncs;
  return stats;
}

}  // namespace telemetry::journal
