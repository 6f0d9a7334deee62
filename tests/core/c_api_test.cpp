// SPDX-License-Identifier: Apache-2.0
// What the C functions pass on, both ways. The contracts behind them have tests of their own; the C
// publisher in QEMU (tests/firmware/run_publisher.py) is a whole program over them.
#include "telemetry/core/telemetry_core.h"

#include <cstring>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "core/mqtt_broker_model.hpp"
#include "core/mqtt_client.hpp"
#include "core/sample_schemas.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/schema_table.hpp"

using telemetry::test::card_id;
using telemetry::test::CardDevice;
using telemetry::testing::BrokerModel;
using telemetry::testing::wire;
namespace core = telemetry::core;

namespace {

tlm_text text(std::string_view view) { return {view.data(), view.size()}; }
std::string_view view(tlm_text text) { return {text.data, text.size}; }

tlm_block_device device_of(CardDevice& card) {
  return {&card,
          [](void* context, std::uint32_t sector, std::uint8_t* out) {
            return static_cast<CardDevice*>(context)->read(
                sector, std::span<std::uint8_t, core::card_sector_bytes>(out, 512));
          },
          [](void* context, std::uint32_t sector, const std::uint8_t* bytes) {
            return static_cast<CardDevice*>(context)->write(
                sector, std::span<const std::uint8_t, core::card_sector_bytes>(bytes, 512));
          },
          nullptr, [](void* context) { return static_cast<CardDevice*>(context)->sectors(); }};
}

/// A session in C with the buffers around it.
struct CClient {
  explicit CClient(tlm_mqtt_options options = {.client_id = TLM_TEXT("c"),
                                               .user_name = {},
                                               .password = {},
                                               .will_topic = {},
                                               .will_payload = {},
                                               .keepalive_s = 60,
                                               .will_retain = false,
                                               .clean_session = false,
                                               .response_timeout_ms = 0}) {
    tlm_mqtt_init(&mqtt, &options, receive, sizeof(receive), send, sizeof(send), window, 4);
  }
  std::string take() {
    const std::uint8_t* bytes = nullptr;
    const std::size_t size = tlm_mqtt_to_send(&mqtt, &bytes);
    std::string sent(reinterpret_cast<const char*>(bytes), size);
    tlm_mqtt_sent(&mqtt, size);
    return sent;
  }
  std::size_t feed(std::string_view bytes) {
    const tlm_mqtt_handler handler{
        this,
        [](void* context, const tlm_mqtt_message* message) {
          static_cast<CClient*>(context)->log += "message " + std::string(view(message->topic)) +
                                                 " " + std::string(view(message->payload)) + " " +
                                                 std::to_string(message->qos) +
                                                 (message->retained ? " retained" : "") +
                                                 (message->duplicate ? " duplicate" : "") + "\n";
        },
        [](void* context, std::uint32_t token) {
          static_cast<CClient*>(context)->log += "acknowledged " + std::to_string(token) + "\n";
        },
        [](void* context, std::uint16_t id, std::uint8_t code) {
          static_cast<CClient*>(context)->log +=
              "subscribed " + std::to_string(id) + " " + std::to_string(code) + "\n";
        }};
    return tlm_mqtt_receive(&mqtt, bytes.data(), bytes.size(), 0, &handler);
  }

  tlm_mqtt mqtt;
  std::uint8_t receive[64], send[128];
  tlm_mqtt_slot window[4];
  std::string log;
};

}  // namespace

TEST_CASE("C: topics") {
  CHECK(tlm_is_valid_topic(text("a/b")));
  CHECK_FALSE(tlm_is_valid_topic(text("a/#")));
  CHECK(tlm_is_valid_filter(text("a/#")));
  CHECK_FALSE(tlm_is_valid_filter(text("a#")));
  CHECK(tlm_topic_matches(text("a/+"), text("a/b")));
  CHECK_FALSE(tlm_topic_matches(text("a/+"), text("a/b/c")));
}

