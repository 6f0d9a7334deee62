// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// BBC micro:bit, Nordic nRF51822 (Cortex-M0).
namespace board {

inline constexpr std::uint32_t clock_hz = 16'000'000;

}  // namespace board
