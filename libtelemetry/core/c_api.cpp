// SPDX-License-Identifier: Apache-2.0
// The C face of the core. Objects are made in the caller's memory; nothing is decided here.
#include <array>
#include <new>

#include "telemetry/core/card_journal.hpp"
#include "telemetry/core/deadband.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/mqtt_session.hpp"
#include "telemetry/core/ring_buffer.hpp"
#include "telemetry/core/schema_table.hpp"
#include "telemetry/core/store_forward.hpp"
#include "telemetry/core/telemetry_core.h"
#include "telemetry/core/topic.hpp"

using namespace telemetry::core;

namespace {

std::string_view view(tlm_text text) noexcept { return {text.data, text.size}; }
tlm_text text(std::string_view view) noexcept { return {view.data(), view.size()}; }
std::span<std::uint8_t> bytes(void* data, std::size_t size) noexcept {
  return {static_cast<std::uint8_t*>(data), size};
}
std::span<const std::uint8_t> bytes(const void* data, std::size_t size) noexcept {
  return {static_cast<const std::uint8_t*>(data), size};
}

struct Mqtt {
  MqttOptions options;
  MqttSession session;
  Mqtt(const MqttOptions& o, std::span<std::uint8_t> receive, std::span<std::uint8_t> send,
       std::span<MqttSession::InFlight> window) noexcept
      : options(o), session(options, receive, send, window) {}
};

struct Device {
  tlm_block_device c;
  bool read(std::uint32_t sector, std::span<std::uint8_t, card_sector_bytes> out) noexcept {
    return c.read(c.context, sector, out.data());
  }
  bool write(std::uint32_t sector, std::span<const std::uint8_t, card_sector_bytes> in) noexcept {
    return c.write(c.context, sector, in.data());
  }
  bool flush() noexcept { return c.flush == nullptr || c.flush(c.context); }
  std::uint32_t sectors() noexcept { return c.sectors(c.context); }
};

/// What StoreForward asks of a card, so that firmware without one does not link the journal.
struct CardOps {
  CardStatus (*open)(CardJournal&) noexcept;
  CardStatus (*append)(CardJournal&, const FrameHeader&, std::string_view,
                       std::string_view) noexcept;
  CardStatus (*sync)(CardJournal&) noexcept;
  CardStatus (*read)(CardJournal&, std::uint64_t, std::span<std::uint8_t>, FrameView&) noexcept;
  CardStatus (*set_cursor)(CardJournal&, std::uint64_t) noexcept;
};
constexpr CardOps journal_ops{
    [](CardJournal& card) noexcept { return card.open(); },
    [](CardJournal& card, const FrameHeader& header, std::string_view topic,
       std::string_view payload) noexcept { return card.append(header, topic, payload); },
    [](CardJournal& card) noexcept { return card.sync(); },
    [](CardJournal& card, std::uint64_t sequence, std::span<std::uint8_t> buffer,
       FrameView& out) noexcept { return card.read(sequence, buffer, out); },
    [](CardJournal& card, std::uint64_t sequence) noexcept { return card.set_cursor(sequence); }};

struct Card {
  const CardOps* ops;
  Device device;
  CardJournal journal;
  Card(const tlm_block_device& d, CardPolicy policy) noexcept
      : ops(&journal_ops), device{d}, journal(device, policy) {}
};

/// The card of a StoreForward, which may be missing.
class MaybeCard {
 public:
  explicit MaybeCard(Card* card) noexcept : card_(card) {}
  CardStatus open() noexcept { return card_ ? ops().open(journal()) : NoCard::open(); }
  CardStatus append(const FrameHeader& header, std::string_view topic,
                    std::string_view payload) noexcept {
    return card_ ? ops().append(journal(), header, topic, payload) : CardStatus::not_open;
  }
  CardStatus sync() noexcept { return card_ ? ops().sync(journal()) : CardStatus::not_open; }
  CardStatus read(std::uint64_t sequence, std::span<std::uint8_t> buffer, FrameView& out) noexcept {
    return card_ ? ops().read(journal(), sequence, buffer, out) : CardStatus::not_open;
  }
  CardStatus set_cursor(std::uint64_t sequence) noexcept {
    return card_ ? ops().set_cursor(journal(), sequence) : CardStatus::not_open;
  }
  [[nodiscard]] std::uint64_t cursor() const noexcept {
    return card_ ? card_->journal.cursor() : 0;
  }
  [[nodiscard]] std::uint64_t synced_sequence() const noexcept {
    return card_ ? card_->journal.synced_sequence() : 0;
  }

