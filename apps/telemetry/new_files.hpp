// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "telemetry/error.hpp"

namespace telemetry::command_line {

struct NewFile {
  std::string path;
  std::string_view text;
};

/// Makes the folder and writes the files, or none of them. One that is there stays as it is.
/// @param other_folder how the user names one: "with --out"
/// Errors: already_exists  names those that are there.
///         unavailable     the folder or a file cannot be written.
[[nodiscard]] Result<void> write_new_files(const std::string& folder,
                                           std::span<const NewFile> files,
                                           std::string_view other_folder);

}  // namespace telemetry::command_line
