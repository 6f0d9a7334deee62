// SPDX-License-Identifier: Apache-2.0
// Not FreeRTOS: see FreeRTOS.h beside it.
#pragma once
#ifndef INC_FREERTOS_H
#error "include FreeRTOS.h before queue.h"
#endif

#include <cstring>

using QueueHandle_t = StaticQueue_t*;

inline QueueHandle_t xQueueCreateStatic(UBaseType_t length, UBaseType_t item_size,
                                        std::uint8_t* storage, StaticQueue_t* control) {
  *control = {storage, length, item_size, 0, 0, false};
  return control;
}
inline BaseType_t xQueueSendFromISR(QueueHandle_t queue, const void* item, BaseType_t* woken) {
  if (queue->count == queue->length) return errQUEUE_FULL;
  const UBaseType_t at = (queue->first + queue->count++) % queue->length;
  std::memcpy(queue->storage + at * queue->item_size, item, queue->item_size);
  if (queue->receiver_waits && woken != nullptr) *woken = pdTRUE;
  return pdTRUE;
}
inline BaseType_t xQueueSend(QueueHandle_t queue, const void* item, TickType_t ticks) {
  if (queue->count == queue->length) fake_wait(ticks);
  return xQueueSendFromISR(queue, item, nullptr);
}
inline BaseType_t xQueueReceive(QueueHandle_t queue, void* item, TickType_t ticks) {
  queue->receiver_waits = queue->count == 0;
  if (queue->receiver_waits) fake_wait(ticks);
  queue->receiver_waits = false;
  if (queue->count == 0) return pdFALSE;
  std::memcpy(item, queue->storage + queue->first * queue->item_size, queue->item_size);
  queue->first = (queue->first + 1) % queue->length;
  --queue->count;
  return pdTRUE;
}
inline UBaseType_t uxQueueMessagesWaiting(const StaticQueue_t* queue) { return queue->count; }