 private:
  [[nodiscard]] const CardOps& ops() const noexcept { return *card_->ops; }
  [[nodiscard]] CardJournal& journal() const noexcept { return card_->journal; }
  Card* card_;
};

struct Forward {
  using Moving = StoreForward<MqttSession, MaybeCard>;
  MaybeCard card;
  StoreForwardOptions options;
  Moving moving;
  Forward(ByteRing& ring, MqttSession& session, Card* c, std::span<Moving::Slot> window,
          std::span<std::uint8_t> record, const StoreForwardOptions& o) noexcept
      : card(c), options(o), moving(ring, session, card, window, record, options) {}
};

/// The object behind a C type.
template <class Object, class Memory>
Object* place(Memory* memory) noexcept {
  static_assert(sizeof(Object) <= sizeof(Memory), "telemetry_core.h: too small");
  static_assert(sizeof(Memory) < sizeof(Object) + 16, "telemetry_core.h: too large");
  static_assert(alignof(Object) <= alignof(Memory));
  return reinterpret_cast<Object*>(memory);
}
template <class Object, class Memory>
Object& object(Memory* memory) noexcept {
  return *std::launder(place<Object>(memory));
}
template <class Object, class Memory>
const Object& object(const Memory* memory) noexcept {
  return *std::launder(reinterpret_cast<const Object*>(memory));
}
template <class Object, class Memory>
std::span<Object> objects(Memory* memory, std::size_t count) noexcept {
  Object* first = place<Object>(memory);
  for (std::size_t i = 0; i < count; ++i) new (first + i) Object();
  return {std::launder(first), count};
}

MqttSession& session(tlm_mqtt* mqtt) noexcept { return object<Mqtt>(mqtt).session; }
const MqttSession& session(const tlm_mqtt* mqtt) noexcept { return object<Mqtt>(mqtt).session; }
CardJournal& journal(tlm_card* card) noexcept { return object<Card>(card).journal; }
const CardJournal& journal(const tlm_card* card) noexcept { return object<Card>(card).journal; }
Forward::Moving& moving(tlm_forward* forward) noexcept { return object<Forward>(forward).moving; }
const Forward::Moving& moving(const tlm_forward* forward) noexcept {
  return object<Forward>(forward).moving;
}
tlm_card_status to_c(CardStatus status) noexcept { return static_cast<tlm_card_status>(status); }

static_assert(TLM_JSON == static_cast<int>(ValueKind::json));
static_assert(TLM_MQTT_REFUSED == static_cast<int>(MqttState::refused));
static_assert(TLM_CARD_OTHER == static_cast<int>(CardStatus::other_card));

struct Handler {
  const tlm_mqtt_handler& c;
  void on_message(const MqttMessage& message) const noexcept {
    if (c.on_message == nullptr) return;
    const tlm_mqtt_message out{text(message.topic), text(message.payload), message.qos,
                               message.retained, message.duplicate};
    c.on_message(c.context, &out);
  }
  void on_acknowledged(std::uint32_t token) const noexcept {
    if (c.on_acknowledged != nullptr) c.on_acknowledged(c.context, token);
  }
  void on_subscribed(std::uint16_t packet_id, std::uint8_t code) const noexcept {
    if (c.on_subscribed != nullptr) c.on_subscribed(c.context, packet_id, code);
  }
};

void set_unless_zero(std::uint32_t& option, std::uint32_t value) noexcept {
  if (value != 0) option = value;
}

}  // namespace

// --- Topics and schemas.

bool tlm_is_valid_topic(tlm_text topic) { return is_valid_topic(view(topic)); }
bool tlm_is_valid_filter(tlm_text filter) { return is_valid_filter(view(filter)); }
bool tlm_topic_matches(tlm_text filter, tlm_text topic) {
  return topic_matches(view(filter), view(topic));
}

tlm_kind tlm_value_kind(const tlm_value* value) {
  return static_cast<tlm_kind>(object<Value>(value).kind());
}
int64_t tlm_value_integer(const tlm_value* value) { return object<Value>(value).as_integer(); }
int16_t tlm_value_exponent(const tlm_value* value) {
  return object<Value>(value).as_decimal().exponent;
}
tlm_text tlm_value_text(const tlm_value* value) { return text(object<Value>(value).as_text()); }

tlm_verdict tlm_judge(const tlm_schemas* schemas, tlm_text topic, tlm_text payload,
                      tlm_value* values, size_t value_count, char* scratch, size_t scratch_size) {
  const std::span<Value> slots = objects<Value>(values, value_count);
  const SchemaEntry* schema =
      choose({static_cast<const SchemaEntry*>(schemas->entries), schemas->count}, view(topic));
  if (schema == nullptr) return {static_cast<std::uint8_t>(Rule::no_schema), 1, 0, 0};
  std::array<Violation, 1> violations;
  const DecodeResult result =
      decode(*schema->view, view(payload), {slots, {scratch, scratch_size}, violations, {}});
  return {static_cast<std::uint8_t>(result.first), result.violations, violations[0].offset,
          schema->id};
}
tlm_text tlm_rule_name(uint8_t rule) { return text(to_string(static_cast<Rule>(rule))); }

