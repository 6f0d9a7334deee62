// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace telemetry {

/// Turns SIGTERM and SIGINT into one call of `on_stop`, from a thread of its own. A second signal
/// ends the process at once with exit code 1: nothing acknowledged is lost even then. SIGHUP calls
/// `on_reload` until the stop. Both return soon: no other signal is heard meanwhile.
///
/// Make it before any other thread starts, so that all inherit the blocked signals.
class StopSignals {
 public:
  StopSignals(std::function<void(int signal)> on_stop, std::function<void()> on_reload);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace telemetry