TEST_CASE("C: a payload is judged by the schema of its topic") {
  const core::SchemaEntry table[] = {{.name = "sensor",
                                      .filter = "sensors/+",
                                      .id = 0x1234'5678'9ABC'DEF0,
                                      .view = &core::test::sensor::schema}};
  const tlm_schemas schemas{table, 1};
  std::vector<tlm_value> values(core::test::sensor::schema.slot_count);
  std::vector<char> scratch(200);
  const auto judge = [&](std::string_view topic, std::string_view payload) {
    return tlm_judge(&schemas, text(topic), text(payload), values.data(), values.size(),
                     scratch.data(), scratch.size());
  };

  const tlm_verdict good = judge("sensors/1", R"({"sensor_id":"a\u0062c","temperature":21.25})");
  CHECK(good.rule == 0);
  CHECK(good.broken == 0);
  CHECK(good.schema == table[0].id);
  // The C++ decoder says which slot is which: the same ones, value for value.
  std::vector<core::Value> expected(values.size());
  std::vector<char> other(200);
  REQUIRE(core::decode(core::test::sensor::schema,
                       R"({"sensor_id":"a\u0062c","temperature":21.25})", {expected, other, {}, {}})
              .ok());
  bool any_text = false, any_decimal = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    REQUIRE(static_cast<int>(tlm_value_kind(&values[i])) == static_cast<int>(expected[i].kind()));
    if (tlm_value_kind(&values[i]) == TLM_STRING) {
      any_text = any_text || view(tlm_value_text(&values[i])) == "abc";
      CHECK(view(tlm_value_text(&values[i])) == expected[i].as_text());
    } else {
      CHECK(tlm_value_integer(&values[i]) == expected[i].as_integer());
      CHECK(tlm_value_exponent(&values[i]) == expected[i].as_decimal().exponent);
      any_decimal = any_decimal || (tlm_value_kind(&values[i]) == TLM_DECIMAL &&
                                    tlm_value_exponent(&values[i]) == -2);
    }
  }
  CHECK(any_text);
  CHECK(any_decimal);

  const tlm_verdict missing = judge("sensors/1", R"({"temperature":21.25})");
  CHECK(view(tlm_rule_name(missing.rule)) == "required");
  CHECK(missing.schema == table[0].id);
  const tlm_verdict broken = judge("sensors/1", R"({"sensor_id":)");
  CHECK(view(tlm_rule_name(broken.rule)) == "json_syntax");
  CHECK(broken.offset == 13);
  const tlm_verdict nobody = judge("other", "{}");
  CHECK(view(tlm_rule_name(nobody.rule)) == "no_schema");
  CHECK(nobody.schema == 0);
}

TEST_CASE("C: ring") {
  std::uint8_t storage[64];
  tlm_ring ring;
  tlm_ring_init(&ring, storage, sizeof(storage), false);
  CHECK(tlm_ring_push(&ring, "twenty bytes of text", 20));
  CHECK(tlm_ring_push(&ring, "twenty bytes of more", 20));
  CHECK_FALSE(tlm_ring_push(&ring, "twenty bytes too many", 21));
  CHECK(tlm_ring_dropped(&ring) == 1);
  CHECK(tlm_ring_bytes_used(&ring) == 48);
  char out[20];
  std::size_t size = 0;
  CHECK_FALSE(tlm_ring_pop(&ring, out, 19, &size));
  CHECK(size == 20);
  REQUIRE(tlm_ring_pop(&ring, out, sizeof(out), &size));
  CHECK(std::string(out, size) == "twenty bytes of text");

  tlm_ring_init(&ring, storage, sizeof(storage), true);
  for (const char* word : {"first", "again", "third", "forth", "fifth", "sixth"}) {
    CHECK(tlm_ring_push(&ring, word, 5));
  }
  REQUIRE(tlm_ring_pop(&ring, out, sizeof(out), &size));
  CHECK(std::string(out, size) == "again");
}

