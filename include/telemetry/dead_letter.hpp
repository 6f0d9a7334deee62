// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/ingest.hpp"
#include "telemetry/journal.hpp"
#include "telemetry/schema.hpp"
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
  /// Folder of the journal behind it.
  [[nodiscard]] virtual const std::string& path() const noexcept = 0;
  /// Newest letter that is on stable storage. A pipeline opens this sink a moment after its start:
  /// waits for that up to `timeout_ns`. Thread: any.
  /// Errors: unavailable  it is not open.
  [[nodiscard]] virtual Result<std::uint64_t> durable_end(std::int64_t timeout_ns) = 0;
};
[[nodiscard]] std::unique_ptr<DeadLetterSink> make_dead_letter_sink(const JournalOptions& options,
                                                                    Environment environment);

/// Which letters.
struct LetterSelection {
  std::string topic_filter;        ///< empty: every topic, also those that begin with $
  std::int64_t since = INT64_MIN;  ///< ns, time of receipt: not before
  std::int64_t until = INT64_MAX;  ///< before
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ids;  ///< first and last; empty: every id
};

/// A message that no store took. Views are good during the call that hands it over.
struct Letter {
  core::FrameHeader header;  ///< its sequence is the letter's id, its reference the main sequence
  std::string_view topic;
  std::string_view payload;   ///< as received
  std::string_view problems;  ///< what is wrong, for parse_problems(); may be empty
  std::string_view schema;    ///< document of the judging schema; empty: none, or not there
  /// A store refused it; else it breaks its schema, or has none.
  [[nodiscard]] bool is_refused() const noexcept {
    return !is_dead(static_cast<Verdict>(header.verdict));
  }
};
/// False: no more.
using LetterVisitor = std::function<bool(const Letter&)>;
/// Visits the letters in the order in which they were kept, without those that were replayed or
/// dropped. Takes no lock: also beside a running writer.
/// Errors: not_found, permission_denied, unavailable  the folder; data_loss  the file in it that
/// says what was replayed is damaged.
[[nodiscard]] Result<void> read_letters(const std::string& path, const Environment& environment,
                                        const LetterSelection& selection,
                                        const LetterVisitor& visit);
/// What Letter::problems says; what cannot be read is left out.
[[nodiscard]] std::vector<Problem> parse_problems(std::string_view problems);

}  // namespace telemetry
