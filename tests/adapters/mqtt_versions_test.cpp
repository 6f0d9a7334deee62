// SPDX-License-Identifier: Apache-2.0
// Which MQTT version is spoken with brokers that know only one.
#include <fstream>
#include <iterator>
#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "adapters/mqtt_fixture.hpp"
#include "adapters/scripted_broker.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

using Packet = ScriptedBroker::Packet;
using Answer = ScriptedBroker::Answer;

/// Polite in 3.1.1; answers CONNECT of MQTT 5 with `answer`.
ScriptedBroker::Script knows_only_311(Answer answer) {
  return [answer = std::move(answer)](const Packet& packet) {
    return packet.type() == ScriptedBroker::connect && packet.v5 ? answer
                                                                 : ScriptedBroker::polite(packet);
  };
}

bool is_connect(const Packet& packet) { return packet.type() == ScriptedBroker::connect; }

std::string connack_v5(char code) { return std::string("\x20\x03\x00", 3) + code + '\0'; }
std::string connack_v311(char code) { return std::string("\x20\x02\x00", 3) + code; }

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a broker that answers MQTT 5 with a code of 3.1.1, in either form, gets 3.1.1 quietly") {
  const char code = GENERATE('\x01', '\x02', '\x03', '\x04', '\x05');
  const bool in_form_of_5 = GENERATE(true, false);
  ScriptedBroker broker(knows_only_311({in_form_of_5 ? connack_v5(code) : connack_v311(code)}));
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  CHECK(broker.versions() == "5 4");
  CHECK(log.alarms() == 0);
  CHECK(log.count("does not speak MQTT 5 (") == 1);
}

TEST_CASE("a broker that takes MQTT 5 for 3.1.1 and accepts it gets 3.1.1 quietly") {
  ScriptedBroker broker(knows_only_311({connack_v311('\0')}));
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  CHECK(broker.versions() == "5 4");
  CHECK(log.alarms() == 0);
  CHECK(log.count("(its answer was not MQTT 5)") == 1);
}

TEST_CASE("a broker that closes on MQTT 5 costs one quiet line") {
  ScriptedBroker broker(knows_only_311({"", true}));
  MqttOptions options = options_for(broker.port());
  options.persistent_session = false;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  broker.close_connection();
  REQUIRE(log.wait_for("connected to ", 2));
  INFO(log.all());
  CHECK(broker.versions() == "5 4 4");
  CHECK(log.count("does not speak MQTT 5 (it closed the connection)") == 1);
  CHECK(log.count("TLS") == 0);
  CHECK(log.alarms() == 1);  // the connection that the test closed
}

TEST_CASE("a broker that never answers MQTT 5 is asked with 3.1.1 after the time-out") {
  ScriptedBroker broker(knows_only_311({}));
  StandingClock clock;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(clock), door);
  REQUIRE(broker.wait_for(1, is_connect));
  clock.move_s(16);
  REQUIRE(running.wait_until_ready());
  CHECK(broker.versions() == "5 4");
  CHECK(log.alarms() == 0);
  CHECK(log.count("nothing answered in time; trying MQTT 3.1.1") == 1);
  CHECK(log.count("does not speak MQTT 5 (it did not answer)") == 1);
}

TEST_CASE("the version that was found is remembered over a restart, and asked again after 7 days") {
  const TemporaryFolder folder;
  ScriptedBroker broker(knows_only_311({"", true}));
  MqttOptions options = options_for(broker.port());
  options.broker_file = folder / "broker";
  StandingClock clock;
  LogBook log;
  const auto run = [&] {
    RecordingDoor door;
    RunningSource running(options, log.environment(clock), door);
    REQUIRE(running.wait_until_ready());
  };
  run();
  CHECK(broker.versions() == "5 4");
  CHECK(content_of(options.broker_file) == "telemetry mqtt broker 1\nprotocol 3.1.1 1795248001\n");
  run();
  CHECK(broker.versions() == "5 4 4");
  CHECK(log.count("found by an earlier run; mqtt.protocol: 5 asks again") == 1);
  clock.move_s(7 * 24 * 3600);
  run();
  CHECK(broker.versions() == "5 4 4 5 4");
  CHECK(log.alarms() == 0);
}

TEST_CASE("a broker that was brought up to date gets MQTT 5 again") {
  const TemporaryFolder folder;
  ScriptedBroker broker(ScriptedBroker::polite);
  MqttOptions options = options_for(broker.port());
  options.broker_file = folder / "broker";
  std::ofstream(options.broker_file) << "telemetry mqtt broker 1\nprotocol 3.1.1 1795248001\n";
  StandingClock clock;
  LogBook log;
  const auto run = [&] {
    RecordingDoor door;
    RunningSource running(options, log.environment(clock), door);
    REQUIRE(running.wait_until_ready());
  };
  run();
  CHECK(broker.versions() == "4");
  SECTION("after 7 days") {
    clock.move_s(7 * 24 * 3600);
    run();
    CHECK(content_of(options.broker_file) == "telemetry mqtt broker 1\nprotocol 5 1795852801\n");
  }
  SECTION("when it is told so") {
    options.protocol = MqttProtocol::v5;
    run();
    CHECK(content_of(options.broker_file) == "telemetry mqtt broker 1\nprotocol 5 1795248001\n");
  }
  options.protocol = MqttProtocol::automatic;
  run();
  CHECK(broker.versions() == "4 5 5");
}

