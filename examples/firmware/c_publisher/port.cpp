// SPDX-License-Identifier: Apache-2.0
// The only C++ of the publisher: the tables that `telemetry schema compile` has written, and the
// board's drivers, which in a C firmware are the vendor's.
#include "port.h"

#include <iterator>

#include "board.hpp"
#include "boards/static_object.hpp"
#include "drivers/systick.hpp"
#include "schemas.hpp"

static_assert(PORT_FIELDS_MAX == schemas::mcu_meter_v1.slot_count);
const tlm_schemas port_schemas = {schemas::all, std::size(schemas::all)};

namespace {

struct Board {
  board::Uart uart = board::uart();
  drivers::SysTick clock{board::clock_hz};
};
StaticObject<Board> the_board;

}  // namespace

void port_start() { the_board.make(); }
uint32_t port_now_ms() { return the_board.get().clock.now_ms(); }
size_t port_read(uint8_t* bytes, size_t size) { return the_board.get().uart.read({bytes, size}); }
size_t port_write(const uint8_t* bytes, size_t size) {
  return the_board.get().uart.write({bytes, size});
}
