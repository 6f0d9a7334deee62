// SPDX-License-Identifier: Apache-2.0
// Offsets below are those of docs/formats/journal_v1.md. A frame's checksum is seeded with its
// segment and its place in it, so a frame is only a frame where it was written: neither a payload
// that contains frames, nor an old block that a disk gives back, nor a moved one is taken for one.
#include "telemetry/core/journal_format.hpp"

#include <array>
#include <cstring>

#include "core/frame_codec.hpp"
#include "core/little_endian.hpp"
#include "telemetry/core/checksum.hpp"
#include "telemetry/core/limits.hpp"

namespace telemetry::core {
namespace {

std::uint8_t* put(std::uint8_t* at, std::string_view bytes) noexcept {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

std::string_view text(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Could these bytes, fewer than a header, be the beginning of a frame?
bool begins_like_a_frame(std::span<const std::uint8_t> bytes) noexcept {
  std::uint8_t magic[4];
  store(magic, frame_magic);
  return std::memcmp(bytes.data(), magic, bytes.size() < 4 ? bytes.size() : 4) == 0;
}

}  // namespace

void encode_segment_header(const SegmentHeader& header,
                           std::span<std::uint8_t, segment_header_bytes> out) noexcept {
  std::uint8_t* at = out.data();
  std::memcpy(at, segment_magic, sizeof(segment_magic));
  store(at + 8, header.version);
  store(at + 10, header.required_flags);
  store(at + 12, header.cipher);
  std::memcpy(at + 16, header.journal_id.data(), header.journal_id.size());
  store(at + 32, header.segment_id);
  store(at + 40, header.first_sequence);
  store(at + 48, header.key_id);
  store(at + 52, std::uint64_t{0});
  store(at + 60, crc32c(out.first<60>()));
}

bool decode_segment_header(std::span<const std::uint8_t, segment_header_bytes> bytes,
                           SegmentHeader& out) noexcept {
  const std::uint8_t* at = bytes.data();
  if (std::memcmp(at, segment_magic, sizeof(segment_magic)) != 0) return false;
  if (load<std::uint32_t>(at + 60) != crc32c(bytes.first<60>())) return false;
  out.version = load<std::uint16_t>(at + 8);
  out.required_flags = load<std::uint16_t>(at + 10);
  out.cipher = load<std::uint32_t>(at + 12);
  std::memcpy(out.journal_id.data(), at + 16, out.journal_id.size());
  out.segment_id = load<std::uint64_t>(at + 32);
  out.first_sequence = load<std::uint64_t>(at + 40);
  out.key_id = load<std::uint32_t>(at + 48);
  return true;
}

std::uint32_t frame_seed(std::uint64_t segment_id, std::uint64_t offset) noexcept {
  std::uint8_t place[16];
  store(place, segment_id);
  store(place + 8, offset);
  return crc32c(place);
}

std::size_t encode_frame_header(
    const FrameHeader& header, std::size_t topic_bytes, std::size_t frame_bytes,
    std::span<std::uint8_t, frame_header_bytes + frame_reference_bytes> out) noexcept {
  std::uint8_t* at = out.data();
  store(at, frame_magic);
  store(at + 4, static_cast<std::uint32_t>(frame_bytes));
  store(at + 8, header.sequence);
  store(at + 16, header.received_at);
  store(at + 24, header.time);
  store(at + 32, header.schema_id);
  store(at + 40, static_cast<std::uint16_t>(topic_bytes));
  store(at + 42, static_cast<std::uint8_t>(header.kind));
  store(at + 43, header.verdict);
  store(at + 44, header.flags);
  store(at + 46, header.reason);
  store(at + 47, std::uint8_t{0});
  if (!has_reference(header)) return frame_header_bytes;
  store(at + frame_header_bytes, header.reference);
  return frame_header_bytes + frame_reference_bytes;
}

bool decode_frame_header(std::span<const std::uint8_t, frame_header_bytes> bytes,
                         FrameStart& out) noexcept {
  const std::uint8_t* at = bytes.data();
  if (load<std::uint32_t>(at) != frame_magic) return false;
  out.frame_bytes = load<std::uint32_t>(at + 4);
  out.topic_bytes = load<std::uint16_t>(at + 40);
  FrameHeader& header = out.header;
  header.sequence = load<std::uint64_t>(at + 8);
  header.received_at = load<std::int64_t>(at + 16);
  header.time = load<std::int64_t>(at + 24);
  header.schema_id = load<std::uint64_t>(at + 32);
  header.reference = 0;
  header.kind = static_cast<FrameKind>(at[42]);
  header.verdict = at[43];
  header.flags = load<std::uint16_t>(at + 44);
  header.reason = at[46];
  return out.frame_bytes >= frame_size(out.topic_bytes, 0, has_reference(header)) &&
         out.frame_bytes <= frame_bytes_max;
}

std::size_t encode_frame(const FrameHeader& header, std::string_view topic,
                         std::string_view payload, std::uint64_t segment_id, std::uint64_t offset,
                         std::span<std::uint8_t> out) noexcept {
  if (topic.size() > topic_bytes_max || payload.size() > frame_bytes_max) return 0;
  const std::size_t size = frame_size(topic.size(), payload.size(), has_reference(header));
  if (size > frame_bytes_max || size > out.size()) return 0;
  std::array<std::uint8_t, frame_header_bytes + frame_reference_bytes> start;
  const std::size_t start_bytes = encode_frame_header(header, topic.size(), size, start);
  std::memcpy(out.data(), start.data(), start_bytes);
  std::uint8_t* at = put(put(out.data() + start_bytes, topic), payload);
  store(at, crc32c(out.first(size - frame_checksum_bytes), frame_seed(segment_id, offset)));
  return size;
}

FrameStatus decode_frame(std::span<const std::uint8_t> bytes, std::uint64_t segment_id,
                         std::uint64_t offset, FrameView& out) noexcept {
  if (bytes.empty()) return FrameStatus::incomplete;
  if (!begins_like_a_frame(bytes)) return FrameStatus::damaged;
  const std::uint8_t* at = bytes.data();
  if (bytes.size() < 8) return FrameStatus::incomplete;
  const std::size_t size = load<std::uint32_t>(at + 4);
  if (size < frame_bytes_min || size > frame_bytes_max) return FrameStatus::damaged;
  if (bytes.size() < frame_header_bytes) return FrameStatus::incomplete;
  FrameStart start;
  if (!decode_frame_header(bytes.first<frame_header_bytes>(), start)) return FrameStatus::damaged;
  if (bytes.size() < size) return FrameStatus::incomplete;
  const std::size_t covered = size - frame_checksum_bytes;
  if (load<std::uint32_t>(at + covered) !=
      crc32c(bytes.first(covered), frame_seed(segment_id, offset))) {
    return FrameStatus::damaged;
  }
  out.header = start.header;
  std::size_t topic_at = frame_header_bytes;
  if (has_reference(start.header)) {
    out.header.reference = load<std::uint64_t>(at + topic_at);
    topic_at += frame_reference_bytes;
  }
  const std::size_t payload_at = topic_at + start.topic_bytes;
  out.topic = text(bytes.subspan(topic_at, start.topic_bytes));
  out.payload = text(bytes.subspan(payload_at, covered - payload_at));
  out.bytes = size;
  return FrameStatus::ok;
}

}  // namespace telemetry::core
