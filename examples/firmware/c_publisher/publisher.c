/* SPDX-License-Identifier: Apache-2.0 */
/* A bare microcontroller that publishes, in C: reading -> schema -> ring -> MQTT with QoS 1 over
 * the UART. No card, no heap, no operating system; readings wait in the ring while the broker is
 * away.
 */
#include <string.h>

#include "port.h"

enum { WINDOW = 8, READING_MS = 10, RECONNECT_MS = 500, PAYLOAD_MAX = 96 };

static const tlm_text topic = TLM_TEXT("mcu/meter-001/meter");
static const tlm_mqtt_options options = {
    .client_id = TLM_TEXT("meter-001"), .keepalive_s = 10, .response_timeout_ms = 2000};

static struct {
  tlm_ring ring;
  tlm_mqtt mqtt;
  tlm_forward forward;
  uint8_t ring_memory[4096];
  uint8_t receive[64], send[512], record[160];
  tlm_mqtt_slot mqtt_window[WINDOW];
  tlm_forward_slot forward_window[WINDOW];
} memory;

static char* put_text(char* at, const char* text) {
  const size_t size = strlen(text);
  memcpy(at, text, size);
  return at + size;
}

static char* put_number(char* at, uint32_t number) {
  char digits[10];
  size_t count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count > 0) *at++ = digits[--count];
  return at;
}

/* The same judgement as the gateway's: what it would refuse is not sent. */
static bool is_valid(tlm_text payload) {
  tlm_value values[PORT_FIELDS_MAX];
  char scratch[PAYLOAD_MAX];
  return tlm_judge(&port_schemas, topic, payload, values, PORT_FIELDS_MAX, scratch, sizeof scratch)
             .rule == 0;
}

/* Returns false when the ring is full: the same number comes with the next reading. */
static bool take_reading(uint32_t now_ms, uint32_t number) {
  char payload[PAYLOAD_MAX];
  char* end = put_text(payload, "{\"pulses\":");
  end = put_number(end, now_ms / 3); /* in the place of a meter */
  end = put_text(end, ",\"uptime_ms\":");
  end = put_number(end, now_ms);
  end = put_text(end, ",\"seq\":");
  end = put_number(end, number);
  end = put_text(end, "}");
  const tlm_text text = {payload, (size_t)(end - payload)};
  return is_valid(text) &&
         tlm_forward_offer(&memory.forward, topic, text, (int64_t)now_ms * 1000000);
}

static void on_acknowledged(void* context, uint32_t token) {
  (void)context;
  tlm_forward_on_acknowledged(&memory.forward, token);
}
static const tlm_mqtt_handler handler = {.on_acknowledged = on_acknowledged};

/* Takes what the line has, and keeps what the session has no room for. */
static void receive(uint32_t now_ms) {
  static uint8_t input[32];
  static size_t unread;
  if (unread == 0) unread = port_read(input, sizeof input);
  const size_t taken = tlm_mqtt_receive(&memory.mqtt, input, unread, now_ms, &handler);
  memmove(input, input + taken, unread - taken);
  unread -= taken;
  if (tlm_mqtt_wants_close(&memory.mqtt)) unread = 0;
}

/* A UART does not say that the other end is gone: answers that do not come do. */
static void connect(uint32_t now_ms) {
  static uint32_t closed_ms;
  if (tlm_mqtt_wants_close(&memory.mqtt)) {
    tlm_mqtt_close(&memory.mqtt);
    closed_ms = now_ms;
  }
  if (tlm_mqtt_get_state(&memory.mqtt) == TLM_MQTT_DISCONNECTED &&
      now_ms - closed_ms >= RECONNECT_MS) {
    (void)tlm_mqtt_open(&memory.mqtt, now_ms);
  }
}

int main(void) {
  port_start();
  tlm_ring_init(&memory.ring, memory.ring_memory, sizeof memory.ring_memory, false);
  tlm_mqtt_init(&memory.mqtt, &options, memory.receive, sizeof memory.receive, memory.send,
                sizeof memory.send, memory.mqtt_window, WINDOW);
  tlm_forward_init(&memory.forward, &memory.ring, &memory.mqtt, NULL, memory.forward_window, WINDOW,
                   memory.record, sizeof memory.record, NULL);
  uint32_t number = 1, last_ms = 0;
  for (;;) {
    const uint32_t now_ms = port_now_ms();
    receive(now_ms);
    tlm_mqtt_poll(&memory.mqtt, now_ms);
    connect(now_ms);
    if (now_ms - last_ms >= READING_MS) {
      last_ms = now_ms;
      if (take_reading(now_ms, number)) ++number;
    }
    /* false: a product sleeps here until the next interrupt. */
    (void)tlm_forward_poll(&memory.forward, now_ms);
    const uint8_t* bytes;
    const size_t size = tlm_mqtt_to_send(&memory.mqtt, &bytes);
    tlm_mqtt_sent(&memory.mqtt, port_write(bytes, size));
  }
}
