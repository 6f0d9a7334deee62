/* SPDX-License-Identifier: Apache-2.0 */
/* The no-heap core for firmware in C: topics, schemas, ring, MQTT client, card journal, store and
 * forward. A function does what the C++ member of the same name does; the header that each section
 * names has the whole contract.
 *
 * Objects lie in the caller's memory. tlm_..._init() makes one, in any memory that is as large and
 * aligned as its type; it must not be moved or copied afterwards and needs no end. What it refers
 * to (buffers, other objects, texts of options) must live as long.
 * Texts are pointer and length, without a NUL. Times in ms are of any clock that goes forward; they
 * may wrap. Nothing here waits but for the card.
 * Thread: one context each, but for the ring's one producer (tlm_ring_push, tlm_forward_offer).
 */
#ifndef TELEMETRY_CORE_H
#define TELEMETRY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tlm_text {
  const char* data;
  size_t size;
} tlm_text;
/* The text of a string literal, as an initialiser: tlm_text topic = TLM_TEXT("mcu/1/reading"); */
#define TLM_TEXT(literal) \
  { "" literal, sizeof(literal) - 1 }

/* Bytes of an object where a pointer has 4 bytes, and where it has 8. */
#define TLM_MEMORY(bytes32, bytes64) \
  uint64_t memory[(sizeof(void*) == 4 ? (bytes32) : (bytes64)) / sizeof(uint64_t)]

/* ---- Topics: telemetry/core/topic.hpp ---------------------------------------------------------*/
bool tlm_is_valid_topic(tlm_text topic);
bool tlm_is_valid_filter(tlm_text filter);
bool tlm_topic_matches(tlm_text filter, tlm_text topic);

/* ---- Schemas: telemetry/core/schema_table.hpp, decode.hpp -------------------------------------*/

/* The tables that `telemetry schema compile --to cpp` has written. One C++ file of the firmware
 * hands them over:
 *   #include "schemas.hpp"
 *   extern "C" { extern const tlm_schemas device_schemas; }
 *   const tlm_schemas device_schemas = {schemas::all, std::size(schemas::all)};
 */
typedef struct tlm_schemas {
  const void* entries; /* telemetry::core::SchemaEntry[count] */
  size_t count;
} tlm_schemas;

typedef enum tlm_kind {
  TLM_NULL, /* the field was absent, or null */
  TLM_BOOLEAN,
  TLM_INTEGER,
  TLM_DECIMAL,
  TLM_TIME,
  TLM_STRING,
  TLM_JSON /* an array, as written */
} tlm_kind;

typedef struct tlm_value {
  TLM_MEMORY(16, 16);
} tlm_value;

tlm_kind tlm_value_kind(const tlm_value* value);
/* TLM_BOOLEAN 0 or 1, TLM_INTEGER, TLM_TIME in ns since 1970; TLM_DECIMAL: the mantissa. */
int64_t tlm_value_integer(const tlm_value* value);
/* TLM_DECIMAL is mantissa * 10^exponent; 0 for the others. */
int16_t tlm_value_exponent(const tlm_value* value);
/* TLM_STRING, TLM_JSON; points into the payload, the scratch memory or the schema. */
tlm_text tlm_value_text(const tlm_value* value);

typedef struct tlm_verdict {
  uint8_t rule;    /* the rule that was broken first; 0: the payload is valid */
  uint16_t broken; /* how many rules were broken */
  uint32_t offset; /* where in the payload */
  uint64_t schema; /* id of the schema that judged; 0: none is for this topic */
} tlm_verdict;

/* Judges a payload by the schema of its topic, as the gateway will.
 * topic:   must be valid
 * values:  the fields in the order of the schema; as many as the largest schema has, else
 *          "payload_too_large"
 * scratch: at least payload.size bytes, else the same; texts with escapes are put there
 */
tlm_verdict tlm_judge(const tlm_schemas* schemas, tlm_text topic, tlm_text payload,
                      tlm_value* values, size_t value_count, char* scratch, size_t scratch_size);
/* "max", "required", ...; static. */
tlm_text tlm_rule_name(uint8_t rule);

/* ---- Ring: telemetry/core/ring_buffer.hpp -----------------------------------------------------*/
typedef struct tlm_ring {
  TLM_MEMORY(24, 32);
} tlm_ring;

/* storage: 64 bytes to 1 GiB, rounded down to a power of two.
 * drop_oldest: the oldest records make room; without it a record that does not fit is refused. */
void tlm_ring_init(tlm_ring* ring, void* storage, size_t size, bool drop_oldest);
bool tlm_ring_push(tlm_ring* ring, const void* record, size_t size);
/* size: the record's, also when it has more than `room` bytes: it stays then, and the answer is
 * false as for an empty ring. */
