// SPDX-License-Identifier: Apache-2.0
// Not FreeRTOS: see FreeRTOS.h beside it. A task is only noted; the test calls its function.
#pragma once
#ifndef INC_FREERTOS_H
#error "include FreeRTOS.h before task.h"
#endif

using TaskHandle_t = StaticTask_t*;

inline TaskHandle_t xTaskCreateStatic(TaskFunction_t run, const char* name,
                                      configSTACK_DEPTH_TYPE depth, void* argument,
                                      UBaseType_t priority, StackType_t* stack,
                                      StaticTask_t* control) {
  *control = {run, name, depth, argument, priority, stack};
  return control;
}
