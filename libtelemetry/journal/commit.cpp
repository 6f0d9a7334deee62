// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "journal/segment_log.hpp"

// Durability: who waits, who syncs, and what happens when a sync fails.
//
// The first of those who wait becomes the leader and syncs what has been written until then, for
// all; the others wait, or lead the next round. Two syncs of one file never run at once: the kernel
// reports a lost page to one caller only, and the other one would believe in its success.
// After a failed sync the file is given up behind its last durable frame. It is cut there, but the
// cut is not relied on: the next segment's first sequence marks what no longer counts.

namespace telemetry::journal {
namespace {
constexpr std::size_t epochs_remembered_max = 1024;
}

Result<void> SegmentLog::sync(const Journal::Ticket& ticket) {
  if (options_.sync == SyncMode::never) return {};
  std::unique_lock lock(commit_.mutex);
  for (;;) {
    if (auto known = outcome_of(ticket)) return *known;
    if (commit_.failed) {
      lock.unlock();
      {
        const std::lock_guard append_lock(mutex_);
        abandon_if_failed();
      }
      lock.lock();
    } else if (commit_.busy) {
      commit_.changed.wait(lock);
    } else {
      sync_now(lock);
    }
  }
}

std::optional<Result<void>> SegmentLog::outcome_of(const Journal::Ticket& ticket) const {
  std::uint64_t durable = commit_.durable_last;
  if (ticket.epoch == commit_.epoch) {
    if (ticket.last > commit_.written_last) {
      return Error{Errc::invalid_argument, "the ticket is not of this journal"};
    }
    if (ticket.last > durable) return std::nullopt;
  } else {
    const std::uint64_t age = commit_.epoch - ticket.epoch;
    const auto& ends = commit_.epoch_ends;
    durable = age <= ends.size() ? ends[ends.size() - age] : 0;
  }
  if (ticket.last <= durable) return Result<void>();
  return abandoned_error();
}

bool SegmentLog::sync_now(std::unique_lock<std::mutex>& lock) {
  commit_.changed.wait(lock, [this] { return !commit_.busy; });
  if (commit_.failed || commit_.file < 0) return !commit_.failed;
  if (options_.sync == SyncMode::never) return true;
  commit_.busy = true;
  const auto file = commit_.file;
  const std::uint64_t offset = commit_.written_offset;
  const std::uint64_t last = commit_.written_last;
  lock.unlock();
  auto synced = files().sync(file);
  lock.lock();
  commit_.busy = false;
  ++commit_.syncs;
  if (synced) {
    commit_.durable_offset = offset;
    commit_.durable_last = last;
    durable_end_.store(last);
  } else {
    commit_.failed = true;
    commit_.failure = synced.error();
  }
  commit_.changed.notify_all();
  return !commit_.failed;
}

bool SegmentLog::sync_tail(bool always) {
  std::unique_lock lock(commit_.mutex);
  if (always || commit_.durable_offset != commit_.written_offset) return sync_now(lock);
  commit_.changed.wait(lock, [this] { return !commit_.busy; });
  return !commit_.failed;
}

void SegmentLog::mark_failed(Error reason) {
  std::unique_lock lock(commit_.mutex);
  commit_.changed.wait(lock, [this] { return !commit_.busy; });
  if (!commit_.failed) commit_.failure = std::move(reason);
  commit_.failed = true;
}

void SegmentLog::publish_tail(FileSystem::Handle file, SegmentKey key, std::uint64_t offset) {
  const std::lock_guard lock(commit_.mutex);
  commit_.file = file;
  commit_.segment = key;
  commit_.written_offset = commit_.durable_offset = offset;
  commit_.written_last = commit_.durable_last = next_ - 1;
  durable_end_.store(next_ - 1);
}

void SegmentLog::publish_written() {
  const std::lock_guard lock(commit_.mutex);
  commit_.written_offset = tail_offset_;
  commit_.written_last = next_ - 1;
  if (options_.sync == SyncMode::never) {
    commit_.durable_offset = tail_offset_;
    commit_.durable_last = next_ - 1;
    durable_end_.store(next_ - 1);
  }
}

void SegmentLog::close_tail() {
  {
    std::unique_lock lock(commit_.mutex);
    commit_.changed.wait(lock, [this] { return !commit_.busy; });
    commit_.file = -1;
  }
  segments_.back().end = tail_offset_;
  segments_.back().last = next_ - 1;
  files().close(tail_);
  tail_ = -1;
}

std::uint64_t SegmentLog::commit_epoch() const {
  const std::lock_guard lock(commit_.mutex);
  return commit_.epoch;
}

void SegmentLog::abandon_if_failed() {
  {
    const std::lock_guard lock(commit_.mutex);
    if (!commit_.failed) return;
  }
  abandon();
}

void SegmentLog::abandon() {
  std::uint64_t offset = 0;
  std::uint64_t last = 0;
  {
    std::unique_lock lock(commit_.mutex);
    commit_.changed.wait(lock, [this] { return !commit_.busy; });
    offset = commit_.durable_offset;
    last = commit_.durable_last;
  }
  auto& segment = segments_.back();
  if (files().truncate(tail_, offset)) {
    total_bytes_ -= segment.bytes - offset;
    segment.bytes = offset;
  }
  files().close(tail_);
  tail_ = -1;
  segment.end = offset;
  segment.last = last;
  const std::uint64_t lost = next_ - 1 - last;
  next_ = last + 1;
  {
    const std::lock_guard lock(commit_.mutex);
    commit_.epoch_ends.push_back(last);
    if (commit_.epoch_ends.size() > epochs_remembered_max) commit_.epoch_ends.pop_front();
    ++commit_.epoch;
    commit_.file = -1;
    commit_.failed = false;
    commit_.written_offset = offset;
    commit_.written_last = last;
    commit_.changed.notify_all();
  }
  ++stats_.sync_failures;
  ++stats_.rollbacks;
  log(LogLevel::error,
      fmt::format("{}: given up behind sequence {}, {} unacknowledged frames rolled back: {}",
                  path_of(segment.key), last, lost, abandoned_error().context));
  if (on_rollback_) on_rollback_(last);
  if (auto made = create_segment(); !made) {
    log(LogLevel::error, made.error().context + "; tried again with the next batch");
  }
}

Error SegmentLog::abandoned_error() const {
  return {Errc::unavailable, commit_.failure.context + ": the batch was rolled back"};
}

}  // namespace telemetry::journal
