// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "telemetry/sink.hpp"

/// What has come on each topic since the program started.
namespace telemetry {

struct TopicActivity {
  std::shared_ptr<const std::string> topic;
  std::shared_ptr<const std::string> device;  ///< that the topic names; null: none
  std::shared_ptr<const std::string> schema;  ///< of its newest message; null: none
  std::int64_t last_seen = 0;                 ///< ns, receipt of its newest message
  std::uint64_t messages = 0;       ///< in the journal: without duplicates, with those below
  std::uint64_t invalid = 0;        ///< became dead letters
  std::uint64_t gaps = 0;           ///< times that numbers were left out
  std::uint64_t missing = 0;        ///< numbers left out, of which some may have come late
  std::uint64_t resets = 0;         ///< times that the numbering began again
  std::uint64_t clock_trouble = 0;  ///< device times that cannot be true
  /// Over about the last minute: what came in this minute of the clock, and as much of the minute
  /// before as lies within 60 s.
  double rate_per_minute = 0;
};

struct ActivityOptions {
  /// Topics remembered, in bytes as if their names had 256 each. When there are more, the half
  /// that was silent for longest is forgotten; should they speak again, they count from 0.
  std::size_t topics_max = 100'000;
};

/// A sink of a pipeline that counts, beside sources and stores: it looks at each batch once,
/// a tenth of a second late. It begins with what comes after the pipeline was made, and keeps no
/// journal. A topic whose newest message is deleted is forgotten.
/// Thread: as a Sink; snapshot() any.
class Activity final : public Sink {
 public:
  explicit Activity(ActivityOptions options = {});
  ~Activity() override;

  [[nodiscard]] std::string name() const override { return "activity"; }
  [[nodiscard]] SinkTraits traits() const override;
  [[nodiscard]] Result<void> open() override { return {}; }
  [[nodiscard]] Result<std::optional<Position>> position(const JournalId& journal) override;
  [[nodiscard]] Result<WriteReport> write(const JournalId& journal,
                                          std::span<const BatchPtr> batches,
                                          const OnRejected& on_rejected) override;
  [[nodiscard]] Result<std::uint64_t> flush() override;
  void close() noexcept override {}

  /// All topics, in no order. @param now  ns since 1970
  [[nodiscard]] std::vector<TopicActivity> snapshot(std::int64_t now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace telemetry
