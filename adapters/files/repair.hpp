// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "file_name.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"

namespace telemetry::files {

/// A sink syncs at the latest after so many bytes, so that no crash tears more off a file's end.
inline constexpr std::uint64_t unsynced_bytes_max = 4 * 1024 * 1024;
/// More than this behind the last whole record is no crash's work (a long record included).
inline constexpr std::uint64_t torn_bytes_max = 2 * unsynced_bytes_max;

/// The part of a file that every reader takes.
struct Whole {
  std::uint64_t bytes = 0;       ///< up to the end of the last whole frame, or line
  std::uint64_t text_bytes = 0;  ///< of it, unpacked
};
/// Reads a file from its start and judges every frame's checksum; without compression, up to the
/// first line that is torn or holds a NUL (a block that never reached the disk). Memory: constant.
[[nodiscard]] Result<Whole> whole_part(FileSystem& files, FileSystem::Handle file, Kind kind);

/// Puts a folder right that a crash left, under the sink's lock: each file with .part loses what is
/// torn at its end and gets its final name; one without a record goes. What cannot be put right is
/// left for the next time, and said in the log.
/// @returns the highest number in the folder's names, 0 when it has none.
[[nodiscard]] Result<std::uint64_t> tidy_folder(const Environment& environment,
                                                const std::string& component,
                                                const std::string& folder);

}  // namespace telemetry::files
