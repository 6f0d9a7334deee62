// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/web.hpp"

namespace telemetry {

/// Where a server's certificate is.
struct TlsFiles {
  std::string cert_file;            ///< a chain in PEM, the server's own certificate first
  std::string key_file;             ///< its private key in PEM, not encrypted
  std::string min_version = "1.2";  ///< of TLS; or "1.3"
};
/// A certificate with its key, as it was when it was loaded.
class TlsCertificate;
/// Errors: not_found, permission_denied  a file cannot be read; invalid_argument  it is malformed,
/// or the key is encrypted or of another certificate. The text names the file and the remedy.
[[nodiscard]] Result<std::shared_ptr<const TlsCertificate>> load_tls_certificate(
    const TlsFiles& files);
/// What web.tls names; null where it is off. Errors: mistakes.
[[nodiscard]] Result<std::shared_ptr<const TlsCertificate>> tls_certificate_from(
    const Config& config);
/// Until when it is valid, ns since 1970.
[[nodiscard]] std::int64_t expires_at_ns(const TlsCertificate& certificate) noexcept;

/// Bounds of an HTTP server. Times are those that a client may take.
struct HttpOptions {
  std::string host = "127.0.0.1";         ///< an address, or a name that has one
  std::uint16_t port = 8080;              ///< 0 = any that is free
  std::string port_setting = "web.port";  ///< what errors call the port
  std::size_t connections_max = 1'000;    ///< more: 503, and of many more the rest is closed
  std::size_t workers = 8;  ///< requests answered at one time; of one client three quarters
  /// Requests that wait for a worker, of one client half of them; more are answered with 503.
  std::size_t waiting_max = 256;
  std::size_t header_bytes_max = 16 * 1024;          ///< more: 431
  std::size_t body_bytes_max = 1024 * 1024;          ///< more: 413
  std::int64_t request_timeout_ns = 10'000'000'000;  ///< from its first byte to its last: 408
  std::int64_t idle_timeout_ns = 75'000'000'000;     ///< between two requests
  std::int64_t write_timeout_ns = 30'000'000'000;    ///< after which it must have taken something
  std::int64_t drain_ns = 5'000'000'000;           ///< how long stop() waits for answers under way
  std::shared_ptr<const TlsCertificate> tls = {};  ///< to serve HTTPS with; null: plain HTTP
};

/// HTTP/1.1 for a web::Handler: keep-alive, pipelining, chunked streams. One thread has all
/// sockets; workers call the handler. Errors of the protocol are answered without it.
/// A client that ends its side gets its answers. Where one takes a second, `100 Continue` goes
/// before it: that tells who waits from who has left. HTTP/1.0 has none, so that is not known
/// there.
class HttpServer {
 public:
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  /// What new connections get from now on; open ones keep theirs. @param tls  null where the server
  /// began without. Thread: any.
  virtual void set_tls(std::shared_ptr<const TlsCertificate> tls) = 0;
  /// Of the thread that has the sockets, which goes round twice a second. Thread: any.
  [[nodiscard]] virtual std::uint64_t rounds() const noexcept = 0;
  /// Takes no more connections, ends idle ones, lets answers under way end, and closes the rest.
  /// Idempotent. Thread: any but those of the handler.
  virtual void stop() = 0;
};
/// Listens and serves. @param handler outlives the server.
/// Errors: invalid_argument  the host is no address of this machine; already_exists  the port is
/// taken; permission_denied  this process may not listen there.
[[nodiscard]] Result<std::unique_ptr<HttpServer>> start_http_server(const HttpOptions& options,
                                                                    web::Handler& handler,
                                                                    Environment environment);

}  // namespace telemetry
