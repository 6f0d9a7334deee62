// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace telemetry {

/// Who asks.
struct Principal {
  std::string name;
  /// Topic filters that bound what it may see; nothing = all, also topics that begin with `$`.
  std::optional<std::vector<std::string>> scope;

  static constexpr std::size_t scope_max = 1'000;
  /// Who runs a program on this machine with the rights to its files.
  [[nodiscard]] static Principal local() { return {"local", std::nullopt}; }
};

/// The one filter that matches the topics that both match; nothing when there are none. Both must
/// be valid and not shared.
[[nodiscard]] std::optional<std::string> intersect_filters(std::string_view a, std::string_view b);
/// True when every topic that `inner` matches is matched by `outer`.
[[nodiscard]] bool contains_filter(std::string_view outer, std::string_view inner);

}  // namespace telemetry
