// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "adapters/mqtt_fixture.hpp"
#include "adapters/mqtt_proxy.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

constexpr std::int64_t long_ns = 20'000'000'000;

/// Tokens that came back.
class Tokens {
 public:
  [[nodiscard]] MqttPublisher::OnAcknowledged callback() {
    return [this](std::uint64_t token) {
      const std::lock_guard lock(mutex_);
      tokens_.push_back(token);
    };
  }
  [[nodiscard]] std::vector<std::uint64_t> all() {
    const std::lock_guard lock(mutex_);
    return tokens_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::uint64_t> tokens_;
};

std::vector<std::uint64_t> first(std::uint64_t count) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(i);
  return out;
}

}  // namespace

TEST_CASE("published messages arrive in order and each token comes back once") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_for(broker.port());
  options.protocol = GENERATE(MqttProtocol::v5, MqttProtocol::v311);
  const auto qos = static_cast<std::uint8_t>(GENERATE(0, 1));
  options.in_flight_max = 64;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  Tokens tokens;
  auto publisher = MqttPublisher::connect(options, log.environment(), tokens.callback());
  REQUIRE(publisher);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    REQUIRE((*publisher)->publish("a/b", std::to_string(i), qos, false, i));
  }
  REQUIRE((*publisher)->drain(long_ns));
  CHECK((*publisher)->is_connected());
  CHECK(tokens.all() == first(2000));
  REQUIRE(door.wait_for(2000));
  CHECK(door.payloads() == numbers(0, 2000));
  CHECK((*publisher)->refused() == 0);
}

TEST_CASE("what is published while the broker is away is sent when it is back") {
  MosquittoBroker broker;
  broker.start();
  const MqttOptions options = options_for(broker.port());
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  Tokens tokens;
  auto publisher = MqttPublisher::connect(options, log.environment(), tokens.callback());
  REQUIRE(publisher);
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (std::uint64_t i = round * 100; i < round * 100 + 100; ++i) {
      REQUIRE((*publisher)->publish("a", std::to_string(i), 1, false, i));
      if (i % 100 == 50) broker.stop();
    }
    CHECK_FALSE((*publisher)->drain(1'000'000));
    broker.start();
    REQUIRE((*publisher)->drain(long_ns));
  }
  CHECK(tokens.all() == first(300));
  CHECK(RunningSource::wait_until([&] { return door.distinct_payloads() == numbers(0, 300); }));
}

TEST_CASE("a publisher that is full says so and keeps what it has") {
  MosquittoBroker broker;
  MqttOptions options = options_for(broker.port());
  options.in_flight_max = 5;
  options.publish_wait_ns = 1'000'000;
  LogBook log;
  Tokens tokens;
  auto publisher = MqttPublisher::connect(options, log.environment(), tokens.callback());
  REQUIRE(publisher);
  CHECK_FALSE((*publisher)->is_connected());
  for (std::uint64_t i = 0; i < 5; ++i) REQUIRE((*publisher)->publish("a", "", 1, false, i));
  const auto full = (*publisher)->publish("a", "", 1, false, 5);
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::deadline_exceeded);
  broker.start();
  REQUIRE((*publisher)->drain(long_ns));
  CHECK(tokens.all() == first(5));
}

TEST_CASE("messages that MQTT does not allow are refused before they are queued") {
  auto publisher = MqttPublisher::connect(options_for(free_port()), system_environment());
  REQUIRE(publisher);
  for (const std::string& topic :
       {std::string(), std::string("a/+"), std::string("#"), std::string("a\0b", 3),
        std::string("\xff"), std::string(70'000, 'a')}) {
    const auto result = (*publisher)->publish(topic, "x", 1, false);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::invalid_argument);
  }
  CHECK_FALSE((*publisher)->publish("a", "x", 2, false));
  CHECK((*publisher)->drain(0));
}

TEST_CASE("a message that the broker refuses is counted, and its token does not come back") {
  MosquittoBroker::Settings settings;
  TemporaryFolder folder;
  const std::string rules = folder / "acl";
  REQUIRE(run_program({"sh", "-c", "printf 'topic readwrite open/#\\n' > " + rules}) == 0);
  settings.lines = {"acl_file " + rules};
  MosquittoBroker broker(settings);
  broker.start();
  MqttOptions options = options_for(broker.port());
  options.protocol = MqttProtocol::v5;
  LogBook log;
  Tokens tokens;
  auto publisher = MqttPublisher::connect(options, log.environment(), tokens.callback());
  REQUIRE(publisher);
  REQUIRE((*publisher)->publish("open/a", "", 1, false, 0));
  REQUIRE((*publisher)->publish("closed/a", "", 1, false, 7));
  REQUIRE((*publisher)->publish("open/a", "", 1, false, 1));
  REQUIRE((*publisher)->drain(long_ns));
  CHECK(tokens.all() == first(2));
  CHECK((*publisher)->refused() == 1);
  CHECK(log.count("refused a message to 'closed/a': Not authorized") == 1);
}

TEST_CASE("publishers with the same options do not throw each other out") {
  MosquittoBroker broker;
  broker.start();
  const MqttOptions options = options_for(broker.port());
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  auto first_publisher = MqttPublisher::connect(options, log.environment());
  auto second_publisher = MqttPublisher::connect(options, log.environment());
  REQUIRE(first_publisher);
  REQUIRE(second_publisher);
  for (int i = 0; i < 50; ++i) {
    REQUIRE((*first_publisher)->publish("a", "", 1, false));
    REQUIRE((*second_publisher)->publish("a", "", 1, false));
  }
  REQUIRE((*first_publisher)->drain(long_ns));
  REQUIRE((*second_publisher)->drain(long_ns));
  CHECK(door.wait_for(100));
  CHECK(log.count("lost the connection") == 0);
}

TEST_CASE("a connection cut in the middle loses nothing that was published") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  Tokens tokens;
  MqttOptions options = options_for(proxy.port());
  options.in_flight_max = 1000;  // room for all that is published while the proxy is closed
  auto publisher = MqttPublisher::connect(options, log.environment(), tokens.callback());
  REQUIRE(publisher);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    if (i % 300 == 150) proxy.cut();
    REQUIRE((*publisher)->publish("a", std::to_string(i), 1, false, i));
    if (i % 300 == 200) proxy.open();
  }
  REQUIRE((*publisher)->drain(long_ns));
  CHECK(tokens.all() == first(1000));
  CHECK(RunningSource::wait_until([&] { return door.distinct_payloads().size() == 1000; }));
}
