// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include "telemetry/config.hpp"

namespace telemetry::simulator {
namespace {

constexpr const char* description =
    "Publishes what a fleet of devices would publish: temperature sensors, DC and AC power "
    "meters,\n"
    "F2 controllers, heartbeats, and on demand the faults that real devices have.";

constexpr const char* examples =
    "Topics:\n"
    "  sensors/sensor-NNN/temperature  iot/dc/DEVICE/telemetry  iot/ac/DEVICE/telemetry\n"
    "  f2/DEVICE/raw                   iot/DEVICE/status (heartbeats)\n\n"
    "Examples:\n"
    "  telemetry-sim                                   13 devices, 100 messages/s, until Ctrl-C\n"
    "  telemetry-sim --broker mqtts://gateway:8883     another broker, with TLS\n"
    "  telemetry-sim --rate 0 --devices 900 --count 1000000\n"
    "                                                  a million readings as fast as possible\n"
    "  telemetry-sim --bad-payloads 2 --duplicates 1 --gaps 0.5 --resets 0.1\n"
    "                                                  a fleet with faults, in percent of "
    "readings\n"
    "  telemetry-sim --count 10000 --acked-log acked.tsv --json\n"
    "                                                  for tests: what the broker acknowledged\n\n"
    "Environment: MQTT_BROKER, MQTT_USERNAME, MQTT_PASSWORD, TELEMETRY_MQTT__KEY for mqtt.KEY.\n"
    "Exit code: 0 all acknowledged; 1 some were not, or a second Ctrl-C; 2 wrong usage.";

constexpr std::uint32_t in_flight_spare = 1'000;

struct CommandLine {
  RunOptions run;
  std::string broker, ca_file;
  std::uint16_t port = 0;
  double duration_s = 0, heartbeat_interval_s = 30, drain_s = 10;
  bool quiet = false, debug = false;
};

void add_options(CLI::App& app, CommandLine& line) {
  auto& fleet = line.run.fleet;
  app.add_option("--broker", line.broker, "Host or URL (mqtt://HOST:PORT, mqtts://HOST:PORT)");
  app.add_option("--port", line.port, "MQTT port")->check(CLI::Range(1, 65535));
  app.add_option("--ca-file", line.ca_file,
                 "CA certificate (PEM) to check the broker by; turns TLS on");
  app.add_option("--qos", line.run.qos, "0 or 1")->check(CLI::Range(0, 1))->capture_default_str();
  app.add_flag("--retained", line.run.retained, "Publish readings as retained messages");
  app.add_option("--in-flight", line.run.in_flight_max, "Messages under way at once")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  constexpr auto count_max = devices_max / 4;
  app.add_option("--devices", fleet.temperature_sensors, "Temperature sensors")
      ->check(CLI::Range(0u, count_max))
      ->capture_default_str();
  app.add_option("--dc", fleet.power_meters_dc, "DC power meters")
      ->check(CLI::Range(0u, count_max))
      ->capture_default_str();
  app.add_option("--ac", fleet.power_meters_ac, "AC power meters")
      ->check(CLI::Range(0u, count_max))
      ->capture_default_str();
  app.add_option("--f2", fleet.f2_controllers,
                 "F2 controllers: raw values as text with their unit, old and new field names")
      ->check(CLI::Range(0u, count_max))
      ->capture_default_str();
  app.add_option("--device-id", fleet.id_prefix,
                 "Names the meters PREFIX-dc-NNN and PREFIX-ac-NNN, the controllers PREFIX-f2-NNN")
      ->check([](const std::string& text) {
        return text.find_first_of("/+#\"\\") == std::string::npos ? ""
                                                                  : "may not contain / + # \" \\";
      })
      ->type_name("PREFIX");
  app.add_option("--first", fleet.first_number, "First device number, to run several simulators")
      ->check(CLI::Range(0u, 900'000u))
      ->capture_default_str();
  app.add_option("--rate", line.run.rate_per_s,
                 "Messages/s over all devices; 0 = as fast as possible")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--count", fleet.readings_max, "Stop after this many readings; 0 = never")
      ->capture_default_str();
  app.add_option("--duration", line.duration_s, "Stop after this many seconds; 0 = never")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--drain", line.drain_s, "Seconds to wait at the end for acknowledgements")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--heartbeat-interval", line.heartbeat_interval_s, "Seconds per device; 0 = none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seed", fleet.seed, "Same seed, same values and faults (times differ)");
  const auto fault = [&app](const char* name, double& rate, const char* text) {
    app.add_option(name, rate, text)
        ->check(CLI::Range(0.0, 100.0))
        ->type_name("PERCENT")
        ->group("Faults, in percent of readings");
  };
  fault("--bad-payloads", fleet.faults.bad_payloads, "A message that breaks the schema");
  fault("--duplicates", fleet.faults.duplicates, "The same bytes twice");
  fault("--gaps", fleet.faults.gaps, "1 to 10 sequence numbers are left out");
  fault("--resets", fleet.faults.resets, "Sequence numbers begin again at 0");
  fault("--wrong-clocks", fleet.faults.wrong_clocks, "A timestamp in 1970 or 30 days ahead");
  fault("--bursts", fleet.faults.bursts, "50 readings of one device at once");
  app.add_option("--acked-log", line.run.acked_log,
                 "Write topic, sequence and kind of each acknowledged message (tab-separated)");
  app.add_flag("--json", line.run.json, "Print the summary as one JSON object");
  app.add_flag("--quiet", line.quiet, "No status line per second");
  app.add_flag("--debug", line.debug, "Log what the MQTT connection does");
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
  const std::array<std::span<const Option>, 2> tables{base_options(), mqtt_options()};
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
  CLI::App app{description, "telemetry-sim"};
  app.footer(examples);
  CommandLine line;
  auto& fleet = line.run.fleet;
  fleet.seed = std::random_device{}();
  add_options(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
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
    std::fprintf(stderr, "telemetry-sim: %s\n", to_string(mqtt.error()).c_str());
    return exit_code(mqtt.error().code);
  }
  line.run.mqtt = std::move(*mqtt);
  level = line.debug ? LogLevel::debug : LogLevel::warn;
  options = std::move(line.run);
  return std::nullopt;
}

}  // namespace telemetry::simulator
