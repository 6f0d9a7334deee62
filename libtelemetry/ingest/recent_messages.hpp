// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace telemetry {

/// Fingerprints of the newest messages in the order in which they were stored: one array of fixed
/// size for all keys together. A fingerprint is 64 bits over key, number and payload; two different
/// messages of those that are held have the same one about once in 10^15 messages.
class RecentMessages {
 public:
  explicit RecentMessages(std::size_t messages_max) : ring_(messages_max == 0 ? 1 : messages_max) {}

  void add(std::uint64_t fingerprint) noexcept {
    ring_[next_] = fingerprint;
    if (++next_ == ring_.size()) next_ = 0;
    if (held_ < ring_.size()) ++held_;
    ++unindexed_;
    ++added_;
  }
  /// Undoes the last add(). What fell out for it stays out.
  void take_back() noexcept {
    if (held_ == 0) return;
    next_ = (next_ == 0 ? ring_.size() : next_) - 1;
    --held_;
    --added_;
    if (unindexed_ > 0) --unindexed_;
  }
  [[nodiscard]] bool contains(std::uint64_t fingerprint);

  /// Counts add() and take_back().
  [[nodiscard]] std::uint64_t added() const noexcept { return added_; }
  /// True when all that was added before added() was `since` has fallen out.
  [[nodiscard]] bool all_younger(std::uint64_t since) const noexcept {
    return added_ >= since && added_ - since >= ring_.size();
  }

  [[nodiscard]] std::size_t messages_max() const noexcept { return ring_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return held_; }
  /// The fingerprint so many messages before the newest.
  [[nodiscard]] std::uint64_t before_newest(std::size_t age) const noexcept {
    return ring_[place_of(age)];
  }

 private:
  [[nodiscard]] std::size_t place_of(std::size_t age) const noexcept {
    return next_ > age ? next_ - 1 - age : next_ + ring_.size() - 1 - age;
  }
  void index();
  void insert(std::size_t place) noexcept;

  std::vector<std::uint64_t> ring_;
  std::size_t next_ = 0;
  std::size_t held_ = 0;
  std::uint64_t added_ = 0;

  // Most messages are the next of their numbering and never looked up: the index is made when it is
  // asked, of what came since. It may name places that bear another fingerprint by now.
  std::vector<std::uint32_t> slots_;  // place + 1; 0 = free
  std::size_t slots_used_ = 0;
  std::size_t unindexed_ = 0;  // the newest ones, not in the index yet
};

}  // namespace telemetry
