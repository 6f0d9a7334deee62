// SPDX-License-Identifier: Apache-2.0
#pragma once

// Queues and tasks of the user's FreeRTOS (V10, V11, or ESP-IDF's) in memory of their own: nothing
// is allocated. Not in the core's archive: who does not include it needs no FreeRTOS.
// The tests have a stand-in for the kernel's headers (tests/firmware/fake_freertos). By hand it ran
// on the kernels V10.4.3 and V11.1.0 on an emulated Cortex-M3.
#if __has_include(<freertos/FreeRTOS.h>)  // where ESP-IDF has them
#include <freertos/FreeRTOS.h>
#include <freertos/queue.h>
#include <freertos/task.h>
#else
#include <FreeRTOS.h>
#include <queue.h>
#include <task.h>
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if configSUPPORT_STATIC_ALLOCATION != 1
#error "telemetry/core/freertos.hpp needs configSUPPORT_STATIC_ALLOCATION 1 in FreeRTOSConfig.h"
#endif

namespace telemetry::core {

/// A queue of at most `capacity` items, copied byte by byte.
///
/// Where it fits: tasks and interrupts push samples; one network task pops them, there it sleeps,
/// judges each, hands it to StoreForward::offer() and calls poll(). Ring, session and card then
/// have one context. A device with one sampling task needs no queue: that task may call offer(),
/// if the ring's policy is RingPolicy::reject.
///
/// Life:   constructed in main() or before it, or in a task; never moved or ended while the kernel
///         runs. Before the scheduler has started, many ports leave interrupts masked until it
///         does, here as after every call of FreeRTOS.
/// Thread: any task; push_from_isr() in interrupts that may call FreeRTOS.
/// Memory: capacity items, StaticQueue_t and a handle, in the object.
/// Source: FreeRTOS, xQueueCreateStatic(), xQueueSendFromISR().
template <class T, std::size_t capacity>
class StaticQueue {
  static_assert(std::is_trivially_copyable_v<T>, "FreeRTOS copies the bytes of an item");
  static_assert(capacity > 0, "a queue without room");

 public:
  StaticQueue() noexcept : handle_(xQueueCreateStatic(capacity, sizeof(T), memory_, &control_)) {}
  StaticQueue(const StaticQueue&) = delete;
  StaticQueue& operator=(const StaticQueue&) = delete;

  /// Appends a copy.
  /// @param ticks to wait for room at most; 0: not at all, portMAX_DELAY: for ever
  /// @returns false when there was none; the item is not in the queue.
  [[nodiscard]] bool push(const T& item, TickType_t ticks = 0) noexcept {
    return xQueueSend(handle_, &item, ticks) == pdTRUE;
  }
  /// The same in an interrupt, which never waits.
  /// @param woken becomes pdTRUE when a task of higher priority than the interrupted one has been
  ///        woken, and else stays: start with pdFALSE, pass it to all pushes of the interrupt, and
  ///        end with portYIELD_FROM_ISR(woken).
  [[nodiscard]] bool push_from_isr(const T& item, BaseType_t& woken) noexcept {
    return xQueueSendFromISR(handle_, &item, &woken) == pdTRUE;
  }
  /// Takes the oldest item.
  /// @param ticks to wait for one at most
  /// @returns false when there was none; `item` stays as it was.
  [[nodiscard]] bool pop(T& item, TickType_t ticks = 0) noexcept {
    return xQueueReceive(handle_, &item, ticks) == pdTRUE;
  }
  /// Items that wait. Not for interrupts.
  [[nodiscard]] std::size_t size() const noexcept { return uxQueueMessagesWaiting(handle_); }
  /// For what else FreeRTOS can do with it (queue sets, the registry of a debugger).
  [[nodiscard]] QueueHandle_t handle() const noexcept { return handle_; }

 private:
  StaticQueue_t control_;
  std::uint8_t memory_[capacity * sizeof(T)];
  QueueHandle_t handle_;
};

/// A task with its stack. It never ends: FreeRTOS lets no task function return.
///
/// Units:  stack_depth counts StackType_t: words in FreeRTOS, bytes in ESP-IDF.
/// Life:   as StaticQueue. The argument must live as long.
/// Thread: start() in one context.
/// Memory: the stack, StaticTask_t and a handle, in the object.
/// Source: FreeRTOS, xTaskCreateStatic(); ESP-IDF, FreeRTOS (IDF), its stack in bytes.
template <std::size_t stack_depth>
class StaticTask {
 public:
  StaticTask() noexcept = default;
  StaticTask(const StaticTask&) = delete;
  StaticTask& operator=(const StaticTask&) = delete;

  /// @param name NUL-terminated, for debuggers; cut at configMAX_TASK_NAME_LEN
  /// @param priority 0 (idle) to configMAX_PRIORITIES - 1
  /// @returns false when it runs already.
  [[nodiscard]] bool start(const char* name, TaskFunction_t run, void* argument,
                           UBaseType_t priority) noexcept {
    if (handle_ != nullptr) return false;
    // The depth's type is uint32_t in V10 and configSTACK_DEPTH_TYPE in V11: as a constant it
    // converts to either, and a stack that is too deep for it is a compiler's warning.
    handle_ = xTaskCreateStatic(run, name, stack_depth, argument, priority, stack_, &control_);
    return handle_ != nullptr;
  }
  /// Null before start(). For what else FreeRTOS can do with it (notifications, the stack's mark).
  [[nodiscard]] TaskHandle_t handle() const noexcept { return handle_; }

 private:
  StaticTask_t control_;
  StackType_t stack_[stack_depth];
  TaskHandle_t handle_ = nullptr;
};

}  // namespace telemetry::core
