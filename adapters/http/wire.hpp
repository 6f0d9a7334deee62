// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_range.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tls.hpp"

namespace telemetry::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
// A concrete executor: any_io_executor costs a third of a request.
using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

/// A socket, plain or under TLS. OpenSSL reads and writes it itself, and Asio says when it can:
/// docs/decisions/0016-tls-on-the-socket.md.
/// Thread: the one that runs the socket.
class Wire {
 public:
  using executor_type = Socket::executor_type;

  /// @param tls  null: plain
  Wire(Socket socket, const TlsCertificate* tls);

  executor_type get_executor() noexcept { return socket_.get_executor(); }
  Socket& socket() noexcept { return socket_; }
  [[nodiscard]] bool is_secure() const noexcept { return tls_ != nullptr; }
  /// Goes on without TLS: what the client sent is none.
  void drop_tls() noexcept { tls_.reset(); }

  /// Before anything else, where it is secure. @param handler  (error); no_protocol_option: the
  /// client speaks plain HTTP
  template <class Handler>
  void async_handshake(Handler handler) {
    const Step step = handshake();
    if (!step.waits()) {
      asio::post(get_executor(), beast::bind_front_handler(std::move(handler), step.error));
      return;
    }
    socket_.async_wait(step.until, [this, handler = std::move(handler)](const auto& error) mutable {
      error ? handler(error) : async_handshake(std::move(handler));
    });
  }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto done, const Buffers& all) {
          if (tls_ == nullptr) {
            socket_.async_read_some(all, std::move(done));
            return;
          }
          asio::mutable_buffer room;
          for (const asio::mutable_buffer one : beast::buffers_range_ref(all)) {
            if (room.size() == 0) room = one;
          }
          repeat([this, room] { return read(room); }, std::move(done));
        },
        handler, buffers);
  }
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto done, const Buffers& all) {
          if (tls_ == nullptr) {
            socket_.async_write_some(all, std::move(done));
            return;
          }
          repeat([this, bytes = gathered(all)] { return write(bytes); }, std::move(done));
        },
        handler, buffers);
  }
  /// All of it at once, or nothing is certain. While no write is under way.
  [[nodiscard]] bool write_now(std::string_view bytes);

  /// Tells the client that nothing more comes. While no write is under way.
  void end_sending() noexcept;
  void close() noexcept;

 private:
  struct Step {
    boost::system::error_code error;
    std::size_t bytes = 0;
    Socket::wait_type until = Socket::wait_error;
    [[nodiscard]] bool waits() const noexcept { return until != Socket::wait_error; }
  };
  /// Takes steps until one has an end. @param done  (error, bytes)
  template <class Take, class Done>
  void repeat(Take take, Done done) {
    const Step step = take();
    if (!step.waits()) {
      asio::post(get_executor(),
                 beast::bind_front_handler(std::move(done), step.error, step.bytes));
      return;
    }
    socket_.async_wait(step.until, [this, take = std::move(take),
                                    done = std::move(done)](const auto& error) mutable {
      error ? done(error, 0) : repeat(std::move(take), std::move(done));
    });
  }
  /// One piece of bytes, for each piece becomes a record of its own.
  template <class Buffers>
  asio::const_buffer gathered(const Buffers& buffers) {
    asio::const_buffer first;
    gathered_.clear();
    for (const asio::const_buffer one : beast::buffers_range_ref(buffers)) {
      if (one.size() == 0) continue;
      if (first.size() == 0) {
        first = one;
        continue;
      }
      if (first.size() >= record_bytes) return first;
      if (gathered_.empty()) gathered_.assign(static_cast<const char*>(first.data()), first.size());
      gathered_.append(static_cast<const char*>(one.data()),
                       std::min(one.size(), record_bytes - gathered_.size()));
      first = asio::buffer(gathered_);
    }
    return first;
  }
  static Step closed();
  Step handshake();
  Step read(asio::mutable_buffer room);
  Step write(asio::const_buffer bytes);
  Step step_of(int result);

  static constexpr std::size_t record_bytes = 16 * 1024;  // a record of TLS has no more

  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  Socket socket_;
  std::unique_ptr<SSL, Free> tls_;
  std::string gathered_;
};

/// Beast finds it by name.
inline void beast_close_socket(Wire& wire) noexcept { wire.close(); }

}  // namespace telemetry::http
