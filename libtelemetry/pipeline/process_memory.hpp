// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "telemetry/environment.hpp"

namespace telemetry {

struct ProcessMemory {
  std::uint64_t resident_bytes = 0;
  std::uint64_t peak_bytes = 0;
};

/// VmRSS and VmHWM of this process; zero where /proc does not exist.
/// Source: proc(5), /proc/self/status.
[[nodiscard]] ProcessMemory process_memory(FileSystem& files);

}  // namespace telemetry
