// SPDX-License-Identifier: Apache-2.0
// Publishing, lost connections, subscribing, time. Bytes are spelled by hand from MQTT 3.1.1;
// section numbers are that document's.
#include "telemetry/core/mqtt_session.hpp"

#include "catch.hpp"

#include "core/mqtt_client.hpp"

using namespace telemetry::core;
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

// --- Publishing.

TEST_CASE("QoS 0 publications go out once and are not kept") {
  MqttClient client;
  REQUIRE(client.connect());
  CHECK(client.session.publish("t", "x"));
  CHECK(client.session.publish("t", "y", true));
  CHECK(client.take() == wire("30 04 0001't' 'x' 31 04 0001't' 'y'"));
  CHECK(client.session.in_flight() == 0);
}

TEST_CASE("QoS 1 publications stay in flight until they are acknowledged, in any order") {
  MqttClient client;
  REQUIRE(client.connect());
  publish(client, 4);
  CHECK_FALSE(client.session.publish("t", "4", 104u));  // the window is full
  CHECK(client.session.publish("t", "x"));              // which is no matter of QoS 0
  CHECK(client.take() == wire("32 06 0001't' 0001 '0' 32 06 0001't' 0002 '1'"
                              "32 06 0001't' 0003 '2' 32 06 0001't' 0004 '3' 30 04 0001't' 'x'"));
  std::uint32_t token = 0;
  client.feed(wire("40 02 0003 40 02 0002"));
  CHECK(client.events() == Events{"acknowledged 102", "acknowledged 101"});
  CHECK(client.session.in_flight() == 2);
  REQUIRE(client.session.oldest_in_flight(token));
  CHECK(token == 100);
  client.feed(wire("40 02 0001 40 02 0001"));  // the second one has nothing to acknowledge
  REQUIRE(client.session.oldest_in_flight(token));
  CHECK(token == 103);
  client.feed(wire("40 02 0004"));
  CHECK_FALSE(client.session.oldest_in_flight(token));
  CHECK(client.events() == Events{"acknowledged 100", "acknowledged 103"});
  CHECK(client.session.counters().unexpected == 1);
}

TEST_CASE("what cannot be taken now changes nothing, and accepts() knows what can never be") {
  MqttClient client({.client_id = "c"}, {.send = 40, .window = 2});
  CHECK(client.session.accepts("t", 25));  // 2 + 2 + 1 + 2 + 25 and 8 in reserve
  CHECK_FALSE(client.session.accepts("t", 26));
  CHECK_FALSE(client.session.accepts("t", static_cast<std::size_t>(-1)));
  CHECK_FALSE(client.session.accepts("", 1));
  CHECK_FALSE(client.session.accepts("a/+", 1));
  CHECK_FALSE(client.session.accepts("\xFF", 1));
  REQUIRE(client.connect());
  CHECK_FALSE(client.session.publish("t", std::string(26, 'x'), 1u));
  CHECK(client.session.in_flight() == 0);
  CHECK(client.session.publish("t", std::string(25, 'x'), 2u));
  CHECK_FALSE(client.session.publish("t", "", 3u));
  CHECK(client.session.in_flight() == 1);
  std::uint16_t id = 77;
  CHECK_FALSE(client.session.subscribe("f", 1, id));
  CHECK(id == 77);
  CHECK(client.take().size() == 32);
  CHECK(client.session.publish("t", "", 3u));
  CHECK(client.take() == wire("32 05 0001't' 0002"));  // the refused ones took no id
}

TEST_CASE("packet ids go from 1 to 65535, skip what is in flight and are never 0") {
  MqttClient client;
  REQUIRE(client.connect());
  REQUIRE(client.session.publish("t", "stays", 1u));
  std::uint16_t subscribe_id = 0;
  REQUIRE(client.session.subscribe("f", 1, subscribe_id));
  CHECK(subscribe_id == 2);
  client.take();
  std::uint16_t expected = 2;
  std::uint32_t wrong = 0;
  for (int i = 0; i < 140'000; ++i) {
    if (++expected == 0) expected = 3;
    REQUIRE(client.session.publish("t", "", 2u));
    std::string packet = client.take();
    const auto id = mqtt_number(reinterpret_cast<const std::uint8_t*>(packet.data()) + 5);
    wrong += id == expected ? 0u : 1u;
    client.feed(wire("40 02") + packet.substr(5, 2));
  }
  CHECK(wrong == 0);
  CHECK(client.session.in_flight() == 1);
}

