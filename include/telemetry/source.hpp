// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "telemetry/error.hpp"
#include "telemetry/message.hpp"

namespace telemetry {

/// What became of one message that was handed to Door::add().
struct Outcome {
  enum class Kind : std::uint8_t {
    stored,            ///< in the journal, under `id`
    duplicate,         ///< came before
    retained_skipped,  ///< a retained message that is stored already
    retained_ignored,  ///< a retained message, with RetainedPolicy::ignore
    refused,           ///< no topic name, or too large a payload
    dropped,           ///< a topic without schema, with `schema.unmatched: drop`
    still_dead,        ///< a replayed dead letter that no store would take now, either
  };
  Kind kind = Kind::stored;
  std::uint64_t id = 0;  ///< journal sequence; 0 unless stored
  Verdict verdict = Verdict::valid;
  std::vector<std::string> problems = {};  ///< of an invalid message: its first 16 broken rules
};

/// Where a source puts messages. One per source; used by that source's thread only.
///
/// Life of a message: add() judges it and keeps a copy in the open batch; commit() appends the
/// batch to the journal and returns once it is on stable storage. Only then may the source
/// acknowledge.
class Door {
 public:
  virtual ~Door() = default;

  /// Makes room for about `bytes` more in the journal before anything is read from the wire; for no
  /// more than a batch may have.
  /// Errors: resource_exhausted  the journal is full and may not drop; unavailable  the disk fails.
  [[nodiscard]] virtual Result<void> reserve(std::size_t bytes) = 0;
  /// Judges the message and adds it to the open batch. Never refuses: what cannot be used is
  /// counted.
  virtual void add(const Message& message) = 0;
  /// Bytes and age that a source compares with its limits to close a batch.
  [[nodiscard]] virtual std::size_t open_bytes() const noexcept = 0;
  [[nodiscard]] virtual std::size_t open_messages() const noexcept = 0;
  /// The open batch is full (sync_bytes or buffer.size reached, or sync_interval_ms old).
  [[nodiscard]] virtual bool should_commit() const noexcept = 0;
  /// Makes the open batch durable. On error none of its messages ever happened: the source must not
  /// acknowledge any of them.
  /// @param outcomes receives, when it is given and nothing failed, one for each add() since the
  ///        last commit() or abort(), in order.
  [[nodiscard]] virtual Result<void> commit(std::vector<Outcome>* outcomes = nullptr) = 0;
  /// Forgets the open batch, as a failed commit() does.
  virtual void abort() noexcept = 0;
  /// Most messages that the source may have taken, stored or not, and not acknowledged: so many are
  /// recognised when its peer sends them again, also after a restart.
  [[nodiscard]] virtual std::size_t unacknowledged_max() const noexcept { return SIZE_MAX; }
};

/// What a source knows of its peer; all zero for a source without one.
struct SourceStats {
  std::uint64_t connects = 0;
  std::uint64_t disconnects = 0;
  std::uint64_t subscriptions = 0;      ///< filters subscribed now
  std::uint64_t dropped_by_broker = 0;  ///< by the peer from queues of all its clients, as it tells
  std::uint64_t sessions_lost = 0;      ///< times the peer had forgotten us and what it kept for us
  bool connected = false;
};

/// A way in. run() belongs to one thread, which reads, adds, commits and then acknowledges.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Works until `stop` is requested, over every failure of its peer, and returns in order: what
  /// was read is committed and acknowledged first. Returns an error only when it can never work.
  [[nodiscard]] virtual Result<void> run(Door& door, std::stop_token stop) = 0;
  /// True once it is connected and subscribed for the first time. Thread: any.
  [[nodiscard]] virtual bool is_ready() const noexcept = 0;
  /// Thread: any.
  [[nodiscard]] virtual SourceStats stats() const { return {}; }
};

}  // namespace telemetry
