// SPDX-License-Identifier: Apache-2.0
// As much of MQTT 3.1.1 as a publisher and a subscriber of the rig need.
#pragma once

#include "bench.h"

static inline size_t put_text(unsigned char* at, const char* text, size_t size) {
  at[0] = (unsigned char)(size >> 8);
  at[1] = (unsigned char)size;
  memcpy(at + 2, text, size);
  return size + 2;
}

// Writes the fixed header; `body` bytes follow.
static inline size_t put_header(unsigned char* at, unsigned char type, size_t body) {
  size_t size = 0;
  at[size++] = type;
  do {
    at[size] = body & 127;
    body >>= 7;
    if (body) at[size] |= 128;
    ++size;
  } while (body);
  return size;
}

static inline void expect(int fd, unsigned char type, size_t size) {
  unsigned char answer[8];
  size_t have = 0;
  while (have < size) {
    const ssize_t got = read(fd, answer + have, size - have);
    if (got <= 0) fail("the broker has closed the connection");
    have += (size_t)got;
  }
  if (answer[0] != type || answer[size - 1] >= 128) fail("the broker refuses: %d", answer[0]);
}

static inline int mqtt_connect(int port, const char* client_id) {
  unsigned char packet[256] = {0x10};
  static const unsigned char head[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0};  // no keep-alive
  const size_t length = strlen(client_id);
  packet[1] = (unsigned char)(sizeof head + 2 + length);
  memcpy(packet + 2, head, sizeof head);
  put_text(packet + 2 + sizeof head, client_id, length);
  const int fd = connect_to(port);
  write_all(fd, packet, 2u + packet[1]);
  expect(fd, 0x20, 4);
  return fd;
}
