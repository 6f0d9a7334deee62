// SPDX-License-Identifier: Apache-2.0
// telemetry-edge: MQTT broker -> schema check -> journal -> SQLite, until it is told to stop.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "edge-logger/run.hpp"
#include "telemetry/error.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

constexpr const char* examples = R"(
Examples:
  telemetry-edge --config examples/config/edge.yaml
  telemetry-edge --config edge.yaml --broker mqtts://broker.example:8883 --stats-interval 10
  MQTT_BROKER=10.0.0.5 telemetry-edge --config edge.yaml --storage sqlite:/var/lib/t/data.db

Settings: command line before environment before file before default; `telemetry config reference`
lists every key. Stop with Ctrl-C or SIGTERM: what was acknowledged is stored, exit code 0.
SIGHUP reloads schemas, mqtt.topics and log levels; a mistake leaves everything as it was.
Exit codes: 0 stopped in order, 1 failed, 2 wrong usage or configuration.)";

void add_options(CLI::App& app, telemetry::EdgeArguments& a) {
  app.add_option("-c,--config", a.config, "Configuration file, YAML or JSON")
      ->envname("CONFIG_PATH");
  app.add_option("--broker", a.broker, "MQTT broker: host, or URL mqtt[s]://[user@]host[:port]");
  app.add_option("--port", a.port, "MQTT port")->check(CLI::Range(1, 65535));
  app.add_option("--storage", a.storage, "Store: sqlite, or sqlite:PATH of the database file");
  app.add_option("--schema", a.schema, "Schema folder or file");
  app.add_option("--stats-interval", a.stats_interval_s, "Print counters every so many seconds")
      ->check(CLI::Range(0.1, 86400.0));
  app.add_flag("--debug", a.debug, "Log everything");
  app.set_version_flag("--version", "telemetry-edge " TELEMETRY_VERSION);
  app.footer(examples);
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Memory goes back: large pieces (a snapshot, once a segment) are mapped, and what one thread
  // makes and another frees lies in one arena. Neither is made per message.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_ARENA_MAX, 1);
#endif
  CLI::App app("Stores telemetry from an MQTT broker; nothing that was acknowledged is ever lost.");
  telemetry::EdgeArguments arguments;
  add_options(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const auto ended = telemetry::run_edge(arguments);
  if (ended) return 0;
  fmt::print(stderr, "telemetry-edge: error: {}\n", telemetry::to_string(ended.error()));
  return telemetry::exit_code(ended.error().code);
}
