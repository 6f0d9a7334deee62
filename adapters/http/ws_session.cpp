// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffer_traits.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <exception>
#include <functional>
#include <utility>

#include "session.hpp"

// Beast loses what is written beside another write without a word, and sends each message by
// itself. So it writes into a queue of bytes, as does the conversation, whose frames are made here:
// one write to the socket carries all that there is. Control frames are Beast's business: it
// answers them while a read is under way, and so one always is, but while a text of the client
// waits to be taken.

namespace telemetry::http {
namespace {

namespace websocket = beast::websocket;
using Timer = asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Socket::executor_type>;
constexpr std::size_t text_bytes_max = 64 * 1024;
constexpr auto idle_timeout = std::chrono::seconds(60);  // a ping is sent after half of it

constexpr std::size_t kept_bytes = 4 * 1024;           // by a connection that waits
constexpr std::size_t queued_bytes_max = 1024 * 1024;  // of what Beast writes by itself

/// A wire for Beast whose writes end in a queue, whole.
class QueuedWire {
 public:
  using executor_type = Wire::executor_type;
  using next_layer_type = Wire;

  explicit QueuedWire(Wire wire) : wire_(std::move(wire)) {}
  executor_type get_executor() noexcept { return wire_.get_executor(); }
  Wire& next_layer() noexcept { return wire_; }
  const Wire& next_layer() const noexcept { return wire_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return wire_.async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto done, const Buffers& all) {
          boost::system::error_code error;
          const std::size_t bytes = beast::buffer_bytes(all);
          if (queue.size() + bytes > queued_bytes_max) error = asio::error::no_buffer_space;
          for (const asio::const_buffer one : beast::buffers_range_ref(all)) {
            if (!error) queue.append(static_cast<const char*>(one.data()), one.size());
          }
          on_write();
          asio::post(get_executor(),
                     beast::bind_front_handler(std::move(done), error, error ? 0 : bytes));
        },
        handler, buffers);
  }

  std::string queue;
  std::function<void()> on_write;

 private:
  Wire wire_;
};

template <class Handler>
void async_teardown(beast::role_type role, QueuedWire& wire, Handler&& handler) {
  wire.next_layer().end_sending();
  websocket::async_teardown(role, wire.next_layer().socket(), std::forward<Handler>(handler));
}

/// Of a whole text that is not masked. Source: RFC 6455, 5.2.
void append_frame(std::string_view text, std::string& out) {
  const std::size_t bytes = text.size();
  out += static_cast<char>(0x81);
  int size_bytes = 0;
  if (bytes < 126) {
    out += static_cast<char>(bytes);
  } else {
    size_bytes = bytes < 65'536 ? 2 : 8;
    out += static_cast<char>(size_bytes == 2 ? 126 : 127);
  }
  while (size_bytes > 0) out += static_cast<char>(bytes >> 8 * --size_bytes);
  out += text;
}

class WebSocket final : public Connection, public std::enable_shared_from_this<WebSocket> {
 public:
  WebSocket(Shared& shared, Wire wire, std::string client,
            beast::http::request<beast::http::string_body> request,
            std::unique_ptr<web::Conversation> conversation)
      : shared_(shared),
        client_(std::move(client)),
        request_(std::move(request)),
        stream_(QueuedWire(std::move(wire))),
        timer_(shared.io.get_executor()),
        conversation_(std::move(conversation)) {
    shared_.sessions.push_front(this);
    place_ = shared_.sessions.begin();
  }
  ~WebSocket() override { shared_.sessions.erase(place_); }
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  void start() {
    // The server's list of deadlines knows nothing of it: Beast keeps the time.
    websocket::stream_base::timeout times{
        std::chrono::nanoseconds(shared_.options.request_timeout_ns), idle_timeout, true};
    stream_.set_option(times);
    stream_.read_message_max(text_bytes_max);
    stream_.next_layer().on_write = [this] { flush(); };
    conversation_->on_ready([this, weak = weak_from_this()] {
      asio::post(shared_.io, [weak] {
        if (const auto self = weak.lock()) self->wake();
      });
    });
    stream_.async_accept(request_, [self = shared_from_this()](const auto& error) {
      self->request_ = {};
      if (error) {
        self->close();
        return;
      }
      self->read();
      self->ask();
    });
  }

  void expire(Steady::time_point /*now*/) override {}

  void stop() override { leave(websocket::close_code::going_away, "the gateway stops"); }

