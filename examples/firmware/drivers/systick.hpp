// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "drivers/register.hpp"

namespace drivers {

/// Time since construction by the CPU's own 24-bit timer, without interrupts: ask at least once in
/// 0.6 s at 25 MHz, or time is lost.
/// Source: Armv7-M Architecture Reference Manual B3.3.
class SysTick {
 public:
  explicit SysTick(std::uint32_t clock_hz) noexcept : ticks_per_ms_(clock_hz / 1000) {
    register_at(reload) = mask;
    register_at(current) = 0;
    register_at(control) = 1u << 0 | 1u << 2;  // on, processor clock, no interrupt
    while (register_at(current) == 0) {
    }
    last_ = register_at(current);
  }

  [[nodiscard]] std::uint64_t ticks() noexcept {
    const std::uint32_t now = register_at(current);
    ticks_ += (last_ - now) & mask;  // it counts down
    last_ = now;
    return ticks_;
  }

  /// Wraps after 49 days.
  [[nodiscard]] std::uint32_t now_ms() noexcept {
    const std::uint64_t now = ticks();
    while (now - ms_at_ >= ticks_per_ms_) {
      ms_at_ += ticks_per_ms_;
      ++ms_;
    }
    return ms_;
  }

 private:
  static constexpr std::uintptr_t control = 0xE000'E010, reload = 0xE000'E014,
                                  current = 0xE000'E018;
  static constexpr std::uint32_t mask = 0x00FF'FFFF;
  std::uint32_t ticks_per_ms_;
  std::uint32_t last_ = 0;
  std::uint32_t ms_ = 0;
  std::uint64_t ms_at_ = 0;
  std::uint64_t ticks_ = 0;
};

}  // namespace drivers
