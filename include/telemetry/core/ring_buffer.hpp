// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace telemetry::core {

enum class RingPolicy : std::uint8_t {
  reject,       ///< a record that does not fit is refused
  drop_oldest,  ///< the oldest records make room; only for one context (no concurrent consumer)
};

/// A ring of variable-length records in the caller's memory.
///
/// Thread: `reject`: one producer and one consumer (an interrupt and the main loop), only atomic
/// loads and stores, so it runs on Cortex-M0. `drop_oldest`: one context, or guarded by the caller.
/// Memory: the caller's storage; a record costs its bytes + 4, rounded up to 4.
class ByteRing {
 public:
  /// @param storage 64 bytes to 1 GiB, rounded down to a power of two; lives as long as the ring.
  ///        With less than 64 bytes every record is refused.
  explicit ByteRing(std::span<std::uint8_t> storage,
                    RingPolicy policy = RingPolicy::reject) noexcept;

  /// Appends one record made of up to three parts (header, topic and payload, say).
  /// @returns false when it does not fit; nothing changed then except the dropped counter.
  bool push(std::span<const std::uint8_t> head, std::span<const std::uint8_t> tail = {},
            std::span<const std::uint8_t> end = {}) noexcept;

  /// Copies the oldest record into `out` and removes it.
  /// @param out_size set to the record's bytes, also when `out` is too small.
  /// @returns false when empty or when `out` is too small; the record stays then.
  bool pop(std::span<std::uint8_t> out, std::size_t& out_size) noexcept;

  // Reading ahead: records stay until the consumer releases them, when a broker has acknowledged
  // them, say. A position is where a record begins, or the end; positions move forward only, and
  // one that was kept while 4 GiB went through the ring means nothing any more.

  /// Position of the oldest record.
  [[nodiscard]] std::uint32_t begin() const noexcept;
  /// True when reading and releasing can go on from `at`. False when drop_oldest has dropped the
  /// record, or it was popped or released: go on from begin().
  [[nodiscard]] bool holds(std::uint32_t at) const noexcept;
  /// Copies the record at `at` and moves `at` behind it; the record stays.
  /// @param out_size set to the record's bytes, also when `out` is too small; 0 when there is none.
  /// @returns false at the end, when `out` is too small, or when holds(at) is false; `at` stays
  /// then.
  bool read(std::uint32_t& at, std::span<std::uint8_t> out, std::size_t& out_size) const noexcept;
  /// Frees all records before `at`; does nothing when holds(at) is false.
  void release(std::uint32_t at) noexcept;

  [[nodiscard]] bool empty() const noexcept;
  [[nodiscard]] std::size_t bytes_used() const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return storage_.size(); }
  /// Records refused or dropped since construction.
  [[nodiscard]] std::uint32_t dropped() const noexcept;

 private:
  [[nodiscard]] std::uint32_t length_at(std::uint32_t at) const noexcept;
  void copy_in(std::uint32_t at, std::span<const std::uint8_t> bytes) noexcept;
  void copy_out(std::uint32_t at, std::span<std::uint8_t> bytes) const noexcept;

  std::span<std::uint8_t> storage_;
  RingPolicy policy_;
  std::atomic<std::uint32_t> head_{0};  // written by the producer
  std::atomic<std::uint32_t> tail_{0};  // written by the consumer
  std::atomic<std::uint32_t> dropped_{0};
};

}  // namespace telemetry::core
