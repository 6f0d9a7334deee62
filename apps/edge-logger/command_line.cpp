// SPDX-License-Identifier: Apache-2.0
#include "edge-logger/command_line.hpp"

namespace telemetry {

void add_edge_options(command_line::Command& command, ServiceArguments& arguments) {
  add_options(command, arguments);
  command.version("telemetry-edge " TELEMETRY_VERSION);
  command.footer(
      "Settings: command line before environment before file before default; `telemetry "
      "config reference` lists every key. Stop with Ctrl-C or SIGTERM: what was "
      "acknowledged is stored, exit code 0. SIGHUP reloads schemas, mqtt.topics and log "
      "levels; a mistake leaves everything as it was. Exit codes: 0 stopped in order, "
      "1 failed, 2 wrong usage or configuration.");
  command.example("telemetry-edge --config examples/config/edge.yaml");
  command.example(
      "telemetry-edge --config edge.yaml --broker mqtts://broker.example:8883 \\\n"
      "      --stats-interval 10");
  command.example(
      "MQTT_BROKER=10.0.0.5 telemetry-edge --config edge.yaml \\\n"
      "      --storage sqlite:/var/lib/t/data.db");
}

}  // namespace telemetry
