// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "telemetry/error.hpp"
#include "telemetry/message.hpp"

namespace telemetry {

using JournalId = std::array<std::uint8_t, 16>;

/// How far a consumer has come in which journal.
struct Position {
  JournalId journal{};
  std::uint64_t sequence = 0;  ///< everything up to and including this is done
};

/// What became of the readings of one write.
struct WriteReport {
  std::uint64_t accepted = 0;
  /// Everything up to here survives a power cut. With a store that commits lazily it may lag behind
  /// what was written; the journal keeps the difference.
  std::uint64_t durable = 0;
};

/// Takes a reading that a sink rejects for good, with the reason. When it returns, that is kept
/// among the dead letters; after an error the sink must not go past the reading.
using OnRejected = std::function<Result<void>(const Reading&, const std::string& reason)>;

/// A consumer's far end. Used by one thread.
class Sink {
 public:
  virtual ~Sink() = default;
  [[nodiscard]] virtual std::string name() const = 0;

  /// Opens for writing. Called once before all else, and again after a failed write.
  [[nodiscard]] virtual Result<void> open() = 0;
  /// The position committed together with the data, for a transactional sink; nothing when it has
  /// none of its own, the journal keeps the cursor then (at least once).
  [[nodiscard]] virtual Result<std::optional<Position>> position() = 0;
  /// Writes all readings of these batches, whose (after, last] ranges adjoin, and the position
  /// {journal, batches.back()->last}, in one transaction where there is one. Readings whose id is
  /// already stored are skipped. Dead readings are the caller's to leave out: a sink skips them
  /// unless it is made for them.
  /// @param on_rejected is called for each reading that no retry can help, before a commit; its
  ///        error is the write's.
  /// Errors: retryable ones are retried for ever with back-off; nothing was written then.
  [[nodiscard]] virtual Result<WriteReport> write(const JournalId& journal,
                                                  std::span<const BatchPtr> batches,
                                                  const OnRejected& on_rejected) = 0;
  /// Called when nothing came for a while and before stop: makes what was written durable.
  /// @returns the durable sequence.
  [[nodiscard]] virtual Result<std::uint64_t> flush() = 0;
  virtual void close() noexcept = 0;
};

}  // namespace telemetry
