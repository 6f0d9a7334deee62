// SPDX-License-Identifier: Apache-2.0
// The MQTT source: one thread, one connection, nothing acknowledged before it is on stable storage.
//
// Life of a message: Connection reads it, queues its PUBACK in memory and calls message(), which
// hands it to the door. When nothing more is there to read, or the door's batch is full, the batch
// is committed; then, and only then, everything queued is written, the PUBACKs in receive order.
// The broker keeps a message until its PUBACK arrives, so whatever happens in between it comes
// again.
//
// Invariants
// - Connection::write() sends every queued PUBACK, and pings and SUBSCRIBE share that queue. So a
//   commit of all that was read comes before each write, also right after CONNACK, when messages
//   of a waiting session arrive before SUBSCRIBE is sent.
// - A commit that fails never happened: the socket is shut without DISCONNECT and the client with
//   its queue of PUBACKs destroyed. The broker gives the messages again to the next connection.
// - Nothing is read before the journal has room. While it has none the messages wait in the socket;
//   when that takes too long the connection is closed: answering pings needs reading. What was
//   committed before is acknowledged first, so that it does not come again.
// - SUBSCRIBE and UNSUBSCRIBE are queued by this thread alone, between reading and committing.
//   set_topics() leaves a list for it, which it takes at its next turn, after a tick at the latest.
// - QoS 2 is subscribed as 1: libmosquitto acknowledges QoS 2 before it hands the message over.
//
// Limits: the broker sends at most receive_maximum messages ahead (MQTT 5; less when the door
// remembers fewer) or its own max_inflight_messages (3.1.1), which bounds the queue of PUBACKs.
// What the broker drops from its own queue we only learn from its counters (drop_watch.hpp).
//
// Under load the thread waits coalesce_ns before it commits, so that one sync covers more messages;
// "load" is when that many more are to be expected (see expects_more). An idle connection commits
// at once.
#include "telemetry/adapters/mqtt.hpp"

#include <fmt/format.h>
#include <mosquitto.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <stop_token>
#include <utility>

#include "connection.hpp"
#include "options.hpp"
#include "subscriptions.hpp"

namespace telemetry {
namespace mqtt {
namespace {

constexpr std::size_t reserve_bytes = 1024 * 1024;
constexpr std::int64_t tick_ns = 1'000'000'000;
constexpr std::int64_t room_wait_ns = 1'000'000'000;
constexpr std::int64_t full_poll_ns = 20'000'000;

std::string client_id_of(const MqttOptions& options) {
  if (!options.client_id.empty()) return options.client_id;
  return fixed_client_id(::program_invocation_short_name, address(options));
}

class Subscriber final : public MqttSource {
 public:
  Subscriber(const MqttOptions& options, Environment environment)
      : options_(options),
        environment_(environment),
        connection_(options_, client_id_of(options_), !options.persistent_session, environment,
                    handlers()),
        subscriptions_(options_, connection_, environment) {}

  std::string name() const override { return fmt::format("mqtt {}", address(options_)); }
  Result<void> run(Door& door, std::stop_token stop) override;
  bool is_ready() const noexcept override { return subscriptions_.is_ready(); }
  Result<void> set_topics(std::vector<Subscription> topics) override;
  std::optional<std::uint64_t> rounds() const noexcept override {
    return connection_.is_connected() ? std::optional(rounds_.load()) : std::nullopt;
  }
  SourceStats stats() const override {
    SourceStats stats;
    stats.connects = connection_.connects();
    stats.disconnects = connection_.disconnects();
    stats.subscriptions = subscriptions_.count();
    stats.dropped_by_broker = subscriptions_.dropped();
    stats.sessions_lost = subscriptions_.sessions_lost();
    stats.connected = connection_.is_connected();
    return stats;
  }

 private:
  Connection::Handlers handlers();
  bool wait_for_room(Door& door);
  Result<void> make_room(Door& door, std::size_t bytes, const std::stop_token& stop);
  Result<void> serve(Door& door, const std::stop_token& stop);
  void read_all(Door& door, const std::stop_token& stop);
  bool expects_more() noexcept;
  bool commit(Door& door);
  void message(const Message& message);

  const MqttOptions options_;
  Environment environment_;
  Connection connection_;
  Subscriptions subscriptions_;
  Wake wake_;
  std::atomic<std::uint64_t> rounds_{0};

