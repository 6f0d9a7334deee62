// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace drivers {

enum class SdStatus : std::uint8_t {
  ok,
  no_card,      ///< nothing answers
  unsupported,  ///< a card of another voltage, or no SD card
  timeout,      ///< the card stays busy
  refused,      ///< the card answers a command with an error
};

/// An SD card (SDSC up to 2 GB, SDHC, SDXC) on an SPI bus: sectors of 512 bytes. Every wait is
/// bounded by a number of bytes on the bus, so no clock is needed. A write returns once the card
/// has programmed it. Checksums of the bus are not used (the card's default on SPI).
///
/// `Spi`: std::uint8_t transfer(std::uint8_t); void select(bool); void slow(); void fast().
/// Source: SD Physical Layer Simplified Specification 3.01, chapter 7.
template <class Spi>
class SdCard {
 public:
  static constexpr std::size_t sector_bytes = 512;

  explicit SdCard(Spi spi) noexcept : spi_(spi) {}

  /// Wakes the card. Again after an error, or when the card was changed.
  [[nodiscard]] SdStatus open() noexcept {
    sectors_ = 0;
    spi_.slow();
    spi_.select(false);
    for (int i = 0; i < 10; ++i) spi_.transfer(0xFF);  // 74 clocks at least
    SdStatus status = wake();
    if (status == SdStatus::ok) status = read_size();
    if (status == SdStatus::ok) status = set_block_bytes();
    if (status != SdStatus::ok) sectors_ = 0;
    spi_.fast();
    return status;
  }

  /// 0 until open() has succeeded.
  [[nodiscard]] std::uint32_t sectors() const noexcept { return sectors_; }

  [[nodiscard]] bool read(std::uint32_t sector,
                          std::span<std::uint8_t, sector_bytes> out) noexcept {
    if (sector >= sectors_) return false;
    const bool good = command(17, address(sector)) == 0 && read_block(out);
    deselect();
    return good;
  }

  [[nodiscard]] bool write(std::uint32_t sector,
                           std::span<const std::uint8_t, sector_bytes> bytes) noexcept {
    if (sector >= sectors_) return false;
    const bool taken = command(24, address(sector)) == 0 && write_block(bytes);
    deselect();
    if (!taken) return false;
    // What went wrong while it programmed is in the status.
    const bool good = command(13, 0) == 0 && spi_.transfer(0xFF) == 0;
    deselect();
    return good;
  }

 private:
  static constexpr std::uint8_t start_of_block = 0xFE;
  static constexpr std::uint8_t idle = 0x01;
  static constexpr int busy_bytes_max = 500'000;  // 250 ms and more at 16 MHz
  static constexpr int wake_tries_max = 10'000;

  [[nodiscard]] std::uint32_t address(std::uint32_t sector) const noexcept {
    return high_capacity_ ? sector : sector * std::uint32_t{sector_bytes};
  }

  void deselect() noexcept {
    spi_.select(false);
    spi_.transfer(0xFF);  // the card lets go of the line at the next clock
  }

  bool wait_ready() noexcept {
    for (int i = 0; i < busy_bytes_max; ++i) {
      if (spi_.transfer(0xFF) == 0xFF) return true;
    }
    return false;
  }

  /// Selects the card, which stays selected. @returns R1; 0xFF: no answer.
  std::uint8_t command(std::uint8_t index, std::uint32_t argument) noexcept {
    spi_.select(true);
    if (!wait_ready()) return 0xFF;
    spi_.transfer(static_cast<std::uint8_t>(0x40 | index));
    for (int shift = 24; shift >= 0; shift -= 8) {
      spi_.transfer(static_cast<std::uint8_t>(argument >> shift));
    }
    // The two commands that are sent before the card is in SPI mode carry their checksum.
    spi_.transfer(index == 0 ? 0x95 : index == 8 ? 0x87 : 0x01);
    std::uint8_t answer = 0xFF;
    for (int i = 0; i < 10 && (answer & 0x80) != 0; ++i) answer = spi_.transfer(0xFF);
    return answer;
  }

  std::uint32_t read_word() noexcept {
    std::uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | spi_.transfer(0xFF);
    return word;
  }

  SdStatus wake() noexcept {
    const std::uint8_t reset = command(0, 0);
    deselect();
    if (reset == 0xFF) return SdStatus::no_card;
    if (reset != idle) return SdStatus::refused;
    constexpr std::uint32_t check = 0x1AA;  // 2.7 to 3.6 V
    const bool version_2 = command(8, check) == idle;
    const bool right_voltage = !version_2 || (read_word() & 0xFFF) == check;
    deselect();
    if (!right_voltage) return SdStatus::unsupported;
    std::uint8_t answer = idle;
    for (int i = 0; i < wake_tries_max && answer == idle; ++i) {
      command(55, 0);
      deselect();
      answer = command(41, version_2 ? 1u << 30 : 0);
      deselect();
    }
    if (answer == idle) return SdStatus::timeout;
    if (answer != 0) return SdStatus::unsupported;
    // QEMU 7.2 still sets the idle bit in this answer.
    const bool known = (command(58, 0) & ~std::uint32_t{idle}) == 0;
    high_capacity_ = (read_word() & 1u << 30) != 0;
    deselect();
    return known ? SdStatus::ok : SdStatus::refused;
  }

  /// Only an SDSC card has blocks of another size. QEMU (10.1 to 11.1 at least) refuses this before
  /// a register was read; the order is free.
  SdStatus set_block_bytes() noexcept {
    const bool set = high_capacity_ || command(16, sector_bytes) == 0;
    deselect();
    return set ? SdStatus::ok : SdStatus::refused;
  }

  SdStatus read_size() noexcept {
    std::array<std::uint8_t, 16> csd;
    const bool read = command(9, 0) == 0 && read_block(csd);
    deselect();
    if (!read) return SdStatus::refused;
    if (csd[0] >> 6 == 1) {
      const std::uint32_t units = (csd[7] & 0x3Fu) << 16 | std::uint32_t{csd[8]} << 8 | csd[9];
      sectors_ = (units + 1) * 1024;
    } else {
      const std::uint32_t units = (csd[6] & 3u) << 10 | std::uint32_t{csd[7]} << 2 | csd[8] >> 6;
      const std::uint32_t factor = (csd[9] & 3u) << 1 | csd[10] >> 7;
      const std::uint32_t block_bits = csd[5] & 0xFu;  // 9 to 11
      sectors_ = (units + 1) << (factor + 2 + block_bits - 9);
    }
    return SdStatus::ok;
  }

  bool read_block(std::span<std::uint8_t> out) noexcept {
    std::uint8_t token = 0xFF;
    for (int i = 0; i < busy_bytes_max && token == 0xFF; ++i) token = spi_.transfer(0xFF);
    if (token != start_of_block) return false;
    for (std::uint8_t& byte : out) byte = spi_.transfer(0xFF);
    spi_.transfer(0xFF);  // its checksum
    spi_.transfer(0xFF);
    return true;
  }

  bool write_block(std::span<const std::uint8_t> bytes) noexcept {
    spi_.transfer(0xFF);
    spi_.transfer(start_of_block);
    for (const std::uint8_t byte : bytes) spi_.transfer(byte);
    spi_.transfer(0xFF);
    spi_.transfer(0xFF);
    constexpr std::uint8_t accepted = 0x05;
    return (spi_.transfer(0xFF) & 0x1F) == accepted && wait_ready();
  }

  Spi spi_;
  std::uint32_t sectors_ = 0;
  bool high_capacity_ = false;
};

}  // namespace drivers
