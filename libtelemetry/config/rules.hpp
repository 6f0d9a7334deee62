// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/state.hpp"

namespace telemetry::config {

/// Fills in defaults that follow from other settings: dead_letters.path, buffer.high_water_mark,
/// journal.segment_mb.
void derive_defaults(State& state);
/// Settings of base_options() that contradict each other.
void check_rules(const Config& config, const State& state, std::vector<Diagnostic>& diagnostics);

}  // namespace telemetry::config
