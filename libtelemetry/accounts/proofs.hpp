// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace telemetry::accounts {

/// Something that was proved once and holds for a while: a session, or a password that is known.
struct Proof {
  std::string user;
  std::uint64_t epoch = 0;  ///< of the user then
  std::int64_t end = 0;     ///< not valid from then on, monotonic ns
  std::int64_t used = 0;
};

/// Proofs by a hash of what the client sends. Bounded: the one that is unused for longest goes.
class Proofs {
 public:
  /// @param idle_ns also ends when unused for so long.
  /// @param per_user_max of one user.
  Proofs(std::size_t max, std::size_t per_user_max, std::int64_t idle_ns) noexcept
      : max_(max), per_user_max_(per_user_max), idle_ns_(idle_ns) {}

  void add(std::string hash, Proof proof, std::int64_t now);
  /// Null when there is none that holds.
  [[nodiscard]] Proof* find(const std::string& hash, std::int64_t now);
  void remove(const std::string& hash) { proofs_.erase(hash); }
  [[nodiscard]] std::size_t size() const noexcept { return proofs_.size(); }

 private:
  [[nodiscard]] bool is_over(const Proof& proof, std::int64_t now) const noexcept {
    return now >= proof.end || now - proof.used >= idle_ns_;
  }
  /// Of this user, or of all where it is null.
  void make_room(const std::string* user, std::size_t max);

  std::size_t max_, per_user_max_;
  std::int64_t idle_ns_;
  std::unordered_map<std::string, Proof> proofs_;
};

}  // namespace telemetry::accounts
