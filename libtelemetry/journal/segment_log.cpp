// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/little_endian.hpp"
#include "telemetry/core/checksum.hpp"

namespace telemetry::journal {
namespace {

constexpr std::size_t buffer_kept_bytes_max = 4 * 1024 * 1024;

core::FrameHeader header_of(core::FrameKind kind, std::uint64_t sequence, std::int64_t time,
                            std::uint64_t schema_id) {
  core::FrameHeader header;
  header.kind = kind;
  header.sequence = sequence;
  header.received_at = header.time = time;
  header.schema_id = schema_id;
  return header;
}

}  // namespace

SegmentLog::SegmentLog(const JournalOptions& options, Environment environment,
                       SegmentContent content)
    : options_(options),
      sizes_(sizes_of(options)),
      environment_(std::move(environment)),
      content_(std::move(content)) {}

SegmentLog::~SegmentLog() {
  if (tail_ >= 0) files().close(tail_);
  if (lock_file_ >= 0) files().close(lock_file_);
}

std::string SegmentLog::path_of(SegmentKey key) const {
  return options_.path + "/" + segment_name(key);
}

void SegmentLog::on_rollback(std::function<void(std::uint64_t)> callback) {
  const std::lock_guard lock(mutex_);
  on_rollback_ = std::move(callback);
}

Result<void> SegmentLog::reserve(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  check_clock();
  abandon_if_failed();
  trim();
  if (auto room = make_room(bytes); !room) {
    stats_.full = true;
    return room;
  }
  const bool tail_full = tail_offset_ > tail_start_ && tail_offset_ + bytes > sizes_.segment_bytes;
  if (!tail_open() || tail_full) {
    if (auto rolled = roll(); !rolled) {
      stats_.full = rolled.error().code == Errc::resource_exhausted;
      return rolled;
    }
  }
  stats_.full = false;
  return {};
}

Result<void> SegmentLog::roll() {
  if (tail_open()) {
    if (!sync_tail()) {
      abandon();
      if (tail_open()) return {};
      return abandoned_error();
    }
    close_tail();
  }
  return create_segment();
}

Result<void> SegmentLog::create_segment() {
  std::array<std::uint8_t, 8> random{};
  environment_.random(random);
  SegmentKey key{next_, 0};
  std::memcpy(&key.id, random.data(), sizeof key.id);
  key.id >>= 2;  // leaves room above
  if (newest_key_.first == key.first && key.id <= newest_key_.id) {
    key.id = newest_key_.id + 1 + (key.id & 0xFFFFFFFF);
  }
  newest_key_ = key;

  auto file = write_segment_start(key);
  if (!file && file.error().code == Errc::not_found) {
    restore_folder();
    file = write_segment_start(key);
  }
  if (!file) {
    // Nothing is appended to the segment before it any more: should this name stay behind, it marks
    // the end of that one at recovery.
    (void)files().remove(path_of(key));
    disk_full_ = disk_full_ || file.error().code == Errc::resource_exhausted;
    return file.error();
  }
  tail_ = *file;
  tail_offset_ = tail_start_;
  tail_schemas_.clear();
  Segment segment;
  segment.key = key;
  segment.header_good = true;
  segment.bytes = tail_start_;
  segments_.push_back(segment);
  total_bytes_ += tail_start_;
  publish_tail(tail_, key, tail_start_);
  while (segments_.size() > 1 && segments_[segments_.size() - 2].key.first == key.first) {
    const auto empty = segments_.end() - 2;  // none of its frames count
    (void)files().remove(path_of(empty->key));
    total_bytes_ -= empty->bytes;
    segments_.erase(empty);
  }
  update_first_sequence();
  return {};
}

Result<FileSystem::Handle> SegmentLog::write_segment_start(SegmentKey key) {
  core::SegmentHeader header;
  header.journal_id = id_;
  header.segment_id = key.id;
  header.first_sequence = key.first;
  std::array<std::uint8_t, core::segment_header_bytes> start;
  core::encode_segment_header(header, start);
  const Snapshot snapshot = content_.snapshot ? content_.snapshot() : Snapshot();

  auto opened = files().open_write(path_of(key));
  if (!opened) return opened;
  OpenFile file(files(), *opened);
  if (auto done = files().write(*file, 0, start); !done) return done.error();
  tail_start_ = start.size();
  if (snapshot.bytes != 0) {
    auto written = write_snapshot(*file, key, snapshot);
    if (!written) return written.error();
    tail_start_ += *written;
  }
  if (options_.sync != SyncMode::never) {
    if (auto done = files().sync(*file); !done) return done.error();
    if (auto done = files().sync_folder(options_.path); !done) return done.error();
  }
  return file.release();
}

/// @returns the bytes of its frame; 0: none was written.
Result<std::size_t> SegmentLog::write_snapshot(FileSystem::Handle file, SegmentKey key,
                                               const Snapshot& snapshot) {
  const std::size_t size = core::frame_size(0, snapshot.bytes, false);
  if (size > core::frame_bytes_max) {
    log(LogLevel::error, "state is too large for a snapshot; recovery will be slow");
    return std::size_t{0};
  }
  std::uint64_t offset = core::segment_header_bytes;
  std::uint32_t checksum = core::frame_seed(key.id, offset);
  Result<void> result;
  const auto write = [&](std::span<const std::uint8_t> piece) {
    if (!result) return;
    result = files().write(file, offset, piece);
    checksum = core::crc32c(piece, checksum);
    offset += piece.size();
  };
  std::array<std::uint8_t, core::frame_header_bytes + core::frame_reference_bytes> start;
  const std::size_t start_bytes = core::encode_frame_header(
      header_of(core::FrameKind::snapshot, next_, environment_.clock.now(), 0), 0, size, start);
  write(std::span<const std::uint8_t>(start).first(start_bytes));
  snapshot.write([&](std::string_view piece) {
    write({reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()});
  });
  std::array<std::uint8_t, core::frame_checksum_bytes> end;
  core::store(end.data(), checksum);
  write(end);
  if (!result) return result.error();
  if (offset != core::segment_header_bytes + size) {
    return Error{Errc::internal, "a snapshot has another size than it said"};
  }
  return size;
}

void SegmentLog::restore_folder() {
  log(LogLevel::error,
      fmt::format("{}: the folder is gone; what it held is lost, and it is made again",
                  options_.path));
  if (!files().create_folder(options_.path)) return;
  if (auto relocked = files().lock(options_.path + "/lock")) {
    files().close(lock_file_);
    lock_file_ = *relocked;
  }
  (void)write_journal_id(files(), options_.path, id_);
}

Result<Journal::Ticket> SegmentLog::append(std::span<Journal::Record> records) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t epoch_before = commit_epoch();
  abandon_if_failed();
  if (commit_epoch() != epoch_before) return abandoned_error();
  if (!tail_open()) {
    return Error{Errc::unavailable,
                 fmt::format("{}: no segment is open (reserve room first)", options_.path)};
  }
  if (records.empty()) return Journal::Ticket{epoch_before, next_, next_ - 1};