TEST_CASE("C: what goes over the line, in and out") {
  CClient client({.client_id = TLM_TEXT("id"),
                  .user_name = TLM_TEXT("u"),
                  .password = TLM_TEXT("p"),
                  .will_topic = TLM_TEXT("w"),
                  .will_payload = TLM_TEXT("x"),
                  .keepalive_s = 7,
                  .will_retain = true,
                  .clean_session = true,
                  .response_timeout_ms = 50});
  CHECK(tlm_mqtt_get_state(&client.mqtt) == TLM_MQTT_DISCONNECTED);
  REQUIRE(tlm_mqtt_open(&client.mqtt, 0));
  CHECK(client.take() ==
        wire("10 1a 00 04 'MQTT' 04 ee 00 07 00 02 'id' 00 01 'w' 00 01 'x' 00 01 'u' 00 01 'p'"));
  CHECK(tlm_mqtt_get_state(&client.mqtt) == TLM_MQTT_CONNECTING);
  CHECK(client.feed(wire("20 02 00 00")) == 4);
  CHECK(tlm_mqtt_get_state(&client.mqtt) == TLM_MQTT_CONNECTED);
  CHECK_FALSE(tlm_mqtt_session_present(&client.mqtt));

  std::uint16_t id = 0;
  REQUIRE(tlm_mqtt_subscribe(&client.mqtt, text("c/#"), 1, &id));
  CHECK(client.take().substr(0, 2) == wire("82 08"));
  const std::string suback = {'\x90', '\x03', static_cast<char>(id >> 8), static_cast<char>(id), 1};
  client.feed(suback);
  client.feed(wire("3b 07 00 01 'c' 00 09 'hi'"));
  CHECK(client.take() == wire("40 02 00 09"));
  REQUIRE(tlm_mqtt_publish(&client.mqtt, text("t"), text("0"), true));
  CHECK(client.take() == wire("31 04 00 01 't' '0'"));
  REQUIRE(tlm_mqtt_publish_qos1(&client.mqtt, text("t"), text("1"), 77, false));
  const std::string first = client.take();
  CHECK(tlm_mqtt_in_flight(&client.mqtt) == 1);

  // A new connection: again, with DUP.
  tlm_mqtt_close(&client.mqtt);
  REQUIRE(tlm_mqtt_open(&client.mqtt, 0));
  client.take();
  client.feed(wire("20 02 00 00"));
  std::uint32_t token = 0;
  REQUIRE(tlm_mqtt_next_resend(&client.mqtt, &token));
  CHECK(token == 77);
  REQUIRE(tlm_mqtt_resend(&client.mqtt, text("t"), text("1")));
  std::string again = client.take();
  CHECK(again.at(0) == '\x3a');
  again[0] = '\x32';
  CHECK(again == first);
  client.feed(std::string("\x40\x02", 2) + first.substr(5, 2));
  CHECK(client.log == "subscribed " + std::to_string(id) +
                          " 1\nmessage c hi 1 retained duplicate\nacknowledged 77\n");
  CHECK(tlm_mqtt_get_counters(&client.mqtt).resent == 1);

  // The answer to SUBSCRIBE does not come.
  REQUIRE(tlm_mqtt_subscribe(&client.mqtt, text("d"), 0, &id));
  client.take();
  tlm_mqtt_poll(&client.mqtt, 51);
  CHECK(tlm_mqtt_wants_close(&client.mqtt));
  CHECK(tlm_mqtt_get_counters(&client.mqtt).timeouts == 1);
}

TEST_CASE("C: the functions of a handler may be missing") {
  CClient client;
  REQUIRE(tlm_mqtt_open(&client.mqtt, 0));
  client.take();
  const tlm_mqtt_handler nothing{};
  const std::string bytes = wire("20 02 01 00 30 04 00 01 'c' '1'");
  CHECK(tlm_mqtt_receive(&client.mqtt, bytes.data(), bytes.size(), 0, &nothing) == bytes.size());
  CHECK(tlm_mqtt_session_present(&client.mqtt));
}

TEST_CASE("C: card journal") {
  CardDevice memory(200);
  const tlm_block_device device = device_of(memory);
  tlm_card card;
  tlm_card_init(&card, &device, false);
  CHECK(tlm_card_open(&card) == TLM_CARD_BLANK);
  const auto journal_id = card_id();
  REQUIRE(tlm_card_format(&card, journal_id.data(), 8) == TLM_CARD_OK);
  REQUIRE(tlm_card_open(&card) == TLM_CARD_OK);
  const tlm_card_record one{0, 42, 1'795'000'000'000'000'000, text("a/b"), text("{}")};
  REQUIRE(tlm_card_append(&card, &one) == TLM_CARD_OK);
  CHECK(tlm_card_last_sequence(&card) == 1);
  CHECK(tlm_card_synced_sequence(&card) == 0);
  REQUIRE(tlm_card_sync(&card) == TLM_CARD_OK);
  CHECK(tlm_card_synced_sequence(&card) == 1);

  tlm_card after_reset;
  tlm_card_init(&after_reset, &device, false);
  REQUIRE(tlm_card_open(&after_reset) == TLM_CARD_OK);
  char buffer[16];
  tlm_card_record read;
  REQUIRE(tlm_card_read(&after_reset, 1, buffer, sizeof(buffer), &read) == TLM_CARD_OK);
  CHECK(read.sequence == 1);
  CHECK(read.schema == 42);
  CHECK(read.time_ns == one.time_ns);
  CHECK(view(read.topic) == "a/b");
  CHECK(view(read.payload) == "{}");
  CHECK(tlm_card_read(&after_reset, 2, buffer, sizeof(buffer), &read) == TLM_CARD_END);
  REQUIRE(tlm_card_set_cursor(&after_reset, 1) == TLM_CARD_OK);
  CHECK(tlm_card_cursor(&after_reset) == 1);
  memory.away = true;
  CHECK(tlm_card_append(&after_reset, &one) == TLM_CARD_OK);
  CHECK(tlm_card_sync(&after_reset) == TLM_CARD_IO_ERROR);
}

