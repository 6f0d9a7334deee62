// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "journal/segment_log.hpp"

// Reading and mending a journal folder from outside: `telemetry journal check|dump|repair`. Check
// and dump take no lock and change nothing: a segment that vanishes meanwhile was trimmed, and a
// torn end of the newest one may be a frame that is being written.

namespace telemetry {
namespace {

using namespace journal;

constexpr std::size_t flush_bytes = 1024 * 1024;

struct Segments {
  std::vector<SegmentKey> keys;
  std::optional<JournalId> id;
};

Result<Segments> find_segments(FileSystem& files, const std::string& path) {
  Segments found;
  auto keys = list_segments(files, path);
  if (!keys) return keys.error();
  found.keys = std::move(*keys);
  bool from_file = false;
  auto id = find_journal_id(files, path, found.keys, from_file);
  if (!id) return id.error();
  found.id = *id;
  return found;
}

std::uint64_t next_first(const Segments& segments, std::size_t index) {
  return index + 1 < segments.keys.size() ? segments.keys[index + 1].first : UINT64_MAX;
}

/// Nothing: the segment vanished.
Result<std::optional<JournalCheck>> check_segment(FileSystem& files, const std::string& path,
                                                  const Segments& segments, std::size_t index,
                                                  const ScanVisitor& visit = {}) {
  const SegmentKey key = segments.keys[index];
  JournalCheck check;
  check.file = path + "/" + segment_name(key);
  auto opened = files.open_read(check.file);
  if (!opened) {
    if (opened.error().code == Errc::not_found) return std::optional<JournalCheck>();
    check.note = opened.error().context;
    return std::optional(check);
  }
  const OpenFile file(files, *opened);
  std::array<std::uint8_t, core::segment_header_bytes> header{};
  auto size = files.size(*file);
  auto n = files.read(*file, 0, header);
  if (!size || !n) {
    check.note = !size ? size.error().context : n.error().context;
    return std::optional(check);
  }
  check.bytes = *size;
  auto state = judge_header(check.file, key, std::span(header).first(*n),
                            segments.id ? &*segments.id : nullptr, nullptr);
  if (!state) {
    check.note = state.error().context;
    return std::optional(check);
  }
  if (*state == HeaderState::foreign) check.note = "belongs to another journal";
  check.header_damaged = *state == HeaderState::damaged;
  auto scan = scan_segment(files, *file, key, next_first(segments, index), visit);
  if (!scan) {
    check.note = scan.error().context;
    return std::optional(check);
  }
  check.frames = scan->frames;
  check.messages = scan->messages;
  check.first_sequence = scan->first_sequence;
  check.last_sequence = scan->messages > 0 ? scan->last_sequence : 0;
  check.damaged_places = scan->damage.size();
  for (const auto& place : scan->damage) check.damaged_bytes += place.bytes;
  if (scan->torn_bytes == 0) return std::optional(check);
  if (index + 1 == segments.keys.size()) {
    check.torn_bytes = scan->torn_bytes;
    check.note = "ends inside a frame: torn, or being written now";
  } else if (scan->last_sequence + 1 < next_first(segments, index)) {
    ++check.damaged_places;
    check.damaged_bytes += scan->torn_bytes;
  }
  return std::optional(check);
}

bool needs_rewrite(const JournalCheck& check) {
  return check.header_damaged || check.damaged_places > 0;
}

/// Frames of one segment, rewritten without holes: offsets change, so checksums do too.
class Rewriter {
 public:
  Rewriter(FileSystem& files, FileSystem::Handle file, const JournalId& id, SegmentKey key)
      : files_(files), file_(file), key_(key), buffer_(core::segment_header_bytes) {
    core::SegmentHeader header;
    header.journal_id = id;
    header.segment_id = key.id;
    header.first_sequence = key.first;
    core::encode_segment_header(header, std::span(buffer_).first<core::segment_header_bytes>());
  }
  bool add(const core::FrameView& frame) {
    const std::size_t begin = buffer_.size();
    buffer_.resize(begin + frame.bytes);
    core::encode_frame(frame.header, frame.topic, frame.payload, key_.id, offset_ + begin,
                       std::span(buffer_).subspan(begin));
    if (buffer_.size() >= flush_bytes) flush();
    return static_cast<bool>(result_);
  }
  Result<void> finish() {
    flush();
    if (result_) result_ = files_.sync(file_);
    return result_;
  }

 private:
  void flush() {
    if (result_) result_ = files_.write(file_, offset_, buffer_);
    offset_ += buffer_.size();
    buffer_.clear();
  }

