// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/checksum.hpp"

#include <random>
#include <string_view>
#include <vector>
#include "catch.hpp"

using telemetry::core::crc32c;

namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The definition: one bit at a time.
std::uint32_t crc32c_bitwise(std::span<const std::uint8_t> data, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  for (const std::uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
  }
  return ~crc;
}

}  // namespace

TEST_CASE("crc32c gives the check values of RFC 3720") {
  CHECK(crc32c(bytes("123456789")) == 0xE3069283u);
  CHECK(crc32c({}) == 0u);
  CHECK(crc32c(std::vector<std::uint8_t>(32, 0x00)) == 0x8A9136AAu);
  CHECK(crc32c(std::vector<std::uint8_t>(32, 0xFF)) == 0x62A8AB43u);
}

TEST_CASE("crc32c of parts chained by the seed equals crc32c of the whole") {
  CHECK(crc32c(bytes("6789"), crc32c(bytes("12345"))) == crc32c(bytes("123456789")));
  CHECK(crc32c({}, 0x12345678u) == 0x12345678u);
}

TEST_CASE("crc32c equals its bitwise definition for every length, alignment and seed") {
  std::mt19937 random(20'251'111);
  std::vector<std::uint8_t> data(600);
  for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random());
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t size = 0; size + start <= 300; ++size) {
      const auto part = std::span<const std::uint8_t>(data).subspan(start, size);
      const auto seed = static_cast<std::uint32_t>(random());
      REQUIRE(crc32c(part, seed) == crc32c_bitwise(part, seed));
    }
  }
  CHECK(crc32c(data, 1) == crc32c_bitwise(data, 1));
}
