// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
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
  /// For who replays or drops letters and is not alone: held meanwhile.
  [[nodiscard]] std::mutex& handling() noexcept { return handling_; }

 private:
  std::mutex handling_;
};
[[nodiscard]] std::unique_ptr<DeadLetterSink> make_dead_letter_sink(const JournalOptions& options,
                                                                    Environment environment);

/// Which letters.
struct LetterSelection {
  std::string topic_filter;        ///< empty: every topic, also those that begin with $
  std::int64_t since = INT64_MIN;  ///< ns, time of receipt: not before
  std::int64_t until = INT64_MAX;  ///< before
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ids;  ///< first and last; empty: every id
  std::string reason = {};  ///< as reason() says it; empty: every reason
  /// "temperature_sensor 1.0", or without the version any version; "none": letters that no schema
  /// has judged; empty: all letters.
  std::string schema = {};
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
/// "pattern", "refused by a store": in short, why it is a letter.
[[nodiscard]] std::string reason(const Letter& letter);
/// What is wrong with a reason to select by, for people; empty: there is such a reason.
[[nodiscard]] std::string reason_problem(std::string_view reason);
/// "temperature_sensor 1.0", "none", or the id of a schema whose document is not there.
[[nodiscard]] std::string schema_name(const Letter& letter);
enum class LetterDetail : std::uint8_t { list, all };
/// One JSON object: id, received_at, topic, verdict, reason, bytes, problems; `all` also timestamp,
/// schema, schema_id, qos, retained, reference, payload.
[[nodiscard]] std::string to_json(const Letter& letter, LetterDetail detail);
/// Appends ",\"received_at\":..." and so on: all of these but id and reference.
void append_members(const Letter& letter, LetterDetail detail, std::string& out);

/// What came of a replay so far.
struct ReplayReport {
  std::uint64_t selected = 0;  ///< letters that were judged again
  std::uint64_t replayed = 0;  ///< of these: in the journal now, no letters any more
  std::uint64_t failed = 0;    ///< of these: fail again, and stay
  std::uint64_t refused = 0;   ///< not judged: refused by a store, and `refused` was not given
  std::string example;         ///< what is wrong with the first that fails again
  bool stopped = false;        ///< before the end
};
/// One JSON object, and one line for people.
[[nodiscard]] std::string to_json(const ReplayReport& report);
[[nodiscard]] std::string to_text(const ReplayReport& report);
/// Called after each batch, and while the journal is full. False: stop.
using ReplayProgress = std::function<bool(const ReplayReport&)>;

/// Judges letters again, by the schemas in force, and brings those that pass through the door into
/// the journal, in the order in which they were kept. They keep their topic, payload and time.
///
/// Promise: each comes into the journal once, over any number of replays and crashes in between;
///   those that the journal has are no letters any more.
/// @param refused also letters that a store refused. Stores that took such a message get it a
///   second time; SQLite knows it again.
/// Errors: those of read_letters(); unavailable, resource_exhausted  the journal takes nothing now,
///   or the dead letters are not open: what was replayed so far is, and a later replay goes on.
/// Thread: any; one replay or drop at a time for a journal: DeadLetterSink::handling().
[[nodiscard]] Result<ReplayReport> replay_letters(Ingest& ingest, DeadLetterSink& letters,
                                                  const LetterSelection& selection, bool refused,
                                                  const Environment& environment,
                                                  const ReplayProgress& progress = {});
/// They are no letters any more. @returns how many. Errors, thread: as of replay_letters().
[[nodiscard]] Result<std::uint64_t> drop_letters(Ingest& ingest, DeadLetterSink& letters,
                                                 const LetterSelection& selection,
                                                 const Environment& environment);
/// Finds out what of a replay that a crash ended is in the journal. A pipeline does so before it
/// starts, for later the journal may have let go of it.
[[nodiscard]] Result<void> settle_replay(const std::string& path, Journal& main,
                                         const Environment& environment);

/// What Letter::problems says; what cannot be read is left out.
[[nodiscard]] std::vector<Problem> parse_problems(std::string_view problems);

}  // namespace telemetry
