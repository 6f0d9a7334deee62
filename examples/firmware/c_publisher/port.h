/* SPDX-License-Identifier: Apache-2.0 */
/* What the publisher asks of its board; the compiled schemas. */
#ifndef PORT_H
#define PORT_H

#include "telemetry/core/telemetry_core.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PORT_FIELDS_MAX = 3 }; /* of the largest schema */
extern const tlm_schemas port_schemas;

void port_start(void);
uint32_t port_now_ms(void);
/* How many bytes were there, or were taken; neither waits. */
size_t port_read(uint8_t* bytes, size_t size);
size_t port_write(const uint8_t* bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
