// SPDX-License-Identifier: Apache-2.0
// Everything that the core must not do. check_core_symbols.py must reject each of these.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace telemetry_canary {

struct Constructed {
  Constructed() noexcept;
  int value;
};

Constructed constructed_at_start;

int local_static() {
  static Constructed once;
  return once.value;
}

int* heap() { return new int(1); }
void unheap(int* p) { delete p; }
void* c_heap(std::size_t size) { return std::malloc(size); }
void throw_one(int value) { throw value; }
double parse(const char* text) { return std::strtod(text, nullptr); }
double parse(const char* first, const char* last) {
  double value = 0;
  std::from_chars(first, last, value);
  return value;
}
int print(int value) { return std::printf("%d\n", value); }

}  // namespace telemetry_canary
