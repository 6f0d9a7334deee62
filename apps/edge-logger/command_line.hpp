// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "edge-logger/run.hpp"
#include "process/command_line.hpp"

namespace telemetry {

/// What telemetry-edge may be given.
void add_options(command_line::Command& command, EdgeArguments& arguments);

}  // namespace telemetry
