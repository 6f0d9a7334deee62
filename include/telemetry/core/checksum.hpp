// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace telemetry::core {

/// CRC-32C (Castagnoli), reflected, initial value and final xor 0xFFFFFFFF: crc32c("123456789") is
/// 0xE3069283. Chain by passing the previous result as `seed`.
/// Source: RFC 3720 appendix B.4.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::uint8_t> bytes,
                                   std::uint32_t seed = 0) noexcept;

}  // namespace telemetry::core
