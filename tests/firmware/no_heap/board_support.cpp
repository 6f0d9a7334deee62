// SPDX-License-Identifier: Apache-2.0
// A heap and what hangs on it, as board support packages bring them.
#include <cstddef>
#include <cstdlib>
#include <new>

extern "C" void* _sbrk(std::ptrdiff_t bytes) {
  static char heap[2048];
  static char* end = heap;
  char* const begin = end;
  end += bytes;
  return begin;
}
extern "C" void _exit(int) {
  for (;;) {
  }
}
namespace std {
void __throw_length_error(const char*) { _exit(1); }
void __throw_bad_alloc() { _exit(1); }
}  // namespace std
void* operator new(std::size_t bytes) { return std::malloc(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