TEST_CASE("a file that is none of ours is rewritten, and one that cannot be written is said") {
  const TemporaryFolder folder;
  ScriptedBroker broker(knows_only_311({"", true}));
  MqttOptions options = options_for(broker.port());
  StandingClock clock;
  LogBook log;
  RecordingDoor door;
  SECTION("another file") {
    options.broker_file = folder / "broker";
    std::ofstream(options.broker_file) << "something else\n";
    RunningSource running(options, log.environment(clock), door);
    REQUIRE(running.wait_until_ready());
    CHECK(content_of(options.broker_file) ==
          "telemetry mqtt broker 1\nprotocol 3.1.1 1795248001\n");
  }
  SECTION("no folder") {
    options.broker_file = folder / "none/broker";
    RunningSource running(options, log.environment(clock), door);
    REQUIRE(running.wait_until_ready());
    CHECK(log.count("cannot remember what localhost:") == 1);
  }
}

TEST_CASE("a broker that speaks MQTT 5 and closes while it restarts is not taken for an old one") {
  std::atomic<int> closes = 0;
  ScriptedBroker broker([&](const Packet& packet) {
    return closes > 0 && closes-- > 0 ? Answer{"", true} : ScriptedBroker::polite(packet);
  });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(log.wait_for("subscribed to 1 topic filter"));
  REQUIRE(broker.wait_for(
      2, [](const Packet& packet) { return packet.type() == ScriptedBroker::subscribe; }));
  closes = 4;
  broker.close_connection();
  REQUIRE(log.wait_for("connected to ", 2));
  CHECK(log.count("(MQTT 5, ") == 2);
  CHECK(broker.versions() == "5 5 5 5 5 5");
}

TEST_CASE("a broker that was put back to an old version is found out in the end") {
  std::atomic<bool> old = false;
  ScriptedBroker broker([&](const Packet& packet) {
    return old && packet.v5 ? Answer{"", true} : ScriptedBroker::polite(packet);
  });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  old = true;
  broker.close_connection();
  REQUIRE(log.wait_for("(MQTT 3.1.1, "));
  CHECK(broker.versions() == "5 5 5 5 5 5 5 4");
}

TEST_CASE("a port that understands neither version gives one line a round, which says so") {
  const Answer answer = GENERATE(Answer{"", true}, Answer{connack_v311('\x01')},
                                 Answer{"HTTP/1.1 400 Bad Request\r\n\r\n", true});
  ScriptedBroker broker([&](const Packet&) { return answer; });
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(log.wait_for(", neither to MQTT 5 nor to 3.1.1; next try in", 3));
  CHECK(running.stop());
  CHECK_THAT(broker.versions(), Catch::StartsWith("5 4 5 4 5 4"));
  CHECK(log.count("next try in") == log.count("neither to MQTT 5 nor to 3.1.1"));
}

TEST_CASE("a refusal of 3.1.1 is said in the words of 3.1.1, whatever form it has") {
  const auto [code, text] = GENERATE(table<char, std::string>({
      {'\x01', "unacceptable protocol version"},
      {'\x02', "identifier rejected"},
      {'\x03', "broker unavailable"},
      {'\x04', "bad user name or password"},
      {'\x05', "not authorised"},
  }));
  const bool v5 = GENERATE(true, false);
  ScriptedBroker broker([code = code](const Packet& packet) {
    return Answer{packet.v5 ? connack_v5(code) : connack_v311(code)};
  });
  MqttOptions options = options_for(broker.port());
  options.protocol = v5 ? MqttProtocol::v5 : MqttProtocol::v311;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  CHECK(log.wait_for("the broker refused the connection: " + text + "; next try in", 2));
  CHECK(running.stop());
  CHECK(log.count("Granted") == 0);
  if (code == '\x01') CHECK(log.count("(set mqtt.protocol to auto)") >= 2);
}

TEST_CASE("with a fixed version, the remedy for no answer names mqtt.protocol") {
  const auto [answer, reason] = GENERATE(table<Answer, std::string>({
      {{"", true}, "the connection was closed before the broker answered"},
      {{connack_v311('\x05')}, "what answered does not speak MQTT 5"},
  }));
  ScriptedBroker broker(knows_only_311(answer));
  MqttOptions options = options_for(broker.port());
  options.protocol = MqttProtocol::v5;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  CHECK(log.wait_for(reason, 2));
  CHECK(running.stop());
  CHECK(log.count("set mqtt.protocol to auto") == log.count("next try in"));
  CHECK(log.count("MQTT 3.1.1") == 0);
}
