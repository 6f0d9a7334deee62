// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "adapters/http_fixture.hpp"

using namespace telemetry;
using testing::Client, testing::Gate, testing::Served;

namespace {

std::string get_of(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

/// The answer to a request that must end the connection, whatever follows it.
Client::Answer last_answer(const std::string& request) {
  Served served;
  Client client(served.server->port());
  client.send(request);
  client.send(get_of("/smuggled"));
  client.end_sending();
  auto out = client.answer();
  CHECK(client.is_closed());
  return out;
}

}  // namespace

TEST_CASE("A connection is kept, and answers requests one after the other", "[http]") {
  Served served;
  Client client(served.server->port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask(get_of("/" + std::to_string(i)));
    CHECK(answer.status() == 200);
    CHECK(answer.body == "GET /" + std::to_string(i) + " ");
    CHECK(answer.head.find("Connection:") == std::string::npos);
    CHECK(answer.head.find("\r\nDate: ") != std::string::npos);
  }
  const auto last = client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(last.has("Connection: close"));
  CHECK(client.is_closed());
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("Requests of one packet are answered in their order", "[http]") {
  Served served;
  Client client(served.server->port());
  constexpr int requests = 1'000;
  std::string all;
  for (int i = 0; i < requests; ++i) {
    all += i % 2 == 0 ? get_of("/" + std::to_string(i))
                      : "POST /" + std::to_string(i) +
                            " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
  }
  client.send(all);
  for (int i = 0; i < requests; ++i) {
    const auto answer = client.answer();
    const std::string number = std::to_string(i);
    REQUIRE(answer.body == (i % 2 == 0 ? "GET /" + number + " " : "POST /" + number + " hi"));
  }
}

TEST_CASE("A request that is split at any byte is the same request", "[http]") {
  Served served;
  Client client(served.server->port());
  const std::string plain = "POST /a HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunked =
      "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n";
  for (const std::string& request : {plain, chunked}) {
    const std::string expected = request[6] == 'a' ? "POST /a hello" : "POST /b hello";
    for (std::size_t at = 1; at < request.size(); ++at) {
      client.send(request.substr(0, at));
      const auto answer = client.ask(request.substr(at));
      INFO(at);
      REQUIRE(answer.body == expected);
    }
    for (const char byte : request) client.send({&byte, 1});
    CHECK(client.answer().body == expected);
  }
}

TEST_CASE("What a client sends ahead waits in its socket, not in memory", "[http]") {
  constexpr int answered = 1'000;
  constexpr std::size_t requests = 2'000;
  Gate gate;
  std::atomic<int> count{0};
  Served served([&](const web::Request&) {
    if (++count > answered) gate.pass();
    return web::Response{};
  });
  Client client(served.server->port());
  const std::string one = get_of("/");
  std::string all;
  for (std::size_t i = 0; i < requests; ++i) all += one;
  client.send(all);
  gate.wait_for_handler();
  while (client.unacknowledged() > 0) std::this_thread::yield();
  CHECK(client.unread_by_server() > static_cast<int>((requests - answered) * one.size()) - 8'192);
  gate.open();
  for (std::size_t i = 0; i < requests; ++i) REQUIRE(client.answer().status() == 200);
}

TEST_CASE("A client that ends its side behind its requests gets all its answers", "[http]") {
  Served served([](const web::Request& request) {
    if (request.target != "/stream") return web::Response{200, {}, "whole", {}};
    return testing::streamed([&request, pieces = 0](std::string& out) mutable -> Result<bool> {
      if (request.is_abandoned()) return Error{Errc::unavailable, "the client has gone"};
      out.append(40'000, 'x');
      return ++pieces < 20;
    });
  });
  SECTION("one") {
    Client client(served.server->port());
    client.send(get_of("/"));
    client.end_sending();
    CHECK(client.answer().body == "whole");
    CHECK(client.is_closed());
    CHECK_FALSE(client.was_reset());
  }
  SECTION("many, and streams") {
    Client client(served.server->port());
    client.send(get_of("/") + get_of("/stream") + get_of("/"));
    client.end_sending();
    CHECK(client.answer().body == "whole");
    const auto stream = client.answer();
    CHECK(stream.whole);
    CHECK(stream.body.size() == 800'000);
    CHECK(client.answer().body == "whole");
    CHECK(client.is_closed());
  }
  SECTION("while the handler works") {
    Gate gate;
    bool was_abandoned = true;
    Served slow([&](const web::Request& request) {
      gate.pass();
      was_abandoned = request.is_abandoned();
      return web::Response{200, {}, "whole", {}};
    });
    Client client(slow.server->port());
    client.send(get_of("/"));
    gate.wait_for_handler();
    client.end_sending();
    CHECK(client.answer().status() == 100);
    gate.open();
    CHECK(client.answer().body == "whole");
    CHECK_FALSE(was_abandoned);
  }
}

TEST_CASE("A request knows when its client has gone", "[http]") {
  std::promise<void> began, seen;
  Served served([&](const web::Request& request) {
    began.set_value();
    request.gone->wait(false);
    seen.set_value();
    return web::Response{};
  });
  Client client(served.server->port());
  SECTION("by a reset") {
    client.send(get_of("/"));
    began.get_future().wait();
    client.reset();
  }
  SECTION("by a reset, behind a request that it has sent ahead") {
    client.send(get_of("/") + get_of("/"));
    began.get_future().wait();
    client.reset();
  }
  SECTION("by a plain end") {
    client.send(get_of("/"));
    began.get_future().wait();
    client.close();
  }
  seen.get_future().wait();
}

TEST_CASE("HTTP/1.0 is answered, and kept when the client asks for it", "[http]") {
  Served served;
  Client client(served.server->port());
  const auto kept = client.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(kept.body == "GET /a ");
  CHECK(kept.has("Connection: keep-alive"));
  const auto last = client.ask("GET /b HTTP/1.0\r\n\r\n");
  CHECK(last.body == "GET /b ");
  CHECK(last.has("Connection: close"));
  CHECK(client.is_closed());
}

TEST_CASE("A client that waits for 100 Continue gets it, and only then", "[http]") {
  HttpOptions options;
  options.body_bytes_max = 10;
  Served served({}, options);
  Client client(served.server->port());
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: ";
  CHECK(client.ask(head + "5\r\n\r\n").status() == 100);
  CHECK(client.ask("hello").body == "POST / hello");
  CHECK(client.ask(head + "5\r\n\r\nhello").body == "POST / hello");
  CHECK(client.ask(head + "0\r\n\r\n").body == "POST / ");
  SECTION("it is refused first") {
    CHECK(client.ask(head + "11\r\n\r\n").status() == 413);
    CHECK(client.is_closed());
  }
  SECTION("HTTP/1.0 does not know it") {
    client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhe");
    CHECK(client.ask("llo").status() == 200);
  }
}

TEST_CASE("A handler sees the request as it was sent", "[http]") {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string line;
  Served served([&](const web::Request& request) {
    line = std::string(request.method) + ' ' + std::string(request.target) + ' ' +
           std::string(request.body) + ' ' + std::string(request.peer);
    for (const auto& [name, value] : request.headers) headers.emplace_back(name, value);
    return web::Response{};
  });
  Client client(served.server->port());
  SECTION("headers in their order") {
    client.ask("PATCH /a%2Fb?c=d+e HTTP/1.1\r\nhost: a\r\nX-Y:  z \r\nX-Y: 2\r\n\r\n");
    CHECK(line == "PATCH /a%2Fb?c=d+e  127.0.0.1");
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"host", "a"}, {"X-Y", "z"}, {"X-Y", "2"}};
    CHECK(headers == expected);
  }
  SECTION("a trailer of a chunked body is no header") {
    client.ask(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nhi\r\n0\r\nAuthorization: Basic eDp5\r\nHost: b\r\n\r\n");
    CHECK(line == "POST / hi 127.0.0.1");
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"Host", "a"}, {"Transfer-Encoding", "chunked"}};
    CHECK(headers == expected);
  }
}

TEST_CASE("Forms of a target and methods that no route has come to the handler", "[http]") {
  Served served;
  Client client(served.server->port());
  const auto line = [&](const std::string& start) {
    return client.ask(start + " HTTP/1.1\r\nHost: a\r\n\r\n").body;
  };
  CHECK(line("GET http://b/c") == "GET http://b/c ");
  CHECK(line("OPTIONS *") == "OPTIONS * ");
  CHECK(line("CONNECT b:443") == "CONNECT b:443 ");
  const std::string method(10'000, 'M');
  CHECK(line(method + " /") == method + " / ");
}

TEST_CASE("A request whose end two programs could see at two places is refused", "[http]") {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string body = "\r\n5\r\nhello\r\n0\r\n\r\n";
  const std::string both[] = {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                              "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"};
  for (const std::string& headers : both) CHECK(last_answer(post + headers + body).status() == 400);
  for (const char* length : {"5\r\nContent-Length: 6", "5\r\nContent-Length: 5", "5, 5", "5,6",
                             "-5", "+5", "0x5", "5 5", "", "18446744073709551616"}) {
    INFO(length);
    CHECK(last_answer(post + "Content-Length: " + length + "\r\n\r\nhello").status() == 400);
  }
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, identity", "identity", "xchunked",
                             "chunked;q=1", "\"chunked\""}) {
    INFO(coding);
    CHECK(last_answer(post + "Transfer-Encoding: " + coding + "\r\n" + body).status() == 501);
  }
  for (const char* headers :
       {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n", "Transfer-Encoding\r\n"}) {
    INFO(headers);
    CHECK(last_answer(post + headers + body).status() == 400);
  }
  CHECK(last_answer("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + body).status() == 400);
  for (const char* chunks :
       {"\r\n5\r\nhelloX\r\n0\r\n\r\n", "\r\n-5\r\nhello\r\n0\r\n\r\n",
        "\r\n0x5\r\nhello\r\n0\r\n\r\n", "\r\n 5\r\nhello\r\n0\r\n\r\n",
        "\r\n\r\nhello\r\n0\r\n\r\n", "\r\n5\nhello\r\n0\r\n\r\n", "\r\n5\r\nhello\n0\r\n\r\n",
        "\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    INFO(chunks);
    CHECK(last_answer(post + "Transfer-Encoding: chunked\r\n" + chunks).status() == 400);
  }
}

TEST_CASE("What is no HTTP/1.1 is refused", "[http]") {
  const std::string host = "Host: a\r\n\r\n";
  for (const std::string& request :
       std::initializer_list<std::string>{"GET / HTTP/1.1\r\n\r\n",
                                          "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                                          "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
                                          "GET / HTTP/1.1\nHost: a\n\n",
                                          "GET / HTTP/1.1\r\nX: y\n" + host,
                                          "GET / HTTP/1.1\r\nX: y\rZ: z\r\n" + host,
                                          std::string("GET / HTTP/1.1\r\nX: a\0b\r\n", 24) + host,
                                          std::string("GET /\0 HTTP/1.1\r\n", 17) + host,
                                          "GET /\x7f HTTP/1.1\r\n" + host,
                                          "GET / HTTP/1.1\r\nX: y\r\n z\r\n" + host,
                                          "GET / HTTP/1.1\r\nX:\r\n\tz\r\n" + host,
                                          "GET / HTTP/1.1\r\n X: y\r\n" + host,
                                          "GET / HTTP/1.1\r\nX y: z\r\n" + host,
                                          "GET / HTTP/1.1\r\n: z\r\n" + host,
                                          "GET  / HTTP/1.1\r\n" + host,
                                          "GET / / HTTP/1.1\r\n" + host,
                                          "GET / HTTP/2.0\r\n" + host,
                                          "GET / HTTP/1.2\r\n" + host,
                                          "GET / http/1.1\r\n" + host,
                                          "GET / HTTP/1.1 \r\n" + host,
                                          "GET /\r\n",
                                          "G@T / HTTP/1.1\r\n" + host,
                                          " GET / HTTP/1.1\r\n" + host,
                                          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                          "\x16\x03\x01\x02\r\n\r\n",
                                          "\r\nGET / HTTP/1.1\r\n" + host}) {
    INFO(printable(request));
    CHECK(last_answer(request).status() == 400);
  }
}
