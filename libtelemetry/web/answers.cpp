// SPDX-License-Identifier: Apache-2.0
#include "routes.hpp"

namespace telemetry::web {
namespace {

int status_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return 400;
    case Errc::unauthenticated:
      return 401;
    case Errc::permission_denied:
      return 403;
    case Errc::not_found:
      return 404;
    case Errc::already_exists:
      return 409;
    case Errc::resource_exhausted:
    case Errc::failed_precondition:
    case Errc::unavailable:
    case Errc::cancelled:
    case Errc::deadline_exceeded:
      return 503;
    case Errc::unimplemented:
      return 501;
    case Errc::data_loss:
    case Errc::internal:
      return 500;
  }
  return 500;
}

}  // namespace

Response json_answer(std::string body) {
  Response response;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

Problem problem_of(const Error& error, std::string_view parameter) {
  Problem problem{status_of(error.code), std::string(to_string(error.code)), error.context};
  if (problem.status == 503) problem.retry_after_s = 1;
  if (!parameter.empty()) problem.errors.push_back({std::string(parameter), error.context, {}});
  return problem;
}

}  // namespace telemetry::web
