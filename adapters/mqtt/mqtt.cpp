// SPDX-License-Identifier: Apache-2.0
// The MQTT source: one thread, one connection, nothing acknowledged before it is on stable storage.
//
// Life of a message: libmosquitto reads it, queues its PUBACK in memory and calls message(), which
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
// - Nothing is read before the journal has room. A full journal closes the connection: answering
//   pings needs reading.
// - QoS 2 is subscribed as 1: libmosquitto acknowledges QoS 2 before it hands the message over.
//
// Limits: the broker sends at most receive_maximum messages ahead (MQTT 5) or its own
// max_inflight_messages (3.1.1), which bounds the queue of PUBACKs. What the broker drops from its
// own queue we only learn from $SYS/broker/publish/messages/dropped.
//
// Under load the thread waits coalesce_ns before it commits, so that one sync covers more messages;
// "load" is when that many more are to be expected (see expects_more). An idle connection commits
// at once.
#include "telemetry/adapters/mqtt.hpp"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <optional>
#include <stop_token>

#include "connection.hpp"
#include "options.hpp"

namespace telemetry {
namespace mqtt {
namespace {

constexpr std::string_view dropped_topic = "$SYS/broker/publish/messages/dropped";
constexpr std::size_t reserve_bytes = 1024 * 1024;
constexpr std::int64_t tick_ns = 1'000'000'000;
constexpr std::int64_t room_wait_ns = 1'000'000'000;

std::string client_id_of(const MqttOptions& options) {
  if (!options.client_id.empty()) return options.client_id;
  return fixed_client_id(::program_invocation_short_name, address(options));
}

class MqttSource final : public Source {
 public:
  MqttSource(const MqttOptions& options, Environment environment)
      : options_(options),
        environment_(environment),
        connection_(options_, client_id_of(options_), !options.persistent_session, environment,
                    handlers()) {
    for (const Subscription& topic : options_.topics) {
      bool matches = false;
      mosquitto_topic_matches_sub(topic.filter.c_str(), dropped_topic.data(), &matches);
      wants_dropped_topic_ = wants_dropped_topic_ || matches;
    }
  }

  std::string name() const override { return fmt::format("mqtt {}", address(options_)); }
  Result<void> run(Door& door, std::stop_token stop) override;
  bool is_ready() const noexcept override { return ready_.load(relaxed); }
  SourceStats stats() const override {
    SourceStats stats;
    stats.connects = connection_.connects();
    stats.disconnects = connection_.disconnects();
    stats.subscriptions = subscriptions_.load(relaxed);
    stats.dropped_by_broker = dropped_.load(relaxed);
    stats.sessions_lost = sessions_lost_.load(relaxed);
    stats.connected = connection_.is_connected();
    return stats;
  }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  struct Asked {
    int mid;
    std::size_t topic;  // index, or topics.size() for dropped_topic
  };

  Connection::Handlers handlers();
  bool wait_for_room(Door& door);
  Result<void> serve(Door& door, const std::stop_token& stop);
  void read_all(Door& door, const std::stop_token& stop);
  bool expects_more() noexcept;
  bool commit(Door& door);
  void subscribe();
  void message(const mosquitto_message& message);
  void subscribed(int mid, int code);
  void note_dropped(const mosquitto_message& message);

  const MqttOptions options_;
  Environment environment_;
  Connection connection_;
  Wake wake_;
  bool wants_dropped_topic_ = false;

