// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <fstream>

#include "adapters/http_fixture.hpp"

using namespace telemetry;
using testing::CertificateFiles, testing::Client, testing::ClientTls, testing::get, testing::Served;

namespace {

/// A connection without HTTP over it.
struct Raw {
  explicit Raw(std::uint16_t port) : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{30, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Raw() { ::close(socket); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  [[nodiscard]] std::string say(std::string_view text) const {
    ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    std::string all;
    char bytes[4096];
    for (ssize_t got = 0; (got = ::recv(socket, bytes, sizeof bytes, 0)) > 0;)
      all.append(bytes, static_cast<std::size_t>(got));
    return all;
  }
  int socket;
};

std::string refusal(const TlsFiles& files) {
  auto loaded = load_tls_certificate(files);
  REQUIRE_FALSE(loaded);
  return loaded.error().context;
}

void run(const std::string& command) { REQUIRE(std::system(command.c_str()) == 0); }

}  // namespace

TEST_CASE("A handler knows that a request came over TLS", "[https]") {
  Served served([](const web::Request& request) {
    web::Response response;
    response.body = request.secure ? "secure" : "plain";
    return response;
  });
  CHECK(Client(served.server->port()).ask(get).body == "secure");
}

TEST_CASE("Plain HTTP on a port of HTTPS is told so", "[https]") {
  Served served;
  const std::string said = Raw(served.server->port()).say(get);
  CHECK(said.starts_with("HTTP/1.1 400 "));
  CHECK(said.find("https://") != std::string::npos);
}

TEST_CASE("What is no handshake, or none in time, ends the connection", "[https]") {
  HttpOptions options;
  options.request_timeout_ns = 200 * testing::ms;
  Served served({}, options);
  for (const char* bytes : {"", "\x16\x03\x01", "SSH-2.0-x\r\n", "\x16\x03\x01\x02"}) {
    CHECK(Raw(served.server->port()).say(bytes).find("HTTP") == std::string::npos);
  }
  CHECK(Client(served.server->port()).ask(get).status() == 200);
}

TEST_CASE("Clients with TLS older than the oldest are refused, others served", "[https]") {
  const CertificateFiles made;
  TlsFiles files = made.files;
  files.min_version = GENERATE("1.2", "1.3");
  HttpOptions options;
  auto loaded = load_tls_certificate(files);
  REQUIRE(loaded);
  options.tls = *loaded;
  Served served({}, options);
  for (const auto& [version, name, oldest] : {std::tuple(TLS1_1_VERSION, "", "-"),
                                              {TLS1_2_VERSION, "TLSv1.2", "1.2"},
                                              {TLS1_3_VERSION, "TLSv1.3", "1.3"}}) {
    const Raw raw(served.server->port());
    const ClientTls client(raw.socket, version);
    const bool fits = *name != '\0' && files.min_version <= oldest;
    CHECK((client.connected == 1) == fits);
    if (fits) CHECK(client.version() == name);
  }
}

TEST_CASE("sslscan finds nothing that is weak", "[https]") {
  const Served served;
  const std::string command = "sslscan --no-colour --no-failed --show-sigs 127.0.0.1:" +
                              std::to_string(served.server->port());
  std::FILE* const scan = ::popen(command.c_str(), "r");
  REQUIRE(scan != nullptr);
  std::string said;
  char line[1024];
  while (std::fgets(line, sizeof line, scan) != nullptr) said += line;
  CHECK(::pclose(scan) == 0);
  INFO(said);
  for (const char* wanted :
       {"TLSv1.2   enabled", "TLSv1.3   enabled", "renegotiation not supported",
        "TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    CHECK_THAT(said, Catch::Contains(wanted));
  }
  for (const char* weak :
       {"SSLv2     enabled", "SSLv3     enabled", "TLSv1.0   enabled", "TLSv1.1   enabled",
        " is vulnerable", " 112 bits", "CBC", "RC4", "-SHA ", "NULL"}) {
    CHECK_THAT(said, !Catch::Contains(weak));
  }
}

TEST_CASE("A certificate is replaced under load, and no request fails", "[https]") {
  const CertificateFiles ec, rsa("rsa:2048");
  const auto one = load_tls_certificate(ec.files), other = load_tls_certificate(rsa.files);
  REQUIRE(one);
  REQUIRE(other);
  HttpOptions options;
  options.tls = *one;
  Served served({}, options);
  std::atomic<bool> ends{false};
  std::atomic<int> failed{0}, asked{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, keeps = i % 2 == 0] {
      auto client = std::make_unique<Client>(served.server->port());
      while (!ends) {
        failed += client->ask(get).status() != 200;
        ++asked;
        if (!keeps) client = std::make_unique<Client>(served.server->port());
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    const int before = asked;
    served.server->set_tls(i % 2 == 0 ? *other : *one);
    while (asked < before + 20) std::this_thread::yield();
  }
  ends = true;
  for (std::thread& client : clients) client.join();
  CHECK(failed == 0);
}

TEST_CASE("Files that make no certificate are refused by name", "[https]") {
  const CertificateFiles ec, rsa("rsa:2048"), other;
  const std::string none = ec.folder + "/none.pem", text = ec.folder + "/text.pem",
                    empty = ec.folder + "/empty.pem", secret = ec.folder + "/secret.pem";
  std::ofstream(text) << "hello\n";
  std::ofstream(empty).flush();
  run("openssl ec -aes128 -passout pass:abcd -in " + ec.files.key_file + " -out " + secret +
      " 2>/dev/null");
  using Catch::Contains;
  CHECK_THAT(refusal({none, ec.files.key_file}), Contains(none + ": No such file"));
  CHECK_THAT(refusal({ec.files.cert_file, none}), Contains(none + ": No such file"));
  CHECK_THAT(refusal({empty, ec.files.key_file}), Contains(empty + ": the file is empty"));
  CHECK_THAT(refusal({ec.folder, ec.files.key_file}), Contains(ec.folder + ": this is no file"));
  const std::string pipe = ec.folder + "/pipe", large = ec.folder + "/large.pem";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::ofstream(large) << std::string(1'100'000, '\n');
  CHECK_THAT(refusal({pipe, ec.files.key_file}), Contains(pipe + ": this is no file"));
  CHECK_THAT(refusal({large, ec.files.key_file}), Contains(large + ": more than 1 MiB"));
  CHECK_THAT(refusal({text, ec.files.key_file}), Contains(text + ": this is no certificate"));
  CHECK_THAT(refusal({ec.files.key_file, ec.files.key_file}), Contains("this is no certificate"));
  CHECK_THAT(refusal({ec.files.cert_file, text}), Contains(text + ": this is no key"));
  CHECK_THAT(refusal({ec.files.cert_file, secret}), Contains(secret + ": the key is encrypted"));
  for (const CertificateFiles* wrong : {&rsa, &other}) {
    CHECK_THAT(refusal({ec.files.cert_file, wrong->files.key_file}),
               Contains(wrong->files.key_file + ": this is "));
    CHECK_THAT(refusal({rsa.files.cert_file, other.files.key_file}),
               Contains(other.files.key_file + ": this is not the key of the certificate"));
  }
}

TEST_CASE("It is known until when a certificate is valid", "[https]") {
  const std::int64_t day_ns = 86'400'000'000'000;
  const std::int64_t left =
      expires_at_ns(*testing::test_certificate()) - system_environment().clock.now();
  CHECK(left > 29 * day_ns);
  CHECK(left <= 30 * day_ns);
}
