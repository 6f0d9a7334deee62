// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace telemetry::accounts {

/// Failures by address or by name, and how long the next attempt has to wait. Bounded: where there
/// is no room, whoever failed least often is forgotten.
class Throttle {
 public:
  explicit Throttle(std::size_t entries_max) noexcept : entries_max_(entries_max) {}

  /// Whole seconds, at least one, until an attempt is allowed; 0 = now.
  [[nodiscard]] std::uint32_t wait_s(const std::string& who, std::int64_t now) const;
  void fail(const std::string& who, std::int64_t now);
  void forget(const std::string& who) { entries_.erase(who); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::uint32_t failures = 0;
    std::int64_t last = 0, open = 0;  ///< of the last failure; when the next attempt is allowed
  };
  [[nodiscard]] static bool is_over(const Entry& entry, std::int64_t now) noexcept;
  void make_room(std::int64_t now);

  std::size_t entries_max_;
  std::unordered_map<std::string, Entry> entries_;
};

/// What of an address counts as one: an IPv4 address, also where it is written as IPv6; of other
/// IPv6 the first 64 bits, for a client has all the others to choose from.
[[nodiscard]] std::string guesser_of(std::string_view peer);

}  // namespace telemetry::accounts
