// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "journal/segment_log.hpp"

// Open: find out what is there, mend what can be mended without destroying evidence, go on behind
// it. Only the newest segment is read whole (earlier ones only while their state snapshots are
// damaged); readers judge the others when they come to them.

namespace telemetry::journal {
namespace {

/// Remembers where the message of several readings begins whose last frame has not come yet.
class WholeMessages {
 public:
  void follow(const core::FrameView& frame, std::uint64_t offset, const SegmentScan& scan) {
    const bool more = (frame.header.flags & core::frame_flag::more) != 0;
    if (more && !open_) {
      begin_ = offset;
      before_ = scan;
    }
    open_ = more;
  }
  /// What is left of one was never acknowledged: it is as torn as half a frame.
  void cut(std::uint64_t file_bytes, SegmentScan& scan) const {
    if (!open_) return;
    scan.end = begin_;
    scan.torn_bytes = file_bytes - begin_;
    scan.frames = before_.frames - 1;  // without its first one
    scan.messages = before_.messages;
    scan.last_sequence = before_.last_sequence;
    scan.last_received_at = before_.last_received_at;
    scan.schemas = before_.schemas;
  }

 private:
  bool open_ = false;
  std::uint64_t begin_ = 0;
  SegmentScan before_;
};

}  // namespace

Result<SegmentScan> scan_segment(FileSystem& files, FileSystem::Handle file, SegmentKey key,
                                 std::uint64_t sequence_limit, const ScanVisitor& visit,
                                 Ends ends) {
  auto size = files.size(file);
  if (!size) return size.error();
  FrameScanner scanner(files, FrameScanner::Snapshots::read);
  scanner.start(file, key);
  scanner.set_limit(*size, sequence_limit);
  SegmentScan scan;
  WholeMessages whole;
  scan.last_sequence = key.first - 1;
  for (;;) {
    auto event = scanner.next();
    if (!event) return event.error();
    if (*event == FrameScanner::Event::end) break;
    if (*event == FrameScanner::Event::torn) {
      scan.torn_bytes = scanner.bytes();
      break;
    }
    if (*event == FrameScanner::Event::damage) {
      scan.damage.push_back({scanner.offset(), scanner.bytes()});
      continue;
    }
    const auto& frame = scanner.frame();
    const auto& header = frame.header;
    ++scan.frames;
    scan.end = scanner.position();
    if (header.kind == core::FrameKind::message) whole.follow(frame, scanner.offset(), scan);
    if (has_own_sequence(header.kind)) {
      if (scan.messages++ == 0) {
        scan.first_sequence = header.sequence;
        scan.first_received_at = header.received_at;
      }
      scan.last_sequence = header.sequence;
      scan.last_received_at = header.received_at;
    } else if (header.kind == core::FrameKind::schema) {
      scan.schemas.push_back(header.schema_id);
    }
    if (visit && !visit(frame, scanner.offset())) break;
  }
  if (ends == Ends::with_a_message) whole.cut(*size, scan);
  std::sort(scan.schemas.begin(), scan.schemas.end());
  return scan;
}

Result<void> SegmentLog::open(const RecoveryVisitor& recover) {
  const std::lock_guard lock(mutex_);
  if (auto made = files().create_folder(options_.path); !made) return made;
  auto locked = files().lock(options_.path + "/lock");
  if (!locked) return locked.error();
  lock_file_ = *locked;
  auto keys = list_segments(files(), options_.path);
  if (!keys) return keys.error();
  if (!keys->empty()) {
    if (auto settled = settle(keys->back()); !settled) return settled;
  }
  bool id_on_disk = false;
  auto id = find_journal_id(files(), options_.path, *keys, id_on_disk);
  if (!id) return id.error();
  if (*id)
    id_ = **id;
  else
    environment_.random(id_);
  if (auto judged = judge_segments(*keys); !judged) return judged;
  if (!id_on_disk) {
    if (auto written = write_journal_id(files(), options_.path, id_); !written) return written;
  }
  wall_start_ = environment_.clock.now();
  monotonic_start_ = environment_.clock.monotonic();
  if (!segments_.empty()) {
    if (auto recovered = recover_tail(recover); !recovered) return recovered;
  }
  if (options_.sequence_floor >= next_) {
    if (tail_open()) close_tail();
    next_ = options_.sequence_floor + 1;
  }
  if (!tail_open()) publish_tail(-1, {}, 0);
  check_clock();
  update_first_sequence();
  return {};
}

/// What an earlier process could not sync reads well from the system's memory, but is not on the
/// disk: only what is there counts. Older segments are complete, or the next one's name ends them.
Result<void> SegmentLog::settle(SegmentKey newest) {
  auto opened = files().open_write(path_of(newest));
  if (!opened) return {};  // judged below
  const OpenFile file(files(), *opened);
  if (auto synced = files().sync(*file); !synced) return synced;
  files().drop_cache(*file);
  return {};
}

Result<void> SegmentLog::judge_segments(const std::vector<SegmentKey>& keys) {
  for (const SegmentKey key : keys) {
    std::uint64_t bytes = 0;
    auto state = judge_segment(key, bytes);
    if (!state) return state.error();
    newest_key_ = key;
    if (!*state || **state == HeaderState::foreign) {
      // Its numbers may have been given out: stay above all that it can hold.
      next_ = std::max(next_, key.first + bytes / core::frame_size(0, 0, false) + 1);
      if (*state) set_aside(key);
      continue;
    }
    Segment segment;
    segment.key = key;
    segment.bytes = bytes;
    segment.header_good = **state == HeaderState::good;
    segments_.push_back(segment);
    total_bytes_ += bytes;
    next_ = std::max(next_, key.first);
    // A newest segment that is shorter was being created when the power went.
    if (!segment.header_good && (key != keys.back() || bytes > core::segment_header_bytes)) {
      note_damage(key, 0, std::min<std::uint64_t>(bytes, core::segment_header_bytes));
    }
  }
  return {};
}

Result<std::optional<HeaderState>> SegmentLog::judge_segment(SegmentKey key, std::uint64_t& bytes) {
  const std::string path = path_of(key);
  auto unreadable = [&](const Error& error) {
    log(LogLevel::error, error.context + "; left out");
    return std::optional<HeaderState>();
  };
  auto opened = files().open_read(path);
  if (!opened) return unreadable(opened.error());
  const OpenFile file(files(), *opened);
  auto size = files().size(*file);
  if (!size) return unreadable(size.error());
  bytes = *size;
  std::array<std::uint8_t, core::segment_header_bytes> header{};
  auto n = files().read(*file, 0, header);
  if (!n) return unreadable(n.error());
  auto state = judge_header(path, key, std::span(header).first(*n), &id_, nullptr);
  if (!state) return state.error();
  return std::optional(*state);
}

void SegmentLog::set_aside(SegmentKey key) {
  log(LogLevel::error,
      fmt::format("{}: belongs to another journal; moved to quarantine (import it, "
                  "or open it as a journal of its own)",
                  path_of(key)));
  if (auto moved = move_to_quarantine(files(), options_.path, segment_name(key)); !moved) {
    log(LogLevel::error, moved.error().context);
    return;
  }
  ++stats_.quarantined_segments;
}

Result<void> SegmentLog::recover_tail(const RecoveryVisitor& recover) {
  if (recover) visit_earlier(recover);
  auto& tail = segments_.back();
  auto opened = files().open_write(path_of(tail.key));
  if (!opened) return opened.error();
  OpenFile file(files(), *opened);
  if (auto recovered = recover_file(*file, recover); !recovered) return recovered;
  if (tail_open()) (void)file.release();
  if (last_received_at_ == 0) find_last_time();
  return {};
}

Result<void> SegmentLog::recover_file(FileSystem::Handle file, const RecoveryVisitor& recover) {
  auto& tail = segments_.back();
  const std::string path = path_of(tail.key);
  auto scanned = scan_segment(
      files(), file, tail.key, UINT64_MAX,
      [&](const core::FrameView& frame, std::uint64_t) {
        if (recover) recover(frame);
        return true;
      },
      Ends::with_a_message);
  if (!scanned) {
    log(LogLevel::error, scanned.error().context + "; continued in a new segment");
    next_ = std::max(next_, tail.key.first + tail.bytes / core::frame_size(0, 0, false) + 1);
    return {};
  }
  const SegmentScan& scan = *scanned;
  note_scan(tail, scan, 0);
  const bool clean = tail.header_good && scan.damage.empty() && next_ <= scan.last_sequence + 1;
  next_ = std::max(next_, scan.last_sequence + 1);
  last_received_at_ = scan.last_received_at;
  tail.first_received_at = scan.first_received_at;
  if (scan.torn_bytes > 0) {
    stats_.torn_bytes += scan.torn_bytes;
    log(LogLevel::warn, fmt::format("{}: torn tail of {} bytes cut", path, scan.torn_bytes));
    if (auto cut = files().truncate(file, scan.end); !cut) return cut;
    total_bytes_ -= tail.bytes;
    tail.bytes = std::max(scan.end, core::segment_header_bytes);
    total_bytes_ += tail.bytes;
  }
  if (auto synced = files().sync(file); !synced) return synced;
  if (auto synced = files().sync_folder(options_.path); !synced) return synced;
  if (!clean) {
    tail.end = scan.end;
    tail.last = scan.last_sequence;
    return {};
  }
  tail_ = file;
  tail_offset_ = scan.end;
  tail_start_ = core::segment_header_bytes;
  tail_schemas_ = scan.schemas;
  publish_tail(tail_, tail.key, tail_offset_);
  return {};
}

void SegmentLog::note_scan(const Segment& segment, const SegmentScan& scan,
                           std::uint64_t next_first) {
  const SegmentKey key = segment.key;
  for (const auto& place : scan.damage) note_damage(key, place.offset, place.bytes);
  // Behind the last frame of an abandoned segment anything may stand, and nothing is missing there.
  if (scan.torn_bytes > 0 && scan.last_sequence + 1 < next_first) {
    note_damage(key, scan.end, scan.torn_bytes);
  }
}

bool SegmentLog::starts_with_snapshot(const Segment& segment) const {
  auto opened = files().open_read(path_of(segment.key));
  if (!opened) return false;
  const OpenFile file(files(), *opened);
  bool found = false;
  (void)scan_segment(files(), *file, segment.key, UINT64_MAX,
                     [&](const core::FrameView& frame, std::uint64_t) {
                       found = frame.header.kind == core::FrameKind::snapshot;
                       return false;
                     });
  return found;
}

void SegmentLog::visit_earlier(const RecoveryVisitor& recover) {
  const std::size_t tail = segments_.size() - 1;
  std::size_t start = tail;
  const auto seen = [&] { return segments_[tail].key.first - segments_[start].key.first; };
  while (start > 0 && seen() < content_.visited_messages) --start;
  while (start > 0 && !starts_with_snapshot(segments_[start])) --start;
  for (std::size_t i = start; i < tail; ++i) {
    const std::uint64_t next_first = segments_[i + 1].key.first;
    auto opened = files().open_read(path_of(segments_[i].key));
    if (!opened) continue;
    const OpenFile file(files(), *opened);
    auto scan = scan_segment(files(), *file, segments_[i].key, next_first,
                             [&](const core::FrameView& frame, std::uint64_t) {
                               recover(frame);
                               return true;
                             });
    if (scan)
      note_scan(segments_[i], *scan, next_first);
    else
      log(LogLevel::error, scan.error().context);
  }
}

void SegmentLog::find_last_time() {
  for (std::size_t i = segments_.size() - 1; i-- > 0 && last_received_at_ == 0;) {
    auto opened = files().open_read(path_of(segments_[i].key));
    if (!opened) continue;
    const OpenFile file(files(), *opened);
    auto scan = scan_segment(files(), *file, segments_[i].key, segments_[i + 1].key.first);
    if (scan) last_received_at_ = scan->last_received_at;
  }
}

}  // namespace telemetry::journal
