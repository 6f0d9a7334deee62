// SPDX-License-Identifier: Apache-2.0
// A sink of one's own: one line per message on standard output. The journal keeps its cursor, so
// that after a crash it goes on where it was (at least once). Usage: example_custom_sink PORT
// FOLDER; Enter stops it.
#include <iostream>
#include <string>
#include <telemetry/adapters/mqtt.hpp>
#include <telemetry/pipeline.hpp>

namespace {

telemetry::Result<void> print(const telemetry::Reading& reading) {
  std::cout << reading.id << ' ' << reading.topic << ' ' << reading.payload << std::endl;
  if (std::cout) return {};
  return telemetry::Error{telemetry::Errc::unavailable, "standard output"};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_custom_sink PORT FOLDER\n";
    return 2;
  }
  telemetry::MqttOptions mqtt;
  mqtt.port = static_cast<std::uint16_t>(std::stoi(argv[1]));
  mqtt.topics = {{"sensors/#", 1}};
  auto pipeline = telemetry::PipelineBuilder(argv[2])
                      .source(telemetry::make_mqtt_source(mqtt))
                      .sink("lines", print)
                      .start([] { std::cout << "ready" << std::endl; })
                      .value();
  std::cin.get();
  pipeline->stop();
}
