// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "process/control.hpp"
#include "process/reload.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry {

/// What the running program does for a command line that asks it: `status`, `reload`, `import`,
/// `dead_letter_replay`, `dead_letter_drop`, `delete`, `retention`. docs/control.md has arguments
/// and results. Pipeline and reloader outlive the server that is given these.
[[nodiscard]] control::Handlers request_handlers(Pipeline& pipeline, Reloader& reloader,
                                                 const std::string& journal_path,
                                                 const Environment& environment);

}  // namespace telemetry
