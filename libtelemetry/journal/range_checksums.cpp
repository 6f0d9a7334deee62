// SPDX-License-Identifier: Apache-2.0
// A checksum is the remainder of a polynomial over GF(2), with one bit for each power of x. So that
// of A and B together is the sum of B's own and of A's times x^(bits of B), and B's own is a sum of
// the other two: a subtraction is an addition there.
#include "journal/range_checksums.hpp"

#include <algorithm>
#include <span>

#include "core/little_endian.hpp"
#include "telemetry/core/checksum.hpp"

namespace telemetry::journal {
namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;  // CRC-32C; the highest bit is that of x^0
constexpr std::uint32_t x8 = 0x80000000u >> 8;

constexpr std::uint32_t product(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t sum = 0;
  for (; a != 0; a <<= 1) {
    if (a & 0x80000000u) sum ^= b;
    b = (b >> 1) ^ ((b & 1) ? polynomial : 0);
  }
  return sum;
}

/// [i]: x to the power of 8 * 2^i, which is what 2^i bytes more do to a checksum.
constexpr std::array<std::uint32_t, 64> powers = [] {
  std::array<std::uint32_t, 64> squares{};
  std::uint32_t power = x8;
  for (std::uint32_t& square : squares) {
    square = power;
    power = product(power, power);
  }
  return squares;
}();

/// What a checksum adds to that of `bytes` bytes more.
std::uint32_t moved(std::uint32_t checksum, std::uint64_t bytes) noexcept {
  for (std::size_t i = 0; bytes != 0; ++i, bytes >>= 1) {
    if (bytes & 1) checksum = product(powers[i], checksum);
  }
  return checksum;
}

}  // namespace

Result<bool> RangeChecksums::matches(std::uint64_t from, std::uint64_t end, std::uint32_t seed) {
  const auto last = place(end);
  const auto first = place(from);
  if (!first) return first.error();
  return last && last->word == (last->before ^ moved(first->before ^ seed, end - from));
}

Result<RangeChecksums::Place> RangeChecksums::place(std::uint64_t offset) {
  const std::uint64_t block = (offset - begin_) / block_bytes;
  while (before_.size() <= block) {
    (void)read(begin_ + (before_.size() - 1) * block_bytes, block_bytes);
    before_.push_back(core::crc32c(std::span(buffer_).first<block_bytes>(), before_.back()));
  }
  const auto within = static_cast<std::size_t>(offset - begin_ - block * block_bytes);
  if (auto done = read(offset - within, within + 4); !done) return done.error();
  return Place{core::crc32c(std::span(buffer_).first(within), before_[block]),
               core::load<std::uint32_t>(buffer_.data() + within)};
}

Result<void> RangeChecksums::read(std::uint64_t offset, std::size_t bytes) {
  const auto wanted = std::span(buffer_).first(bytes);
  std::fill(wanted.begin(), wanted.end(), std::uint8_t{0});
  auto done = files_.read(file_, offset, wanted);
  if (!done) return done.error();
  return {};
}

}  // namespace telemetry::journal
