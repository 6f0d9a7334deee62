// SPDX-License-Identifier: Apache-2.0
// live_clients PORT PATH SECONDS SUBSCRIPTIONS [HEADER] [PID] [STALLED]: WebSocket clients, one for
// each line of the file SUBSCRIPTIONS, which it sends as a text ("-": none). The last STALLED of
// them subscribe and never read again. Counts records, by their "received_at", and times each from
// the first "timestamp" of its payload; prints counts, latencies, and the CPU time that process PID
// took meanwhile. When all have subscribed it says "ready" and counts a second later.
// SECONDS 0: they are held until stdin ends.
#include <sys/epoll.h>

#include "bench.h"

enum { buffer_max = 2 << 20 };

struct Client {
  int fd;
  size_t have;
  char* buffer;
  size_t received, capacity;
  int subscribed;
};

static struct Samples latencies;
static size_t frames, bytes, notices;
static int counting, subscribed;

static void send_text(int fd, const char* text) {
  static unsigned char frame[1 << 16];
  const size_t size = strlen(text);
  if (size + 8 > sizeof frame) fail("a subscription is too long");
  size_t at = 0;
  frame[at++] = 0x81;
  if (size < 126) {
    frame[at++] = (unsigned char)(0x80 | size);
  } else {
    frame[at++] = 0x80 | 126;
    frame[at++] = (unsigned char)(size >> 8);
    frame[at++] = (unsigned char)size;
  }
  memset(frame + at, 0, 4);  // a mask of zeros leaves the text as it is
  memcpy(frame + at + 4, text, size);
  write_all(fd, frame, at + 4 + size);
}

// A record has one stamp in its payload and one of its own, which is the same; "received_at" closes
// it.
static void take_text(struct Client* client, char* text, size_t size, int64_t now) {
  const char kept = text[size];
  text[size] = 0;
  char* at = strstr(text, "\"payload\":");
  if (!at) {
    if (strstr(text, "\"subscribed\"") && !client->subscribed) {
      client->subscribed = 1;
      ++subscribed;
    } else {
      if (strstr(text, "\"error\"")) fail("%s", text);
      ++notices;
    }
  }
  while (at && (at = strstr(at, "\"timestamp\":\"")) != NULL) {
    at += 13;
    if (counting) add_sample(&latencies, now - parse_time(at));
    ++client->received;
    at = strstr(at, "\"payload\":");
  }
  text[size] = kept;
}

static int take(struct Client* client) {
  const ssize_t got =
      read(client->fd, client->buffer + client->have, client->capacity - client->have - 1);
  if (got < 0 && errno == EAGAIN) return 1;
  if (got <= 0) return 0;
  const int64_t now = read_clock(CLOCK_REALTIME);
  client->have += (size_t)got;
  if (counting) bytes += (size_t)got;
  size_t at = 0;
  for (;;) {
    const unsigned char* head = (unsigned char*)client->buffer + at;
    const size_t left = client->have - at;
    if (left < 2) break;
    size_t size = head[1] & 127, prefix = 2;
    if (size == 126) {
      if (left < 4) break;
      size = (size_t)head[2] << 8 | head[3], prefix = 4;
    } else if (size == 127) {
      if (left < 10) break;
      size = 0, prefix = 10;
      for (int i = 2; i < 10; ++i) size = size << 8 | head[i];
    }
    if (prefix + size >= client->capacity) {
      client->capacity = prefix + size + 4096;
      if (client->capacity > buffer_max) fail("a frame of %zu bytes", size);
      client->buffer = realloc(client->buffer, client->capacity);
      if (!client->buffer) fail("out of memory");
      continue;
    }
    if (left < prefix + size) break;
    if ((head[0] & 15) == 8) return 0;
    if ((head[0] & 15) == 1) {
      if (counting) ++frames;
      take_text(client, client->buffer + at + prefix, size, now);
    } else if ((head[0] & 15) == 9) {
      static const unsigned char pong[] = {0x8a, 0x80, 0, 0, 0, 0};
      write_all(client->fd, pong, sizeof pong);
    }
    at += prefix + size;
  }
  memmove(client->buffer, client->buffer + at, client->have - at);
  client->have -= at;
  return 1;
}

