// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace drivers {

/// A register of the machine.
inline volatile std::uint32_t& register_at(std::uintptr_t address) noexcept {
  return *reinterpret_cast<volatile std::uint32_t*>(address);
}

}  // namespace drivers