  Door* door_ = nullptr;           // during run()
  std::uint64_t read_ = 0;         // messages since the last commit
  std::int64_t last_read_at_ = 0;  // monotonic; end of the round before
  bool acknowledges_ = false;      // a QoS 1 message came through this connection
  bool held_ = false;              // libmosquitto was seen to hold an acknowledgement back
  bool asked_ = false;             // SUBSCRIBE is queued or answered, on this connection
  bool blocked_ = false;           // said that the journal takes nothing
};

Connection::Handlers Subscriber::handlers() {
  return {
      this,
      [](void* self, const Message& message) { static_cast<Subscriber*>(self)->message(message); },
      [](void* self, int mid, int code) {
        static_cast<Subscriber*>(self)->subscriptions_.subscribed(mid, code);
      },
      [](void* self, int mid) { static_cast<Subscriber*>(self)->subscriptions_.unsubscribed(mid); },
      nullptr,
      [](void* self) { return static_cast<Subscriber*>(self)->subscriptions_.unanswered(); }};
}

Result<void> Subscriber::set_topics(std::vector<Subscription> topics) {
  MqttOptions changed = options_;
  changed.topics = topics;
  if (auto checked = check_topics(changed); !checked) return checked;
  subscriptions_.want(std::move(topics));
  return {};
}

Result<void> Subscriber::run(Door& door, std::stop_token stop) {
  if (auto checked = check(options_, MqttUse::subscribe); !checked) return checked;
  door_ = &door;
  connection_.limit_unacknowledged(door.unacknowledged_max());
  wake_.clear();
  const std::stop_callback wake_up(stop, [this] { wake_.signal(); });
  while (!stop.stop_requested()) {
    if (!wait_for_room(door)) continue;
    if (connection_.dial(wake_)) {
      if (auto served = serve(door, stop); !served) return served;
    }
    if (!stop.stop_requested()) connection_.pause(wake_);
  }
  return {};
}

bool Subscriber::wait_for_room(Door& door) {
  const auto room = door.reserve(reserve_bytes);
  if (room) {
    if (blocked_) connection_.log(LogLevel::info, "the journal has room again: connecting");
    blocked_ = false;
    return true;
  }
  if (!blocked_) {
    connection_.log(LogLevel::error,
                    fmt::format("the journal takes nothing ({}): staying away from {}, which keeps "
                                "the messages, until it does",
                                to_string(room.error()), address(options_)));
  }
  blocked_ = true;
  wake_.wait(room_wait_ns);
  return false;
}

/// Waits a while for room. The messages that the broker sends meanwhile wait in the socket: a short
/// fullness, as a small journal has it, costs no connection and no repeated message.
Result<void> Subscriber::make_room(Door& door, std::size_t bytes, const std::stop_token& stop) {
  auto room = door.reserve(bytes);
  if (room) return room;
  std::int64_t patience_ns = options_.full_wait_ns;
  if (options_.keepalive_s != 0) {
    patience_ns = std::min(patience_ns, options_.keepalive_s * std::int64_t{1'000'000'000} / 4);
  }
  const std::int64_t give_up = environment_.clock.monotonic() + patience_ns;
  while (!room && room.error().code == Errc::resource_exhausted && !stop.stop_requested() &&
         environment_.clock.monotonic() < give_up) {
    ++rounds_;
    // With everything committed that was read, what is queued may leave.
    if (read_ == 0) {
      if (!connection_.tick()) break;
      if (connection_.wants_write() && !connection_.write()) break;
    }
    wake_.wait(full_poll_ns);
    room = door.reserve(bytes);
  }
  return room;
}

/// Works on one connection until it ends or `stop`. An error means that no connection can work.
Result<void> Subscriber::serve(Door& door, const std::stop_token& stop) {
  read_ = 0;
  asked_ = acknowledges_ = false;
  while (!stop.stop_requested()) {
    ++rounds_;
    if (const auto room = make_room(door, reserve_bytes, stop); !room) {
      connection_.drop(fmt::format("the journal takes nothing: {}", to_string(room.error())));
      break;
    }
    if (connection_.is_drained() && !connection_.wait(wake_, tick_ns)) break;
    if (connection_.can_read()) {
      read_all(door, stop);
      if (expects_more() && !door.should_commit()) {
        wake_.wait(options_.coalesce_ns);
        read_all(door, stop);
      }
    }
    if (connection_.is_open() && acknowledges_ && !held_ && !connection_.wants_write()) {
      door.abort();
      connection_.drop({});
      return Error{Errc::failed_precondition,
                   "this libmosquitto sends acknowledgements on its own, so that messages could be "
                   "lost; use version 2.0"};
    }
    held_ = held_ || acknowledges_;
    if (connection_.is_up()) {
      if (std::exchange(asked_, true)) {
        subscriptions_.follow();
      } else {
        subscriptions_.connected();
      }
    }
    // Also when the connection is gone: the broker may have forgotten the session.
    if (connection_.is_up() && read_ > 0) static_cast<void>(make_room(door, 0, stop));
    if (!commit(door)) break;
    if (!connection_.is_open() || !connection_.tick()) break;
    if (connection_.wants_write() && !connection_.write()) break;
  }
  subscriptions_.disconnected();
  if (stop.stop_requested()) connection_.close();
  return {};
}

void Subscriber::read_all(Door& door, const std::stop_token& stop) {
  while (connection_.read() && !connection_.is_drained() && !door.should_commit() &&
         !stop.stop_requested()) {
  }
}

/// True when, at the rate of this round, at least two more messages come while we wait.
bool Subscriber::expects_more() noexcept {
  const std::int64_t now = environment_.clock.monotonic();
  const std::int64_t elapsed_ns = now - last_read_at_;
  last_read_at_ = now;
  return connection_.is_up() && connection_.is_drained() && read_ > 0 &&
         static_cast<std::int64_t>(read_) * options_.coalesce_ns >= 2 * elapsed_ns;
}

bool Subscriber::commit(Door& door) {
  if (read_ == 0) return true;
  const auto committed = door.commit();
  if (!committed) {
    connection_.drop(fmt::format(
        "{} message{} could not be made durable and {} not acknowledged: {}", read_,
        read_ == 1 ? "" : "s", read_ == 1 ? "was" : "were", to_string(committed.error())));
  }
  if (committed) connection_.settle();
  read_ = 0;
  return static_cast<bool>(committed);
}

void Subscriber::message(const Message& message) {
  if (subscriptions_.drop_watch().takes(message)) return;
  ++read_;
  acknowledges_ = acknowledges_ || message.qos > 0;
  if (!message.retained) return door_->add(message);
  Message kept = message;
  kept.retained_policy = subscriptions_.retained_policy(message.topic);
  door_->add(kept);
}

}  // namespace
}  // namespace mqtt

std::unique_ptr<MqttSource> make_mqtt_source(const MqttOptions& options, Environment environment) {
  return std::make_unique<mqtt::Subscriber>(options, environment);
}

}  // namespace telemetry
