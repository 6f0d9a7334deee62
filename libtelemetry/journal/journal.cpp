// SPDX-License-Identifier: Apache-2.0
#include "telemetry/journal.hpp"

#include <algorithm>

#include "journal/reader.hpp"
#include "journal/segment_log.hpp"

// The journal: the only durable queue of the product.
//
// Life of a message: reserve() makes room (trim.cpp) and opens a new segment when the tail is full;
// append() (segment_log.cpp) numbers the frames, encodes a batch into one buffer and writes it with
// one call; sync() (commit.cpp) makes it durable, one fdatasync for all who wait; readers
// (reader.cpp) hand it to consumers; when every cursor has durably passed its segment, trim deletes
// that. After a crash recovery.cpp finds the end again.
//
// Invariants:
// - Frames are only ever appended to the newest segment. A segment's file name holds its first
// sequence
//   and the id that seeds its checksums, so that a damaged header loses nothing.
// - A segment was synced whole before the next one's name exists, or its frames from the next one's
//   first sequence on do not count. That is how a rollback survives a crash.
// - Messages and tombstones have a sequence each, without holes but for rollbacks that reuse them
// and
//   floors that skip them. Schema and snapshot frames bear that of the next message.
// - Durable bytes never change. Readers see nothing else.
// - received_at never goes back.
//
// - The start of one more segment always fits below the cap: so the only segment can be replaced by
//   a new one, which carries number and state on, and no journal is stuck that has been read.
//
// Limits: size_max_bytes in all (a batch's schema documents may exceed it by their size), a segment
// at most a quarter of that (or one batch), a frame 16 MiB, quarantine a quarter of the cap or two
// segments; sizes_of() has the rest.
// Locks: one recursive mutex for the append side; under it, as a leaf, the commit mutex. No
// fdatasync runs under the append mutex but when a segment is closed.

namespace telemetry {
namespace {

constexpr std::uint64_t segment_bytes_min = 4096;
constexpr std::uint64_t snapshot_bytes_least = 4096;  // in small segments, not in small journals
constexpr std::uint64_t snapshot_bytes_most = 8 * 1024 * 1024;
constexpr std::uint64_t snapshot_share = 48;  // of the journal

}  // namespace

JournalSizes sizes_of(const JournalOptions& options) noexcept {
  JournalSizes sizes;
  // At least four segments, so that making room seldom needs more than a quarter of the journal.
  sizes.segment_bytes =
      std::min(options.segment_bytes, std::max(options.size_max_bytes / 4, segment_bytes_min));
  sizes.snapshot_bytes_max = static_cast<std::size_t>(
      std::min({std::max(sizes.segment_bytes / 8, snapshot_bytes_least),
                options.size_max_bytes / snapshot_share, snapshot_bytes_most}));
  sizes.start_bytes_max =
      core::segment_header_bytes + core::frame_size(0, sizes.snapshot_bytes_max, false);
  sizes.append_bytes_max =
      options.size_max_bytes - std::min(options.size_max_bytes, 2 * sizes.start_bytes_max);
  return sizes;
}

struct Journal::State {
  journal::SegmentLog log;
};

Journal::Journal() = default;
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const JournalOptions& options,
                                               Environment environment, SegmentContent content,
                                               const RecoveryVisitor& recover) {
  std::unique_ptr<Journal> journal(new Journal);
  journal->state_.reset(new State{{options, std::move(environment), std::move(content)}});
  if (auto opened = journal->state_->log.open(recover); !opened) return opened.error();
  return journal;
}

const JournalId& Journal::id() const noexcept { return state_->log.id(); }

Result<void> Journal::reserve(std::size_t bytes) { return state_->log.reserve(bytes); }

Result<Journal::Ticket> Journal::append(std::span<Record> records) {
  return state_->log.append(records);
}

Result<void> Journal::sync(const Ticket& ticket) { return state_->log.sync(ticket); }

void Journal::on_rollback(std::function<void(std::uint64_t)> callback) {
  state_->log.on_rollback(std::move(callback));
}

std::unique_lock<std::recursive_mutex> Journal::lock() {
  return std::unique_lock(state_->log.mutex());
}

std::uint64_t Journal::durable_end() const noexcept { return state_->log.durable_end(); }

std::uint64_t Journal::first_sequence() const noexcept { return state_->log.first_sequence(); }

void Journal::set_cursor(const std::string& consumer, std::uint64_t durable) {
  state_->log.set_cursor(consumer, durable);
}

Result<std::optional<Position>> Journal::load_cursor(const std::string& consumer) const {
  return state_->log.load_cursor(consumer);
}

Result<void> Journal::store_cursor(const std::string& consumer, const Position& position) {
  return state_->log.store_cursor(consumer, position);
}

std::unique_ptr<Journal::Reader> Journal::read_from(std::uint64_t after) {
  return std::make_unique<journal::SegmentReader>(state_->log, after);
}

void Journal::trim() { state_->log.trim(); }

JournalStats Journal::stats() const { return state_->log.stats(); }

}  // namespace telemetry