TEST_CASE("the send buffer is used to its end, whatever the transport takes") {
  MqttClient client({.client_id = "c"}, {.send = 40, .window = 3});
  REQUIRE(client.connect());
  std::string sent, expected;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const std::string payload(i % 20, static_cast<char>('a' + i % 26));
    if (client.session.publish("t", payload))
      expected += wire("30") + static_cast<char>(3 + payload.size()) + wire("0001 't'") + payload;
    const auto queued = client.session.to_send();
    const auto part = queued.first(std::min<std::size_t>(queued.size(), i % 13));
    sent.append(reinterpret_cast<const char*>(part.data()), part.size());
    client.session.sent(part.size());
  }
  sent += client.take();
  CHECK(sent == expected);
  CHECK(sent.size() > 5000);
  client.session.sent(1000);  // more than there is
  CHECK(client.session.to_send().empty());
}

// --- Connections that are lost.

TEST_CASE(
    "after a new connection everything in flight goes out again, in order, before new things") {
  for (const bool session_present : {true, false}) {
    MqttClient client;
    REQUIRE(client.connect());
    REQUIRE(client.session.publish("t", "0", 100u, true));
    publish(client, 3);
    client.feed(wire("40 02 0002"));
    client.session.close();
    std::uint32_t token = 0;
    CHECK_FALSE(client.session.next_resend(token));
    CHECK_FALSE(client.session.resend("t", "0"));
    CHECK(client.session.in_flight() == 3);
    CHECK(client.take().empty());
    client.events();

    REQUIRE(client.connect(session_present));
    CHECK_FALSE(client.session.publish("t", "new", 200u));
    CHECK_FALSE(client.session.publish("t", "new"));
    REQUIRE(client.session.next_resend(token));
    CHECK(token == 100);
    REQUIRE(client.session.resend("t", "0"));
    client.feed(wire("40 02 0003"));  // not sent again yet: cannot be acknowledged
    CHECK(client.session.counters().unexpected == 1);
    client.feed(wire("40 02 0001"));
    REQUIRE(client.session.next_resend(token));
    CHECK(token == 101);
    REQUIRE(client.session.resend("t", "1"));
    REQUIRE(client.session.resend("t", "2"));
    CHECK_FALSE(client.session.resend("t", "3"));
    CHECK_FALSE(client.session.next_resend(token));
    CHECK(client.session.publish("t", "new", 200u));
    // 3.3.1-1: DUP; 4.4: the same packet ids.
    CHECK(client.take() == wire("3B 06 0001't' 0001 '0' 3A 06 0001't' 0003 '1'"
                                "3A 06 0001't' 0004 '2' 32 08 0001't' 0005 'new'"));
    CHECK(client.session.counters().resent == 3);
    client.feed(wire("40 02 0003 40 02 0004 40 02 0005"));
    CHECK(client.events() ==
          Events{"acknowledged 100", "acknowledged 101", "acknowledged 102", "acknowledged 200"});
  }
}

TEST_CASE("a connection may be lost in the middle of the resends") {
  MqttClient client;
  REQUIRE(client.connect());
  publish(client, 3);
  std::uint32_t token = 0;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.connect(true));
    REQUIRE(client.session.next_resend(token));
    CHECK(token == 100);
    REQUIRE(client.session.resend("t", "0"));
    REQUIRE(client.session.resend("t", "1"));
  }
  client.feed(wire("40 02 0002"));
  client.session.drop_resend();  // the caller has lost number 102
  client.session.drop_resend();  // there is no other
  CHECK(client.session.in_flight() == 1);
  CHECK_FALSE(client.session.next_resend(token));
  CHECK(client.session.publish("t", "3", 103u));
  client.session.close();
  REQUIRE(client.connect(true));
  REQUIRE(client.session.resend("t", "0"));
  REQUIRE(client.session.next_resend(token));
  CHECK(token == 103);
}

