// SPDX-License-Identifier: Apache-2.0
#include "pipeline/retainer.hpp"

#include <fmt/format.h>

#include <chrono>

#include "telemetry/dead_letter.hpp"

// The schedule puts a deletion into the journal once: a store that is away has rows that are old
// until it is back, and a device whose clock stands sends some every minute. The next day has
// another deletion.

namespace telemetry {
namespace {

constexpr std::string_view component = "retention";
/// How long the schedule waits for the stores, so that other deletions have their turn.
constexpr std::int64_t patience_ns = 60'000'000'000;
constexpr std::int64_t letters_timeout_ns = 1'000'000'000;

}  // namespace

Retainer::Retainer(Pipeline& pipeline, std::shared_ptr<Store> store, RetentionOptions options,
                   Environment environment, OnRetained on_retained)
    : pipeline_(pipeline),
      store_(std::move(store)),
      environment_(std::move(environment)),
      on_retained_(std::move(on_retained)),
      options_(std::move(options)) {}

void Retainer::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    is_new_ = false;
    const RetentionOptions options = options_;
    const auto changed = [this] { return is_new_; };
    if (!options.enabled || options.every_ns <= 0) {
      changed_.wait(lock, stop, changed);
      continue;
    }
    lock.unlock();
    run_once(options, stop);
    lock.lock();
    changed_.wait_for(lock, stop, std::chrono::nanoseconds(options.every_ns), changed);
  }
}

void Retainer::set(RetentionOptions options) {
  const std::lock_guard lock(mutex_);
  if (options == options_) return;
  options_ = std::move(options);
  is_new_ = true;
  changed_.notify_all();
}

Result<RetentionReport> Retainer::find(const RetentionOptions& options) const {
  if (store_ == nullptr) {
    return Error{Errc::failed_precondition,
                 "no store that answers queries is configured: none can delete by age"};
  }
  const DeadLetterSink* const letters = pipeline_.dead_letters();
  return find_due(options, *store_, letters == nullptr ? "" : letters->path(), environment_, false);
}

Result<RetentionReport> Retainer::retain(const DeletionProgress& progress) {
  RetentionOptions options;
  {
    const std::lock_guard lock(mutex_);
    options = options_;
  }
  if (!options.enabled) {
    return Error{Errc::failed_precondition, "retention.enabled is false: nothing goes by age"};
  }
  auto report = find(options);
  if (!report) return report;
  for (RetentionStep& step : report->rules) erase(step, progress);
  if (report->dead_letters) drop_letters(*report->dead_letters);
  return report;
}

void Retainer::run_once(const RetentionOptions& options, const std::stop_token& stop) {
  auto report = find(options);
  if (!report) {
    environment_.log(LogLevel::warn, component, to_string(report.error()));
    return;
  }
  std::set<std::string> asked;
  bool deleted = false;
  for (RetentionStep& step : report->rules) {
    const std::string deletion = to_json(step.deletion);
    if (asked_.contains(deletion)) {
      asked.insert(deletion);
      step.rows = 0;
      continue;
    }
    const std::int64_t begin = environment_.clock.monotonic();
    erase(step, [&](const std::string&) {
      return !stop.stop_requested() && environment_.clock.monotonic() - begin < patience_ns;
    });
    if (step.sequence != 0) asked.insert(deletion);
    deleted = deleted || step.sequence != 0;
    say(step, "rows");
  }
  asked_ = std::move(asked);
  if (report->dead_letters) {
    drop_letters(*report->dead_letters);
    deleted = deleted || report->dead_letters->rows > 0;
    say(*report->dead_letters, "dead letters");
  }
  if (deleted && on_retained_) on_retained_(*report);
}

void Retainer::erase(RetentionStep& step, const DeletionProgress& progress) {
  if (std::exchange(step.rows, 0) == 0 || !step.held_back.empty()) return;
  const auto done = pipeline_.erase(Principal::local(), step.deletion, progress);
  if (!done) {
    step.held_back = to_string(done.error());
    return;
  }
  step.sequence = done->sequence;
  step.rows = done->deleted;
  step.done = done->done;
}

void Retainer::drop_letters(RetentionStep& step) {
  if (std::exchange(step.rows, 0) == 0 || !step.held_back.empty()) return;
  DeadLetterSink& letters = *pipeline_.dead_letters();
  // Never waits: a replay may last until the journal has room, which this thread must not delay.
  const std::unique_lock lock(letters.handling(), std::try_to_lock);
  if (!lock.owns_lock()) {
    step.held_back = "a replay or drop is under way";
    return;
  }
  LetterSelection old;
  old.until = step.deletion.until;
  Result<std::uint64_t> dropped = letters.durable_end(letters_timeout_ns);
  if (dropped) dropped = telemetry::drop_letters(pipeline_.ingest(), letters, old, environment_);
  if (!dropped) {
    step.held_back = to_string(dropped.error());
    return;
  }
  step.rows = *dropped;
}

void Retainer::say(const RetentionStep& step, std::string_view what) const {
  if (!step.held_back.empty()) {
    environment_.log(
        LogLevel::warn, component,
        fmt::format("{} of more than {} days stay: {}", what, step.days, step.held_back));
  } else if (step.sequence != 0 || step.rows > 0) {
    environment_.log(LogLevel::info, component,
                     fmt::format("{} {} of more than {} days deleted{}", step.rows, what, step.days,
                                 step.done ? "" : "; a store does it later"));
  }
}

}  // namespace telemetry
