// SPDX-License-Identifier: Apache-2.0
#include "ingest/numbering.hpp"

#include <algorithm>
#include <bit>

namespace telemetry {
namespace {

constexpr std::uint32_t capacity_min = 4;

std::int64_t minus(std::int64_t number, std::uint64_t distance) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(number) - distance);
}

}  // namespace

NumberRun& NumberRun::operator=(const NumberRun& other) {
  if (this == &other) return *this;
  last_ = other.last_;
  since_roll_ = other.since_roll_;
  kept_ = other.kept_;
  capacity_ = other.capacity_;
  late_ = other.late_;
  ring_.reset();
  if (other.ring_) {
    ring_ = std::make_unique_for_overwrite<std::uint64_t[]>(capacity_);
    std::copy_n(other.ring_.get(), capacity_, ring_.get());
  }
  return *this;
}

void NumberRun::resize(std::uint32_t numbers) {
  const std::uint32_t capacity = std::bit_ceil(std::max(numbers, capacity_min));
  if (capacity == capacity_) return;
  auto ring = std::make_unique<std::uint64_t[]>(capacity);
  for (std::uint32_t i = 0; i < kept_; ++i) {
    const std::int64_t number = minus(last_, i);
    ring[static_cast<std::uint64_t>(number) & (capacity - 1)] = hash(number);
  }
  ring_ = std::move(ring);
  capacity_ = capacity;
}

void NumberRun::begin(std::int64_t number, std::uint64_t hash_of, bool late) {
  kept_ = 0;
  resize(1);
  last_ = number;
  kept_ = 1;
  since_roll_ = 1;
  late_ = late;
  fill(number, hash_of);
}

void NumberRun::advance(std::int64_t number, std::uint64_t hash_of, std::uint32_t window) {
  const std::uint64_t distance = above(number);
  since_roll_ += distance;
  if (distance > window) {
    kept_ = 0;
    resize(1);
    last_ = number;
    kept_ = 1;
  } else {
    const std::uint32_t kept =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(window, kept_ + distance));
    if (kept > capacity_) resize(kept);
    for (std::uint64_t i = 1; i < distance; ++i) fill(minus(number, i), 0);
    last_ = number;
    kept_ = kept;
  }
  fill(number, hash_of);
}

NumberRun::Step NumberRun::before_step(std::uint32_t window) const noexcept {
  // The number that falls out at the bottom when the ring is full.
  const bool falls = kept_ == window;
  return {last_, falls ? hash(minus(last_, kept_ - 1)) : 0, kept_};
}

void NumberRun::undo_step(const Step& step) noexcept {
  last_ = step.last;
  --since_roll_;
  if (step.kept == kept_) {
    fill(minus(last_, kept_ - 1), step.overwritten);
  } else {
    kept_ = step.kept;
  }
}

void NumberRun::undo_step_after_roll(const Step& step) noexcept {
  if (!exists()) return;
  last_ = step.last;
  --kept_;
  since_roll_ = kept_;
}

bool NumberRun::roll(std::uint32_t kept_min) {
  const bool moved = since_roll_ != 0;
  const std::uint64_t keep = std::max<std::uint64_t>(since_roll_, kept_min);
  if (keep < kept_) shrink(static_cast<std::uint32_t>(keep));
  since_roll_ = 0;
  return moved;
}

void NumberRun::shrink(std::uint32_t kept_max) {
  kept_ = std::min(kept_, kept_max);
  resize(kept_);
}

void NumberRun::restore(std::int64_t last, std::uint32_t kept, bool late) {
  kept_ = 0;
  resize(kept);
  std::fill_n(ring_.get(), capacity_, 0);
  last_ = last;
  kept_ = kept;
  since_roll_ = 0;
  late_ = late;
}

}  // namespace telemetry
