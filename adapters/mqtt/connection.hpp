// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mosquitto.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "failure.hpp"
#include "known_broker.hpp"
#include "publish_stream.hpp"
#include "telemetry/adapters/mqtt.hpp"

namespace telemetry::mqtt {

/// Ends a poll() of another thread.
class Wake {
 public:
  Wake() noexcept;
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  void signal() const noexcept;  ///< Thread: any, and signal handlers.
  void clear() const noexcept;
  /// Waits until signalled or the time is over; true when signalled.
  bool wait(std::int64_t timeout_ns) const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

/// A client of one broker that connects again and again; one libmosquitto instance per connection,
/// so that nothing queued in one (acknowledgements!) can ever leave through another.
///
/// Nothing is sent but by write(): libmosquitto is told that threads are used (which they are not),
/// and then queues every packet until mosquitto_loop_write(). Messages of a plain TCP connection
/// are read and acknowledged by PublishStream, everything else is libmosquitto's. Thread: one.
class Connection {
 public:
  /// Calls come from read() and write().
  struct Handlers {
    void* owner = nullptr;
    void (*message)(void* owner, const Message& message) = nullptr;
    /// `code` is the best of the answers to the filters of one SUBSCRIBE.
    void (*subscribed)(void* owner, int mid, int code) = nullptr;
    void (*unsubscribed)(void* owner, int mid) = nullptr;
    /// QoS 0: written to the socket; QoS 1: the broker's answer.
    void (*published)(void* owner, int mid, int code) = nullptr;
    /// The connection has ended: what had the broker not answered by then? "SUBSCRIBE to 'a/#'".
    std::string (*unanswered)(void* owner) = nullptr;
  };

  /// `options` outlives the connection. A clean session is one that the broker forgets at once.
  Connection(const MqttOptions& options, std::string client_id, bool clean_session,
             Environment environment, Handlers handlers);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// From the next connection on the broker may send so many messages ahead of their
  /// acknowledgements, if `receive_maximum` allows more. MQTT 3.1.1 cannot say it; the log does.
  void limit_unacknowledged(std::size_t messages);
  /// Opens the connection and queues CONNECT. False when that failed or `wake` was signalled.
  [[nodiscard]] bool dial(const Wake& wake);
  /// Waits until the socket or `wake` has something, or the time is over. False when the broker has
  /// not answered CONNECT in time.
  [[nodiscard]] bool wait(const Wake& wake, std::int64_t timeout_ns);
  /// True when read() is worth a try after wait().
  [[nodiscard]] bool can_read() const noexcept { return readable_ || !drained_; }
  /// Reads one packet or message, if there is one. False when the connection has ended.
  [[nodiscard]] bool read();
  /// True when the last read() found nothing more.
  [[nodiscard]] bool is_drained() const noexcept { return drained_; }
  /// Queues a ping when one is due. False when the connection has ended.
  [[nodiscard]] bool tick();
  [[nodiscard]] bool wants_write() const noexcept;
  /// Sends everything that is queued, as far as the socket takes it. False when it has ended.
  [[nodiscard]] bool write();
  /// What was read so far is durable: its acknowledgements may leave whatever happens.
  void settle() noexcept { stream_.settle(); }
  /// Ends without DISCONNECT, so that the broker keeps what is not acknowledged. What is settled
  /// still leaves, as far as the socket takes it, and is given time to arrive; nothing else does.
  void drop(std::string reason);
  /// Sends what is queued and DISCONNECT, waits for the broker to close; gives up after a while.
  void close() noexcept;

  /// The broker has accepted CONNECT, and the connection stands.
  [[nodiscard]] bool is_up() const noexcept { return up_; }
  [[nodiscard]] bool is_open() const noexcept {
    return client_ && mosquitto_socket(client_.get()) >= 0;
  }
  [[nodiscard]] bool session_present() const noexcept { return session_present_; }
  [[nodiscard]] bool is_v5() const noexcept { return v5_; }
  /// False when the broker has said that it has none.
  [[nodiscard]] bool has_shared_subscriptions() const noexcept { return has_shared_; }
  /// The broker ended the last connection, and not because it stops or another client came.
  [[nodiscard]] bool was_shut_out() const noexcept { return shut_out_; }
  [[nodiscard]] KnownBroker& known() noexcept { return known_; }
  [[nodiscard]] mosquitto* client() const noexcept { return client_.get(); }
  [[nodiscard]] const std::string& client_id() const noexcept { return client_id_; }

  /// Logs why there is no connection and waits before the next attempt; longer each time, until a
  /// connection has stood for a while.
  void pause(const Wake& wake);
  void log(LogLevel level, std::string_view text) const { environment_.log(level, "mqtt", text); }

  /// Thread: any.
  [[nodiscard]] std::uint64_t connects() const noexcept { return connects_.load(relaxed); }
  [[nodiscard]] std::uint64_t disconnects() const noexcept { return disconnects_.load(relaxed); }
  [[nodiscard]] bool is_connected() const noexcept { return connected_.load(relaxed); }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  struct Destroy {
    void operator()(mosquitto* client) const noexcept { mosquitto_destroy(client); }
  };
  using Client = std::unique_ptr<mosquitto, Destroy>;
  struct Attempt;

  [[nodiscard]] Client make_client();
  [[nodiscard]] bool set_tls(mosquitto* client);
  void set_callbacks(mosquitto* client);
  void connected(int code, int flags, const mosquitto_property* properties);
  [[nodiscard]] bool read_message();
  [[nodiscard]] bool read_packet();
  void ended(int result, int error);
  void unanswered(Answer answer);
  void mark_down() noexcept;
  void read_to_end(int socket, std::int64_t give_up) noexcept;

  const MqttOptions& options_;
  std::string client_id_;
  bool clean_session_;
  Environment environment_;
  Handlers handlers_;
  std::uint16_t receive_maximum_;
  Client client_;
  PublishStream stream_;
  std::string tls_log_;  // what OpenSSL said about this connection
  Failure failure_;
  KnownBroker known_;
  std::shared_ptr<std::atomic<int>> dialling_;  // attempts that are not over, given up ones too
  bool v5_;
  bool answered_ = false;  // CONNACK came
  bool up_ = false;
  bool streaming_ = false;  // messages are read by stream_
  bool cut_ = false;        // libmosquitto has sent a part of a packet
  bool readable_ = false;
  bool drained_ = true;
  bool session_present_ = false;
  bool has_shared_ = true;
  bool shut_out_ = false;
  bool fall_back_ = false;  // the other version is to be tried at once
  bool fallback_said_ = false;
  bool limit_said_ = false;
  bool was_up_ = false;  // the connection that ended last had been up
  int disconnect_code_ = 0;
  int shut_out_in_a_row_ = 0;  // connections that the broker ended as soon as they stood
  std::uint64_t callbacks_ = 0;
  std::int64_t answer_by_ = 0;  // monotonic
  std::int64_t up_since_ = 0;
  std::uint32_t failed_attempts_ = 0;
  std::atomic<std::uint64_t> connects_{0}, disconnects_{0};
  std::atomic<bool> connected_{false};
};

}  // namespace telemetry::mqtt
