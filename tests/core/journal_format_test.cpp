// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/journal_format.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>
#include "catch.hpp"

using namespace telemetry::core;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint64_t segment_id = 77;
constexpr std::uint64_t offset = 4096;

Bytes encode(const FrameHeader& header, std::string_view topic, std::string_view payload,
             std::uint64_t at = offset) {
  Bytes bytes(
      frame_size(topic.size(), payload.size(), (header.flags & frame_flag::has_reference) != 0));
  REQUIRE(encode_frame(header, topic, payload, segment_id, at, bytes) == bytes.size());
  return bytes;
}

Bytes sample() { return encode({.sequence = 9, .received_at = 1, .time = 2}, "a/b", "payload"); }

FrameStatus status(std::span<const std::uint8_t> bytes) {
  FrameView view;
  return decode_frame(bytes, segment_id, offset, view);
}

Bytes header_bytes() {
  Bytes bytes(segment_header_bytes);
  encode_segment_header({.segment_id = 5, .first_sequence = 6},
                        std::span(bytes).first<segment_header_bytes>());
  return bytes;
}

bool header_is_good(const Bytes& bytes) {
  SegmentHeader header;
  return decode_segment_header(std::span(bytes).first<segment_header_bytes>(), header);
}

}  // namespace

TEST_CASE("a frame is read from the start of a longer buffer") {
  Bytes bytes = sample();
  const std::size_t size = bytes.size();
  bytes.insert(bytes.end(), 100, 0xAA);
  FrameView view;
  REQUIRE(decode_frame(bytes, segment_id, offset, view) == FrameStatus::ok);
  CHECK(view.bytes == size);
  CHECK(view.topic == "a/b");
  CHECK(view.payload == "payload");
}

TEST_CASE("every proper prefix of a frame is incomplete") {
  const Bytes bytes = sample();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(status(std::span(bytes).first(size)) == FrameStatus::incomplete);
  }
}

TEST_CASE("a frame with any one bit flipped is never read") {
  const Bytes good = sample();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
    CAPTURE(bit);
    CHECK(status(bytes) != FrameStatus::ok);
  }
}

TEST_CASE("a frame in another segment or at another place is damaged") {
  const Bytes bytes = sample();
  FrameView view;
  CHECK(decode_frame(bytes, segment_id + 1, offset, view) == FrameStatus::damaged);
  CHECK(decode_frame(bytes, segment_id, offset + 1, view) == FrameStatus::damaged);
  CHECK(decode_frame(bytes, segment_id, offset, view) == FrameStatus::ok);
}

TEST_CASE("a payload that contains a frame of the same segment does not pose as one") {
  const Bytes inner = sample();
  const std::string payload(reinterpret_cast<const char*>(inner.data()), inner.size());
  const Bytes outer = encode({.sequence = 10}, "t", payload);
  const std::size_t inner_at = frame_header_bytes + 1;
  FrameView view;
  CHECK(decode_frame(std::span(outer).subspan(inner_at), segment_id, offset + inner_at, view) ==
        FrameStatus::damaged);
}

TEST_CASE("zeroed bytes and bytes of other files are damaged") {
  CHECK(status(Bytes(512, 0)) == FrameStatus::damaged);
  CHECK(status(Bytes(1, 0)) == FrameStatus::damaged);
  CHECK(status(Bytes(512, 0xFF)) == FrameStatus::damaged);
  CHECK(status(header_bytes()) == FrameStatus::damaged);
}

TEST_CASE("a length that no frame can have is damaged at once, not waited for") {
  for (const std::uint32_t length :
       {0u, 51u, static_cast<std::uint32_t>(frame_bytes_max) + 1, 0xFFFFFFFFu}) {
    Bytes bytes = sample();
    std::memcpy(bytes.data() + 4, &length, 4);  // the test machine is little-endian
    CAPTURE(length);
    CHECK(status(std::span(bytes).first(8)) == FrameStatus::damaged);
  }
}

