// SPDX-License-Identifier: Apache-2.0
#include "sign_in.hpp"

#include <fmt/format.h>

#include "target.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

constexpr std::string_view cookie_name = "telemetry_session";

std::string_view session_cookie(const Request& request) {
  std::string_view rest = request.header("Cookie");
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(cookie_name) && one.substr(cookie_name.size()).starts_with('='))
      return one.substr(cookie_name.size() + 1);
  }
  return {};
}

bool is_read(const Request& request) { return request.method == "GET" || request.method == "HEAD"; }

/// "scheme rest", whatever the case of the scheme. @returns the rest.
std::optional<std::string_view> after_scheme(std::string_view value, std::string_view scheme) {
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ') return std::nullopt;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if ((value[i] | 0x20) != scheme[i]) return std::nullopt;
  }
  return value.substr(scheme.size() + 1);
}

std::string cookie(const Call& call, std::string_view token, std::int64_t seconds) {
  return fmt::format("{}={}; Path={}/; HttpOnly; SameSite=Strict; Max-Age={}{}", cookie_name, token,
                     call.here.options.base_path, seconds, call.request.secure ? "; Secure" : "");
}

std::string describe(const Principal& principal, std::string_view csrf_token) {
  std::string out = "{\"name\":";
  append_json_string(principal.name, out);
  out += fmt::format(",\"role\":\"{}\",\"scope\":", to_string(principal.role));
  if (principal.scope) {
    out += '[';
    for (const std::string& filter : *principal.scope) {
      if (out.back() != '[') out += ',';
      append_json_string(filter, out);
    }
    out += ']';
  } else {
    out += "null";
  }
  out += ",\"csrf_token\":";
  if (csrf_token.empty())
    out += "null";
  else
    append_json_string(csrf_token, out);
  return out + "}\n";
}

}  // namespace

Result<Principal> principal_of(Authenticator& authenticator, const Request& request) {
  if (const std::string_view key = request.header("X-API-Key"); !key.empty())
    return authenticator.key(key);
  if (const std::string_view value = request.header("Authorization"); !value.empty()) {
    if (const auto key = after_scheme(value, "bearer")) return authenticator.key(*key);
    return authenticator.basic(value, request.peer);
  }
  if (const std::string_view token = session_cookie(request); !token.empty()) {
    return is_read(request) ? authenticator.session(token)
                            : authenticator.session(token, request.header("X-CSRF-Token"));
  }
  return Error{Errc::unauthenticated,
               "sign in: with user and password (Basic), or with an API key (Bearer)"};
}

Response refuse_sign_in(const Request& request, const Error& error, const std::string& request_id) {
  Problem problem = problem_of(error);
  problem.request_id = request_id;
  if (error.code == Errc::resource_exhausted) problem.status = 429;
  if (error.retry_after_s > 0) problem.retry_after_s = error.retry_after_s;
  Response response = to_response(problem);
  if (problem.status == 401) {
    const bool by_page = !request.header("X-Requested-With").empty() ||
                         is_same_name(request.header("Upgrade"), "websocket");
    response.headers.emplace_back(
        "WWW-Authenticate",
        by_page ? "Bearer realm=\"telemetry\"" : "Basic realm=\"telemetry\", charset=\"UTF-8\"");
  }
  return response;
}

Answer sign_in(Call& call) {
  Authenticator* const authenticator = call.here.options.authenticator.get();
  if (authenticator == nullptr) {
    return problem_of({Errc::not_found,
                       "nobody signs in here: security.authentication.enabled is "
                       "false"});
  }
  const std::string_view type = call.request.header("Content-Type");
  if (!type.starts_with("application/json")) {
    return Problem{415, "unsupported_media_type", "send the name and password as application/json"};
  }
  Row body;
  body.raw = call.request.body;
  body.raw_kind = payload_kind(body.raw);
  std::string name_room, password_room;
  const core::Value name = value_of(body, "name", name_room);
  const core::Value password = value_of(body, "password", password_room);
  if (name.kind() != core::ValueKind::text || password.kind() != core::ValueKind::text) {
    return problem_of({Errc::invalid_argument, R"(send {"name": "...", "password": "..."})"});
  }
  auto session = authenticator->login(name.as_text(), password.as_text(), call.request.peer);
  if (!session) return refuse_sign_in(call.request, session.error(), {});
  Response response = json_answer(describe(session->principal, session->csrf_token));
  response.headers.emplace_back("Set-Cookie",
                                cookie(call, session->token, session->lifetime_ns / 1'000'000'000));
  return response;
}

Answer get_session(Call& call) {
  Authenticator* const authenticator = call.here.options.authenticator.get();
  const std::string_view token = session_cookie(call.request);
  return json_answer(describe(call.principal, authenticator != nullptr && !token.empty()
                                                  ? authenticator->csrf_token(token)
                                                  : std::string()));
}

Answer sign_out(Call& call) {
  if (Authenticator* const authenticator = call.here.options.authenticator.get())
    authenticator->logout(session_cookie(call.request));
  Response response;
  response.status = 204;
  response.headers.emplace_back("Set-Cookie", cookie(call, "", 0));
  return response;
}

}  // namespace telemetry::web