TEST_CASE("what was half received and half sent is forgotten with its connection") {
  MqttClient client;
  REQUIRE(client.connect());
  client.feed(wire("32 06 0001'a' 00"));
  REQUIRE(client.session.publish("t", "x"));
  client.session.sent(2);
  REQUIRE(client.session.open(0));  // without close()
  CHECK(client.take() == wire("10 0D 0004'MQTT' 04 00 003C 0001'c'"));
  client.feed(wire("20 02 00 00 30 03 0001'b'"));
  CHECK(client.events() == Events{"message b '' qos 0"});
}

// --- Subscribing and disconnecting.

TEST_CASE("filters are subscribed one after the other, and the broker's answers are told") {
  MqttClient client;
  REQUIRE(client.connect());
  std::uint16_t id = 0, other = 77;
  REQUIRE(client.session.subscribe("a/+", 1, id));
  CHECK_FALSE(client.session.subscribe("b", 1, other));
  CHECK(other == 77);
  CHECK(client.take() == wire("82 08 0001 0003'a/+' 01"));  // 3.8
  client.feed(wire("90 03 0001 01"));                       // 3.9
  REQUIRE(client.session.subscribe("b", 0, id));
  CHECK(client.take() == wire("82 06 0002 0001'b' 00"));
  client.feed(wire("90 03 0001 00 90 03 0002 80"));
  REQUIRE(client.session.subscribe("c", 2, id));
  CHECK(client.take() == wire("82 06 0003 0001'c' 01"));
  CHECK(client.events() == Events{"subscribed 1 1", "subscribed 2 128"});
  CHECK(client.session.counters().unexpected == 1);
  client.session.close();
  REQUIRE(client.connect());
  REQUIRE(client.session.subscribe("c", 1, id));
  CHECK(id == 4);
}

