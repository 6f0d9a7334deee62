// SPDX-License-Identifier: Apache-2.0
// MQTT -> SQLite with a callback. Usage: example_embed PORT FOLDER; Enter stops it.
#include <iostream>
#include <telemetry/adapters/mqtt.hpp>
#include <telemetry/adapters/sqlite.hpp>
#include <telemetry/pipeline.hpp>
int main(int, char** argv) {
  const std::string folder = argv[2];
  const auto environment = telemetry::system_environment();
  telemetry::MqttOptions mqtt{.port = static_cast<std::uint16_t>(std::stoi(argv[1]))};
  mqtt.topics = {{"sensors/#", 1}};
  telemetry::PipelineOptions options;
  options.journal.path = folder + "/journal";
  telemetry::IngestCallbacks callbacks;
  callbacks.on_message = [](const telemetry::Reading& reading) {
    std::cout << reading.topic << ' ' << reading.payload << std::endl;
  };
  std::vector<std::unique_ptr<telemetry::Source>> sources;
  sources.push_back(telemetry::make_mqtt_source(mqtt, environment));
  std::vector<std::unique_ptr<telemetry::Sink>> sinks;
  sinks.push_back(telemetry::make_sqlite_store({.path = folder + "/telemetry.db"}, environment));
  std::vector<telemetry::Diagnostic> problems;
  auto pipeline = telemetry::Pipeline::create(options, environment, std::move(sources),
                                              std::move(sinks), callbacks, problems);
  if (!pipeline || !(*pipeline)->start([] { std::cout << "ready" << std::endl; })) return 1;
  std::cin.get();
  (*pipeline)->stop();
}
