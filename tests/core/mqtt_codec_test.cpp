// SPDX-License-Identifier: Apache-2.0
// Bytes are spelled by hand from MQTT 3.1.1; section numbers are that document's.
#include "telemetry/core/mqtt_codec.hpp"

#include "catch.hpp"

#include "core/mqtt_client.hpp"

using namespace telemetry::core;
using telemetry::testing::as_bytes;
using telemetry::testing::wire;

namespace {

std::string connect(const MqttOptions& options) {
  std::string out(mqtt_connect_bytes(options), '\0');
  const std::span<std::uint8_t> room(reinterpret_cast<std::uint8_t*>(out.data()), out.size());
  REQUIRE(mqtt_encode_connect(options, room) == out.size());
  if (!out.empty()) REQUIRE(mqtt_encode_connect(options, room.first(out.size() - 1)) == 0);
  return out;
}

std::string publish(std::string_view topic, std::string_view payload, std::uint8_t flags,
                    std::uint16_t packet_id) {
  const bool qos1 = (flags & mqtt_flag::qos1) != 0;
  std::string out(mqtt_publish_bytes(topic.size(), payload.size(), qos1), '\0');
  mqtt_encode_publish(topic, payload, flags, packet_id,
                      reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

struct Decoded {
  bool good = false;
  MqttMessage message;
  std::uint16_t packet_id = 0;
};

Decoded decode(std::uint8_t first, std::string_view body) {
  Decoded result;
  result.good = mqtt_decode_publish(first, as_bytes(body), result.message, result.packet_id);
  return result;
}

constexpr MqttOptions at_compile_time{.client_id = "sensor-7", .user_name = "u", .password = "p"};
static_assert(mqtt_connect_bytes(at_compile_time) == 2 + 10 + 10 + 3 + 3);
static_assert(mqtt_connect_bytes({}) == 0, "without an id only a clean session is possible");
static_assert(mqtt_publish_bytes(3, 5, true) == 2 + 2 + 3 + 2 + 5);

}  // namespace

// 3.1: fixed header; "MQTT", level 4; flags; keepalive; client id.
TEST_CASE("a CONNECT with nothing but a client id is as section 3.1 has it") {
  CHECK(connect({.client_id = "c"}) == wire("10 0D 0004'MQTT' 04 00 003C 0001'c'"));
  CHECK(connect({.keepalive_s = 0, .clean_session = true}) ==
        wire("10 0C 0004'MQTT' 04 02 0000 0000"));
}

// 3.1.2.3 flags: 80 user name, 40 password, 20 will retain, 08 will QoS 1, 04 will, 02 clean.
// 3.1.3 order: client id, will topic, will message, user name, password.
TEST_CASE("a CONNECT holds will, user name and password in the order of section 3.1.3") {
  const MqttOptions all{.client_id = "id",
                        .user_name = "user",
                        .password = "pass",
                        .will_topic = "w/t",
                        .will_payload = "gone",
                        .keepalive_s = 300,
                        .will_retain = true,
                        .clean_session = true};
  CHECK(connect(all) ==
        wire("10 25 0004'MQTT' 04 EE 012C 0002'id' 0003'w/t' 0004'gone' 0004'user' 0004'pass'"));
  // A will may be empty; its retain flag means nothing without a will.
  CHECK(connect({.client_id = "c", .will_topic = "w"}) ==
        wire("10 12 0004'MQTT' 04 0C 003C 0001'c' 0001'w' 0000"));
  CHECK(connect({.client_id = "c", .will_retain = true}) ==
        wire("10 0D 0004'MQTT' 04 00 003C 0001'c'"));
  CHECK(connect({.client_id = "c", .user_name = "u"}) ==
        wire("10 10 0004'MQTT' 04 80 003C 0001'c' 0001'u'"));
}

TEST_CASE("a CONNECT whose options contradict each other or are too long is refused") {
  const std::string longest(65'535, 'x'), too_long(65'536, 'x');
  CHECK(mqtt_connect_bytes({.client_id = "", .clean_session = false}) == 0);  // 3.1.3-8
  CHECK(mqtt_connect_bytes({.client_id = "c", .password = "p"}) == 0);        // 3.1.2-22
  CHECK(mqtt_connect_bytes({.client_id = "c", .will_payload = "gone"}) == 0);
  CHECK(mqtt_connect_bytes({.client_id = longest}) == 4 + 10 + 2 + 65'535);
  CHECK(mqtt_connect_bytes({.client_id = too_long}) == 0);
  CHECK(mqtt_connect_bytes({.client_id = "c", .user_name = too_long}) == 0);
  CHECK(mqtt_connect_bytes({.client_id = "c", .user_name = "u", .password = too_long}) == 0);
  CHECK(mqtt_connect_bytes({.client_id = "c", .will_topic = too_long}) == 0);
  CHECK(mqtt_connect_bytes({.client_id = "c", .will_topic = "w", .will_payload = too_long}) == 0);
  CHECK(connect({.client_id = longest}).substr(0, 4) == wire("10 8B8004"));
}

// 3.3: flags DUP 08, QoS 06, RETAIN 01; topic; packet id with QoS 1; the rest is payload.
TEST_CASE("a PUBLISH is as section 3.3 has it") {
  CHECK(publish("a/b", "hi", 0, 0) == wire("30 07 0003'a/b' 'hi'"));
  CHECK(publish("a/b", "hi", mqtt_flag::qos1, 10) == wire("32 09 0003'a/b' 000A 'hi'"));
  CHECK(publish("a/b", "", mqtt_flag::qos1 | mqtt_flag::duplicate | mqtt_flag::retain, 0xABCD) ==
        wire("3B 07 0003'a/b' ABCD"));
}

// 2.2.3, table 2.4.
TEST_CASE("the remaining length takes one to four bytes, as table 2.4 has it") {
  CHECK(mqtt_packet_bytes(0) == 2);
  CHECK(mqtt_packet_bytes(127) == 2 + 127);
  CHECK(mqtt_packet_bytes(128) == 3 + 128);
  CHECK(mqtt_packet_bytes(16'383) == 3 + 16'383);
  CHECK(mqtt_packet_bytes(16'384) == 4 + 16'384);
  CHECK(mqtt_packet_bytes(2'097'151) == 4 + 2'097'151);
  CHECK(mqtt_packet_bytes(2'097'152) == 5 + 2'097'152);
  CHECK(mqtt_packet_bytes(268'435'455) == 5 + 268'435'455);
  CHECK(mqtt_packet_bytes(268'435'456) == 0);
  CHECK(mqtt_publish_bytes(65'536, 0, false) == 0);
  CHECK(mqtt_publish_bytes(1, 268'435'452, false) == 5 + 268'435'455);
  CHECK(mqtt_publish_bytes(1, 268'435'452, true) == 0);
  CHECK(mqtt_publish_bytes(1, static_cast<std::size_t>(-1), true) == 0);
  CHECK(mqtt_subscribe_bytes(65'536) == 0);

  const auto head = [](std::size_t body, std::size_t bytes) {
    return publish("t", std::string(body - 3, 'x'), 0, 0).substr(0, bytes);
  };
  CHECK(head(127, 4) == wire("30 7F 0001"));
  CHECK(head(128, 5) == wire("30 8001 0001"));
  CHECK(head(16'383, 5) == wire("30 FF7F 0001"));
  CHECK(head(16'384, 6) == wire("30 808001 0001"));
  CHECK(head(2'097'151, 6) == wire("30 FFFF7F 0001"));
  CHECK(head(2'097'152, 7) == wire("30 80808001 0001"));
}

TEST_CASE("PUBACK and SUBSCRIBE are as sections 3.4 and 3.8 have them") {
  std::string out(4, '\0');
  mqtt_encode_puback(0x1234, reinterpret_cast<std::uint8_t*>(out.data()));
  CHECK(out == wire("40 02 1234"));
  out.assign(mqtt_subscribe_bytes(3), '\0');
  mqtt_encode_subscribe("a/+", 1, 10, reinterpret_cast<std::uint8_t*>(out.data()));
  CHECK(out == wire("82 08 000A 0003'a/+' 01"));
}

TEST_CASE("a received PUBLISH is read into topic, payload and flags") {
  const std::string zero = wire("0003'a/b' 'hi'"), one = wire("0003'a/b' 000A");
  const Decoded plain = decode(0x31, zero);
  REQUIRE(plain.good);
  CHECK(plain.message.topic == "a/b");
  CHECK(plain.message.payload == "hi");
  CHECK(plain.message.qos == 0);
  CHECK(plain.message.retained);
  CHECK_FALSE(plain.message.duplicate);
  const Decoded again = decode(0x3A, one);
  REQUIRE(again.good);
  CHECK(again.packet_id == 10);
  CHECK(again.message.payload.empty());
  CHECK(again.message.qos == 1);
  CHECK_FALSE(again.message.retained);
  CHECK(again.message.duplicate);
}

TEST_CASE("a received PUBLISH that breaks a rule is refused") {
  CHECK_FALSE(decode(0x30, "").good);
  CHECK_FALSE(decode(0x30, wire("00")).good);
  CHECK_FALSE(decode(0x30, wire("0000 'x'")).good);    // 4.7.3-1: no empty topic
  CHECK_FALSE(decode(0x30, wire("0004 'a/b'")).good);  // the topic ends behind the packet
  CHECK_FALSE(decode(0x30, wire("FFFF 'a/b'")).good);
  CHECK_FALSE(decode(0x32, wire("0003 'a/b' 00")).good);    // half a packet id
  CHECK_FALSE(decode(0x32, wire("0003 'a/b' 0000")).good);  // 2.3.1-1: not 0
  CHECK_FALSE(decode(0x30, wire("0003 'a/+' 'x'")).good);   // 3.3.2-2: no wildcards
  CHECK_FALSE(decode(0x30, wire("0003 'a/#' 'x'")).good);
  CHECK_FALSE(decode(0x30, wire("0003 'a'00'b' 'x'")).good);  // 1.5.3-2: no NUL
  CHECK_FALSE(decode(0x30, wire("0003 EDA080 'x'")).good);    // 1.5.3-1: no surrogates
  CHECK_FALSE(decode(0x30, wire("0002 C0AF 'x'")).good);      // no overlong UTF-8
  CHECK(decode(0x30, wire("0002 C3A4")).good);
  CHECK(decode(0x32, wire("0001 'a' 0001")).good);
}
