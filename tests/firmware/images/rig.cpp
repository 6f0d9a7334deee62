// SPDX-License-Identifier: Apache-2.0
// What must fail, so that the tests of the other images mean something.
#include <array>
#include <cstring>

#include "boards/stack.hpp"
#include "drivers/semihosting.hpp"

namespace {

std::array<char, 512> memory;

[[gnu::noinline]] int recurse(int depth) {
  volatile char room[64];
  room[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : recurse(depth - 1) + room[0];
}

[[gnu::noinline]] void take_400_bytes() {
  char room[400];
  std::memset(room, 1, sizeof(room));
  asm volatile("" : : "r"(room) : "memory");
}

}  // namespace

int main() {
  const std::string_view what = semihosting::arguments(memory);
  if (what == "code") return 3;
  if (what == "fault") asm volatile("udf #0");
  if (what == "overflow") return recurse(10'000) == 1 ? 1 : 0;
  if (what == "stack") {
    const std::size_t found = firmware::stack_bytes_of(take_400_bytes);
    return found >= 400 && found < 500 ? 0 : 1;
  }
  return what == "argument of two words" ? 0 : 2;
}
