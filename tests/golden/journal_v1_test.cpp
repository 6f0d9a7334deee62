// SPDX-License-Identifier: Apache-2.0
// journal_v1.hex is spelled by hand from docs/formats/journal_v1.md. A change that breaks this test
// breaks every journal in the field: it needs a new format version instead.
#include <array>
#include <cstdint>
#include <string>
#include <vector>
#include "catch.hpp"

#include "golden/golden_bytes.hpp"
#include "telemetry/core/journal_format.hpp"

using namespace telemetry::core;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t segment_id = 0x1122334455667788;
constexpr std::uint64_t schema_id = 0xFEEDFACECAFEBEEF;
constexpr std::int64_t received_at = 1'762'862'400'123'456'789;

Bytes golden_bytes() { return telemetry::test::golden_bytes("journal_v1.hex"); }

SegmentHeader segment_header() {
  SegmentHeader header;
  for (std::size_t i = 0; i < 16; ++i) header.journal_id[i] = static_cast<std::uint8_t>(0xA0 + i);
  header.segment_id = segment_id;
  header.first_sequence = 1001;
  return header;
}

struct Frame {
  FrameHeader header;
  std::string topic;
  std::string payload;
};

std::vector<Frame> frames() {
  return {
      {{.sequence = 1001,
        .received_at = received_at,
        .time = received_at,
        .schema_id = schema_id,
        .kind = FrameKind::schema},
       "",
       R"({"name":"t","version":"1.0"})"},
      {{.sequence = 1001,
        .received_at = received_at,
        .time = 1'762'862'400'123'000'000,
        .schema_id = schema_id,
        .kind = FrameKind::message,
        .flags = 1 | frame_flag::retained | frame_flag::time_from_device |
                 frame_flag::sequence_gap | frame_flag::has_sequence},
       "sensors/17/t",
       R"({"v":23.5})"},
      {{.sequence = 1002,
        .received_at = -1,
        .time = -1,
        .schema_id = schema_id,
        .kind = FrameKind::message,
        .verdict = 2,
        .reason = 1},
       "ü",
       ""},
      {{.sequence = 1003,
        .received_at = received_at + 1,
        .time = received_at + 1,
        .kind = FrameKind::snapshot},
       "",
       "state"},
      {{.sequence = 1003,
        .received_at = received_at + 2,
        .time = received_at + 2,
        .reference = 1002,
        .kind = FrameKind::tombstone,
        .flags = frame_flag::has_reference},
       "",
       ""},
      {{.sequence = 1004, .kind = FrameKind::padding}, "", std::string(71, '\0')},
      {{.sequence = 1004,
        .received_at = received_at + 2,
        .time = received_at + 2,
        .kind = FrameKind::problems},
       "",
       R"([{"path":"/v"}])"},
      {{.sequence = 1004,
        .received_at = received_at + 3,
        .time = received_at + 3,
        .kind = FrameKind::tombstone},
       "",
       R"({"topics":["a/#"],"until":9})"},
  };
}

}  // namespace

TEST_CASE("a journal is written byte for byte as its format says") {
  Bytes written(segment_header_bytes);
  encode_segment_header(segment_header(), std::span(written).first<segment_header_bytes>());
  for (const Frame& frame : frames()) {
    std::array<std::uint8_t, 256> buffer{};
    const std::size_t size =
        encode_frame(frame.header, frame.topic, frame.payload, segment_id, written.size(), buffer);
    REQUIRE(size > 0);
    written.insert(written.end(), buffer.begin(), buffer.begin() + static_cast<long>(size));
  }
  CHECK(written == golden_bytes());
}

TEST_CASE("the golden journal reads back as what was written") {
  const Bytes bytes = golden_bytes();
  SegmentHeader header;
  REQUIRE(decode_segment_header(std::span(bytes).first<segment_header_bytes>(), header));
  CHECK(header.version == 1);
  CHECK(header.required_flags == 0);
  CHECK(header.cipher == 0);
  CHECK(header.journal_id == segment_header().journal_id);
  CHECK(header.segment_id == segment_id);
  CHECK(header.first_sequence == 1001);
  CHECK(header.key_id == 0);

  std::size_t offset = segment_header_bytes;
  for (const Frame& frame : frames()) {
    FrameView view;
    REQUIRE(decode_frame(std::span(bytes).subspan(offset), segment_id, offset, view) ==
            FrameStatus::ok);
    CHECK(view.header.sequence == frame.header.sequence);
    CHECK(view.header.received_at == frame.header.received_at);
    CHECK(view.header.time == frame.header.time);
    CHECK(view.header.schema_id == frame.header.schema_id);
    CHECK(view.header.reference == frame.header.reference);
    CHECK(view.header.kind == frame.header.kind);
    CHECK(view.header.verdict == frame.header.verdict);
    CHECK(view.header.flags == frame.header.flags);
    CHECK(view.header.reason == frame.header.reason);
    CHECK(view.topic == frame.topic);
    CHECK(view.payload == frame.payload);
    offset += view.bytes;
  }
  CHECK(offset == bytes.size());
}
