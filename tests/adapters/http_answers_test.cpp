// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "adapters/http_fixture.hpp"

using namespace telemetry;
using testing::Client, testing::get, testing::Served, testing::streamed;

namespace {

web::Response status(int code) { return {code, {{"X", "y"}}, "not to be sent", {}}; }

}  // namespace

TEST_CASE("HEAD is answered as GET would be, without the body", "[http]") {
  Served served([](const web::Request& request) {
    if (request.target == "/stream") {
      return streamed([](std::string& out) -> Result<bool> {
        out = "x";
        return false;
      });
    }
    return web::Response{200, {}, "hello", {}};
  });
  Client client(served.server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.answer(true).has("Content-Length: 5"));
  client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.answer(true).has("Transfer-Encoding: chunked"));
  CHECK(client.ask(get).body == "hello");
}

TEST_CASE("Answers that have no body say so", "[http]") {
  for (const bool stream : {false, true}) {
    for (const int code : {204, 304}) {
      Served served([&](const web::Request& request) {
        if (request.target == "/next") return web::Response{200, {}, "next", {}};
        auto response =
            stream ? streamed([](std::string&) -> Result<bool> { return false; }) : status(code);
        response.status = code;
        return response;
      });
      Client client(served.server->port());
      const auto answer = client.ask(get);
      CHECK(answer.status() == code);
      CHECK(answer.head.find("Content-Length") == std::string::npos);
      CHECK(answer.head.find("Transfer-Encoding") == std::string::npos);
      CHECK(client.ask("GET /next HTTP/1.1\r\nHost: a\r\n\r\n").body == "next");
    }
  }
}

TEST_CASE("Empty pieces of a stream do not end it", "[http]") {
  Served served([](const web::Request&) {
    return streamed([piece = 0](std::string& out) mutable -> Result<bool> {
      if (++piece % 2 == 0) out.append(40'000, 'x');
      return piece < 7;
    });
  });
  Client client(served.server->port());
  const auto answer = client.ask(get);
  CHECK(answer.whole);
  CHECK(answer.body == std::string(120'000, 'x'));
  const auto old = client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(old.has("Connection: close"));
  CHECK(old.whole);
  CHECK(old.body == std::string(120'000, 'x'));
}

TEST_CASE("A large body comes whole", "[http]") {
  const std::string body(5'000'000, 'x');
  Served served([&](const web::Request&) { return web::Response{200, {}, body, {}}; });
  Client client(served.server->port(), 4'096);
  CHECK(client.ask(get).body == body);
  CHECK(client.ask(get).body == body);
}

TEST_CASE("A handler that throws answers 500, and the connection lives", "[http]") {
  Served served([](const web::Request& request) -> web::Response {
    if (request.target == "/") throw std::runtime_error("a secret");
    return {200, {}, "hello", {}};
  });
  Client client(served.server->port());
  const auto answer = client.ask(get);
  CHECK(answer.status() == 500);
  CHECK(answer.body.find("secret") == std::string::npos);
  CHECK(client.ask("GET /b HTTP/1.1\r\nHost: a\r\n\r\n").body == "hello");
}

TEST_CASE("A stream that fails in the middle never looks whole", "[http]") {
  const bool throws = GENERATE(false, true);
  Served served([&](const web::Request&) {
    return streamed([throws, piece = 0](std::string& out) mutable -> Result<bool> {
      out.append(40'000, 'x');
      if (++piece < 3) return true;
      if (throws) throw std::runtime_error("broken");
      return Error{Errc::unavailable, "broken"};
    });
  });
  for (const char* request : {get, "GET / HTTP/1.0\r\n\r\n"}) {
    INFO(request);
    Client client(served.server->port());
    const auto answer = client.ask(request);
    CHECK_FALSE(answer.whole);
    CHECK(client.is_closed());
  }
}

TEST_CASE("A client that reads nothing holds neither memory nor the connection", "[http]") {
  HttpOptions options;
  options.write_timeout_ns = 500 * testing::ms;
  constexpr std::size_t gigabyte = 1'000'000'000;
  std::atomic<std::size_t> asked{0};
  std::atomic<int> ended{0};
  Served served(
      [&](const web::Request&) {
        return streamed(
            [&](std::string& out) -> Result<bool> {
              out.append(100'000, 'x');
              return (asked += 100'000) < gigabyte;
            },
            [&] {
              ++ended;
              ended.notify_all();
            });
      },
      options);
  for (const int round : {0, 1}) {
    Client client(served.server->port(), 4'096);
    client.send(round == 0 ? get : "GET / HTTP/1.0\r\n\r\n");
    ended.wait(round);
    CHECK(asked < 20'000'000);  // what the two sockets hold
    CHECK_FALSE(client.answer().whole);
    asked = 0;
  }
}

TEST_CASE("A stream ends when its client leaves", "[http]") {
  std::promise<void> ended;
  Served served([&](const web::Request&) {
    return streamed(
        [](std::string& out) -> Result<bool> {
          out.append(100'000, 'x');
          return true;
        },
        [&] { ended.set_value(); });
  });
  Client client(served.server->port());
  client.send(get);
  client.close();
  ended.get_future().wait();
}

TEST_CASE("A body is packed as the client takes it, in one piece and as a stream", "[http]") {
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += "line " + std::to_string(i * 7919) + "\n";
  Served served([&](const web::Request& request) {
    web::Response response;
    if (request.target == "/stream") {
      response = testing::streamed([&, at = std::size_t{0}](std::string& out) mutable {
        out += lines.substr(at, 10'000);
        at += 10'000;
        return Result<bool>(at < lines.size());
      });
    } else {
      response.body = request.target == "/small" ? "small" : lines;
    }
    response.packs = request.target != "/plain";
    return response;
  });
  Client client(served.server->port());
  const auto ask = [&](const std::string& target, const std::string& accepted) {
    return client.ask("GET " + target + " HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + accepted +
                      "\r\n\r\n");
  };
  for (const std::string target : {"/whole", "/stream"}) {
    for (const auto& [accepted, coding] :
         std::initializer_list<std::pair<const char*, const char*>>{
             {"gzip, deflate, br, zstd", "zstd"},
             {"gzip;q=1.0, zstd;q=0", "gzip"},
             {"zstd ; q=0.5,gzip", "zstd"},
             {"gzip", "gzip"},
             {"br, identity", ""},
             {"gzip;q=0", ""},
             {"xgzip", ""}}) {
      INFO(target << " " << accepted);
      const auto answer = ask(target, accepted);
      CHECK(answer.whole);
      CHECK(answer.has("Vary: Accept-Encoding"));
      const std::string name = coding;
      CHECK(answer.has("Content-Encoding: " + name) == !name.empty());
      CHECK((name.empty() ? answer.body : testing::unpacked(answer.body, name)) == lines);
      if (!name.empty()) CHECK(answer.body.size() < lines.size() / 2);
    }
  }
  CHECK(ask("/small", "gzip").body == "small");
  CHECK(ask("/plain", "gzip").body == lines);
}
