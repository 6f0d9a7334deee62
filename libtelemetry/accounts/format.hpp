// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "telemetry/accounts.hpp"

namespace telemetry::accounts {

/// The file's text.
[[nodiscard]] std::string render(const Accounts& accounts);
/// Errors: invalid_argument  each mistake with its place, and no secret.
[[nodiscard]] Result<Accounts> parse(std::string_view text, const std::string& file);

}  // namespace telemetry::accounts
