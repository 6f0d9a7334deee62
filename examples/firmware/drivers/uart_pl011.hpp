// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "drivers/register.hpp"

namespace drivers {

/// Arm PrimeCell UART PL011, 8 bits, no parity, with FIFOs, polled: nothing here waits.
/// Source: Arm DDI 0183G chapter 3.
class Pl011Uart {
 public:
  Pl011Uart(std::uintptr_t base, std::uint32_t clock_hz, std::uint32_t baud = 115'200) noexcept
      : base_(base) {
    at(control) = 0;
    const std::uint32_t divisor = (clock_hz * 4 + baud / 2) / baud;  // in 64ths
    at(baud_integer) = divisor >> 6;
    at(baud_fraction) = divisor & 0x3F;
    at(line_control) = 3u << 5 | 1u << 4;       // 8 bits, FIFOs
    at(control) = 1u << 0 | 1u << 8 | 1u << 9;  // UART, transmitter, receiver
  }

  /// @returns the bytes that were there, the front of `out`.
  std::size_t read(std::span<std::uint8_t> out) noexcept {
    std::size_t count = 0;
    while (count < out.size() && (at(flags) & receive_empty) == 0) {
      out[count++] = static_cast<std::uint8_t>(at(data));
    }
    return count;
  }

  /// @returns the bytes that were taken, the front of `bytes`.
  std::size_t write(std::span<const std::uint8_t> bytes) noexcept {
    std::size_t count = 0;
    while (count < bytes.size() && (at(flags) & transmit_full) == 0) at(data) = bytes[count++];
    return count;
  }

 private:
  static constexpr std::uintptr_t data = 0x00, flags = 0x18, baud_integer = 0x24,
                                  baud_fraction = 0x28, line_control = 0x2C, control = 0x30;
  static constexpr std::uint32_t receive_empty = 1u << 4, transmit_full = 1u << 5;
  volatile std::uint32_t& at(std::uintptr_t offset) const noexcept {
    return register_at(base_ + offset);
  }
  std::uintptr_t base_;
};

}  // namespace drivers
