// SPDX-License-Identifier: Apache-2.0
#include "journal/frame_scanner.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/little_endian.hpp"
#include "journal/range_checksums.hpp"
#include "telemetry/core/checksum.hpp"

namespace telemetry::journal {
namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr std::size_t block_bytes = 4096;  // what a bad sector costs

using core::frame_bytes_min;

}  // namespace

void FrameScanner::start(FileSystem::Handle file, SegmentKey key) noexcept {
  file_ = file;
  key_ = key;
  limit_ = position_ = core::segment_header_bytes;
  sequence_limit_ = UINT64_MAX;
  last_sequence_ = key.first - 1;
  buffer_offset_ = 0;
  buffer_bytes_ = 0;
}

void FrameScanner::set_limit(std::uint64_t offset, std::uint64_t sequence) noexcept {
  limit_ = std::max(offset, position_);
  sequence_limit_ = sequence;
}

Result<FrameScanner::Event> FrameScanner::next() {
  if (position_ >= limit_) return Event::end;
  auto status = decode_at(position_);
  if (!status) return status.error();
  offset_ = position_;
  if (*status == core::FrameStatus::ok) {
    const std::uint64_t sequence = frame_.header.sequence;
    if (sequence >= sequence_limit_) {
      position_ = limit_;  // rolled back, and so is everything behind it
      return Event::end;
    }
    if (sequence > last_sequence_) {
      position_ += frame_.bytes;
      if (has_own_sequence(frame_.header.kind)) last_sequence_ = sequence;
      return Event::frame;
    }
  }
  auto found = find_frame(position_ + 1);
  if (!found) return found.error();
  bytes_ = *found - position_;
  position_ = *found;
  return *found < limit_ ? Event::damage : Event::torn;
}

Result<core::FrameStatus> FrameScanner::decode_at(std::uint64_t offset) {
  auto bytes = window(offset, frame_bytes_min);
  if (!bytes) return bytes.error();
  auto status = core::decode_frame(*bytes, key_.id, offset, frame_);
  if (status != core::FrameStatus::incomplete || bytes->size() < frame_bytes_min) return status;
  core::FrameStart start;
  const bool begins = core::decode_frame_header(bytes->first<core::frame_header_bytes>(), start);
  if (!begins || offset + start.frame_bytes > limit_) return status;
  if (start.header.kind == core::FrameKind::snapshot && snapshots_ == Snapshots::pass_over) {
    return check_at(offset, start);
  }
  bytes = window(offset, start.frame_bytes);
  if (!bytes) return bytes.error();
  return core::decode_frame(*bytes, key_.id, offset, frame_);
}

Result<core::FrameStatus> FrameScanner::check_at(std::uint64_t offset,
                                                 const core::FrameStart& start) {
  const std::uint64_t end = offset + start.frame_bytes - core::frame_checksum_bytes;
  std::uint32_t checksum = core::frame_seed(key_.id, offset);
  while (offset < end) {
    auto bytes = window(
        offset, static_cast<std::size_t>(std::min<std::uint64_t>(end - offset, chunk_bytes)));
    if (!bytes) return bytes.error();
    const auto piece = bytes->first(std::min<std::uint64_t>(bytes->size(), end - offset));
    checksum = core::crc32c(piece, checksum);
    offset += piece.size();
  }
  auto stored = window(end, core::frame_checksum_bytes);
  if (!stored) return stored.error();
  if (core::load<std::uint32_t>(stored->data()) != checksum) return core::FrameStatus::damaged;
  frame_ = core::FrameView();
  frame_.header = start.header;
  frame_.bytes = start.frame_bytes;
  return core::FrameStatus::ok;
}

Result<std::uint64_t> FrameScanner::find_frame(std::uint64_t offset) {
  static constexpr std::array<std::uint8_t, 4> magic = {
      core::frame_magic & 0xFF, core::frame_magic >> 8 & 0xFF, core::frame_magic >> 16 & 0xFF,
      core::frame_magic >> 24};
  RangeChecksums checksums(files_, file_, offset);
  while (offset + frame_bytes_min <= limit_) {
    auto bytes = window(offset, frame_bytes_min);
    if (!bytes) return bytes.error();
    if (bytes->size() < frame_bytes_min) break;
    const auto searched = bytes->first(bytes->size() - (frame_bytes_min - magic.size()));
    const auto hit = std::search(searched.begin(), searched.end(), magic.begin(), magic.end());
    offset += static_cast<std::uint64_t>(hit - searched.begin());
    if (hit == searched.end()) {
      offset -= magic.size() - 1;  // it may straddle the end of the window
      continue;
    }
    const auto found = bytes->subspan(static_cast<std::size_t>(hit - searched.begin()));
    core::FrameStart start;
    if (core::decode_frame_header(found.first<core::frame_header_bytes>(), start) &&
        start.header.sequence > last_sequence_ && start.header.sequence < sequence_limit_ &&
        offset + start.frame_bytes <= limit_) {
      auto whole =
          checksums.matches(offset, offset + start.frame_bytes - core::frame_checksum_bytes,
                            core::frame_seed(key_.id, offset));
      if (!whole) return whole.error();
      if (*whole) return offset;
    }
    ++offset;
  }
  return limit_;
}

Result<std::span<const std::uint8_t>> FrameScanner::window(std::uint64_t offset,
                                                           std::size_t bytes) {
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes, limit_ - std::min(offset, limit_)));
  const bool there = offset >= buffer_offset_ && offset + wanted <= buffer_offset_ + buffer_bytes_;
  if (!there) {
    if (auto filled = fill(offset, wanted); !filled) return filled.error();
  }
  const auto begin = static_cast<std::size_t>(offset - buffer_offset_);
  const auto size = std::min<std::uint64_t>(buffer_bytes_ - begin, limit_ - offset);
  return std::span<const std::uint8_t>(buffer_).subspan(begin, static_cast<std::size_t>(size));
}

Result<void> FrameScanner::fill(std::uint64_t offset, std::size_t bytes) {
  const auto target = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::max(bytes, chunk_bytes), limit_ - offset));
  if (buffer_.size() < target) buffer_.resize(target);
  // What is in memory already is moved to the front, not read again.
  std::size_t kept = 0;
  if (offset >= buffer_offset_ && offset < buffer_offset_ + buffer_bytes_) {
    kept = static_cast<std::size_t>(buffer_offset_ + buffer_bytes_ - offset);
    std::memmove(buffer_.data(), buffer_.data() + (offset - buffer_offset_), kept);
  }
  buffer_offset_ = offset;
  buffer_bytes_ = kept;
  if (kept >= target) return {};
  const std::span<std::uint8_t> rest(buffer_.data() + kept, target - kept);
  auto n = files_.read(file_, offset + kept, rest);
  if (n) {
    std::fill(rest.begin() + static_cast<std::ptrdiff_t>(*n), rest.end(), std::uint8_t{0});
    buffer_bytes_ = target;  // a file that became shorter reads as zeros, that is, as damage
    return {};
  }
  // A bad sector costs its block. When nothing at all can be read the disk is away: an error.
  bool any = false;
  for (std::size_t at = 0; at < rest.size(); at += block_bytes) {
    const auto block = rest.subspan(at, std::min(block_bytes, rest.size() - at));
    auto part = files_.read(file_, offset + kept + at, block);
    any = any || part;
    const std::size_t good = part ? *part : 0;
    std::fill(block.begin() + static_cast<std::ptrdiff_t>(good), block.end(), std::uint8_t{0});
  }
  if (!any) return n.error();
  buffer_bytes_ = target;
  return {};
}

}  // namespace telemetry::journal
