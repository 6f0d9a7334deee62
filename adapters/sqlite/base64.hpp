// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

/// Payloads that are neither JSON nor text are stored as base64, so that the `messages` view can
/// show them as {"base64":...} with SQLite's own functions. Source: RFC 4648 section 4.
namespace telemetry::sqlite {

[[nodiscard]] std::string base64_of(std::string_view bytes);
/// The bytes; ends at the first character that is not of the alphabet.
[[nodiscard]] std::string bytes_of_base64(std::string_view text);

}  // namespace telemetry::sqlite
