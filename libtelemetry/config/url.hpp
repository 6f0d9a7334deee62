// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "telemetry/config.hpp"

namespace telemetry::config {

/// Nothing when the text is not of that form: no host, a port that is none, a bad %-escape.
/// Source: RFC 3986 section 3.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

}  // namespace telemetry::config
