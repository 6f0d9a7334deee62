// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include "catch.hpp"

#include "telemetry/adapters/http.hpp"

namespace telemetry::testing {

/// A key with its certificate for localhost, in a folder of the test's.
struct CertificateFiles {
  explicit CertificateFiles(const std::string& kind = "ec -pkeyopt ec_paramgen_curve:prime256v1",
                            int days = 30) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "telemetry-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    files = {folder + "/cert.pem", folder + "/key.pem"};
    const std::string command = "openssl req -x509 -nodes -days " + std::to_string(days) +
                                " -subj /CN=localhost -newkey " + kind + " -keyout " +
                                files.key_file + " -out " + files.cert_file + " 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
  }
  ~CertificateFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;
  std::string folder;
  TlsFiles files;
};

inline std::shared_ptr<const TlsCertificate> test_certificate() {
  static const std::shared_ptr<const TlsCertificate> made = [] {
    const CertificateFiles one;
    auto loaded = load_tls_certificate(one.files);
    REQUIRE(loaded);
    return *loaded;
  }();
  return made;
}

/// OpenSSL's end of a client. What it writes to a server that has gone is no signal here, and only
/// here: the server must see to itself.
class ClientTls {
 public:
  explicit ClientTls(int socket, int max_version = 0) : context_(SSL_CTX_new(TLS_client_method())) {
    if (max_version != 0) SSL_CTX_set_max_proto_version(context_, max_version);
    SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket);
    quietly([&] { connected = SSL_connect(ssl_); });
  }
  ~ClientTls() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;
  ssize_t send(std::string_view bytes) {
    int sent = 0;
    quietly([&] { sent = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())); });
    return sent;
  }
  ssize_t receive(char* out, std::size_t bytes) {
    ERR_clear_error();
    errno = 0;
    const int got = SSL_read(ssl_, out, static_cast<int>(bytes));
    if (got > 0) return got;
    const int why = SSL_get_error(ssl_, got);
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    if (why == SSL_ERROR_WANT_READ) errno = EAGAIN;
    return -1;
  }
  void end() {
    quietly([&] { SSL_shutdown(ssl_); });
  }
  /// Takes what is TLS's own, without waiting.
  bool has_data() {
    const int socket = SSL_get_fd(ssl_), flags = ::fcntl(socket, F_GETFL);
    ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
    char byte = 0;
    const int got = SSL_peek(ssl_, &byte, 1);
    const bool waits = got <= 0 && SSL_get_error(ssl_, got) == SSL_ERROR_WANT_READ;
    ::fcntl(socket, F_SETFL, flags);
    return !waits;
  }
  [[nodiscard]] std::string version() const { return SSL_get_version(ssl_); }
  int connected = 0;

 private:
  template <class Act>
  static void quietly(const Act& act) {
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ERR_clear_error();
    act();
    const timespec now{};
    ::sigtimedwait(&pipe, nullptr, &now);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

}  // namespace telemetry::testing
