// SPDX-License-Identifier: Apache-2.0
// subscribe PORT FILTER SECONDS [WARM_S]: the yardstick, a bare MQTT subscriber (QoS 0) that does
// nothing but take the time from the stamp in the payload.
#include "mqtt.h"

int main(int argc, char** argv) {
  if (argc < 4) fail("usage: subscribe PORT FILTER SECONDS [WARM_S]");
  const int fd = mqtt_connect(atoi(argv[1]), "bench-subscriber");
  unsigned char packet[256];
  const size_t length = strlen(argv[2]);
  size_t size = put_header(packet, 0x82, 5 + length);
  packet[size++] = 0;
  packet[size++] = 1;
  size += put_text(packet + size, argv[2], length);
  packet[size++] = 0;
  write_all(fd, packet, size);
  expect(fd, 0x90, 5);
  const int64_t begin =
      read_clock(CLOCK_MONOTONIC) + (argc > 4 ? (int64_t)(atof(argv[4]) * 1e9) : 0);
  const int64_t end = begin + (int64_t)(atof(argv[3]) * 1e9);
  const int64_t cpu = cpu_ns(getpid());
  static unsigned char buffer[1 << 18];
  struct Samples latencies = {0};
  size_t have = 0;
  while (read_clock(CLOCK_MONOTONIC) < end) {
    const ssize_t got = read(fd, buffer + have, sizeof buffer - have - 1);
    if (got <= 0) fail("the broker has closed the connection");
    have += (size_t)got;
    const int64_t now = read_clock(CLOCK_REALTIME);
    const int counts = read_clock(CLOCK_MONOTONIC) >= begin;
    size_t at = 0;
    while (have - at >= 2) {
      size_t body = 0, head = 1;
      for (int shift = 0; head < have - at; shift += 7) {
        body |= (size_t)(buffer[at + head] & 127) << shift;
        if (!(buffer[at + head++] & 128)) break;
      }
      if (buffer[at + head - 1] & 128 || have - at < head + body) break;
      unsigned char* stop = buffer + at + head + body;
      const unsigned char kept = *stop;
      *stop = 0;
      const char* stamp = strstr((char*)buffer + at + head + 2 + 20, "\"timestamp\":\"");
      if (!stamp) fail("a message without a stamp");
      if (counts) add_sample(&latencies, now - parse_time(stamp + 13));
      *stop = kept;
      at += head + body;
    }
    memmove(buffer, buffer + at, have - at);
    have -= at;
  }
  printf("{\"messages\":%zu,\"cpu_us\":%.2f", latencies.count,
         (double)(cpu_ns(getpid()) - cpu) / 1e3 / (double)(latencies.count ? latencies.count : 1));
  print_percentiles(&latencies);
  puts("}");
  return 0;
}
