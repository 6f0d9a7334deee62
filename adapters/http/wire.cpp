// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <openssl/err.h>

#include <boost/asio/error.hpp>

namespace telemetry::http {

Wire::Wire(Socket socket, const TlsCertificate* tls) : socket_(std::move(socket)) {
  if (tls == nullptr) return;
  tls_.reset(SSL_new(tls->context()));
  if (!tls_ || SSL_set_fd(tls_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
  SSL_set_accept_state(tls_.get());
}

// The queue of errors belongs to the thread: what another connection left there must not count.
Wire::Step Wire::step_of(int result) {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_NONE:
      return {{}, static_cast<std::size_t>(result)};
    case SSL_ERROR_WANT_READ:
      return {{}, 0, Socket::wait_read};
    case SSL_ERROR_WANT_WRITE:
      return {{}, 0, Socket::wait_write};
    case SSL_ERROR_ZERO_RETURN:
      return {asio::error::eof};
    default: {
      const bool is_http = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      return {is_http ? asio::error::make_error_code(asio::error::no_protocol_option)
                      : asio::error::make_error_code(asio::error::connection_aborted)};
    }
  }
}

// OpenSSL knows the number of a file that may be another connection's by then.
Wire::Step Wire::closed() { return {asio::error::operation_aborted}; }

Wire::Step Wire::handshake() {
  if (!socket_.is_open()) return closed();
  ERR_clear_error();
  return step_of(SSL_do_handshake(tls_.get()));
}

Wire::Step Wire::read(asio::mutable_buffer room) {
  if (!socket_.is_open()) return closed();
  ERR_clear_error();
  const std::size_t bytes = std::min<std::size_t>(room.size(), record_bytes);
  return step_of(SSL_read(tls_.get(), room.data(), static_cast<int>(bytes)));
}

Wire::Step Wire::write(asio::const_buffer bytes) {
  if (!socket_.is_open()) return closed();
  if (bytes.size() == 0) return {};
  ERR_clear_error();
  Step whole;
  while (bytes.size() > 0) {
    const std::size_t most = std::min<std::size_t>(bytes.size(), record_bytes);
    const Step step = step_of(SSL_write(tls_.get(), bytes.data(), static_cast<int>(most)));
    if (step.error || step.waits()) return whole.bytes > 0 ? whole : step;
    whole.bytes += step.bytes;
    bytes += step.bytes;
  }
  return whole;
}

bool Wire::write_now(std::string_view bytes) {
  if (tls_) {
    const Step step = write(asio::buffer(bytes.data(), bytes.size()));
    return step.bytes == bytes.size();
  }
  boost::system::error_code error;
  return socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error) == bytes.size();
}

void Wire::end_sending() noexcept {
  if (tls_ && socket_.is_open()) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());  // what has no room is not sent: the end that follows says as much
  }
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void Wire::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace telemetry::http
