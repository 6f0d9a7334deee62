// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "adapters/mqtt_fixture.hpp"
#include "adapters/mqtt_proxy.hpp"

using namespace telemetry;
using namespace telemetry::testing;

TEST_CASE("messages arrive over MQTT 5 and 3.1.1 with topic, payload, QoS and retain flag") {
  MosquittoBroker broker;
  broker.start();
  REQUIRE(publish_all(broker.port(), {"kept"}, "a/retained", 1, true));
  MqttOptions options = options_for(broker.port());
  options.protocol = GENERATE(MqttProtocol::v5, MqttProtocol::v311);
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(door.wait_for(1));
  REQUIRE(publish_all(broker.port(), {"one", ""}, "a/b", 1));
  REQUIRE(publish_all(broker.port(), {"none"}, "c", 0));
  REQUIRE(door.wait_for(4));
  CHECK(door.kept() == std::vector<RecordingDoor::Kept>{{"a/retained", "kept", 1, true},
                                                        {"a/b", "one", 1, false},
                                                        {"a/b", "", 1, false},
                                                        {"c", "none", 0, false}});
  CHECK(running.stop());
  const SourceStats stats = running.source().stats();
  CHECK(stats.connects == 1);
  CHECK(stats.disconnects == 1);
  CHECK_FALSE(stats.connected);
  CHECK(log.count(options.protocol == MqttProtocol::v5 ? "(MQTT 5, " : "(MQTT 3.1.1, ") == 1);
}

TEST_CASE("the loop of a source goes round while no message comes") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  const auto rounds = running.source().rounds();
  REQUIRE(rounds);
  CHECK(RunningSource::wait_until([&] { return running.source().rounds() > *rounds + 2; }));
  REQUIRE(running.stop());
  CHECK_FALSE(running.source().rounds());
}

namespace {

bool has_all(RecordingDoor& door, const std::vector<std::string>& expected) {
  return RunningSource::wait_until([&] { return door.distinct_payloads() == expected; });
}

}  // namespace

TEST_CASE("what is sent while the source is away waits in the session") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_for(broker.port());
  options.protocol = GENERATE(MqttProtocol::v5, MqttProtocol::v311);
  LogBook log;
  {
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
  }
  REQUIRE(publish_all(broker.port(), numbers(0, 500)));
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(door.wait_for(500));
  REQUIRE(running.stop());
  CHECK(door.payloads() == numbers(0, 500));
  CHECK(log.count("the broker has kept the session") == 1);
}

TEST_CASE("the shipped broker configuration queues past mosquitto's limit, also over a restart") {
  MosquittoBroker::Settings settings;
  settings.conf_file = TELEMETRY_SOURCE_DIR "/examples/mosquitto/mosquitto.conf";
  MosquittoBroker broker(settings);
  broker.start();
  const MqttOptions options = options_for(broker.port());
  LogBook log;
  {
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
  }
  REQUIRE(publish_all(broker.port(), numbers(0, 3000)));
  broker.stop();
  broker.start();
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(door.wait_for(3000));
  REQUIRE(running.stop());
  CHECK(door.payloads() == numbers(0, 3000));
}

TEST_CASE("without a persistent session nothing waits") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_for(broker.port());
  options.persistent_session = false;
  LogBook log;
  RecordingDoor door;
  for (const char* payload : {"seen", "seen too"}) {
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    REQUIRE(publish_all(broker.port(), {payload}));
    REQUIRE(door.wait_for(payload == std::string("seen") ? 1 : 2));
    REQUIRE(running.stop());
    REQUIRE(publish_all(broker.port(), {"unseen"}));
  }
  CHECK(door.payloads() == std::vector<std::string>{"seen", "seen too"});
}

