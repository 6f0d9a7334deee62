// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "board.hpp"
#include "drivers/semihosting.hpp"

/// The card as the journal wants it: woken when it is needed, and again after an error, so that a
/// card may be pulled out and put back. `cut` lets the power fail, for tests.
class CardDevice {
 public:
  static constexpr int power_cut = 77;  ///< exit code

  explicit CardDevice(std::uint32_t cut) noexcept : cut_(cut) {}

  bool read(std::uint32_t sector, std::span<std::uint8_t, 512> out) noexcept {
    return is_awake() && keep_awake(card_.read(sector, out));
  }
  bool write(std::uint32_t sector, std::span<const std::uint8_t, 512> bytes) noexcept {
    const bool good = is_awake() && keep_awake(card_.write(sector, bytes));
    if (++writes_ == cut_) semihosting::exit(power_cut);
    return good;
  }
  [[nodiscard]] std::uint32_t sectors() noexcept { return is_awake() ? card_.sectors() : 0; }
  [[nodiscard]] std::uint32_t writes() const noexcept { return writes_; }

 private:
  bool is_awake() noexcept {
    awake_ = awake_ || card_.open() == drivers::SdStatus::ok;
    return awake_;
  }
  bool keep_awake(bool good) noexcept {
    awake_ = good;
    return good;
  }

  board::Card card_ = board::card();
  std::uint32_t cut_;
  std::uint32_t writes_ = 0;
  bool awake_ = false;
};
