// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal/segment_log.hpp"

namespace telemetry::journal {

class SegmentReader final : public Journal::Reader {
 public:
  SegmentReader(SegmentLog& log, std::uint64_t after)
      : log_(log), scanner_(log.files(), FrameScanner::Snapshots::pass_over), position_(after) {}
  ~SegmentReader() override { close(); }
  SegmentReader(const SegmentReader&) = delete;
  SegmentReader& operator=(const SegmentReader&) = delete;

  Result<std::optional<core::FrameView>> next() override;
  std::uint64_t position() const noexcept override { return position_; }
  std::uint64_t missing() const noexcept override { return missing_; }

 private:
  /// False: there is no segment to open yet.
  Result<bool> open_next();
  /// True: more of this segment, or another one, may be read.
  bool advance();
  bool take(const core::FrameHeader& header);
  void skip_to(std::uint64_t sequence, bool lost);
  void note_torn();
  void close() noexcept;

  SegmentLog& log_;
  FrameScanner scanner_;
  FileSystem::Handle file_ = -1;
  SegmentKey key_;         // of the open segment, or the last one that was
  bool started_ = false;   // key_ is set
  bool ended_ = false;     // the open segment has been read to its end
  bool lossy_ = false;     // and frames were missing at its end
  SegmentLog::View view_;  // what the scanner's limit was taken from
  std::uint64_t position_;
  std::uint64_t missing_ = 0;
};

}  // namespace telemetry::journal
