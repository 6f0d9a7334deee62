// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "telemetry/adapters/http.hpp"
#include "web/live_gateway.hpp"

using namespace telemetry;

namespace {

/// The gateway behind a real socket.
struct Served : running::LiveGateway {
  explicit Served(HttpOptions options = {}) {
    options.port = 0;
    auto started = start_http_server(options, handler(), system_environment());
    REQUIRE(started);
    server = *std::move(started);
  }
  ~Served() { server->stop(); }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  std::unique_ptr<HttpServer> server;
};

/// A connection of a client, as bytes.
class Wire {
 public:
  explicit Wire(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Wire() { ::close(socket_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      REQUIRE(n > 0);
      sent += static_cast<std::size_t>(n);
    }
  }
  /// Reads more. False at the end.
  bool receive() {
    char piece[16 * 1024];
    const ssize_t n = ::recv(socket_, piece, sizeof piece, 0);
    if (n > 0) in_.append(piece, static_cast<std::size_t>(n));
    return n > 0;
  }
  /// Everything up to this mark, which goes too. Nothing when the end comes before.
  std::optional<std::string> up_to(std::string_view mark) {
    std::size_t at = 0;
    while ((at = in_.find(mark)) == in_.npos) {
      if (!receive()) return std::nullopt;
    }
    std::string before = in_.substr(0, at);
    in_.erase(0, at + mark.size());
    return before;
  }
  std::optional<std::string> bytes(std::size_t count) {
    while (in_.size() < count) {
      if (!receive()) return std::nullopt;
    }
    std::string out = in_.substr(0, count);
    in_.erase(0, count);
    return out;
  }

 private:
  const int socket_;
  std::string in_;
};

/// A client of /api/stream.
class Events {
 public:
  Events(std::uint16_t port, const std::string& last = {}) : wire_(port) {
    wire_.send("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n" +
               (last.empty() ? "" : "Last-Event-ID: " + last + "\r\n") + "\r\n");
    head = wire_.up_to("\r\n\r\n").value_or("");
  }
  /// Of the next message. Nothing at the end.
  std::optional<std::string> next_value(std::string& id) {
    for (;;) {
      const std::size_t end = text_.find("\n\n");
      if (end == text_.npos) {
        const auto size = wire_.up_to("\r\n");
        if (!size) return std::nullopt;
        const auto piece = wire_.bytes(std::stoul(*size, nullptr, 16) + 2);
        if (!piece || piece->size() == 2) return std::nullopt;
        text_.append(*piece, 0, piece->size() - 2);
        continue;
      }
      const std::string block = text_.substr(0, end);
      text_.erase(0, end + 2);
      const std::size_t payload = block.find("\"payload\":");
      if (payload == block.npos) continue;
      REQUIRE(block.starts_with("id: "));
      id = block.substr(4, block.find('\n') - 4);
      return block.substr(payload + 10, block.find(',', payload) - payload - 10);
    }
  }
  std::string head;