  void close() noexcept override {
    closed_ = true;
    timer_.cancel();
    stream_.next_layer().next_layer().close();
    if (!asking_) conversation_.reset();
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](const auto& error, std::size_t) {
      self->on_read(error);
    });
  }

  void on_read(const boost::system::error_code& error) {
    if (closed_) return;
    if (error) {
      if (!leaving_) close();
      return;
    }
    if (leaving_) {
      buffer_.consume(buffer_.size());
      read();
      return;
    }
    if (!stream_.got_text()) {
      leave(websocket::close_code::unknown_data, "texts alone are understood here");
      return;
    }
    said_.assign(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    buffer_.consume(buffer_.size());
    has_said_ = true;
    ask();
  }

  /// There is something. More of it goes out at one time after a while.
  void wake() {
    if (closed_) return;
    woken_ = true;
    if (timer_runs_) return;
    const std::int64_t batch_ns = asking_ ? 0 : conversation_->batch_ns();
    if (asking_ || writing_ || batch_ns == 0) {
      ask();
      return;
    }
    timer_runs_ = true;
    timer_.expires_after(std::chrono::nanoseconds(batch_ns));
    timer_.async_wait([self = shared_from_this()](const auto& cancelled) {
      self->timer_runs_ = false;
      if (!cancelled) self->ask();
    });
  }

  /// Asks the conversation for what to send, on a worker if that may take time.
  void ask() {
    if (closed_ || asking_ || writing_ || leaving_) return;
    asking_ = true;
    woken_ = false;
    const bool said = std::exchange(has_said_, false);
    if (!said && !conversation_->blocks()) {
      fill(false);
      on_filled(false);
      return;
    }
    (void)shared_.workers.post(
        client_, Workers::Kind::next, [self = shared_from_this(), said]() mutable {
          Shared& shared = self->shared_;
          self->fill(said);
          asio::post(shared.io, [self = std::move(self), said] { self->on_filled(said); });
        });
  }

  void fill(bool said) {
    try {
      auto made = conversation_->next(said ? &said_ : nullptr, out_);
      failed_ = !made;
      if (made) {
        more_ = *made;
        return;
      }
      shared_.environment.log(LogLevel::warn, "http",
                              fmt::format("a WebSocket ends: {}", to_string(made.error())));
    } catch (const std::exception& thrown) {
      failed_ = true;
      shared_.environment.log(LogLevel::error, "http",
                              fmt::format("a WebSocket ends: {}", thrown.what()));
    }
  }

  void on_filled(bool said) {
    asking_ = false;
    if (closed_) {
      conversation_.reset();
      return;
    }
    if (said) read();
    if (failed_) {
      leave(websocket::close_code::internal_error, "this cannot be read now; try again");
      return;
    }
    for (const std::string& text : out_) append_frame(text, stream_.next_layer().queue);
    out_.clear();
    writing_ = true;
    flush();
    if (!flushing_) written();
  }

  /// Sends what is in the queue, and then what came meanwhile.
  void flush() {
    if (flushing_ || closed_ || stream_.next_layer().queue.empty()) return;
    flushing_ = true;
    sent_.clear();
    sent_.swap(stream_.next_layer().queue);
    asio::async_write(stream_.next_layer().next_layer(), asio::buffer(sent_),
                      [self = shared_from_this()](const auto& error, std::size_t) {
                        self->flushing_ = false;
                        if (error) {
                          self->close();
                          return;
                        }
                        if (self->sent_.capacity() > kept_bytes) self->sent_ = {};
                        self->flush();
                        if (!self->flushing_ && self->writing_) self->written();
                      });
  }

  void written() {
    writing_ = false;
    if (leaving_) {
      send_close();
    } else if (more_ == web::More::end) {
      const auto [code, reason] = conversation_->close_reason();
      leave(code, reason);
    } else if (has_said_ || more_ == web::More::more || (woken_ && !timer_runs_)) {
      ask();
    }
  }

  /// Says why, once what is under way has gone out, and closes.
  void leave(std::uint16_t code, std::string_view reason) {
    if (closed_ || leaving_) return;
    leaving_ = true;
    reason_.code = code;
    reason_.reason = {reason.data(), reason.size()};
    if (!asking_ && !writing_) send_close();
  }

  void send_close() {
    stream_.async_close(reason_, [self = shared_from_this()](const auto&) { self->close(); });
  }

  Shared& shared_;
  const std::string client_;
  std::list<Connection*>::iterator place_;
  beast::http::request<beast::http::string_body> request_;
  websocket::stream<QueuedWire, false> stream_;  // deflate costs more than it saves
  Timer timer_;
  std::unique_ptr<web::Conversation> conversation_;
  beast::flat_buffer buffer_;
  websocket::close_reason reason_;
  std::string said_;
  std::vector<std::string> out_;
  std::string sent_;  // by the write that is under way
  web::More more_ = web::More::more;
  bool has_said_ = false;  // said_ was not taken yet
  bool asking_ = false;    // the conversation is asked, maybe by a worker
  bool writing_ = false;   // what the conversation gave is on its way
  bool flushing_ = false;  // a write to the socket is under way
  bool woken_ = false;     // since it was last asked
  bool timer_runs_ = false;
  bool failed_ = false;
  bool leaving_ = false;
  bool closed_ = false;
};

}  // namespace

void start_web_socket(Shared& shared, Wire wire, std::string client,
                      beast::http::request<beast::http::string_body> request,
                      std::unique_ptr<web::Conversation> conversation) {
  std::make_shared<WebSocket>(shared, std::move(wire), std::move(client), std::move(request),
                              std::move(conversation))
      ->start();
}

}  // namespace telemetry::http
