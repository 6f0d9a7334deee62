// SPDX-License-Identifier: Apache-2.0
// The publisher: callers put messages into a ring of places, one thread takes them to the broker.
//
// Life of a message: publish() copies it into the place at tail_; the thread hands it to
// libmosquitto (next_), which names it by a packet id; its PUBACK (QoS 1) or its last byte written
// (QoS 0) makes it done; places that are done leave at head_. A new connection starts again at
// head_, in order. The ring is the only bound: libmosquitto never holds more than it.
//
// Places [head_, next_) and [next_, tail_) belong to the thread, the rest to the callers; mutex_
// guards the counters. libmosquitto is only ever used by the thread.
#include <fmt/format.h>
#include <mqtt_protocol.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "connection.hpp"
#include "options.hpp"
#include "telemetry/adapters/mqtt.hpp"

namespace telemetry {
namespace mqtt {
namespace {

constexpr std::int64_t tick_ns = 1'000'000'000;
/// A place keeps memory up to this size for its next message.
constexpr std::size_t kept_bytes_max = 64 * 1024;
constexpr std::size_t payload_bytes_max = 268'435'455;  // MQTT 5.0 section 2.1.4, less the header

std::string client_id_of(const MqttOptions& options, const Environment& environment) {
  std::uint8_t bytes[4] = {};
  environment.random(std::span(bytes));
  return fmt::format("{}-pub-{:02x}{:02x}{:02x}{:02x}",
                     options.client_id.empty() ? "telemetry" : options.client_id, bytes[0],
                     bytes[1], bytes[2], bytes[3]);
}

class Publisher final : public MqttPublisher {
 public:
  Publisher(const MqttOptions& options, Environment environment, OnAcknowledged acknowledged)
      : options_(options),
        acknowledged_(std::move(acknowledged)),
        connection_(options_, client_id_of(options, environment), true, environment, handlers()),
        refusals_(environment.clock, 1, 10'000'000'000),
        places_(options.in_flight_max),
        by_packet_(std::size_t{UINT16_MAX} + 1) {}

  ~Publisher() override {
    thread_.request_stop();
    stop_.signal();
    wake_.signal();
    if (thread_.joinable()) thread_.join();
  }

  void start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
  }

  Result<void> publish(std::string_view topic, std::string_view payload, std::uint8_t qos,
                       bool retained, std::uint64_t token) override;
  Result<void> drain(std::int64_t timeout_ns) override;
  bool is_connected() const noexcept override { return connection_.is_connected(); }
  std::uint64_t refused() const noexcept override { return refused_.load(relaxed); }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  struct Place {
    std::string topic, payload;
    std::uint64_t token = 0;
    std::uint8_t qos = 0;
    bool retained = false;
    bool done = false;
  };

  Connection::Handlers handlers() {
    return {this, nullptr, nullptr, nullptr, [](void* self, int packet, int code) {
              static_cast<Publisher*>(self)->published(packet, code);
            }};
  }
  [[nodiscard]] Place& place(std::uint64_t number) { return places_[number % places_.size()]; }
  void loop(const std::stop_token& stop);
  void serve(const std::stop_token& stop);
  std::uint64_t settle();
  void send(std::uint64_t tail);
  void published(int packet, int code);
  void refuse(Place& refused, std::string_view reason);

  const MqttOptions options_;
  OnAcknowledged acknowledged_;
  Connection connection_;
  RateLimit refusals_;
  Wake wake_;  // something to send, or stop
  Wake stop_;  // stop only
  std::vector<Place> places_;
  std::vector<std::uint64_t> by_packet_;  // packet id -> number of the message
  std::uint64_t next_ = 0;
  bool slept_ = false;  // sleeping_ as the thread left it

  std::mutex mutex_;
  std::condition_variable room_, idle_;
  std::uint64_t head_ = 0, tail_ = 0;
  bool sleeping_ = false;  // the thread waits for wake_
  std::atomic<std::uint64_t> refused_{0};
  std::jthread thread_;
};

Result<void> Publisher::publish(std::string_view topic, std::string_view payload, std::uint8_t qos,
                                bool retained, std::uint64_t token) {
  const int bytes = static_cast<int>(std::min<std::size_t>(topic.size(), UINT16_MAX + 1));
  if (topic.empty() || mosquitto_pub_topic_check2(topic.data(), topic.size()) != MOSQ_ERR_SUCCESS ||
      mosquitto_validate_utf8(topic.data(), bytes) != MOSQ_ERR_SUCCESS) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is not a topic to publish to: it must be UTF-8 of 1 to 65535 "
                             "bytes without + and #",
                             topic.substr(0, 200))};
  }
  if (qos > 1) return Error{Errc::invalid_argument, "QoS must be 0 or 1"};
  if (payload.size() > payload_bytes_max) {
    return Error{Errc::invalid_argument,
                 fmt::format("a payload of {} bytes is longer than MQTT allows", payload.size())};
  }
  std::unique_lock lock(mutex_);
  if (!room_.wait_for(lock, std::chrono::nanoseconds(options_.publish_wait_ns),
                      [this] { return tail_ - head_ < places_.size(); })) {
    return Error{Errc::deadline_exceeded, fmt::format("{} messages to {} are not acknowledged yet",
                                                      tail_ - head_, address(options_))};
  }
  Place& mine = place(tail_);
  mine.topic.assign(topic);
  mine.payload.assign(payload);
  mine.token = token;
  mine.qos = qos;
  mine.retained = retained;
  mine.done = false;
  ++tail_;
  const bool sleeping = std::exchange(sleeping_, false);
  lock.unlock();
  if (sleeping) wake_.signal();
  return {};
}

