// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "drop_watch.hpp"
#include "telemetry/adapters/mqtt.hpp"

namespace telemetry::mqtt {

/// The topic filters of one source: what is wanted, and what the broker's session may hold.
///
/// The session outlives the connection, and this process. So a filter is remembered, in the file
/// `options.session_file`, before SUBSCRIBE can leave, and forgotten when UNSUBACK has come: what
/// is remembered and not wanted is unsubscribed at the next chance.
/// SUBSCRIBE comes before UNSUBSCRIBE: between "a/#" and "a/b" no message of a/b may be missed.
/// Packets are queued, never written: the caller commits and writes. Thread: one, but for what says
/// otherwise.
class Subscriptions {
 public:
  /// All outlive it.
  Subscriptions(const MqttOptions& options, Connection& connection, Environment environment);

  /// Thread: any. The source's thread takes them at its next connected() or follow().
  void want(std::vector<Subscription> topics);

  /// Queues what a connection needs that the broker has just accepted.
  void connected();
  /// Queues the difference to what was wanted before, if want() was called since, and what is to
  /// be asked again or last.
  void follow();
  void disconnected();
  void subscribed(int mid, int code);
  void unsubscribed(int mid);

  /// That of the most specific filter that matches the topic.
  [[nodiscard]] RetainedPolicy retained_policy(std::string_view topic) const noexcept;

  /// "SUBSCRIBE to 'a/#'", or empty when the broker has answered everything.
  [[nodiscard]] std::string unanswered() const;

  [[nodiscard]] DropWatch& drop_watch() noexcept { return drop_watch_; }
  /// Thread: any.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return drop_watch_.dropped(); }
  [[nodiscard]] bool is_ready() const noexcept { return ready_.load(relaxed); }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_.load(relaxed); }
  [[nodiscard]] std::uint64_t sessions_lost() const noexcept {
    return sessions_lost_.load(relaxed);
  }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  enum class Question : std::uint8_t { subscribe, unsubscribe };
  struct Asked {
    Question question;
    std::string filter;
  };

  [[nodiscard]] bool take();
  void note_session();
  void say_overlaps();
  void subscribe(const Subscription& topic);
  void unsubscribe(const std::string& filter);
  void ask_again();
  [[nodiscard]] bool can_share(const Subscription& topic);
  void refused(const std::string& filter, int code) const;
  void settle();
  [[nodiscard]] const Subscription* wanted(std::string_view filter) const noexcept;
  void recall();
  void remember();

  const MqttOptions& options_;
  Connection& connection_;
  Environment environment_;

  DropWatch drop_watch_;

  std::mutex mutex_;
  std::optional<std::vector<Subscription>> next_;  // guarded by mutex_

  std::vector<Subscription> topics_;
  std::set<std::string, std::less<>> session_;                // what the broker may hold for us
  std::map<std::string, std::uint8_t, std::less<>> granted_;  // QoS that was asked for
  std::map<int, Asked> pending_;                              // by packet id
  std::size_t unanswered_ = 0;                                // SUBSCRIBE among them
  bool unsaid_ = false;                       // something was asked since the last "subscribed to"
  std::set<std::string, std::less<>> again_;  // to be subscribed with another packet id
  int tries_again_ = 0;                       // on this connection
  std::int64_t again_at_ = 0;                 // monotonic; not before
  bool had_session_ = false;
  bool shared_said_ = false;
  bool qos2_said_ = false;
  bool overlap_said_ = false;
  bool recalled_ = false;
  std::string saved_;  // what the file holds
  std::atomic<bool> ready_{false};
  std::atomic<std::uint64_t> count_{0}, sessions_lost_{0};
};

}  // namespace telemetry::mqtt