TEST_CASE("DISCONNECT is the last packet, and then the transport is to be shut") {
  MqttClient client;
  REQUIRE(client.connect());
  publish(client, 1);
  REQUIRE(client.session.disconnect());
  CHECK_FALSE(client.session.disconnect());
  CHECK_FALSE(client.session.publish("t", "x"));
  CHECK_FALSE(client.session.publish("t", "x", 1u));
  std::uint16_t id = 0;
  CHECK_FALSE(client.session.subscribe("f", 1, id));
  CHECK(client.feed(wire("32 06 0001'a' 0001 'x'")) == 8);  // comes again another time
  client.poll_after(60'000);
  CHECK(client.events().empty());
  CHECK(client.session.in_flight() == 1);
  REQUIRE(client.connect());
  REQUIRE(client.session.resend("t", "0"));
  REQUIRE(client.session.disconnect());
  CHECK_FALSE(client.session.wants_close());
  CHECK(client.take() == wire("3A 06 0001't' 0001 '0' E0 00"));  // 3.14
  CHECK(client.session.wants_close());
}

// --- Time.

TEST_CASE("a PINGREQ goes out when nothing was sent for the keepalive") {
  MqttClient client({.client_id = "c", .keepalive_s = 10});
  client.now = 0xFFFF'F000;  // the clock passes 2^32 on the way
  REQUIRE(client.connect());
  client.poll_after(9'999);
  CHECK(client.take().empty());
  client.poll_after(1);
  CHECK(client.take() == wire("C0 00"));  // 3.12
  client.poll_after(9'999);
  CHECK(client.take().empty());  // one at a time
  client.feed(wire("D0 00"));
  client.poll_after(9'999);
  CHECK(client.take() == wire("C0 00"));
  client.feed(wire("D0 00"));
  CHECK(client.session.counters().pings == 2);
  CHECK(client.session.counters().timeouts == 0);
  CHECK_FALSE(client.session.wants_close());
}

TEST_CASE("a PINGREQ goes out when nothing came for the keepalive, however much is sent") {
  MqttClient client({.client_id = "c", .keepalive_s = 10});
  REQUIRE(client.connect());
  for (int i = 0; i < 9; ++i) {
    client.poll_after(1'000);
    REQUIRE(client.session.publish("t", "x"));
    CHECK(client.take().size() == 6);
  }
  client.poll_after(1'000);
  CHECK(client.take() == wire("C0 00"));
}

TEST_CASE("traffic both ways needs no PINGREQ, nor does a keepalive of 0") {
  MqttClient busy({.client_id = "c", .keepalive_s = 10});
  REQUIRE(busy.connect());
  for (int i = 0; i < 100; ++i) {
    busy.poll_after(5'000);
    REQUIRE(busy.session.publish("t", "x", 1u));
    busy.feed(wire("40 02") + busy.take().substr(5, 2));
  }
  CHECK(busy.session.counters().pings == 0);
  CHECK(busy.session.in_flight() == 0);
  MqttClient none({.client_id = "c", .keepalive_s = 0});
  REQUIRE(none.connect());
  none.poll_after(100'000'000);
  CHECK(none.take().empty());
  CHECK_FALSE(none.session.wants_close());
}

TEST_CASE("an answer that does not come in time ends the connection") {
  using Wait = void (*)(MqttClient&);
  const Wait waits[] = {
      [](MqttClient& client) { REQUIRE(client.session.open(client.now)); },  // CONNACK
      [](MqttClient& client) {                                               // PUBACK
        REQUIRE(client.connect());
        publish(client, 2);
      },
      [](MqttClient& client) {  // SUBACK
        std::uint16_t id = 0;
        REQUIRE(client.connect());
        REQUIRE(client.session.subscribe("f", 1, id));
      },
      [](MqttClient& client) {  // PINGRESP
        REQUIRE(client.connect());
        client.poll_after(60'000);
      },
      [](MqttClient& client) {  // PUBACK of one that was sent again
        REQUIRE(client.connect());
        publish(client, 1);
        client.poll_after(9'000);
        REQUIRE(client.connect());
        client.poll_after(50'000);
        REQUIRE(client.session.resend("t", "0"));
      },
      [](MqttClient& client) {  // a transport that does not take DISCONNECT
        REQUIRE(client.connect());
        REQUIRE(client.session.disconnect());
      },
  };
  for (const Wait& wait : waits) {
    MqttClient client;
    client.now = 0xFFFF'0000;
    wait(client);
    client.poll_after(9'999);
    CHECK_FALSE(client.session.wants_close());
    client.poll_after(1);
    CHECK(client.session.wants_close());
    CHECK(client.session.counters().timeouts == 1);
    CHECK(client.session.to_send().empty());
    client.session.close();
    CHECK_FALSE(client.session.wants_close());
  }
}

TEST_CASE("each publication has its time from when it is the oldest") {
  MqttClient client;
  REQUIRE(client.connect());
  publish(client, 4);
  client.poll_after(9'000);
  client.feed(wire("40 02 0003"));  // not the oldest
  client.poll_after(900);
  client.feed(wire("40 02 0001"));
  client.poll_after(9'900);
  client.feed(wire("40 02 0002"));
  client.poll_after(9'000);
  client.feed(wire("40 02 0004"));  // nothing is in flight but what comes now
  publish(client, 2);
  client.poll_after(5'000);
  client.feed(wire("40 02 0006"));  // the younger one gives the oldest no more time
  client.poll_after(4'999);
  CHECK_FALSE(client.session.wants_close());
  client.poll_after(1);
  CHECK(client.session.wants_close());
}

TEST_CASE("a large message that is being skipped does not make answers late") {
  MqttClient client;
  REQUIRE(client.connect());
  publish(client, 1);
  client.poll_after(5'000);
  client.feed(wire("30 A08D06 0001'a'"));  // 100,000 bytes
  for (int i = 0; i < 100; ++i) {
    client.feed(std::string(i == 0 ? 997 : 1000, 'x'));
    client.poll_after(5'000);
  }
  CHECK_FALSE(client.session.wants_close());
  CHECK(client.session.counters().oversize == 1);
  client.feed(wire("40 02 0001"));
  CHECK(client.events() == Events{"acknowledged 100"});
}
