// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "target.hpp"
#include "telemetry/export.hpp"
#include "telemetry/web.hpp"

namespace telemetry::web {
namespace {

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

bool is_same_name(std::string_view one, std::string_view other) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

std::string_view Request::header(std::string_view name) const noexcept {
  for (const Header& one : headers) {
    if (is_same_name(one.name, name)) return one.value;
  }
  return {};
}

Response to_response(const Problem& problem) {
  Response response;
  response.status = problem.status;
  response.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  if (problem.retry_after_s > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(problem.retry_after_s));
  }
  std::string& out = response.body;
  const auto member = [&out](std::string_view name, std::string_view text) {
    out += fmt::format("\"{}\":", name);
    append_json_string(text, out);
  };
  out = R"({"type":"about:blank",)";
  member("title", title_of(problem.status));
  out += fmt::format(",\"status\":{},", problem.status);
  member("detail", problem.detail);
  out += ',';
  member("code", problem.code);
  if (!problem.errors.empty()) {
    out += ",\"errors\":[";
    for (const Problem::Part& part : problem.errors) {
      if (out.back() != '[') out += ',';
      out += '{';
      member("parameter", part.parameter);
      out += ',';
      member("detail", part.detail);
      if (!part.hint.empty()) {
        out += ',';
        member("hint", part.hint);
      }
      out += '}';
    }
    out += ']';
  }
  if (!problem.request_id.empty()) {
    out += ',';
    member("request_id", problem.request_id);
  }
  out += "}\n";
  return response;
}

}  // namespace telemetry::web
