// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dead_letter/handled.hpp"
#include "telemetry/dead_letter.hpp"

namespace telemetry {

/// read_letters() without those in `handled`, which may grow meanwhile.
[[nodiscard]] Result<void> visit_letters(const std::string& path, const Environment& environment,
                                         const LetterSelection& selection, const Handled& handled,
                                         const LetterVisitor& visit);

}  // namespace telemetry
