// SPDX-License-Identifier: Apache-2.0
// Connecting, and what the broker sends. Bytes are spelled by hand from MQTT 3.1.1; section numbers
// are that document's.
#include "telemetry/core/mqtt_session.hpp"

#include "catch.hpp"

#include "core/mqtt_client.hpp"

using namespace telemetry::core;
using telemetry::testing::as_bytes;
using telemetry::testing::ClientSizes;
using telemetry::testing::MqttClient;
using telemetry::testing::wire;
using Events = std::vector<std::string>;

namespace {

/// Publishes `count` QoS 1 messages "0", "1", ... with the tokens 100, 101, ...
void publish(MqttClient& client, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i)
    REQUIRE(client.session.publish("t", std::to_string(i), 100u + i));
}

}  // namespace

// --- CONNECT and CONNACK.

TEST_CASE("a session connects: CONNECT out, CONNACK in") {
  MqttClient client;
  CHECK(client.session.state() == MqttState::disconnected);
  REQUIRE(client.session.open(0));
  CHECK(client.session.state() == MqttState::connecting);
  CHECK_FALSE(client.session.publish("t", "x"));
  CHECK_FALSE(client.session.publish("t", "x", 1u));
  CHECK_FALSE(client.session.disconnect());
  CHECK(client.take() == wire("10 0D 0004'MQTT' 04 00 003C 0001'c'"));
  CHECK(client.feed(wire("20 02 00 00")) == 4);
  CHECK(client.session.state() == MqttState::connected);
  CHECK_FALSE(client.session.session_present());
  CHECK_FALSE(client.session.wants_close());
  CHECK(client.take().empty());
}

TEST_CASE("session present is told as the broker says it, until the next CONNACK") {
  MqttClient client;
  REQUIRE(client.connect(true));
  CHECK(client.session.session_present());
  client.session.close();
  CHECK(client.session.session_present());
  CHECK(client.session.state() == MqttState::disconnected);
  REQUIRE(client.connect(false));
  CHECK_FALSE(client.session.session_present());
}

TEST_CASE("a refusal is told with its code and ends the connection") {
  for (const char* code : {"01", "02", "03", "04", "05", "FF"}) {  // table 3.1
    MqttClient client;
    REQUIRE(client.session.open(0));
    client.take();
    client.feed(wire(std::string("20 02 00 ") + code));
    CHECK(client.session.state() == MqttState::refused);
    CHECK(client.session.connack_code() == std::stoi(code, nullptr, 16));
    CHECK(client.session.wants_close());
    CHECK(client.session.counters().malformed == 0);
    client.session.close();
    CHECK_FALSE(client.session.wants_close());
    CHECK(client.session.state() == MqttState::disconnected);
  }
}

TEST_CASE("a session that cannot connect says so when it is opened") {
  CHECK_FALSE(MqttClient({.client_id = ""}).session.open(0));
  CHECK(MqttClient({.client_id = "c"}, {.send = 15}).session.open(0));
  CHECK_FALSE(MqttClient({.client_id = "c"}, {.send = 14}).session.open(0));
  CHECK_FALSE(MqttClient({.client_id = "c"}, {.send = 0}).session.open(0));
  CHECK(MqttClient({.client_id = "c"}, {.receive = 4}).session.open(0));
  MqttClient small({.client_id = "c"}, {.receive = 3});
  CHECK_FALSE(small.session.open(0));
  CHECK(small.session.state() == MqttState::disconnected);
  CHECK(small.session.to_send().empty());
  CHECK(small.feed(wire("20 02 00 00")) == 4);
  CHECK(small.session.state() == MqttState::disconnected);
}

TEST_CASE("anything but one proper CONNACK ends a connection that begins") {
  for (const char* bytes : {
           "20 02 02 00",  // 3.2.2.1: reserved flag
           "20 02 01 05",  // 3.2.2-4: a refusal knows no session
           "20 01 00", "20 03 00 00 00",
           "21 02 00 00",        // 2.2.2-2: reserved flags of the fixed header
           "30 04 0001'a' 'x'",  // 3.2.0-1: CONNACK must be first
           "40 02 0001", "D0 00", "90 03 0001 00", "00 00", "10 00", "F0 00",
           "20 FFFFFFFF 01",  // 2.2.3: five bytes of length
       }) {
    CAPTURE(bytes);
    MqttClient client;
    REQUIRE(client.session.open(0));
    client.take();
    client.feed(wire(bytes));
    CHECK(client.session.wants_close());
    CHECK(client.session.counters().malformed == 1);
    CHECK(client.events().empty());
  }
  MqttClient clean({.client_id = "c", .clean_session = true});
  CHECK_FALSE(clean.connect(true));  // 3.2.2-1: a clean session cannot be there already
  CHECK(clean.session.counters().malformed == 1);
}

// --- What the broker sends.

