// SPDX-License-Identifier: Apache-2.0
// What the small C programs of the rig share: clocks, percentiles, sockets, RFC 3339 times.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static inline int64_t read_clock(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) fail("clock_gettime: %s", strerror(errno));
  return now.tv_sec * NS_PER_S + now.tv_nsec;
}

// CPU time of a process, all threads, user and system.
static inline int64_t cpu_ns(pid_t process) {
  clockid_t clock;
  if (process == 0) return 0;
  if (clock_getcpuclockid(process, &clock) != 0) fail("no process %d", (int)process);
  return read_clock(clock);
}

struct Samples {
  uint32_t* values;  // us
  size_t count, capacity;
};

static inline void add_sample(struct Samples* samples, int64_t ns) {
  if (samples->count == samples->capacity) {
    samples->capacity = samples->capacity ? samples->capacity * 2 : 1 << 20;
    samples->values = realloc(samples->values, samples->capacity * sizeof *samples->values);
    if (!samples->values) fail("out of memory");
  }
  samples->values[samples->count++] = ns < 0 ? 0 : (uint32_t)(ns / 1000);
}

static inline int compare_samples(const void* left, const void* right) {
  const uint32_t a = *(const uint32_t*)left, b = *(const uint32_t*)right;
  return (a > b) - (a < b);
}

// Prints ,"p50_us":..,"p99_us":..,"max_us":..
static inline void print_percentiles(struct Samples* samples) {
  const size_t n = samples->count;
  if (n == 0) return;
  qsort(samples->values, n, sizeof *samples->values, compare_samples);
  printf(",\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u", samples->values[n / 2],
         samples->values[n * 99 / 100], samples->values[n - 1]);
}

static inline int connect_to(int port) {
  const int one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0)
    fail("port %d: %s", port, strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static inline void make_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) fail("fcntl: %s", strerror(errno));
}

static inline void write_all(int fd, const void* data, size_t size) {
  const char* at = data;
  while (size > 0) {
    const ssize_t sent = write(fd, at, size);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) fail("write: %s", strerror(errno));
    at += sent;
    size -= (size_t)sent;
  }
}

// 2026-11-30T21:13:27.170123456Z, any number of digits behind the point; 0 if it is none.
static inline int64_t parse_time(const char* text) {
  static char day_text[11];  // the last day seen, and when it began
  static int64_t day_s;
  int64_t fraction = 0, scale = NS_PER_S;
  if (memcmp(day_text, text, 10) != 0) {
    struct tm day = {.tm_year = atoi(text) - 1900, .tm_mon = atoi(text + 5) - 1};
    day.tm_mday = atoi(text + 8);
    day_s = timegm(&day);
    memcpy(day_text, text, 10);
  }
  if (text[10] != 'T' || text[13] != ':' || text[16] != ':') return 0;
#define TWO(at) ((text[at] - '0') * 10 + text[(at) + 1] - '0')
  const int64_t seconds = day_s + TWO(11) * 3600 + TWO(14) * 60 + TWO(17);
#undef TWO
  if (text[19] == '.')
    for (const char* digit = text + 20; *digit >= '0' && *digit <= '9' && scale > 1; ++digit) {
      scale /= 10;
      fraction += (*digit - '0') * scale;
    }
  return seconds * NS_PER_S + fraction;
}
