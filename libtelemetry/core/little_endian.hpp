// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

/// Integers in the byte order of every format of the project.
namespace telemetry::core {

template <class T>
void store(std::uint8_t* at, T value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(at, &value, sizeof(T));
  } else {
    using U = std::make_unsigned_t<T>;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      at[i] = static_cast<std::uint8_t>(static_cast<U>(value) >> (8 * i));
    }
  }
}

template <class T>
[[nodiscard]] T load(const std::uint8_t* at) noexcept {
  using U = std::make_unsigned_t<T>;
  U value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, at, sizeof(T));
  } else {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<U>(value | static_cast<U>(static_cast<U>(at[i]) << (8 * i)));
    }
  }
  return static_cast<T>(value);
}

}  // namespace telemetry::core
