// SPDX-License-Identifier: Apache-2.0
// Any bytes as a journal frame: what decodes encodes to the same bytes, nothing reads outside.
#include <algorithm>
#include <memory>
#include <vector>

#include "fuzz.hpp"
#include "telemetry/core/checksum.hpp"
#include "telemetry/core/journal_format.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = telemetry::core;
  constexpr std::uint64_t segment = 7, offset = 64;
  constexpr std::size_t reserved_at = 47;
  const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[size]);
  std::copy(data, data + size, copy.get());
  if (size > reserved_at) copy[reserved_at] = 0;  // written 0, ignored when read
  core::FrameView frame;
  // The fuzzer cannot guess checksums: judge the bytes as they are, then with the checksum mended.
  for (int mended = 0; mended < 2; ++mended) {
    const auto status = core::decode_frame({copy.get(), size}, segment, offset, frame);
    if (status == core::FrameStatus::ok) {
      TELEMETRY_FUZZ_CHECK(frame.bytes <= size);
      std::vector<std::uint8_t> again(frame.bytes);
      TELEMETRY_FUZZ_CHECK(core::encode_frame(frame.header, frame.topic, frame.payload, segment,
                                              offset, again) == frame.bytes);
      TELEMETRY_FUZZ_CHECK(std::equal(again.begin(), again.end(), copy.get()));
      return 0;
    }
    if (size < core::frame_header_bytes + 4) return 0;
    std::uint32_t bytes = 0;
    for (std::size_t i = 0; i < 4; ++i) bytes |= std::uint32_t{copy[4 + i]} << (8 * i);
    if (bytes < core::frame_header_bytes + 4 || bytes > size) return 0;
    std::uint8_t seed[16];
    for (std::size_t i = 0; i < 8; ++i) {
      seed[i] = static_cast<std::uint8_t>(segment >> (8 * i));
      seed[8 + i] = static_cast<std::uint8_t>(offset >> (8 * i));
    }
    const auto sum = core::crc32c({copy.get(), bytes - 4}, core::crc32c(seed));
    for (std::size_t i = 0; i < 4; ++i)
      copy[bytes - 4 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
  }
  return 0;
}
