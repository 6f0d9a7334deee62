// SPDX-License-Identifier: Apache-2.0
#include "telemetry/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "environment/posix_file_system.hpp"

// The only room that asks the operating system for time, files and random bytes. Everything above
// takes an Environment, so that tests can make clocks jump and disks fail.
//
// Invariants: a write is whole or reported as failed, never short; EINTR is dealt with here; a sync
// that failed is not tried again here or anywhere. The singletons are never destroyed, because
// threads may still log or read the clock while the process ends.

namespace telemetry {
namespace {

class SystemClock final : public Clock {
 public:
  std::int64_t now() noexcept override { return ns(std::chrono::system_clock::now()); }
  std::int64_t monotonic() noexcept override { return ns(std::chrono::steady_clock::now()); }

 private:
  template <class Time>
  static std::int64_t ns(Time time) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  }
};

void system_random(std::span<std::uint8_t> out) {
  constexpr std::size_t chunk_bytes_max = 256;  // getentropy's limit
  while (!out.empty()) {
    const auto chunk = out.first(std::min(out.size(), chunk_bytes_max));
    if (::getentropy(chunk.data(), chunk.size()) != 0) std::abort();  // no kernel we run on
    out = out.subspan(chunk.size());
  }
}

}  // namespace

bool RateLimit::allow(std::uint64_t& suppressed) noexcept {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = clock_.monotonic();
  if (interval_start_ == INT64_MIN || now - interval_start_ >= interval_ns_) {
    interval_start_ = now;
    shown_ = 0;
  }
  if (shown_ == per_interval_) {
    ++suppressed_;
    return false;
  }
  ++shown_;
  suppressed = std::exchange(suppressed_, 0);
  return true;
}

Environment system_environment(Log log) {
  static auto& clock = *new SystemClock;
  static auto& files = *new environment::PosixFileSystem;
  return {clock, files, &system_random, std::move(log)};
}

}  // namespace telemetry