 private:
  Wire wire_;
  std::string text_;
};

/// A client of /ws. Source: RFC 6455.
class WebSocket {
 public:
  explicit WebSocket(std::uint16_t port) : wire_(port) {
    wire_.send(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    head = wire_.up_to("\r\n\r\n").value_or("");
  }
  void say(const std::string& text, unsigned char first = 0x81) {
    const std::string mask = "\x01\x02\x03\x04";
    std::string frame(1, static_cast<char>(first));
    if (text.size() < 126) {
      frame += static_cast<char>(0x80 | text.size());
    } else {
      frame += static_cast<char>(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(text.size() >> shift);
    }
    frame += mask;
    for (std::size_t i = 0; i < text.size(); ++i) {
      frame += static_cast<char>(text[i] ^ mask[i % 4]);
    }
    wire_.send(frame);
  }
  struct Frame {
    int opcode = 0;
    std::string text;
  };
  std::optional<Frame> next_frame() {
    const auto begin = wire_.bytes(2);
    if (!begin) return std::nullopt;
    REQUIRE((*begin)[0] & 0x80);  // whole messages alone are sent
    std::size_t size = static_cast<unsigned char>((*begin)[1]);
    if (size >= 126) {
      const auto more = wire_.bytes(size == 126 ? 2 : 8);
      if (!more) return std::nullopt;
      size = 0;
      for (const char c : *more) size = size << 8 | static_cast<unsigned char>(c);
    }
    auto text = wire_.bytes(size);
    if (!text) return std::nullopt;
    return Frame{(*begin)[0] & 15, *std::move(text)};
  }
  /// The next text.
  std::string next() {
    const auto frame = next_frame();
    REQUIRE(frame);
    REQUIRE(frame->opcode == 1);
    return frame->text;
  }
  /// The code of the close frame that comes next.
  int next_close() {
    const auto frame = next_frame();
    REQUIRE(frame);
    REQUIRE(frame->opcode == 8);
    REQUIRE(frame->text.size() >= 2);
    return static_cast<unsigned char>(frame->text[0]) << 8 |
           static_cast<unsigned char>(frame->text[1]);
  }
  void send(const std::string& bytes) { wire_.send(bytes); }
  bool ends() { return !next_frame(); }
  std::string head;

 private:
  Wire wire_;
};

constexpr std::string_view accept_of_key = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

}  // namespace

TEST_CASE("a client of the events that is killed 100 times gets every message exactly once") {
  constexpr int kills = 100, messages = 5'000;
  Served gateway;
  std::string last;
  {
    Events events(gateway.server->port());
    CHECK(events.head.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(events.head.find("Content-Type: text/event-stream") != std::string::npos);
    gateway.publish("hall", "0");
    CHECK(events.next_value(last) == "0");
  }
  std::jthread publisher([&] {
    for (int i = 1; i <= messages && gateway.try_publish("hall", std::to_string(i)); ++i) {
    }
  });
  std::mt19937 random(1);
  int next = 1, killed = 0, wrong = 0;
  while (next <= messages) {
    Events events(gateway.server->port(), last);
    const int most = killed++ < kills ? static_cast<int>(random() % (messages / kills)) : messages;
    for (int i = 0; i < most && next <= messages; ++i) {
      const auto value = events.next_value(last);
      REQUIRE(value);
      if (*value != std::to_string(next++)) ++wrong;
    }
  }
  CHECK(wrong == 0);
  CHECK(killed > kills);
}

TEST_CASE("clients that wait hold no worker, and are all given what comes") {
  HttpOptions options;
  options.workers = 1;
  Served gateway(options);
  std::vector<std::unique_ptr<Events>> waiting;
  for (int i = 0; i < 50; ++i) waiting.push_back(std::make_unique<Events>(gateway.server->port()));
  Wire other(gateway.server->port());
  other.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(other.up_to("live\n"));
  gateway.publish("hall", "7");
  for (const auto& client : waiting) {
    std::string id;
    CHECK(client->next_value(id) == "7");
  }
}

TEST_CASE("a stream that begins to take time goes on with a worker") {
  struct Seen {
    std::thread::id first, second;
  };
  class Turning final : public web::BodyStream {
   public:
    explicit Turning(Seen& seen) : seen_(seen) {}
    bool blocks() const override { return began_; }
    Result<web::More> next(std::string& out) override {
      (began_ ? seen_.second : seen_.first) = std::this_thread::get_id();
      if (!std::exchange(began_, true)) return web::More::more;
      out += "done";
      return web::More::end;
    }

   private:
    Seen& seen_;
    bool began_ = false;
  };
  struct OneStream final : web::Handler {
    explicit OneStream(Seen& the_seen) : seen(the_seen) {}
    web::Response handle(const web::Request&) override {
      web::Response response;
      response.stream = std::make_unique<Turning>(seen);
      return response;
    }
    Seen& seen;
  };
  Seen seen;
  OneStream handler(seen);
  HttpOptions options;
  options.port = 0;
  const auto server = start_http_server(options, handler, system_environment());
  REQUIRE(server);
  {
    Wire wire((*server)->port());
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(wire.up_to("done"));
  }
  (*server)->stop();
  CHECK(seen.first != std::thread::id());
  CHECK(seen.second != seen.first);
}

TEST_CASE("who leaves a stream leaves the hub") {
  Served gateway;
  {
    const Events events(gateway.server->port());
    const WebSocket socket(gateway.server->port());
    CHECK(gateway.hub().stats().streams == 2);
  }
  while (gateway.hub().stats().streams > 0) std::this_thread::yield();
}

TEST_CASE("a WebSocket carries the conversation") {
  Served gateway;
  WebSocket socket(gateway.server->port());
  CHECK(socket.head.starts_with("HTTP/1.1 101 "));
  CHECK(socket.head.find(accept_of_key) != std::string::npos);
  gateway.publish("hall", "1");
  CHECK(socket.next().starts_with(R"({"topic":"hall","payload":1,)"));
  socket.say(R"({"type":"subscribe","id":"a","topics":["yard"],"batch_ms":20})");
  CHECK(socket.next() == R"({"type":"subscribed","id":"a"})");
  gateway.publish("hall", "2");
  gateway.publish("yard", "3");
  const std::string messages = socket.next();
  CHECK(
      messages.starts_with(R"({"type":"messages","id":"a","data":[{"topic":"yard","payload":3,)"));
  socket.say("x", 0x89);  // a ping
  const auto pong = socket.next_frame();
  REQUIRE(pong);
  CHECK(pong->opcode == 10);
  CHECK(pong->text == "x");
  socket.say("\x03\xe8", 0x88);  // closes: 1000
  CHECK(socket.next_close() == 1000);
  CHECK(socket.ends());
}

TEST_CASE("a WebSocket client that is killed at random gets every message exactly once") {
  constexpr int kills = 30, messages = 3'000;
  Served gateway;
  gateway.publish("hall", "0");
  std::string token;
  {
    WebSocket socket(gateway.server->port());
    socket.say(R"({"type":"subscribe","id":"a"})");
    while (socket.next() != R"({"type":"subscribed","id":"a"})") {
    }
    gateway.publish("hall", "start");
    std::string first = socket.next();
    while (first.find("start") == first.npos) first = socket.next();  // 0 may come late
    token = first.substr(first.size() - 13, 11);
  }
  std::jthread publisher([&] {
    for (int i = 1; i <= messages && gateway.try_publish("hall", std::to_string(i)); ++i) {
    }
  });
  std::mt19937 random(2);
  int next = 1, killed = 0, wrong = 0;
  while (next <= messages) {
    WebSocket socket(gateway.server->port());
    socket.say(R"({"type":"subscribe","id":"a","resume":")" + token + "\"}");
    while (socket.next() != R"({"type":"subscribed","id":"a"})") {
    }
    const int most = killed++ < kills ? static_cast<int>(random() % (messages / kills)) : messages;
    for (int i = 0; i < most && next <= messages; ++i) {
      const std::string text = socket.next();
      const std::string value = std::to_string(next++);
      if (text.find("\"payload\":" + value + ",") == text.npos) ++wrong;
      token = text.substr(text.size() - 13, 11);
    }
  }
  CHECK(wrong == 0);
  CHECK(killed > kills);
}

TEST_CASE("a request for a WebSocket that becomes none is answered as any other") {
  Served gateway;
  Wire wire(gateway.server->port());
  const std::string asks = " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n";
  wire.send("GET /livez" + asks + "\r\n");
  CHECK(wire.up_to("live\n"));
  wire.send("GET /ws" + asks + "Origin: http://evil.example\r\n\r\n");
  CHECK(wire.up_to("foreign_origin"));
  wire.send("GET /livez" + asks + "\r\n");
  CHECK(wire.up_to("live\n"));
  // What follows the request before its answer is no frame.
  wire.send("GET /ws" + asks + "\r\n\x81\x80");
  CHECK(wire.up_to("malformed_request"));
}

TEST_CASE("frames that are none, too large or no text end a WebSocket with the reason") {
  Served gateway;
  WebSocket binary(gateway.server->port());
  binary.say("x", 0x82);
  CHECK(binary.next_close() == 1003);
  WebSocket large(gateway.server->port());
  large.say(std::string(64 * 1024 + 1, ' '));
  CHECK(large.next_close() == 1009);
  WebSocket unmasked(gateway.server->port());
  unmasked.send(std::string("\x81\x01x", 3));
  CHECK(unmasked.next_close() == 1002);
  WebSocket reserved(gateway.server->port());
  reserved.say("x", 0xf1);
  CHECK(reserved.next_close() == 1002);
  // Others go on.
  WebSocket socket(gateway.server->port());
  socket.say(R"({"type":"ping"})");
  CHECK(socket.next().starts_with(R"({"type":"pong")"));
}

TEST_CASE("the server stops although clients listen") {
  Served gateway;
  Events events(gateway.server->port());
  auto socket = std::make_unique<WebSocket>(gateway.server->port());
  socket->say(R"({"type":"ping"})");
  CHECK(socket->next().starts_with(R"({"type":"pong")"));
  std::jthread stopper([&] { gateway.server->stop(); });
  CHECK(socket->next_close() == 1001);
  socket.reset();
  std::string id;
  CHECK_FALSE(events.next_value(id));
}