static void shake_hands(struct Client* client, const char* port, const char* path,
                        const char* header) {
  char text[4096];
  const int size = snprintf(text, sizeof text,
                            "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n",
                            path, port, header, *header ? "\r\n" : "");
  write_all(client->fd, text, (size_t)size);
  size_t have = 0;
  while (have < 4 || memcmp(text + have - 4, "\r\n\r\n", 4) != 0) {
    if (have == sizeof text - 1 || read(client->fd, text + have, 1) != 1) fail("no handshake");
    text[++have] = 0;
  }
  if (strncmp(text, "HTTP/1.1 101", 12) != 0) fail("%s", text);
}

int main(int argc, char** argv) {
  if (argc < 5)
    fail("usage: live_clients PORT PATH SECONDS SUBSCRIPTIONS [HEADER] [PID] [STALLED]");
  const int64_t seconds = atoll(argv[3]);
  const pid_t server = argc > 6 ? atoi(argv[6]) : 0;
  const int stalled = argc > 7 ? atoi(argv[7]) : 0;
  FILE* file = fopen(argv[4], "r");
  static char line[1 << 16];
  struct Client* clients = calloc(4096, sizeof *clients);
  const int poll = epoll_create1(0);
  int count = 0, expected = 0;
  while (file && count < 4096 && fgets(line, sizeof line, file)) {
    struct Client* client = &clients[count++];
    line[strcspn(line, "\n")] = 0;
    client->fd = connect_to(atoi(argv[1]));
    client->capacity = seconds ? 1 << 16 : 1 << 12;
    client->buffer = malloc(client->capacity);
    shake_hands(client, argv[1], argv[2], argc > 5 ? argv[5] : "");
    make_nonblocking(client->fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(poll, EPOLL_CTL_ADD, client->fd, &event);
    if (strcmp(line, "-") == 0) continue;
    send_text(client->fd, line);
    ++expected;
  }
  if (count == 0) fail("%s: no subscriptions", argv[4]);
  struct epoll_event events[256];
  int64_t begin = 0, began = 0, cpu = 0, now;
  int ended = 0;
  for (;;) {
    if (!begin && subscribed == expected) {
      puts("ready");
      fflush(stdout);
      for (int i = count - stalled; i < count; ++i)
        epoll_ctl(poll, EPOLL_CTL_DEL, clients[i].fd, NULL);
      if (!seconds) break;
      begin = read_clock(CLOCK_MONOTONIC) + NS_PER_S;
    }
    const int ready = epoll_wait(poll, events, 256, 1000);
    now = read_clock(CLOCK_MONOTONIC);
    if (begin && !began && now >= begin) began = now, cpu = cpu_ns(server), counting = 1;
    if (begin && now >= begin + seconds * NS_PER_S) break;
    for (int i = 0; i < ready; ++i) {
      struct Client* client = events[i].data.ptr;
      if (take(client)) continue;
      epoll_ctl(poll, EPOLL_CTL_DEL, client->fd, NULL);
      ++ended;
    }
  }
  if (!seconds) {
    while (read(0, line, sizeof line) > 0) {
    }
    return 0;
  }
  cpu = cpu_ns(server) - cpu;
  size_t least = SIZE_MAX, most = 0;
  for (int i = 0; i < count - stalled; ++i) {
    if (clients[i].received < least) least = clients[i].received;
    if (clients[i].received > most) most = clients[i].received;
  }
  printf(
      "{\"delivered\":%zu,\"frames\":%zu,\"bytes\":%zu,\"notices\":%zu,\"ended\":%d,"
      "\"least\":%zu,\"most\":%zu,\"seconds\":%.4f,\"cpu_s\":%.6f",
      latencies.count, frames, bytes, notices, ended, least, most, (double)(now - began) / 1e9,
      (double)cpu / 1e9);
  print_percentiles(&latencies);
  puts("}");
  return 0;
}
