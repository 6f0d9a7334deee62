// SPDX-License-Identifier: Apache-2.0
#include "gateway/front_end.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "adapters/tls_client.hpp"
#include "apps/running.hpp"
#include "process/monitor.hpp"

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
  [[nodiscard]] FrontEnd serve() {
    auto served = serve_http(*config, *pipeline, system_environment(lines.log()), live);
    REQUIRE(served);
    return *std::move(served);
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

TEST_CASE("a reload serves a new certificate, and refuses one that does not fit its key") {
  const testing::CertificateFiles first, other;
  const std::string settings =
      fmt::format("web: {{port: 0, tls: {{enabled: true, cert_file: {}, key_file: {}}}}}\n",
                  first.files.cert_file, first.files.key_file);
  Running gateway(settings);
  const auto front_end = gateway.serve();
  gateway.lines.wait_for("serving https://127.0.0.1:");
  auto again = front_end.reload(*gateway.config);
  REQUIRE(again);
  (*again)();
  gateway.lines.wait_for("valid until 20");
  std::filesystem::copy_file(other.files.key_file, first.files.key_file,
                             std::filesystem::copy_options::overwrite_existing);
  again = front_end.reload(*gateway.config);
  REQUIRE_FALSE(again);
  CHECK_THAT(to_string(again.error().diagnostics.at(0)),
             Catch::Contains("web.tls.key_file: " + first.files.key_file + ": this is "));
  std::filesystem::copy_file(other.files.cert_file, first.files.cert_file,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(front_end.reload(*gateway.config));
}

TEST_CASE("HTTPS without files, or with a certificate that ends soon, is said") {
  const auto refused = [](const std::string& settings) {
    Running gateway(settings);
    auto served =
        serve_http(*gateway.config, *gateway.pipeline, system_environment(), gateway.live);
    REQUIRE_FALSE(served);
    return to_string(served.error().diagnostics.at(0));
  };
  CHECK_THAT(refused("web: {tls: {enabled: true}}\n"),
             Catch::Contains("web.tls.cert_file") && Catch::Contains("no file is named"));
  CHECK_THAT(refused("web: {tls: {enabled: true, cert_file: /none.pem, key_file: /none.key}}\n"),
             Catch::Contains("web.tls.cert_file") && Catch::Contains("/none.pem: No such file"));
  const testing::CertificateFiles brief("ec -pkeyopt ec_paramgen_curve:prime256v1", 3);
  Running gateway(
      fmt::format("web: {{port: 0, tls: {{enabled: true, cert_file: {}, key_file: {}}}}}\n",
                  brief.files.cert_file, brief.files.key_file));
  const auto front_end = gateway.serve();
  CHECK_THAT(gateway.lines.wait_for("expires on"), Catch::Contains("telemetry reload"));
}

TEST_CASE("metrics have a port of their own where they are wanted, and nothing else is there") {
  Running gateway("web: {port: 0}\nmonitoring: {prometheus: {enabled: true, port: 0}}\n");
  const auto front_end = gateway.serve();
  const std::string line = gateway.lines.wait_for("serving metrics at http://127.0.0.1:");
  const int port = std::atoi(line.substr(line.rfind(':') + 1).c_str());
  CHECK(port != gateway.port());
  CHECK(get(port, "/metrics").find("\n# TYPE ") != std::string::npos);
  CHECK(get(port, "/livez?").ends_with("live\n"));
  CHECK(get(port, "/api/data").starts_with("HTTP/1.1 404 "));
}

TEST_CASE("a gateway that drains says so, answers, and waits for balancers to leave") {
  Running gateway("web: {port: 0, drain: 300ms}\n");
  FrontEnd served = gateway.serve();
  const int port = gateway.port();
  gateway.wait_until_stored();
  CHECK_FALSE(get(port, "/readyz").ends_with("draining\n"));
  const auto began = std::chrono::steady_clock::now();
  std::thread drains(served.drain);
  gateway.lines.wait_for("draining: /readyz says 503");
  CHECK(get(port, "/readyz").ends_with("draining\n"));
  CHECK(get(port, "/api/data/latest").starts_with("HTTP/1.1 200"));
  drains.join();
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(300));
}

TEST_CASE("what runs short is a warning") {
  Running gateway("web: {port: 0}\n");
  gateway.wait_until_stored();
  PipelineStats stats = gateway.pipeline->stats();
  CHECK(alerts_of(*gateway.config, stats).empty());
  stats.messages_open = stats.messages_open_max;
  CHECK_THAT(alerts_of(*gateway.config, stats).at(0), Catch::Contains("buffer.size"));
  stats.messages_open = 0;
  stats.journal.bytes = stats.journal_bytes_max;
  stats.journal.first_sequence = 1;
  stats.journal.last_sequence = 1000;
  stats.consumers.front().lag = 890;
  CHECK(alerts_of(*gateway.config, stats).empty());
  stats.consumers.front().lag = 910;
  CHECK_THAT(alerts_of(*gateway.config, stats).at(0), Catch::Contains("sqlite is so far behind"));
  Running full("journal: {path: /tmp/journal}\nmonitoring: {alerts: {disk_free_percent: 100}}\n");
  const auto alerts = alerts_of(*full.config, full.pipeline->stats());
  REQUIRE(alerts.size() == 1);
  CHECK_THAT(alerts[0], Catch::Contains("100 % of the disk of journal.path"));
}

TEST_CASE("web.enabled: false serves nothing") {
  Running gateway("web: {enabled: false}\n");
  CHECK(gateway.serve().life == nullptr);
}
