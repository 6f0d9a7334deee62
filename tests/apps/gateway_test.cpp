// SPDX-License-Identifier: Apache-2.0
#include "gateway/front_end.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "apps/running.hpp"

using namespace telemetry;
using running::Folder;

namespace {

/// What the gateway says, for who waits for it.
class Lines {
 public:
  Log log() {
    return Log(
        [this](LogLevel, std::string_view, std::string_view line) {
          const std::scoped_lock lock(mutex_);
          lines_.emplace_back(line);
          wake_.notify_all();
        },
        LogLevel::info);
  }
  /// The first line with this text.
  std::string wait_for(const std::string& text) {
    std::unique_lock lock(mutex_);
    std::string found;
    wake_.wait(lock, [&] {
      for (const std::string& line : lines_) {
        if (line.find(text) != line.npos) found = line;
      }
      return !found.empty();
    });
    return found;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> lines_;
};

int connect_to(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

std::string get(int port, const std::string& target) {
  const int socket = connect_to(port);
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target);
  REQUIRE(::send(socket, request.data(), request.size(), 0) ==
          static_cast<ssize_t>(request.size()));
  std::string answer;
  char piece[4096];
  for (ssize_t got = 0; (got = ::recv(socket, piece, sizeof piece, 0)) > 0;) {
    answer.append(piece, static_cast<std::size_t>(got));
  }
  ::close(socket);
  return answer;
}

struct Running {
  explicit Running(const std::string& settings) {
    folder.write("gateway.yaml", settings);
    const OptionTable tables[] = {base_options(), sqlite_options()};
    std::vector<Diagnostic> diagnostics;
    Config::Sources sources;
    sources.app = "gateway";
    sources.file = folder.path("gateway.yaml");
    sources.environment = [](const std::string&) { return std::nullopt; };
    sources.environment_names = [] { return std::vector<std::string>(); };
    auto loaded = Config::load(sources, tables, diagnostics);
    REQUIRE(loaded);
    config.emplace(*loaded);
    SqliteOptions database;
    database.path = folder.path("data/telemetry.db");
    auto started = PipelineBuilder(folder.path("data"))
                       .environment(system_environment())
                       .source(std::make_unique<running::FixedSource>(
                           running::FixedSource::Messages{{"hall", "21.5"}, {"yard", "3"}}))
                       .sink(make_sqlite_store(database, system_environment()))
                       .sink(live)
                       .start();
    REQUIRE(started);
    pipeline = *std::move(started);
  }
  [[nodiscard]] std::shared_ptr<void> serve() {
    auto served = serve_http(*config, *pipeline, system_environment(lines.log()), live);
    REQUIRE(served);
    return served->life;
  }
  [[nodiscard]] int port() {
    const std::string line = lines.wait_for("serving http://127.0.0.1:");
    return std::atoi(line.substr(line.rfind(':') + 1).c_str());
  }
  void wait_until_stored() const {
    while (pipeline->stats().consumers.front().accepted < 2) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  Folder folder;
  Lines lines;
  std::optional<Config> config;
  std::shared_ptr<LiveHub> live = std::make_shared<LiveHub>();
  std::unique_ptr<Pipeline> pipeline;
};

}  // namespace

TEST_CASE("the gateway serves what the pipeline has stored") {
  Running gateway("web: {port: 0}\n");
  const auto front_end = gateway.serve();
  const int port = gateway.port();
  gateway.wait_until_stored();
  const std::string latest = get(port, "/api/data/latest");
  CHECK(latest.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(latest.find(R"("topic":"hall","payload":21.5)") != std::string::npos);
  const std::string csv = get(port, "/api/export");
  CHECK(csv.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(csv.ends_with("\r\n0\r\n\r\n"));
}

TEST_CASE("the loop of the web server goes round while nobody asks") {
  Running gateway("web: {port: 0}\n");
  const auto served = serve_http(*gateway.config, *gateway.pipeline,
                                 system_environment(gateway.lines.log()), gateway.live);
  REQUIRE(served);
  (void)gateway.port();
  std::optional<std::uint64_t> first;
  while (!first) first = served->heartbeat.rounds();
  while (served->heartbeat.rounds() == first) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_CASE("a port that is taken is named, and messages are stored all the same") {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(taken, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(taken, 1) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const int port = ntohs(address.sin_port);
  Running gateway(fmt::format("web: {{port: {}}}\n", port));
  const auto front_end = gateway.serve();
  const std::string line = gateway.lines.wait_for("next try");
  CHECK(line.find(fmt::format("127.0.0.1:{} is taken by another program", port)) !=
        std::string::npos);
  CHECK(line.find("web.port") != std::string::npos);
  gateway.wait_until_stored();
  ::close(taken);
}

TEST_CASE("without sign-in the gateway listens on this machine alone") {
  Running gateway("web: {host: 0.0.0.0, port: 0}\n");
  const auto front_end = gateway.serve();
  CHECK(gateway.lines.wait_for("nobody signs in").find("security.authentication.enabled") !=
        std::string::npos);
  CHECK(get(gateway.port(), "/livez").ends_with("live\n"));
}

TEST_CASE("an origin that is none is refused with what to write") {
  Running gateway("web: {cors_enabled: true, cors_origins: [\"board.example\"]}\n");
  const auto served =
      serve_http(*gateway.config, *gateway.pipeline, system_environment(), gateway.live);
  REQUIRE_FALSE(served);
  CHECK(to_string(served.error().diagnostics.at(0)).find("'board.example' is no origin") !=
        std::string::npos);
}

TEST_CASE("web.enabled: false serves nothing") {
  Running gateway("web: {enabled: false}\n");
  CHECK(gateway.serve() == nullptr);
}
