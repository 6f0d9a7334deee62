// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "packer.hpp"
#include "telemetry/adapters/http.hpp"
#include "wire.hpp"
#include "workers.hpp"

namespace telemetry::http {

using Steady = std::chrono::steady_clock;

/// What the server knows of a connection.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Closes what has waited too long.
  virtual void expire(Steady::time_point now) = 0;
  /// Closes it now, or behind the answer that is under way.
  virtual void stop() = 0;
  virtual void close() noexcept = 0;
};

/// What all sessions share. Everything but `workers` and what the handler does belongs to the
/// thread that runs `io`.
struct Shared {
  const HttpOptions& options;
  web::Handler& handler;
  const Environment& environment;
  asio::io_context& io;
  Workers& workers;
  std::list<Connection*> sessions;
  bool stopping = false;
};

/// Goes on with a connection whose client has asked for a WebSocket. It holds itself.
void start_web_socket(Shared& shared, Wire wire, std::string client,
                      beast::http::request<beast::http::string_body> request,
                      std::unique_ptr<web::Conversation> conversation);

/// A connection. It lives as long as an operation on it is under way. It belongs to the thread that
/// runs `io`; a worker has its request, response and chunk until it hands it back.
class Session final : public Connection, public std::enable_shared_from_this<Session> {
 public:
  /// @param client  whose turns it takes: its address, or its network
  Session(Shared& shared, Wire wire, std::string peer, std::string client);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// @param refusal  to be sent in the place of any answer
  void start(std::optional<web::Problem> refusal);
  void expire(Steady::time_point now) override;
  void stop() override;
  void close() noexcept override;

 private:
  void shake_hands();
  void begin();
  /// Sends this and closes.
  void refuse(const web::Problem& problem);
  void read();
  void on_read(const boost::system::error_code& error, std::size_t bytes);
  void watch();
  [[nodiscard]] bool is_busy() const noexcept {
    return state_ == State::handling || state_ == State::answering;
  }
  void parse();
  [[nodiscard]] std::optional<web::Problem> read_header(std::string_view bytes);
  void dispatch();
  void choose_packer();
  void respond();
  void send_head();
  void send_body();
  void pull();
  void make_chunk();
  void send_chunk();
  void wait_for_stream();
  void wake();
  void write(asio::const_buffer first, asio::const_buffer second, void (Session::*then)());
  void write_continue();
  void end_response();

  // shaking: hands, of TLS; handling: the handler works; lingering: the answer is sent, and what
  // still comes is dropped.
  enum class State : std::uint8_t {
    shaking,
    idle,
    reading,
    handling,
    answering,
    lingering,
    closed
  };

  Shared& shared_;
  Wire wire_;
  const std::string peer_, client_;
  std::optional<web::Problem> refusal_;
  std::list<Connection*>::iterator place_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  web::Request request_;
  web::Response response_;
  std::unique_ptr<Packer> packer_;  // of the response; null: it goes as it is
  std::string head_, chunk_;
  web::More more_ = web::More::more;  // behind chunk_
  bool failed_ = false;               // chunk_ could not be made
  bool woken_ = false;                // since the stream was last asked
  std::shared_ptr<Session> waits_;    // itself, while the stream has nothing for now
  std::size_t sent_ = 0;              // of the body
  int unacknowledged_ = 0;            // bytes, when the deadline was set
  Steady::time_point deadline_ = Steady::time_point::max();
  std::atomic<bool> gone_{false};
  State state_ = State::idle;
  bool read_pending_ = false;
  bool watched_ = false;
  bool keep_alive_ = true;
  bool chunked_ = false;
  bool head_only_ = false;
  bool expects_continue_ = false;
};

}  // namespace telemetry::http
