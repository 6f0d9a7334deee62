// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connection.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/message.hpp"

namespace telemetry::mqtt {

/// Where brokers count what they drop from the queues of their clients.
struct DropCounter {
  std::string_view topic;
  std::string_view remedy;
};
inline constexpr std::array<DropCounter, 2> drop_counters{{
    {"$SYS/broker/publish/messages/dropped",
     "set max_queued_messages 0 in the broker's configuration"},
    {"$SYS/broker/messages/dropped",
     "raise maximum_client_writes_pending in the broker's configuration"},
}};

/// Watches the broker's drop counters.
///
/// Some brokers end a connection that asks for $SYS. So this is asked last and alone, when all else
/// is answered, and left out for a broker that did so twice in a row. Thread: one, but for what
/// says otherwise.
class DropWatch {
 public:
  /// All outlive it.
  DropWatch(const MqttOptions& options, Connection& connection, Environment environment);

  [[nodiscard]] static bool is_counter(std::string_view topic) noexcept;
  /// Which counters the user's own filters ask for, too.
  void follow(std::span<const Subscription> topics);

  /// The session holds no subscription to the counters: ask again.
  void begin_anew() noexcept { state_ = State::wanted; }
  /// All else is answered: queues the question, when it is due, and says, once, when no counter
  /// ever comes.
  void tick();
  /// True when this was the answer to the question.
  [[nodiscard]] bool answered(int mid, int code);
  /// The connection has ended. `alone`: nothing else was unanswered.
  void ended(bool alone);
  [[nodiscard]] bool is_asked() const noexcept { return state_ == State::asked; }

  /// Notes a counter. True when the message is nobody else's.
  [[nodiscard]] bool takes(const Message& message) {
    return message.topic.front() == '$' && note(message);
  }
  /// Thread: any.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(relaxed); }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  enum class State : std::uint8_t { wanted, asked, granted, over };

  void ask();
  [[nodiscard]] bool note(const Message& message);
  void count(std::size_t counter, std::string_view payload);

  const MqttOptions& options_;
  Connection& connection_;
  Environment environment_;
  State state_ = State::wanted;
  int mid_ = 0;
  int closes_ = 0;               // in a row, of connections that ended before the answer
  std::int64_t granted_at_ = 0;  // monotonic
  bool came_ = false;            // a counter
  bool left_out_said_ = false, silence_said_ = false;
  std::array<bool, drop_counters.size()> wanted_by_user_{};
  std::array<std::optional<std::uint64_t>, drop_counters.size()> seen_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace telemetry::mqtt
