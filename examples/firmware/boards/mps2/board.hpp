// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "drivers/uart_cmsdk.hpp"

/// Arm MPS2 FPGA board, images AN385 (Cortex-M3) and AN386 (Cortex-M4F).
/// Source: Arm AN385 and AN386, memory map.
namespace board {

inline constexpr std::uint32_t clock_hz = 25'000'000;
using Uart = drivers::CmsdkUart;
inline Uart uart() noexcept { return Uart(0x4000'4000); }

}  // namespace board
