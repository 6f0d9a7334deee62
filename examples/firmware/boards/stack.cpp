// SPDX-License-Identifier: Apache-2.0
#include "boards/stack.hpp"

#include <cstdint>

extern "C" std::uint32_t stack_begin[], stack_end[];  // the linker script's

namespace firmware {
namespace {

constexpr std::uint32_t paint = 0xA5A5A5A5;

std::size_t bytes(const std::uint32_t* begin, const std::uint32_t* end) noexcept {
  return static_cast<std::size_t>(end - begin) * sizeof(*begin);
}

}  // namespace

std::size_t stack_bytes() noexcept { return bytes(stack_begin, stack_end); }

std::size_t stack_bytes_used() noexcept {
  const volatile std::uint32_t* at = stack_begin;
  while (at != stack_end && *at == paint) ++at;
  return static_cast<std::size_t>(stack_end - at) * sizeof(*at);
}

bool stack_overflowed() noexcept {
  return *static_cast<const volatile std::uint32_t*>(stack_begin) != paint;
}

[[gnu::noinline]] std::size_t paint_stack() noexcept {
  std::uint32_t* top;
  asm volatile("mov %0, sp" : "=r"(top));
  for (volatile std::uint32_t* at = stack_begin; at != top; ++at) *at = paint;
  return bytes(top, stack_end);
}

}  // namespace firmware
