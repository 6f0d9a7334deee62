// SPDX-License-Identifier: Apache-2.0
#include "telemetry/environment.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "environment/posix_file_system.hpp"
#include "telemetry/core/utf8.hpp"

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

std::string printable(std::string_view text) {
  const bool utf8 = core::is_valid_utf8(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (utf8 && byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));  // C1
    } else if (byte < 0x20 || byte == 0x7F || (!utf8 && byte >= 0x80)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text[i];
    }
  }
  return out;
}

Log log_to_stderr(LogLevel level) {
  return Log(
      [](LogLevel severity, std::string_view component, std::string_view message) {
        constexpr std::array names = {"debug", "info", "warning", "error", ""};
        const std::string line =
            fmt::format("{} {}: {}\n", names[static_cast<std::size_t>(severity)], component,
                        printable(message));
        (void)!::write(STDERR_FILENO, line.data(), line.size());
      },
      level);
}

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

Environment default_environment() { return system_environment(log_to_stderr()); }

}  // namespace telemetry
