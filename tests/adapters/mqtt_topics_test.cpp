// SPDX-License-Identifier: Apache-2.0
// Topic filters that change while a source runs, and between two runs.
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "adapters/mqtt_fixture.hpp"
#include "adapters/mqtt_proxy.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

MqttProtocol any_protocol() { return GENERATE(MqttProtocol::v5, MqttProtocol::v311); }

MqttOptions options_with(std::uint16_t port, std::vector<Subscription> topics) {
  MqttOptions options = options_for(port);
  options.topics = std::move(topics);
  return options;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string remembered(const std::string& filters) {
  return "telemetry mqtt subscriptions 1\n" + filters;
}

bool becomes(const std::string& path, const std::string& content) {
  return RunningSource::wait_until([&] { return content_of(path) == content; });
}

std::set<std::string> topics_of(RecordingDoor& door) {
  std::set<std::string> topics;
  for (const auto& message : door.kept()) topics.insert(message.topic);
  return topics;
}

}  // namespace

TEST_CASE(
    "new filters are subscribed and removed ones unsubscribed on the connection that stands") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_with(broker.port(), {{"old/#", 1}, {"both/#", 1}});
  options.protocol = any_protocol();
  REQUIRE(publish_all(broker.port(), {"kept"}, "new/retained", 1, true));
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(running.set_topics({{"both/#", 1}, {"new/#", 1}, {"end", 1}}));
  REQUIRE(log.wait_for("subscribed to 3 topic filters"));
  CHECK(log.count("mqtt.topics has 2 more: 'new/#', 'end'") == 1);
  CHECK(log.count("mqtt.topics has 1 less: 'old/#'") == 1);
  REQUIRE(publish_all(broker.port(), {"1"}, "old/x"));
  REQUIRE(publish_all(broker.port(), {"2"}, "both/x"));
  REQUIRE(publish_all(broker.port(), {"3"}, "new/x"));
  REQUIRE(publish_all(broker.port(), {"4"}, "end"));
  REQUIRE(door.wait_for(4));
  REQUIRE(running.stop());
  CHECK(topics_of(door) == std::set<std::string>{"both/x", "end", "new/retained", "new/x"});
  const SourceStats stats = running.source().stats();
  CHECK(stats.connects == 1);
  CHECK(stats.sessions_lost == 0);
}

TEST_CASE("filters that change while the connection is down are right when it is back") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_with(broker.port(), {{"old/#", 1}, {"both/#", 1}});
  options.protocol = any_protocol();
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  broker.stop();
  REQUIRE(log.wait_for("lost the connection"));
  REQUIRE(running.set_topics({{"passing", 1}}));
  REQUIRE(running.set_topics({{"both/#", 1}, {"new/#", 1}, {"end", 1}}));
  broker.start();
  REQUIRE(log.wait_for("subscribed to 3 topic filters"));
  for (const char* topic : {"old/x", "passing", "both/x", "new/x", "end"}) {
    REQUIRE(publish_all(broker.port(), {"1"}, topic));
  }
  REQUIRE(door.wait_for(3));
  REQUIRE(running.stop());
  CHECK(topics_of(door) == std::set<std::string>{"both/x", "end", "new/x"});
  CHECK(log.count("the broker has kept the session") == 1);
}

TEST_CASE("a filter that is removed and comes back, again and again, is subscribed in the end") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_with(proxy.port(), {{"a", 1}, {"b", 1}}), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  for (int i = 0; i < 200; ++i) {
    REQUIRE(running.set_topics({{"b", 1}}));
    if (i % 20 == 0) REQUIRE(publish_all(broker.port(), {std::to_string(i)}, "b"));
    REQUIRE(running.set_topics({{"a", 1}, {"b", 1}}));
    if (i % 30 == 0) REQUIRE(publish_all(broker.port(), {std::to_string(i)}, "b"));
  }
  CHECK(RunningSource::wait_until([&] { return running.source().stats().subscriptions == 2; }));
  REQUIRE(running.set_topics({{"a", 1}, {"b", 1}, {"c", 1}}));
  REQUIRE(log.wait_for("subscribed to 3 topic filters"));
  REQUIRE(publish_all(broker.port(), {"in the end"}, "a"));
  CHECK(RunningSource::wait_until([&] { return topics_of(door).contains("a"); }));
}

TEST_CASE("a wide filter is left only after a narrower one in its place is subscribed") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  LogBook log;
  RecordingDoor door;
  RunningSource running(options_with(proxy.port(), {{"a/#", 1}}), log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(running.set_topics({{"a/b", 1}}));
  REQUIRE(log.wait_for("subscribed to 1 topic filter", 2));
  REQUIRE(running.stop());
  std::vector<MqttProxy::Type> asked;
  for (const MqttProxy::Event& event : proxy.events()) {
    if (event.type == MqttProxy::subscribe || event.type == MqttProxy::unsubscribe) {
      asked.push_back(event.type);
    }
  }
  REQUIRE(asked.size() == 4);  // a/# and $SYS; then the change
  CHECK(asked[2] == MqttProxy::subscribe);
  CHECK(asked[3] == MqttProxy::unsubscribe);
}

