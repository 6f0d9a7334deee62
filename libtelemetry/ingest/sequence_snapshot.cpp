// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "ingest/sequence_state.hpp"
#include "telemetry/message.hpp"

/// Giving up memory at each new segment, and the bytes of the state.
/// Format: docs/formats/sequence_snapshot_v2.md, tied to tests/ingest/sequence_snapshot_test.cpp.
namespace telemetry {
namespace {

constexpr std::string_view snapshot_magic = "TSEQ";
constexpr std::uint16_t version = 2;
constexpr std::uint16_t version_without_recent = 1;
constexpr std::size_t header_bytes = 12;
constexpr std::size_t recent_header_bytes = 4;
constexpr std::size_t entry_header_bytes = 12;
constexpr std::size_t run_header_bytes = 16;
constexpr std::uint8_t run_is_late = 1;
constexpr std::size_t piece_bytes = 64 * 1024;

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
}

/// Takes little-endian numbers off the front; once bytes were missing, everything is 0.
class SnapshotBytes {
 public:
  explicit SnapshotBytes(std::string_view bytes) noexcept : bytes_(bytes) {}
  template <class T>
  T take() noexcept {
    std::uint64_t value = 0;
    const std::string_view part = text(sizeof(T));
    for (std::size_t i = 0; i < part.size(); ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(part[i])) << (8 * i);
    }
    return static_cast<T>(value);
  }
  std::string_view text(std::size_t bytes) noexcept {
    ok_ = ok_ && bytes <= bytes_.size();
    if (!ok_) return {};
    const std::string_view part = bytes_.substr(0, bytes);
    bytes_.remove_prefix(bytes);
    return part;
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

std::size_t run_bytes(const NumberRun& run) noexcept {
  return run.exists() ? run_header_bytes + 8 * std::size_t{run.kept()} : 0;
}

void put_run(std::string& out, const NumberRun& run) {
  put(out, run.last());
  put(out, run.kept());
  put<std::uint8_t>(out, run.is_late() ? run_is_late : 0);
  put<std::uint8_t>(out, 0);
  put<std::uint16_t>(out, 0);
  for (std::uint32_t i = run.kept(); i-- > 0;) {
    put(out, run.hash(static_cast<std::int64_t>(static_cast<std::uint64_t>(run.last()) - i)));
  }
}

bool take_run(SnapshotBytes& in, NumberRun& run) {
  const auto last = in.take<std::int64_t>();
  const auto kept = in.take<std::uint32_t>();
  const auto flags = in.take<std::uint8_t>();
  (void)in.text(3);
  if (!in.ok() || kept == 0 || std::size_t{kept} * 8 > in.left()) return false;
  run.restore(last, kept, (flags & run_is_late) != 0);
  for (std::uint32_t i = kept; i-- > 0;) {
    run.fill(static_cast<std::int64_t>(static_cast<std::uint64_t>(last) - i),
             in.take<std::uint64_t>());
  }
  return true;
}

}  // namespace

std::size_t SequenceState::recent_bytes() const noexcept {
  return recent_header_bytes + recent_in_snapshot() * sizeof(std::uint64_t);
}

/// Every entry keeps one number, the newest entries first; what space is left holds all numbers of
/// the newest entries.
void SequenceState::fit(std::size_t bytes_max) {
  const auto least = [](const Entry& entry) {
    return entry_header_bytes + entry.key.size() +
           (entry.runs[0].exists() ? run_header_bytes + 8 : 0);
  };
  std::size_t sum = header_bytes + recent_bytes();
  for (std::uint32_t at = newest_; at != none;) {
    const std::uint32_t older = entries_[at].older;
    sum += least(entries_[at]);
    if (sum > bytes_max) {
      sum -= least(entries_[at]);
      remove(at);
    }
    at = older;
  }
  for (std::uint32_t at = newest_; at != none; at = entries_[at].older) {
    Entry& entry = entries_[at];
    if (!entry.runs[0].exists()) continue;
    const std::size_t more =
        run_bytes(entry.runs[0]) + run_bytes(entry.runs[1]) - (run_header_bytes + 8);
    if (sum + more <= bytes_max) {
      sum += more;
    } else {
      entry.runs[0].shrink(1);
      entry.runs[1].erase();
      entry.known_since = recent_.added();
    }
  }
}

Snapshot SequenceState::roll() {
  // A segment that could not be made is asked for again: that is one roll.
  if (!moved_since_roll_) return snapshot();
  moved_since_roll_ = false;
  ++generation_;
  for (std::uint32_t at = newest_; at != none; at = entries_[at].older) {
    NumberRun* runs = entries_[at].runs;
    if (runs[0].exists()) (void)runs[0].roll(kept_min);
    if (!runs[1].exists() || runs[1].roll(kept_min)) continue;
    runs[1].erase();
    entries_[at].known_since = recent_.added();
  }
  fit(options_.snapshot_bytes_max);
  return snapshot();
}

Snapshot SequenceState::snapshot() const {
  std::size_t size = header_bytes + recent_bytes();
  for (std::uint32_t at = oldest_; at != none; at = entries_[at].newer) {
    const Entry& entry = entries_[at];
    size +=
        entry_header_bytes + entry.key.size() + run_bytes(entry.runs[0]) + run_bytes(entry.runs[1]);
  }
  return {size, [this](const Snapshot::Put& put_piece) { write(put_piece); }};
}

void SequenceState::write(const Snapshot::Put& put_piece) const {
  std::string piece(snapshot_magic);
  put(piece, version);
  put<std::uint16_t>(piece, 0);
  put(piece, static_cast<std::uint32_t>(count_));
  for (std::uint32_t at = oldest_; at != none; at = entries_[at].newer) {
    const Entry& entry = entries_[at];
    const int runs = (entry.runs[0].exists() ? 1 : 0) + (entry.runs[1].exists() ? 1 : 0);
    put(piece, static_cast<std::uint8_t>(entry.scope));
    put(piece, static_cast<std::uint8_t>(runs));
    put(piece, static_cast<std::uint16_t>(entry.key.size()));
    put(piece, entry.payload_hash);
    piece += entry.key;
    for (const NumberRun& run : entry.runs) {
      if (run.exists()) put_run(piece, run);
    }
    if (piece.size() < piece_bytes) continue;
    put_piece(piece);
    piece.clear();
  }
  put(piece, static_cast<std::uint32_t>(recent_in_snapshot()));
  for (std::size_t age = recent_in_snapshot(); age-- > 0;) {
    put(piece, recent_.before_newest(age));
    if (piece.size() < piece_bytes) continue;
    put_piece(piece);
    piece.clear();
  }
  put_piece(piece);
}

void SequenceState::visit(const std::function<void(const std::string& key, bool per_device,
                                                   std::int64_t last)>& each) const {
  for (std::uint32_t at = oldest_; at != none; at = entries_[at].newer) {
    const Entry& entry = entries_[at];
    if (entry.runs[0].exists()) each(entry.key, entry.scope == Scope::device, entry.runs[0].last());
  }
}

void SequenceState::forget_entries() {
  RecentMessages recent = std::move(recent_);
  *this = SequenceState(options_);
  recent_ = std::move(recent);
}

bool SequenceState::load(std::string_view bytes) {
  forget_entries();
  SnapshotBytes in(bytes);
  const bool magic_found = in.text(snapshot_magic.size()) == snapshot_magic;
  const auto found = in.take<std::uint16_t>();
  const bool known = magic_found && (found == version || found == version_without_recent);
  (void)in.take<std::uint16_t>();
  std::uint32_t left = in.take<std::uint32_t>();
  bool ok = known && in.ok();
  for (; ok && left > 0; --left) {
    const auto scope = in.take<std::uint8_t>();
    const auto runs = in.take<std::uint8_t>();
    const auto key_bytes = in.take<std::uint16_t>();
    const auto payload_hash = in.take<std::uint64_t>();
    const std::string_view key = in.text(key_bytes);
    ok = in.ok() && scope <= 1 && runs <= 2 && !key.empty();
    if (!ok) break;
    const std::uint64_t hash = hash64(key);
    const std::uint32_t known_at = find(Scope{scope}, key, hash);
    Entry& entry = entries_[touch(known_at, Scope{scope}, key, hash).entry];
    entry.payload_hash = payload_hash;
    for (std::uint8_t i = 0; ok && i < runs; ++i) {
      ok = take_run(in, entry.runs[i]);
      if (ok) entry.runs[i].shrink(options_.window);
    }
    undo_.clear();
  }
  if (ok && found == version) {
    const auto recent = in.take<std::uint32_t>();
    ok = in.ok() && in.left() == std::size_t{recent} * sizeof(std::uint64_t);
    // Some are known from the frames of earlier segments.
    for (std::uint32_t i = 0; ok && i < recent; ++i) {
      const auto fingerprint = in.take<std::uint64_t>();
      if (!recent_.contains(fingerprint)) recent_.add(fingerprint);
    }
    for (Entry& entry : entries_) entry.known_since = recent_.added();
  }
  if (!ok || in.left() != 0) {
    forget_entries();
    return false;
  }
  moved_since_roll_ = false;
  return true;
}

}  // namespace telemetry
