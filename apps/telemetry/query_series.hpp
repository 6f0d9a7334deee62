// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "settings.hpp"
#include "telemetry/export.hpp"

namespace telemetry::command_line {

/// Prints the points of series as rows: time, topic, device, schema, field, unit, value; a table is
/// one for each series. Memory: one series. @returns the exit code
[[nodiscard]] int print_series(const Settings& settings, const Series& series, RowFormat format);

}  // namespace telemetry::command_line
