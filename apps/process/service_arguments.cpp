// SPDX-License-Identifier: Apache-2.0
#include "process/service_arguments.hpp"

#include <fmt/format.h>

#include <utility>

#include "process/backends.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace telemetry {

void add_options(command_line::Command& command, ServiceArguments& a) {
  command
      .option("-c,--config", a.config,
              "Configuration file, YAML or JSON (else CONFIG_PATH, else defaults)")
      .type("FILE");
  command.option("--broker", a.broker, "MQTT broker: host, or URL mqtt[s]://[user@]host[:port]")
      .type("BROKER");
  command.option("--port", a.port, "MQTT port").type("PORT").range(1, 65'535);
  command.option("--topic", a.topics, "Topic filter to subscribe to; may be repeated")
      .type("FILTER");
  command.option("--storage", a.storage, "Store: sqlite, filesystem, or with a path, sqlite:PATH")
      .type("STORE");
  command.option("--schema", a.schema, "Schema folder or file").type("PATH");
  command.option("--stats-interval", a.stats_interval_s, "Prints counters every so many seconds")
      .type("SECONDS")
      .range(0.1, 86'400);
  command.flag("--debug", a.debug, "Logs everything");
}

ServiceOptions service_options(const ServiceArguments& a, std::string_view app) {
  ServiceOptions options;
  options.debug = a.debug;
  options.stats_interval_s = a.stats_interval_s;
  options.sources.file = a.config;
  options.sources.app = app;
  options.sources.overrides = storage_settings(a.storage);
  const auto set = [&](const char* key, std::string value) {
    if (!value.empty()) options.sources.overrides.emplace_back(key, std::move(value));
  };
  set("mqtt.broker", a.broker);
  set("mqtt.port", a.port == 0 ? std::string() : std::to_string(a.port));
  set("mqtt.topics", fmt::format("{}", fmt::join(a.topics, ",")));
  set("schema.path", a.schema);
  return options;
}

int run_to_exit_code(std::string_view program, const ServiceOptions& options) {
  const auto ended = run_service(options);
  if (ended) return 0;
  fmt::print(stderr, "{}: error: {}\n", program, to_string(ended.error()));
  return exit_code(ended.error().code);
}

void keep_memory_small() noexcept {
#ifdef __GLIBC__
  // Memory goes back: large pieces (a snapshot, once a segment) are mapped, and what one thread
  // makes and another frees lies in one arena. Neither is made per message.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_ARENA_MAX, 1);
#endif
}

}  // namespace telemetry
