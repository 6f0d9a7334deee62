// SPDX-License-Identifier: Apache-2.0
// Lines that a client says over a WebSocket; one that begins with ! is a payload that a device
// sends meanwhile. Whatever it is, what comes back is whole JSON, and the conversation goes on or
// ends with a reason.
#include "gateway.hpp"

using namespace telemetry;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzzing::Gateway gateway;
  static const std::vector<web::Request::Header> headers{
      {"Host", "localhost:8080"},
      {"Connection", "Upgrade"},
      {"Upgrade", "websocket"},
      {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}};
  web::Request request;
  request.method = "GET";
  request.target = "/ws";
  request.headers = headers;
  request.peer = "127.0.0.1";
  const web::Response response = gateway.ask(request);
  TELEMETRY_FUZZ_CHECK(response.conversation);
  web::Conversation& conversation = *response.conversation;
  conversation.on_ready([] {});
  std::vector<std::string> out;
  std::string_view rest = as_text(data, size);
  for (bool said_all = false; !said_all;) {
    said_all = rest.empty();
    const std::string said(fuzzing::line_of(rest));
    const bool is_payload = said.starts_with('!');
    if (is_payload) gateway.publish("sensors/hall/temperature", said.substr(1));
    const auto more = conversation.next(is_payload || said_all ? nullptr : &said, out);
    TELEMETRY_FUZZ_CHECK(more);
    for (const std::string& text : out) TELEMETRY_FUZZ_CHECK(fuzzing::is_json(text));
    out.clear();
    if (*more == web::More::end) {
      TELEMETRY_FUZZ_CHECK(conversation.close_reason().first >= 1000);
      break;
    }
  }
  return 0;
}
