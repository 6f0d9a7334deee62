// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <fstream>
#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "telemetry/adapters/mqtt.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

/// The MQTT options of a configuration file with this text.
struct Load {
  TemporaryFolder folder;
  std::vector<Diagnostic> diagnostics;

  Result<std::vector<MqttOptions>> operator()(const std::string& yaml,
                                              std::string_view app = "edge",
                                              MqttUse use = MqttUse::subscribe) {
    Config::Sources sources;
    sources.file = folder / "edge.yaml";
    sources.app = app;
    sources.environment = [](const std::string&) { return std::nullopt; };
    sources.environment_names = [] { return std::vector<std::string>{}; };
    std::ofstream(sources.file) << yaml;
    const std::array<OptionTable, 2> tables{mqtt_options(), base_options()};
    const auto config = Config::load(sources, tables, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics) UNSCOPED_INFO(to_string(diagnostic));
    REQUIRE(config);
    return mqtt_options_from(*config, app, use);
  }
  std::vector<MqttOptions> good(const std::string& yaml, std::string_view app = "edge") {
    auto options = (*this)(yaml, app);
    if (!options) UNSCOPED_INFO(options.error().context);
    REQUIRE(options);
    return std::move(*options);
  }
  std::string refused(const std::string& yaml) {
    const auto options = (*this)(yaml);
    REQUIRE_FALSE(options);
    CHECK(options.error().code == Errc::invalid_argument);
    return describe(options.error());
  }
};

}  // namespace