TEST_CASE("a source outlives restarts of its broker and keeps its session") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(broker.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  for (std::size_t round = 0; round < 3; ++round) {
    REQUIRE(log.wait_for("the broker has kept the session", round));  // it is connected
    REQUIRE(publish_all(broker.port(), numbers(round * 50, 50)));
    broker.stop();
    REQUIRE(log.wait_for("lost the connection to MQTT broker", round + 1));
    broker.start();
  }
  REQUIRE(log.wait_for("the broker has kept the session", 3));
  CHECK(has_all(door, numbers(0, 150)));
  REQUIRE(running.stop());
  CHECK(running.source().stats().sessions_lost == 0);
  CHECK(running.source().stats().disconnects == 4);
}

TEST_CASE("a session that the broker has lost is counted and subscribed again") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_for(broker.port());
  options.protocol = GENERATE(MqttProtocol::v5, MqttProtocol::v311);
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(publish_all(broker.port(), {"before"}));
  REQUIRE(door.wait_for(1));
  broker.kill();
  broker.forget_sessions();
  broker.start();
  REQUIRE(log.wait_for("subscribed to 1 topic filter", 2));
  REQUIRE(publish_all(broker.port(), {"after"}));
  REQUIRE(door.wait_for(2));
  CHECK(door.payloads() == std::vector<std::string>{"before", "after"});
  CHECK(running.source().stats().sessions_lost == 1);
  CHECK(log.count("has lost the session") == 1);
}

TEST_CASE("shared subscriptions split the messages between two sources") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  RecordingDoor doors[2];
  MqttOptions options = options_for(broker.port());
  options.topics = {{"$share/group/data/#", 1}};
  options.client_id = "first";
  RunningSource first(options, log.environment(), doors[0]);
  options.client_id = "second";
  RunningSource second(options, log.environment(), doors[1]);
  REQUIRE(first.wait_until_ready());
  REQUIRE(second.wait_until_ready());
  REQUIRE(publish_all(broker.port(), numbers(0, 100), "data/x"));
  REQUIRE(RunningSource::wait_until(
      [&] { return doors[0].kept().size() + doors[1].kept().size() >= 100; }));
  CHECK(doors[0].kept().size() + doors[1].kept().size() == 100);
  CHECK(doors[0].wait_for(1));
  CHECK(doors[1].wait_for(1));
}

TEST_CASE("QoS 2 filters are subscribed with QoS 1, said once") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_for(broker.port());
  options.topics = {{"a/#", 2}, {"b/#", 2}, {"c", 0}};
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  CHECK(running.source().stats().subscriptions == 3);
  broker.stop();
  broker.start();
  REQUIRE(log.wait_for("subscribed to 3 topic filters", 2));
  REQUIRE(run_program({"mosquitto_pub", "-p", std::to_string(broker.port()), "-t", "a/x", "-q", "2",
                       "-m", "twice"}) == 0);
  REQUIRE(door.wait_for(1));
  CHECK(door.kept().front() == RecordingDoor::Kept{"a/x", "twice", 1, false});
  CHECK(log.count("QoS 2 filters are subscribed with QoS 1") == 1);
}

TEST_CASE("filters that a topic may match twice are said once") {
  const auto said = [](std::vector<Subscription> topics) {
    MosquittoBroker broker;
    broker.start();
    MqttOptions options = options_for(broker.port());
    options.topics = std::move(topics);
    LogBook log;
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    return log.count("overlap: with MQTT 5");
  };
  CHECK(said({{"k/#", 1}, {"k/1", 1}, {"k/2", 1}}) == 1);
  CHECK(said({{"a/+/c", 1}, {"+/b/#", 1}}) == 1);
  CHECK(said({{"a", 1}, {"a/#", 1}}) == 1);
  CHECK(said({{"a/+", 1}, {"a/b/c", 1}, {"b/+/x", 1}, {"b/y/z", 1}, {"$share/g/a/+", 1}}) == 0);
}

