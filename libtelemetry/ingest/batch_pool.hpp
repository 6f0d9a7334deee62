// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "telemetry/message.hpp"

namespace telemetry {

/// Batches that are used again, so that a warm door takes no memory per message. A batch comes back
/// by itself when its last owner lets go of it, from any thread, also after the pool is gone.
class BatchPool : public std::enable_shared_from_this<BatchPool> {
 public:
  /// @param block_bytes of the batches' arenas.
  explicit BatchPool(std::size_t block_bytes) noexcept : block_bytes_(block_bytes) {}

  [[nodiscard]] std::shared_ptr<Batch> take() {
    std::unique_ptr<Batch> batch;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        batch = std::move(free_.back());
        free_.pop_back();
        free_bytes_ -= bytes_of(*batch);
      }
    }
    if (!batch) {
      batch = std::make_unique<Batch>();
      batch->arena = Arena(block_bytes_);
    }
    return {batch.release(), [pool = weak_from_this()](Batch* done) {
              std::unique_ptr<Batch> owned(done);
              if (const auto alive = pool.lock()) alive->give_back(std::move(owned));
            }};
  }

  /// Frees the batches that wait here.
  void clear() noexcept {
    const std::lock_guard lock(mutex_);
    free_.clear();
    free_bytes_ = 0;
  }

 private:
  // One batch is kept however large it is.
  static constexpr std::size_t free_bytes_max = 2 * 1024 * 1024;

  static std::size_t bytes_of(const Batch& batch) noexcept {
    return batch.arena.capacity() + batch.readings.capacity() * sizeof(Reading);
  }

  void give_back(std::unique_ptr<Batch> batch) {
    const std::size_t bytes = bytes_of(*batch);
    batch->clear();
    const std::lock_guard lock(mutex_);
    if (!free_.empty() && free_bytes_ + bytes > free_bytes_max) return;
    free_bytes_ += bytes;
    free_.push_back(std::move(batch));
  }

  const std::size_t block_bytes_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Batch>> free_;
  std::size_t free_bytes_ = 0;
};

}  // namespace telemetry
