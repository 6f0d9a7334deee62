// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// The journal's bytes, version 1, the same on host and firmware. Everything is little-endian.
/// Source: docs/formats/journal_v1.md, tied to tests/golden.
namespace telemetry::core {

inline constexpr std::size_t segment_header_bytes = 64;
inline constexpr std::size_t frame_header_bytes = 48;
inline constexpr std::size_t frame_bytes_max = 16 * 1024 * 1024;
inline constexpr std::uint32_t frame_magic = 0x314D4C54;  // "TLM1"

namespace segment_flag {
/// Reserved: frames may have frame_flag::has_items. This version writes none, and refuses it.
inline constexpr std::uint16_t items = 0x0001;
}  // namespace segment_flag

/// The first 64 bytes of a segment file.
/// Layout: magic "TLMSEG01" 8 | version u16 | required flags u16 | cipher u32 | journal id 16 |
/// segment id u64 | first sequence u64 | key id u32 | reserved 8 (0) | crc32c of the 60 before u32.
struct SegmentHeader {
  std::uint16_t version = 1;
  std::uint16_t required_flags = 0;           ///< a reader refuses bits that it does not know
  std::uint32_t cipher = 0;                   ///< 0 = none
  std::array<std::uint8_t, 16> journal_id{};  ///< random, one per journal
  std::uint64_t segment_id = 0;               ///< random, one per segment; seeds every checksum
  std::uint64_t first_sequence = 0;           ///< sequence of the first message frame
  std::uint32_t key_id = 0;
};

enum class FrameKind : std::uint8_t {
  message = 1,    ///< topic and payload as received; has a sequence of its own
  schema = 2,     ///< payload: canonical document of `schema_id`; sequence of the next message
  snapshot = 3,   ///< payload: state of the sequence check before the next message
  tombstone = 4,  ///< payload: which messages before it are deleted; has a sequence of its own
  padding = 5,    ///< fills a sector up to its end; sequence of the next message, payload of zeros
  problems = 6,   ///< payload: what is wrong with the next message, as JSON; has its sequence
};

namespace frame_flag {
inline constexpr std::uint16_t qos_mask = 0x0003;
inline constexpr std::uint16_t retained = 0x0004;
inline constexpr std::uint16_t has_reference = 0x0008;  ///< 8 bytes `reference` follow the header
inline constexpr std::uint16_t time_from_device = 0x0010;  ///< else `time` is the receive time
inline constexpr std::uint16_t sequence_gap = 0x0020;      ///< numbers are missing before this one
inline constexpr std::uint16_t sequence_reset = 0x0040;    ///< the device's numbering began again
inline constexpr std::uint16_t late_unchecked = 0x0080;    ///< below the duplicate window
inline constexpr std::uint16_t has_sequence = 0x0100;      ///< the sequence check applied
inline constexpr std::uint16_t coerced = 0x0200;   ///< lenient mode read a value as another type
inline constexpr std::uint16_t rounded = 0x0400;   ///< a value is the nearest to what was read
inline constexpr std::uint16_t imported = 0x1000;  ///< a copy: deletions before it count, too
/// Of a message of several readings, each of which is a frame: the next frame is of the same
/// message. A message whose last frame is missing was not acknowledged; recovery cuts it.
inline constexpr std::uint16_t more = 0x2000;
/// The payload is one reading of a message: JSON, whatever form the device sends.
inline constexpr std::uint16_t unfolded = 0x4000;
/// Reserved: a count of readings u32 follows the reference; so many sequences belong to the frame.
inline constexpr std::uint16_t has_items = 0x0800;
}  // namespace frame_flag

/// Layout: magic u32 | bytes of the whole frame u32 | sequence u64 | received_at i64 | time i64 |
/// schema id u64 | topic bytes u16 | kind u8 | verdict u8 | flags u16 | reason u8 | reserved u8 (0)
/// | [reference u64] | topic | payload | crc32c u32.
/// The checksum covers all bytes before it and is seeded with segment id and offset (below), so
/// that payload bytes, recycled sectors and moved blocks cannot pose as frames.
struct FrameHeader {
  std::uint64_t sequence = 0;
  std::int64_t received_at = 0;  ///< ns
  std::int64_t time = 0;         ///< ns
  std::uint64_t schema_id = 0;   ///< 0 = none
  std::uint64_t reference = 0;   ///< with frame_flag::has_reference
  FrameKind kind = FrameKind::message;
  std::uint8_t verdict = 0;  ///< telemetry::Verdict
  std::uint16_t flags = 0;
  std::uint8_t reason = 0;  ///< core::Rule that was broken first
};

struct FrameView {
  FrameHeader header;
  std::string_view topic;
  std::string_view payload;
  std::size_t bytes = 0;  ///< of the whole frame
};

enum class FrameStatus : std::uint8_t {
  ok,
  incomplete,  ///< more bytes are needed (a torn tail, when there are no more)
  damaged,     ///< no frame here
};

void encode_segment_header(const SegmentHeader& header,
                           std::span<std::uint8_t, segment_header_bytes> out) noexcept;
/// @returns false when magic or checksum are wrong. Version and flags are the caller's to judge.
[[nodiscard]] bool decode_segment_header(std::span<const std::uint8_t, segment_header_bytes> bytes,
                                         SegmentHeader& out) noexcept;

[[nodiscard]] constexpr std::size_t frame_size(std::size_t topic_bytes, std::size_t payload_bytes,
                                               bool has_reference) noexcept {
  return frame_header_bytes + (has_reference ? 8 : 0) + topic_bytes + payload_bytes + 4;
}

/// Writes one frame.
/// @param offset where in the segment file the frame will stand; part of the checksum's seed, which
///        is crc32c(segment id u64 | offset u64).
/// @returns bytes written, frame_size(); 0 when `out` or a limit is too small.
std::size_t encode_frame(const FrameHeader& header, std::string_view topic,
                         std::string_view payload, std::uint64_t segment_id, std::uint64_t offset,
                         std::span<std::uint8_t> out) noexcept;

/// Reads the frame at the start of `bytes`.
[[nodiscard]] FrameStatus decode_frame(std::span<const std::uint8_t> bytes,
                                       std::uint64_t segment_id, std::uint64_t offset,
                                       FrameView& out) noexcept;

}  // namespace telemetry::core