TEST_CASE("a journal without room closes the connection, and opens it when there is room") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  RecordingDoor door;
  MqttOptions options = options_for(broker.port());
  options.full_wait_ns = 0;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  door.has_room = false;
  REQUIRE(publish_all(broker.port(), numbers(0, 20)));
  REQUIRE(log.wait_for("the journal takes nothing (no room in the test): staying away from"));
  CHECK(RunningSource::wait_until([&] { return !running.source().stats().connected; }));
  REQUIRE(publish_all(broker.port(), numbers(20, 20)));
  door.has_room = true;
  CHECK(has_all(door, numbers(0, 40)));
  CHECK(log.count("the journal has room again") == 1);
}

TEST_CASE("a journal that is full for a moment costs no connection and no message twice") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  RecordingDoor door;
  door.batch_messages = 10;
  MqttOptions options = options_for(broker.port());
  options.keepalive_s = 0;
  options.full_wait_ns = std::chrono::nanoseconds(patience).count();
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  for (std::size_t round = 0; round < 3; ++round) {
    door.has_room = false;
    const int refusals = door.refusals;
    REQUIRE(publish_all(broker.port(), numbers(50 * round, 50)));
    REQUIRE(RunningSource::wait_until([&] { return door.refusals > refusals + 1; }));
    door.has_room = true;
    REQUIRE(door.wait_for(50 * (round + 1)));
  }
  REQUIRE(running.stop());
  CHECK(door.payloads() == numbers(0, 150));
  CHECK(running.source().stats().connects == 1);
}

TEST_CASE(
    "what was committed before the journal was full is acknowledged, and does not come again") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  MqttOptions options = options_for(broker.port());
  options.full_wait_ns = 0;
  options.protocol = GENERATE(MqttProtocol::v5, MqttProtocol::v311);
  {
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    REQUIRE(running.stop());
  }
  // So much that there is always something unread in the socket when the connection ends.
  constexpr std::size_t messages = 6'000;
  std::vector<std::string> payloads = numbers(0, messages);
  for (std::string& payload : payloads) payload += std::string(500, ' ');
  REQUIRE(publish_all(broker.port(), payloads));
  RecordingDoor door;
  door.batch_messages = 100;
  int commits = 0;
  door.on_commit = [&](const std::vector<RecordingDoor::Kept>&) {
    if (++commits % 12 == 0) door.has_room = false;
  };
  RunningSource running(options, log.environment(), door);
  const auto all_here = [&] { return door.kept().size() >= messages; };
  while (!all_here()) {
    const auto shut = [&] { return !door.has_room && !running.source().stats().connected; };
    REQUIRE(RunningSource::wait_until([&] { return shut() || all_here(); }));
    door.has_room = true;
  }
  REQUIRE(running.stop());
  CHECK(running.source().stats().connects > 3);
  const bool each_once = door.payloads() == payloads;
  CHECK(each_once);
}

TEST_CASE("the broker sends no more messages ahead than the door can recognise again") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  const MqttOptions options = options_for(broker.port());
  RecordingDoor door;
  door.most_unacknowledged = 7;
  {
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    REQUIRE(running.stop());
  }
  REQUIRE(publish_all(broker.port(), numbers(0, 60)));
  // Only before the first acknowledgement: after it mosquitto 2.0.11 sends more from its queue.
  std::size_t first_batch = 0;
  door.on_commit = [&](const std::vector<RecordingDoor::Kept>& batch) {
    if (first_batch == 0) first_batch = batch.size();
  };
  RunningSource running(options, log.environment(), door);
  REQUIRE(door.wait_for(60));
  REQUIRE(running.stop());
  CHECK(first_batch <= 7);
  CHECK(log.count("mqtt.receive_maximum is 7 instead of 10000") == 2);
}

TEST_CASE("with MQTT 3.1.1 the limit that the broker must be set to is said once") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  MqttOptions options = options_for(broker.port());
  options.protocol = MqttProtocol::v311;
  RecordingDoor door;
  door.most_unacknowledged = 2'730;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(running.stop());
  CHECK(log.count("set at most 2730 there (mosquitto: max_inflight_messages)") == 1);
}

