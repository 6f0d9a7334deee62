// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/source.hpp"

namespace telemetry::testing {

/// A broker with one subscriber: keeps each message until it is acknowledged, and sends what was
/// not acknowledged again. It outlives the sources that read from it.
class Broker {
 public:
  struct Sent {
    std::string topic, payload;
  };
  void publish(std::string topic, std::string payload) {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(topic), std::move(payload)});
    changed_.notify_all();
  }
  /// Waits until all is acknowledged; false after 20 s.
  [[nodiscard]] bool wait_until_empty() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return queue_.empty(); });
  }
  [[nodiscard]] std::size_t unacknowledged() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }
  [[nodiscard]] std::vector<Sent> receive(std::size_t messages_max, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::move(stop), std::chrono::milliseconds(20),
                      [&] { return !queue_.empty(); });
    const std::size_t count = std::min(messages_max, queue_.size());
    return {queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count)};
  }
  void acknowledge(std::size_t messages) {
    const std::lock_guard lock(mutex_);
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(messages));
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Sent> queue_;
};

class ScriptedSource final : public Source {
 public:
  explicit ScriptedSource(Broker& broker, std::string name = "scripted")
      : broker_(broker), name_(std::move(name)) {}

  /// run() returns this at once.
  void end_with(Error error) { ends_with_ = std::move(error); }

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] Result<void> run(Door& door, std::stop_token stop) override {
    if (!ends_with_.context.empty()) return ends_with_;
    ready_ = true;
    while (!stop.stop_requested()) {
      const auto messages = broker_.receive(100, stop);
      if (messages.empty()) continue;
      for (const auto& message : messages) {
        door.add({.topic = message.topic, .payload = message.payload, .qos = 1});
      }
      if (door.commit()) broker_.acknowledge(messages.size());
    }
    return {};
  }
  [[nodiscard]] bool is_ready() const noexcept override { return ready_; }
  [[nodiscard]] SourceStats stats() const override {
    return {.connects = 1, .subscriptions = 2, .connected = ready_};
  }

 private:
  Broker& broker_;
  std::string name_;
  Error ends_with_;
  std::atomic<bool> ready_{false};
};

}  // namespace telemetry::testing