// --- Ring.

void tlm_ring_init(tlm_ring* ring, void* storage, size_t size, bool drop_oldest) {
  new (place<ByteRing>(ring))
      ByteRing(bytes(storage, size), drop_oldest ? RingPolicy::drop_oldest : RingPolicy::reject);
}
bool tlm_ring_push(tlm_ring* ring, const void* record, size_t size) {
  return object<ByteRing>(ring).push(bytes(record, size));
}
bool tlm_ring_pop(tlm_ring* ring, void* record, size_t room, size_t* size) {
  return object<ByteRing>(ring).pop(bytes(record, room), *size);
}
size_t tlm_ring_bytes_used(const tlm_ring* ring) { return object<ByteRing>(ring).bytes_used(); }
uint32_t tlm_ring_dropped(const tlm_ring* ring) { return object<ByteRing>(ring).dropped(); }

// --- MQTT.

void tlm_mqtt_init(tlm_mqtt* mqtt, const tlm_mqtt_options* options, void* receive,
                   size_t receive_size, void* send, size_t send_size, tlm_mqtt_slot* window,
                   size_t window_count) {
  MqttOptions to;
  to.client_id = view(options->client_id);
  to.user_name = view(options->user_name);
  to.password = view(options->password);
  to.will_topic = view(options->will_topic);
  to.will_payload = view(options->will_payload);
  to.keepalive_s = options->keepalive_s;
  to.will_retain = options->will_retain;
  to.clean_session = options->clean_session;
  set_unless_zero(to.response_timeout_ms, options->response_timeout_ms);
  new (place<Mqtt>(mqtt)) Mqtt(to, bytes(receive, receive_size), bytes(send, send_size),
                               objects<MqttSession::InFlight>(window, window_count));
}
bool tlm_mqtt_open(tlm_mqtt* mqtt, uint32_t now_ms) { return session(mqtt).open(now_ms); }
void tlm_mqtt_close(tlm_mqtt* mqtt) { session(mqtt).close(); }
bool tlm_mqtt_wants_close(const tlm_mqtt* mqtt) { return session(mqtt).wants_close(); }
size_t tlm_mqtt_to_send(const tlm_mqtt* mqtt, const uint8_t** out) {
  const auto waiting = session(mqtt).to_send();
  *out = waiting.data();
  return waiting.size();
}
void tlm_mqtt_sent(tlm_mqtt* mqtt, size_t count) { session(mqtt).sent(count); }
size_t tlm_mqtt_receive(tlm_mqtt* mqtt, const void* data, size_t size, uint32_t now_ms,
                        const tlm_mqtt_handler* handler) {
  return session(mqtt).receive(bytes(data, size), now_ms, Handler{*handler});
}
void tlm_mqtt_poll(tlm_mqtt* mqtt, uint32_t now_ms) { session(mqtt).poll(now_ms); }
bool tlm_mqtt_publish(tlm_mqtt* mqtt, tlm_text topic, tlm_text payload, bool retain) {
  return session(mqtt).publish(view(topic), view(payload), retain);
}
bool tlm_mqtt_publish_qos1(tlm_mqtt* mqtt, tlm_text topic, tlm_text payload, uint32_t token,
                           bool retain) {
  return session(mqtt).publish(view(topic), view(payload), token, retain);
}
bool tlm_mqtt_next_resend(const tlm_mqtt* mqtt, uint32_t* token) {
  return session(mqtt).next_resend(*token);
}
bool tlm_mqtt_resend(tlm_mqtt* mqtt, tlm_text topic, tlm_text payload) {
  return session(mqtt).resend(view(topic), view(payload));
}
void tlm_mqtt_drop_resend(tlm_mqtt* mqtt) { session(mqtt).drop_resend(); }
bool tlm_mqtt_subscribe(tlm_mqtt* mqtt, tlm_text filter, uint8_t qos, uint16_t* packet_id) {
  return session(mqtt).subscribe(view(filter), qos, *packet_id);
}
bool tlm_mqtt_disconnect(tlm_mqtt* mqtt) { return session(mqtt).disconnect(); }
tlm_mqtt_state tlm_mqtt_get_state(const tlm_mqtt* mqtt) {
  return static_cast<tlm_mqtt_state>(session(mqtt).state());
}
uint8_t tlm_mqtt_connack_code(const tlm_mqtt* mqtt) { return session(mqtt).connack_code(); }
bool tlm_mqtt_session_present(const tlm_mqtt* mqtt) { return session(mqtt).session_present(); }
size_t tlm_mqtt_in_flight(const tlm_mqtt* mqtt) { return session(mqtt).in_flight(); }
tlm_mqtt_counters tlm_mqtt_get_counters(const tlm_mqtt* mqtt) {
  const auto& c = session(mqtt).counters();
  return {c.oversize, c.malformed, c.timeouts, c.unexpected, c.resent, c.pings};
}

