// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/accounts.hpp"
#include "telemetry/activity.hpp"
#include "telemetry/config.hpp"
#include "telemetry/live.hpp"
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

/// Whether there is more to send: `later` is nothing for now, `end` is nothing any more.
enum class More : std::uint8_t { more, later, end };

/// A body that is made while it is sent. Thread: one at a time, not always the same.
class BodyStream {
 public:
  /// It is asked again at the latest so long after it has said `later`.
  static constexpr std::int64_t patience_ns = 15'000'000'000;

  virtual ~BodyStream() = default;
  /// Appends the next piece, which may be empty.
  /// Errors: any; the connection is broken off, so that the client knows that something is missing.
  [[nodiscard]] virtual Result<More> next(std::string& out) = 0;
  /// Before the first next(), of one that may say `later`: it calls `wake` when there is something.
  /// `wake` may be called at any time, from any thread and under locks, until the stream is gone.
  virtual void on_ready(std::function<void()> wake) { (void)wake; }
  /// Whether the next next() may take time, and so wants a worker.
  [[nodiscard]] virtual bool blocks() const { return true; }
};

/// A conversation over a WebSocket, without the socket. Thread: one at a time.
class Conversation {
 public:
  virtual ~Conversation() = default;
  /// @param said  a text of the client that came meanwhile; null: none
  /// @param out  texts to send, each a message, are appended
  /// Errors: any; the connection is closed with 1011.
  [[nodiscard]] virtual Result<More> next(const std::string* said,
                                          std::vector<std::string>& out) = 0;
  /// As those of BodyStream.
  virtual void on_ready(std::function<void()> wake) = 0;
  [[nodiscard]] virtual bool blocks() const = 0;
  /// How long to wait after `wake`, so that more goes out at one time.
  [[nodiscard]] virtual std::int64_t batch_ns() const = 0;
  /// Why it ended, of RFC 6455.
  [[nodiscard]] virtual std::pair<std::uint16_t, std::string> close_reason() const = 0;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< without Content-Length and Date
  std::string body;
  std::unique_ptr<BodyStream> stream;  ///< in the place of `body`
  std::shared_ptr<void> holds = {};    ///< until the answer has been sent
  bool packs = false;    ///< the server may compress it, if the client takes that; a stream that
                         ///< says `later` cannot be
  bool is_gzip = false;  ///< `body` is packed with gzip: the server says so, or unpacks it for a
                         ///< client that does not take that
  /// With status 101, to a request that asks for a WebSocket.
  std::unique_ptr<Conversation> conversation = {};
};

/// Answers requests. Thread: any number at the same time.
class Handler {
 public:
  virtual ~Handler() = default;
  /// May block. What `request` holds lives until the response, with its stream, is gone.
  [[nodiscard]] virtual Response handle(const Request& request) = 0;
  /// Whether it is to be answered whatever else waits: health, for supervisors. It must not block.
  [[nodiscard]] virtual bool is_urgent(const Request& request) const {
    (void)request;
    return false;
  }
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

/// A file of the dashboard, at a path of its own.
struct PageFile {
  std::string_view path;        ///< "/assets/x.js"
  std::string_view media_type;  ///< with its charset
  std::string_view bytes;       ///< packed with gzip
  std::string_view etag;        ///< in quotes; another one for other bytes
  bool is_immutable = false;    ///< what is at this path never changes
};

/// Something that changes what others rely on, for the audit file.
struct Act {
  std::string_view who;      ///< "anna", "key/grafana"
  std::string_view address;  ///< of the client
  std::string_view what;     ///< "user_add"
  std::string_view details;  ///< JSON, without secrets
};

struct ServiceOptions {
  std::string host = "127.0.0.1";  ///< to listen on
  bool allow_insecure = false;     ///< answer others than this machine although nobody signs in
  std::shared_ptr<Authenticator> authenticator;  ///< null: nobody signs in
  /// What health shows. Thread: any.
  std::function<std::vector<std::string>()> warnings = {};
  std::vector<std::string> cors_origins;  ///< whose pages may ask; "*" = all
  /// Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count.
  std::vector<std::string> trusted_proxies = {};
  std::string base_path = {};  ///< of the address, as a proxy serves it: "/telemetry"; empty: none
  std::function<bool()> is_draining = {};  ///< /readyz says no then. Thread: any
  double requests_per_s = 0;               ///< of one client; 0 = no limit
  bool api = true;                         ///< false: nothing below /api, and no page
  std::string version;
  std::span<const PageFile> pages = {};  ///< which outlive the service; empty: no dashboard
  std::shared_ptr<LiveHub> live = {};    ///< a sink of the pipeline; null: nothing is served live
  std::shared_ptr<Activity> activity = {};  ///< the same; null: all counters of topics are 0
  /// Is told of each act when it is over, also of one that failed. Thread: any.
  std::function<void(const Act& act, const Result<void>& outcome)> audit = {};
  std::string boards_path = {};  ///< file of the boards; empty: none are kept
};
/// Sections web and security of a checked configuration. Errors: mistakes.
[[nodiscard]] Result<ServiceOptions> service_options(const Config& config);

/// 127.0.0.0/8, ::1, localhost.
[[nodiscard]] bool is_loopback(std::string_view host);

/// All routes of the gateway over a pipeline, which outlives it.
[[nodiscard]] std::unique_ptr<Handler> make_service(ServiceOptions options, const Config& config,
                                                    Pipeline& pipeline, Environment environment);

}  // namespace telemetry::web
