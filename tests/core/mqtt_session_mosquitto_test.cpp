// SPDX-License-Identifier: Apache-2.0
// The session against a real mosquitto over TCP, with the plainest transport that can be.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include "catch.hpp"

#include "adapters/mosquitto_broker.hpp"
#include "core/mqtt_client.hpp"

using namespace telemetry::core;
using telemetry::testing::as_bytes;
using telemetry::testing::MosquittoBroker;

namespace {

/// A client on a socket; connects again by itself unless told otherwise.
class TcpClient {
 public:
  TcpClient(MqttOptions given, std::uint16_t port, std::size_t window = 8)
      : options_(given), port_(port), window_(window) {}
  ~TcpClient() { shut(); }
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  /// One round, as docs/core.md has it: receive, poll, (publish by the caller,) send.
  void step() {
    if (socket_ < 0 && (!reconnects || !link())) {
      ::poll(nullptr, 0, 5);
      return;
    }
    pollfd waiting{socket_, POLLIN, 0};
    ::poll(&waiting, 1, session.to_send().empty() ? 2 : 0);
    char bytes[512];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
    const bool gone = got == 0 || (got < 0 && errno != EAGAIN);
    if (got > 0) input_.append(bytes, static_cast<std::size_t>(got));
    const std::size_t taken = session.receive(as_bytes(input_), now(), *this);
    input_.erase(0, taken);
    session.poll(now());
    std::uint32_t token = 0;
    while (session.next_resend(token) && session.resend("t/1", payloads.at(token))) {
    }
    send();
    if (gone || session.wants_close()) shut();
  }

  void send() {
    const auto queued = session.to_send();
    const ssize_t sent = ::send(socket_, queued.data(), queued.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) session.sent(static_cast<std::size_t>(sent));
  }

  /// The transport fails.
  void shut() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    input_.clear();
    last_code = session.connack_code();
    session.close();
  }

  void on_message(const MqttMessage& message) {
    received.emplace_back(message.payload);
    retained += message.retained ? 1u : 0u;
  }
  void on_acknowledged(std::uint32_t token) {
    payloads.erase(token);
    ++acknowledged;
  }
  void on_subscribed(std::uint16_t, std::uint8_t code) { granted.push_back(code); }

  std::map<std::uint32_t, std::string> payloads;  // in flight
  std::vector<std::string> received;
  std::vector<std::uint8_t> granted;
  std::uint32_t acknowledged = 0, retained = 0, connections = 0, clock_ahead_ms = 0;
  std::uint8_t last_code = 0;
  bool reconnects = true;

 private:
  std::uint32_t now() const {
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint32_t>(
               std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
           clock_ahead_ms;
  }

  bool link() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket_);
      socket_ = -1;
      return false;
    }
    ++connections;
    return session.open(now());
  }

  const MqttOptions options_;
  std::uint16_t port_;
  int socket_ = -1;
  std::string input_;
  std::vector<std::uint8_t> receive_ = std::vector<std::uint8_t>(256);
  std::vector<std::uint8_t> send_ = std::vector<std::uint8_t>(512);
  std::vector<MqttSession::InFlight> window_;

 public:
  MqttSession session{options_, receive_, send_, window_};
};

/// Steps until `done`; false after 20 s.
bool until(std::initializer_list<TcpClient*> clients, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    for (TcpClient* client : clients) client->step();
  }
  return true;
}

bool connected(const TcpClient& client) { return client.session.state() == MqttState::connected; }

void subscribe(TcpClient& client, std::string_view filter) {
  REQUIRE(until({&client}, [&] { return connected(client); }));
  const std::size_t before = client.granted.size();
  std::uint16_t id = 0;
  REQUIRE(client.session.subscribe(filter, 1, id));
  REQUIRE(until({&client}, [&] { return client.granted.size() > before; }));
  REQUIRE(client.granted.back() == 1);
}

}  // namespace

