// SPDX-License-Identifier: Apache-2.0
// Head and tail are counters of bytes that never wrap at the capacity, only at 2^32; their
// difference is what is used. A record is a 4-byte length and its bytes, padded to 4, so that the
// length never straddles the end of the storage. The producer publishes a record with one release
// store of head, the consumer frees it with one release store of tail: no read-modify-write, which
// a Cortex-M0 does not have.
#include "telemetry/core/ring_buffer.hpp"

#include <bit>

namespace telemetry::core {
namespace {

constexpr std::size_t capacity_min = 64;
constexpr std::size_t capacity_max = std::size_t{1} << 30;
constexpr std::size_t length_bytes = 4;

std::size_t usable(std::size_t bytes) noexcept {
  if (bytes < capacity_min) return 0;
  return std::bit_floor(bytes < capacity_max ? bytes : capacity_max);
}

std::uint32_t record_bytes(std::uint32_t length) noexcept {
  return static_cast<std::uint32_t>(length_bytes) + ((length + 3u) & ~3u);
}

}  // namespace

ByteRing::ByteRing(std::span<std::uint8_t> storage, RingPolicy policy) noexcept
    : storage_(storage.data(), usable(storage.size())), policy_(policy) {}

bool ByteRing::push(std::span<const std::uint8_t> head, std::span<const std::uint8_t> tail,
                    std::span<const std::uint8_t> end) noexcept {
  const auto refuse = [this] {
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return false;
  };
  if (head.size() > capacity() || tail.size() > capacity() || end.size() > capacity()) {
    return refuse();
  }
  const auto length = static_cast<std::uint32_t>(head.size() + tail.size() + end.size());
  const std::uint32_t needed = record_bytes(length);
  if (needed > capacity()) return refuse();

  const std::uint32_t at = head_.load(std::memory_order_relaxed);
  std::uint32_t oldest = tail_.load(std::memory_order_acquire);
  while (capacity() - (at - oldest) < needed) {
    if (policy_ == RingPolicy::reject) return refuse();
    oldest += record_bytes(length_at(oldest));
    tail_.store(oldest, std::memory_order_relaxed);
    refuse();
  }
  std::uint8_t prefix[length_bytes];
  std::memcpy(prefix, &length, length_bytes);
  copy_in(at, prefix);
  copy_in(at + static_cast<std::uint32_t>(length_bytes), head);
  copy_in(at + static_cast<std::uint32_t>(length_bytes + head.size()), tail);
  copy_in(at + static_cast<std::uint32_t>(length_bytes + head.size() + tail.size()), end);
  head_.store(at + needed, std::memory_order_release);
  return true;
}

bool ByteRing::pop(std::span<std::uint8_t> out, std::size_t& out_size) noexcept {
  std::uint32_t at = begin();
  if (!read(at, out, out_size)) return false;
  release(at);
  return true;
}

std::uint32_t ByteRing::begin() const noexcept { return tail_.load(std::memory_order_relaxed); }

bool ByteRing::holds(std::uint32_t at) const noexcept { return at - begin() <= bytes_used(); }

bool ByteRing::read(std::uint32_t& at, std::span<std::uint8_t> out,
                    std::size_t& out_size) const noexcept {
  out_size = 0;
  if (!holds(at)) return false;
  const std::uint32_t readable = head_.load(std::memory_order_acquire) - at;
  if (readable < length_bytes) return false;
  const std::uint32_t length = length_at(at);
  // Always true of a position that we gave; another one must not read beyond the records.
  if (length > readable - length_bytes) return false;
  out_size = length;
  if (out.size() < length) return false;
  copy_out(at + static_cast<std::uint32_t>(length_bytes), out.first(length));
  at += record_bytes(length);
  return true;
}

void ByteRing::release(std::uint32_t at) noexcept {
  if (holds(at)) tail_.store(at, std::memory_order_release);
}

bool ByteRing::empty() const noexcept { return bytes_used() == 0; }

std::size_t ByteRing::bytes_used() const noexcept {
  // The tail first: a record popped in between can then only make the answer larger, never
  // negative.
  const std::uint32_t tail = tail_.load(std::memory_order_acquire);
  return head_.load(std::memory_order_acquire) - tail;
}

std::uint32_t ByteRing::dropped() const noexcept {
  return dropped_.load(std::memory_order_relaxed);
}

std::uint32_t ByteRing::length_at(std::uint32_t at) const noexcept {
  std::uint8_t prefix[length_bytes];
  copy_out(at, prefix);
  std::uint32_t length = 0;
  std::memcpy(&length, prefix, length_bytes);
  return length;
}

void ByteRing::copy_in(std::uint32_t at, std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.empty()) return;
  const std::size_t start = at & (capacity() - 1);
  const std::size_t room = capacity() - start;
  const std::size_t first = bytes.size() < room ? bytes.size() : room;
  std::memcpy(storage_.data() + start, bytes.data(), first);
  if (first < bytes.size())
    std::memcpy(storage_.data(), bytes.data() + first, bytes.size() - first);
}

void ByteRing::copy_out(std::uint32_t at, std::span<std::uint8_t> bytes) const noexcept {
  if (bytes.empty()) return;
  const std::size_t start = at & (capacity() - 1);
  const std::size_t room = capacity() - start;
  const std::size_t first = bytes.size() < room ? bytes.size() : room;
  std::memcpy(bytes.data(), storage_.data() + start, first);
  if (first < bytes.size())
    std::memcpy(bytes.data() + first, storage_.data(), bytes.size() - first);
}

}  // namespace telemetry::core
