// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

/// How deep the stack went. The start-up code paints all of it; what is painted was never used.
namespace firmware {

[[nodiscard]] std::size_t stack_bytes() noexcept;
/// Most bytes in use since the start, or since paint_stack().
[[nodiscard]] std::size_t stack_bytes_used() noexcept;
/// The last word was written to: perhaps more was.
[[nodiscard]] bool stack_overflowed() noexcept;

/// Paints the free part again.
/// @returns the bytes in use at the caller.
std::size_t paint_stack() noexcept;

/// Bytes of stack that calling `function` takes, all that it calls included.
template <class Function>
[[nodiscard]] std::size_t stack_bytes_of(const Function& function) noexcept {
  const std::size_t before = paint_stack();
  function();
  return stack_bytes_used() - before;
}

}  // namespace firmware
