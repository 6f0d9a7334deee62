// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "drivers/sd_card.hpp"
#include "drivers/spi_pl022.hpp"
#include "drivers/uart_pl011.hpp"

/// Luminary Micro LM3S6965 evaluation board, with its micro SD slot.
/// Source: LM3S6965 data sheet, chapters 5 (system control), 8 (GPIO), 12 (UART), 13 (SSI).
namespace board {

inline constexpr std::uint32_t clock_hz = 12'500'000;  // after reset
using Uart = drivers::Pl011Uart;

/// Gives UART0, SSI0 and the ports of their pins a clock, and the pins to them.
inline void open_pins() noexcept {
  using drivers::register_at;
  register_at(0x400F'E104) |= 1u << 0 | 1u << 4;  // RCGC1: UART0, SSI0
  register_at(0x400F'E108) |= 1u << 0 | 1u << 3;  // RCGC2: ports A and D
  register_at(0x4000'4420) |= 0x3Fu;              // port A AFSEL: UART0, SSI0
  register_at(0x4000'451C) |= 0x3Fu;              // port A DEN
  register_at(0x4000'7400) |= 1u;                 // port D DIR: pin 0 selects the card
  register_at(0x4000'751C) |= 1u;                 // port D DEN
}

inline Uart uart() noexcept {
  open_pins();
  return Uart(0x4000'C000, clock_hz);
}

/// SSI0; the card is selected by a low level on PD0.
struct CardSpi : drivers::Pl022Spi {
  CardSpi() noexcept : Pl022Spi(0x4000'8000) {}
  void select(bool on) noexcept { drivers::register_at(0x4000'7004) = on ? 0u : 1u; }
};
using Card = drivers::SdCard<CardSpi>;

inline Card card() noexcept {
  open_pins();
  return Card(CardSpi());
}

}  // namespace board