  auto encoded = encode(records, plan(records));
  if (!encoded) {
    ++stats_.append_failures;
    return encoded.error();
  }
  if (auto written = files().write(tail_, tail_offset_, {buffer_.get(), *encoded}); !written) {
    return undo_write(written.error());
  }
  const Journal::Ticket ticket{epoch_before, next_, next_ + records.size() - 1};
  for (const auto& document : documents_) {
    const auto place =
        std::lower_bound(tail_schemas_.begin(), tail_schemas_.end(), document.schema_id);
    tail_schemas_.insert(place, document.schema_id);
  }
  auto& segment = segments_.back();
  if (segment.first_received_at == 0) {
    segment.first_received_at = records.front().header.received_at;
  }
  last_received_at_ = records.back().header.received_at;
  next_ = ticket.last + 1;
  tail_offset_ += *encoded;
  segment.bytes += *encoded;
  total_bytes_ += *encoded;
  stats_.appended_frames += records.size();
  stats_.appended_bytes += *encoded;
  publish_written();
  return ticket;
}

std::size_t SegmentLog::plan(std::span<const Journal::Record> records) {
  documents_.clear();
  std::size_t bytes = 0;
  std::uint64_t known = 0;  // the last one that was looked up
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    bytes +=
        core::frame_size(record.topic.size(), record.payload.size(), has_reference(record.header));
    if (!record.problems.empty()) bytes += core::frame_size(0, record.problems.size(), false);
    const std::uint64_t id = record.header.schema_id;
    if (id == known || id == 0) continue;
    known = id;
    if (std::binary_search(tail_schemas_.begin(), tail_schemas_.end(), id)) continue;
    if (std::any_of(documents_.begin(), documents_.end(),
                    [id](const Document& document) { return document.schema_id == id; })) {
      continue;
    }
    documents_.push_back(
        {i, id, content_.schema_document ? content_.schema_document(id) : std::string()});
    bytes += core::frame_size(0, documents_.back().text.size(), false);
  }
  return bytes;
}

