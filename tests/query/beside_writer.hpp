// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "query/random_questions.hpp"

namespace telemetry::test {

/// Stores rows while others ask, for as long as this lives: it opens tables, closes them, and makes
/// rows behind the time of every question.
class BesideWriter {
 public:
  explicit BesideWriter(RandomQuestions& rig) : rig_(rig) {
    rig.last_time = rig.rows.back()->row.time + 1;
    thread_ = std::thread([this, id = rig.rows.back()->row.id + 1'000'000] { write(id); });
  }
  ~BesideWriter() { (void)stop(); }
  BesideWriter(const BesideWriter&) = delete;
  BesideWriter& operator=(const BesideWriter&) = delete;

  /// @returns how many rows it has stored.
  std::uint64_t stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return written_;
  }

 private:
  void write(std::uint64_t id) {  // Catch's macros are for one thread
    auto next = std::chrono::steady_clock::now();
    const auto schema = temperature_schema();
    std::vector<core::Value> values(schema->slots().size());
    values.front() = core::Value::decimal({205, -1});
    while (!stop_) {
      BatchBuilder builder(id);
      for (int i = 0; i < 1000; ++i) {
        Reading& reading =
            builder.add_values(fmt::format("sensors/s{}/temperature", i % 50), schema, values);
        reading.time = *rig_.last_time + static_cast<std::int64_t>(++id);
      }
      const std::vector<BatchPtr> batches{builder.done()};
      const auto report =
          rig_.f.store->write(rig_.f.journal, batches, [](auto) { return Result<void>(); });
      if (!report) break;
      written_ += report->accepted;
      next += std::chrono::milliseconds(80);  // 12,500 a second, if the machine can
      std::this_thread::sleep_until(next);
    }
  }

  RandomQuestions& rig_;
  std::atomic<bool> stop_ = false;
  std::uint64_t written_ = 0;  // by the thread, until it has ended
  std::thread thread_;
};

}  // namespace telemetry::test
