// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routes.hpp"

namespace telemetry::web {

/// The protocol of /ws: what a client says, and what it is sent.
/// @param here,live  outlive it; its place among Surroundings::web_sockets is taken, and given back
[[nodiscard]] std::unique_ptr<Conversation> make_conversation(const Surroundings& here,
                                                              LiveHub& live, Principal principal);

/// What a client asks for live, as a query would be: narrows the selection, and refuses names that
/// neither a schema in force nor what is stored has, and too many comparisons.
/// Errors: invalid_argument; permission_denied  nothing of it may be seen.
[[nodiscard]] Result<void> admit_live(const Surroundings& here, const Principal& principal,
                                      Selection& selection);
/// The place that a token of this journal stands for; nothing when it is none.
[[nodiscard]] std::optional<Position> place_of(const Surroundings& here, std::string_view token);
/// False when who has signed in may not any more. Looks every few seconds.
[[nodiscard]] bool is_still_admitted(const Surroundings& here, const Principal& principal,
                                     std::int64_t now, std::int64_t& looked_at);

}  // namespace telemetry::web
