// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "telemetry/consumer.hpp"

namespace telemetry {

void Feed::publish(BatchPtr batch) {
  const std::lock_guard lock(mutex_);
  last_ = batch->last;
  bytes_ += batch->bytes_held();
  batches_.push_back(std::move(batch));
  let_go();
  if (last_ > wake_above_) {
    wake_above_ = UINT64_MAX;
    changed_.notify_all();
  }
}

void Feed::let_go() {
  const std::uint64_t taken = taken_.empty() ? 0 : *std::ranges::min_element(taken_);
  while (!batches_.empty() && (batches_.front()->last <= taken || bytes_ > bytes_max_)) {
    bytes_ -= batches_.front()->bytes_held();
    batches_.pop_front();
  }
}

std::size_t Feed::join() {
  const std::lock_guard lock(mutex_);
  taken_.push_back(0);
  return taken_.size() - 1;
}

BatchPtr Feed::after(std::size_t reader, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  taken_[reader] = sequence;
  let_go();
  const auto at = std::upper_bound(
      batches_.begin(), batches_.end(), sequence,
      [](std::uint64_t wanted, const BatchPtr& batch) { return wanted < batch->last; });
  return at == batches_.end() || (*at)->after > sequence ? nullptr : *at;
}

std::uint64_t Feed::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void Feed::wait(std::uint64_t sequence, std::int64_t timeout_ns, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::move(stop), std::chrono::nanoseconds(timeout_ns), [&] {
    wake_above_ = std::min(wake_above_, sequence);
    return last_ > sequence;
  });
}

}  // namespace telemetry
