// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>

#include <list>

#include "adapters/http_fixture.hpp"

using namespace telemetry;
using testing::Client, testing::get, testing::Gate, testing::ms, testing::Served;

namespace {

int open_files() {
  int count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

Error refused(const HttpOptions& options) {
  testing::ScriptedHandler handler;
  auto started = start_http_server(options, handler, system_environment());
  REQUIRE_FALSE(started);
  return started.error();
}

}  // namespace

TEST_CASE("A header over the limit is answered with 431", "[http]") {
  HttpOptions options;
  options.header_bytes_max = 1'000;
  Served served({}, options);
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string many = start;
  for (int i = 0; i < 400; ++i) many += "X: y\r\n";
  for (const std::string& request : std::initializer_list<std::string>{
           start + "X: " + std::string(1'000, 'x') + "\r\n\r\n", start + std::string(9'000, 'x'),
           many + "\r\n", std::string(9'000, 'M'), "GET /" + std::string(9'000, 'x'),
           chunked + "2;" + std::string(9'000, 'x'),
           chunked + "2\r\nhi\r\n0\r\nX: " + std::string(9'000, 'x')}) {
    Client client(served.server->port());
    CHECK(client.ask(request).status() == 431);
    CHECK(client.is_closed());
  }
  Client client(served.server->port());
  CHECK(client.ask(start + "X: " + std::string(900, 'x') + "\r\n\r\n").status() == 200);
}

TEST_CASE("A client whose body is refused can read why, although it still sends", "[http]") {
  HttpOptions options;
  options.body_bytes_max = 100;
  Served served({}, options);
  for (const char* framing :
       {"Content-Length: 4000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3D0900\r\n"}) {
    Client client(served.server->port());
    client.send(std::string("POST / HTTP/1.1\r\nHost: a\r\n") + framing);
    CHECK(client.send(std::string(4'000'000, 'x')));
    const auto answer = client.answer();
    CHECK(answer.status() == 413);
    CHECK(answer.whole);
    CHECK(answer.body.find("100 bytes") != std::string::npos);
    CHECK(client.is_closed());
    CHECK_FALSE(client.was_reset());
  }
  Client client(served.server->port());
  CHECK(
      client
          .ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'))
          .status() == 200);
}

TEST_CASE("A request that comes too slowly is answered with 408", "[http]") {
  HttpOptions options;
  options.request_timeout_ns = 200 * ms;
  Served served({}, options);
  for (const char* start :
       {"GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"}) {
    Client client(served.server->port());
    const auto answer = client.ask(start);
    CHECK(answer.status() == 408);
    CHECK(answer.body.find("0.2 s") != std::string::npos);
    CHECK(client.is_closed());
  }
  Client waits(served.server->port());
  CHECK(waits.ask("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            .status() == 100);
  CHECK(waits.answer().status() == 408);
  Client silent(served.server->port());
  CHECK(silent.is_closed());
}

TEST_CASE("A connection that is idle for too long is closed", "[http]") {
  HttpOptions options;
  options.idle_timeout_ns = 200 * ms;
  Served served({}, options);
  Client client(served.server->port());
  CHECK(client.ask(get).status() == 200);
  CHECK(client.is_closed());
}

TEST_CASE("A connection over the limit is told so", "[http]") {
  HttpOptions options;
  options.connections_max = 2;
  Served served({}, options);
  std::list<Client> open;
  for (int i = 0; i < 2; ++i)
    CHECK(open.emplace_back(served.server->port()).ask(get).status() == 200);
  {
    Client client(served.server->port());
    client.send(get);
    const auto answer = client.answer();
    CHECK(answer.status() == 503);
    CHECK(answer.has("Retry-After: 5"));
    CHECK(client.is_closed());
    CHECK_FALSE(client.was_reset());
  }
  SECTION("and those that are told so are limited too") {
    std::list<Client> crowd;
    for (int i = 0; i < 200; ++i) crowd.emplace_back(served.server->port());
    int told = 0;
    for (Client& client : crowd) told += client.answer().status() == 503 ? 1 : 0;
    CHECK(told >= 32);
    CHECK(told < 200);
  }
  SECTION("until another has left") {
    open.pop_front();
    while (Client(served.server->port()).ask(get).status() != 200) std::this_thread::yield();
  }
}

TEST_CASE("A request over the limit of those that wait is told so", "[http]") {
  HttpOptions options;
  options.workers = 1;
  options.waiting_max = 1;
  Gate gate;
  Served served(
      [&](const web::Request&) {
        gate.pass();
        return web::Response{200, {}, "hello", {}};
      },
      options);
  Client works(served.server->port()), one(served.server->port()), two(served.server->port());
  works.send(get);
  gate.wait_for_handler();
  one.send(get);
  two.send(get);
  // Whichever comes first waits.
  const bool is_one = Client::first_to_hear(one, two) == &one;
  CHECK((is_one ? one : two).answer().status() == 503);
  Client third(served.server->port());
  third.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(third.answer(true).has("Retry-After: 1"));
  CHECK(third.is_closed());
  gate.open();
  CHECK(works.answer().body == "hello");
  CHECK((is_one ? two : one).answer().body == "hello");
}

TEST_CASE("One client does not take all threads, and urgent requests wait for none", "[http]") {
  HttpOptions options;
  options.workers = 4;
  Gate gate;
  std::atomic<int> running{0};
  Served served(
      [&](const web::Request& request) {
        ++running;
        if (request.target == "/slow") gate.pass();
        return web::Response{200, {}, "hello", {}};
      },
      options);
  std::list<Client> greedy;
  for (int i = 0; i < 6; ++i) {
    greedy.emplace_back(served.server->port()).send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  while (running < 3) std::this_thread::yield();
  CHECK(Client::from("127.0.0.2", served.server->port()).ask(get).status() == 200);
  CHECK(running == 4);  // its own fourth did not begin
  CHECK(Client(served.server->port()).ask("GET /urgent HTTP/1.1\r\nHost: a\r\n\r\n").body ==
        "hello");
  CHECK(running == 5);
  gate.open();
  for (Client& client : greedy) CHECK(client.answer().body == "hello");
}

TEST_CASE("Clients take turns, whoever has more waiting", "[http]") {
  HttpOptions options;
  options.workers = 1;
  Gate gate;
  std::atomic<int> of_greedy{0};
  std::atomic<int> before{-1};
  Served served(
      [&](const web::Request& request) {
        if (request.target == "/slow") gate.pass();
        if (request.peer == "127.0.0.2") before = of_greedy.load();
        if (request.target == "/quick") ++of_greedy;
        return web::Response{200, {}, "hello", {}};
      },
      options);
  Client slow(served.server->port());
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  gate.wait_for_handler();
  std::list<Client> greedy;
  for (int i = 0; i < 20; ++i) {
    greedy.emplace_back(served.server->port()).send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  Client other = Client::from("127.0.0.2", served.server->port());
  other.send(get);
  while (other.unread_by_server() != 0) std::this_thread::yield();
  for (Client& client : greedy) {
    while (client.unread_by_server() != 0) std::this_thread::yield();
  }
  gate.open();
  CHECK(other.answer().body == "hello");
  for (Client& client : greedy) CHECK(client.answer().body == "hello");
  CHECK(before <= 2);
}

TEST_CASE("Stopping closes idle connections and lets answers end", "[http]") {
  HttpOptions options;
  options.drain_ns = 300'000'000'000;
  Gate gate;
  Served served(
      [&](const web::Request& request) {
        if (request.target == "/slow") gate.pass();
        return web::Response{200, {}, "hello", {}};
      },
      options);
  Client idle(served.server->port()), fresh(served.server->port()), slow(served.server->port());
  CHECK(idle.ask(get).status() == 200);
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  gate.wait_for_handler();
  std::thread stops[] = {std::thread([&] { served.server->stop(); }),
                         std::thread([&] { served.server->stop(); })};
  CHECK(idle.is_closed());
  CHECK(fresh.is_closed());
  gate.open();
  const auto answer = slow.answer();
  CHECK(answer.body == "hello");
  CHECK(answer.has("Connection: close"));
  CHECK(slow.is_closed());
  slow.close();
  for (auto& thread : stops) thread.join();
  served.server->stop();
}

TEST_CASE("Stopping closes what outlasts its limit, and tells the handler", "[http]") {
  HttpOptions options;
  options.drain_ns = 0;
  std::promise<void> began;
  Served served(
      [&](const web::Request& request) {
        if (request.target == "/stream") {
          return testing::streamed([&, first = true](std::string& out) mutable -> Result<bool> {
            if (std::exchange(first, false)) began.set_value();
            out.append(100'000, 'x');
            return true;
          });
        }
        began.set_value();
        request.gone->wait(false);
        return web::Response{};
      },
      options);
  Client client(served.server->port(), 4'096);
  SECTION("a handler") { client.send(get); }
  SECTION("a stream") { client.send("GET /stream HTTP/1.0\r\n\r\n"); }
  SECTION("a request that never ends") {
    client.send("GET /");
    began.set_value();
  }
  began.get_future().wait();
  served.server->stop();
  CHECK_FALSE(client.answer().whole);
}

TEST_CASE("A server that is destroyed in the middle of requests leaves nothing behind", "[http]") {
  const int before = open_files();
  for (int round = 0; round < 20; ++round) {
    HttpOptions options;
    options.drain_ns = 0;
    auto served = std::make_unique<Served>(testing::ScriptedHandler::Script{}, options);
    std::list<Client> clients;
    for (int i = 0; i < 20; ++i) {
      Client& client = clients.emplace_back(served->server->port());
      for (int k = 0; k < 20; ++k) client.send(get);
      if (i % 3 == 0) client.reset();
    }
    served.reset();
  }
  CHECK(open_files() == before);
}

TEST_CASE("Connections that come and go leave nothing behind", "[http]") {
  const int before = open_files();
  {
    Served served;
    for (int i = 0; i < 2'000; ++i) {
      Client client(served.server->port());
      if (i % 3 == 0) CHECK(client.ask(get).status() == 200);
      if (i % 3 == 1) client.send(get);
      if (i % 5 == 0) client.reset();
    }
    Client last(served.server->port());
    CHECK(last.ask(get).status() == 200);
    while (open_files() > before + 16) std::this_thread::yield();
  }
  CHECK(open_files() == before);
}

TEST_CASE("A server says why it cannot listen", "[http]") {
  Served served;
  HttpOptions options;
  options.port = served.server->port();
  const Error taken = refused(options);
  CHECK(taken.code == Errc::already_exists);
  CHECK_THAT(to_string(taken), Catch::Contains("127.0.0.1:" + std::to_string(options.port)) &&
                                   Catch::Contains("web.port"));
  for (const char* host : {"", "no such host", "192.0.2.1", "1.2.3.4.5", "[::1]"}) {
    INFO(host);
    options.host = host;
    options.port = 0;
    const Error error = refused(options);
    CHECK(error.code == Errc::invalid_argument);
    CHECK_THAT(to_string(error), Catch::Contains("web.host"));
  }
}

TEST_CASE("A server listens on IPv6", "[http]") {
  HttpOptions options;
  options.host = "::1";
  Served served(
      [](const web::Request& request) {
        return web::Response{200, {}, std::string(request.peer), {}};
      },
      options);
  CHECK(Client::over_v6(served.server->port()).ask(get).body == "::1");
  options.port = served.server->port();
  CHECK_THAT(to_string(refused(options)), Catch::Contains("[::1]:"));
}
