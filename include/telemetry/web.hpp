// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/accounts.hpp"
#include "telemetry/config.hpp"
#include "telemetry/pipeline.hpp"

/// What the gateway answers, without sockets: a server hands in requests as plain values and sends
/// what comes back.
namespace telemetry::web {

/// A request as it was sent. Views are valid until its response is gone.
struct Request {
  struct Header {
    std::string_view name, value;  ///< the case of the name does not matter
  };
  std::string_view method;  ///< "GET"
  std::string_view target;  ///< path and query, as sent: "/api/data?topic=a%2Fb"
  std::vector<Header> headers;
  std::string_view body;
  std::string_view peer;  ///< address of who has connected, without port
  bool secure = false;    ///< it came over TLS
  /// Becomes true, with a notification, when the client has gone: nobody waits for the answer. One
  /// that has only ended its side has not. Null: not known.
  const std::atomic<bool>* gone = nullptr;

  /// The first of this name; empty without one.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  [[nodiscard]] bool is_abandoned() const noexcept {
    return gone != nullptr && gone->load(std::memory_order_relaxed);
  }
};

/// A body that is made while it is sent. Thread: one at a time, not always the same.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Appends the next piece, which may be empty. @returns false when it was the last one.
  /// Errors: any; the connection is broken off, so that the client knows that something is missing.
  [[nodiscard]] virtual Result<bool> next(std::string& out) = 0;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< without Content-Length and Date
  std::string body;
  std::unique_ptr<BodyStream> stream;  ///< in the place of `body`
};

/// Answers requests. Thread: any number at the same time.
class Handler {
 public:
  virtual ~Handler() = default;
  /// May block. What `request` holds lives until the response, with its stream, is gone.
  [[nodiscard]] virtual Response handle(const Request& request) = 0;
};

/// An answer that says what is wrong (RFC 9457, application/problem+json).
struct Problem {
  int status = 500;
  std::string code;    ///< for programs: "unknown_parameter"
  std::string detail;  ///< for people, with the remedy
  struct Part {
    std::string parameter, detail, hint;
  };
  std::vector<Part> errors = {};
  std::int64_t retry_after_s = 0;  ///< 0 = not said
  std::string request_id = {};     ///< empty: it never came to a handler
};
[[nodiscard]] Response to_response(const Problem& problem);

struct ServiceOptions {
  std::string host = "127.0.0.1";  ///< that the server listens on, for the rule about Host
  bool allow_insecure = false;     ///< answer others than this machine although nobody signs in
  std::shared_ptr<Authenticator> authenticator;  ///< null: nobody signs in
  std::vector<std::string> warnings;             ///< that health shows
  std::vector<std::string> cors_origins;         ///< whose pages may ask; "*" = all
  double requests_per_s = 0;                     ///< of one client; 0 = no limit
  bool api = true;                               ///< false: nothing below /api, and no page
  std::string version;
};
/// Sections web and security of a checked configuration. Errors: mistakes.
[[nodiscard]] Result<ServiceOptions> service_options(const Config& config);

/// All routes of the gateway over a pipeline, which outlives it.
[[nodiscard]] std::unique_ptr<Handler> make_service(ServiceOptions options, const Config& config,
                                                    Pipeline& pipeline, Environment environment);

}  // namespace telemetry::web
