// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "telemetry/consumer.hpp"

namespace telemetry {
namespace {

/// What a batch really holds, used or not: a batch of one small message is not free.
std::size_t bytes_of(const Batch& batch) noexcept {
  return batch.arena.capacity() + batch.readings.capacity() * sizeof(Reading) + sizeof(Batch);
}

}  // namespace

void Feed::publish(BatchPtr batch) {
  const std::lock_guard lock(mutex_);
  last_ = batch->last;
  bytes_ += bytes_of(*batch);
  batches_.push_back(std::move(batch));
  while (bytes_ > bytes_max_ && !batches_.empty()) {
    bytes_ -= bytes_of(*batches_.front());
    batches_.pop_front();
  }
  if (last_ > wake_above_) {
    wake_above_ = UINT64_MAX;
    changed_.notify_all();
  }
}

BatchPtr Feed::after(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
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
