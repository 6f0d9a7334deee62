// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ingest/batch_pool.hpp"
#include "telemetry/journal.hpp"
#include "telemetry/schema.hpp"

namespace telemetry {

/// Makes batches from the journal for a consumer that memory cannot serve: reads on from where the
/// last batch ended, decodes with the schemas that the segments carry.
/// Thread: one.
class JournalBatches {
 public:
  JournalBatches(Journal& journal, const Environment& environment)
      : journal_(journal), environment_(environment) {}

  struct Limits {
    std::size_t rows_max;
    std::size_t bytes_max;
  };
  /// What follows `after`, up to the limits; null when nothing does.
  /// Errors: what the journal's files say.
  [[nodiscard]] Result<BatchPtr> next(std::uint64_t after, const Limits& limits);
  /// Messages of the last batch's range that are gone for good.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }
  /// Closes the segment file and frees memory; next() takes them again.
  void rest() noexcept {
    reader_.reset();
    pool_->clear();
  }

 private:
  using Schemas = std::vector<std::shared_ptr<const Schema>>;
  void learn(const core::FrameView& frame);
  [[nodiscard]] std::optional<Deletion> deletion_of(const core::FrameView& frame);
  [[nodiscard]] const Schema* find(std::uint64_t id);

  Journal& journal_;
  const Environment& environment_;
  const std::shared_ptr<BatchPool> pool_ = std::make_shared<BatchPool>(256 * 1024);
  std::unique_ptr<Journal::Reader> reader_;
  std::uint64_t missing_ = 0;  // of reader_, when the last batch ended
  std::uint64_t lost_ = 0;
  std::map<std::uint64_t, std::shared_ptr<const Schema>> schemas_;
  std::shared_ptr<const Schemas> keep_;  // the same, for batches to hold on to
  bool unknown_said_ = false;
};

}  // namespace telemetry
