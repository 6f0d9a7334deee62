// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry {

/// What runs short by section monitoring.alerts: memory, journal, disks. Thread: any.
[[nodiscard]] std::vector<std::string> alerts_of(const Config& config, const PipelineStats& stats);

/// Says in the log when messages cease to be taken and stored and when something runs short, and
/// when that is over, for as long as it lives. @param pipeline outlives it.
[[nodiscard]] std::jthread monitor(Config config, const Pipeline& pipeline,
                                   Environment environment);

}  // namespace telemetry
