// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/adapters/files.hpp"

/// Names of files: 2026-11-30T084047Z-000042.jsonl.zst: when its first message was received, and a
/// number that no other file of the folder has. A file that is being written ends with .part.
namespace telemetry::files {

inline constexpr std::string_view part_suffix = ".part";
/// A file that no crash explains; kept as it was found.
inline constexpr std::string_view damaged_suffix = ".damaged";
inline constexpr std::string_view lock_name = ".lock";

[[nodiscard]] std::string final_name(std::int64_t first_received_at, std::uint64_t number,
                                     FileFormat format, FileCompression compression);
/// The number of a name that final_name() made, whatever was appended to it since.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view name);

struct Kind {
  FileFormat format;
  FileCompression compression;
};
/// What a file with part_suffix holds; nothing for names of other people's files.
[[nodiscard]] std::optional<Kind> kind_of_part(std::string_view name);

}  // namespace telemetry::files
