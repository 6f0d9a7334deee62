// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "process/watchdog.hpp"
#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry {

/// What serves others beside the pipeline.
struct FrontEnd {
  std::shared_ptr<void> life;  ///< it serves as long as this is held; null: it is switched off
  Heartbeat heartbeat = {};
  /// Reads again what a reload may change. May be called after its end, from another thread.
  /// @returns what puts it into force. Errors: mistakes; nothing changes.
  std::function<Result<std::function<void()>>(const Config&)> reload = {};
  /// Before the pipeline stops: returns when nobody is expected to ask any more. From another
  /// thread.
  std::function<void()> drain = {};
};

/// What the command line of a long-running program says.
struct ServiceOptions {
  Config::Sources sources;      ///< `app` names the program in client ids and the log: "edge"
  bool debug = false;           ///< log everything
  double stats_interval_s = 0;  ///< print the counters so often; 0 = never
  std::vector<std::shared_ptr<Sink>> sinks = {};  ///< beside those of the configuration
  /// Made once the pipeline has started, and gone before it.
  /// Errors: mistakes in the configuration, which end the program.
  std::function<Result<FrontEnd>(const Config&, Pipeline&, const Environment&)> front_end = {};
};

/// Broker, schema check, journal, stores, and requests of other programs, until a stop signal.
/// Mistakes in configuration and schemas are listed on stderr before the error is returned.
[[nodiscard]] Result<void> run_service(const ServiceOptions& options);

}  // namespace telemetry