  FileSystem& files_;
  FileSystem::Handle file_;
  SegmentKey key_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t offset_ = 0;
  Result<void> result_;
};

Result<void> rewrite_segment(FileSystem& files, const std::string& path, const JournalId& id,
                             const Segments& segments, std::size_t index) {
  const SegmentKey key = segments.keys[index];
  const std::string name = segment_name(key);
  if (auto kept = copy_to_quarantine(files, path, name, UINT64_MAX); !kept) return kept.error();
  const std::string temporary = path + "/" + name + ".tmp";
  {
    auto source_file = files.open_read(path + "/" + name);
    if (!source_file) return source_file.error();
    const OpenFile source(files, *source_file);
    auto target_file = files.open_write(temporary);
    if (!target_file) return target_file.error();
    const OpenFile target(files, *target_file);
    if (auto done = files.truncate(*target, 0); !done) return done;
    Rewriter rewriter(files, *target, id, key);
    auto scan = scan_segment(
        files, *source, key, next_first(segments, index),
        [&](const core::FrameView& frame, std::uint64_t) { return rewriter.add(frame); });
    if (!scan) return scan.error();
    if (auto done = rewriter.finish(); !done) return done;
  }
  if (auto done = files.rename(temporary, path + "/" + name); !done) return done;
  return files.sync_folder(path);
}

Result<void> cut_tail(FileSystem& files, const JournalCheck& check) {
  auto opened = files.open_write(check.file);
  if (!opened) return opened.error();
  const OpenFile file(files, *opened);
  if (auto done = files.truncate(*file, check.bytes - check.torn_bytes); !done) return done;
  return files.sync(*file);
}

Result<JournalId> repaired_id(FileSystem& files, const Environment& environment,
                              const std::string& path, const Segments& segments) {
  bool from_file = false;
  auto found = find_journal_id(files, path, segments.keys, from_file);
  if (!found) return found.error();
  JournalId id{};
  if (*found)
    id = **found;
  else
    environment.random(id);
  if (!from_file) {
    if (auto written = write_journal_id(files, path, id); !written) return written.error();
  }
  return id;
}

}  // namespace

Result<std::vector<JournalCheck>> check_journal(const std::string& path, Environment environment) {
  auto segments = find_segments(environment.files, path);
  if (!segments) return segments.error();
  std::vector<JournalCheck> checks;
  for (std::size_t i = 0; i < segments->keys.size(); ++i) {
    auto check = check_segment(environment.files, path, *segments, i);
    if (!check) return check.error();
    if (*check) checks.push_back(std::move(**check));
  }
  return checks;
}

Result<void> dump_journal(const std::string& path, Environment environment,
                          const DumpVisitor& visit) {
  auto segments = find_segments(environment.files, path);
  if (!segments) return segments.error();
  bool more = true;
  for (std::size_t i = 0; i < segments->keys.size() && more; ++i) {
    const std::string file = path + "/" + segment_name(segments->keys[i]);
    auto check = check_segment(environment.files, path, *segments, i,
                               [&](const core::FrameView& frame, std::uint64_t offset) {
                                 more = visit(frame, file, offset);
                                 return more;
                               });
    if (!check) return check.error();
  }
  return {};
}

Result<std::vector<JournalCheck>> repair_journal(const std::string& path, Environment environment) {
  FileSystem& files = environment.files;
  if (auto there = files.list(path); !there) return there.error();
  auto locked = files.lock(path + "/lock");
  if (!locked) {
    if (locked.error().code != Errc::already_exists) return locked.error();
    return Error{Errc::failed_precondition,
                 locked.error().context + "; repair needs the journal for itself"};
  }
  const OpenFile lock(files, *locked);
  auto segments = find_segments(files, path);
  if (!segments) return segments.error();
  if (segments->keys.empty()) return std::vector<JournalCheck>();
  auto id = repaired_id(files, environment, path, *segments);
  if (!id) return id.error();
  std::vector<JournalCheck> changed;
  for (std::size_t i = 0; i < segments->keys.size(); ++i) {
    auto check = check_segment(files, path, *segments, i);
    if (!check) return check.error();
    if (!*check) continue;
    Result<void> mended;
    if (needs_rewrite(**check)) {
      mended = rewrite_segment(files, path, *id, *segments, i);
      (*check)->note = "rewritten without the damage; the old file is in quarantine/";
    } else if ((*check)->torn_bytes > 0) {
      mended = cut_tail(files, **check);
      (*check)->note = "torn tail cut";
    } else {
      continue;
    }
    if (!mended) return mended.error();
    changed.push_back(std::move(**check));
  }
  return changed;
}

}  // namespace telemetry
