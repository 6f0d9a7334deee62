// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <fmt/format.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

namespace telemetry::mqtt {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t dial_wait_ns = 10 * second_ns;
constexpr std::int64_t answer_wait_ns = 15 * second_ns;
constexpr std::int64_t close_wait_ns = 2 * second_ns;
/// So long acknowledgements may take to reach a busy broker before the connection is given up.
constexpr std::int64_t drop_wait_ns = 5 * second_ns;
/// A connection that stood this long was a good one: the next failure is a new one.
constexpr std::int64_t stable_ns = 5 * second_ns;
/// Attempts that hang in the name server or in connect() and cannot be stopped.
constexpr int dialling_max = 4;

// libmosquitto hands its log to a callback with the user data of the client. Attempts that were
// given up outlive their Connection, so the text goes to whoever called libmosquitto instead.
thread_local std::string* log_sink = nullptr;

class LogSink {
 public:
  explicit LogSink(std::string& text) noexcept { log_sink = &text; }
  ~LogSink() { log_sink = nullptr; }
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
};

/// "OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed" -> the last part.
void on_log(mosquitto*, void*, int level, const char* text) {
  if (level != MOSQ_LOG_ERR || log_sink == nullptr) return;
  std::string_view line = text;
  while (line.ends_with('\n')) line.remove_suffix(1);
  if (line.starts_with("OpenSSL Error") && line.rfind(':') != std::string_view::npos) {
    line.remove_prefix(line.rfind(':') + 1);
  } else if (line.starts_with("Error: ")) {
    line.remove_prefix(7);
  }
  if (!log_sink->empty()) *log_sink += ", ";
  *log_sink += line;
}

timespec to_timespec(std::int64_t ns) noexcept {
  ns = std::max<std::int64_t>(ns, 0);
  return {static_cast<time_t>(ns / second_ns), static_cast<long>(ns % second_ns)};
}

int poll_for(pollfd* files, nfds_t count, std::int64_t timeout_ns) noexcept {
  const timespec timeout = to_timespec(timeout_ns);
  return ::ppoll(files, count, &timeout, nullptr);
}

}  // namespace

Wake::Wake() noexcept : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
Wake::~Wake() {
  if (fd_ >= 0) ::close(fd_);
}
void Wake::signal() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}
void Wake::clear() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_, &count, sizeof count);
}
bool Wake::wait(std::int64_t timeout_ns) const noexcept {
  pollfd file{fd_, POLLIN, 0};
  return poll_for(&file, 1, timeout_ns) > 0;
}

/// One call of mosquitto_connect*(), which cannot be interrupted: it runs in a thread of its own
/// that owns all it needs, so that stop() need not wait for the network.
struct Connection::Attempt {
  Client client;
  std::string host;
  int port = 0;
  int keepalive_s = 0;
  mosquitto_property* properties = nullptr;
  std::shared_ptr<std::atomic<int>> dialling;
  Wake done;
  int result = MOSQ_ERR_SUCCESS;
  int error = 0;
  std::string tls_log;

  Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { mosquitto_property_free_all(&properties); }

  void run() {
    const LogSink sink(tls_log);
    errno = 0;
    result = mosquitto_connect_bind_v5(client.get(), host.c_str(), port, keepalive_s, nullptr,
                                       properties);
    error = errno;
    dialling->fetch_sub(1);
    done.signal();
  }
};

Connection::Connection(const MqttOptions& options, std::string client_id, bool clean_session,
                       Environment environment, Handlers handlers)
    : options_(options),
      client_id_(std::move(client_id)),
      clean_session_(clean_session),
      environment_(environment),
      handlers_(handlers),
      receive_maximum_(options.receive_maximum),
      known_(options, environment),
      dialling_(std::make_shared<std::atomic<int>>(0)),
      v5_(options.protocol != MqttProtocol::v311) {
  static const int initialised = [] {
    // libmosquitto 2.0.11 does the same and 2.0.21 does not, though with TLS both may write to a
    // connection that is gone.
    struct sigaction action = {};
    if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
      std::signal(SIGPIPE, SIG_IGN);
    }
    return mosquitto_lib_init();
  }();
  static_cast<void>(initialised);
}

