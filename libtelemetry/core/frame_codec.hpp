// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "telemetry/core/journal_format.hpp"

/// A frame in parts, for writers and readers that never hold a whole one.
namespace telemetry::core {

inline constexpr char segment_magic[8] = {'T', 'L', 'M', 'S', 'E', 'G', '0', '1'};
inline constexpr std::size_t frame_reference_bytes = 8;
inline constexpr std::size_t frame_checksum_bytes = 4;
inline constexpr std::size_t frame_bytes_min = frame_size(0, 0, false);

[[nodiscard]] constexpr bool has_reference(const FrameHeader& header) noexcept {
  return (header.flags & frame_flag::has_reference) != 0;
}

/// The others carry the sequence of the next one that has.
[[nodiscard]] constexpr bool has_own_sequence(FrameKind kind) noexcept {
  return kind == FrameKind::message || kind == FrameKind::tombstone;
}

/// What the checksum of the frame at this place starts from.
[[nodiscard]] std::uint32_t frame_seed(std::uint64_t segment_id, std::uint64_t offset) noexcept;

/// Writes the header with its reference, if it has one.
/// @returns bytes written: 48 or 56.
std::size_t encode_frame_header(
    const FrameHeader& header, std::size_t topic_bytes, std::size_t frame_bytes,
    std::span<std::uint8_t, frame_header_bytes + frame_reference_bytes> out) noexcept;

struct FrameStart {
  FrameHeader header;  ///< without the reference, which follows
  std::size_t topic_bytes = 0;
  std::size_t frame_bytes = 0;
};
/// @returns false when magic or sizes are wrong; the checksum is the caller's to judge.
[[nodiscard]] bool decode_frame_header(std::span<const std::uint8_t, frame_header_bytes> bytes,
                                       FrameStart& out) noexcept;

}  // namespace telemetry::core
