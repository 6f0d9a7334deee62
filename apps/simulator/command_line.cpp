// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include "process/command_line.hpp"
#include "telemetry/config.hpp"

namespace telemetry::simulator {
namespace {

constexpr std::uint32_t in_flight_spare = 1'000;

struct CommandLine {
  RunOptions run;
  std::string broker, ca_file;
  std::uint16_t port = 0;
  double duration_s = 0, heartbeat_interval_s = 30, drain_s = 10;
  bool quiet = false, debug = false;
};

constexpr double seconds_max = 1e9;

void add_connection(command_line::Command& command, CommandLine& line) {
  command.option("--broker", line.broker, "Host or URL (mqtt://HOST:PORT, mqtts://HOST:PORT)")
      .type("BROKER");
  command.option("--port", line.port, "MQTT port").type("PORT").range(1, 65'535);
  command
      .option("--ca-file", line.ca_file,
              "CA certificate (PEM) to check the broker by; turns TLS on")
      .type("FILE");
  command.option("--qos", line.run.qos, "0 or 1").type("QOS").range(0, 1).show_default();
  command.flag("--retained", line.run.retained, "Publish readings as retained messages");
  command.option("--in-flight", line.run.in_flight_max, "Messages under way at once")
      .type("N")
      .range(1, 60'000)
      .show_default();
}

void add_fleet(command_line::Command& command, FleetOptions& fleet) {
  constexpr auto count_max = devices_max / 4;
  const auto count = [&command](const char* name, std::uint32_t& value, const char* text) {
    command.option(name, value, text).type("N").range(0, count_max).show_default();
  };
  count("--devices", fleet.temperature_sensors, "Temperature sensors");
  count("--dc", fleet.power_meters_dc, "DC power meters");
  count("--ac", fleet.power_meters_ac, "AC power meters");
  count("--f2", fleet.f2_controllers,
        "F2 controllers: raw values as text with their unit, old and new field names");
  command
      .option("--device-id", fleet.id_prefix,
              "Names the meters PREFIX-dc-NNN and PREFIX-ac-NNN, the controllers PREFIX-f2-NNN")
      .check([](std::string_view text) -> std::string {
        if (text.find_first_of("/+#\"\\") == std::string_view::npos) return {};
        return "a name without / + # \" \\";
      })
      .type("PREFIX");
  command.option("--first", fleet.first_number, "First device number, to run several simulators")
      .type("N")
      .range(0, 900'000)
      .show_default();
}

void add_run(command_line::Command& command, CommandLine& line) {
  auto& fleet = line.run.fleet;
  command
      .option("--rate", line.run.rate_per_s, "Messages/s over all devices; 0 = as fast as possible")
      .type("N")
      .range(0, INFINITY)
      .show_default();
  command.option("--count", fleet.readings_max, "Stop after this many readings; 0 = never")
      .type("N")
      .show_default();
  const auto seconds = [&command](const char* name, double& value, const char* text) {
    command.option(name, value, text).type("SECONDS").range(0, seconds_max).show_default();
  };
  seconds("--duration", line.duration_s, "Stop after this time; 0 = never");
  seconds("--drain", line.drain_s, "How long to wait at the end for acknowledgements");
  seconds("--heartbeat-interval", line.heartbeat_interval_s, "Per device; 0 = none");
  command.option("--seed", fleet.seed, "Same seed, same values and faults (times differ)")
      .type("N");
  const auto fault = [&command](const char* name, double& rate, const char* text) {
    command.option(name, rate, text)
        .range(0, 100)
        .type("PERCENT")
        .group("Faults, in percent of readings");
  };
  fault("--bad-payloads", fleet.faults.bad_payloads, "A message that breaks the schema");
  fault("--duplicates", fleet.faults.duplicates, "The same bytes twice");
  fault("--gaps", fleet.faults.gaps, "1 to 10 sequence numbers are left out");
  fault("--resets", fleet.faults.resets, "Sequence numbers begin again at 0");
  fault("--wrong-clocks", fleet.faults.wrong_clocks, "A timestamp in 1970 or 30 days ahead");
  fault("--bursts", fleet.faults.bursts, "50 readings of one device at once");
  command
      .option("--acked-log", line.run.acked_log,
              "Write topic, sequence and kind of each acknowledged message (tab-separated)")
      .type("FILE");
  command.flag("--json", line.run.json, "Print the summary as one JSON object");
  command.flag("--quiet", line.quiet, "No status line per second");
  command.flag("--debug", line.debug, "Log what the MQTT connection does");
}

void add_texts(command_line::Command& command) {
  command.version("telemetry-sim " TELEMETRY_VERSION);
  command.footer(
      "Without options it is 13 devices and 100 messages/s, until Ctrl-C.\n"
      "Topics: sensors/sensor-NNN/temperature, iot/dc/DEVICE/telemetry, "
      "iot/ac/DEVICE/telemetry, f2/DEVICE/raw, and heartbeats on iot/DEVICE/status.\n"
      "Environment: "
      "MQTT_BROKER, MQTT_USERNAME, MQTT_PASSWORD, TELEMETRY_MQTT__KEY for mqtt.KEY.\n"
      "Exit code: 0 all acknowledged; 1 some were not, or a second Ctrl-C; 2 wrong usage.");
  command.example("telemetry-sim");
  command.example("telemetry-sim --broker mqtts://gateway:8883");
  command.example("telemetry-sim --rate 0 --devices 900 --count 1000000");
  command.example("telemetry-sim --bad-payloads 2 --duplicates 1 --gaps 0.5 --resets 0.1");
  command.example("telemetry-sim --count 10000 --acked-log acked.tsv --json");
}

Result<MqttOptions> connection(const CommandLine& line) {
  Config::Sources sources;
  sources.app = "sim";
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) sources.overrides.emplace_back(key, value);
  };
  set("mqtt.broker", line.broker);
  set("mqtt.port", line.port == 0 ? "" : std::to_string(line.port));
  set("mqtt.tls.ca_file", line.ca_file);
  set("mqtt.tls.enabled", line.ca_file.empty() ? "" : "true");
  // The other sections' variables are for other programs of this environment.
  sources.environment_names = [] {
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      if (text.starts_with("TELEMETRY_MQTT__")) names.emplace_back(text.substr(0, text.find('=')));
    }
    return names;
  };
  const std::array<OptionTable, 2> tables{base_options(), mqtt_options()};
  std::vector<Diagnostic> diagnostics;
  const auto config = Config::load(sources, tables, diagnostics);
  for (const auto& diagnostic : diagnostics)
    std::fprintf(stderr, "%s\n", to_string(diagnostic).c_str());
  if (!config) return config.error();
  auto options = mqtt_options_from(*config, "sim", MqttUse::publish);
  if (!options) return options.error();
  auto& mqtt = options->front();
  mqtt.persistent_session = false;
  // Its places come free in order, ours one by one: with some more it never holds us up.
  mqtt.in_flight_max = static_cast<std::uint16_t>(line.run.in_flight_max + in_flight_spare);
  mqtt.publish_wait_ns = 100'000'000;  // so that a signal is heard
  return mqtt;
}

}  // namespace

std::optional<int> parse_command_line(int argc, char** argv, RunOptions& options, LogLevel& level) {
  command_line::Command command(
      "telemetry-sim",
      "Publishes what a fleet of devices would publish: temperature sensors, DC and AC power "
      "meters, F2 controllers, heartbeats, and on demand the faults that real devices have.");
  CommandLine line;
  auto& fleet = line.run.fleet;
  fleet.seed = std::random_device{}();
  add_connection(command, line);
  add_fleet(command, fleet);
  add_run(command, line);
  add_texts(command);
  bool begins = false;
  command.action([&begins] {
    begins = true;
    return 0;
  });
  if (const int code = command.run(argc, argv); !begins) return code;
  if (fleet.temperature_sensors + fleet.power_meters_dc + fleet.power_meters_ac +
          fleet.f2_controllers ==
      0) {
    std::fprintf(stderr,
                 "telemetry-sim: no devices: give --devices, --dc, --ac or --f2 more than 0\n");
    return 2;
  }
  fleet.heartbeat_interval_ns = static_cast<std::int64_t>(line.heartbeat_interval_s * 1e9);
  line.run.duration_ns = static_cast<std::int64_t>(line.duration_s * 1e9);
  line.run.drain_ns = static_cast<std::int64_t>(line.drain_s * 1e9);
  line.run.status_lines = !line.quiet;
  auto mqtt = connection(line);
  if (!mqtt) {
    std::fprintf(stderr, "telemetry-sim: %s\n", describe(mqtt.error()).c_str());
    return exit_code(mqtt.error().code);
  }
  line.run.mqtt = std::move(*mqtt);
  level = line.debug ? LogLevel::debug : LogLevel::warn;
  options = std::move(line.run);
  return std::nullopt;
}

}  // namespace telemetry::simulator