Connection::~Connection() = default;

bool Connection::set_tls(mosquitto* client) {
  const MqttTls& tls = options_.tls;
  if (!tls.enabled) return true;
  for (const std::string* path : {&tls.ca_file, &tls.cert_file, &tls.key_file}) {
    if (path->empty() || ::access(path->c_str(), R_OK) == 0) continue;
    failure_ = {fmt::format("cannot read '{}': {}", *path, errno_text(errno)),
                fmt::format("check {}.tls", options_.section)};
    return false;
  }
  const auto given = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  if (tls.ca_file.empty()) mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
  if (!tls.ca_file.empty() || !tls.cert_file.empty()) {
    // libmosquitto takes a client certificate only together with a place for authorities.
    const char* folder = tls.ca_file.empty() ? "/etc/ssl/certs" : nullptr;
    const int result = mosquitto_tls_set(client, given(tls.ca_file), folder, given(tls.cert_file),
                                         given(tls.key_file), nullptr);
    if (result != MOSQ_ERR_SUCCESS) {
      failure_ = {fmt::format("TLS settings refused: {}", mosquitto_strerror(result)),
                  fmt::format("check {}.tls", options_.section)};
      return false;
    }
  }
  const char* version = tls.min_version == "1.3" ? "tlsv1.3" : "tlsv1.2";
  constexpr int verify_peer = 1;
  return mosquitto_tls_opts_set(client, verify_peer, version, nullptr) == MOSQ_ERR_SUCCESS;
}

void Connection::set_callbacks(mosquitto* client) {
  mosquitto_log_callback_set(client, on_log);
  mosquitto_connect_v5_callback_set(client, [](mosquitto* m, void* self, int code, int flags,
                                               const mosquitto_property* properties) {
    // From here on libmosquitto need not format a line for each packet.
    mosquitto_log_callback_set(m, nullptr);
    static_cast<Connection*>(self)->connected(code, flags, properties);
  });
  mosquitto_disconnect_v5_callback_set(
      client, [](mosquitto*, void* self, int code, const mosquitto_property*) {
        if (code >= MQTT_RC_UNSPECIFIED) static_cast<Connection*>(self)->disconnect_code_ = code;
      });
  mosquitto_message_callback_set(client,
                                 [](mosquitto*, void* self, const mosquitto_message* message) {
                                   auto& connection = *static_cast<Connection*>(self);
                                   ++connection.callbacks_;
                                   if (connection.handlers_.message == nullptr) return;
                                   Message out;
                                   out.topic = message->topic;
                                   out.payload = {static_cast<const char*>(message->payload),
                                                  static_cast<std::size_t>(message->payloadlen)};
                                   out.qos = static_cast<std::uint8_t>(message->qos);
                                   out.retained = message->retain;
                                   connection.handlers_.message(connection.handlers_.owner, out);
                                 });
  mosquitto_subscribe_v5_callback_set(client, [](mosquitto*, void* self, int mid, int count,
                                                 const int* codes, const mosquitto_property*) {
    auto& connection = *static_cast<Connection*>(self);
    ++connection.callbacks_;
    if (connection.handlers_.subscribed != nullptr && count > 0) {
      connection.handlers_.subscribed(connection.handlers_.owner, mid,
                                      *std::min_element(codes, codes + count));
    }
  });
  mosquitto_unsubscribe_callback_set(client, [](mosquitto*, void* self, int mid) {
    auto& connection = *static_cast<Connection*>(self);
    ++connection.callbacks_;
    if (connection.handlers_.unsubscribed != nullptr) {
      connection.handlers_.unsubscribed(connection.handlers_.owner, mid);
    }
  });
  mosquitto_publish_v5_callback_set(
      client, [](mosquitto*, void* self, int mid, int code, const mosquitto_property*) {
        auto& connection = *static_cast<Connection*>(self);
        ++connection.callbacks_;
        if (connection.handlers_.published != nullptr) {
          connection.handlers_.published(connection.handlers_.owner, mid, code);
        }
      });
}

