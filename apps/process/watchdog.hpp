// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "telemetry/environment.hpp"

namespace telemetry {

/// A loop of the program, which goes round also when nothing comes.
struct Heartbeat {
  std::string name;
  /// How often it has gone round; nothing while it may rest. Thread: any.
  std::function<std::optional<std::uint64_t>()> rounds;
};

/// Tells the service manager that the program is alive, for as long as what it returns lives: four
/// times in the time that $WATCHDOG_USEC allows (twice where that is below 6 s), together with
/// `status`, and only if each loop has gone round since the time before. Which one has not is
/// logged, and is the status until it does. `status` is to take the locks that a program in order
/// lets go of: where they are held for ever, nothing is told. Without a service manager that asks
/// for it nothing is started. Source: sd_watchdog_enabled(3).
[[nodiscard]] std::jthread watch_loops(std::vector<Heartbeat> loops,
                                       std::function<std::string()> status, Log log);

}  // namespace telemetry
