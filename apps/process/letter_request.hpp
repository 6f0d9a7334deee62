// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "telemetry/dead_letter.hpp"

/// A selection of dead letters on its way through the control socket (docs/control.md).
namespace telemetry {

[[nodiscard]] std::string to_json(const LetterSelection& selection);
/// Errors: invalid_argument.
[[nodiscard]] Result<LetterSelection> selection_from(std::string_view json);

/// "12" or "12-20". Errors: invalid_argument.
[[nodiscard]] Result<std::pair<std::uint64_t, std::uint64_t>> parse_ids(std::string_view text);

}  // namespace telemetry
