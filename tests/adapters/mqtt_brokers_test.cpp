// SPDX-License-Identifier: Apache-2.0
// What brokers other than mosquitto do; see docs/brokers.md.
#include <map>

#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "adapters/mqtt_fixture.hpp"
#include "adapters/scripted_broker.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

using Packet = ScriptedBroker::Packet;
using Answer = ScriptedBroker::Answer;

const std::string mosquittos_counter = "$SYS/broker/publish/messages/dropped";
const std::string mochis_counter = "$SYS/broker/messages/dropped";

bool is_subscribe(const Packet& packet) { return packet.type() == ScriptedBroker::subscribe; }
bool asks_for_counter(const Packet& packet) { return packet.asks_for(mosquittos_counter); }

MqttOptions options_with(std::uint16_t port, std::vector<Subscription> topics) {
  MqttOptions options = options_for(port);
  options.topics = std::move(topics);
  return options;
}

/// SUBACK of MQTT 5 with one code. Source: MQTT 5.0 section 3.9.
std::string suback_v5(const Packet& packet, char code) {
  return std::string("\x90\x04") + packet.id() + std::string(1, '\0') + code;
}

}  // namespace

TEST_CASE("drop counters are asked for alone, after everything else is answered") {
  ScriptedBroker broker([](const Packet& packet) {
    return packet.asks_for("slow") ? Answer{} : ScriptedBroker::polite(packet);
  });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_with(broker.port(), {{"a", 1}, {"slow", 1}, {"b", 1}}),
                        log.environment(), door);
  REQUIRE(broker.wait_for(3, is_subscribe));
  broker.send(ScriptedBroker::publish_v5("a", "1"));  // one turn of the source more
  REQUIRE(door.wait_for(1));
  CHECK(broker.count(is_subscribe) == 3);
  for (const Packet& packet : broker.packets()) {
    if (packet.asks_for("slow")) broker.send(suback_v5(packet, '\x01'));
  }
  REQUIRE(broker.wait_for(4, is_subscribe));
  CHECK(broker.packets().back().filters() ==
        std::vector<std::string>{mosquittos_counter, mochis_counter});
  CHECK(running.wait_until_ready());
}

TEST_CASE("a broker that closes twice when asked for $SYS is not asked again, said once") {
  const TemporaryFolder folder;
  ScriptedBroker broker([](const Packet& packet) {
    return asks_for_counter(packet) ? Answer{"", true} : ScriptedBroker::polite(packet);
  });
  MqttOptions options = options_for(broker.port());
  options.broker_file = folder / "broker";
  StandingClock clock;
  LogBook log;
  {
    RecordingDoor door;
    RunningSource running(options, log.environment(clock), door);
    REQUIRE(log.wait_for("that is left out, and what it drops from its queues is not counted"));
    REQUIRE(log.wait_for("subscribed to 1 topic filter", 3));
    broker.close_connection();
    REQUIRE(log.wait_for("subscribed to 1 topic filter", 4));
    broker.send(ScriptedBroker::publish_v5("a", "1"));
    REQUIRE(door.wait_for(1));
    CHECK(log.count("before it answered SUBSCRIBE to '" + mosquittos_counter + "'") == 2);
  }
  CHECK(broker.count(asks_for_counter) == 2);
  SECTION("nor after a restart") {
    RecordingDoor door;
    RunningSource running(options, log.environment(clock), door);
    REQUIRE(log.wait_for("subscribed to 1 topic filter", 5));
    broker.send(ScriptedBroker::publish_v5("a", "1"));
    REQUIRE(door.wait_for(1));
    CHECK(broker.count(asks_for_counter) == 2);
    CHECK(log.count("that is left out") == 1);
  }
  SECTION("until 7 days have passed") {
    clock.move_s(7 * 24 * 3600);
    RecordingDoor door;
    RunningSource running(options, log.environment(clock), door);
    CHECK(broker.wait_for(3, asks_for_counter));
  }
}

TEST_CASE("one connection that ends before the answer for $SYS does not end the watch for drops") {
  std::atomic<bool> closes = true;
  ScriptedBroker broker([&](const Packet& packet) {
    if (!asks_for_counter(packet)) return ScriptedBroker::polite(packet);
    if (closes.exchange(false)) return Answer{"", true};
    return ScriptedBroker::polite(packet);
  });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(broker.wait_for(2, asks_for_counter));
  broker.send(ScriptedBroker::publish_v5(mosquittos_counter, "0") +
              ScriptedBroker::publish_v5(mosquittos_counter, "3"));
  CHECK(log.wait_for("has dropped 3 messages"));
  SECTION("and the next one is the first again") {
    closes = true;
    broker.close_connection();
    REQUIRE(broker.wait_for(4, asks_for_counter));
  }
  CHECK(log.count("that is left out") == 0);
}

