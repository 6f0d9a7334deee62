// SPDX-License-Identifier: Apache-2.0
#include "adapters/mosquitto_broker.hpp"
#include "apps/running.hpp"
#include "telemetry/adapters/mqtt.hpp"

using namespace running;
using telemetry::testing::MosquittoBroker;

namespace {

std::string url(std::uint16_t port) { return "mqtt://127.0.0.1:" + std::to_string(port); }

}  // namespace

TEST_CASE("schema infer listens to a broker and ends with the last message that it wants") {
  MosquittoBroker broker;
  broker.start();
  const Folder folder;
  {
    telemetry::MqttOptions options;
    options.broker = "127.0.0.1";
    options.port = broker.port();
    auto publisher = telemetry::MqttPublisher::connect(options, telemetry::system_environment());
    REQUIRE(publisher);
    for (const char* topic : {"house/hall/climate", "house/attic/climate", "house/bath/climate"})
      REQUIRE((*publisher)->publish(topic, R"({"temp":21.5,"humidity":48.5})", 1, true));
    REQUIRE((*publisher)->publish("garden/pump", R"({"on":true})", 1, true));
    REQUIRE((*publisher)->drain(10'000'000'000));
  }
  const Ran ran = run(folder, "schema infer --broker " + url(broker.port()) +
                                  " --topic 'house/#' --messages 3 --seconds 600");
  INFO(ran.err);
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::Contains("3 messages on 3 topics") &&
                          Catch::Contains("topic_pattern: \"house/{device}/climate\""));

  folder.write("edge.yaml", "mqtt: {broker: \"" + url(broker.port()) +
                                "\", topics: [\"garden/#\"]}\njournal: {path: ./journal}\n");
  const Ran configured = run(folder, "schema infer -c edge.yaml --messages 1 --seconds 600");
  INFO(configured.err);
  CHECK(configured.code == 0);
  CHECK_THAT(configured.out, Catch::Contains("topic_pattern: \"garden/pump\""));
  CHECK_FALSE(std::filesystem::exists(folder.path("journal")));
}

TEST_CASE("schema infer names a broker that does not answer, and the remedy") {
  const Folder folder;
  const std::uint16_t port = telemetry::testing::free_port();
  const Ran ran = run(folder, "schema infer --seconds 0.2 --broker " + url(port));
  CHECK(ran.code == 1);
  CHECK(ran.out.empty());
  CHECK_THAT(ran.err, Catch::Contains("127.0.0.1:" + std::to_string(port) +
                                      ": the broker gives no subscription; name another with "
                                      "--broker mqtt://HOST:PORT\n"));
}
