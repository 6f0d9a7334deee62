// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "telemetry/error.hpp"

namespace telemetry {

/// The command line of telemetry-edge; empty and 0 mean "not given".
struct EdgeArguments {
  std::string config, broker, storage, schema;
  std::uint16_t port = 0;
  bool debug = false;
  double stats_interval_s = 0;
};

/// Runs the edge logger until a stop signal. Mistakes in configuration and schemas are listed on
/// stderr before the error is returned.
[[nodiscard]] Result<void> run_edge(const EdgeArguments& arguments);

}  // namespace telemetry
