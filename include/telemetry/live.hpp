// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/environment.hpp"
#include "telemetry/journal.hpp"
#include "telemetry/query.hpp"
#include "telemetry/sink.hpp"

/// Messages as they come, for any number of readers at their own pace.
namespace telemetry {

/// Comparisons in the conditions of a selection: what each message is asked. The values of `in` are
/// one.
[[nodiscard]] std::size_t comparisons_in(const Selection& selection);

struct LiveStats {
  std::uint64_t readings = 0;    ///< that came while somebody listened
  std::uint64_t records = 0;     ///< of them, made into JSON by the hub: each at most once
  std::uint64_t matches = 0;     ///< topics compared with a selection: each at most once
  std::uint64_t deliveries = 0;  ///< put into queues
  std::uint64_t undecided = 0;   ///< put into queues for their streams to ask the selection
  std::uint64_t overflows = 0;   ///< queues that were full
  std::size_t streams = 0;
  std::size_t selections = 0;  ///< different ones
};

/// A sink of a pipeline that gives each message to the streams that want it. It begins with what
/// comes after the pipeline was made, and keeps nothing: the journal does. Without streams it costs
/// next to nothing.
/// Thread: as a Sink; the rest any.
class LiveHub final : public Sink {
 public:
  LiveHub();
  ~LiveHub() override;

  [[nodiscard]] std::string name() const override { return "live"; }
  [[nodiscard]] SinkTraits traits() const override;
  [[nodiscard]] Result<void> open() override { return {}; }
  [[nodiscard]] Result<std::optional<Position>> position(const JournalId& journal) override;
  [[nodiscard]] Result<WriteReport> write(const JournalId& journal,
                                          std::span<const BatchPtr> batches,
                                          const OnRejected& on_rejected) override;
  [[nodiscard]] Result<std::uint64_t> flush() override;
  void close() noexcept override {}

  [[nodiscard]] LiveStats stats() const;

 private:
  friend class LiveStream;
  struct State;
  std::shared_ptr<State> state_;
};

struct LiveEvent {
  enum class Kind : std::uint8_t {
    message,
    gap,       ///< messages `from` to `sequence` are not in the journal any more, or damaged
    reset,     ///< the place to go on from is not in this journal: goes on with what comes now
    overflow,  ///< the stream was not read fast enough and ends; `left_out` messages came since
  };
  Kind kind = Kind::message;
  std::shared_ptr<const std::string> record = {};  ///< with its sealed id; shared
  std::uint64_t sequence = 0;
  std::uint64_t from = 0;
  std::uint64_t left_out = 0;
};

struct LiveOptions {
  Selection selection;  ///< Api::narrow() was asked; see comparisons_in()
  /// First what the journal holds behind it, then what comes: no gap and nothing twice. Without,
  /// what comes.
  std::optional<Position> resume;
  std::size_t messages_max = 8'192;  ///< that wait in the queue
  std::size_t bytes_max = 4 * 1024 * 1024;
};

/// What one reader has asked for. Thread: one at a time.
class LiveStream {
 public:
  /// From here on nothing is missed.
  /// @param journal outlives the stream
  LiveStream(const LiveHub& hub, Journal& journal, Environment environment, LiveOptions options);
  ~LiveStream();
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;

  /// Is called, once, by any thread and under locks, when there is something after next() has said
  /// `later`. Not after the stream is gone.
  void on_ready(std::function<void()> wake);

  enum class Next : std::uint8_t { more, later, end };
  /// Appends what comes next, at most some thousand events. `later`: there is nothing for now;
  /// `end`: there will be nothing any more.
  /// Errors: the journal cannot be read.
  [[nodiscard]] Result<Next> next(std::vector<LiveEvent>& out);
  /// Whether next() may read the journal, or ask conditions of many messages.
  [[nodiscard]] bool blocks() const noexcept;
  /// Where a stream with the same selection would go on; nothing as long as that is not known.
  [[nodiscard]] std::optional<Position> position() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace telemetry
