// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"

namespace telemetry {

/// The log that the section `logging` describes: text or JSON lines on stderr and, when `file` is
/// set, in a file that is rotated at `rotation_mb`. `debug` outranks the configured level.
/// Errors: permission_denied  the file cannot be written.
[[nodiscard]] Result<Log> make_log(const Config& config, bool debug);

}  // namespace telemetry
