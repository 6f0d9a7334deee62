// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "telemetry/adapters/mqtt.hpp"

namespace telemetry::testing {

/// Far longer than anything here takes; only a failing test waits that long.
inline constexpr std::chrono::seconds patience{20};

/// A clock that stands still until a test moves it.
class StandingClock final : public Clock {
 public:
  std::int64_t now() noexcept override { return 1'795'248'000'000'000'000 + moved_ns_; }
  std::int64_t monotonic() noexcept override { return moved_ns_; }
  void move_s(std::int64_t seconds) { moved_ns_ += seconds * 1'000'000'000; }

 private:
  std::atomic<std::int64_t> moved_ns_{1'000'000'000};
};

/// Collects log lines.
class LogBook {
 public:
  [[nodiscard]] Environment environment() {
    return system_environment(Log(
        [this](LogLevel level, std::string_view, std::string_view message) {
          const std::lock_guard lock(mutex_);
          lines_.emplace_back(message);
          alarms_ += level >= LogLevel::warn ? 1 : 0;
          changed_.notify_all();
        },
        LogLevel::debug));
  }
  [[nodiscard]] Environment environment(Clock& clock) {
    const Environment real = environment();
    return {clock, real.files, real.random, real.log};
  }
  /// Lines of level warn and above.
  [[nodiscard]] std::size_t alarms() {
    const std::lock_guard lock(mutex_);
    return alarms_;
  }
  /// True once `count` lines hold `text`.
  [[nodiscard]] bool wait_for(const std::string& text, std::size_t count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return with(text) >= count; });
  }
  [[nodiscard]] std::size_t count(const std::string& text) {
    const std::lock_guard lock(mutex_);
    return with(text);
  }
  [[nodiscard]] std::string all() {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  std::size_t with(const std::string& text) const {
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(),
        [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::size_t alarms_ = 0;
};

/// A door that keeps what was committed, and fails when told to.
class RecordingDoor : public Door {
 public:
  struct Kept {
    std::string topic, payload;
    std::uint8_t qos;
    bool retained;
    RetainedPolicy policy = RetainedPolicy::skip_stored;
    bool operator==(const Kept&) const = default;
  };

  /// Called inside commit(), before it returns, with the batch.
  std::function<void(const std::vector<Kept>&)> on_commit;
  std::atomic<int> commits_that_fail{0};
  std::atomic<bool> has_room{true};
  std::atomic<int> refusals{0};  ///< of reserve()
  std::atomic<std::size_t> most_unacknowledged{SIZE_MAX};
  std::atomic<std::size_t> batch_messages{1000};

  Result<void> reserve(std::size_t) override {
    if (has_room) return {};
    ++refusals;
    return Error{Errc::resource_exhausted, "no room in the test"};
  }
  void add(const Message& message) override {
    open_.push_back({std::string(message.topic), std::string(message.payload), message.qos,
                     message.retained, message.retained_policy});
  }
  std::size_t open_bytes() const noexcept override { return open_.size() * 100; }
  std::size_t open_messages() const noexcept override { return open_.size(); }
  bool should_commit() const noexcept override { return open_.size() >= batch_messages; }
  Result<void> commit(std::vector<Outcome>*) override {
    if (on_commit) on_commit(open_);
    const std::lock_guard lock(mutex_);
    ++commits_;
    changed_.notify_all();
    if (commits_that_fail > 0) {
      --commits_that_fail;
      lost_.insert(lost_.end(), open_.begin(), open_.end());
      open_.clear();
      return Error{Errc::unavailable, "the disk of the test fails"};
    }
    kept_.insert(kept_.end(), open_.begin(), open_.end());
    open_.clear();
    return {};
  }
  void abort() noexcept override { open_.clear(); }
  std::size_t unacknowledged_max() const noexcept override { return most_unacknowledged; }

  /// True once `count` messages are committed.
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return kept_.size() >= count; });
  }
  [[nodiscard]] bool wait_for_lost(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return lost_.size() >= count; });
  }
  [[nodiscard]] std::vector<Kept> kept() {
    const std::lock_guard lock(mutex_);
    return kept_;
  }
  [[nodiscard]] std::vector<std::string> payloads() {
    std::vector<std::string> out;
    for (const Kept& message : kept()) out.push_back(message.payload);
    return out;
  }
  /// Payloads without repetitions, in order of their first coming.
  [[nodiscard]] std::vector<std::string> distinct_payloads() {
    std::vector<std::string> out;
    for (std::string& payload : payloads()) {
      if (std::find(out.begin(), out.end(), payload) == out.end()) out.push_back(payload);
    }
    return out;
  }

 private:
  std::vector<Kept> open_;  // the source's thread only
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Kept> kept_, lost_;
  std::size_t commits_ = 0;
};

/// A source that runs in a thread until stop() or the end.
class RunningSource {
 public:
  RunningSource(const MqttOptions& options, Environment environment, Door& door)
      : source_(make_mqtt_source(options, environment)),
        thread_([this, &door](std::stop_token stop) { result_ = source_->run(door, stop); }) {}
  ~RunningSource() { static_cast<void>(stop()); }
  Result<void> stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return result_;
  }
  [[nodiscard]] const MqttSource& source() const { return *source_; }
  [[nodiscard]] Result<void> set_topics(std::vector<Subscription> topics) {
    return source_->set_topics(std::move(topics));
  }
  [[nodiscard]] bool wait_until_ready() const {
    return wait_until([this] { return source_->is_ready(); });
  }
  template <class Condition>
  [[nodiscard]] static bool wait_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

 private:
  std::unique_ptr<MqttSource> source_;
  Result<void> result_;
  std::jthread thread_;
};

/// Options for the broker at this port: every topic, QoS 1, quick to connect again.
inline MqttOptions options_for(std::uint16_t port) {
  MqttOptions options;
  options.broker = "localhost";
  options.port = port;
  options.client_id = "source-under-test";
  options.topics = {{"#", 1}};
  options.reconnect_min_ns = 20'000'000;
  options.reconnect_max_ns = 200'000'000;
  return options;
}

/// Publishes and waits until the broker has everything.
inline bool publish_all(std::uint16_t port, const std::vector<std::string>& payloads,
                        const std::string& topic = "t", std::uint8_t qos = 1,
                        bool retained = false) {
  MqttOptions options = options_for(port);
  auto publisher = MqttPublisher::connect(options, system_environment());
  if (!publisher) return false;
  for (const std::string& payload : payloads) {
    if (!(*publisher)->publish(topic, payload, qos, retained)) return false;
  }
  return static_cast<bool>((*publisher)->drain(20'000'000'000));
}

/// "0", "1", ... as payloads.
inline std::vector<std::string> numbers(std::size_t first, std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = first; i < first + count; ++i) out.push_back(std::to_string(i));
  return out;
}

}  // namespace telemetry::testing
