// SPDX-License-Identifier: Apache-2.0
// telemetry-gateway: all that telemetry-edge does, and HTTP over what is stored.
#include "gateway/command_line.hpp"
#include "gateway/front_end.hpp"

int main(int argc, char** argv) {
  telemetry::keep_memory_small();
  telemetry::GatewayArguments arguments;
  telemetry::command_line::Command command(
      "telemetry-gateway",
      "Stores telemetry from an MQTT broker, and serves it: page, REST, metrics.");
  telemetry::add_gateway_options(command, arguments);
  command.action([&] {
    telemetry::ServiceOptions options = telemetry::gateway_options(arguments);
    const auto live = std::make_shared<telemetry::LiveHub>();
    const auto activity = std::make_shared<telemetry::Activity>();
    options.sinks = {live, activity};
    options.front_end = [live, activity](const auto& config, auto& pipeline,
                                         const auto& environment) {
      return telemetry::serve_http(config, pipeline, environment, live, activity);
    };
    return telemetry::run_to_exit_code("telemetry-gateway", options);
  });
  return command.run(argc, argv);
}
