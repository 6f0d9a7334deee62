/* SPDX-License-Identifier: Apache-2.0
 *
 * LD_PRELOAD shim: writes down, in one order, what a process reads from and writes to its broker
 * socket and what it writes to and syncs in its journal.
 *
 * CAPTURE_FILE  where the records go.
 * CAPTURE_PORT  TCP port of the broker: sockets that connect to it are watched.
 * CAPTURE_FAIL  optional path: while that file exists, fdatasync and fsync of journal segments
 *               fail with EIO and do nothing.
 *
 * A record: order u64 | kind u8 | fd i32 | result i64 | bytes u32 | data. Host byte order.
 * Order numbers are taken before a call that lets bytes out (socket write, start of a sync) and
 * after a call that takes bytes in or makes them last (socket read, journal write, end of a sync),
 * so that every doubt counts against the process under test.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
  KIND_CONNECT = 1,
  KIND_READ = 2,
  KIND_SEND = 3,
  KIND_JOURNAL_WRITE = 4,
  KIND_SYNC_BEGIN = 5,
  KIND_SYNC_END = 6,
  KIND_CLOSE = 7,
  KIND_JOURNAL_BEGIN = 8, /* a write that SIGKILL may keep from being recorded as done */
};

enum { FD_MAX = 4096 };
enum { FD_NEW = 0, FD_OTHER, FD_SOCKET, FD_JOURNAL };

static unsigned char fd_kind[FD_MAX]; /* FD_NEW until it is looked at */
static pthread_mutex_t record_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t order;
static int record_fd = -1;
static uint16_t broker_port;
static const char* fail_path;

static ssize_t (*real_read)(int, void*, size_t);
static ssize_t (*real_recv)(int, void*, size_t, int);
static ssize_t (*real_readv)(int, const struct iovec*, int);
static ssize_t (*real_write)(int, const void*, size_t);
static ssize_t (*real_writev)(int, const struct iovec*, int);
static ssize_t (*real_send)(int, const void*, size_t, int);
static ssize_t (*real_sendmsg)(int, const struct msghdr*, int);
static ssize_t (*real_pwrite64)(int, const void*, size_t, off64_t);
static ssize_t (*real_pwritev64)(int, const struct iovec*, int, off64_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_connect)(int, const struct sockaddr*, socklen_t);
static int (*real_close)(int);

static void load_real(void* function, const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  memcpy(function, &found, sizeof found); /* ISO C has no cast from data to function pointer */
}

/* The first intercepted call may come before our own constructor, from another library's. */
__attribute__((constructor)) static void start(void) {
  if (real_close != NULL) return;
  load_real(&real_read, "read");
  load_real(&real_recv, "recv");
  load_real(&real_readv, "readv");
  load_real(&real_write, "write");
  load_real(&real_writev, "writev");
  load_real(&real_send, "send");
  load_real(&real_sendmsg, "sendmsg");
  load_real(&real_pwrite64, "pwrite64");
  load_real(&real_pwritev64, "pwritev64");
  load_real(&real_fdatasync, "fdatasync");
  load_real(&real_fsync, "fsync");
  load_real(&real_connect, "connect");
  load_real(&real_close, "close"); /* last: says that all are there */
  const char* port = getenv("CAPTURE_PORT");
  const char* file = getenv("CAPTURE_FILE");
  fail_path = getenv("CAPTURE_FAIL");
  if (port == NULL || file == NULL) return;
  broker_port = (uint16_t)atoi(port);
  record_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (record_fd < 0) {
    perror("capture shim");
    _exit(3);
  }
}

/* A record that cannot be written would make a proof out of a hole. */
static void put(const struct iovec* parts, int count, size_t bytes) {
  if (real_writev(record_fd, parts, count) != (ssize_t)bytes) {
    perror("capture shim: cannot record");
    _exit(3);
  }
}

static void record(enum kind kind, int fd, int64_t result, const void* data, size_t bytes) {
  if (record_fd < 0) return;
  const int saved = errno;
  unsigned char head[8 + 1 + 4 + 8 + 4];
  const int32_t fd32 = fd;
  const uint32_t bytes32 = (uint32_t)bytes;
  pthread_mutex_lock(&record_mutex);
  const uint64_t number = ++order;
  memcpy(head, &number, 8);
  head[8] = (unsigned char)kind;
  memcpy(head + 9, &fd32, 4);
  memcpy(head + 13, &result, 8);
  memcpy(head + 21, &bytes32, 4);
  const struct iovec parts[2] = {{head, sizeof head}, {(void*)(uintptr_t)data, bytes}};
  put(parts, bytes == 0 ? 1 : 2, sizeof head + bytes);
  pthread_mutex_unlock(&record_mutex);
  errno = saved;
}

static int is_socket(int fd) { return fd >= 0 && fd < FD_MAX && fd_kind[fd] == FD_SOCKET; }

/* The name is looked up at the first write or sync of a descriptor, and forgotten at close. */
static int is_journal(int fd) {
  if (fd < 0 || fd >= FD_MAX || fd_kind[fd] == FD_SOCKET) return 0;
  if (fd_kind[fd] == FD_NEW) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, name, sizeof name - 1);
    fd_kind[fd] = FD_OTHER;
    if (length > 4 && memcmp(name + length - 4, ".tlj", 4) == 0) fd_kind[fd] = FD_JOURNAL;
  }
  return fd_kind[fd] == FD_JOURNAL;
}