bool tlm_ring_pop(tlm_ring* ring, void* record, size_t room, size_t* size);
size_t tlm_ring_bytes_used(const tlm_ring* ring);
/* Records refused or dropped; wraps. */
uint32_t tlm_ring_dropped(const tlm_ring* ring);

/* ---- MQTT 3.1.1 client: telemetry/core/mqtt_session.hpp ---------------------------------------*/
typedef struct tlm_mqtt_options {
  tlm_text client_id, user_name, password, will_topic, will_payload; /* empty: none */
  uint16_t keepalive_s;                                              /* 0: no pings */
  bool will_retain, clean_session;
  uint32_t response_timeout_ms; /* 0: 10,000 */
} tlm_mqtt_options;

typedef struct tlm_mqtt_message {
  tlm_text topic, payload;
  uint8_t qos;
  bool retained, duplicate;
} tlm_mqtt_message;

/* Any function may be null. */
typedef struct tlm_mqtt_handler {
  void* context;
  void (*on_message)(void* context, const tlm_mqtt_message* message);
  void (*on_acknowledged)(void* context, uint32_t token);
  void (*on_subscribed)(void* context, uint16_t packet_id, uint8_t code);
} tlm_mqtt_handler;

typedef enum tlm_mqtt_state {
  TLM_MQTT_DISCONNECTED,
  TLM_MQTT_CONNECTING,
  TLM_MQTT_CONNECTED,
  TLM_MQTT_REFUSED
} tlm_mqtt_state;

typedef struct tlm_mqtt_counters {
  uint32_t oversize, malformed, timeouts, unexpected, resent, pings;
} tlm_mqtt_counters;

/* One publication in flight. */
typedef struct tlm_mqtt_slot {
  uint32_t memory[2];
} tlm_mqtt_slot;

typedef struct tlm_mqtt {
  TLM_MEMORY(152, 232);
} tlm_mqtt;

/* receive: the largest message; send: CONNECT, and the largest PUBLISH and 8 bytes; window: as many
 * publications are in flight at most. */
void tlm_mqtt_init(tlm_mqtt* mqtt, const tlm_mqtt_options* options, void* receive,
                   size_t receive_size, void* send, size_t send_size, tlm_mqtt_slot* window,
                   size_t window_count);
/* The transport is there: queues CONNECT. false: it can never be sent so. */
bool tlm_mqtt_open(tlm_mqtt* mqtt, uint32_t now_ms);
/* The transport is gone. */
void tlm_mqtt_close(tlm_mqtt* mqtt);
/* Shut the transport and call tlm_mqtt_close(). */
bool tlm_mqtt_wants_close(const tlm_mqtt* mqtt);
/* The bytes to send next, and tlm_mqtt_sent() says how many of them went. */
size_t tlm_mqtt_to_send(const tlm_mqtt* mqtt, const uint8_t** bytes);
void tlm_mqtt_sent(tlm_mqtt* mqtt, size_t bytes);
/* Returns how many bytes were taken; pass the rest again when some were sent. */
size_t tlm_mqtt_receive(tlm_mqtt* mqtt, const void* bytes, size_t size, uint32_t now_ms,
                        const tlm_mqtt_handler* handler);
/* In every round, behind tlm_mqtt_receive(). */
void tlm_mqtt_poll(tlm_mqtt* mqtt, uint32_t now_ms);
/* QoS 0. */
bool tlm_mqtt_publish(tlm_mqtt* mqtt, tlm_text topic, tlm_text payload, bool retain);
/* QoS 1, not beside a tlm_forward. After a new connection those in flight must go out again, before
 * anything new: ask next_resend() for the token and call resend(), or drop_resend(). */
bool tlm_mqtt_publish_qos1(tlm_mqtt* mqtt, tlm_text topic, tlm_text payload, uint32_t token,
                           bool retain);
bool tlm_mqtt_next_resend(const tlm_mqtt* mqtt, uint32_t* token);
bool tlm_mqtt_resend(tlm_mqtt* mqtt, tlm_text topic, tlm_text payload);
void tlm_mqtt_drop_resend(tlm_mqtt* mqtt);
bool tlm_mqtt_subscribe(tlm_mqtt* mqtt, tlm_text filter, uint8_t qos, uint16_t* packet_id);
bool tlm_mqtt_disconnect(tlm_mqtt* mqtt);
tlm_mqtt_state tlm_mqtt_get_state(const tlm_mqtt* mqtt);
uint8_t tlm_mqtt_connack_code(const tlm_mqtt* mqtt);
bool tlm_mqtt_session_present(const tlm_mqtt* mqtt);
size_t tlm_mqtt_in_flight(const tlm_mqtt* mqtt);
tlm_mqtt_counters tlm_mqtt_get_counters(const tlm_mqtt* mqtt);

