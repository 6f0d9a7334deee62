// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "drivers/semihosting.hpp"

/// What the logger is told at its start. In the emulator they come as words NAME=NUMBER of the
/// command line; a product (LOGGER_PRODUCT) has constants, and says nothing when it ends.
struct Settings {
  std::uint32_t count = 0;                ///< readings, then it delivers them and ends; 0: for ever
  std::uint32_t interval_ms = 0;          ///< between two readings; 0: whenever the ring has room
  std::uint32_t epoch_s = 1'795'000'000;  ///< time of the start, from a clock with a battery
  std::uint32_t deadband = 0;             ///< hundredths of a degree that are no news
  std::uint32_t first = 1;                ///< sequence number of the first reading
  std::uint32_t card = 1;                 ///< 0: without
  std::uint32_t check = 0;                ///< 1: opens the card, says what is on it, and ends
  std::uint32_t save_ms = 1000;           ///< offline, a reading is on the card after this time
  std::uint32_t online = 0;               ///< 1: no readings while there is no connection
  std::uint32_t offline = 0;              ///< 1: ends when all is on the card
  std::uint32_t cut = 0;                  ///< the power fails at this write to the card; 0: never

  /// @returns false for a word that it does not know.
  bool set(std::string_view word) noexcept {
    const struct {
      std::string_view name;
      std::uint32_t& value;
    } all[] = {{"count=", count},     {"interval_ms=", interval_ms},
               {"epoch_s=", epoch_s}, {"deadband=", deadband},
               {"first=", first},     {"card=", card},
               {"check=", check},     {"save_ms=", save_ms},
               {"online=", online},   {"offline=", offline},
               {"cut=", cut}};
    for (const auto& one : all) {
      if (word.size() <= one.name.size() ||
          std::string_view(word.data(), one.name.size()) != one.name) {
        continue;
      }
      std::uint32_t value = 0;
      for (std::size_t i = one.name.size(); i < word.size(); ++i) {
        if (word[i] < '0' || word[i] > '9') return false;
        value = value * 10 + static_cast<std::uint32_t>(word[i] - '0');
      }
      one.value = value;
      return true;
    }
    return false;
  }

  /// Words with a space between them. @returns false when one is not known.
  bool set_all(std::string_view words) noexcept {
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= words.size(); ++i) {
      if (i < words.size() && words[i] != ' ') continue;
      const std::string_view word(words.data() + begin, i - begin);
      if (!word.empty() && !set(word)) return false;
      begin = i + 1;
    }
    return true;
  }
};

#ifdef LOGGER_PRODUCT
inline constexpr Settings settings{.interval_ms = 1'000};
inline bool read_settings() noexcept { return true; }
inline void say(std::string_view, std::uint32_t) noexcept {}
#else
inline Settings settings;
/// @returns false for a word that is not known.
inline bool read_settings() noexcept {
  std::array<char, 256> words;
  return settings.set_all(semihosting::arguments(words));
}
inline void say(std::string_view name, std::uint32_t figure) noexcept {
  semihosting::print(name);
  semihosting::print(figure);
  semihosting::print("\n");
}
#endif
