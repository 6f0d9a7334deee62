// SPDX-License-Identifier: Apache-2.0
// One source, built once for each thing that firmware must not do, and once without any.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <typeinfo>

#include "images/pump.hpp"
#include "telemetry/core/decode.hpp"

// Not constants, so that the compiler cannot do without what is asked of it.
volatile std::size_t size = 100;
void* volatile kept = nullptr;

#ifdef SIN_CONSTRUCTOR
struct Early {
  Early() { kept = this; }
} early;
#endif
#ifdef SIN_RAM
char too_much[50 * 1024];
#endif

int main() {
#ifdef SIN_STRING
  const std::string text(size, 'x');
  kept = const_cast<char*>(text.data());
#endif
#ifdef SIN_MALLOC
  kept = std::malloc(size);
#endif
#ifdef SIN_NEW
  kept = new int[2];
  delete static_cast<int*>(kept);
#endif
#ifdef SIN_THROW
  throw 1;
#endif
#ifdef SIN_TYPEID
  kept = const_cast<char*>(typeid(*static_cast<std::string*>(kept)).name());
#endif
#ifdef SIN_RAM
  kept = too_much;
#endif
  std::array<telemetry::core::Value, telemetry::budget::slot_count> values;
  std::array<char, 128> scratch;
  return telemetry::core::decode(telemetry::budget::schema, telemetry::budget::payload,
                                 {values, scratch, {}, {}})
                 .ok()
             ? 0
             : 1;
}
