// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "run.hpp"
#include "telemetry/environment.hpp"

namespace telemetry::simulator {

/// Fills `options` from the command line and the environment.
/// @returns nothing when the run may begin, else the exit code; help and mistakes were printed.
[[nodiscard]] std::optional<int> parse_command_line(int argc, char** argv, RunOptions& options,
                                                    LogLevel& level);

}  // namespace telemetry::simulator
