// SPDX-License-Identifier: Apache-2.0
#include "ingest/recent_messages.hpp"

#include <algorithm>
#include <bit>

namespace telemetry {

void RecentMessages::insert(std::size_t place) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = ring_[place] & mask;
  while (slots_[slot] != 0) slot = (slot + 1) & mask;
  slots_[slot] = static_cast<std::uint32_t>(place) + 1;
  ++slots_used_;
}

void RecentMessages::index() {
  std::size_t missing = std::min(unindexed_, held_);
  // A quarter of the slots stays free. Made anew when it would not, at most once in so many
  // messages as half of the ring holds.
  if (slots_used_ + missing > slots_.size() / 4 * 3) {
    slots_.assign(std::bit_ceil(2 * std::max<std::size_t>(ring_.size(), 8)), 0);
    slots_used_ = 0;
    missing = held_;
  }
  while (missing > 0) insert(place_of(--missing));
  unindexed_ = 0;
}

bool RecentMessages::contains(std::uint64_t fingerprint) {
  if (held_ == 0) return false;
  if (unindexed_ > 0) index();
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = fingerprint & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const std::size_t place = slots_[slot] - 1;
    if (ring_[place] != fingerprint) continue;
    const std::size_t age = (next_ + ring_.size() - 1 - place) % ring_.size();
    if (age < held_) return true;
  }
  return false;
}

}  // namespace telemetry
