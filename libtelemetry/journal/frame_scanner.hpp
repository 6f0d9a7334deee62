// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/frame_codec.hpp"
#include "journal/segment_file.hpp"

namespace telemetry::journal {

/// Walks the frames of one segment file in order and finds its way again behind damage: at every
/// byte it looks for the magic and checks the checksum, which is bound to segment and offset, at a
/// cost that does not depend on what a header announces. Bounded memory: a chunk, or the largest
/// frame.
class FrameScanner {
 public:
  enum class Event : std::uint8_t {
    frame,   ///< see frame()
    damage,  ///< no frame in [offset(), offset() + bytes()), but one follows
    torn,    ///< no frame from offset() to the limit
    end,     ///< the limit is reached; raising it continues
  };

  enum class Snapshots : std::uint8_t {
    read,
    pass_over,  ///< they are checked, but one that is large has no payload
  };
  FrameScanner(FileSystem& files, Snapshots snapshots) noexcept
      : files_(files), snapshots_(snapshots) {}

  /// Begins behind the header of this open file, which stays the caller's.
  void start(FileSystem::Handle file, SegmentKey key) noexcept;
  /// Nothing is read from `offset` on. Frames from `sequence` on do not count: they were rolled
  /// back and their numbers belong to the next segment.
  void set_limit(std::uint64_t offset, std::uint64_t sequence) noexcept;
  /// Errors: unavailable  the file cannot be read.
  [[nodiscard]] Result<Event> next();

  [[nodiscard]] const core::FrameView& frame() const noexcept { return frame_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Where the next call goes on.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

 private:
  /// At least `bytes` bytes from `offset` on, fewer at the limit; as many as are in memory.
  Result<std::span<const std::uint8_t>> window(std::uint64_t offset, std::size_t bytes);
  Result<void> fill(std::uint64_t offset, std::size_t bytes);
  Result<core::FrameStatus> decode_at(std::uint64_t offset);
  /// The checksum of a frame of which nobody needs the payload, without holding it.
  Result<core::FrameStatus> check_at(std::uint64_t offset, const core::FrameStart& start);
  /// Offset of the next whole frame from `offset` on; the limit when there is none.
  Result<std::uint64_t> find_frame(std::uint64_t offset);

  FileSystem& files_;
  const Snapshots snapshots_;
  FileSystem::Handle file_ = -1;
  SegmentKey key_;
  std::uint64_t limit_ = 0;
  std::uint64_t sequence_limit_ = UINT64_MAX;
  std::uint64_t position_ = 0;
  std::uint64_t last_sequence_ = 0;

  core::FrameView frame_;
  std::uint64_t offset_ = 0;
  std::uint64_t bytes_ = 0;

  std::vector<std::uint8_t> buffer_;
  std::uint64_t buffer_offset_ = 0;
  std::size_t buffer_bytes_ = 0;
};

}  // namespace telemetry::journal
