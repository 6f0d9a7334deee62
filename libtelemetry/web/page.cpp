// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "routes.hpp"

namespace telemetry::web {
namespace {

/// Whether a client has this version already. Source: RFC 9110, 13.1.2, compared weakly.
bool has_version(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    std::string_view one = if_none_match.substr(0, if_none_match.find(','));
    if_none_match.remove_prefix(std::min(one.size() + 1, if_none_match.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
  }
  return false;
}

}  // namespace

Response asset(std::string_view type, std::string_view text) {
  Response response;
  response.headers = {{"Content-Type", std::string(type)}, {"Cache-Control", "no-cache"}};
  response.body = text;
  return response;
}

std::optional<Response> page_at(std::span<const PageFile> pages, std::string_view path,
                                const Request& request) {
  const auto file = std::ranges::find(pages, path, &PageFile::path);
  if (file == pages.end()) return std::nullopt;
  Response response;
  if (request.method != "GET" && request.method != "HEAD") {
    response = to_response({405, "method_not_allowed", "a page takes GET"});
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  response.headers = {
      {"Cache-Control", file->is_immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"ETag", "W/" + std::string(file->etag)}};
  if (has_version(request.header("If-None-Match"), file->etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", file->media_type);
  response.body = file->bytes;
  response.is_gzip = true;
  return response;
}

}  // namespace telemetry::web
