// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// A property that holds for every input; libFuzzer reports the input when it does not.
#define TELEMETRY_FUZZ_CHECK(condition) \
  do {                                  \
    if (!(condition)) std::abort();     \
  } while (false)

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
