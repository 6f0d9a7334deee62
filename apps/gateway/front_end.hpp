// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "process/service.hpp"
#include "telemetry/activity.hpp"
#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/live.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry {

/// Serves HTTP over the pipeline for as long as it lives. Where it cannot listen, that is logged
/// and tried again: messages are stored meanwhile. Off where web.enabled is false.
/// @param live,activity  sinks of the pipeline
/// Errors: mistakes in sections web and security.
[[nodiscard]] Result<FrontEnd> serve_http(const Config& config, Pipeline& pipeline,
                                          const Environment& environment,
                                          std::shared_ptr<LiveHub> live,
                                          std::shared_ptr<Activity> activity = nullptr);

}  // namespace telemetry