TEST_CASE("a broker that stops before it answers for $SYS is asked again") {
  std::atomic<bool> stops = true;
  ScriptedBroker broker([&](const Packet& packet) {
    // DISCONNECT: server shutting down. Source: MQTT 5.0 section 3.14.
    return asks_for_counter(packet) && stops.exchange(false) ? Answer{"\xe0\x01\x8b", true}
                                                             : ScriptedBroker::polite(packet);
  });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  CHECK(broker.wait_for(2, asks_for_counter));
  CHECK(log.count("that is left out") == 0);
}

TEST_CASE("the drop counter is known by the names of mosquitto and of mochi") {
  const std::string counter = GENERATE(mosquittos_counter, mochis_counter);
  ScriptedBroker broker(ScriptedBroker::polite);
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(broker.wait_for(1, asks_for_counter));
  broker.send(ScriptedBroker::publish_v5(counter, "5") + ScriptedBroker::publish_v5(counter, "12"));
  CHECK(log.wait_for("has dropped 7 messages from its queues"));
  CHECK(running.source().stats().dropped_by_broker == 7);
}

TEST_CASE("a drop counter that never comes is said once") {
  ScriptedBroker broker(ScriptedBroker::polite);
  StandingClock clock;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(clock), door);
  REQUIRE(broker.wait_for(1, asks_for_counter));
  std::size_t messages = 0;
  const auto turn = [&] {
    broker.send(ScriptedBroker::publish_v5("a", "1"));
    REQUIRE(door.wait_for(++messages));
  };
  turn();
  turn();
  SECTION("when it does not come") {
    clock.move_s(121);
    REQUIRE(log.wait_for("counts nowhere that we know how many messages it drops"));
    broker.close_connection();
    REQUIRE(log.wait_for("subscribed to 1 topic filter", 2));
    REQUIRE(broker.wait_for(2, asks_for_counter));
    turn();
    turn();
    clock.move_s(121);
    turn();
    turn();
    CHECK(log.count("counts nowhere that we know") == 1);
  }
  SECTION("and not when it comes") {
    broker.send(ScriptedBroker::publish_v5(mosquittos_counter, "0"));
    turn();
    clock.move_s(121);
    turn();
    turn();
    CHECK(log.count("counts nowhere that we know") == 0);
  }
}

TEST_CASE("a packet id that the broker has in use is replaced until it is free") {
  std::atomic<int> in_use = 150;
  ScriptedBroker broker([&](const Packet& packet) {
    const bool clashes = is_subscribe(packet) && in_use-- > 0;
    return clashes ? Answer{suback_v5(packet, '\x91')} : ScriptedBroker::polite(packet);
  });
  StandingClock clock;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_with(broker.port(), {{"a", 1}}), log.environment(clock), door);
  REQUIRE(broker.wait_for(101, is_subscribe));  // at once; then one a second
  while (in_use > 0) {
    const std::size_t asked = broker.count(is_subscribe);
    clock.move_s(1);
    REQUIRE(broker.wait_for(asked + 1, is_subscribe));
    if (asked < 110) continue;
    in_use = 0;
  }
  clock.move_s(1);
  REQUIRE(running.wait_until_ready());
  CHECK(log.count("says that packet id ") == 1);
  CHECK(log.count("refused the subscription") == 0);
  std::vector<std::string> ids;
  for (const Packet& packet : broker.packets()) {
    if (packet.asks_for("a")) ids.push_back(packet.id());
  }
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  CHECK(running.source().stats().subscriptions == 1);
}

TEST_CASE("a packet id that is in use does not end the watch for drops") {
  std::atomic<bool> first = true;
  ScriptedBroker broker([&](const Packet& packet) {
    if (!asks_for_counter(packet) || !first.exchange(false)) return ScriptedBroker::polite(packet);
    return Answer{std::string("\x90\x05") + packet.id() + std::string("\0\x91\x91", 3)};
  });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  CHECK(broker.wait_for(2, asks_for_counter));
  CHECK(log.count("does not tell how many messages it drops") == 0);
}

TEST_CASE("retained messages are not asked for where they are ignored, with MQTT 5") {
  ScriptedBroker broker(ScriptedBroker::polite);
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_with(broker.port(), {{"left", 1, RetainedPolicy::ignore},
                                                     {"all", 1, RetainedPolicy::store},
                                                     {"new", 1}}),
                        log.environment(), door);
  REQUIRE(running.wait_until_ready());
  std::map<std::string, int> handling;
  for (const Packet& packet : broker.packets()) {
    // Source: MQTT 5.0 section 3.8.3.1, bits 4 and 5 of the options: Retain Handling.
    if (is_subscribe(packet)) handling[packet.filters().front()] = packet.body.back() >> 4 & 3;
  }
  CHECK(handling["left"] == 2);
  CHECK(handling["all"] == 1);
  CHECK(handling["new"] == 1);
}

