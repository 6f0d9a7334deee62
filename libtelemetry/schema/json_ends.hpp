// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace telemetry::schemas {

/// Where the string, object or array ends that begins at `begin`: the offset behind it, by quotes
/// and brackets alone; npos: it does not end, or has more levels than JSON may have here.
[[nodiscard]] std::size_t json_end(std::string_view json, std::size_t begin) noexcept;

}  // namespace telemetry::schemas
