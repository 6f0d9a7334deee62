// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "telemetry/sink.hpp"

namespace telemetry::testing {

/// What a far end holds: it outlives the sinks that write to it, as a database outlives a process.
class FarEnd {
 public:
  enum class Fault : std::uint8_t {
    none,
    refuse,       ///< nothing is written, retryable
    refuse_late,  ///< the same, when what is rejected is kept already
    lost_answer,  ///< everything is committed, and an error comes back
    throws,
  };
  struct Plan {
    int open_failures = 0;                  ///< the next so many open() fail
    std::vector<Fault> writes = {};         ///< of the next writes, in order
    std::set<std::uint64_t> rejected = {};  ///< ids that are refused for good
    SinkTraits traits = {.transactional = true};
    std::uint64_t durable_lag = 0;  ///< durable stays so far behind until flush()
  };

  void set_plan(Plan plan) {
    const std::lock_guard lock(mutex_);
    plan_ = std::move(plan);
  }
  [[nodiscard]] std::vector<std::string> payloads() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [id, payload] : rows_) all.push_back(payload);
    return all;
  }
  [[nodiscard]] std::size_t rows() const {
    const std::lock_guard lock(mutex_);
    return rows_.size();
  }
  [[nodiscard]] std::size_t repeated() const {
    const std::lock_guard lock(mutex_);
    return repeated_;
  }
  [[nodiscard]] std::vector<std::size_t> write_sizes() const {
    const std::lock_guard lock(mutex_);
    return write_sizes_;
  }
  [[nodiscard]] std::optional<Position> position() const {
    const std::lock_guard lock(mutex_);
    return position_;
  }
  void set_position(std::optional<Position> position) {
    const std::lock_guard lock(mutex_);
    position_ = position;
  }
  /// "FIRST FILTER: ROWS", of each deletion that came alone: rows that were there.
  [[nodiscard]] std::vector<std::string> deletions() const {
    const std::lock_guard lock(mutex_);
    return deletions_;
  }
  [[nodiscard]] int flushes() const {
    const std::lock_guard lock(mutex_);
    return flushes_;
  }
  /// Waits until `rows` rows are there; false after 20 s.
  [[nodiscard]] bool wait_for_rows(std::size_t rows) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return rows_.size() >= rows; });
  }
  [[nodiscard]] bool wait_for_flush() { return wait_for_flushes(1); }
  [[nodiscard]] bool wait_for_flushes(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return flushes_ >= count; });
  }

 private:
  friend class ScriptedSink;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Plan plan_;
  std::map<std::uint64_t, std::string> rows_;
  std::size_t repeated_ = 0;  // rows that were written although they were there
  std::vector<std::size_t> write_sizes_;
  std::vector<std::string> deletions_;
  std::optional<Position> position_;
  int flushes_ = 0;
};

class ScriptedSink final : public Sink {
 public:
  explicit ScriptedSink(FarEnd& far_end, std::string name = "scripted")
      : far_end_(far_end), name_(std::move(name)) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] Result<void> open() override {
    const std::lock_guard lock(far_end_.mutex_);
    if (far_end_.plan_.open_failures > 0) {
      --far_end_.plan_.open_failures;
      return Error{Errc::unavailable, name_ + ": not there yet"};
    }
    open_ = true;
    return {};
  }
  [[nodiscard]] SinkTraits traits() const override {
    const std::lock_guard lock(far_end_.mutex_);
    return far_end_.plan_.traits;
  }
  [[nodiscard]] Result<std::uint64_t> sequence_floor() override {
    if (auto opened = open(); !opened) return std::move(opened).error();
    close();
    const auto position = far_end_.position();
    return position ? position->sequence : 0;
  }
  [[nodiscard]] Result<std::optional<Position>> position(const JournalId&) override {
    return far_end_.position();
  }
  [[nodiscard]] Result<WriteReport> write(const JournalId& journal,
                                          std::span<const BatchPtr> batches,
                                          const OnRejected& on_rejected) override {
    const std::lock_guard lock(far_end_.mutex_);
    if (!open_) return Error{Errc::internal, "written while closed"};
    auto fault = FarEnd::Fault::none;
    if (!far_end_.plan_.writes.empty()) {
      fault = far_end_.plan_.writes.front();
      far_end_.plan_.writes.erase(far_end_.plan_.writes.begin());
    }
    if (fault == FarEnd::Fault::refuse) return Error{Errc::unavailable, name_ + ": busy"};
    if (fault == FarEnd::Fault::throws) throw std::runtime_error("sink threw");
    std::vector<Rejected> rejected;
    for (const BatchPtr& batch : batches) {
      for (const Reading& reading : batch->readings) {
        if (far_end_.plan_.rejected.contains(reading.id)) rejected.push_back({&reading, "too odd"});
      }
    }
    if (!rejected.empty()) {
      if (auto kept = on_rejected(rejected); !kept) return std::move(kept).error();
    }
    if (fault == FarEnd::Fault::refuse_late) return Error{Errc::unavailable, name_ + ": busy"};
    WriteReport report = take(batches);
    far_end_.position_ = Position{journal, batches.back()->last};
    const std::uint64_t last = batches.back()->last;
    durable_ = std::max(durable_, last - std::min(last, far_end_.plan_.durable_lag));
    report.durable = durable_;
    far_end_.changed_.notify_all();
    if (fault == FarEnd::Fault::lost_answer) return Error{Errc::unavailable, "connection lost"};
    return report;
  }
  [[nodiscard]] Result<std::uint64_t> flush() override {
    const std::lock_guard lock(far_end_.mutex_);
    ++far_end_.flushes_;
    far_end_.changed_.notify_all();
    return far_end_.position_ ? far_end_.position_->sequence : 0;
  }
  void close() noexcept override { open_ = false; }

 private:
  WriteReport take(std::span<const BatchPtr> batches) {
    WriteReport report;
    std::size_t rows = 0;
    for (const BatchPtr& batch : batches) {
      for (const Reading& reading : batch->readings) {
        ++rows;
        if (far_end_.plan_.rejected.contains(reading.id)) continue;
        ++report.accepted;
        if (!far_end_.rows_.emplace(reading.id, std::string(reading.payload)).second) {
          ++far_end_.repeated_;
        }
      }
    }
    far_end_.write_sizes_.push_back(rows);
    const auto& deletion = batches.front()->deletion;
    if (deletion && batches.size() == 1 && rows == 0) {
      report.deleted = far_end_.rows_.size();
      far_end_.deletions_.push_back(deletion->topics.front() + ": " +
                                    std::to_string(far_end_.rows_.size()));
    }
    return report;
  }

  FarEnd& far_end_;
  std::string name_;
  bool open_ = false;
  std::uint64_t durable_ = 0;
};

}  // namespace telemetry::testing