/* ---- Journal on a card: telemetry/core/card_journal.hpp, docs/formats/card_v1.md --------------*/
typedef enum tlm_card_status {
  TLM_CARD_OK,
  TLM_CARD_END,
  TLM_CARD_FULL,
  TLM_CARD_TOO_LARGE,
  TLM_CARD_INVALID,
  TLM_CARD_NOT_OPEN,
  TLM_CARD_IO_ERROR,
  TLM_CARD_BLANK,
  TLM_CARD_FOREIGN,
  TLM_CARD_DAMAGED,
  TLM_CARD_UNSUPPORTED,
  TLM_CARD_OTHER
} tlm_card_status;

/* Sectors of 512 bytes. false: the device refused. */
typedef struct tlm_block_device {
  void* context;
  bool (*read)(void* context, uint32_t sector, uint8_t* out);
  bool (*write)(void* context, uint32_t sector, const uint8_t* bytes);
  bool (*flush)(void* context); /* null: what is written lasts */
  uint32_t (*sectors)(void* context);
} tlm_block_device;

typedef struct tlm_card {
  TLM_MEMORY(1200, 1232);
} tlm_card;

typedef struct tlm_card_record {
  uint64_t sequence; /* given by the journal */
  uint64_t schema;   /* id; 0: none */
  int64_t time_ns;   /* since 1970, or of a clock that the importer can place */
  tlm_text topic, payload;
} tlm_card_record;

/* drop_oldest: a full card drops its oldest segment; without it a full card takes nothing more. */
void tlm_card_init(tlm_card* card, const tlm_block_device* device, bool drop_oldest);
/* What was on the card is lost. sectors_per_segment 0: 128. */
tlm_card_status tlm_card_format(tlm_card* card, const uint8_t journal_id[16],
                                uint32_t sectors_per_segment);
tlm_card_status tlm_card_open(tlm_card* card);
tlm_card_status tlm_card_append(tlm_card* card, const tlm_card_record* record);
tlm_card_status tlm_card_sync(tlm_card* card);
/* The first synced message from `sequence` on; topic and payload point into the buffer. */
tlm_card_status tlm_card_read(tlm_card* card, uint64_t sequence, void* buffer, size_t size,
                              tlm_card_record* record);
tlm_card_status tlm_card_set_cursor(tlm_card* card, uint64_t sequence);
uint64_t tlm_card_cursor(const tlm_card* card);
uint64_t tlm_card_last_sequence(const tlm_card* card);
uint64_t tlm_card_synced_sequence(const tlm_card* card);

/* ---- Store and forward: telemetry/core/store_forward.hpp --------------------------------------*/
typedef struct tlm_forward_options { /* 0: as the C++ defaults are */
  uint32_t save_interval_ms, batch_bytes, high_water_bytes, cursor_records, cursor_interval_ms,
      card_retry_ms, card_patience_ms;
} tlm_forward_options;

typedef struct tlm_forward_counters {
  uint32_t refused, saved, lost, card_errors, cards_given_up;
} tlm_forward_counters;

typedef struct tlm_forward_slot {
  uint32_t memory[3];
} tlm_forward_slot;

typedef struct tlm_forward {
  TLM_MEMORY(168, 232);
} tlm_forward;

/* card: null where there is none; it need not be open
 * window: no more than the session's
 * record, record_size: 10 bytes, topic and payload of the largest message
 * options: null for the defaults */
void tlm_forward_init(tlm_forward* forward, tlm_ring* ring, tlm_mqtt* mqtt, tlm_card* card,
                      tlm_forward_slot* window, size_t window_count, void* record,
                      size_t record_size, const tlm_forward_options* options);
/* Takes a message that was judged and found good. */
bool tlm_forward_offer(tlm_forward* forward, tlm_text topic, tlm_text payload, int64_t time_ns);
/* In every round of the loop. false: nothing is to be done, sleep until the next interrupt. */
bool tlm_forward_poll(tlm_forward* forward, uint32_t now_ms);
/* To be called by the handler's on_acknowledged. */
void tlm_forward_on_acknowledged(tlm_forward* forward, uint32_t token);
uint64_t tlm_forward_waiting_on_card(const tlm_forward* forward);
tlm_card_status tlm_forward_card_status(const tlm_forward* forward);
tlm_forward_counters tlm_forward_get_counters(const tlm_forward* forward);

/* ---- Deadband: telemetry/core/deadband.hpp ----------------------------------------------------*/
typedef struct tlm_deadband {
  TLM_MEMORY(48, 48);
} tlm_deadband;

/* The band is mantissa * 10^exponent. silence_ms_max 0: no such limit. */
void tlm_deadband_init(tlm_deadband* deadband, int64_t mantissa, int16_t exponent,
                       uint32_t silence_ms_max);
bool tlm_deadband_passes(tlm_deadband* deadband, int64_t mantissa, int16_t exponent,
                         uint32_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
