// SPDX-License-Identifier: Apache-2.0
// A request as anyone may send it: method and target, headers, an empty line, the body. Whatever it
// is, the answer is one that is documented, its JSON is whole, and its stream comes to an end.
#include <algorithm>
#include <array>

#include "gateway.hpp"

using namespace telemetry;

namespace {

constexpr std::array documented{200, 204, 308, 400, 401, 403, 404, 405,
                                413, 415, 421, 422, 426, 429, 503};

void read_whole(web::BodyStream& stream) {
  std::string text;
  for (int pieces = 0; pieces < 100; ++pieces) {
    text.clear();
    const auto more = stream.next(text);
    TELEMETRY_FUZZ_CHECK(more);
    if (*more != web::More::more) return;  // `later` waits for messages, for ever
  }
  TELEMETRY_FUZZ_CHECK(false);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzzing::Gateway gateway;
  std::string_view rest = as_text(data, size);
  const std::string_view first = fuzzing::line_of(rest);
  const std::size_t space = std::min(first.find(' '), first.size());
  web::Request request;
  request.method = first.substr(0, space);
  request.target = first.substr(std::min(space + 1, first.size()));
  request.headers.push_back({"Host", "localhost:8080"});
  request.peer = "127.0.0.1";
  while (!rest.empty()) {
    const std::string_view line = fuzzing::line_of(rest);
    if (line.empty()) break;
    const std::size_t colon = line.find(": ");
    if (colon == line.npos) continue;
    request.headers.push_back({line.substr(0, colon), line.substr(colon + 2)});
  }
  request.body = rest;
  web::Response response = gateway.ask(request);
  if (response.conversation) {
    TELEMETRY_FUZZ_CHECK(response.status == 101);
    return 0;
  }
  TELEMETRY_FUZZ_CHECK(std::ranges::find(documented, response.status) != documented.end());
  for (const auto& [name, value] : response.headers) {
    TELEMETRY_FUZZ_CHECK(value.find_first_of("\r\n") == value.npos);
    const bool json = name == "Content-Type" && value.find("json") != value.npos;
    if (json && !response.stream) TELEMETRY_FUZZ_CHECK(fuzzing::is_json(response.body));
  }
  if (response.stream) read_whole(*response.stream);
  return 0;
}
