// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "catch.hpp"
#include "telemetry/adapters/http.hpp"
#ifdef TELEMETRY_HTTPS
#include "adapters/tls_client.hpp"
#endif

namespace telemetry::testing {

/// Answers as a test says; without a script, with the request in one line.
class ScriptedHandler final : public web::Handler {
 public:
  using Script = std::function<web::Response(const web::Request&)>;
  ScriptedHandler() = default;
  explicit ScriptedHandler(Script script) : script_(std::move(script)) {}
  web::Response handle(const web::Request& request) override {
    if (script_) return script_(request);
    web::Response response;
    response.body = std::string(request.method) + ' ' + std::string(request.target) + ' ' +
                    std::string(request.body);
    return response;
  }
  bool is_urgent(const web::Request& request) const override { return request.target == "/urgent"; }

 private:
  Script script_;
};

/// A body whose pieces a function makes.
class ScriptedStream final : public web::BodyStream {
 public:
  using Next = std::function<Result<bool>(std::string&)>;
  explicit ScriptedStream(Next next, std::function<void()> ended = {})
      : next_(std::move(next)), ended_(std::move(ended)) {}
  ~ScriptedStream() override {
    if (ended_) ended_();
  }
  Result<web::More> next(std::string& out) override {
    auto more = next_(out);
    if (!more) return more.error();
    return *more ? web::More::more : web::More::end;
  }

