// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace telemetry::core {

/// Bytes (2..4) of the well-formed multi-byte sequence at `at`, or 0 when there is none before
/// `end`. The byte at `at` exists and is >= 0x80. Source: RFC 3629 section 4.
[[nodiscard]] std::size_t utf8_sequence_bytes(const char* at, const char* end) noexcept;

}  // namespace telemetry::core
