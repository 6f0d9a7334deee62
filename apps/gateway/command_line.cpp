// SPDX-License-Identifier: Apache-2.0
#include "gateway/command_line.hpp"

namespace telemetry {

void add_gateway_options(command_line::Command& command, GatewayArguments& a) {
  add_options(command, a);
  command.option("--web-host", a.web_host, "Address to serve HTTP on").type("HOST");
  command.option("--web-port", a.web_port, "Port to serve HTTP on; 0 = any that is free")
      .type("PORT");
  command.version("telemetry-gateway " TELEMETRY_VERSION);
  command.footer(
      "It does all that telemetry-edge does, and serves what is stored: a page at "
      "http://127.0.0.1:8080/, REST below /api, /metrics, /livez, /readyz. Settings: command line "
      "before environment before file before default; `telemetry config reference` lists every "
      "key. Stop with Ctrl-C or SIGTERM: what was acknowledged is stored, exit code 0. SIGHUP "
      "reloads as with telemetry-edge. Exit codes: 0 stopped in order, 1 failed, 2 wrong usage or "
      "configuration.");
  command.example("telemetry-gateway --config examples/config/edge.yaml");
  command.example(
      "telemetry-gateway --config edge.yaml --broker mqtts://broker.example:8883 \\\n"
      "      --web-port 8081");
}

ServiceOptions gateway_options(const GatewayArguments& a) {
  ServiceOptions options = service_options(a, "gateway");
  auto& overrides = options.sources.overrides;
  if (!a.web_host.empty()) overrides.emplace_back("web.host", a.web_host);
  if (!a.web_port.empty()) overrides.emplace_back("web.port", a.web_port);
  return options;
}

}  // namespace telemetry