Connection::Client Connection::make_client() {
  Client client(mosquitto_new(client_id_.c_str(), clean_session_, this));
  if (!client) {
    failure_ = {fmt::format("cannot make a client: {}", errno_text(errno)), {}};
    return nullptr;
  }
  mosquitto_threaded_set(client.get(), true);
  mosquitto_int_option(client.get(), MOSQ_OPT_PROTOCOL_VERSION,
                       v5_ ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(client.get(), MOSQ_OPT_SEND_MAXIMUM, 0);
  if (!options_.username.empty()) {
    const char* password = options_.password.empty() ? nullptr : options_.password.c_str();
    mosquitto_username_pw_set(client.get(), options_.username.c_str(), password);
  }
  set_callbacks(client.get());
  if (!set_tls(client.get())) return nullptr;
  return client;
}

void Connection::limit_unacknowledged(std::size_t messages) {
  // Of a clean session nothing comes again.
  if (clean_session_ || messages >= receive_maximum_) return;
  receive_maximum_ = static_cast<std::uint16_t>(std::max<std::size_t>(messages, 1));
  log(LogLevel::info,
      fmt::format("{}.receive_maximum is {} instead of {}: so many messages are recognised when "
                  "they come again (journal.size_max_mb, journal.segment_mb)",
                  options_.section, receive_maximum_, options_.receive_maximum));
}

bool Connection::dial(const Wake& wake) {
  client_.reset();
  answered_ = up_ = was_up_ = readable_ = session_present_ = streaming_ = cut_ = false;
  shut_out_ = false;
  has_shared_ = true;
  stream_.start(-1, false);
  drained_ = true;
  fall_back_ = false;
  disconnect_code_ = 0;
  tls_log_.clear();
  failure_ = {};
  v5_ = known_.next_is_v5();
  if (dialling_->load() >= dialling_max) {
    failure_ = {"earlier attempts still wait for an answer",
                fmt::format("check {}.broker and the network", options_.section)};
    return false;
  }
  auto attempt = std::make_shared<Attempt>();
  attempt->client = make_client();
  if (!attempt->client) return false;
  attempt->host = options_.broker;
  attempt->port = options_.port;
  attempt->keepalive_s = options_.keepalive_s;
  attempt->dialling = dialling_;
  if (v5_ && !clean_session_) {
    mosquitto_property_add_int32(&attempt->properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                 options_.session_expiry_s);
    mosquitto_property_add_int16(&attempt->properties, MQTT_PROP_RECEIVE_MAXIMUM, receive_maximum_);
  }
  std::thread thread;
  dialling_->fetch_add(1);
  try {
    thread = std::thread([attempt] { attempt->run(); });
  } catch (const std::system_error& error) {
    dialling_->fetch_sub(1);
    failure_ = {fmt::format("cannot start a thread: {}", error.what()), {}};
    return false;
  }
  pollfd files[] = {{attempt->done.fd(), POLLIN, 0}, {wake.fd(), POLLIN, 0}};
  poll_for(files, 2, dial_wait_ns);
  if (files[0].revents == 0) {
    thread.detach();
    failure_ = {fmt::format("no answer within {} s", dial_wait_ns / second_ns),
                fmt::format("check {0}.broker, {0}.port and whether a firewall is in between",
                            options_.section)};
    return false;
  }
  thread.join();
  if (attempt->result != MOSQ_ERR_SUCCESS) {
    failure_ = dial_failure(options_, attempt->result, attempt->error, attempt->tls_log);
    return false;
  }
  tls_log_ = std::move(attempt->tls_log);
  client_ = std::move(attempt->client);
  answer_by_ = environment_.clock.monotonic() + answer_wait_ns;
  return true;
}

void Connection::connected(int code, int flags, const mosquitto_property* properties) {
  ++callbacks_;
  answered_ = true;
  if (code != MQTT_RC_SUCCESS) {
    // Codes of 3.1.1 are 1 to 5, those of 5 begin at 128; brokers answer CONNECT of the one with
    // codes of the other.
    const bool version = code == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION ||
                         code == CONNACK_REFUSED_PROTOCOL_VERSION ||
                         (v5_ && code < MQTT_RC_UNSPECIFIED);
    fall_back_ = known_.note(v5_, version ? Answer::other : Answer::refused);
    failure_ = refusal(options_, client_id_, code);
    return;
  }
  fall_back_ = known_.note(v5_, Answer::accepted);
  up_ = was_up_ = true;
  up_since_ = environment_.clock.monotonic();
  session_present_ = (flags & 1) != 0;
  streaming_ = handlers_.message != nullptr && !options_.tls.enabled;
  if (streaming_) stream_.start(mosquitto_socket(client_.get()), v5_);
  connects_.fetch_add(1, relaxed);
  connected_.store(true, relaxed);
  log(LogLevel::info, fmt::format("connected to {} as '{}' (MQTT {}{})", address(options_),
                                  client_id_, v5_ ? "5" : "3.1.1",
                                  clean_session_     ? ""
                                  : session_present_ ? ", the broker has kept the session"
                                                     : ", new session"));
  if (!v5_ && options_.protocol == MqttProtocol::automatic && !fallback_said_) {
    fallback_said_ = true;
    log(LogLevel::info,
        fmt::format("{} does not speak MQTT 5 ({}): receive_maximum and session_expiry are the "
                    "broker's",
                    address(options_), known_.why_not_v5()));
  }
  std::uint8_t shared = 1;
  mosquitto_property_read_byte(properties, MQTT_PROP_SHARED_SUB_AVAILABLE, &shared, false);
  has_shared_ = shared != 0;
  if (!v5_ && !clean_session_ && handlers_.message != nullptr && !limit_said_) {
    limit_said_ = true;
    log(LogLevel::info,
        fmt::format("with MQTT 3.1.1 only {} can limit the messages under way: set at most {} "
                    "there (mosquitto: max_inflight_messages); of more, some may be stored twice",
                    address(options_), receive_maximum_));
  }
  std::uint32_t expiry_s = options_.session_expiry_s;
  mosquitto_property_read_int32(properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, &expiry_s, false);
  if (!clean_session_ && v5_ && expiry_s < options_.session_expiry_s) {
    log(LogLevel::warn, fmt::format("{} keeps an absent session for {} s only, not {} s",
                                    address(options_), expiry_s, options_.session_expiry_s));
  }
}

bool Connection::wants_write() const noexcept {
  return client_ && (stream_.has_acknowledgements() || mosquitto_want_write(client_.get()));
}

bool Connection::wait(const Wake& wake, std::int64_t timeout_ns) {
  readable_ = false;
  if (!up_) {
    const std::int64_t left_ns = answer_by_ - environment_.clock.monotonic();
    if (left_ns <= 0) {
      unanswered(Answer::silent);
      client_.reset();
      return false;
    }
    timeout_ns = std::min(timeout_ns, left_ns);
  }
  const short events = wants_write() ? POLLIN | POLLOUT : POLLIN;
  pollfd files[] = {{mosquitto_socket(client_.get()), events, 0}, {wake.fd(), POLLIN, 0}};
  if (poll_for(files, 2, timeout_ns) > 0) {
    // While TLS shakes hands it is read() that goes on, whichever way the socket is ready.
    readable_ = (files[0].revents & (up_ ? ~POLLOUT : ~0)) != 0;
  }
  return true;
}

bool Connection::read() { return streaming_ ? read_message() : read_packet(); }

bool Connection::read_message() {
  using Next = PublishStream::Next;
  Publish publish;
  const Next next = stream_.next(publish);
  switch (next) {
    case Next::message:
      handlers_.message(handlers_.owner, publish.message);
      [[fallthrough]];
    case Next::none:
      drained_ = next == Next::none;
      return true;
    case Next::handover:
      streaming_ = false;
      [[fallthrough]];
    case Next::other:
      return read_packet();
    case Next::closed:
      ended(MOSQ_ERR_CONN_LOST, 0);
      break;
    case Next::malformed:
      ended(MOSQ_ERR_MALFORMED_PACKET, 0);
      break;
    case Next::failed:
      ended(MOSQ_ERR_ERRNO, stream_.error());
  }
  client_.reset();
  return false;
}

bool Connection::read_packet() {
  const std::uint64_t callbacks = callbacks_;
  const bool was_up = up_;
  int result = MOSQ_ERR_SUCCESS;
  int error = 0;
  if (was_up) {
    errno = 0;
    result = mosquitto_loop_read(client_.get(), 1);
    error = errno;
  } else {
    const LogSink sink(tls_log_);
    errno = 0;
    result = mosquitto_loop_read(client_.get(), 1);
    error = errno;
  }
  if (result != MOSQ_ERR_SUCCESS || mosquitto_socket(client_.get()) < 0) {
    ended(result, error);
    return false;
  }
  // EAGAIN alone says nothing: queueing an acknowledgement may leave it behind, too.
  drained_ = callbacks == callbacks_ && (error == EAGAIN || error == EWOULDBLOCK);
  if (!up_) {
    // libmosquitto waits for ever for the rest of a TLS handshake that the broker has left.
    char byte = 0;
    if (::recv(mosquitto_socket(client_.get()), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
      ended(MOSQ_ERR_CONN_LOST, 0);
      return false;
    }
    drained_ = true;
  }
  return true;
}

bool Connection::write() {
  // PUBACKs first, for what libmosquitto has queued may be DISCONNECT, or PUBACKs of messages that
  // came later (handover); but never into a packet that it has begun.
  if (!cut_ && !stream_.flush()) {
    ended(MOSQ_ERR_ERRNO, stream_.error());
    client_.reset();
    return false;
  }
  if (stream_.has_acknowledgements() && !cut_) return true;
  const LogSink sink(tls_log_);
  errno = 0;
  const int result = mosquitto_loop_write(client_.get(), 1);
  if (result == MOSQ_ERR_SUCCESS && mosquitto_socket(client_.get()) >= 0) {
    cut_ = mosquitto_want_write(client_.get());
    return true;
  }
  ended(result, errno);
  return false;
}

bool Connection::tick() {
  const int result = mosquitto_loop_misc(client_.get());
  if (result == MOSQ_ERR_SUCCESS && mosquitto_socket(client_.get()) >= 0) return true;
  ended(result, 0);
  return false;
}

void Connection::ended(int result, int error) {
  if (!answered_ && failure_.reason.empty()) {
    const bool understood = result != MOSQ_ERR_PROTOCOL && result != MOSQ_ERR_MALFORMED_PACKET;
    unanswered(understood ? Answer::closed : Answer::not_mqtt);
  } else if (failure_.reason.empty()) {
    End end{result, error, disconnect_code_, tls_log_, {}, v5_, 0};
    shut_out_ = up_ && is_shut_out(end);
    const bool at_once = environment_.clock.monotonic() - up_since_ < stable_ns;
    shut_out_in_a_row_ = shut_out_ && at_once ? shut_out_in_a_row_ + 1 : 0;
    end.times = shut_out_in_a_row_;
    if (handlers_.unanswered != nullptr) end.unanswered = handlers_.unanswered(handlers_.owner);
    failure_ = end_of_connection(options_, client_id_, end);
  }
  mark_down();
}

/// CONNECT got no answer that can be read.
void Connection::unanswered(Answer answer) {
  failure_ = no_answer(options_, answer, tls_log_);
  // A TLS handshake that failed says nothing of MQTT; a broker that just closes says only this.
  if (tls_log_.empty() || tls_log_.find("unexpected eof") != std::string::npos) {
    fall_back_ = known_.note(v5_, answer);
  }
}

void Connection::mark_down() noexcept {
  if (!up_) return;
  up_ = false;
  disconnects_.fetch_add(1, relaxed);
  connected_.store(false, relaxed);
  if (environment_.clock.monotonic() - up_since_ >= stable_ns) failed_attempts_ = 0;
}

void Connection::drop(std::string reason) {
  if (!client_) return;
  stream_.discard_unsettled();
  if (up_ && !cut_) static_cast<void>(stream_.flush());
  const int socket = ::dup(mosquitto_socket(client_.get()));
  // Before the client is destroyed: with TLS that would still send an alert.
  ::shutdown(mosquitto_socket(client_.get()), SHUT_WR);
  client_.reset();
  failure_ = {std::move(reason), {}};
  mark_down();
  read_to_end(socket, environment_.clock.monotonic() + drop_wait_ns);
}

/// Waits for the broker to close, then closes. If its messages were still unread then, the kernel
/// would send a reset, which may overtake our acknowledgements.
void Connection::read_to_end(int socket, std::int64_t give_up) noexcept {
  if (socket < 0) return;
  const auto left = [&] { return give_up - environment_.clock.monotonic(); };
  ::shutdown(socket, SHUT_WR);
  const int low_water = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
  char unread[16 * 1024];
  pollfd file{socket, POLLIN, 0};
  while (left() > 0 && poll_for(&file, 1, left()) > 0) {
    const ssize_t got = ::recv(socket, unread, sizeof unread, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
  }
  ::close(socket);
}

void Connection::close() noexcept {
  if (!client_) return;
  const std::int64_t give_up = environment_.clock.monotonic() + close_wait_ns;
  const auto left = [&] { return give_up - environment_.clock.monotonic(); };
  // libmosquitto closes its socket as soon as DISCONNECT is in the kernel; we read on.
  const int socket = ::dup(mosquitto_socket(client_.get()));
  if (up_) {
    mosquitto_disconnect_v5(client_.get(), MQTT_RC_NORMAL_DISCONNECTION, nullptr);
    while (write() && wants_write() && left() > 0) {
      pollfd file{socket, POLLOUT, 0};
      poll_for(&file, 1, left());
    }
  }
  client_.reset();
  mark_down();
  read_to_end(socket, give_up);
}

void Connection::pause(const Wake& wake) {
  if (fall_back_) {
    const bool was_slow = environment_.clock.monotonic() >= answer_by_;
    log(was_slow ? LogLevel::info : LogLevel::debug,
        fmt::format("{}: {}; trying MQTT {}", address(options_), failure_.reason,
                    v5_ ? "3.1.1" : "5"));
    return;
  }
  std::int64_t longest = options_.reconnect_min_ns;
  for (std::uint32_t i = 0; i < failed_attempts_ && longest < options_.reconnect_max_ns; ++i) {
    longest *= 2;
  }
  longest = std::min(longest, options_.reconnect_max_ns);
  ++failed_attempts_;
  std::uint8_t dice[4] = {};
  environment_.random(std::span(dice));
  const std::int64_t sixteen_bits = dice[0] | dice[1] << 8;
  const std::int64_t delay_ns = longest / 2 + longest / 2 * sixteen_bits / 65'536;
  log(LogLevel::warn,
      fmt::format("{} MQTT broker {}: {}{}; next try in {:.1f} s{}{}{}",
                  was_up_ ? "lost the connection to" : "cannot connect to", address(options_),
                  failure_.reason, known_.tried_both() ? ", neither to MQTT 5 nor to 3.1.1" : "",
                  static_cast<double>(delay_ns) / second_ns, failure_.remedy.empty() ? "" : " (",
                  failure_.remedy, failure_.remedy.empty() ? "" : ")"));
  known_.end_round();
  wake.wait(delay_ns);
}

}  // namespace telemetry::mqtt
