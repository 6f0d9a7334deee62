// SPDX-License-Identifier: Apache-2.0
// publish PORT RATE DEVICES [SECONDS]: temperatures at a fixed rate, QoS 1, evenly spaced, each
// stamped with its time of sending in ns. Prints how many were sent and acknowledged.
#include <signal.h>

#include "mqtt.h"

static volatile sig_atomic_t stopped;
static void stop(int signal_number) { (void)signal_number, stopped = 1; }

// Four bytes each, and nothing else comes from the broker.
static size_t count_acks(int fd, int flags) {
  static char buffer[1 << 16];
  static size_t bytes;
  ssize_t got;
  while ((got = recv(fd, buffer, sizeof buffer, flags)) > 0) bytes += (size_t)got;
  if (got == 0) fail("the broker has closed the connection");
  return bytes / 4;
}

int main(int argc, char** argv) {
  if (argc < 4) fail("usage: publish PORT RATE DEVICES [SECONDS]");
  const int fd = mqtt_connect(atoi(argv[1]), "bench-publisher");
  const int64_t rate = atoll(argv[2]), devices = atoll(argv[3]);
  const int64_t wanted = argc > 4 ? atoll(argv[4]) * rate : INT64_MAX;
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  const int64_t first = read_clock(CLOCK_MONOTONIC);
  // Behind what any earlier run has counted to.
  const int64_t sequence = read_clock(CLOCK_REALTIME) / 1000;
  int64_t sent = 0, latest_ns = 0;
  for (; sent < wanted && !stopped; ++sent) {
    const int64_t due = first + sent * NS_PER_S / rate;
    const struct timespec until = {due / NS_PER_S, due % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR && !stopped) {
    }
    char topic[64], payload[256], stamp[32];
    unsigned char packet[512];
    const int64_t device = sent % devices + 1, now = read_clock(CLOCK_REALTIME);
    const time_t seconds = now / NS_PER_S;
    const int64_t late = read_clock(CLOCK_MONOTONIC) - due;
    if (late > latest_ns) latest_ns = late;
    struct tm parts;
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));
    const int topic_size = sprintf(topic, "sensors/sensor-%03lld/temperature", (long long)device);
    const int payload_size =
        sprintf(payload,
                "{\"temperature\":%.2f,\"humidity\":%.1f,\"sensor_id\":\"sensor-%03lld\","
                "\"timestamp\":\"%s.%09lldZ\",\"seq\":%lld}",
                20 + (double)(sent % 997) / 100, 40 + (double)(sent % 89) / 10, (long long)device,
                stamp, (long long)(now % NS_PER_S), (long long)(sequence + sent / devices));
    const size_t body = 2u + (size_t)topic_size + 2u + (size_t)payload_size;
    size_t size = put_header(packet, 0x32, body);
    size += put_text(packet + size, topic, (size_t)topic_size);
    const unsigned identifier = (unsigned)(sent % 65535 + 1);
    packet[size++] = (unsigned char)(identifier >> 8);
    packet[size++] = (unsigned char)identifier;
    memcpy(packet + size, payload, (size_t)payload_size);
    write_all(fd, packet, size + (size_t)payload_size);
    if (sent % 64 == 0) count_acks(fd, MSG_DONTWAIT);
  }
  const double took_s = (double)(read_clock(CLOCK_MONOTONIC) - first) / 1e9;
  const struct timeval patience = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  size_t acknowledged = count_acks(fd, MSG_DONTWAIT);
  for (int tries = 0; acknowledged < (size_t)sent && tries < 500; ++tries) {
    usleep(10000);
    acknowledged = count_acks(fd, MSG_DONTWAIT);
  }
  printf("{\"sent\":%lld,\"acknowledged\":%zu,\"rate\":%.0f,\"latest_us\":%lld}\n", (long long)sent,
         acknowledged, (double)sent / took_s, (long long)(latest_ns / 1000));
  return acknowledged == (size_t)sent ? 0 : 1;
}
