// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "adapters/mqtt_fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

/// A broker that wants client certificates, and options that satisfy it.
struct TlsBroker {
  TemporaryFolder folder;
  Certificates files{folder};
  MosquittoBroker broker{[this] {
    MosquittoBroker::Settings settings;
    settings.tls = &files;
    return settings;
  }()};

  TlsBroker() { broker.start(); }
  [[nodiscard]] MqttOptions options() const {
    MqttOptions options = options_for(broker.tls_port());
    options.tls.enabled = true;
    options.tls.ca_file = files.ca;
    options.tls.cert_file = files.client_cert;
    options.tls.key_file = files.client_key;
    return options;
  }
  /// The line that a source with these options writes.
  [[nodiscard]] static std::string complaint(const MqttOptions& options, const std::string& text) {
    LogBook log;
    RecordingDoor door;
    RunningSource running(options, log.environment(), door);
    const bool found = log.wait_for(text);
    return found ? text : log.all();
  }
};

}  // namespace

TEST_CASE("a client certificate opens a TLS connection, on which everything works") {
  TlsBroker tls;
  MqttOptions options = tls.options();
  options.tls.min_version = GENERATE("1.2", "1.3");
  LogBook log;
  RecordingDoor door;
  door.batch_messages = 50;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(publish_all(tls.broker.port(), numbers(0, 300)));
  REQUIRE(publish_all(tls.broker.port(), {std::string(300'000, 'x')}));
  REQUIRE(door.wait_for(301));
  door.commits_that_fail = 1;
  REQUIRE(publish_all(tls.broker.port(), {"again"}));
  REQUIRE(door.wait_for(302));
  CHECK(door.payloads().back() == "again");
  CHECK(running.stop());

  auto publisher = MqttPublisher::connect(options, log.environment());
  REQUIRE(publisher);
  REQUIRE((*publisher)->publish("t", "over TLS", 1, false));
  CHECK((*publisher)->drain(20'000'000'000));
}

TEST_CASE("a broker whose certificate is signed by somebody else is refused, with the remedy") {
  TlsBroker tls;
  MqttOptions options = tls.options();
  options.tls.ca_file = tls.files.other_ca;
  const std::string text = "TLS handshake failed: certificate verify failed; next try in";
  CHECK(TlsBroker::complaint(options, text) == text);
  const std::string remedy =
      "is not signed by " + tls.files.other_ca + ", or has expired: check mqtt.tls.ca_file";
  CHECK(TlsBroker::complaint(options, remedy) == remedy);
  options.tls.ca_file.clear();  // the system does not know the authority either
  CHECK(TlsBroker::complaint(options, text) == text);
}

TEST_CASE("a broker under a name that its certificate does not carry is refused") {
  TlsBroker tls;
  MqttOptions options = tls.options();
  options.broker = "127.0.0.1";
  const std::string text = "the broker's certificate is not for '127.0.0.1'";
  CHECK(TlsBroker::complaint(options, text) == text);
}

TEST_CASE("a missing client certificate is named") {
  TlsBroker tls;
  MqttOptions options = tls.options();
  options.tls.cert_file.clear();
  options.tls.key_file.clear();
  options.tls.min_version = GENERATE("1.2", "1.3");
  const std::string text = "the broker wants a client certificate that it trusts";
  CHECK(TlsBroker::complaint(options, text) == text);
}

TEST_CASE("TLS on a plain port, and plain on a TLS port, are told") {
  TlsBroker tls;
  MqttOptions options = tls.options();
  options.port = tls.broker.port();
  const std::string no_tls = "does port " + std::to_string(options.port) + " speak MQTT over TLS?";
  CHECK(TlsBroker::complaint(options, no_tls) == no_tls);
  options = tls.options();
  options.tls = {};
  const std::string no_plain =
      "does port " + std::to_string(options.port) + " speak MQTT without TLS?";
  CHECK(TlsBroker::complaint(options, no_plain) == no_plain);
}

TEST_CASE("a certificate that vanishes while running is named and tried again") {
  TlsBroker tls;
  MqttOptions options = tls.options();
  const std::string moved = tls.folder / "moved.pem";
  LogBook log;
  RecordingDoor door;
  RunningSource running(options, log.environment(), door);
  REQUIRE(running.wait_until_ready());
  REQUIRE(std::rename(tls.files.client_cert.c_str(), moved.c_str()) == 0);
  tls.broker.stop();
  tls.broker.start();
  REQUIRE(log.wait_for("cannot read '" + tls.files.client_cert + "': No such file or directory"));
  REQUIRE(std::rename(moved.c_str(), tls.files.client_cert.c_str()) == 0);
  CHECK(log.wait_for("the broker has kept the session"));
}
