// SPDX-License-Identifier: Apache-2.0
#include "edge-logger/command_line.hpp"

namespace telemetry {

void add_options(command_line::Command& command, EdgeArguments& a) {
  command
      .option("-c,--config", a.config,
              "Configuration file, YAML or JSON (else CONFIG_PATH, else defaults)")
      .type("FILE");
  command.option("--broker", a.broker, "MQTT broker: host, or URL mqtt[s]://[user@]host[:port]")
      .type("BROKER");
  command.option("--port", a.port, "MQTT port").type("PORT").range(1, 65'535);
  command.option("--storage", a.storage, "Store: sqlite, filesystem, or with a path, sqlite:PATH")
      .type("STORE");
  command.option("--schema", a.schema, "Schema folder or file").type("PATH");
  command.option("--stats-interval", a.stats_interval_s, "Prints counters every so many seconds")
      .type("SECONDS")
      .range(0.1, 86'400);
  command.flag("--debug", a.debug, "Logs everything");
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
