// SPDX-License-Identifier: Apache-2.0
// Not FreeRTOS: a stand-in with the names and types that telemetry/core/freertos.hpp uses, for one
// thread. A call that would wait lets `fake_interrupt` run once and then gives up. It shows how the
// header calls the kernel, not how the kernel behaves.
#pragma once
#define INC_FREERTOS_H

#include <cstdint>

#ifndef configSUPPORT_STATIC_ALLOCATION
#define configSUPPORT_STATIC_ALLOCATION 1
#endif
#define configSTACK_DEPTH_TYPE uint16_t  // the narrowest that FreeRTOS has

using BaseType_t = long;
using UBaseType_t = unsigned long;
using TickType_t = std::uint32_t;
using StackType_t = std::uint32_t;
using TaskFunction_t = void (*)(void*);
#define pdFALSE ((BaseType_t)0)
#define pdTRUE ((BaseType_t)1)
#define errQUEUE_FULL ((BaseType_t)0)

struct StaticQueue_t {
  std::uint8_t* storage;
  UBaseType_t length, item_size, first, count;
  bool receiver_waits;
};
struct StaticTask_t {
  TaskFunction_t run;
  const char* name;
  UBaseType_t depth;
  void* argument;
  UBaseType_t priority;
  StackType_t* stack;
};

inline void (*fake_interrupt)() = nullptr;
inline TickType_t fake_ticks_waited = 0;
inline void fake_wait(TickType_t ticks) {
  fake_ticks_waited += ticks;
  if (ticks != 0 && fake_interrupt != nullptr) fake_interrupt();
}
