// SPDX-License-Identifier: Apache-2.0
// MQTT -> SQLite with a callback. Usage: example_embed PORT FOLDER; Enter stops it.
#include <iostream>
#include <string>
#include <telemetry/adapters/mqtt.hpp>
#include <telemetry/adapters/sqlite.hpp>
#include <telemetry/pipeline.hpp>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_embed PORT FOLDER\n";
    return 2;
  }
  const std::string folder = argv[2];
  telemetry::MqttOptions mqtt;
  mqtt.port = static_cast<std::uint16_t>(std::stoi(argv[1]));
  mqtt.topics = {{"sensors/#", 1}};
  auto pipeline = telemetry::PipelineBuilder(folder)
                      .source(telemetry::make_mqtt_source(mqtt))
                      .sink(telemetry::make_sqlite_store({.path = folder + "/telemetry.db"}))
                      .callbacks({.on_message =
                                      [](const telemetry::Reading& reading) {
                                        std::cout << reading.topic << ' ' << reading.payload
                                                  << std::endl;
                                      }})
                      .start([] { std::cout << "ready" << std::endl; })
                      .value();
  std::cin.get();
  pipeline->stop();
}
