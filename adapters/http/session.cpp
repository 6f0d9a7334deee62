// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <array>
#include <climits>
#include <ctime>
#include <exception>
#include <utility>

// A read is under way also while a request is answered, so that a client that leaves is seen. What
// it sends ahead stays in the socket, but for that one read.

namespace telemetry::http {
namespace {

constexpr std::size_t read_bytes = 4096;
constexpr std::size_t write_bytes_max = 256 * 1024;
constexpr std::size_t chunk_bytes_min = 32 * 1024;
constexpr std::size_t packed_bytes_min = 1024;
constexpr std::chrono::seconds linger_time{2}, probe_time{1};

std::chrono::nanoseconds span(std::int64_t ns) { return std::chrono::nanoseconds(ns); }

/// "Sun, 06 Nov 1994 08:49:37 GMT", without the locale.
std::string date_text() {
  static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
                     days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     months[static_cast<std::size_t>(utc.tm_mon)], 1900 + utc.tm_year, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

std::string_view view(boost::core::string_view text) { return {text.data(), text.size()}; }

web::Problem malformed(const std::string& why) {
  return {400, "malformed_request", "this is no HTTP/1.1 request: " + why};
}

web::Problem problem_of(const boost::system::error_code& error, const HttpOptions& options) {
  namespace http = beast::http;
  if (error == http::error::header_limit) {
    return {431, "header_too_large",
            fmt::format("the header is longer than {} bytes", options.header_bytes_max)};
  }
  if (error == http::error::body_limit) {
    return {413, "body_too_large",
            fmt::format("the body is longer than {} bytes", options.body_bytes_max)};
  }
  return malformed(error.message());
}

/// What RFC 9112 has a server refuse, and Beast lets through: a proxy before it may see other
/// headers, or another end of the request. @param bytes  of all headers
std::optional<web::Problem> problem_of(const beast::http::fields& headers, bool is_1_1,
                                       std::string_view bytes) {
  using beast::http::field;
  if (bytes.find("\r\n ") != bytes.npos || bytes.find("\r\n\t") != bytes.npos) {
    return malformed("it has a header on more than one line");
  }
  const auto hosts = headers.count(field::host);
  if (hosts > 1 || (is_1_1 && hosts == 0)) return malformed("it needs one Host header");
  const auto lengths = headers.count(field::content_length);
  if (lengths > 1 || headers[field::content_length].find(',') != std::string_view::npos) {
    return malformed("it has more than one Content-Length");
  }
  const auto codings = headers.count(field::transfer_encoding);
  if (codings == 0) return std::nullopt;
  if (codings > 1 || lengths > 0 || !is_1_1) {
    return malformed("its Transfer-Encoding contradicts another header, or HTTP/1.0");
  }
  if (beast::iequals(headers[field::transfer_encoding], "chunked")) return std::nullopt;
  return web::Problem{501, "unknown_transfer_encoding",
                      "the only Transfer-Encoding of a request that is known here is chunked"};
}

}  // namespace

Session::Session(Shared& shared, Wire wire, std::string peer, std::string client)
    : shared_(shared), wire_(std::move(wire)), peer_(std::move(peer)), client_(std::move(client)) {
  shared_.sessions.push_front(this);
  place_ = shared_.sessions.begin();
}

Session::~Session() { shared_.sessions.erase(place_); }

void Session::start(std::optional<web::Problem> refusal) {
  deadline_ = Steady::now() + span(shared_.options.request_timeout_ns);
  refusal_ = std::move(refusal);
  wire_.is_secure() ? shake_hands() : begin();
}

void Session::shake_hands() {
  state_ = State::shaking;
  wire_.async_handshake([self = shared_from_this()](const boost::system::error_code& error) {
    if (self->state_ == State::closed) return;
    if (error == asio::error::no_protocol_option) {
      self->wire_.drop_tls();
      self->refusal_ = {400, "https_only",
                        "this port speaks HTTPS: the address begins with https://"};
    } else if (error) {
      self->close();
      return;
    }
    self->state_ = State::idle;
    self->begin();
  });
}

void Session::begin() { refusal_ ? refuse(*refusal_) : parse(); }

void Session::close() noexcept {
  const auto self = std::move(waits_);
  if (self) response_ = {};
  // A reset: behind an answer that is not whole, a plain end is the end of a body to HTTP/1.0, and
  // the kernel would keep for minutes what the client does not read.
  boost::system::error_code ignored;
  if (state_ == State::answering) wire_.socket().set_option(Socket::linger(true, 0), ignored);
  state_ = State::closed;
  gone_.store(true, std::memory_order_relaxed);
  gone_.notify_all();
  wire_.close();
}

void Session::stop() {
  keep_alive_ = false;
  if (state_ == State::idle || waits_) close();
}

void Session::expire(Steady::time_point now) {
  if (now < deadline_ || state_ == State::closed) return;
  if (waits_) {
    wake();
    return;
  }
  if (state_ == State::reading) {
    refuse({408, "request_timeout",
            fmt::format("the request took longer than {} s to arrive",
                        static_cast<double>(shared_.options.request_timeout_ns) / 1e9)});
    return;
  }
  if (state_ == State::handling) {
    deadline_ = Steady::time_point::max();
    write_continue();
    return;
  }
  if (state_ == State::answering) {
    int unacknowledged = 0;
    (void)::ioctl(wire_.socket().native_handle(), SIOCOUTQ, &unacknowledged);
    if (unacknowledged < unacknowledged_) {  // on a slow line the kernel has room in leaps
      unacknowledged_ = unacknowledged;
      deadline_ = now + span(shared_.options.write_timeout_ns);
      return;
    }
    shared_.environment.log(
        LogLevel::info, "http",
        fmt::format("{} took nothing of its answer for {} s, so the connection is closed", peer_,
                    shared_.options.write_timeout_ns / 1'000'000'000));
  }
  close();
}

void Session::refuse(const web::Problem& problem) {
  response_ = web::to_response(problem);
  keep_alive_ = false;
  respond();
}

void Session::read() {
  if (read_pending_ || state_ == State::closed) return;
  read_pending_ = true;
  const auto room = buffer_.prepare(read_bytes);
  wire_.async_read_some(room, [self = shared_from_this()](const auto& error, std::size_t bytes) {
    self->on_read(error, bytes);
  });
}

void Session::on_read(const boost::system::error_code& error, std::size_t bytes) {
  read_pending_ = false;
  if (state_ == State::closed) return;
  const bool ended = error == asio::error::eof;
  if (error && !(ended && is_busy() && !waits_)) {
    close();
    return;
  }
  if (state_ == State::lingering) {
    read();
    return;
  }
  buffer_.commit(bytes);
  if (!is_busy()) {
    parse();
    return;
  }
  // It may still wait for its answer (nc -N), or have left. Both look the same until one is written
  // to: who has left resets the connection.
  if (ended && state_ == State::handling && chunked_) deadline_ = Steady::now() + probe_time;
  watch();
}

/// Sees that the client has gone where no read does.
void Session::watch() {
  if (watched_) return;
  watched_ = true;
  wire_.socket().async_wait(Socket::wait_error, [self = shared_from_this()](const auto& error) {
    self->watched_ = false;
    if (!error && self->is_busy()) self->close();
  });
}

void Session::parse() {
  const HttpOptions& options = shared_.options;
  if (!parser_) {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
    parser_->body_limit(options.body_bytes_max);
    expects_continue_ = head_only_ = false;
  }
  while (buffer_.size() > 0 && !parser_->is_done()) {
    if (state_ == State::idle) {
      state_ = State::reading;
      deadline_ = Steady::now() + span(options.request_timeout_ns);
    }
    boost::system::error_code error;
    const std::string_view bytes(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    const std::size_t used = parser_->put(buffer_.data(), error);
    buffer_.consume(used);
    if (error == beast::http::error::need_more) break;
    if (error) {
      refuse(problem_of(error, options));
      return;
    }
    if (parser_->is_header_done() && !parser_->eager()) {
      parser_->eager(true);
      if (const auto problem = read_header(bytes.substr(0, used))) {
        refuse(*problem);
        return;
      }
    }
  }
  if (parser_->is_done()) {
    dispatch();
    return;
  }
  if (buffer_.size() > options.header_bytes_max) {  // a line without an end
    refuse(problem_of(beast::http::error::header_limit, options));
    return;
  }
  if (std::exchange(expects_continue_, false)) write_continue();
  read();
}

/// Before the body, whose trailers would stand among the headers.
std::optional<web::Problem> Session::read_header(std::string_view bytes) {
  const auto& message = parser_->get();
  chunked_ = message.version() >= 11;
  if (auto problem = problem_of(message, chunked_, bytes)) return problem;
  keep_alive_ = message.keep_alive();
  head_only_ = message.method() == beast::http::verb::head;
  expects_continue_ =
      chunked_ && beast::iequals(message[beast::http::field::expect], "100-continue");
  request_.method = view(message.method_string());
  request_.target = view(message.target());
  request_.headers.clear();
  for (const auto& field : message) {
    request_.headers.push_back({view(field.name_string()), view(field.value())});
  }
  return std::nullopt;
}

/// At once or never: nothing is being written that it could mix with, and so few bytes have room.
void Session::write_continue() {
  static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  if (!wire_.write_now(text)) close();
}

void Session::dispatch() {
  state_ = State::handling;
  deadline_ = Steady::time_point::max();
  request_.body = parser_->get().body();
  request_.peer = peer_;
  request_.secure = wire_.is_secure();
  request_.gone = &gone_;
  // A WebSocket takes the connection over, which may have no read under way then.
  if (!beast::iequals(parser_->get()[beast::http::field::upgrade], "websocket"))
    buffer_.size() == 0 ? read() : watch();
  const auto kind =
      shared_.handler.is_urgent(request_) ? Workers::Kind::urgent : Workers::Kind::request;
  const bool taken = shared_.workers.post(client_, kind, [self = shared_from_this()]() mutable {
    Shared& shared = self->shared_;
    try {
      self->response_ = shared.handler.handle(self->request_);
      self->choose_packer();
    } catch (const std::exception& thrown) {
      shared.environment.log(LogLevel::error, "http",
                             fmt::format("{} {}: {}", self->request_.method,
                                         printable(self->request_.target), thrown.what()));
      self->response_ = web::to_response(
          {500, "internal", "this is a mistake in the program, which its log describes"});
    }
    // Moved: the last to hold a session destroys it, which must not be a worker.
    asio::post(shared.io, [self = std::move(self)] { self->respond(); });
  });
  if (!taken) {
    refuse({503, "overloaded", "too many requests wait for an answer; try again", {}, 1});
  }
}

/// Small bodies are not worth it.
void Session::choose_packer() {
  if (response_.is_gzip) {
    response_.headers.emplace_back("Vary", "Accept-Encoding");
    if (takes_gzip(request_.header("Accept-Encoding")))
      response_.headers.emplace_back("Content-Encoding", "gzip");
    else
      response_.body = unpacked_gzip(response_.body);
    return;
  }
  if (!response_.packs) return;
  response_.headers.emplace_back("Vary", "Accept-Encoding");
  if (!response_.stream && response_.body.size() < packed_bytes_min) return;
  packer_ = Packer::for_client(request_.header("Accept-Encoding"));
  if (!packer_) return;
  response_.headers.emplace_back("Content-Encoding", packer_->coding());
  if (!response_.stream) packer_->pack(response_.body, true);
}

void Session::respond() {
  if (!wire_.socket().is_open()) {
    response_ = {};
    return;
  }
  if (response_.conversation && buffer_.size() > 0) {
    refuse({400, "malformed_request", "a client of a WebSocket waits for the answer first"});
    return;
  }
  if (response_.conversation) {
    start_web_socket(shared_, std::move(wire_), client_, parser_->release(),
                     std::move(response_.conversation));
    state_ = State::closed;
    return;
  }
  state_ = State::answering;
  sent_ = 0;
  keep_alive_ = keep_alive_ && !shared_.stopping;
  // An HTTP/1.0 client knows where a stream ends by the end of the connection.
  if (response_.stream && !chunked_) keep_alive_ = false;
  send_head();
}

void Session::send_head() {
  const auto reason = beast::http::obsolete_reason(
      beast::http::int_to_status(static_cast<unsigned>(response_.status)));
  head_ =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response_.status, view(reason), date_text());
  for (const auto& [name, value] : response_.headers) {
    head_ += name;
    head_ += ": ";
    head_ += value;
    head_ += "\r\n";
  }
  const bool bodiless = response_.status == 204 || response_.status == 304;
  if (!bodiless && !response_.stream) {
    head_ += fmt::format("Content-Length: {}\r\n", response_.body.size());
  } else if (!bodiless && chunked_) {
    head_ += "Transfer-Encoding: chunked\r\n";
  }
  if (!keep_alive_) {
    head_ += "Connection: close\r\n";
  } else if (!chunked_) {
    head_ += "Connection: keep-alive\r\n";
  }
  head_ += "\r\n";
  if (head_only_ || bodiless) {
    response_.body.clear();
    response_.stream.reset();
  }
  if (response_.stream) {
    response_.stream->on_ready([this, weak = weak_from_this()] {
      asio::post(shared_.io, [weak] {
        if (const auto self = weak.lock()) self->wake();
      });
    });
  }
  sent_ = std::min(response_.body.size(), write_bytes_max);
  write(asio::buffer(head_), asio::buffer(response_.body.data(), sent_),
        response_.stream ? &Session::pull : &Session::send_body);
}

void Session::send_body() {
  if (sent_ == response_.body.size()) {
    end_response();
    return;
  }
  const std::size_t bytes = std::min(response_.body.size() - sent_, write_bytes_max);
  const asio::const_buffer piece(response_.body.data() + sent_, bytes);
  sent_ += bytes;
  write(piece, {}, &Session::send_body);
}

/// Makes the next piece, on a worker if that may take time.
void Session::pull() {
  deadline_ = Steady::time_point::max();
  woken_ = false;
  if (!response_.stream->blocks()) {
    make_chunk();
    send_chunk();
    return;
  }
  (void)shared_.workers.post(client_, Workers::Kind::next, [self = shared_from_this()]() mutable {
    Shared& shared = self->shared_;
    self->make_chunk();
    asio::post(shared.io, [self = std::move(self)] { self->send_chunk(); });
  });
}

void Session::make_chunk() {
  chunk_.clear();
  more_ = web::More::more;
  const bool may_block = response_.stream->blocks();
  try {
    const std::size_t bytes = packer_ ? 8 * chunk_bytes_min : chunk_bytes_min;
    while (more_ == web::More::more && chunk_.size() < bytes && !gone_.load()) {
      if (!may_block && response_.stream->blocks()) break;  // then a worker goes on
      auto made = response_.stream->next(chunk_);
      failed_ = !made;
      if (failed_) {
        shared_.environment.log(LogLevel::warn, "http",
                                fmt::format("an answer ends early: {}", to_string(made.error())));
        return;
      }
      more_ = *made;
    }
    if (packer_) packer_->pack(chunk_, more_ == web::More::end);
  } catch (const std::exception& thrown) {
    failed_ = true;
    shared_.environment.log(LogLevel::error, "http",
                            fmt::format("an answer ends early: {}", thrown.what()));
  }
}

void Session::send_chunk() {
  if (failed_ || gone_.load() || !wire_.socket().is_open()) {
    close();
    response_ = {};
    return;
  }
  const bool last = more_ == web::More::end;
  if (!last && chunk_.empty()) {
    wait_for_stream();
    return;
  }
  head_.clear();
  if (chunked_) {
    if (!chunk_.empty()) {
      head_ = fmt::format("{:x}\r\n", chunk_.size());
      chunk_ += "\r\n";
    }
    if (last) chunk_ += "0\r\n\r\n";
  }
  if (last) response_.stream.reset();
  write(asio::buffer(head_), asio::buffer(chunk_),
        last                        ? &Session::end_response
        : more_ == web::More::later ? &Session::wait_for_stream
                                    : &Session::pull);
}

/// Neither a worker nor an operation but the read is under way meanwhile.
void Session::wait_for_stream() {
  if (shared_.stopping || gone_.load()) {
    close();
    response_ = {};
    return;
  }
  if (woken_ || more_ != web::More::later) {
    pull();
    return;
  }
  chunk_ = {};  // there may be many who wait
  deadline_ = Steady::now() + span(web::BodyStream::patience_ns);
  waits_ = shared_from_this();
}

/// The stream has something, or its patience is over.
void Session::wake() {
  woken_ = true;
  if (const auto self = std::move(waits_)) pull();
}

void Session::write(asio::const_buffer first, asio::const_buffer second, void (Session::*then)()) {
  unacknowledged_ = INT_MAX;
  deadline_ = Steady::now() + span(shared_.options.write_timeout_ns);
  const std::array<asio::const_buffer, 2> buffers{first, second};
  asio::async_write(wire_, buffers,
                    [self = shared_from_this(), then](const auto& error, std::size_t) {
                      if (error || self->state_ == State::closed) {
                        self->close();
                        self->response_ = {};
                        return;
                      }
                      ((*self).*then)();
                    });
}

void Session::end_response() {
  response_ = {};
  packer_.reset();
  chunk_ = {};
  request_.body = {};
  parser_.reset();
  if (!keep_alive_) {
    // A socket that is closed with bytes unread resets the connection, and the client might never
    // see the answer.
    wire_.end_sending();
    state_ = State::lingering;
    deadline_ = Steady::now() + linger_time;
    read();
    return;
  }
  state_ = State::idle;
  deadline_ = Steady::now() + span(shared_.options.idle_timeout_ns);
  parse();
}

}  // namespace telemetry::http