TEST_CASE("a change of QoS is subscribed again") {
  MosquittoBroker broker;
  broker.start();
  MqttOptions options = options_with(broker.port(), {{"a", 0}});
  options.protocol = any_protocol();
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(running.set_topics({{"a", 1}}));
  REQUIRE(log.wait_for("subscribed to 1 topic filter", 2));
  REQUIRE(publish_all(broker.port(), {"1"}, "a"));
  REQUIRE(door.wait_for(1));
  CHECK(door.kept().front().qos == 1);
}

TEST_CASE("filters that are wrong change nothing") {
  LogBook log;
  const auto source = make_mqtt_source(options_with(free_port(), {{"good", 1}}), log.environment());
  const auto wrong = source->set_topics({{"a/#/b", 1}, {"twice", 1}, {"twice", 0}});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == Errc::invalid_argument);
  CHECK_THAT(wrong.error().context, Catch::Contains("'a/#/b' is not a topic filter") &&
                                        Catch::Contains("stands there twice"));
  CHECK_FALSE(source->set_topics({}));
}

TEST_CASE("acknowledgements leave only after their commit while the filters change under load") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  MqttOptions options = options_with(proxy.port(), {{"t", 1}, {"other", 1}});
  options.protocol = any_protocol();
  LogBook log;
  RecordingDoor door;
  door.batch_messages = 7;
  door.on_commit = [&](const std::vector<RecordingDoor::Kept>& batch) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // lets a premature one show itself
    for (const auto& message : batch) proxy.write_down(message.payload);
  };
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  std::jthread changes([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      static_cast<void>(running.set_topics({{"t", 1}, {i % 2 == 0 ? "one" : "two", 1}}));
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  });
  REQUIRE(publish_all(broker.port(), numbers(0, 500)));
  REQUIRE(door.wait_for(500));
  changes = {};
  REQUIRE(running.stop());
  CHECK(door.payloads() == numbers(0, 500));
  std::set<std::string> durable;
  std::map<std::uint16_t, std::string> sent;
  std::size_t acknowledged = 0, subscribes = 0;
  for (const MqttProxy::Event& event : proxy.events()) {
    if (event.type == MqttProxy::note) durable.insert(event.payload);
    if (event.type == MqttProxy::publish && event.packet != 0) sent[event.packet] = event.payload;
    if (event.type == MqttProxy::subscribe) ++subscribes;
    if (event.type != MqttProxy::puback) continue;
    ++acknowledged;
    CHECK(durable.contains(sent[event.packet]));
  }
  CHECK(acknowledged == 500);
  CHECK(subscribes > 10);  // they came in between
  CHECK(running.source().stats().connects == 1);
}

TEST_CASE("a filter that was removed between two runs leaves the broker's session") {
  MosquittoBroker broker;
  broker.start();
  const TemporaryFolder folder;
  MqttOptions options = options_with(broker.port(), {{"old/#", 1}, {"both", 1}});
  options.protocol = any_protocol();
  options.session_file = folder / "subscriptions";
  LogBook log;
  {
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    CHECK(content_of(options.session_file) == remembered("both\nold/#\n"));
  }
  REQUIRE(publish_all(broker.port(), {"waits"}, "old/x"));
  options.topics = {{"both", 1}};
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(door.wait_for(1));  // what was queued before still comes
  REQUIRE(becomes(options.session_file, remembered("both\n")));
  REQUIRE(publish_all(broker.port(), {"unwanted"}, "old/x"));
  REQUIRE(publish_all(broker.port(), {"wanted"}, "both"));
  REQUIRE(door.wait_for(2));
  REQUIRE(running.stop());
  CHECK(door.payloads() == std::vector<std::string>{"waits", "wanted"});
  CHECK(running.source().stats().sessions_lost == 0);
}

TEST_CASE("a filter is remembered before it is subscribed, and until it is unsubscribed") {
  MosquittoBroker broker;
  broker.start();
  MqttProxy proxy(broker.port());
  const TemporaryFolder folder;
  MqttOptions options = options_with(proxy.port(), {{"a", 1}});
  options.session_file = folder / "subscriptions";
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  proxy.cut();
  REQUIRE(log.wait_for("lost the connection"));
  REQUIRE(running.set_topics({{"b", 1}}));
  CHECK(content_of(options.session_file) == remembered("a\n"));  // the session has not changed yet
  proxy.open();
  REQUIRE(becomes(options.session_file, remembered("b\n")));
  CHECK(running.stop());
}

TEST_CASE("a session that was lost between two runs is counted") {
  MosquittoBroker broker;
  broker.start();
  const TemporaryFolder folder;
  MqttOptions options = options_for(broker.port());
  options.session_file = folder / "subscriptions";
  LogBook log;
  {
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
  }
  broker.stop();
  broker.forget_sessions();
  broker.start();
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  CHECK(running.source().stats().sessions_lost == 1);
}

TEST_CASE("a list of subscriptions that cannot be read or written is said and stops nobody") {
  MosquittoBroker broker;
  broker.start();
  const TemporaryFolder folder;
  MqttOptions options = options_for(broker.port());
  LogBook log;
  SECTION("another file") {
    options.session_file = folder / "subscriptions";
    std::ofstream(options.session_file) << "something else\n";
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    CHECK(log.count("not a list of subscriptions") == 1);
    CHECK(content_of(options.session_file) == remembered("#\n"));
  }
  SECTION("no folder") {
    options.session_file = folder / "none/subscriptions";
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    REQUIRE(running.wait_until_ready());
    CHECK(log.count("cannot remember the subscriptions") == 1);
  }
}
