// SPDX-License-Identifier: Apache-2.0
// Paces the fleet and follows what the broker acknowledges.
//
// One thread here asks the fleet for messages and publishes; the publisher's own thread reports
// acknowledgements. What was published is remembered in the token alone (device, kind, sequence),
// so that nothing is allocated or looked up per message. The window is kept here and not left to
// the publisher, so that a broker that is away never holds up Ctrl-C.
#include "run.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

namespace telemetry::simulator {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t poll_ns = 100'000'000;  // longest wait without looking at `stop`
constexpr int sequence_bits = 42;
constexpr int device_bits = 20;
static_assert(devices_max <= (1u << device_bits));

std::uint64_t token_of(const Outgoing& message) noexcept {
  return (static_cast<std::uint64_t>(message.kind) << (sequence_bits + device_bits)) |
         (static_cast<std::uint64_t>(message.device) << sequence_bits) |
         (message.sequence & ((1ull << sequence_bits) - 1));
}

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

// Called by the publisher's thread for each acknowledgement.
class Acknowledgements {
 public:
  Acknowledgements(const Fleet& fleet, std::FILE* log) : fleet_(fleet), log_(log) {}

  void operator()(std::uint64_t token) {
    if (log_ != nullptr) write(token);
    if (acknowledged_.fetch_add(1) + 1 >= wanted_.load()) {
      const std::lock_guard lock(mutex_);
      changed_.notify_one();
    }
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return acknowledged_.load(); }

  // Waits until `count` are acknowledged, at most `timeout_ns`.
  bool wait(std::uint64_t count, std::int64_t timeout_ns) {
    std::unique_lock lock(mutex_);
    wanted_ = count;
    const bool reached = changed_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                                           [&] { return acknowledged_.load() >= count; });
    wanted_ = UINT64_MAX;
    return reached;
  }

 private:
  void write(std::uint64_t token) {
    const auto kind = static_cast<MessageKind>(token >> (sequence_bits + device_bits));
    const auto index = (token >> sequence_bits) & ((1ull << device_bits) - 1);
    const auto sequence = token & ((1ull << sequence_bits) - 1);
    const auto& device = fleet_.devices()[index];
    std::array<char, 24> number;
    const auto end = std::to_chars(number.data(), number.data() + number.size(), sequence).ptr;
    line_ = kind == MessageKind::heartbeat ? device.status_topic() : device.topic();
    line_.append("\t").append(number.data(), end).append("\t");
    line_.append(to_string(kind)).append("\n");
    std::fwrite(line_.data(), 1, line_.size(), log_);
  }

  const Fleet& fleet_;
  std::FILE* log_;
  std::string line_;
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> wanted_{UINT64_MAX};
  std::mutex mutex_;
  std::condition_variable changed_;
};

std::uint64_t total(const FleetCounts& counts) noexcept {
  return counts.readings + counts.heartbeats + counts.bad_payloads + counts.duplicates;
}

std::uint64_t faults(const FleetCounts& counts) noexcept {
  return counts.bad_payloads + counts.duplicates + counts.gaps + counts.resets +
         counts.wrong_clocks + counts.bursts;
}

using Number = unsigned long long;

void print_summary(const FleetCounts& counts, std::uint64_t acknowledged, std::uint64_t refused,
                   double seconds, bool json) {
  const std::array<std::pair<const char*, std::uint64_t>, 13> lines{{
      {"sent", total(counts)},
      {"acknowledged", acknowledged},
      {"refused", refused},
      {"unacknowledged", total(counts) - acknowledged - refused},
      {"readings", counts.readings},
      {"heartbeats", counts.heartbeats},
      {"bad_payloads", counts.bad_payloads},
      {"duplicates", counts.duplicates},
      {"gaps", counts.gaps},
      {"gap_messages", counts.gap_messages},
      {"resets", counts.resets},
      {"wrong_clocks", counts.wrong_clocks},
      {"bursts", counts.bursts},
  }};
  if (json)
    std::printf("{\"seconds\":%.3f", seconds);
  else
    std::printf("summary after %.1f s\n", seconds);
  for (const auto& [name, value] : lines)
    std::printf(json ? ",\"%s\":%llu" : "  %-15s %12llu\n", name, static_cast<Number>(value));
  if (json) std::printf("}\n");
  std::fflush(stdout);
}

class Runner {
 public:
  Runner(const RunOptions& options, Environment environment, const std::atomic<bool>& stop,
         std::FILE* log)
      : options_(options),
        clock_(environment.clock),
        stop_(stop),
        log_(log),
        fleet_(options.fleet),
        acknowledgements_(fleet_, log) {}

  Result<int> run(Environment environment) {
    auto publisher = MqttPublisher::connect(
        options_.mqtt, environment, [this](std::uint64_t token) { acknowledgements_(token); });
    if (!publisher) return publisher.error();
    publisher_ = publisher->get();
    started_at_ = status_at_ = paced_from_ = clock_.monotonic();
    auto published = publish_all();
    if (!published) return published.error();
    drain();
    refused_ = publisher_->refused();
    publisher->reset();  // no acknowledgement comes after this
    if (options_.status_lines) print_status(clock_.monotonic());
    print_summary(fleet_.counts(), acknowledgements_.count(), refused_, seconds(clock_.monotonic()),
                  options_.json);
    return acknowledgements_.count() < total(fleet_.counts()) ? 1 : 0;
  }