TEST_CASE("messages are handed over, and acknowledged when they ask for it") {
  MqttClient client;
  REQUIRE(client.connect());
  client.feed(wire("30 07 0003'a/b' 'hi'"));
  CHECK(client.take().empty());
  client.feed(wire("3B 08 0003'a/b' 1234 'x' 31 03 0001'c'"));
  CHECK(client.take() == wire("40 02 1234"));  // 3.4
  CHECK(client.events() == Events{"message a/b 'hi' qos 0",
                                  "message a/b 'x' qos 1 retained duplicate",
                                  "message c '' qos 0 retained"});
}

TEST_CASE("a packet that breaks a rule ends the connection, and nothing behind it counts") {
  for (const char* bytes : {
           "20 02 00 00",             // a second CONNACK
           "34 06 0001'a' 0001 'x'",  // QoS 2: not subscribed
           "36 06 0001'a' 0001 'x'",  // 3.3.1-4: QoS 3
           "38 04 0001'a' 'x'",       // 3.3.1-2: DUP with QoS 0
           "30 00",
           "30 02 0000",
           "30 03 0000 'x'",
           "30 03 0002 'a'",
           "32 04 0001'a' 00",
           "32 05 0001'a' 0000",
           "32 05 0002'ab' 01",
           "30 05 0002'a+' 'x'",
           "30 04 0001 FF 'x'",
           "30 04 0001 00 'x'",
           "40 01 00",
           "40 03 0001 00",
           "40 02 0000",
           "41 02 0001",
           "42 02 0001",
           "50 02 0001",
           "62 02 0001",
           "70 02 0001",
           "B0 02 0001",  // QoS 2, UNSUBACK
           "90 02 0001",
           "90 04 0001 00 00",
           "90 03 0001 02",
           "90 03 0001 7F",
           "90 03 0000 00",
           "92 03 0001 00",
           "D0 01 00",
           "D1 00",
           "00 00",
           "10 00",
           "82 00",
           "A2 00",
           "C0 00",
           "E0 00",
           "F0 00",
           "30 80808080 01",    // 2.2.3: five bytes of length
           "30 C801 00C8 'x'",  // oversize below: its topic ends behind the packet
       }) {
    CAPTURE(bytes);
    MqttClient client;
    REQUIRE(client.connect());
    std::string stream = wire(bytes);
    if (stream.size() > 3 && stream[1] == '\xC8') stream.resize(3 + 200, 'x');
    stream += wire("32 06 0001'a' 0001 'x'");
    CHECK(client.feed(stream) == stream.size());
    CHECK(client.session.wants_close());
    CHECK(client.session.counters().malformed == 1);
    CHECK(client.events().empty());
    CHECK(client.take().empty());
    CHECK_FALSE(client.session.publish("t", "x"));
    client.poll_after(1'000'000);
    CHECK(client.session.counters().timeouts == 0);
    REQUIRE(client.connect());  // the next connection is good again
    CHECK_FALSE(client.session.wants_close());
  }
}

TEST_CASE("answers that nothing waits for are counted and ignored") {
  MqttClient client;
  REQUIRE(client.connect());
  client.feed(wire("40 02 0001  90 03 0001 00  D0 00"));
  CHECK_FALSE(client.session.wants_close());
  CHECK(client.session.counters().unexpected == 3);
  CHECK(client.events().empty());
}

TEST_CASE("a length that is spelled with more bytes than needed is taken") {
  MqttClient client;  // section 2.2.3 does not forbid it
  REQUIRE(client.connect());
  client.feed(wire("30 84808000 0001'a' 'x' D0 8000"));
  CHECK(client.events() == Events{"message a 'x' qos 0"});
  CHECK_FALSE(client.session.wants_close());
}

TEST_CASE("a message larger than the receive buffer is skipped, counted and acknowledged") {
  const std::string body(300, 'x'), long_topic(100, 't');
  const std::string streams[] = {
      wire("30 B102 0003'a/b'") + body,                // QoS 0: 5 + 300 = 305 bytes
      wire("32 B302 0003'a/b' 0007") + body,           // QoS 1: 307 bytes
      wire("32 68 0064") + long_topic + wire("0007"),  // a topic larger than the buffer, no payload
      wire("32 65 0001'a' 0007") + body.substr(0, 96),
  };
  for (const std::string& stream : streams) {
    for (const std::size_t receive : {4u, 16u, 100u}) {
      MqttClient client({.client_id = "c"}, {.receive = receive});
      REQUIRE(client.connect());
      CHECK(client.feed(stream + wire("D0 00 30 04 0001'a' 'y'")) == stream.size() + 8);
      CHECK(client.take() == (stream[0] == '2' ? wire("40 02 0007") : ""));
      CHECK(client.session.counters().oversize == 1);
      CHECK_FALSE(client.session.wants_close());
      CHECK(client.events() == Events{"message a 'y' qos 0"});
    }
  }
  MqttClient exact({.client_id = "c"}, {.receive = 101});
  REQUIRE(exact.connect());
  exact.feed(streams[3]);
  CHECK(exact.session.counters().oversize == 0);
  CHECK(exact.events().size() == 1);
}