TEST_CASE("C: store and forward, over the card and without one") {
  const bool with_card = GENERATE(true, false);
  CAPTURE(with_card);
  CardDevice memory(200);
  const tlm_block_device device = device_of(memory);
  tlm_card card;
  tlm_card_init(&card, &device, false);
  const auto journal_id = card_id();
  REQUIRE(tlm_card_format(&card, journal_id.data(), 8) == TLM_CARD_OK);

  CClient client;
  std::vector<std::uint8_t> storage(1024), record(100);
  tlm_ring ring;
  tlm_ring_init(&ring, storage.data(), storage.size(), false);
  tlm_forward forward;
  tlm_forward_slot window[4];
  const tlm_forward_options options{.save_interval_ms = 100,
                                    .batch_bytes = 0,
                                    .high_water_bytes = 0,
                                    .cursor_records = 0,
                                    .cursor_interval_ms = 0,
                                    .card_retry_ms = 0,
                                    .card_patience_ms = 0};
  tlm_forward_init(&forward, &ring, &client.mqtt, with_card ? &card : nullptr, window, 4,
                   record.data(), record.size(), &options);

  std::uint32_t now = 0, offered = 0;
  const auto offer = [&] {
    return tlm_forward_offer(&forward, text("t"), text(std::to_string(offered)), 0) &&
           ++offered > 0;
  };
  CHECK_FALSE(tlm_forward_offer(&forward, text("t"), text(std::string(100, 'x')), 0));
  CHECK(tlm_forward_get_counters(&forward).refused == 1);

  // Offline: after save_interval_ms on the card, or in the ring until it is full.
  for (int i = 0; i < 100; ++i) {
    if (with_card) REQUIRE(offer());
    if (!with_card && !offer()) break;
    tlm_forward_poll(&forward, now += 60);
  }
  tlm_forward_poll(&forward, now += 101);
  CHECK(tlm_forward_waiting_on_card(&forward) == (with_card ? 100 : 0));
  CHECK(tlm_forward_get_counters(&forward).saved == (with_card ? 100 : 0));
  CHECK(tlm_forward_card_status(&forward) == (with_card ? TLM_CARD_OK : TLM_CARD_BLANK));
  CHECK(tlm_ring_dropped(&ring) == (with_card ? 0 : 1));

  // Connected: all of them, in order and once.
  BrokerModel broker(1);
  broker.fifth_is_retained = false;
  broker.accept_transport();
  REQUIRE(tlm_mqtt_open(&client.mqtt, now));
  const tlm_mqtt_handler handler{&forward, nullptr,
                                 [](void* context, std::uint32_t token) {
                                   tlm_forward_on_acknowledged(static_cast<tlm_forward*>(context),
                                                               token);
                                 },
                                 nullptr};
  const std::uint32_t all = offered + 20;
  for (int i = 0; i < 2'000 && broker.acknowledged.size() < all; ++i) {
    broker.take(client.take());
    broker.round();
    std::string& input = broker.to_client;
    input.erase(0, tlm_mqtt_receive(&client.mqtt, input.data(), input.size(), now, &handler));
    tlm_mqtt_poll(&client.mqtt, now);
    if (offered < all) offer();
    tlm_forward_poll(&forward, now += 10);
  }
  CHECK(broker.complaint == "");
  CHECK(broker.arrived == all);
  CHECK(broker.again == 0);
  CHECK(tlm_forward_waiting_on_card(&forward) == 0);
  CHECK(tlm_forward_get_counters(&forward).lost == 0);
}

TEST_CASE("C: deadband") {
  tlm_deadband deadband;
  tlm_deadband_init(&deadband, 5, -1, 1'000);
  CHECK(tlm_deadband_passes(&deadband, 20, 0, 0));
  CHECK_FALSE(tlm_deadband_passes(&deadband, 205, -1, 10));
  CHECK(tlm_deadband_passes(&deadband, 206, -1, 20));
  CHECK(tlm_deadband_passes(&deadband, 206, -1, 1'020));
}
