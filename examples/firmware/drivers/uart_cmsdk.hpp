// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "drivers/register.hpp"

namespace drivers {

/// The UART of Arm's Cortex-M System Design Kit, polled: nothing here waits.
/// Source: Arm DDI 0479D section 4.3.
class CmsdkUart {
 public:
  explicit CmsdkUart(std::uintptr_t base) noexcept : base_(base) {
    at(baud_divisor) = 16;  // the fastest it can
    at(control) = 1u << 0 | 1u << 1;
    // Drops what may lie there. QEMU 7.2 looks for input only after a read behind this.
    static_cast<void>(static_cast<std::uint32_t>(at(data)));
  }

  /// @returns the bytes that were there, the front of `out`.
  std::size_t read(std::span<std::uint8_t> out) noexcept {
    std::size_t count = 0;
    while (count < out.size() && (at(state) & receive_full) != 0) {
      out[count++] = static_cast<std::uint8_t>(at(data));
    }
    return count;
  }

  /// @returns the bytes that were taken, the front of `bytes`.
  std::size_t write(std::span<const std::uint8_t> bytes) noexcept {
    std::size_t count = 0;
    while (count < bytes.size() && (at(state) & transmit_full) == 0) at(data) = bytes[count++];
    return count;
  }

 private:
  static constexpr std::uintptr_t data = 0x00, state = 0x04, control = 0x08, baud_divisor = 0x10;
  static constexpr std::uint32_t transmit_full = 1u << 0, receive_full = 1u << 1;
  volatile std::uint32_t& at(std::uintptr_t offset) const noexcept {
    return register_at(base_ + offset);
  }
  std::uintptr_t base_;
};

}  // namespace drivers
