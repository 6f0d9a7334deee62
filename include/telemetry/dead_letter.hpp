// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "telemetry/journal.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

/// The sink that keeps what no store takes: messages with a dead verdict (raw bytes, what is
/// wrong, judging schema), in a journal of its own that drops its oldest when full (counted).
/// Exactly once: each frame's `reference` is the sequence of the message in the main journal.
class DeadLetterSink : public Sink {
 public:
  /// Keeps readings that another sink refused for good (at least once), and why, with one sync.
  /// Thread: any.
  [[nodiscard]] virtual Result<void> keep(std::span<const Rejected> readings) = 0;
  /// Of the journal behind it; all zero while it is closed. Thread: any.
  [[nodiscard]] virtual JournalStats stats() const = 0;
};
[[nodiscard]] std::unique_ptr<DeadLetterSink> make_dead_letter_sink(const JournalOptions& options,
                                                                    Environment environment);

}  // namespace telemetry
