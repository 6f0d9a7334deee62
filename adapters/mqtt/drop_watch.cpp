// SPDX-License-Identifier: Apache-2.0
#include "drop_watch.hpp"

#include <fmt/format.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <charconv>

#include "failure.hpp"

namespace telemetry::mqtt {
namespace {

/// Brokers tell their counters every few seconds, the slowest each minute.
constexpr std::int64_t silence_ns = 120'000'000'000;
/// In a row. One connection may end just then for any reason.
constexpr int closes_max = 2;

}  // namespace

DropWatch::DropWatch(const MqttOptions& options, Connection& connection, Environment environment)
    : options_(options), connection_(connection), environment_(std::move(environment)) {}

bool DropWatch::is_counter(std::string_view topic) noexcept {
  return std::ranges::find(drop_counters, topic, &DropCounter::topic) != drop_counters.end();
}

void DropWatch::follow(std::span<const Subscription> topics) {
  for (std::size_t i = 0; i < drop_counters.size(); ++i) {
    wanted_by_user_[i] = std::ranges::any_of(topics, [&](const Subscription& topic) {
      bool matches = false;
      mosquitto_topic_matches_sub(topic.filter.c_str(), drop_counters[i].topic.data(), &matches);
      return matches;
    });
  }
}

void DropWatch::tick() {
  if (state_ == State::wanted) ask();
  if (state_ != State::granted || came_ || silence_said_) return;
  if (environment_.clock.monotonic() - granted_at_ < silence_ns) return;
  silence_said_ = true;
  connection_.log(LogLevel::info,
                  fmt::format("{} counts nowhere that we know how many messages it drops from its "
                              "queues: set its limits so that it drops none (docs/brokers.md)",
                              address(options_)));
}

void DropWatch::ask() {
  if (connection_.known().closes_on_watch()) {
    state_ = State::over;
    return;
  }
  std::array<char*, drop_counters.size()> topics{};
  std::ranges::transform(drop_counters, topics.begin(), [](const DropCounter& counter) {
    return const_cast<char*>(counter.topic.data());  // libmosquitto only reads it
  });
  const int result = mosquitto_subscribe_multiple(
      connection_.client(), &mid_, static_cast<int>(topics.size()), topics.data(), 0, 0, nullptr);
  state_ = result == MOSQ_ERR_SUCCESS ? State::asked : State::over;
}

bool DropWatch::answered(int mid, int code) {
  if (state_ != State::asked || mid != mid_) return false;
  if (code == MQTT_RC_PACKET_ID_IN_USE) {
    state_ = State::wanted;
    return true;
  }
  if (code >= MQTT_RC_UNSPECIFIED) {
    state_ = State::over;
    if (!std::exchange(silence_said_, true)) {
      connection_.log(LogLevel::info,
                      fmt::format("{} does not tell how many messages it drops: {}",
                                  address(options_), mosquitto_reason_string(code)));
    }
    return true;
  }
  state_ = State::granted;
  closes_ = 0;
  granted_at_ = environment_.clock.monotonic();
  return true;
}

void DropWatch::ended(bool alone) {
  if (state_ != State::asked) return;
  state_ = State::wanted;
  if (!alone || !connection_.was_shut_out() || ++closes_ < closes_max) return;
  connection_.known().note_closes_on_watch();
  if (std::exchange(left_out_said_, true)) return;
  connection_.log(LogLevel::info,
                  fmt::format("{} ends the connection when it is asked for '{}': that is left out, "
                              "and what it drops from its queues is not counted (docs/brokers.md)",
                              address(options_), drop_counters.front().topic));
}

bool DropWatch::note(const Message& message) {
  const auto found = std::ranges::find(drop_counters, message.topic, &DropCounter::topic);
  if (found == drop_counters.end()) return false;
  const auto counter = static_cast<std::size_t>(found - drop_counters.begin());
  count(counter, message.payload);
  return !wanted_by_user_[counter];
}

void DropWatch::count(std::size_t counter, std::string_view payload) {
  std::uint64_t total = 0;
  const char* const payload_end = payload.data() + payload.size();
  const auto [end, error] = std::from_chars(payload.data(), payload_end, total);
  if (error != std::errc{} || end != payload_end) return;
  came_ = true;
  // What was dropped before we looked first is not ours; a smaller number is a restarted broker.
  const std::uint64_t last = seen_[counter].value_or(total);
  const std::uint64_t before = last <= total ? last : 0;
  seen_[counter] = total;
  if (total == before) return;
  dropped_.fetch_add(total - before, relaxed);
  connection_.log(
      LogLevel::error,
      fmt::format("{} has dropped {} messages from its queues, ours or another client's (it counts "
                  "them together): {}",
                  address(options_), total - before, drop_counters[counter].remedy));
}

}  // namespace telemetry::mqtt