TEST_CASE("settings reach the options") {
  Load load;
  const auto all = load.good(R"(
mqtt:
  broker: example.org
  port: 1884
  client_id: gateway-1
  username: edge
  password: secret
  keepalive: 30
  topics: [{topic: "sensors/#", qos: 2}, "$share/g/iot/+"]
  session_expiry: 1h
  receive_maximum: 500
  protocol: 3.1.1
  coalesce_ms: 0.25
  reconnect_min: 1s
  reconnect_max: 10s
)");
  REQUIRE(all.size() == 1);
  const MqttOptions& options = all.front();
  CHECK(options.broker == "example.org");
  CHECK(options.port == 1884);
  CHECK(options.client_id == "gateway-1");
  CHECK(options.username == "edge");
  CHECK(options.password == "secret");
  CHECK(options.keepalive_s == 30);
  REQUIRE(options.topics.size() == 2);
  CHECK(options.topics[0].filter == "sensors/#");
  CHECK(options.topics[0].qos == 2);
  CHECK(options.topics[1].filter == "$share/g/iot/+");
  CHECK(options.persistent_session);
  CHECK(options.session_expiry_s == 3600);
  CHECK(options.receive_maximum == 500);
  CHECK(options.protocol == MqttProtocol::v311);
  CHECK(options.coalesce_ns == 250'000);
  CHECK(options.reconnect_min_ns == 1'000'000'000);
  CHECK(options.reconnect_max_ns == 10'000'000'000);
}

TEST_CASE("what is not set is as in MqttOptions") {
  Load load;
  const MqttOptions options = load.good("mqtt: {topics: [a]}").front();
  const MqttOptions fallback;
  CHECK(options.broker == fallback.broker);
  CHECK(options.port == fallback.port);
  CHECK(options.keepalive_s == fallback.keepalive_s);
  CHECK(options.session_expiry_s == fallback.session_expiry_s);
  CHECK(options.receive_maximum == fallback.receive_maximum);
  CHECK(options.protocol == fallback.protocol);
  CHECK(options.coalesce_ns == fallback.coalesce_ns);
  CHECK(options.reconnect_min_ns == fallback.reconnect_min_ns);
  CHECK(options.reconnect_max_ns == fallback.reconnect_max_ns);
  CHECK(options.persistent_session == fallback.persistent_session);
}

TEST_CASE("retained messages are taken as the topic says, else as the broker's entry does") {
  using enum RetainedPolicy;
  Load load;
  const auto policies = [&](const std::string& yaml) {
    std::vector<std::optional<RetainedPolicy>> out;
    for (const MqttOptions& options : load.good(yaml)) {
      for (const Subscription& topic : options.topics) out.push_back(topic.retained);
    }
    return out;
  };
  using Policies = std::vector<std::optional<RetainedPolicy>>;
  const std::string topics = "topics: [a, {topic: b, retained: ignore}]";
  CHECK(policies("mqtt: {" + topics + "}") == Policies{skip_stored, ignore});
  CHECK(policies("mqtt: {retained: store, " + topics + "}") == Policies{store, ignore});
  CHECK(policies("mqtt: [{broker: a, retained: store, " + topics + "}, {broker: b, " + topics +
                 "}]") == Policies{store, ignore, skip_stored, ignore});
}

TEST_CASE("TLS moves the default port") {
  Load load;
  CHECK(load.good("mqtt: {topics: [a], tls: {enabled: true}}").front().port == 8883);
  CHECK(load.good("mqtt: {topics: [a], port: 1883, tls: {enabled: true}}").front().port == 1883);
  const MqttOptions url = load.good("mqtt: {topics: [a], broker: \"mqtts://h\"}").front();
  CHECK(url.broker == "h");
  CHECK(url.port == 8883);
  CHECK(url.tls.enabled);
}

TEST_CASE("the client id is fixed, and its own for each program, journal and broker") {
  Load load;
  const std::string yaml = "mqtt: {topics: [a]}\n";
  const std::string id = load.good(yaml).front().client_id;
  CHECK(id.starts_with("telemetry-edge-"));
  CHECK(id.size() <= 64);
  CHECK(load.good(yaml).front().client_id == id);
  CHECK(load.good("mqtt: {topics: [b], username: u, keepalive: 5}").front().client_id == id);
  CHECK(load.good(yaml, "gateway").front().client_id != id);
  CHECK(load.good(yaml + "journal: {path: /elsewhere}").front().client_id != id);
  CHECK(load.good("mqtt: {topics: [a], port: 1884}").front().client_id != id);
}

TEST_CASE("what is remembered of session and broker lies beside the journal") {
  Load load;
  const std::string yaml = "mqtt: {topics: [a], client_id: c}\njournal: {path: /j}\n";
  const MqttOptions options = load.good(yaml).front();
  CHECK(options.session_file == "/j/subscriptions-08c424ef801cd974");
  CHECK(options.broker_file == "/j/broker-08c424ef801cd974");
  const MqttOptions fleeting =
      load.good("mqtt: {topics: [a], persistent_session: false}\njournal: {path: /j}\n").front();
  CHECK(fleeting.session_file.empty());
  CHECK_FALSE(fleeting.broker_file.empty());
  CHECK(load(yaml, "simulator", MqttUse::publish)->front().broker_file.empty());
}

TEST_CASE("a list of brokers gives one connection each") {
  Load load;
  const auto all =
      load.good("mqtt:\n  - {broker: one, topics: [a]}\n  - {broker: two, topics: [b]}\n");
  REQUIRE(all.size() == 2);
  CHECK(all[0].broker == "one");
  CHECK(all[1].broker == "two");
  CHECK(all[1].section == "mqtt[1]");
  CHECK(all[0].client_id != all[1].client_id);
}

TEST_CASE("contradicting settings are refused with place and remedy") {
  Load load;
  struct Case {
    std::string yaml, place, remedy;
  };
  const auto [yaml, place, remedy] = GENERATE(values<Case>(
      {{"mqtt: {port: 1883}", "mqtt.topics (default): no topic", "list at least one"},
       {"mqtt: {topics: []}", "mqtt.topics", "list at least one"},
       {"mqtt:\n  topics: [a]\n  session_expiry: 0\n",
        "edge.yaml:3:19: error: mqtt.session_expiry: ", "set persistent_session: false"},
       {"mqtt: {topics: [a], keepalive: 3}", "mqtt.keepalive: ", "at least 5 s"},
       {"mqtt: {topics: [a], password: p}", "mqtt.password: ", "set username"},
       {"mqtt: {topics: [a], reconnect_min: 60s}", "mqtt.reconnect_max", "below"},
       {"mqtt: {topics: [a], tls: {ca_file: /etc/hostname}}",
        "mqtt.tls.ca_file: ", "tls.enabled: true"},
       {"mqtt: {topics: [a], tls: {enabled: true, ca_file: /no/such}}",
        "mqtt.tls.ca_file: cannot read '/no/such': No such file", "give a PEM file"},
       {"mqtt: {topics: [a], tls: {enabled: true, cert_file: /etc/hostname}}", "mqtt.tls.cert_file",
        "set tls.key_file"},
       {"mqtt: {topics: [a], tls: {enabled: true, key_file: /etc/hostname}}", "mqtt.tls.key_file",
        "set tls.cert_file"},
       {"mqtt:\n  - {topics: [a]}\n  - {topics: [b]}\n", "mqtt[1].broker",
        "put all topics into one entry"}}));
  const std::string message = load.refused(yaml);
  INFO(message);
  CHECK(message.find(place) != std::string::npos);
  CHECK(message.find(remedy) != std::string::npos);
}

TEST_CASE("all contradictions are told at once") {
  Load load;
  const std::string message = load.refused("mqtt: {session_expiry: 0, keepalive: 1}");
  CHECK(message.find("mqtt.topics") != std::string::npos);
  CHECK(message.find("mqtt.session_expiry") != std::string::npos);
  CHECK(message.find("mqtt.keepalive") != std::string::npos);
}

TEST_CASE("without a persistent session there is none to expire") {
  Load load;
  CHECK_FALSE(load.good("mqtt: {topics: [a], persistent_session: false, session_expiry: 0}")
                  .front()
                  .persistent_session);
}

TEST_CASE("a program that publishes needs no topics") {
  Load load;
  CHECK(load("mqtt: {broker: here}", "sim", MqttUse::publish));
}
