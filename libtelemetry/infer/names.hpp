// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What names suggest, and how texts and numbers are written in a draft.
namespace telemetry::infer {

inline constexpr std::size_t no_rank = SIZE_MAX;
/// Place in the list of usual names of a device's clock, the likeliest first; no_rank: none of
/// them.
[[nodiscard]] std::size_t time_rank(std::string_view name);
/// The same of a message number.
[[nodiscard]] std::size_t sequence_rank(std::string_view name);
/// Also "created_at" and the like.
[[nodiscard]] bool sounds_like_time(std::string_view name);
/// May be empty.
[[nodiscard]] std::string_view suggested_unit(std::string_view name);

[[nodiscard]] std::string lower(std::string_view text);
/// "9,812"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// A YAML text in double quotes, which may also stand in a comment.
[[nodiscard]] std::string yaml_quoted(std::string_view text);
/// The same, without quotes where YAML needs none.
[[nodiscard]] std::string yaml_text(std::string_view text);
/// A JSON number with two digits, not below the number, or not above it.
[[nodiscard]] std::string bound(double number, bool up);

}  // namespace telemetry::infer
