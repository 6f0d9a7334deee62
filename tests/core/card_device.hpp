// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "telemetry/core/card_journal.hpp"

namespace telemetry::test {

/// A card in memory that fails as cards do.
class CardDevice {
 public:
  /// What the sector holds whose write the power cut interrupts.
  enum class Torn : std::uint8_t { nothing, half, garbage, unreadable, all };

  explicit CardDevice(std::uint32_t sectors) : bytes_(sectors * core::card_sector_bytes) {}

  bool read(std::uint32_t sector, std::span<std::uint8_t, core::card_sector_bytes> out) {
    ++reads;
    if (away || dead || sector >= sectors() || unreadable.contains(sector)) {
      std::fill(out.begin(), out.end(), std::uint8_t{0xEE});
      return false;
    }
    std::memcpy(out.data(), at(sector), out.size());
    return true;
  }

  bool write(std::uint32_t sector, std::span<const std::uint8_t, core::card_sector_bytes> in) {
    if (away || dead || sector >= sectors() || unwritable.contains(sector)) return false;
    ++writes;
    if (writes == fail_at) return false;
    if (writes == cut_at) {
      dead = true;
      tear(sector, in);
      return false;
    }
    unreadable.erase(sector);
    std::memcpy(at(sector), in.data(), in.size());
    return true;
  }

  [[nodiscard]] std::uint32_t sectors() const {
    return static_cast<std::uint32_t>(bytes_.size() / core::card_sector_bytes);
  }
  std::uint8_t* at(std::uint32_t sector) {
    return bytes_.data() + std::size_t{sector} * core::card_sector_bytes;
  }
  /// The power is back.
  void restart() {
    dead = false;
    cut_at = 0;
  }

  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t cut_at = 0;   // the power goes during this write
  std::uint64_t fail_at = 0;  // this write is refused
  Torn torn = Torn::nothing;
  bool away = false;
  bool dead = false;
  std::set<std::uint32_t> unreadable;
  std::set<std::uint32_t> unwritable;

 private:
  void tear(std::uint32_t sector, std::span<const std::uint8_t, core::card_sector_bytes> in) {
    switch (torn) {
      case Torn::nothing:
        break;
      case Torn::half:
        std::memcpy(at(sector), in.data(), in.size() / 2);
        break;
      case Torn::garbage:
        for (std::size_t i = 0; i < in.size(); ++i) {
          at(sector)[i] = static_cast<std::uint8_t>(i * 37 + writes);
        }
        break;
      case Torn::unreadable:
        unreadable.insert(sector);
        break;
      case Torn::all:
        std::memcpy(at(sector), in.data(), in.size());
        break;
    }
  }

  std::vector<std::uint8_t> bytes_;
};

inline std::array<std::uint8_t, 16> card_id(std::uint8_t first = 0xA0) {
  std::array<std::uint8_t, 16> id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(first + i);
  return id;
}

/// "SEQUENCE payload" of the next message from `sequence` on, or the status' number.
template <class Card>
std::string read_text(Card& card, std::uint64_t sequence, std::size_t buffer_bytes = 8192) {
  std::vector<std::uint8_t> buffer(buffer_bytes);
  core::FrameView frame;
  const core::CardStatus status = card.read(sequence, buffer, frame);
  if (status != core::CardStatus::ok) return "status " + std::to_string(static_cast<int>(status));
  return std::to_string(frame.header.sequence) + " " + std::string(frame.payload);
}

}  // namespace telemetry::test