TEST_CASE("a skipped message must still be a proper one") {
  const std::string body(300, 'x');
  for (const std::string& stream : {
           wire("32 B302 0003'a/b' 0000") + body,  // packet id 0
           wire("30 B102 0000") + body + "xxx",    // no topic
           wire("32 B102 0131") + body + "xxx",    // topic and id end behind the packet
           wire("32 B102 012E") + body + "xxx",    // only the id does
       }) {
    MqttClient client;
    REQUIRE(client.connect());
    client.feed(stream);
    CHECK(client.session.wants_close());
    CHECK(client.session.counters().malformed == 1);
    CHECK(client.session.counters().oversize == 0);
    CHECK(client.take().empty());
  }
}

TEST_CASE("however the stream is cut, the same comes out") {
  const std::string stream =
      wire("20 02 01 00  30 07 0003'a/b' 'hi'  32 08 0003'a/b' 0102 'x'") +
      wire("32 B001 0002'ab' 0304") + std::string(170, 'y') +
      wire("40 02 0001  90 03 0003 01  40 02 0002  D0 00  3B 06 0001'z' FFFF 'q'  30 03 0001'e'");
  const auto run = [&stream](std::size_t first, std::size_t second) {
    MqttClient client({.client_id = "c"}, {.receive = 20});
    std::string out;
    const auto feed = [&](std::size_t from, std::size_t to) {
      std::size_t at = from;
      for (;;) {
        const bool was_open = client.session.state() == MqttState::connected;
        at += client.feed(std::string_view(stream).substr(at, to - at));
        if (!was_open && client.session.state() == MqttState::connected) {
          publish(client, 2);
          std::uint16_t id = 0;
          REQUIRE(client.session.subscribe("f", 1, id));
          REQUIRE(id == 3);
        }
        out += client.take();
        if (at == to) return;
      }
    };
    REQUIRE(client.session.open(0));
    client.take();
    feed(0, 4);  // what is published goes out before the answers
    if (second < first) {
      for (std::size_t at = 4; at < stream.size(); ++at) feed(at, at + 1);
    } else {
      feed(4, first);
      feed(first, second);
      feed(second, stream.size());
    }
    Events events = client.events();
    events.push_back(out);
    events.push_back(std::to_string(client.session.counters().unexpected));
    REQUIRE(client.session.counters().oversize == 1);
    REQUIRE(client.session.in_flight() == 0);
    REQUIRE_FALSE(client.session.wants_close());
    return events;
  };
  const Events whole = run(4, 4);
  CHECK(whole == Events{"message a/b 'hi' qos 0", "message a/b 'x' qos 1", "acknowledged 100",
                        "subscribed 3 1", "acknowledged 101",
                        "message z 'q' qos 1 retained duplicate", "message e '' qos 0",
                        wire("32 06 0001't' 0001 '0' 32 06 0001't' 0002 '1' 82 06 0003 0001'f' 01"
                             "40 02 0102 40 02 0304 40 02 FFFF"),
                        "1"});
  CHECK(run(5, 4) == whole);  // byte by byte
  std::size_t different = 0;
  for (std::size_t first = 4; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); second += 7)
      different += run(first, second) == whole ? 0u : 1u;
  }
  CHECK(different == 0);
}

TEST_CASE("no PUBACK is lost while the transport takes nothing") {
  MqttClient client({.client_id = "c"}, {.send = 20});
  REQUIRE(client.connect());
  std::string stream, acknowledgements;
  for (char id = 1; id <= 9; ++id) {
    stream += wire("32 05 0001'a' 00") + id;
    acknowledgements += wire("40 02 00") + id;
  }
  const std::size_t taken = client.feed(stream);
  CHECK(taken == 4 * 7);  // 4 PUBACKs and the reserve: 16 of 20 bytes, less than 8 free
  CHECK(client.feed(std::string_view(stream).substr(taken)) == 0);
  CHECK(client.session.to_send().size() == 16);
  CHECK_FALSE(client.session.publish("t", ""));
  std::string sent;
  std::size_t at = taken;
  while (at < stream.size()) {  // 3 bytes at a time
    const auto bytes = client.session.to_send().first(3);
    sent.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    client.session.sent(3);
    at += client.feed(std::string_view(stream).substr(at));
  }
  CHECK(sent + client.take() == acknowledgements);
  CHECK(client.events().size() == 9);
}

TEST_CASE("the handler may publish, subscribe and disconnect") {
  struct Answering {
    MqttSession& session;
    bool published = false, disconnected = false;
    void on_message(const MqttMessage& message) {
      published = session.publish("answer", message.payload, 5u);
      disconnected = session.disconnect();
    }
    void on_acknowledged(std::uint32_t) {}
    void on_subscribed(std::uint16_t, std::uint8_t) {}
  };
  MqttClient client;
  REQUIRE(client.connect());
  Answering handler{client.session};
  const std::string stream = wire("32 06 0001'a' 0009 'x' 30 03 0001'a'");
  CHECK(client.session.receive(as_bytes(stream), 0, handler) == stream.size());
  CHECK(handler.published);
  CHECK(handler.disconnected);
  CHECK(client.take() == wire("40 02 0009  32 0B 0006'answer' 0001 'x'  E0 00"));
  CHECK(client.session.wants_close());
}
