// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/service_arguments.hpp"

namespace telemetry {

/// The command line of telemetry-edge.
void add_edge_options(command_line::Command& command, ServiceArguments& arguments);

}  // namespace telemetry
