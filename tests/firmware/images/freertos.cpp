// SPDX-License-Identifier: Apache-2.0
// The FreeRTOS adapter compiles for a Cortex-M under the core's flags. Nothing links or runs it.
#include "telemetry/core/freertos.hpp"

struct Sample {
  std::int64_t time_ns;
  std::int16_t value;
};
template class telemetry::core::StaticQueue<Sample, 16>;
template class telemetry::core::StaticTask<256>;
