// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/core/journal_format.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/sink.hpp"

/// Names and headers of segment files, and the journal's id file.
namespace telemetry::journal {

/// Orders segments. Of two with the same first sequence the higher id is the newer: the older one
/// was abandoned before any of its frames became durable.
struct SegmentKey {
  std::uint64_t first = 0;  ///< sequence of its first message
  std::uint64_t id = 0;     ///< seeds the checksums of its frames
  auto operator<=>(const SegmentKey&) const = default;
};

/// "SEQUENCE-ID.tlj": 20 decimal and 16 hexadecimal digits.
[[nodiscard]] std::string segment_name(SegmentKey key);
/// Nothing when `name` is not a segment's name, or its sequence is 0 or beyond int64.
[[nodiscard]] std::optional<SegmentKey> parse_segment_name(std::string_view name) noexcept;
/// Keys of the segment files in this folder, in order.
[[nodiscard]] Result<std::vector<SegmentKey>> list_segments(FileSystem& files,
                                                            const std::string& path);

enum class HeaderState : std::uint8_t {
  good,
  damaged,  ///< magic, checksum or length are wrong, or it contradicts the file's name
  foreign,  ///< good, but of another journal
};
/// Judges a segment's first bytes.
/// Errors: failed_precondition  written by a newer version or encrypted: not ours to touch.
[[nodiscard]] Result<HeaderState> judge_header(const std::string& file, SegmentKey key,
                                               std::span<const std::uint8_t> bytes,
                                               const JournalId* journal, JournalId* found);

/// Writes a small file so that either the old or the new content is there after a crash.
[[nodiscard]] Result<void> replace_file(FileSystem& files, const std::string& folder,
                                        const std::string& name,
                                        std::span<const std::uint8_t> bytes);
/// The whole of a small file.
[[nodiscard]] Result<std::vector<std::uint8_t>> read_small_file(FileSystem& files,
                                                                const std::string& path);

/// The journal's id from PATH/journal.id (`from_file`), else from the newest segment whose header
/// is good; nothing when there is neither. Errors: permission_denied; failed_precondition  see
/// judge_header.
[[nodiscard]] Result<std::optional<JournalId>> find_journal_id(FileSystem& files,
                                                               const std::string& path,
                                                               const std::vector<SegmentKey>& keys,
                                                               bool& from_file);
[[nodiscard]] Result<void> write_journal_id(FileSystem& files, const std::string& path,
                                            const JournalId& id);

/// Closes the file at the end of the scope.
class OpenFile {
 public:
  OpenFile(FileSystem& files, FileSystem::Handle file) noexcept : files_(files), file_(file) {}
  ~OpenFile() {
    if (file_ >= 0) files_.close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] FileSystem::Handle operator*() const noexcept { return file_; }
  FileSystem::Handle release() noexcept { return std::exchange(file_, -1); }

 private:
  FileSystem& files_;
  FileSystem::Handle file_;
};

}  // namespace telemetry::journal
