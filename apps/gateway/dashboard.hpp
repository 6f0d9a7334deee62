// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "telemetry/web.hpp"

namespace telemetry {

/// The dashboard, as it lies in the program. dashboard.cmake makes its source.
[[nodiscard]] std::span<const web::PageFile> dashboard_files();

}  // namespace telemetry