Result<void> Publisher::drain(std::int64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  if (idle_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                     [this] { return head_ == tail_; })) {
    return {};
  }
  return Error{Errc::deadline_exceeded, fmt::format("{} messages to {} are not acknowledged yet",
                                                    tail_ - head_, address(options_))};
}

void Publisher::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (connection_.dial(stop_)) serve(stop);
    if (!stop.stop_requested()) connection_.pause(stop_);
  }
  connection_.close();
}

void Publisher::serve(const std::stop_token& stop) {
  next_ = head_;
  std::uint64_t tail = head_;
  while (!stop.stop_requested()) {
    if (connection_.is_up()) send(tail);
    if (connection_.wants_write() && !connection_.write()) break;
    tail = settle();
    if (connection_.is_drained() && !connection_.wait(wake_, slept_ ? tick_ns : 0)) break;
    if (connection_.can_read()) {
      while (connection_.read() && !connection_.is_drained()) {
      }
    }
    if (!connection_.is_open() || !connection_.tick()) break;
  }
}

/// Frees the places that are done. Returns how far there is something to send; without anything the
/// thread is about to sleep, and the next publish() wakes it.
std::uint64_t Publisher::settle() {
  const std::lock_guard lock(mutex_);
  if (slept_ && !sleeping_) wake_.clear();
  sleeping_ = slept_ = next_ == tail_ || !connection_.is_up();
  const std::uint64_t before = head_;
  for (; head_ != next_ && place(head_).done; ++head_) {
    if (place(head_).payload.capacity() > kept_bytes_max) place(head_).payload = {};
  }
  if (head_ != before) room_.notify_all();
  if (head_ == tail_) idle_.notify_all();
  return tail_;
}

void Publisher::send(std::uint64_t tail) {
  for (; next_ != tail; ++next_) {
    Place& sent = place(next_);
    if (sent.done) continue;
    int packet = 0;
    const int result = mosquitto_publish(connection_.client(), &packet, sent.topic.c_str(),
                                         static_cast<int>(sent.payload.size()), sent.payload.data(),
                                         sent.qos, sent.retained);
    if (result == MOSQ_ERR_NO_CONN) return;
    if (result != MOSQ_ERR_SUCCESS) {
      refuse(sent, mosquitto_strerror(result));
      continue;
    }
    by_packet_[static_cast<std::uint16_t>(packet)] = next_;
  }
}

void Publisher::published(int packet, int code) {
  Place& sent = place(by_packet_[static_cast<std::uint16_t>(packet)]);
  if (sent.done) return;
  if (code >= MQTT_RC_UNSPECIFIED) return refuse(sent, mosquitto_reason_string(code));
  sent.done = true;
  if (acknowledged_) acknowledged_(sent.token);
}

void Publisher::refuse(Place& refused, std::string_view reason) {
  refused.done = true;
  refused_.fetch_add(1, relaxed);
  std::uint64_t suppressed = 0;
  if (!refusals_.allow(suppressed)) return;
  connection_.log(LogLevel::error,
                  fmt::format("{} refused a message to '{}': {} ({} more since the last such line)",
                              address(options_), refused.topic, reason, suppressed));
}

}  // namespace
}  // namespace mqtt

Result<std::unique_ptr<MqttPublisher>> MqttPublisher::connect(const MqttOptions& options,
                                                              Environment environment,
                                                              OnAcknowledged acknowledged) {
  if (auto checked = mqtt::check(options, MqttUse::publish); !checked) {
    return std::move(checked).error();
  }
  auto publisher = std::make_unique<mqtt::Publisher>(options, environment, std::move(acknowledged));
  try {
    publisher->start();
  } catch (const std::system_error& error) {
    return Error{Errc::resource_exhausted, fmt::format("cannot start a thread: {}", error.what())};
  }
  return std::unique_ptr<MqttPublisher>(std::move(publisher));
}

}  // namespace telemetry
