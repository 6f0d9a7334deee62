// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
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
  std::uint64_t deleted = 0;  ///< rows, of a deletion
};

/// A reading that no retry can help, and why.
struct Rejected {
  const Reading* reading = nullptr;
  std::string reason;
};
/// Takes what a sink rejects for good. When it returns, that is kept among the dead letters with
/// its reason (without dead letters it is counted and logged only); after an error the sink must
/// not go past these readings.
using OnRejected = std::function<Result<void>(std::span<const Rejected>)>;

/// What a consumer knows of its sink before it is open. The same for as long as the sink lives.
struct SinkTraits {
  enum class Start : std::uint8_t {
    oldest,  ///< with all that the journal holds
    newest,  ///< with what comes after its consumer was made
  };
  /// It commits its position with the data: exactly once. Without, the journal keeps the cursor: at
  /// least once.
  bool transactional = false;
  Start start = Start::oldest;  ///< where it begins when neither sink nor journal knows a position
  /// What it has not taken stays in the journal. Without, the journal lets go of it, counted
  /// `lost`.
  bool keeps_journal = true;
  bool takes_living = true;  ///< it is given readings that are valid or unmatched
  bool takes_dead = false;   ///< it is given readings with a dead verdict
  /// Limits of one write in the place of ConsumerOptions; 0 = those.
  std::size_t batch_rows_max = 0;
  std::size_t batch_bytes_max = 0;
  std::int64_t batch_age_ns = 0;
  std::int64_t flush_idle_ns = 0;  ///< of ConsumerOptions, too
};

/// A consumer's far end. Used by one thread at a time: first by the one that makes the pipeline,
/// then by the consumer's own. What a function that returns a Result throws counts as
/// Errc::internal.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Names the sink in logs and metrics, and its cursor's file: 1 to 64 of a-z A-Z 0-9 _ . -, the
  /// first a letter or digit, and without .tmp or .hint at the end. Each sink of a pipeline has its
  /// own.
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual SinkTraits traits() const { return {}; }
  /// For a store whose row ids are journal sequences without a journal's name: the highest that it
  /// may hold. A new journal starts above it. Asked once, before the journal and the sink are open.
  /// Errors: retryable ones mean that it is away for now; others end the start.
  [[nodiscard]] virtual Result<std::uint64_t> sequence_floor() { return std::uint64_t{0}; }

  /// Opens for writing. Called before everything below, and again, after close(), whenever one of
  /// them has failed.
  [[nodiscard]] virtual Result<void> open() = 0;
  /// Of a transactional sink, after open(): the position that it committed last, in this journal or
  /// in the one before; nothing when it is new.
  [[nodiscard]] virtual Result<std::optional<Position>> position(const JournalId& journal) {
    (void)journal;
    return std::optional<Position>();
  }
  /// Writes all readings of these batches, whose (after, last] ranges adjoin, and the position
  /// {journal, batches.back()->last}, in one transaction where there is one. A transactional sink
  /// skips readings whose id it has. All of them are such as traits() ask for.
  /// A batch with a deletion comes alone. A store deletes what it covers of the ids below its
  /// sequence, and keeps it, to leave out what comes back; other sinks pass over it.
  /// @param on_rejected is to be called at most once, before a commit, with what no retry can help;
  ///        its error is the write's.
  /// Errors: all are retried for ever with back-off, after open(). A transactional sink has written
  /// nothing then, or all of it; to another everything after its last durable position comes again.
  [[nodiscard]] virtual Result<WriteReport> write(const JournalId& journal,
                                                  std::span<const BatchPtr> batches,
                                                  const OnRejected& on_rejected) = 0;
  /// Called whenever nothing came for a while, before stop, and after position(): makes what was
  /// written durable.
  /// @returns the durable sequence: that of the last report, where nothing was left to do.
  [[nodiscard]] virtual Result<std::uint64_t> flush() = 0;
  virtual void close() noexcept = 0;
};

/// Errors: invalid_argument  this cannot be a sink's name().
[[nodiscard]] Result<void> check_sink_name(std::string_view name);

/// A sink that calls a function for each reading, in order. When it returns an error, all readings
/// of the write come again, also those that it took: at least once. An exception that leaves it is
/// an error like any other.
[[nodiscard]] std::unique_ptr<Sink> make_function_sink(
    std::string name, std::function<Result<void>(const Reading&)> take, SinkTraits traits = {});

}  // namespace telemetry