TEST_CASE("an unreachable broker gives a visible retry with address, reason and remedy") {
  const std::uint16_t port = free_port();
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(port), log.environment(), door);
  CHECK(log.wait_for("cannot connect to MQTT broker localhost:" + std::to_string(port) +
                         ": Connection refused; next try in 0.",
                     4));
  CHECK(log.count("(start the broker, or check mqtt.broker and mqtt.port)") >= 4);
  CHECK_FALSE(running.source().is_ready());
  CHECK(running.stop());
}

TEST_CASE("a name that cannot be resolved is told apart") {
  MqttOptions options = options_for(1883);
  options.broker = "broker.invalid";
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  CHECK(log.wait_for("cannot resolve 'broker.invalid': "));
  CHECK(running.stop());
}

TEST_CASE("a wrong password is named without showing it") {
  MosquittoBroker::Settings settings;
  settings.users = {{"edge", "the right one"}};
  MosquittoBroker broker(settings);
  broker.start();
  MqttOptions options = options_for(broker.port());
  options.protocol = GENERATE(MqttProtocol::v5, MqttProtocol::v311);
  LogBook log;
  RecordingDoor door;
  options.username = "edge";
  options.password = "the wrong one";
  {
    RunningSource running(options, log.environment(), door);
    CHECK(log.wait_for("check the password of 'edge' in mqtt.password", 2));
  }
  CHECK(log.all().find("the wrong one") == std::string::npos);
  options.username.clear();
  options.password.clear();
  {
    RunningSource running(options, log.environment(), door);
    CHECK(log.wait_for("it wants to know who we are"));
  }
  options.username = "edge";
  options.password = "the right one";
  RunningSource running(options, log.environment(), door);
  CHECK(running.wait_until_ready());
}

TEST_CASE("a broker that knows only 3.1.1 is spoken to in 3.1.1, said once") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  const bool polite = GENERATE(true, false);
  proxy.refuses_v5 = polite;
  proxy.closes_on_v5 = !polite;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(proxy.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(publish_all(broker.port(), {"1"}));
  REQUIRE(door.wait_for(1));
  proxy.cut();
  REQUIRE(log.wait_for("lost the connection"));
  proxy.open();
  REQUIRE(log.wait_for("(MQTT 3.1.1, the broker has kept the session)"));
  REQUIRE(publish_all(broker.port(), {"2"}));
  REQUIRE(door.wait_for(2));
  CHECK(log.count("does not speak MQTT 5") == 1);
}

TEST_CASE("protocol 5 does not fall back") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  proxy.refuses_v5 = true;
  MqttOptions options = options_for(proxy.port());
  options.protocol = MqttProtocol::v5;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  CHECK(log.wait_for("set mqtt.protocol to auto", 3));
  CHECK(log.count("MQTT 3.1.1") == 0);
}

TEST_CASE("a connection that is kicked at once is tried again ever more slowly") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  proxy.closes_after_connack = true;
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(proxy.port()), log.environment(), door);
  REQUIRE(log.wait_for("lost the connection to MQTT broker", 6));
  CHECK(log.count("next try in 0.0 s") >= 1);
  CHECK(log.count("next try in 0.1 s") + log.count("next try in 0.2 s") >= 1);
  proxy.closes_after_connack = false;
  CHECK(running.wait_until_ready());
}

TEST_CASE("another client with the same id is named as the reason") {
  MosquittoBroker broker;
  broker.start();
  LogBook log;
  RecordingDoor doors[2];
  RunningSource first(options_for(broker.port()), log.environment(), doors[0]);
  REQUIRE(first.wait_until_ready());
  RunningSource second(options_for(broker.port()), log.environment(), doors[1]);
  // mosquitto 2.0.21 says so in its DISCONNECT; 2.0.11 just closes.
  const bool named = log.wait_for("another client ");
  INFO(log.all());
  CHECK(named);
}

