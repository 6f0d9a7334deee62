// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "routes.hpp"
#include "telemetry/accounts.hpp"

namespace telemetry::web {

/// Who sends a request, by what it carries: Basic, an API key (Bearer or X-API-Key), or the cookie
/// of a session, which for all but reads needs the session's token in X-CSRF-Token too.
/// Errors: those of the Authenticator; unauthenticated  it carries nothing.
[[nodiscard]] Result<Principal> principal_of(Authenticator& authenticator, const Request& request);
/// 401 with the challenge, or 429 while attempts have to wait. A page that names itself in
/// X-Requested-With is not challenged with Basic, for which a browser opens a window of its own.
[[nodiscard]] Response refuse_sign_in(const Request& request, const Error& error,
                                      const std::string& request_id);

}  // namespace telemetry::web