static void record_vector(enum kind kind, int fd, int64_t result, const struct iovec* parts,
                          int count, size_t limit) {
  size_t total = 0;
  for (int i = 0; i < count; ++i) total += parts[i].iov_len;
  if (total > limit) total = limit;
  char* all = malloc(total == 0 ? 1 : total);
  if (all == NULL) _exit(3);
  size_t at = 0;
  for (int i = 0; i < count && at < total; ++i) {
    const size_t part = parts[i].iov_len < total - at ? parts[i].iov_len : total - at;
    memcpy(all + at, parts[i].iov_base, part);
    at += part;
  }
  record(kind, fd, result, all, total);
  free(all);
}

int connect(int fd, const struct sockaddr* address, socklen_t length) {
  start();
  if (fd >= 0 && fd < FD_MAX) {
    const struct sockaddr_in* v4 = (const struct sockaddr_in*)(const void*)address;
    const struct sockaddr_in6* v6 = (const struct sockaddr_in6*)(const void*)address;
    const uint16_t port = address->sa_family == AF_INET    ? ntohs(v4->sin_port)
                          : address->sa_family == AF_INET6 ? ntohs(v6->sin6_port)
                                                           : 0;
    if (port != 0 && port == broker_port) {
      fd_kind[fd] = FD_SOCKET;
      record(KIND_CONNECT, fd, 0, NULL, 0);
    }
  }
  return real_connect(fd, address, length);
}

int close(int fd) {
  start();
  if (is_socket(fd) || is_journal(fd)) record(KIND_CLOSE, fd, 0, NULL, 0);
  if (fd >= 0 && fd < FD_MAX) fd_kind[fd] = FD_NEW;
  return real_close(fd);
}

ssize_t read(int fd, void* data, size_t bytes) {
  start();
  const ssize_t got = real_read(fd, data, bytes);
  if (got > 0 && is_socket(fd)) record(KIND_READ, fd, got, data, (size_t)got);
  return got;
}

ssize_t recv(int fd, void* data, size_t bytes, int flags) {
  start();
  const ssize_t got = real_recv(fd, data, bytes, flags);
  if (got > 0 && is_socket(fd) && (flags & MSG_PEEK) == 0)
    record(KIND_READ, fd, got, data, (size_t)got);
  return got;
}

ssize_t readv(int fd, const struct iovec* parts, int count) {
  start();
  const ssize_t got = real_readv(fd, parts, count);
  if (got > 0 && is_socket(fd)) record_vector(KIND_READ, fd, got, parts, count, (size_t)got);
  return got;
}

/* Which bytes of a short write went out is known only afterwards, when they have left: the order is
 * taken before, the bytes after. Two records: announced (result -2), then what went out. */
static void announce(int fd) { record(KIND_SEND, fd, -2, NULL, 0); }

ssize_t write(int fd, const void* data, size_t bytes) {
  start();
  if (!is_socket(fd)) {
    if (is_journal(fd)) record(KIND_JOURNAL_BEGIN, fd, 0, data, bytes);
    const ssize_t put_bytes = real_write(fd, data, bytes);
    if (put_bytes > 0 && is_journal(fd))
      record(KIND_JOURNAL_WRITE, fd, put_bytes, data, (size_t)put_bytes);
    return put_bytes;
  }
  announce(fd);
  const ssize_t sent = real_write(fd, data, bytes);
  if (sent > 0) record(KIND_SEND, fd, sent, data, (size_t)sent);
  return sent;
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  start();
  if (is_socket(fd)) announce(fd);
  if (is_journal(fd)) record_vector(KIND_JOURNAL_BEGIN, fd, 0, parts, count, SIZE_MAX);
  const ssize_t sent = real_writev(fd, parts, count);
  if (sent > 0 && (is_socket(fd) || is_journal(fd)))
    record_vector(is_socket(fd) ? KIND_SEND : KIND_JOURNAL_WRITE, fd, sent, parts, count,
                  (size_t)sent);
  return sent;
}

ssize_t send(int fd, const void* data, size_t bytes, int flags) {
  start();
  if (is_socket(fd)) announce(fd);
  const ssize_t sent = real_send(fd, data, bytes, flags);
  if (sent > 0 && is_socket(fd)) record(KIND_SEND, fd, sent, data, (size_t)sent);
  return sent;
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  start();
  if (is_socket(fd)) announce(fd);
  const ssize_t sent = real_sendmsg(fd, message, flags);
  if (sent > 0 && is_socket(fd))
    record_vector(KIND_SEND, fd, sent, message->msg_iov, (int)message->msg_iovlen, (size_t)sent);
  return sent;
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  start();
  if (is_journal(fd)) record(KIND_JOURNAL_BEGIN, fd, 0, data, bytes);
  const ssize_t written = real_pwrite64(fd, data, bytes, offset);
  if (written > 0 && is_journal(fd)) record(KIND_JOURNAL_WRITE, fd, written, data, (size_t)written);
  return written;
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  return pwrite64(fd, data, bytes, offset);
}

ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t offset) {
  start();
  if (is_journal(fd)) record_vector(KIND_JOURNAL_BEGIN, fd, 0, parts, count, SIZE_MAX);
  const ssize_t written = real_pwritev64(fd, parts, count, offset);
  if (written > 0 && is_journal(fd))
    record_vector(KIND_JOURNAL_WRITE, fd, written, parts, count, (size_t)written);
  return written;
}

ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}

static int watched_sync(int fd, int (*real)(int)) {
  if (!is_journal(fd)) return real(fd);
  record(KIND_SYNC_BEGIN, fd, 0, NULL, 0);
  int result = -1;
  if (fail_path != NULL && access(fail_path, F_OK) == 0)
    errno = EIO;
  else
    result = real(fd);
  record(KIND_SYNC_END, fd, result, NULL, 0);
  return result;
}

int fdatasync(int fd) {
  start();
  return watched_sync(fd, real_fdatasync);
}

int fsync(int fd) {
  start();
  return watched_sync(fd, real_fsync);
}