  Door* door_ = nullptr;           // during run()
  std::uint64_t read_ = 0;         // messages since the last commit
  std::int64_t last_read_at_ = 0;  // monotonic; end of the round before
  bool acknowledges_ = false;      // a QoS 1 message came through this connection
  bool held_ = false;              // libmosquitto was seen to hold an acknowledgement back
  bool asked_ = false;             // SUBSCRIBE is queued or answered, on this connection
  bool had_session_ = false;
  bool subscribed_once_ = false;
  bool blocked_ = false;  // said that the journal takes nothing
  bool qos2_said_ = false;
  std::vector<Asked> pending_;
  std::size_t unanswered_ = 0;
  std::size_t granted_ = 0;
  std::optional<std::uint64_t> dropped_seen_;
  std::atomic<bool> ready_{false};
  std::atomic<std::uint64_t> subscriptions_{0}, dropped_{0}, sessions_lost_{0};
};

Connection::Handlers MqttSource::handlers() {
  return {
      this,
      [](void* self, const mosquitto_message& message) {
        static_cast<MqttSource*>(self)->message(message);
      },
      [](void* self, int mid, int code) { static_cast<MqttSource*>(self)->subscribed(mid, code); },
      nullptr};
}

Result<void> MqttSource::run(Door& door, std::stop_token stop) {
  if (auto checked = check(options_, MqttUse::subscribe); !checked) return checked;
  door_ = &door;
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

bool MqttSource::wait_for_room(Door& door) {
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

/// Works on one connection until it ends or `stop`. An error means that no connection can work.
Result<void> MqttSource::serve(Door& door, const std::stop_token& stop) {
  read_ = 0;
  asked_ = acknowledges_ = false;
  pending_.clear();
  while (!stop.stop_requested()) {
    if (const auto room = door.reserve(reserve_bytes); !room) {
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
    if (connection_.is_up() && !asked_) subscribe();
    // Also when the connection is gone: the broker may have forgotten the session.
    if (!commit(door)) break;
    if (!connection_.is_open() || !connection_.tick()) break;
    if (connection_.wants_write() && !connection_.write()) break;
  }
  subscriptions_.store(0, relaxed);
  if (stop.stop_requested()) connection_.close();
  return {};
}

void MqttSource::read_all(Door& door, const std::stop_token& stop) {
  while (connection_.read() && !connection_.is_drained() && !door.should_commit() &&
         !stop.stop_requested()) {
  }
}

/// True when, at the rate of this round, at least two more messages come while we wait.
bool MqttSource::expects_more() noexcept {
  const std::int64_t now = environment_.clock.monotonic();
  const std::int64_t elapsed_ns = now - last_read_at_;
  last_read_at_ = now;
  return connection_.is_up() && connection_.is_drained() && read_ > 0 &&
         static_cast<std::int64_t>(read_) * options_.coalesce_ns >= 2 * elapsed_ns;
}

bool MqttSource::commit(Door& door) {
  if (read_ == 0) return true;
  const auto committed = door.commit();
  if (!committed) {
    connection_.drop(fmt::format(
        "{} message{} could not be made durable and {} not acknowledged: {}", read_,
        read_ == 1 ? "" : "s", read_ == 1 ? "was" : "were", to_string(committed.error())));
  }
  read_ = 0;
  return static_cast<bool>(committed);
}

void MqttSource::subscribe() {
  asked_ = true;
  granted_ = unanswered_ = 0;
  if (options_.persistent_session && had_session_ && !connection_.session_present()) {
    sessions_lost_.fetch_add(1, relaxed);
    connection_.log(LogLevel::warn,
                    fmt::format("{} has lost the session: what was sent while we were away is "
                                "gone; subscribing again",
                                address(options_)));
  }
  had_session_ = true;
  // 3.1.1 would send all retained messages again, 5 can be asked not to.
  if (!connection_.is_v5() && connection_.session_present() && subscribed_once_) {
    subscriptions_.store(options_.topics.size(), relaxed);
    return;
  }
  const int retained = connection_.is_v5() ? MQTT_SUB_OPT_SEND_RETAIN_NEW : 0;
  for (std::size_t i = 0; i < options_.topics.size(); ++i) {
    const Subscription& topic = options_.topics[i];
    if (topic.qos == 2 && !qos2_said_) {
      qos2_said_ = true;
      connection_.log(LogLevel::info,
                      "QoS 2 filters are subscribed with QoS 1; duplicates are removed where the "
                      "schema has a sequence_field, else they are possible");
    }
    int mid = 0;
    const int result = mosquitto_subscribe_v5(connection_.client(), &mid, topic.filter.c_str(),
                                              topic.qos > 0 ? 1 : 0, retained, nullptr);
    if (result == MOSQ_ERR_SUCCESS) {
      pending_.push_back({mid, i});
      ++unanswered_;
    } else {
      connection_.log(LogLevel::error, fmt::format("cannot subscribe to '{}': {}", topic.filter,
                                                   mosquitto_strerror(result)));
    }
  }
  int mid = 0;
  if (mosquitto_subscribe(connection_.client(), &mid, dropped_topic.data(), 0) ==
      MOSQ_ERR_SUCCESS) {
    pending_.push_back({mid, options_.topics.size()});
  }
}

void MqttSource::subscribed(int mid, int code) {
  const auto found = std::find_if(pending_.begin(), pending_.end(),
                                  [mid](const Asked& asked) { return asked.mid == mid; });
  if (found == pending_.end()) return;
  const std::size_t index = found->topic;
  pending_.erase(found);
  if (index == options_.topics.size()) {
    if (code >= MQTT_RC_UNSPECIFIED) {
      connection_.log(LogLevel::info, fmt::format("{} does not tell how many messages it drops",
                                                  address(options_)));
    }
    return;
  }
  const Subscription& topic = options_.topics[index];
  if (code >= MQTT_RC_UNSPECIFIED) {
    connection_.log(
        LogLevel::error,
        fmt::format("{} refused the subscription to '{}': {}; allow '{}' to read it in "
                    "the broker's access rules, or remove it from {}.topics",
                    address(options_), topic.filter, mosquitto_reason_string(code),
                    options_.username.empty() ? connection_.client_id() : options_.username,
                    options_.section));
  } else {
    ++granted_;
    if (code == 0 && topic.qos > 0) {
      connection_.log(LogLevel::warn,
                      fmt::format("{} grants only QoS 0 for '{}': messages are lost while we are "
                                  "away",
                                  address(options_), topic.filter));
    }
  }
  if (--unanswered_ > 0) return;
  subscriptions_.store(granted_, relaxed);
  if (granted_ < options_.topics.size()) return;
  subscribed_once_ = true;
  ready_.store(true, relaxed);
  connection_.log(LogLevel::info, fmt::format("subscribed to {} topic filter{} at {}", granted_,
                                              granted_ == 1 ? "" : "s", address(options_)));
}

void MqttSource::message(const mosquitto_message& message) {
  if (message.topic[0] == '$' && message.topic == dropped_topic) {
    note_dropped(message);
    if (!wants_dropped_topic_) return;
  }
  Message out;
  out.topic = message.topic;
  out.payload = {static_cast<const char*>(message.payload),
                 static_cast<std::size_t>(message.payloadlen)};
  out.qos = static_cast<std::uint8_t>(message.qos);
  out.retained = message.retain;
  ++read_;
  acknowledges_ = acknowledges_ || message.qos > 0;
  door_->add(out);
}

void MqttSource::note_dropped(const mosquitto_message& message) {
  const char* text = static_cast<const char*>(message.payload);
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text, text + message.payloadlen, count);
  if (error != std::errc{} || end != text + message.payloadlen) return;
  // What was dropped before we looked first is not ours; a smaller number is a restarted broker.
  const std::uint64_t before =
      dropped_seen_.value_or(count) <= count ? dropped_seen_.value_or(count) : 0;
  dropped_seen_ = count;
  if (count == before) return;
  dropped_.fetch_add(count - before, relaxed);
  connection_.log(LogLevel::error,
                  fmt::format("{} has dropped {} messages from its queues, ours or another "
                              "client's: set max_queued_messages 0 in the broker's configuration",
                              address(options_), count - before));
}

}  // namespace
}  // namespace mqtt

std::unique_ptr<Source> make_mqtt_source(const MqttOptions& options, Environment environment) {
  return std::make_unique<mqtt::MqttSource>(options, environment);
}

}  // namespace telemetry
