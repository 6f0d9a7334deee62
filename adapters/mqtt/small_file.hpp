// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "telemetry/environment.hpp"

/// The few lines that a source keeps beside the journal. Thread: any.
namespace telemetry::mqtt {

/// At most 64 MiB of it; empty when there is no such file.
[[nodiscard]] Result<std::string> read_small_file(FileSystem& files, const std::string& path);
/// All of it or nothing, also when the power fails: `.new`, synced, renamed.
[[nodiscard]] Result<void> replace_small_file(FileSystem& files, const std::string& path,
                                              const std::string& text);

}  // namespace telemetry::mqtt
