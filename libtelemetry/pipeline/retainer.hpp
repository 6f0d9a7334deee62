// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "telemetry/pipeline.hpp"

namespace telemetry {

/// Retention of a pipeline: by its schedule, and when it is asked for. Thread: any, but run().
class Retainer {
 public:
  Retainer(Pipeline& pipeline, std::shared_ptr<Store> store, RetentionOptions options,
           Environment environment, OnRetained on_retained);
  /// Until the stop.
  void run(const std::stop_token& stop);
  [[nodiscard]] Result<RetentionReport> retain(const DeletionProgress& progress);
  void set(RetentionOptions options);

 private:
  void run_once(const RetentionOptions& options, const std::stop_token& stop);
  [[nodiscard]] Result<RetentionReport> find(const RetentionOptions& options) const;
  void erase(RetentionStep& step, const DeletionProgress& progress);
  void drop_letters(RetentionStep& step);
  void say(const RetentionStep& step, std::string_view what) const;

  Pipeline& pipeline_;
  const std::shared_ptr<Store> store_;
  const Environment environment_;
  const OnRetained on_retained_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  RetentionOptions options_;
  bool is_new_ = true;
  std::set<std::string> asked_;  // of the schedule's thread: deletions of the last run
};

}  // namespace telemetry