Result<std::size_t> SegmentLog::encode(std::span<Journal::Record> records, std::size_t bytes) {
  if (buffer_bytes_ < bytes ||
      (buffer_bytes_ > buffer_kept_bytes_max && bytes * 4 < buffer_bytes_)) {
    buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
    buffer_bytes_ = bytes;
  }
  const std::span<std::uint8_t> out(buffer_.get(), buffer_bytes_);
  const std::uint64_t segment_id = segments_.back().key.id;
  std::size_t at = 0;
  std::uint64_t sequence = next_;
  std::int64_t received_at = last_received_at_;
  std::int64_t now = 0;
  auto document = documents_.begin();
  for (std::size_t i = 0; i < records.size(); ++i, ++sequence) {
    auto& [header, topic, payload, problems] = records[i];
    if (!has_own_sequence(header.kind)) {
      return Error{Errc::invalid_argument, "only messages and tombstones can be appended"};
    }
    if (header.received_at == 0) {
      if (now == 0) now = environment_.clock.now();
      header.received_at = now;
    }
    received_at = header.received_at = std::max(header.received_at, received_at);
    header.sequence = sequence;
    if (document != documents_.end() && document->record == i) {
      if (!document->text.empty()) {
        const std::size_t n = core::encode_frame(
            header_of(core::FrameKind::schema, sequence, received_at, document->schema_id), {},
            document->text, segment_id, tail_offset_ + at, out.subspan(at));
        if (n == 0) {
          return Error{Errc::invalid_argument,
                       fmt::format("schema {:016x}: document of {} bytes is too large to journal",
                                   document->schema_id, document->text.size())};
        }
        at += n;
      }
      ++document;
    }
    if (!problems.empty()) {
      at += core::encode_frame(header_of(core::FrameKind::problems, sequence, received_at, 0), {},
                               problems, segment_id, tail_offset_ + at, out.subspan(at));
    }
    const std::size_t n =
        core::encode_frame(header, topic, payload, segment_id, tail_offset_ + at, out.subspan(at));
    if (n == 0) {
      return Error{
          Errc::invalid_argument,
          fmt::format("message of {} bytes with a topic of {} bytes is too large to journal",
                      payload.size(), topic.size())};
    }
    at += n;
  }
  return at;
}

Error SegmentLog::undo_write(Error reason) {
  ++stats_.append_failures;
  disk_full_ = disk_full_ || reason.code == Errc::resource_exhausted;
  // Any part of the batch may stand in the file. It goes before anything else is written, and the
  // cut is synced, or a crash could bring the batch back.
  auto cut = files().truncate(tail_, tail_offset_);
  if (!cut) mark_failed(cut.error());
  if (!sync_tail(true)) abandon();
  return reason;
}

}  // namespace telemetry::journal
