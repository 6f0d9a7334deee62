// SPDX-License-Identifier: Apache-2.0
#include "accounts/throttle.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace telemetry::accounts {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::uint32_t free_failures = 5;
constexpr std::uint32_t wait_max_s = 60;
constexpr std::int64_t memory_ns = 900 * second_ns;

}  // namespace

bool Throttle::is_over(const Entry& entry, std::int64_t now) noexcept {
  return now - entry.last > memory_ns;
}

std::uint32_t Throttle::wait_s(const std::string& who, std::int64_t now) const {
  const auto found = entries_.find(who);
  if (found == entries_.end() || found->second.open <= now) return 0;
  return static_cast<std::uint32_t>((found->second.open - now + second_ns - 1) / second_ns);
}

void Throttle::fail(const std::string& who, std::int64_t now) {
  if (!entries_.contains(who) && entries_.size() >= entries_max_) make_room(now);
  Entry& entry = entries_[who];
  if (is_over(entry, now)) entry = {};
  entry.last = now;
  if (++entry.failures < free_failures) return;
  const std::uint32_t doublings = std::min<std::uint32_t>(entry.failures - free_failures, 16);
  entry.open = now + std::min(wait_max_s, 1U << doublings) * second_ns;
}

void Throttle::make_room(std::int64_t now) {
  std::erase_if(entries_, [now](const auto& entry) { return is_over(entry.second, now); });
  if (entries_.size() < entries_max_) return;
  entries_.erase(
      std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
        if (a.second.failures != b.second.failures) return a.second.failures < b.second.failures;
        return a.second.last < b.second.last;
      }));
}

std::string guesser_of(std::string_view peer) {
  constexpr std::size_t address_bytes_max = 64;
  const std::string text(peer.substr(0, std::min(peer.find('%'), address_bytes_max)));
  in6_addr address{};
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return text;
  const auto* bytes = reinterpret_cast<const char*>(address.s6_addr);
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return {bytes, 8};
  std::array<char, INET_ADDRSTRLEN> out{};
  return ::inet_ntop(AF_INET, bytes + 12, out.data(), out.size()) != nullptr ? out.data() : text;
}

}  // namespace telemetry::accounts
