// SPDX-License-Identifier: Apache-2.0
#include "tls.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace telemetry {
namespace {

// What OpenSSL 3 allows of TLS 1.2 has ciphers without forward secrecy, and with CBC.
constexpr const char* ciphers_of_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20";

constexpr off_t file_bytes_max = 1024 * 1024;

/// What OpenSSL said last, for people.
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* const text = ERR_reason_error_string(code);
  ERR_clear_error();
  return text != nullptr ? text : "OpenSSL does not say why";
}

/// A pipe would have OpenSSL wait for ever.
std::optional<Error> unreadable(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    const Errc code = errno == EACCES ? Errc::permission_denied : Errc::not_found;
    return Error{code, fmt::format("{}: {}", path, std::strerror(errno))};
  }
  struct stat status {};
  const bool is_known = ::fstat(file, &status) == 0;
  ::close(file);
  const char* const wrong = !is_known || !S_ISREG(status.st_mode) ? "this is no file"
                            : status.st_size == 0                 ? "the file is empty"
                            : status.st_size > file_bytes_max ? "more than 1 MiB is no certificate"
                                                              : nullptr;
  if (wrong == nullptr) return std::nullopt;
  return Error{Errc::invalid_argument, fmt::format("{}: {}", path, wrong)};
}

int no_password(char* /*out*/, int /*bytes*/, int /*writes*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 0;
}

std::int64_t expiry_ns(const SSL_CTX* context) {
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  std::tm end{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
    return 0;
  return std::int64_t{timegm(&end)} * 1'000'000'000;
}

/// HTTP/1.1 is all that is spoken here; to a client that does not ask nothing is said.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void* /*unused*/) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_bytes, ours, sizeof ours - 1, offered, offered_bytes);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<std::shared_ptr<const TlsCertificate>> load_tls_certificate(const TlsFiles& files) {
  for (const std::string* path : {&files.cert_file, &files.key_file}) {
    if (auto error = unreadable(*path)) return *std::move(error);
  }
  ERR_clear_error();
  TlsCertificate::Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return Error{Errc::internal, "OpenSSL: " + reason()};
  SSL_CTX* const ctx = context.get();
  SSL_CTX_set_min_proto_version(ctx, files.min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(ctx, ciphers_of_1_2);
  char groups[] = "X25519:P-256:P-384";  // OpenSSL's macro wants it without const
  SSL_CTX_set1_groups_list(ctx, groups);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Sessions are resumed by tickets, which take no memory here.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
  bool is_encrypted = false;
  SSL_CTX_set_default_passwd_cb(ctx, no_password);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, &is_encrypted);
  if (SSL_CTX_use_certificate_chain_file(ctx, files.cert_file.c_str()) != 1) {
    return Error{Errc::invalid_argument,
                 fmt::format("{}: this is no certificate that can be served ({}); a chain in PEM "
                             "is wanted, the server's own certificate first",
                             files.cert_file, reason())};
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const std::string why = reason();
    return Error{Errc::invalid_argument,
                 is_encrypted
                     ? fmt::format("{}: the key is encrypted, and nobody is there to give its "
                                   "password; store it without one (openssl pkey)",
                                   files.key_file)
                     : fmt::format("{}: this is no key of {} ({}); a private key in PEM is wanted",
                                   files.key_file, files.cert_file, why)};
  }
  // A key of another kind than the certificate's is taken by both calls.
  if (SSL_CTX_check_private_key(ctx) != 1) {
    ERR_clear_error();
    return Error{Errc::invalid_argument,
                 fmt::format("{}: this is not the key of the certificate in {}", files.key_file,
                             files.cert_file)};
  }
  SSL_CTX_set_default_passwd_cb_userdata(ctx, nullptr);
  const std::int64_t expires_at_ns = expiry_ns(ctx);
  return std::shared_ptr<const TlsCertificate>(
      std::make_shared<TlsCertificate>(std::move(context), expires_at_ns));
}

Result<std::shared_ptr<const TlsCertificate>> tls_certificate_from(const Config& config) {
  if (!config.boolean("web.tls.enabled")) return std::shared_ptr<const TlsCertificate>();
  std::vector<Diagnostic> mistakes;
  for (const char* key : {"web.tls.cert_file", "web.tls.key_file"}) {
    if (config.text(key).empty()) {
      mistakes.push_back(config.mistake(key, "web.tls.enabled is true, and no file is named",
                                        "write the path of a PEM file"));
    }
  }
  if (!mistakes.empty()) return mistakes_error(std::move(mistakes));
  const TlsFiles files{config.text("web.tls.cert_file"), config.text("web.tls.key_file"),
                       config.text("web.tls.min_version")};
  auto loaded = load_tls_certificate(files);
  if (loaded) return loaded;
  const std::string& said = loaded.error().context;
  const bool is_key = said.starts_with(files.key_file);
  return mistakes_error({config.mistake(is_key ? "web.tls.key_file" : "web.tls.cert_file", said)});
}

std::int64_t expires_at_ns(const TlsCertificate& certificate) noexcept {
  return certificate.expires_at_ns();
}

}  // namespace telemetry
