// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/message.hpp"
#include "telemetry/store.hpp"

namespace telemetry {

/// How long messages are kept. One that several rules cover goes by the shortest of them.
struct RetentionRule {
  std::vector<std::string> topics{"#"};  ///< topic filters, any of them
  std::vector<std::string> schemas;      ///< names, any of these; empty = all, and without schema
  std::int64_t days = 0;                 ///< 1 to 36,500, of Reading::time
  bool operator==(const RetentionRule&) const = default;
};

struct RetentionOptions {
  bool enabled = false;
  std::int64_t every_ns = 3'600'000'000'000;  ///< 0: only when it is asked for
  std::vector<RetentionRule> rules;
  std::int64_t dead_letter_days = 0;  ///< of receipt; 0: until their journal is full
  bool operator==(const RetentionOptions&) const = default;
};
/// The section `retention.rules`; the others are in base_options().
[[nodiscard]] OptionTable retention_options() noexcept;
/// Section `retention` of a checked configuration. Errors: mistakes, also a rule without effect
/// because another one that covers it keeps less.
[[nodiscard]] Result<RetentionOptions> retention_options_from(const Config& config);

/// What a rule, or the age of dead letters, asks for, and what came of it.
struct RetentionStep {
  std::int64_t days = 0;
  Deletion deletion;           ///< of whole days of UTC; of dead letters `until` alone
  std::uint64_t rows = 0;      ///< or letters: before, those that are due; after, those that went
  std::string held_back;       ///< why nothing is deleted now; else empty
  std::uint64_t sequence = 0;  ///< of the deletion in the journal; 0: there is none
  bool done = true;            ///< false: a store does it later
};
struct RetentionReport {
  std::vector<RetentionStep> rules;
  std::optional<RetentionStep> dead_letters;
};
/// One JSON object. Its `complete` is false where a step is held back or not done.
[[nodiscard]] std::string to_json(const RetentionReport& report);
enum class RetentionTense : std::uint8_t { future, past };
/// A line for each step.
[[nodiscard]] std::string to_text(const RetentionReport& report, RetentionTense tense);

/// What is older than the rules allow. Deletes nothing. Thread: any.
///
/// Promise, against a clock that runs ahead: a step is held back unless something is stored whose
///   time is between a quarter and half of the age ago. So the newest half of what a rule keeps
///   stays, whatever the clock says, for as long as it has been wrong for less than a quarter.
/// @param dead_letters  their folder; empty: none are kept
/// @param counting  rows are counted; else they are 1 where any are due, which is cheap.
/// Errors: failed_precondition  the clock says a time before 2020; else those of the store and of
/// read_letters(). A store that does not exist yet holds nothing.
[[nodiscard]] Result<RetentionReport> find_due(const RetentionOptions& options, Store& store,
                                               const std::string& dead_letters,
                                               const Environment& environment, bool counting);

}  // namespace telemetry
