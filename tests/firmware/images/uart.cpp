// SPDX-License-Identifier: Apache-2.0
// Says that its receiver is on (5), then sends back what it receives until an end of transmission
// (4), which it answers with its exit.
#include <array>

#include "board.hpp"

namespace {

std::array<std::uint8_t, 64> memory;

}  // namespace

int main() {
  board::Uart uart = board::uart();
  constexpr std::array<std::uint8_t, 1> enquiry = {5};
  while (uart.write(enquiry) == 0) {
  }
  for (;;) {
    std::span<const std::uint8_t> bytes(memory.data(), uart.read(memory));
    while (!bytes.empty()) {
      if (bytes[0] == 4) return 0;
      bytes = bytes.subspan(uart.write(bytes.first(1)));
    }
  }
}
