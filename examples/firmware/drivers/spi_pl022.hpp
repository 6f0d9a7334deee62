// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "drivers/register.hpp"

namespace drivers {

/// Arm PrimeCell SSP PL022 as SPI master, mode 0, 8 bits a frame, polled. The chip select is the
/// board's. Source: Arm DDI 0194H chapter 3.
class Pl022Spi {
 public:
  explicit Pl022Spi(std::uintptr_t base) noexcept : base_(base) {
    at(control_1) = 0;
    at(control_0) = 8 - 1;
    slow();
    at(control_1) = 1u << 1;
  }

  /// The clock for the first commands to a card (at most 400 kHz), and for the rest.
  void slow() noexcept { at(prescaler) = 32; }
  void fast() noexcept { at(prescaler) = 2; }

  std::uint8_t transfer(std::uint8_t byte) noexcept {
    while ((at(status) & transmit_not_full) == 0) {
    }
    at(data) = byte;
    while ((at(status) & receive_not_empty) == 0) {
    }
    return static_cast<std::uint8_t>(at(data));
  }

 private:
  static constexpr std::uintptr_t control_0 = 0x00, control_1 = 0x04, data = 0x08, status = 0x0C,
                                  prescaler = 0x10;
  static constexpr std::uint32_t transmit_not_full = 1u << 1, receive_not_empty = 1u << 2;
  volatile std::uint32_t& at(std::uintptr_t offset) const noexcept {
    return register_at(base_ + offset);
  }
  std::uintptr_t base_;
};

}  // namespace drivers
