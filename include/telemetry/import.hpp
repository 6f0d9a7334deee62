// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/sink.hpp"

namespace telemetry {

/// What an import found on a card, or in a file. Its messages are numbered; those of a file from 1.
struct ImportReport {
  std::string source;                ///< "jsonl-0123456789abcdef"; of a card its id and generation
  std::uint64_t first_sequence = 0;  ///< of what was read; 0 = nothing was new
  std::uint64_t last_sequence = 0;   ///< newest message there
  std::uint64_t messages = 0;        ///< read and judged
  std::uint64_t bytes = 0;           ///< their topics and payloads
  std::uint64_t earlier = 0;         ///< number up to which all came before
  std::uint64_t missing = 0;         ///< numbers that no readable frame bears
  std::uint64_t damaged_places = 0;  ///< of a file: lines that are no record
  std::uint64_t journaled = 0, duplicates = 0;  ///< of `messages`: new in the journal, and not
  std::uint64_t not_taken = 0;  ///< of `messages`: too large, no topic, schema.unmatched: drop,
                                ///< or a row of a schema that unfolds payloads
  std::uint64_t invalid = 0, unmatched = 0;  ///< of `journaled`
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

/// One message that is imported.
struct ImportedMessage {
  std::string topic, payload;
  std::int64_t received_at = 0;  ///< ns; 0 = not known: the time of the import
  bool retained = false;
  /// The payload is as a store shows it: times are texts where the schema says another unit.
  bool shown = false;
  /// It is one reading of a message, as a journal keeps it: Message::unfolded.
  bool unfolded = false;
};

/// Messages in an order that never changes, each with a number.
struct ImportSource {
  std::string id;  ///< the same for the same messages: letters, digits and `-`
  /// The first message whose number is at least `from`, which rises from call to call.
  /// @returns its number; 0: there is none.
  std::function<Result<std::uint64_t>(std::uint64_t from, ImportedMessage& message)> read;
  std::uint64_t delivered = 0;  ///< up to this number they are left out
};

/// Brings messages through the door into the journal, each exactly once per journal and id, as
/// import_card() does. Journals number by time of receipt: into one with newer messages they come
/// with the time of its last; their own time stays.
/// Errors: those of import_card() from the journal on, and those of the source.
[[nodiscard]] Result<ImportReport> import_messages(Ingest& ingest, const std::string& journal_path,
                                                   ImportSource source,
                                                   const Environment& environment,
                                                   std::stop_token stop = {});

/// Reads on. @returns the bytes read; 0 = the end.
using ReadBytes = std::function<Result<std::size_t>(std::span<char> into)>;

/// Brings records through the door: JSONL as RowWriter and append_record_json() write it, or CSV as
/// RowWriter and append_record_csv() do. Rows with a column for each field need the schema of their
/// topic. The id is that of the content: a file that has grown is another one. A
/// line that is no record is counted.
/// @param open is called twice: what is to be read must be the same each time.
/// Errors: those of import_messages(); invalid_argument  it is neither.
[[nodiscard]] Result<ImportReport> import_records(Ingest& ingest, const std::string& journal_path,
                                                  const std::function<Result<ReadBytes>()>& open,
                                                  const Environment& environment,
                                                  std::stop_token stop = {});

}  // namespace telemetry
