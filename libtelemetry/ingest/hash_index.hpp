// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace telemetry {

/// From a 64-bit hash to the number of an entry that lies elsewhere. Equal hashes are kept apart by
/// the caller's comparison, so a collision costs a probe and nothing else.
class HashIndex {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// The first entry with this hash for which `matches(entry)` holds, or `none`.
  template <class Matches>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, const Matches& matches) const {
    if (slots_.empty()) return none;
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.entry == none) return none;
      if (slot.hash == hash && matches(slot.entry)) return slot.entry;
    }
  }

  void insert(std::uint64_t hash, std::uint32_t entry) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    place({hash, entry});
    ++count_;
  }

  void erase(std::uint64_t hash, std::uint32_t entry) {
    std::size_t hole = hash & mask_;
    while (slots_[hole].entry != entry) hole = (hole + 1) & mask_;
    // Entries behind the hole move up unless that would put them before their own place.
    for (std::size_t i = (hole + 1) & mask_; slots_[i].entry != none; i = (i + 1) & mask_) {
      if (((i - slots_[i].hash) & mask_) >= ((i - hole) & mask_)) {
        slots_[hole] = slots_[i];
        hole = i;
      }
    }
    slots_[hole].entry = none;
    --count_;
  }

  void clear() noexcept {
    slots_.clear();
    mask_ = count_ = 0;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t entry = none;
  };

  void place(const Slot& slot) {
    std::size_t i = slot.hash & mask_;
    while (slots_[i].entry != none) i = (i + 1) & mask_;
    slots_[i] = slot;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.entry != none) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t count_ = 0;
};

}  // namespace telemetry
