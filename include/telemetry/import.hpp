// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

/// What an import found on a card.
struct ImportReport {
  JournalId card{};                  ///< id of the card's journal
  std::uint64_t first_sequence = 0;  ///< of what was read; 0 = nothing was new
  std::uint64_t last_sequence = 0;   ///< newest message on the card
  std::uint64_t messages = 0;        ///< read and judged
  std::uint64_t bytes = 0;           ///< their topics and payloads
  std::uint64_t earlier = 0;         ///< delivered by the device, or by an earlier import
  std::uint64_t missing = 0;         ///< numbers that no readable frame bears
  std::uint64_t damaged_places = 0;
  std::uint64_t journaled = 0, duplicates = 0;  ///< of `messages`: new in the journal, and not
  std::uint64_t invalid = 0, unmatched = 0;     ///< of `journaled`
};

/// One JSON object, and one line for people, with what was imported.
[[nodiscard]] std::string to_json(const ImportReport& report, const std::string& path);
[[nodiscard]] std::string to_text(const ImportReport& report, const std::string& path);

/// Brings the messages that a device has kept on its card (core::CardJournal) through the door into
/// the journal. Those that the card's cursor has passed were delivered by the device and are left
/// out.
///
/// Promise: each message exactly once per journal and card, over any number of imports and crashes
/// in
///   between; how far an import has come stands in the journal's folder, imports/CARD. The sequence
///   check drops what the device delivered but could not note any more.
/// Time: a message without a time of its own gets that of the import.
/// @param path an image of the card, the card's device, or the folder of its files
/// @param stop looked at between batches
/// Errors: not_found, permission_denied  the path; failed_precondition  no card journal there, or a
///   newer version; data_loss  its superblocks are unreadable; resource_exhausted, unavailable  the
///   journal takes nothing now: what was read so far is in it, and a later import goes on.
/// Thread: any; one at a time for a journal.
[[nodiscard]] Result<ImportReport> import_card(Ingest& ingest, const std::string& journal_path,
                                               const std::string& path,
                                               const Environment& environment,
                                               std::stop_token stop = {});

}  // namespace telemetry
