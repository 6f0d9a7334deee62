// SPDX-License-Identifier: Apache-2.0
#include "process/watchdog.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

#include "process/notify.hpp"

namespace telemetry {
namespace {

std::int64_t number_from(const char* variable) noexcept {
  const char* text = std::getenv(variable);
  std::int64_t number = 0;
  if (text != nullptr) std::from_chars(text, text + std::string_view(text).size(), number);
  return number;
}

/// A loop that rests goes round so often at least.
constexpr std::chrono::microseconds round_max = std::chrono::milliseconds(1'500);

/// 0: this process is not watched.
std::chrono::microseconds time_allowed() noexcept {
  const std::int64_t watched = number_from("WATCHDOG_PID");
  if (watched != 0 && watched != ::getpid()) return {};
  return std::chrono::microseconds(number_from("WATCHDOG_USEC"));
}

/// Name of the first loop that has not gone round since the call before; empty: all have.
std::string first_stuck(const std::vector<Heartbeat>& loops,
                        std::vector<std::optional<std::uint64_t>>& seen) {
  std::string stuck;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const auto rounds = loops[i].rounds();
    if (rounds && rounds == seen[i] && stuck.empty()) stuck = loops[i].name;
    seen[i] = rounds;
  }
  return stuck;
}

}  // namespace

std::jthread watch_loops(std::vector<Heartbeat> loops, std::function<std::string()> status,
                         Log log) {
  const auto allowed = time_allowed();
  if (allowed.count() <= 0) return {};
  return std::jthread([loops = std::move(loops), status = std::move(status), log = std::move(log),
                       interval = std::max(allowed / 4, std::min(allowed / 2, round_max))](
                          const std::stop_token& stop) {
    std::vector<std::optional<std::uint64_t>> seen(loops.size());
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    bool was_stuck = false;
    do {
      const std::string stuck = first_stuck(loops, seen);
      if (stuck.empty()) {
        notify_service_manager("WATCHDOG=1\nSTATUS=" + status());
      } else {
        const auto line = fmt::format(
            "{} has not gone round for {:g} s; if that lasts, the service manager restarts this",
            stuck, std::chrono::duration<double>(interval).count());
        notify_service_manager("STATUS=" + line);
        if (!was_stuck) log(LogLevel::error, "watchdog", line);
      }
      was_stuck = !stuck.empty();
    } while (!wake.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); }));
  });
}

}  // namespace telemetry
