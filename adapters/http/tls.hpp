// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>

#include "telemetry/adapters/http.hpp"

namespace telemetry {

/// Of OpenSSL: chain, key, and the rules of a handshake.
class TlsCertificate {
 public:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  using Context = std::unique_ptr<SSL_CTX, Free>;

  TlsCertificate(Context context, std::int64_t expires_at_ns)
      : context_(std::move(context)), expires_at_ns_(expires_at_ns) {}
  [[nodiscard]] SSL_CTX* context() const noexcept { return context_.get(); }
  [[nodiscard]] std::int64_t expires_at_ns() const noexcept { return expires_at_ns_; }

 private:
  Context context_;
  std::int64_t expires_at_ns_;
};

}  // namespace telemetry
