// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "telemetry/journal.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/schema.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

/// The newest durable batches in memory, for consumers that have caught up. Bounded: what all
/// readers have taken goes, and the oldest when that is not enough.
/// Thread: any.
class Feed {
 public:
  explicit Feed(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}
  void publish(BatchPtr batch);
  /// A number for a new reader, who has taken nothing yet.
  [[nodiscard]] std::size_t join();
  /// The batch that holds what follows `sequence` (it may begin before); null when memory no
  /// longer, or not yet, holds it.
  /// @param reader who asks: it has taken everything up to `sequence`.
  [[nodiscard]] BatchPtr after(std::size_t reader, std::uint64_t sequence);
  /// The newest sequence that was published; 0 = none yet.
  [[nodiscard]] std::uint64_t last() const;
  /// Waits until something newer than `sequence` was published, the timeout, or stop.
  void wait(std::uint64_t sequence, std::int64_t timeout_ns, std::stop_token stop);

 private:
  void let_go();

  std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<BatchPtr> batches_;
  std::vector<std::uint64_t> taken_;  // by reader
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t wake_above_ = UINT64_MAX;  // what the least patient waiter waits for
};

struct ConsumerOptions {
  std::size_t batch_rows_max = 8192;               ///< rows of one write
  std::size_t batch_bytes_max = 16 * 1024 * 1024;  ///< memory of one write
  std::int64_t batch_age_ns = 100'000'000;         ///< a write starts at the latest this long after
                                                   ///< its first row became durable
  std::int64_t retry_min_ns = 100'000'000;
  std::int64_t retry_max_ns = 30'000'000'000;
  std::int64_t flush_idle_ns = 1'000'000'000;       ///< without new readings for so long: flush
  std::int64_t cursor_interval_ns = 5'000'000'000;  ///< between two writes of the cursor file
};

struct ConsumerStats {
  std::string name;
  std::uint64_t position = 0;  ///< written up to
  std::uint64_t durable = 0;
  std::uint64_t lag = 0;  ///< messages in the journal beyond `position`
  std::uint64_t accepted = 0, rejected = 0, retries = 0, lost = 0;
  std::uint64_t deletion = 0;  ///< sequence of the last deletion that it wrote
  std::uint64_t deleted = 0;   ///< rows that this deleted, since the last start at least
  std::uint64_t writes = 0;
  bool failing = false;
  std::string last_error;
  Histogram::Counts write;  ///< of each write that succeeded
};

/// Carries readings from the journal to one sink, for ever, in order.
class Consumer {
 public:
  /// @param on_rejected where rejected readings go, all of a write in one call; may be empty. A
  ///        write in which it fails is retried.
  Consumer(std::shared_ptr<Sink> sink, Journal& journal, Feed& feed, ConsumerOptions options,
           Environment environment, OnRejected on_rejected = {});
  ~Consumer();

  /// Opens the sink (retrying is run()'s) and finds the position to start from. Optional: run()
  /// does it when it has not been done.
  [[nodiscard]] Result<void> open();
  /// Until `stop`; then drains what is durable for at most `drain_ns`, flushes and closes.
  void run(std::stop_token stop, std::int64_t drain_ns);
  [[nodiscard]] ConsumerStats stats() const;
  [[nodiscard]] Sink& sink() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace telemetry
