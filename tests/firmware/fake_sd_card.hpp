// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

/// An SD card on SPI as the specification has it, a byte at a time (SD Physical Layer Simplified
/// Specification 3.01, chapter 7), and what can go wrong with one.
struct FakeSdCard {
  using Sector = std::array<std::uint8_t, 512>;

  // What it is.
  std::array<std::uint8_t, 16> csd{};
  bool present = true;
  bool version_2 = true;  ///< knows CMD8
  bool high_capacity = true;
  bool right_voltage = true;
  bool knows_acmd41 = true;  ///< an MMC does not
  int refused_command = -1;  ///< QEMU 9.1 to 10.0: 9
  int tries_until_ready = 3;
  int response_delay = 1;  ///< bytes, 1 to 8
  int read_delay = 20;     ///< bytes until a block begins
  int busy_bytes = 50;     ///< after a written block
  std::uint8_t read_token = 0xFE;
  std::uint8_t data_response = 0xE5;
  std::uint8_t status = 0;  ///< second byte of CMD13's answer

  // What it has seen.
  std::map<std::uint32_t, Sector> sectors;
  std::vector<int> commands;
  bool fast_while_idle = false;
  bool is_fast = false;

  std::uint8_t transfer(std::uint8_t byte) {
    if (!is_selected) {
      clocks_deselected += 8;
      return 0xFF;
    }
    if (!present || clocks_deselected < 74) return 0xFF;
    fast_while_idle = fast_while_idle || (is_fast && is_idle);
    std::uint8_t out = 0xFF;
    if (!output.empty()) {
      out = output.front();
      output.pop_front();
      if (frame.empty() && byte == 0xFF) return out;
    } else if (busy > 0) {
      --busy;
      return 0x00;
    }
    take(byte);
    return out;
  }

  void select(bool on) {
    if (is_selected && !on) {  // what it has not said yet is gone
      output.clear();
      frame.clear();
      block.reset();
    }
    is_selected = on;
  }

 private:
  static constexpr std::uint8_t idle = 0x01, illegal = 0x04, bad_checksum = 0x08,
                                bad_address = 0x20;

  /// Of a command, with the end bit.
  static std::uint8_t checksum(const std::vector<std::uint8_t>& bytes) {
    unsigned crc = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      for (int bit = 7; bit >= 0; --bit) {
        const unsigned in = (bytes[i] >> bit & 1u) ^ (crc >> 6 & 1u);
        crc = (crc << 1 & 0x7Fu) ^ (in != 0 ? 0x09u : 0u);
      }
    }
    return static_cast<std::uint8_t>(crc << 1 | 1u);
  }

  void take(std::uint8_t byte) {
    if (block) {
      take_data(byte);
      return;
    }
    if (frame.empty() && (byte & 0xC0) != 0x40) return;
    frame.push_back(byte);
    if (frame.size() < 6) return;
    std::uint32_t argument = 0;
    for (std::size_t i = 1; i < 5; ++i) argument = argument << 8 | frame[i];
    const int index = frame[0] & 0x3F;
    const bool checked = checksum(frame) == frame[5];
    frame.clear();
    obey(index, argument, checked);
  }

  void answer(unsigned r1) {
    output.insert(output.end(), static_cast<std::size_t>(response_delay), 0xFF);
    output.push_back(static_cast<std::uint8_t>(r1 | (is_idle ? idle : 0u)));
  }
  void answer_word(std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      output.push_back(static_cast<std::uint8_t>(word >> shift));
    }
  }
  template <class Bytes>
  void send_block(const Bytes& bytes) {
    output.insert(output.end(), static_cast<std::size_t>(read_delay), 0xFF);
    output.push_back(read_token);
    if (read_token != 0xFE) return;  // an error token stands alone
    output.insert(output.end(), bytes.begin(), bytes.end());
    output.insert(output.end(), {0x12, 0x34});  // its checksum
  }

  void obey(int index, std::uint32_t argument, bool checked) {
    const bool application = after_55;
    after_55 = false;
    commands.push_back(application ? 100 + index : index);
    if (!in_spi_mode && index != 0) return;
    if ((index == 0 || index == 8) && !checked) return answer(bad_checksum);
    if (application && index == 41 && knows_acmd41) {
      const bool host_knows_high_capacity = (argument & 1u << 30) != 0;
      if (right_voltage && (host_knows_high_capacity || !high_capacity)) --tries_until_ready;
      if (tries_until_ready <= 0) is_idle = false;
      return answer(0);
    }
    switch (index) {
      case 0:
        in_spi_mode = true;
        is_idle = true;
        block_bytes = high_capacity ? 512 : 1u << (csd[5] & 0xF);
        return answer(0);
      case 8:
        if (!version_2) break;
        answer(0);
        return answer_word(right_voltage ? argument & 0xFFF : argument & 0xFF);
      case 55:
        after_55 = true;
        return answer(0);
      case 58:
        answer(0);
        return answer_word(0x00FF'8000u | (is_idle ? 0 : 1u << 31) |
                           (high_capacity ? 1u << 30 : 0));
      default:
        break;
    }
    if (is_idle || index == refused_command) return answer(illegal);
    switch (index) {
      case 9:
        answer(0);
        return send_block(csd);
      case 13:
        answer(0);
        return output.push_back(status);
      case 16:
        block_bytes = argument;
        return answer(0);
      case 17:
      case 24: {
        if (!high_capacity && argument % 512 != 0) return answer(bad_address);
        const std::uint32_t sector = high_capacity ? argument : argument / 512;
        answer(0);
        if (index == 24) {
          block = sector;
        } else {
          std::vector<std::uint8_t> bytes(sectors[sector].begin(), sectors[sector].end());
          bytes.resize(block_bytes);
          send_block(bytes);
        }
        return;
      }
      default:
        break;
    }
    answer(illegal);
  }

  void take_data(std::uint8_t byte) {
    if (data.empty() && byte != 0xFE) return;
    data.push_back(byte);
    if (data.size() < 1 + block_bytes + 2) return;
    output.push_back(data_response);
    if ((data_response & 0x1F) == 0x05) {
      std::copy_n(data.begin() + 1, 512, sectors[*block].begin());
      busy = busy_bytes;
    }
    data.clear();
    block.reset();
  }

  bool is_selected = false, in_spi_mode = false, is_idle = false, after_55 = false;
  int clocks_deselected = 0, busy = 0;
  std::uint32_t block_bytes = 512;
  std::vector<std::uint8_t> frame, data;
  std::deque<std::uint8_t> output;
  std::optional<std::uint32_t> block;  ///< the sector whose data comes
};
