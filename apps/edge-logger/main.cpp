// SPDX-License-Identifier: Apache-2.0
// telemetry-edge: MQTT broker -> schema check -> journal -> stores, until it is told to stop.
#include <fmt/format.h>

#include "edge-logger/command_line.hpp"
#include "process/backends.hpp"
#include "process/service.hpp"
#include "telemetry/error.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

telemetry::Config::Sources sources_of(const telemetry::EdgeArguments& a) {
  telemetry::Config::Sources sources;
  sources.file = a.config;
  sources.app = "edge";
  sources.overrides = telemetry::storage_settings(a.storage);
  const auto set = [&](const char* key, std::string value) {
    if (!value.empty()) sources.overrides.emplace_back(key, std::move(value));
  };
  set("mqtt.broker", a.broker);
  set("mqtt.port", a.port == 0 ? std::string() : std::to_string(a.port));
  set("schema.path", a.schema);
  return sources;
}

int run(const telemetry::EdgeArguments& arguments) {
  const auto ended =
      telemetry::run_service({sources_of(arguments), arguments.debug, arguments.stats_interval_s});
  if (ended) return 0;
  fmt::print(stderr, "telemetry-edge: error: {}\n", telemetry::to_string(ended.error()));
  return telemetry::exit_code(ended.error().code);
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Memory goes back: large pieces (a snapshot, once a segment) are mapped, and what one thread
  // makes and another frees lies in one arena. Neither is made per message.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_ARENA_MAX, 1);
#endif
  telemetry::EdgeArguments arguments;
  telemetry::command_line::Command command(
      "telemetry-edge",
      "Stores telemetry from an MQTT broker; nothing that was acknowledged is ever lost.");
  telemetry::add_options(command, arguments);
  command.action([&] { return run(arguments); });
  return command.run(argc, argv);
}
