// SPDX-License-Identifier: Apache-2.0
// telemetry-edge: MQTT broker -> schema check -> journal -> stores, until it is told to stop.
#include "edge-logger/command_line.hpp"

int main(int argc, char** argv) {
  telemetry::keep_memory_small();
  telemetry::ServiceArguments arguments;
  telemetry::command_line::Command command(
      "telemetry-edge",
      "Stores telemetry from an MQTT broker; nothing that was acknowledged is ever lost.");
  telemetry::add_edge_options(command, arguments);
  command.action([&] {
    return telemetry::run_to_exit_code("telemetry-edge",
                                       telemetry::service_options(arguments, "edge"));
  });
  return command.run(argc, argv);
}
