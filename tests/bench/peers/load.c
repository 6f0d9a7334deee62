// SPDX-License-Identifier: Apache-2.0
// load PORT CONNECTIONS SECONDS PATHS ROWS [HEADER] [PID]: keep-alive GETs, closed loop, one
// at a time on each connection; paths are taken from the file PATHS in turn. Every answer must be a
// 200 with Content-Length, and every 16th must hold ROWS records. Prints requests, latencies, and
// the CPU time that process PID took meanwhile. Before it counts, it runs for a second.
// SECONDS 0: one request on each connection, then "ready", then they are held until stdin ends.
#include <sys/epoll.h>

#include "bench.h"

struct Connection {
  int fd;
  size_t have, wanted;  // bytes of the answer; wanted is 0 until its header is there
  char* buffer;
  int64_t sent_at;
};

enum { answer_max = 4 << 20 };
static char* requests[4096];
static size_t request_count, next_request, answered, body_min = SIZE_MAX, body_max;
static size_t checked;
static int rows_wanted;

static void send_request(struct Connection* connection) {
  const char* request = requests[next_request++ % request_count];
  connection->have = connection->wanted = 0;
  connection->sent_at = read_clock(CLOCK_MONOTONIC);
  write_all(connection->fd, request, strlen(request));
}

static int count_rows(const char* text) {
  int rows = 0;
  while ((text = strstr(text, "\"received_at\":")) != NULL) ++rows, ++text;
  return rows;
}

// True when a whole answer is there.
static int take(struct Connection* connection) {
  const ssize_t got = read(connection->fd, connection->buffer + connection->have,
                           answer_max - connection->have - 1);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) fail("the server has closed a connection");
  connection->have += (size_t)got;
  if (connection->wanted == 0) {
    connection->buffer[connection->have] = 0;
    const char* end = strstr(connection->buffer, "\r\n\r\n");
    if (!end) return 0;
    if (strncmp(connection->buffer, "HTTP/1.1 200", 12) != 0) fail("%s", connection->buffer);
    const char* length = strcasestr(connection->buffer, "\r\nContent-Length:");
    if (!length || length > end) fail("no Content-Length: %s", connection->buffer);
    const size_t body = strtoul(length + 17, NULL, 10);
    if (body < body_min) body_min = body;
    if (body > body_max) body_max = body;
    connection->wanted = (size_t)(end + 4 - connection->buffer) + body;
    if (connection->wanted >= answer_max) fail("the answer is too long");
  }
  if (connection->have < connection->wanted) return 0;
  if (connection->have > connection->wanted) fail("more than the answer");
  if (answered++ % 16 == 0) {
    connection->buffer[connection->have] = 0;
    const int rows = count_rows(connection->buffer);
    if (rows != rows_wanted) fail("%d rows, not %d: %.400s", rows, rows_wanted, connection->buffer);
    ++checked;
  }
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 6) fail("usage: load PORT CONNECTIONS SECONDS PATHS ROWS [HEADER] [PID]");
  const int count = atoi(argv[2]);
  const int64_t seconds = atoll(argv[3]);
  rows_wanted = atoi(argv[5]);
  const char* header = argc > 6 ? argv[6] : "";
  const pid_t server = argc > 7 ? atoi(argv[7]) : 0;
  FILE* paths = fopen(argv[4], "r");
  char line[1024];
  while (paths && request_count < 4096 && fgets(line, sizeof line, paths)) {
    line[strcspn(line, "\n")] = 0;
    if (asprintf(&requests[request_count++],
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAccept: */*\r\n%s%s\r\n", line, argv[1],
                 header, *header ? "\r\n" : "") < 0)
      fail("out of memory");
  }
  if (request_count == 0) fail("%s: no paths", argv[4]);
  struct Connection* connections = calloc((size_t)count, sizeof *connections);
  const int poll = epoll_create1(0);
  for (int i = 0; i < count; ++i) {
    connections[i].fd = connect_to(atoi(argv[1]));
    connections[i].buffer = malloc(answer_max);
    if (!connections[i].buffer) fail("out of memory");
    if (!seconds) {
      send_request(&connections[i]);
      while (!take(&connections[i])) {
      }
      free(connections[i].buffer);
      continue;
    }
    make_nonblocking(connections[i].fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
    epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event);
    send_request(&connections[i]);
  }
  if (!seconds) {
    puts("ready");
    fflush(stdout);
    while (read(0, line, sizeof line) > 0) {
    }
    return 0;
  }
  struct Samples latencies = {0};
  struct epoll_event events[256];
  const int64_t begin = read_clock(CLOCK_MONOTONIC) + NS_PER_S, end = begin + seconds * NS_PER_S;
  int64_t began = 0, cpu = 0, now = 0;
  for (;;) {
    const int ready = epoll_wait(poll, events, 256, 5000);
    if (ready == 0) fail("no answer for 5 s");
    now = read_clock(CLOCK_MONOTONIC);
    if (!began && now >= begin) began = now, cpu = cpu_ns(server);
    if (now >= end) break;
    for (int i = 0; i < ready; ++i) {
      struct Connection* connection = events[i].data.ptr;
      if (!take(connection)) continue;
      if (began) add_sample(&latencies, read_clock(CLOCK_MONOTONIC) - connection->sent_at);
      send_request(connection);
    }
  }
  cpu = cpu_ns(server) - cpu;
  printf(
      "{\"requests\":%zu,\"seconds\":%.4f,\"cpu_s\":%.6f,\"checked\":%zu,\"body_min\":%zu,"
      "\"body_max\":%zu",
      latencies.count, (double)(now - began) / 1e9, (double)cpu / 1e9, checked, body_min, body_max);
  print_percentiles(&latencies);
  puts("}");
  return 0;
}
