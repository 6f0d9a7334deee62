// SPDX-License-Identifier: Apache-2.0
// raw_server PORT FILE: the floor, an epoll loop that sends FILE, header and all, for each request.
#include <sys/epoll.h>

#include "bench.h"

static char answer[1 << 16];
static ssize_t answer_size;

struct Client {
  int fd;
  size_t have;
  char buffer[4096];
};

static void serve(struct Client* client) {
  const ssize_t got =
      read(client->fd, client->buffer + client->have, sizeof client->buffer - client->have);
  if (got <= 0) {
    if (got < 0 && errno == EAGAIN) return;
    close(client->fd);
    free(client);
    return;
  }
  client->have += (size_t)got;
  char* at = client->buffer;
  char* stop = client->buffer + client->have;
  char* end;
  while ((end = memmem(at, (size_t)(stop - at), "\r\n\r\n", 4)) != NULL) {
    // A client that does not read its answers is none of this rig's.
    if (write(client->fd, answer, (size_t)answer_size) != answer_size) fail("short write");
    at = end + 4;
  }
  client->have = (size_t)(stop - at);
  if (client->have == sizeof client->buffer) fail("a request is too long");
  memmove(client->buffer, at, client->have);
}

int main(int argc, char** argv) {
  if (argc != 3) fail("usage: raw_server PORT FILE");
  const int file = open(argv[2], O_RDONLY), one = 1;
  answer_size = read(file, answer, sizeof answer);
  if (answer_size <= 0) fail("%s: no answer", argv[2]);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 1024))
    fail("port %s: %s", argv[1], strerror(errno));
  const int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN}, events[64];
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    const int count = epoll_wait(poll, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr) {
        serve(events[i].data.ptr);
        continue;
      }
      const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (fd < 0) continue;
      struct Client* client = calloc(1, sizeof *client);
      if (!client) fail("out of memory");
      client->fd = fd;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      struct epoll_event added = {.events = EPOLLIN, .data.ptr = client};
      epoll_ctl(poll, EPOLL_CTL_ADD, fd, &added);
    }
  }
}