TEST_CASE("over a restart of mosquitto every message arrives, first arrivals in order") {
  constexpr std::uint32_t count = 2000;
  MosquittoBroker broker;
  broker.start();
  TcpClient subscriber({.client_id = "subscriber"}, broker.port());
  TcpClient publisher({.client_id = "publisher"}, broker.port());
  subscribe(subscriber, "t/+");

  std::uint32_t next = 0;
  bool restarted = false;
  const auto publish = [&] {
    while (next < count && publisher.session.publish("t/1", std::to_string(next), next)) {
      publisher.payloads[next] = std::to_string(next);
      ++next;
    }
    if (!restarted && publisher.acknowledged >= count / 2 && publisher.session.in_flight() == 8) {
      restarted = true;
      broker.stop();  // sessions and queues are saved
      broker.start();
    }
    return publisher.acknowledged == count;
  };
  REQUIRE(until({&publisher, &subscriber}, publish));
  std::uint32_t arrived = 0;
  std::size_t judged = 0;
  bool ordered = true;
  REQUIRE(until({&subscriber}, [&] {
    for (; judged < subscriber.received.size(); ++judged) {
      const auto number = static_cast<std::uint32_t>(std::stoul(subscriber.received[judged]));
      ordered = ordered && number <= arrived;
      arrived = std::max(arrived, number + 1);
    }
    return arrived == count;
  }));
  CHECK(ordered);
  CHECK(restarted);
  CHECK(publisher.connections == 2);
  CHECK(subscriber.connections == 2);
  CHECK(subscriber.session.session_present());
  CHECK(publisher.session.counters().resent > 0);
  CHECK(publisher.session.counters().malformed + publisher.session.counters().timeouts == 0);
  CHECK(subscriber.session.counters().malformed + subscriber.session.counters().timeouts == 0);
}

TEST_CASE("mosquitto's large messages are skipped, its retained ones marked, its pings answered") {
  MosquittoBroker broker;
  broker.start();
  TcpClient client({.client_id = "client"}, broker.port());
  subscribe(client, "t/#");
  CHECK(telemetry::testing::run_program({"mosquitto_pub", "-h", "127.0.0.1", "-p",
                                         std::to_string(broker.port()), "-q", "1", "-t", "t/large",
                                         "-m", std::string(4000, 'x')}) == 0);
  REQUIRE(until({&client}, [&] { return client.session.counters().oversize == 1; }));
  REQUIRE(client.session.publish("t/kept", "kept", true));
  REQUIRE(until({&client}, [&] { return client.received.size() == 1; }));
  subscribe(client, "t/#");  // again: the broker sends what is retained (3.8.4)
  REQUIRE(until({&client}, [&] { return client.retained == 1; }));
  client.clock_ahead_ms = 60'000;
  client.step();
  CHECK(client.session.counters().pings == 1);
  client.clock_ahead_ms = 65'000;
  REQUIRE(until({&client}, [&] {
    if (client.session.publish("t/x", "x")) client.send();
    return client.received.size() > 4;
  }));
  client.clock_ahead_ms = 75'000;  // the PINGRESP has come: no timeout
  client.step();
  CHECK(client.session.counters().timeouts == 0);
  CHECK(client.connections == 1);
  CHECK(client.session.counters().unexpected == 0);
}

TEST_CASE("mosquitto publishes the will when the transport fails, and not behind DISCONNECT") {
  MosquittoBroker broker;
  broker.start();
  TcpClient watcher({.client_id = "watcher"}, broker.port());
  subscribe(watcher, "status");
  for (const bool polite : {true, false}) {
    TcpClient client({.client_id = "client", .will_topic = "status", .will_payload = "gone"},
                     broker.port());
    REQUIRE(until({&client}, [&] { return connected(client); }));
    client.reconnects = false;
    REQUIRE(client.session.publish("status", polite ? "polite" : "rude"));
    client.send();
    if (polite) {
      REQUIRE(client.session.disconnect());
      REQUIRE(until({&client}, [&] { return !connected(client); }));
    } else {
      client.shut();
    }
  }
  REQUIRE(until({&watcher}, [&] { return watcher.received.size() == 3; }));
  CHECK(watcher.received == std::vector<std::string>{"polite", "rude", "gone"});
}

TEST_CASE("mosquitto lets the right password in and refuses the wrong one") {
  MosquittoBroker::Settings settings;
  settings.users = {{"device", "secret"}};
  MosquittoBroker broker(settings);
  broker.start();
  TcpClient right({.client_id = "a", .user_name = "device", .password = "secret"}, broker.port());
  REQUIRE(until({&right}, [&] { return connected(right); }));
  TcpClient wrong({.client_id = "b", .user_name = "device", .password = "guess"}, broker.port());
  REQUIRE(until({&wrong}, [&] { return wrong.last_code != 0; }));
  CHECK(wrong.last_code == 5);  // table 3.1: not authorized
  CHECK_FALSE(connected(wrong));
  TcpClient nameless({.keepalive_s = 10, .clean_session = true}, broker.port());
  REQUIRE(until({&nameless}, [&] { return nameless.last_code != 0; }));
  CHECK(nameless.last_code == 5);
}
