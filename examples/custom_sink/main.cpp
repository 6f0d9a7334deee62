// SPDX-License-Identifier: Apache-2.0
// A sink of one's own: one line per message on standard output. The journal keeps its cursor, so
// that after a crash it goes on where it was (at least once). Usage: example_custom_sink PORT
// FOLDER; Enter stops it.
#include <iostream>
#include <telemetry/adapters/mqtt.hpp>
#include <telemetry/pipeline.hpp>

namespace {

class LineSink : public telemetry::Sink {
 public:
  [[nodiscard]] std::string name() const override { return "lines"; }
  [[nodiscard]] telemetry::Result<void> open() override { return {}; }
  [[nodiscard]] telemetry::Result<telemetry::WriteReport> write(
      const telemetry::JournalId&, std::span<const telemetry::BatchPtr> batches,
      const telemetry::OnRejected&) override {
    telemetry::WriteReport report;
    for (const auto& batch : batches) {
      for (const auto& reading : batch->readings) {
        std::cout << reading.id << ' ' << reading.topic << ' ' << reading.payload << '\n';
        ++report.accepted;
      }
    }
    if (!std::cout.flush())
      return telemetry::Error{telemetry::Errc::unavailable, "standard output"};
    report.durable = batches.back()->last;
    return report;
  }
  [[nodiscard]] telemetry::Result<std::uint64_t> flush() override { return std::uint64_t{0}; }
  void close() noexcept override {}
};

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[2];
  const auto environment = telemetry::system_environment();
  telemetry::MqttOptions mqtt{.port = static_cast<std::uint16_t>(std::stoi(argv[1]))};
  mqtt.topics = {{"sensors/#", 1}};
  telemetry::PipelineOptions options;
  options.journal.path = folder + "/journal";
  options.dead_letters.path = folder + "/dead_letters";
  std::vector<std::unique_ptr<telemetry::Source>> sources;
  sources.push_back(telemetry::make_mqtt_source(mqtt, environment));
  std::vector<std::unique_ptr<telemetry::Sink>> sinks;
  sinks.push_back(std::make_unique<LineSink>());
  std::vector<telemetry::Diagnostic> problems;
  auto pipeline = telemetry::Pipeline::create(options, environment, std::move(sources),
                                              std::move(sinks), {}, problems);
  if (!pipeline || !(*pipeline)->start([] { std::cout << "ready" << std::endl; })) return 1;
  std::cin.get();
  (*pipeline)->stop();
}