 private:
  Next next_;
  std::function<void()> ended_;
};

inline web::Response streamed(ScriptedStream::Next next, std::function<void()> ended = {}) {
  web::Response response;
  response.stream = std::make_unique<ScriptedStream>(std::move(next), std::move(ended));
  return response;
}

/// A server for a script, on a port that is free.
struct Served {
  explicit Served(ScriptedHandler::Script script = {}, HttpOptions options = {})
      : handler(std::move(script)) {
    options.port = 0;
#ifdef TELEMETRY_HTTPS
    if (!options.tls) options.tls = test_certificate();
#endif
    auto started = start_http_server(options, handler, system_environment());
    REQUIRE(started);
    server = *std::move(started);
  }
  ScriptedHandler handler;
  std::unique_ptr<HttpServer> server;
};

/// A client on a plain socket. It waits 30 s for an answer before a test fails.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_bytes = 0) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_bytes > 0) set(SOL_SOCKET, SO_RCVBUF, receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(&address, sizeof address);
  }
  /// All of 127.0.0.0/8 is this machine.
  static Client from(const char* source, std::uint16_t port) {
    Client client;
    client.socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, source, &address.sin_addr);
    REQUIRE(::bind(client.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client.connect(&address, sizeof address);
    return client;
  }
  static Client over_v6(std::uint16_t port) {
    Client client;
    client.socket_ = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    client.connect(&address, sizeof address);
    return client;
  }
  Client(Client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), read_(std::move(other.read_)) {
#ifdef TELEMETRY_HTTPS
    tls_ = std::move(other.tls_);
#endif
  }
  Client& operator=(Client&&) = delete;
  ~Client() { close(); }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// Closes so that the other side sees an error instead of an end.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  /// As `nc -N` does behind its last byte.
  void end_sending() {
#ifdef TELEMETRY_HTTPS
    tls_->end();
#endif
    ::shutdown(socket_, SHUT_WR);
  }

  /// @returns false when the connection is closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
#ifdef TELEMETRY_HTTPS
      const ssize_t sent = tls_->send(bytes);
#else
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
#endif
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  struct Answer {
    std::string head, body;
    bool whole = false;  ///< it ended as its head says
    [[nodiscard]] int status() const { return head.size() < 12 ? 0 : std::atoi(head.c_str() + 9); }
    [[nodiscard]] bool has(const std::string& line) const {
      return head.find("\r\n" + line + "\r\n") != std::string::npos;
    }
  };
  /// The next answer. @param bodiless  it has none, whatever its head says (HEAD).
  Answer answer(bool bodiless = false) {
    Answer out;
    std::size_t end = 0;
    while ((end = read_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return out;
    }
    out.head = take(end + 4);
    if (bodiless || out.status() / 100 == 1 || out.status() == 204 || out.status() == 304) {
      out.whole = true;
    } else if (out.has("Transfer-Encoding: chunked")) {
      out.whole = chunks(out.body);
    } else if (const auto length = out.head.find("\r\nContent-Length: ");
               length != std::string::npos) {
      const std::size_t bytes = std::strtoull(out.head.c_str() + length + 18, nullptr, 10);
      while (read_.size() < bytes && more()) {
      }
      out.whole = read_.size() >= bytes;
      out.body = take(bytes);
    } else {
      while (more()) {
      }
      out.body = take(read_.size());
      out.whole = !was_reset();
    }
    return out;
  }
  /// Takes at least so many bytes more, and no longer; they are of the next answer. @returns how
  /// many came; fewer at the end.
  std::size_t take_some(std::size_t bytes) {
    const std::size_t before = read_.size();
    while (read_.size() < before + bytes && more()) {
    }
    return read_.size() - before;
  }
  /// Sends, and the next answer.
  Answer ask(std::string_view request) {
    send(request);
    return answer();
  }
  /// True when the server closes and nothing more comes.
  bool is_closed() {
    while (more()) {
    }
    return read_.empty() && error_ != EAGAIN;
  }
  /// True when the end was an error.
  [[nodiscard]] bool was_reset() const noexcept { return error_ == ECONNRESET; }

  /// Which of two has something to read, when that comes.
  static Client* first_to_hear(Client& one, Client& other) {
    pollfd sockets[] = {{one.socket_, POLLIN, 0}, {other.socket_, POLLIN, 0}};
    while (::poll(sockets, 2, 30'000) > 0) {
      Client& heard = sockets[0].revents != 0 ? one : other;
#ifdef TELEMETRY_HTTPS
      if (!heard.tls_->has_data()) continue;  // a ticket
#endif
      return &heard;
    }
    return nullptr;
  }

  /// Bytes that are under way to the server.
  [[nodiscard]] int unacknowledged() const {
    int bytes = 0;
    ::ioctl(socket_, TIOCOUTQ, &bytes);
    return bytes;
  }
  /// Bytes that have come to the server's socket, and that it has not read.
  [[nodiscard]] int unread_by_server() const {
    sockaddr_in mine{}, peer{};
    socklen_t size = sizeof mine;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&mine), &size);
    for (int file = 0; file < 1024; ++file) {
      size = sizeof peer;
      int bytes = 0;
      if (::getpeername(file, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
          peer.sin_family == AF_INET && peer.sin_port == mine.sin_port && file != socket_) {
        ::ioctl(file, FIONREAD, &bytes);
        return bytes;
      }
    }
    return -1;
  }

 private:
  Client() = default;
  void set(int level, int name, int value) {
    ::setsockopt(socket_, level, name, &value, sizeof value);
  }
  void connect(const void* address, socklen_t size) {
    const timeval patience{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    REQUIRE(::connect(socket_, static_cast<const sockaddr*>(address), size) == 0);
#ifdef TELEMETRY_HTTPS
    tls_ = std::make_unique<ClientTls>(socket_);
#endif
  }
  bool more() {
    char bytes[64 * 1024];
#ifdef TELEMETRY_HTTPS
    const ssize_t got = tls_->receive(bytes, sizeof bytes);
#else
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
#endif
    error_ = got < 0 ? errno : 0;
    if (got <= 0) return false;
    read_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  std::string take(std::size_t bytes) {
    std::string out = read_.substr(0, bytes);
    read_.erase(0, bytes);
    return out;
  }
  bool chunks(std::string& body) {
    for (;;) {
      std::size_t line = 0;
      while ((line = read_.find("\r\n")) == std::string::npos) {
        if (!more()) return false;
      }
      const std::size_t bytes = std::strtoull(take(line + 2).c_str(), nullptr, 16);
      while (read_.size() < bytes + 2) {
        if (!more()) return false;
      }
      body += take(bytes);
      if (take(2) != "\r\n") return false;
      if (bytes == 0) return true;
    }
  }

  int socket_ = -1, error_ = 0;
  std::string read_;
#ifdef TELEMETRY_HTTPS
  std::unique_ptr<ClientTls> tls_;
#endif
};

/// By the program of that name. @param coding  "gzip" or "zstd"
inline std::string unpacked(const std::string& packed, const std::string& coding) {
  std::string path = "/tmp/telemetry-packed-XXXXXX";
  const int file = ::mkstemp(path.data());
  REQUIRE(::write(file, packed.data(), packed.size()) == static_cast<ssize_t>(packed.size()));
  ::close(file);
  std::FILE* const pipe = ::popen((coding + " -dcq < " + path).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  char bytes[64 * 1024];
  for (std::size_t got = 0; (got = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;)
    out.append(bytes, got);
  CHECK(::pclose(pipe) == 0);
  ::unlink(path.c_str());
  return out;
}

/// A door that a test opens for handlers that wait at it.
class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    if (!std::exchange(is_open_, true)) opened_.set_value();
  }
  /// To be called by handlers.
  void pass() {
    if (!came_.test_and_set()) arrived_.set_value();
    passed_.wait();
  }
  /// Until the first handler has come.
  void wait_for_handler() { arrived_.get_future().wait(); }

 private:
  std::promise<void> opened_, arrived_;
  std::shared_future<void> passed_ = opened_.get_future().share();
  std::atomic_flag came_ = ATOMIC_FLAG_INIT;
  bool is_open_ = false;
};

inline constexpr const char* get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
inline constexpr std::int64_t ms = 1'000'000;

}  // namespace telemetry::testing
