// SPDX-License-Identifier: Apache-2.0
#include "telemetry/auth.hpp"

namespace telemetry {

std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::viewer:
      return "viewer";
    case Role::operator_:
      return "operator";
    case Role::admin:
      return "admin";
  }
  return "viewer";
}

std::optional<Role> parse_role(std::string_view text) noexcept {
  for (const Role role : {Role::viewer, Role::operator_, Role::admin}) {
    if (text == to_string(role)) return role;
  }
  return std::nullopt;
}

}  // namespace telemetry
