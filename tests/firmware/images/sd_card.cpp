// SPDX-License-Identifier: Apache-2.0
// Writes sectors of a card and reads them back, or (argument "read") only reads them.
// Exit code: 0 good, 1 wrong, 10 + SdStatus: the card does not open.
#include <array>
#include <string_view>

#include "board.hpp"
#include "drivers/semihosting.hpp"

namespace {

std::array<char, 512> arguments;
std::array<std::uint8_t, board::Card::sector_bytes> sector;

constexpr std::uint8_t byte_of(std::uint32_t index, std::size_t at) {
  return static_cast<std::uint8_t>(index * 7 + at * 13 + at / 256);
}

bool write_sector(board::Card& card, std::uint32_t index) {
  for (std::size_t i = 0; i < sector.size(); ++i) sector[i] = byte_of(index, i);
  return card.write(index, sector);
}

bool sector_is_good(board::Card& card, std::uint32_t index) {
  sector.fill(0);
  if (!card.read(index, sector)) return false;
  for (std::size_t i = 0; i < sector.size(); ++i) {
    if (sector[i] != byte_of(index, i)) return false;
  }
  return true;
}

}  // namespace

int main() {
  const bool write = semihosting::arguments(arguments) != "read";
  board::Card card = board::card();
  const drivers::SdStatus status = card.open();
  if (status != drivers::SdStatus::ok) return 10 + static_cast<int>(status);
  semihosting::print("sectors ");
  semihosting::print(card.sectors());
  semihosting::print("\n");
  const std::uint32_t last = card.sectors() - 1;
  bool good = !card.read(last + 1, sector) && !card.write(last + 1, sector);
  if (write) {
    for (std::uint32_t i = 0; i < 64; ++i) good = write_sector(card, i) && good;
    good = write_sector(card, last) && good;
  }
  for (std::uint32_t i = 0; i < 64; ++i) good = sector_is_good(card, i) && good;
  return sector_is_good(card, last) && good ? 0 : 1;
}
