// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>

#include "adapters/http_fixture.hpp"

using namespace telemetry;
using testing::Client, testing::get, testing::Served, testing::streamed;

namespace {

void need_files(rlim_t wanted) {
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  if (files.rlim_cur >= wanted) return;
  INFO("this test needs " << wanted << " open files, and the hard limit of this process is "
                          << files.rlim_max << ": raise it (ulimit -Hn, nofile in limits.conf)");
  if (files.rlim_max < wanted) files.rlim_max = wanted;  // root may
  files.rlim_cur = wanted;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
}

/// Clients in a process of their own, which has files of its own. To be made before any thread.
class Crowd {
 public:
  explicit Crowd(std::size_t size) {
    int to[2], from[2];
    REQUIRE(::pipe(to) == 0);
    REQUIRE(::pipe(from) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::close(to[1]);
      obey(size, to[0], from[1]);
      ::_exit(0);
    }
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = from[0];
  }
  ~Crowd() {
    ::close(to_);  // ends it
    ::close(from_);
    ::waitpid(child_, nullptr, 0);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Each connects and asks. @returns how many were answered
  std::size_t connect(std::uint16_t port) const { return tell({'c', port}); }
  /// Each asks again.
  std::size_t ask() const { return tell({'a', 0}); }
  /// The first leaves.
  std::size_t leave() const { return tell({'l', 0}); }
  /// @returns how many see that the server has closed
  std::size_t see_end() const { return tell({'e', 0}); }

 private:
  struct Order {
    char what;
    std::uint16_t port;
  };
  static void obey(std::size_t size, int orders, int answers) {
    std::deque<Client> clients;
    Order order{};
    while (::read(orders, &order, sizeof order) == sizeof order) {
      std::size_t good = 0;
      try {
        if (order.what == 'l') clients.pop_front();
        for (std::size_t i = 0; order.what == 'c' && i < size; ++i) {
          const std::string source = "127.0.0." + std::to_string(2 + i % 8);
          clients.push_back(Client::from(source.c_str(), order.port));
          if (clients.back().ask(get).status() == 200) ++good;
        }
        for (Client& client : clients) {
          if (order.what == 'a' && client.ask(get).status() == 200) ++good;
          if (order.what == 'e' && client.is_closed()) ++good;
        }
      } catch (...) {
        // The others are missing in what is counted.
      }
      if (::write(answers, &good, sizeof good) != sizeof good) return;
    }
  }
  [[nodiscard]] std::size_t tell(Order order) const {
    std::size_t good = 0;
    REQUIRE(::write(to_, &order, sizeof order) == sizeof order);
    REQUIRE(::read(from_, &good, sizeof good) == sizeof good);
    return good;
  }

  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
};

}  // namespace

TEST_CASE("10,000 idle connections are kept, each is answered again, and one more is told so",
          "[http]") {
  constexpr std::size_t size = 10'000;
  need_files(size + 1'000);
  const Crowd crowd(size);
  HttpOptions options;
  options.connections_max = size;
  options.idle_timeout_ns = 3'600'000'000'000;
  Served served({}, options);
  REQUIRE(crowd.connect(served.server->port()) == size);
  {
    Client more(served.server->port());
    more.send(get);
    const auto told = more.answer();
    CHECK(told.status() == 503);
    CHECK(told.has("Retry-After: 5"));
  }
  // As long as it takes to look at all of them twice.
  const std::uint64_t rounds = served.server->rounds();
  while (served.server->rounds() < rounds + 2) std::this_thread::yield();
  CHECK(crowd.ask() == size);
  CHECK(crowd.leave() == 0);
  while (Client(served.server->port()).ask(get).status() != 200) std::this_thread::yield();
  served.server->stop();
  CHECK(crowd.see_end() == size - 1);
}

TEST_CASE("A body goes no faster than a slow client takes it, and is whole in the end", "[http]") {
  HttpOptions options;
  options.write_timeout_ns = 1'000 * testing::ms;
  constexpr std::size_t bytes = 60'000'000, step = 400'000;
  std::atomic<std::size_t> made{0};
  Served served(
      [&](const web::Request&) {
        return streamed([&](std::string& out) -> Result<bool> {
          out.append(100'000, 'x');
          return (made += 100'000) < bytes;
        });
      },
      options);
  Client client(served.server->port(), 4'096);
  client.send("GET / HTTP/1.0\r\n\r\n");
  // The server goes round twice a second: this lasts six write timeouts.
  std::size_t taken = 0, ahead = 0;
  for (int i = 0; i < 12; ++i) {
    taken += client.take_some(step);
    const std::uint64_t round = served.server->rounds();
    while (served.server->rounds() == round) std::this_thread::yield();
    ahead = std::max(ahead, made - taken);
  }
  CHECK(taken >= 12 * step);
  CHECK(ahead < 20'000'000);  // what the two sockets hold
  const auto answer = client.answer();
  CHECK(answer.whole);
  CHECK(answer.body.size() == bytes);
}
