// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace telemetry::web {

/// The path and the query of a request, decoded.
struct Target {
  std::string path;                                             ///< "/api/data"
  std::vector<std::pair<std::string, std::string>> parameters;  ///< in their order
};
/// Nothing where it is none: not "/...", a wrong or cut %XX, more than 200 parameters, a NUL byte.
/// In values a plus is a plus where `keeps_plus` says so of their name, else a space.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target,
                                                 bool (*keeps_plus)(std::string_view name));

/// Of headers and their keywords: ASCII, whatever the case.
[[nodiscard]] bool is_same_name(std::string_view one, std::string_view other) noexcept;

}  // namespace telemetry::web
