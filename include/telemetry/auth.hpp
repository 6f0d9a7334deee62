// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace telemetry {

/// What one may do; each may also what those before it may.
enum class Role : std::uint8_t {
  viewer,     ///< read
  operator_,  ///< write data, replay, change schemas
  admin,      ///< delete; users, keys, configuration, audit
};

/// "viewer", "operator", "admin"
[[nodiscard]] std::string_view to_string(Role role) noexcept;
[[nodiscard]] std::optional<Role> parse_role(std::string_view text) noexcept;

/// Who asks.
struct Principal {
  std::string name;
  /// Topic filters that bound what it may see; nothing = all, also topics that begin with `$`.
  std::optional<std::vector<std::string>> scope;
  Role role = Role::viewer;
  /// What admitted it, for Authenticator::is_valid(); no secret. Empty: nothing that can end.
  std::string admission = {};

  static constexpr std::size_t scope_max = 1'000;
  /// Who runs a program on this machine with the rights to its files.
  [[nodiscard]] static Principal local() { return {"local", std::nullopt, Role::admin}; }
};

/// The one filter that matches the topics that both match; nothing when there are none. Both must
/// be valid and not shared.
[[nodiscard]] std::optional<std::string> intersect_filters(std::string_view a, std::string_view b);
/// True when every topic that `inner` matches is matched by `outer`.
[[nodiscard]] bool contains_filter(std::string_view outer, std::string_view inner);

}  // namespace telemetry