TEST_CASE("a topic or reference that does not fit its frame is damaged at once") {
  Bytes bytes = sample();
  bytes[40] = 0xFF;
  CHECK(status(std::span(bytes).first(frame_header_bytes)) == FrameStatus::damaged);
  Bytes empty = encode({}, "", "");
  empty[44] = static_cast<std::uint8_t>(frame_flag::has_reference);
  CHECK(status(std::span(empty).first(frame_header_bytes)) == FrameStatus::damaged);
}

TEST_CASE("a frame without topic and payload is whole") {
  const Bytes bytes = encode({.sequence = 3, .kind = FrameKind::snapshot}, "", "");
  CHECK(bytes.size() == frame_header_bytes + 4);
  CHECK(status(bytes) == FrameStatus::ok);
}

TEST_CASE("extreme header values survive") {
  const FrameHeader header{.sequence = UINT64_MAX,
                           .received_at = INT64_MIN,
                           .time = INT64_MAX,
                           .schema_id = UINT64_MAX,
                           .reference = UINT64_MAX,
                           .kind = FrameKind::tombstone,
                           .verdict = 255,
                           .flags = 0xFFFF,
                           .reason = 255};
  const Bytes bytes = encode(header, std::string(65'535, 't'), "p");
  FrameView view;
  REQUIRE(decode_frame(bytes, segment_id, offset, view) == FrameStatus::ok);
  CHECK(view.header.sequence == UINT64_MAX);
  CHECK(view.header.received_at == INT64_MIN);
  CHECK(view.header.time == INT64_MAX);
  CHECK(view.header.reference == UINT64_MAX);
  CHECK(view.header.flags == 0xFFFF);
  CHECK(view.topic.size() == 65'535);
  CHECK(view.payload == "p");
}

TEST_CASE("the reference is absent without its flag") {
  const Bytes bytes = encode({.reference = 55}, "t", "p");
  FrameView view;
  REQUIRE(decode_frame(bytes, segment_id, offset, view) == FrameStatus::ok);
  CHECK(view.header.reference == 0);
}

TEST_CASE("a frame that does not fit is not written") {
  Bytes room(frame_size(1, 1, false) - 1);
  CHECK(encode_frame({}, "t", "p", 1, 2, room) == 0);
  room.resize(room.size() + 1);
  CHECK(encode_frame({}, "t", "p", 1, 2, room) == room.size());

  Bytes large(frame_bytes_max + 70'000);
  const std::string topic(65'536, 't');
  CHECK(encode_frame({}, topic, "", 1, 2, large) == 0);
  const std::string payload(frame_bytes_max - frame_size(0, 0, false), 'p');
  CHECK(encode_frame({}, "", payload, 1, 2, large) == frame_bytes_max);
  CHECK(encode_frame({}, "t", payload, 1, 2, large) == 0);
}

TEST_CASE("a segment header reads back as written") {
  Bytes bytes(segment_header_bytes);
  SegmentHeader header{.version = 0xFFFE,
                       .required_flags = 0x8001,
                       .cipher = 0xFFFFFFFD,
                       .segment_id = UINT64_MAX,
                       .first_sequence = UINT64_MAX - 1,
                       .key_id = 0x01020304};
  header.journal_id.fill(0xEE);
  encode_segment_header(header, std::span(bytes).first<segment_header_bytes>());
  SegmentHeader read;
  REQUIRE(decode_segment_header(std::span(bytes).first<segment_header_bytes>(), read));
  CHECK(read.version == header.version);
  CHECK(read.required_flags == header.required_flags);
  CHECK(read.cipher == header.cipher);
  CHECK(read.journal_id == header.journal_id);
  CHECK(read.segment_id == header.segment_id);
  CHECK(read.first_sequence == header.first_sequence);
  CHECK(read.key_id == header.key_id);
}

TEST_CASE("a segment header with any one bit flipped is refused") {
  const Bytes good = header_bytes();
  REQUIRE(header_is_good(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
    CAPTURE(bit);
    CHECK_FALSE(header_is_good(bytes));
  }
}