TEST_CASE("the reason of the broker's DISCONNECT is said") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_for(proxy.port()), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  proxy.disconnect_with(0x8E);
  CHECK(log.wait_for("another client has connected as 'source-under-test'; next try in"));
  REQUIRE(log.wait_for("the broker has kept the session"));
  proxy.disconnect_with(0x8B);
  CHECK(log.wait_for("the broker ended it: Server shutting down"));
  CHECK(log.wait_for("the broker has kept the session", 2));
}

TEST_CASE("a refused subscription is an error that names filter and reason, and is not ready") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  proxy.refuses_subscriptions = true;
  MqttOptions options = options_for(proxy.port());
  options.topics = {{"secret/#", 1}};
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(log.wait_for("refused the subscription to 'secret/#': Not authorized"));
  CHECK_FALSE(running.source().is_ready());
  CHECK(running.source().stats().subscriptions == 0);
  proxy.refuses_subscriptions = false;
  proxy.cut();
  REQUIRE(log.wait_for("lost the connection"));
  proxy.open();
  CHECK(running.wait_until_ready());
}

TEST_CASE("what the broker drops from its queues is counted and logged as an error") {
  MosquittoBroker::Settings settings;
  settings.lines = {"max_queued_messages 5", "max_inflight_messages 5"};
  MosquittoBroker broker(settings);
  broker.start();
  MqttProxy proxy(broker.port());
  LogBook log;
  RecordingDoor watched;
  MqttOptions options = options_for(broker.port());
  options.client_id = "watcher";
  options.topics = {{"$SYS/broker/publish/messages/dropped", 0}};
  RunningSource watcher(options, log.environment(), watched);
  REQUIRE(watched.wait_for(1));  // the counter is there
  options = options_for(proxy.port());
  options.topics = {{"data/#", 1}};
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(publish_all(broker.port(), {"here"}, "data/x"));
  REQUIRE(door.wait_for(1));
  proxy.cut();
  REQUIRE(log.wait_for("lost the connection"));
  REQUIRE(publish_all(broker.port(), numbers(0, 100), "data/x"));
  proxy.open();
  CHECK(RunningSource::wait_until([&] { return running.source().stats().dropped_by_broker > 0; }));
  CHECK(log.wait_for("set max_queued_messages 0 in the broker's configuration"));
  REQUIRE(running.stop());
  for (const RecordingDoor::Kept& message : door.kept()) CHECK(message.topic == "data/x");
}

TEST_CASE("stop does not wait for a connection that hangs") {
  // A listener whose queue is full: the kernel lets further connections wait.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(
        ::connect(fillers.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  }
  LogBook log;
  RecordingDoor door;
  MqttOptions options = options_for(ntohs(address.sin_port));
  options.broker = "127.0.0.1";
  const auto start = std::chrono::steady_clock::now();
  {
    RunningSource running(options, log.environment(), door);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(running.stop());
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
  CHECK(log.all().empty());
  for (const int filler : fillers) ::close(filler);
  ::close(listener);
}

TEST_CASE("contradicting options end run() with invalid_argument, all of them named") {
  MqttOptions options = options_for(1883);
  options.session_expiry_s = 0;
  options.receive_maximum = 0;
  options.topics = {{"a", 1}, {"a/#/b", 1}, {"a", 0}, {"c", 3}};
  LogBook log;
  RecordingDoor door;
  auto source = make_mqtt_source(options, log.environment());
  const auto result = source->run(door, {});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::invalid_argument);
  for (const char* text :
       {"mqtt.session_expiry: ", "mqtt.receive_maximum: ", "mqtt.topics: 'a' stands there twice",
        "'a/#/b' is not a topic filter", "QoS 3 of 'c'"}) {
    INFO(result.error().context);
    CHECK(result.error().context.find(text) != std::string::npos);
  }
}
