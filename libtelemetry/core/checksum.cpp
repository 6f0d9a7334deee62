// SPDX-License-Identifier: Apache-2.0
// One polynomial, three ways: the crc32 instruction of SSE4.2 where the machine has it (asked once,
// at run time), the CRC extension of ARMv8 where the compiler may use it, elsewhere a table: of 1
// KB, or of 64 bytes on a Cortex-M, where flash is dearer than time.
#include "telemetry/core/checksum.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>

#include <atomic>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace telemetry::core {
namespace {

#if defined(__x86_64__) || !defined(__ARM_FEATURE_CRC32)
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
constexpr unsigned bits = 4;  // of a byte at once
#else
constexpr unsigned bits = 8;
#endif
constexpr std::uint32_t entries_max = 1u << bits;
constexpr std::array<std::uint32_t, entries_max> table = [] {
  std::array<std::uint32_t, entries_max> entries{};
  for (std::uint32_t i = 0; i < entries_max; ++i) {
    std::uint32_t crc = i;
    for (unsigned bit = 0; bit < bits; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0u);
    entries[i] = crc;
  }
  return entries;
}();

std::uint32_t update_by_table(std::uint32_t crc, const std::uint8_t* at,
                              std::size_t size) noexcept {
  for (; size > 0; --size, ++at) {
    crc ^= *at;
    for (unsigned done = 0; done < 8; done += bits) {
      crc = (crc >> bits) ^ table[crc & (entries_max - 1)];
    }
  }
  return crc;
}
#endif

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t update_by_instruction(std::uint32_t crc,
                                                                      const std::uint8_t* at,
                                                                      std::size_t size) noexcept {
  std::uint64_t wide = crc;
  for (; size >= 8; size -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  if (size >= 4) {
    std::uint32_t word;
    std::memcpy(&word, at, 4);
    crc = _mm_crc32_u32(crc, word);
    size -= 4;
    at += 4;
  }
  for (; size > 0; --size, ++at) crc = _mm_crc32_u8(crc, *at);
  return crc;
}

enum class Support : std::uint8_t { unknown, absent, present };
// CPUID traps in virtual machines, so its answer is kept. Threads that race here all store the
// same.
constinit std::atomic<Support> support{Support::unknown};

Support ask_support() noexcept {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool known = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0;
  const Support answer = known && (ecx & bit_SSE4_2) != 0 ? Support::present : Support::absent;
  support.store(answer, std::memory_order_relaxed);
  return answer;
}

std::uint32_t update(std::uint32_t crc, const std::uint8_t* at, std::size_t size) noexcept {
  Support how = support.load(std::memory_order_relaxed);
  if (how == Support::unknown) how = ask_support();
  return how == Support::present ? update_by_instruction(crc, at, size)
                                 : update_by_table(crc, at, size);
}
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t update(std::uint32_t crc, const std::uint8_t* at, std::size_t size) noexcept {
  for (; size >= 4; size -= 4, at += 4) {
    std::uint32_t word;
    std::memcpy(&word, at, 4);
    crc = __crc32cw(crc, word);
  }
  for (; size > 0; --size, ++at) crc = __crc32cb(crc, *at);
  return crc;
}
#else
std::uint32_t update(std::uint32_t crc, const std::uint8_t* at, std::size_t size) noexcept {
  return update_by_table(crc, at, size);
}
#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t seed) noexcept {
  return ~update(~seed, bytes.data(), bytes.size());
}

}  // namespace telemetry::core
