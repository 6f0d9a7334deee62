// SPDX-License-Identifier: Apache-2.0
// What leaves the source on the wire, against what the door had made durable by then.
#include <map>
#include <set>
#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "adapters/mqtt_fixture.hpp"
#include "adapters/mqtt_proxy.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

/// Lets premature acknowledgements show themselves, then writes the batch down as durable.
void write_down_commits(RecordingDoor& door, MqttProxy& proxy) {
  door.on_commit = [&door, &proxy](const std::vector<RecordingDoor::Kept>& batch) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const bool fails = door.commits_that_fail > 0;
    if (fails) proxy.write_down("failed");
    for (const RecordingDoor::Kept& message : batch) {
      if (!fails) proxy.write_down("durable " + message.payload);
    }
  };
}

struct Capture {
  std::size_t publishes = 0;
  std::size_t acknowledgements = 0;
  std::vector<std::string> premature;  ///< acknowledged before they were durable
  std::vector<std::string> out_of_order;
  std::size_t after_failure = 0;  ///< acknowledged after a failed commit, on the same connection
  std::size_t disconnects = 0;
};

Capture read_capture(const std::vector<MqttProxy::Event>& events) {
  Capture capture;
  std::set<std::string> durable;
  std::map<std::uint16_t, std::string> sent;            // packet id -> payload
  std::vector<std::pair<std::uint16_t, bool>> waiting;  // packet ids in order; acknowledged
  bool failed = false;
  int connection = 0;
  for (const MqttProxy::Event& event : events) {
    if (event.type == MqttProxy::note) {
      failed = failed || event.payload == "failed";
      if (event.payload.starts_with("durable ")) durable.insert(event.payload.substr(8));
      continue;
    }
    if (event.connection != connection) {
      connection = event.connection;
      failed = false;
      sent.clear();
      waiting.clear();
    }
    if (event.type == MqttProxy::publish && event.packet != 0) {
      ++capture.publishes;
      sent[event.packet] = event.payload;
      waiting.emplace_back(event.packet, false);
    } else if (event.type == MqttProxy::puback) {
      ++capture.acknowledgements;
      if (!durable.contains(sent[event.packet])) capture.premature.push_back(sent[event.packet]);
      if (failed) ++capture.after_failure;
      if (waiting.empty() || waiting.front().first != event.packet) {
        capture.out_of_order.push_back(sent[event.packet]);
      } else {
        waiting.erase(waiting.begin());
      }
    } else if (event.type == MqttProxy::disconnect) {
      ++capture.disconnects;
    }
  }
  return capture;
}

MqttProtocol any_protocol() { return GENERATE(MqttProtocol::v5, MqttProtocol::v311); }

}  // namespace

TEST_CASE("an acknowledgement leaves only after the commit of its message, in receive order") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  MqttOptions options = options_for(proxy.port());
  options.protocol = any_protocol();
  LogBook log;
  RecordingDoor door;
  door.batch_messages = 7;
  write_down_commits(door, proxy);
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(publish_all(broker.port(), numbers(0, 100)));
  REQUIRE(door.wait_for(100));
  REQUIRE(running.stop());
  const Capture capture = read_capture(proxy.events());
  CHECK(door.payloads() == numbers(0, 100));
  CHECK(capture.publishes == 100);
  CHECK(capture.acknowledgements == 100);
  CHECK(capture.premature.empty());
  CHECK(capture.out_of_order.empty());
}

TEST_CASE("messages that wait in the session are not acknowledged with SUBSCRIBE after CONNACK") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  MqttOptions options = options_for(proxy.port());
  options.protocol = any_protocol();
  LogBook log;
  {
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
  }
  REQUIRE(publish_all(broker.port(), numbers(0, 15)));
  proxy.publishes_held = 15;  // CONNACK and all of them come in one piece
  RecordingDoor door;
  write_down_commits(door, proxy);
  RunningSource running(options, log.environment(), door);
  REQUIRE(door.wait_for(15));
  REQUIRE(running.wait_until_ready());
  REQUIRE(running.stop());
  const auto events = proxy.events();
  const Capture capture = read_capture(events);
  CHECK(door.payloads() == numbers(0, 15));
  CHECK(capture.acknowledgements == 15);
  CHECK(capture.premature.empty());
  CHECK(capture.out_of_order.empty());
  std::size_t durable = 0;
  for (const MqttProxy::Event& event : events) {
    if (event.type == MqttProxy::note) ++durable;
    if (event.type == MqttProxy::subscribe && event.connection == 2) CHECK(durable == 15);
  }
}

TEST_CASE("after a failed commit nothing is acknowledged and the broker gives everything again") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  MqttOptions options = options_for(proxy.port());
  options.protocol = any_protocol();
  LogBook log;
  RecordingDoor door;
  door.batch_messages = 10;
  write_down_commits(door, proxy);
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(publish_all(broker.port(), {"first"}));
  REQUIRE(door.wait_for(1));
  door.commits_that_fail = 2;
  REQUIRE(publish_all(broker.port(), numbers(0, 50)));
  REQUIRE(door.wait_for(51));
  REQUIRE(running.stop());
  const Capture capture = read_capture(proxy.events());
  std::vector<std::string> expected = numbers(0, 50);
  expected.insert(expected.begin(), "first");
  CHECK(door.payloads() == expected);
  CHECK(capture.premature.empty());
  CHECK(capture.after_failure == 0);
  CHECK(capture.acknowledgements == 51);
  CHECK(capture.disconnects == 1);  // the one of stop()
  CHECK(log.count("could not be made durable") == 2);
}

TEST_CASE("stop acknowledges all that was committed and leaves the rest to the next start") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  const MqttOptions options = options_for(proxy.port());
  LogBook log;
  std::vector<std::string> kept;
  {
    RecordingDoor door;
    door.batch_messages = 20;
    write_down_commits(door, proxy);
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    REQUIRE(publish_all(broker.port(), numbers(0, 200)));
    REQUIRE(door.wait_for(20));
    REQUIRE(running.stop());  // in the middle of the stream
    kept = door.payloads();
    CHECK(read_capture(proxy.events()).acknowledgements == kept.size());
    CHECK(read_capture(proxy.events()).disconnects == 1);
  }
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(door.wait_for(200 - kept.size()));
  REQUIRE(running.stop());
  for (const std::string& payload : door.payloads()) kept.push_back(payload);
  CHECK(kept == numbers(0, 200));
}
