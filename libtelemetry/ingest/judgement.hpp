// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <vector>

#include "ingest/topic_cache.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/message.hpp"
#include "telemetry/schema.hpp"

namespace telemetry {

/// Broken rules of one message that are kept for people.
inline constexpr std::size_t violations_max = 16;
/// Values of one message, read by lenient mode or rounded, that are kept for people.
inline constexpr std::size_t notes_max = 4;
/// Undeclared members of one message; more are Rule::unknown_field.
inline constexpr std::size_t extras_max = 256;
/// Device times outside [time_min, time_max(received)] are absurd (R-ING-6).
inline constexpr std::int64_t time_min = 946'684'800ll * 1'000'000'000;  // 2000-01-01
inline constexpr std::int64_t time_ahead_max = 24ll * 3600 * 1'000'000'000;
/// A machine that has just booted in 1970 is no judge of what lies ahead.
[[nodiscard]] constexpr std::int64_t time_max(std::int64_t received_at) noexcept {
  const bool judges = received_at >= time_min && received_at <= INT64_MAX - time_ahead_max;
  return judges ? received_at + time_ahead_max : INT64_MAX;
}

/// Judges payloads into batches. Holds the buffers that every judgement needs.
/// Thread: one.
class Judge {
 public:
  struct Judgement {
    std::span<const core::Violation> violations;  ///< until the next call
    std::span<const core::Violation> notes;       ///< until the next call; of a valid message
    bool time_missing = false;
    bool time_absurd = false;
  };
  /// Adds the reading to the batch; topic and payload are copied into its arena. The topic's schema
  /// does not unfold.
  Judgement add(const KnownTopic& topic, const Message& message, std::int64_t received_at,
                Batch& batch);
  /// Adds a reading of a payload that its schema unfolds, or (`refusal`) refuses as a whole. What
  /// the record views lives as long as the batch.
  Judgement add(const Schema& schema, std::uint64_t topic_hash, const Record& record,
                core::Rule refusal, const Message& message, std::int64_t received_at, Batch& batch);
  /// See telemetry::read_back().
  void add(const core::FrameView& frame, const Schema* schema, Batch& batch);

 private:
  static Reading& begin(const Message& message, std::int64_t received_at, Batch& batch);
  Judgement judge(const Schema& schema, Reading& reading, Batch& batch);
  core::DecodeResult decode(const Schema& schema, Reading& reading, Batch& batch);
  void resolve_time(const Schema& schema, Reading& reading, Judgement& judgement) const;

  std::array<core::Violation, violations_max> violations_;
  std::array<core::Violation, notes_max> notes_;
  std::array<core::Extra, extras_max> extras_;
  std::vector<Record> records_;
};

/// The readings of a message; of one that is refused the payload as it is. Topic and payload of the
/// message are copied into the batch.
Unfolded unfold_into(const Schema& schema, Message& message, std::int64_t received_at, Batch& batch,
                     std::vector<Record>& records, SparkplugBirths* births);

/// By which a reading without a number is known when it comes again on its topic; 0: by nothing.
[[nodiscard]] std::uint64_t identity_of(const Reading& reading) noexcept;

/// The undeclared members as one JSON object, nested as they were found, in the arena.
[[nodiscard]] std::string_view write_extras(const core::SchemaView& view,
                                            std::span<const core::Extra> extras, Arena& arena);

}  // namespace telemetry
