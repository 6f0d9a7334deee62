// SPDX-License-Identifier: Apache-2.0
#include "accounts/proofs.hpp"

#include <utility>

namespace telemetry::accounts {

void Proofs::add(std::string hash, Proof proof, std::int64_t now) {
  std::erase_if(proofs_, [&](const auto& entry) { return is_over(entry.second, now); });
  proofs_.erase(hash);
  make_room(&proof.user, per_user_max_);
  make_room(nullptr, max_);
  proof.used = now;
  proofs_.insert_or_assign(std::move(hash), std::move(proof));
}

Proof* Proofs::find(const std::string& hash, std::int64_t now) {
  const auto found = proofs_.find(hash);
  if (found == proofs_.end()) return nullptr;
  if (!is_over(found->second, now)) return &found->second;
  proofs_.erase(found);
  return nullptr;
}

void Proofs::make_room(const std::string* user, std::size_t max) {
  std::size_t count = 0;
  auto oldest = proofs_.end();
  for (auto one = proofs_.begin(); one != proofs_.end(); ++one) {
    if (user != nullptr && one->second.user != *user) continue;
    ++count;
    if (oldest == proofs_.end() || one->second.used < oldest->second.used) oldest = one;
  }
  if (count >= max && oldest != proofs_.end()) proofs_.erase(oldest);
}

}  // namespace telemetry::accounts