 private:
  [[nodiscard]] double seconds(std::int64_t now) const noexcept {
    return static_cast<double>(now - started_at_) / static_cast<double>(ns_per_s);
  }

  Result<void> publish_all() {
    Outgoing message;
    while (!stop_.load(std::memory_order_relaxed)) {
      const auto now = clock_.monotonic();
      if (options_.duration_ns != 0 && now - started_at_ >= options_.duration_ns) break;
      print_status_when_due(now);
      if (!has_room() || !is_due(now)) continue;
      if (!fleet_.next(clock_.now(), message)) break;
      if (message.paced) ++paced_;
      auto published = publish(message);
      if (!published) return published;
    }
    return {};
  }

  // What the fleet has counted must go out, also when a signal comes in between: it is tried for as
  // long as the end may wait.
  Result<void> publish(const Outgoing& message) {
    while (true) {
      auto published = publisher_->publish(message.topic, message.payload, options_.qos,
                                           options_.retained, token_of(message));
      if (published || published.error().code != Errc::deadline_exceeded) return published;
      if (stop_.load(std::memory_order_relaxed) && clock_.monotonic() >= drain_until()) return {};
    }
  }

  // The end of the wait for acknowledgements; it begins with the first call.
  std::int64_t drain_until() {
    if (drain_until_ == 0) drain_until_ = clock_.monotonic() + options_.drain_ns;
    return drain_until_;
  }

  // Waits a little when the window is closed. What the broker refused is not under way any more.
  bool has_room() {
    const auto sent = total(fleet_.counts()) - publisher_->refused();
    if (sent - acknowledgements_.count() < options_.in_flight_max) return true;
    const auto room = std::max(options_.in_flight_max / 4, 1u);  // not one wake-up per PUBACK
    return acknowledgements_.wait(sent - options_.in_flight_max + room, poll_ns);
  }

  // Waits a little when it is too early for the next message.
  bool is_due(std::int64_t now) {
    if (options_.rate_per_s <= 0) return true;
    const auto due = paced_from_ + static_cast<std::int64_t>(static_cast<double>(paced_) /
                                                             options_.rate_per_s * 1e9);
    if (due > now) {
      const auto pause = std::clamp<std::int64_t>(due - now, 1'000, poll_ns);
      (void)acknowledgements_.wait(UINT64_MAX, pause);
      return false;
    }
    if (now - due > ns_per_s) {  // held up: go on from here instead of racing to catch up
      paced_from_ = now;
      paced_ = 0;
    }
    return true;
  }

  void drain() {
    while (clock_.monotonic() < drain_until()) {
      if (acknowledgements_.wait(total(fleet_.counts()) - publisher_->refused(), poll_ns)) return;
      print_status_when_due(clock_.monotonic());
    }
  }

  void print_status_when_due(std::int64_t now) {
    if (now - status_at_ < ns_per_s) return;
    if (options_.status_lines) print_status(now);
    status_at_ = now;
    status_sent_ = total(fleet_.counts());
    if (log_ != nullptr) std::fflush(log_);
  }

  void print_status(std::int64_t now) const {
    const auto sent = total(fleet_.counts());
    const auto passed = static_cast<double>(now - status_at_) / static_cast<double>(ns_per_s);
    const double rate = passed > 0 ? static_cast<double>(sent - status_sent_) / passed : 0;
    const auto acknowledged = acknowledgements_.count();
    std::printf("%6.0f s  %8.0f msg/s  sent %llu  acknowledged %llu  in flight %llu  faults %llu\n",
                seconds(now), rate, static_cast<Number>(sent), static_cast<Number>(acknowledged),
                static_cast<Number>(sent - acknowledged),
                static_cast<Number>(faults(fleet_.counts())));
    std::fflush(stdout);
  }

  const RunOptions& options_;
  Clock& clock_;
  const std::atomic<bool>& stop_;
  std::FILE* log_;
  Fleet fleet_;
  Acknowledgements acknowledgements_;
  std::int64_t started_at_ = 0, status_at_ = 0, paced_from_ = 0;  // monotonic ns
  std::int64_t drain_until_ = 0;  // monotonic ns; 0 = not ending yet
  MqttPublisher* publisher_ = nullptr;
  std::uint64_t refused_ = 0;
  std::uint64_t paced_ = 0;        // since paced_from_
  std::uint64_t status_sent_ = 0;  // at status_at_
};

}  // namespace

Result<int> run(const RunOptions& options, Environment environment, const std::atomic<bool>& stop) {
  std::unique_ptr<std::FILE, CloseFile> log;
  if (!options.acked_log.empty()) {
    log.reset(std::fopen(options.acked_log.c_str(), "w"));
    if (!log)
      return Error{errno == EACCES ? Errc::permission_denied : Errc::not_found,
                   "cannot write the acked log '" + options.acked_log + "': " + errno_text(errno) +
                       "; give --acked-log a file in a writable folder"};
  }
  return Runner(options, environment, stop, log.get()).run(environment);
}

}  // namespace telemetry::simulator