// --- Card.

void tlm_card_init(tlm_card* card, const tlm_block_device* device, bool drop_oldest) {
  new (place<Card>(card)) Card(*device, drop_oldest ? CardPolicy::drop_oldest : CardPolicy::reject);
}
tlm_card_status tlm_card_format(tlm_card* card, const uint8_t journal_id[16],
                                uint32_t sectors_per_segment) {
  std::array<std::uint8_t, 16> id;
  std::memcpy(id.data(), journal_id, id.size());
  return to_c(journal(card).format(
      id, sectors_per_segment == 0 ? card_sectors_per_segment : sectors_per_segment));
}
tlm_card_status tlm_card_open(tlm_card* card) { return to_c(journal(card).open()); }
tlm_card_status tlm_card_append(tlm_card* card, const tlm_card_record* record) {
  FrameHeader header;
  header.received_at = header.time = record->time_ns;
  header.schema_id = record->schema;
  header.flags = 1;  // QoS
  return to_c(journal(card).append(header, view(record->topic), view(record->payload)));
}
tlm_card_status tlm_card_sync(tlm_card* card) { return to_c(journal(card).sync()); }
tlm_card_status tlm_card_read(tlm_card* card, uint64_t sequence, void* buffer, size_t size,
                              tlm_card_record* record) {
  FrameView frame;
  const CardStatus status = journal(card).read(sequence, bytes(buffer, size), frame);
  *record = {frame.header.sequence, frame.header.schema_id, frame.header.time, text(frame.topic),
             text(frame.payload)};
  return to_c(status);
}
tlm_card_status tlm_card_set_cursor(tlm_card* card, uint64_t sequence) {
  return to_c(journal(card).set_cursor(sequence));
}
uint64_t tlm_card_cursor(const tlm_card* card) { return journal(card).cursor(); }
uint64_t tlm_card_last_sequence(const tlm_card* card) { return journal(card).last_sequence(); }
uint64_t tlm_card_synced_sequence(const tlm_card* card) { return journal(card).synced_sequence(); }

// --- Store and forward.

void tlm_forward_init(tlm_forward* forward, tlm_ring* ring, tlm_mqtt* mqtt, tlm_card* card,
                      tlm_forward_slot* window, size_t window_count, void* record,
                      size_t record_size, const tlm_forward_options* options) {
  StoreForwardOptions to;
  if (options != nullptr) {
    set_unless_zero(to.save_interval_ms, options->save_interval_ms);
    set_unless_zero(to.batch_bytes, options->batch_bytes);
    set_unless_zero(to.high_water_bytes, options->high_water_bytes);
    set_unless_zero(to.cursor_records, options->cursor_records);
    set_unless_zero(to.cursor_interval_ms, options->cursor_interval_ms);
    set_unless_zero(to.card_retry_ms, options->card_retry_ms);
    set_unless_zero(to.card_patience_ms, options->card_patience_ms);
  }
  new (place<Forward>(forward)) Forward(
      object<ByteRing>(ring), session(mqtt), card == nullptr ? nullptr : &object<Card>(card),
      objects<Forward::Moving::Slot>(window, window_count), bytes(record, record_size), to);
}
bool tlm_forward_offer(tlm_forward* forward, tlm_text topic, tlm_text payload, int64_t time_ns) {
  return moving(forward).offer(view(topic), view(payload), time_ns);
}
bool tlm_forward_poll(tlm_forward* forward, uint32_t now_ms) {
  return moving(forward).poll(now_ms);
}
void tlm_forward_on_acknowledged(tlm_forward* forward, uint32_t token) {
  moving(forward).on_acknowledged(token);
}
uint64_t tlm_forward_waiting_on_card(const tlm_forward* forward) {
  return moving(forward).waiting_on_card();
}
tlm_card_status tlm_forward_card_status(const tlm_forward* forward) {
  return to_c(moving(forward).card_status());
}
tlm_forward_counters tlm_forward_get_counters(const tlm_forward* forward) {
  const auto& c = moving(forward).counters();
  return {c.refused, c.saved, c.lost, c.card_errors, c.cards_given_up};
}

// --- Deadband.

void tlm_deadband_init(tlm_deadband* deadband, int64_t mantissa, int16_t exponent,
                       uint32_t silence_ms_max) {
  new (place<Deadband>(deadband)) Deadband({mantissa, exponent}, silence_ms_max);
}
bool tlm_deadband_passes(tlm_deadband* deadband, int64_t mantissa, int16_t exponent,
                         uint32_t now_ms) {
  return object<Deadband>(deadband).passes({mantissa, exponent}, now_ms);
}
