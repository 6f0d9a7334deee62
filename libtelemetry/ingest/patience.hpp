// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "telemetry/error.hpp"

namespace telemetry {

/// For one that has more than the journal takes at once, and no peer that would keep it meanwhile:
/// tries again, for a minute, while the journal is full and nobody wants a stop.
[[nodiscard]] Result<void> commit_patiently(const std::function<Result<void>()>& commit,
                                            const std::function<bool()>& stop);

}  // namespace telemetry