TEST_CASE("a retained message has the policy of the most specific filter that matches it") {
  using enum RetainedPolicy;
  ScriptedBroker broker(ScriptedBroker::polite);
  LogBook log;
  RecordingDoor door;
  RunningSource running(
      options_with(
          broker.port(),
          {{"#", 1, store}, {"$share/g/a/#", 1, ignore}, {"a/+/c", 1}, {"a/b/c", 1, store}}),
      log.environment(), door);
  REQUIRE(running.wait_until_ready());
  const auto arrives = [&](const std::string& topic, bool retained) {
    std::string packet = ScriptedBroker::publish_v5(topic, "1");
    if (retained) packet[0] |= 1;
    broker.send(packet);
  };
  arrives("x", true);
  arrives("a/x", true);
  arrives("a/x/c", true);
  arrives("a/b/c", true);
  arrives("x", false);
  REQUIRE(door.wait_for(5));
  std::vector<RetainedPolicy> policies;
  for (const auto& kept : door.kept()) policies.push_back(kept.policy);
  CHECK(policies == std::vector<RetainedPolicy>{store, ignore, skip_stored, store, skip_stored});
}

TEST_CASE("a shared subscription is not asked of a broker that says it has none") {
  ScriptedBroker broker([](const Packet& packet) {
    // CONNACK with Shared Subscription Available 0. Source: MQTT 5.0 section 3.2.2.3.13.
    if (packet.type() == ScriptedBroker::connect)
      return Answer{std::string("\x20\x05\x00\x00\x02\x2a\x00", 7)};
    return ScriptedBroker::polite(packet);
  });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_with(broker.port(), {{"$share/g/a", 1}, {"b", 1}}),
                        log.environment(), door);
  REQUIRE(
      log.wait_for("refused the subscription to '$share/g/a': Shared Subscriptions not "
                   "supported; take $share/GROUP/ off in mqtt.topics"));
  REQUIRE(broker.wait_for(1, asks_for_counter));
  CHECK(broker.count([](const Packet& packet) { return packet.asks_for("$share/g/a"); }) == 0);
  CHECK(broker.count([](const Packet& packet) { return packet.asks_for("b"); }) == 1);
  CHECK(running.source().stats().subscriptions == 1);
  CHECK_FALSE(running.source().is_ready());
}

TEST_CASE("with MQTT 3.1.1 a shared subscription that may never be served is said once") {
  ScriptedBroker broker(ScriptedBroker::polite);
  MqttOptions options = options_with(broker.port(), {{"$share/g/a", 1}, {"$share/g/b", 1}});
  options.protocol = GENERATE(MqttProtocol::v311, MqttProtocol::v5);
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  broker.close_connection();
  REQUIRE(log.wait_for("subscribed to 2 topic filters", 2));
  CHECK(log.count("a broker may grant this and never serve it") ==
        (options.protocol == MqttProtocol::v311 ? 1U : 0U));
}

TEST_CASE("a connection that the broker closes at once, again and again, names what to look at") {
  const bool on_subscribe = GENERATE(true, false);
  const bool says_why = GENERATE(true, false);
  ScriptedBroker broker([&](const Packet& packet) {
    Answer answer = ScriptedBroker::polite(packet);
    const bool is_last = on_subscribe ? packet.asks_for("secret/#") : packet.type() == 1;
    if (!is_last) return answer;
    if (on_subscribe) answer.bytes.clear();
    if (says_why) answer.bytes += "\xe0\x01\x87";  // DISCONNECT: not authorized
    answer.closes = true;
    return answer;
  });
  MqttOptions options = options_with(broker.port(), {{"secret/#", 1}});
  options.username = "edge";
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(log.wait_for("in a row as soon as it stood", 2));
  CHECK(running.stop());
  INFO(log.all());
  CHECK(log.count("2 times in a row") == 0);
  CHECK(log.count("3 times in a row as soon as it stood") == 1);
  CHECK(log.count("look at: another client with the client id 'source-under-test' "
                  "(mqtt.client_id); what the broker's rules allow 'edge' (mqtt.topics); "
                  "the broker's log; mqtt.protocol: 3.1.1)") >= 2);
  if (on_subscribe) CHECK(log.count("before it answered SUBSCRIBE to 'secret/#'") >= 2);
  if (says_why) CHECK(log.count("the broker ended it: Not authorized") >= 2);
}
