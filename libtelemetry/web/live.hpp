// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "routes.hpp"

namespace telemetry::web {

/// The protocol of /ws: what a client says, and what it is sent.
/// @param here,live  outlive it; its place among Surroundings::web_sockets is taken, and given back
[[nodiscard]] std::unique_ptr<Conversation> make_conversation(const Surroundings& here,
                                                              LiveHub& live, Principal principal);

}  // namespace telemetry::web
