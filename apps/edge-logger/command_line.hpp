// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "process/command_line.hpp"

namespace telemetry {

/// The command line of telemetry-edge; empty and 0 mean "not given".
struct EdgeArguments {
  std::string config, broker, storage, schema;
  std::uint16_t port = 0;
  bool debug = false;
  double stats_interval_s = 0;
};

void add_options(command_line::Command& command, EdgeArguments& arguments);

}  // namespace telemetry
