// SPDX-License-Identifier: Apache-2.0
// From reset to main(), on any Cortex-M. No interrupt is enabled, so the table ends with SysTick. A
// fault ends the program with exit code 99; on a product it would note the place and reset.
//
// Source: Armv7-M Architecture Reference Manual B1.5.3 (vector table), B3.2.20 (CPACR).
#include <cstdint>
#include <cstring>

#include "boards/stack.hpp"
#include "drivers/semihosting.hpp"

int program() asm("main");  // C++ forbids a call by its own name

extern "C" {

// The linker script's.
extern std::uint32_t stack_end[], data_load[], data_begin[], data_end[], bss_begin[], bss_end[];

// Without a frame, so that it may paint all of the stack.
[[noreturn, gnu::naked]] void reset_handler();
[[noreturn, gnu::used]] void run_program();
[[noreturn]] void fault_handler();

struct VectorTable {
  std::uint32_t* stack;
  void (*handlers[15])();
};
[[gnu::section(".vectors"), gnu::used]] const VectorTable vector_table = {
    stack_end,
    {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     fault_handler, fault_handler, fault_handler}};

void reset_handler() {
  asm volatile(
      ".syntax unified\n"
#ifdef __ARM_FP  // full access to the FPU
      "ldr r0, =0xE000ED88\n"
      "ldr r1, =0x00F00000\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
#endif
      "ldr r0, =stack_begin\n"
      "ldr r1, =stack_end\n"
      "ldr r2, =0xA5A5A5A5\n"
      "1: str r2, [r0]\n"
      "adds r0, #4\n"
      "cmp r0, r1\n"
      "blo 1b\n"
      "ldr r0, =run_program\n"
      "bx r0\n"
      ".ltorg\n");
}

void run_program() {
  const auto bytes = [](const std::uint32_t* begin, const std::uint32_t* end) {
    return static_cast<std::size_t>(end - begin) * sizeof(*begin);
  };
  std::memcpy(data_begin, data_load, bytes(data_begin, data_end));
  std::memset(bss_begin, 0, bytes(bss_begin, bss_end));
  int code = program();
  if (firmware::stack_overflowed()) {
    semihosting::print("stack overflow\n");
    code = 98;
  }
  semihosting::exit(code);
}

void fault_handler() {
  semihosting::print("fault\n");
  semihosting::exit(99);
}

}  // extern "C"
