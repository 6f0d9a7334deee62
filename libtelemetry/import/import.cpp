// SPDX-License-Identifier: Apache-2.0
#include "telemetry/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "import/card_file.hpp"
#include "import/records.hpp"
#include "ingest/patience.hpp"
#include "journal/segment_file.hpp"
#include "telemetry/core/checksum.hpp"
#include "telemetry/export.hpp"

/// From a card or file through the door into the journal, exactly once.
///
/// JOURNAL/imports/ID says up to which message of the source all is in the journal, and, while a
/// batch may be under way, above which of the journal's sequences that batch stands. It is written
/// before each batch. A crash leaves a batch of which nothing, a first part or everything is in the
/// journal: the next import looks for its messages above that sequence, in order, and goes on
/// behind the last one that is there. Those that the sequence check dropped are dropped again.
///
/// Limits: batch_messages and batch_bytes in memory; a message of the card fits message_bytes_max.
namespace telemetry {
namespace {

constexpr std::size_t batch_messages = 1'000;
constexpr std::size_t batch_bytes = 256 * 1024;
constexpr std::size_t message_bytes_max = 1024 * 1024;
constexpr std::string_view import_component = "import";

/// The record in JOURNAL/imports.
struct Progress {
  std::uint64_t done = 0;   ///< of the source: all up to it is in the journal
  std::uint64_t above = 0;  ///< of the journal: what may be under way stands above it
  bool open = false;        ///< something may be under way
};

class Import {
 public:
  Import(Ingest& ingest, const std::string& journal_path, ImportSource source,
         const Environment& environment, std::stop_token stop)
      : ingest_(ingest),
        door_(ingest.make_door()),
        source_(std::move(source)),
        environment_(environment),
        stop_(std::move(stop)),
        folder_(journal_path + "/imports") {
    report_.source = source_.id;
  }

  Result<ImportReport> run();

 private:
  [[nodiscard]] Result<Progress> load();
  [[nodiscard]] Result<void> store(const Progress& progress);
  /// Completes the batch that was under way; its last message.
  [[nodiscard]] Result<std::uint64_t> resume(const Progress& progress);
  /// Messages of the source from `next` on, as many as a batch holds; moves `next` behind them.
  [[nodiscard]] Result<std::vector<ImportedMessage>> read(std::uint64_t& next);
  [[nodiscard]] Result<void> add(const std::vector<ImportedMessage>& batch);
  void count(const std::vector<Outcome>& outcomes) noexcept;
  [[nodiscard]] std::vector<ImportedMessage> journaled(const ImportedMessage& kept) const;
  void refuse_made(const Schema& schema, std::uint64_t number, const std::string& topic);

  Ingest& ingest_;
  std::unique_ptr<Door> door_;
  ImportSource source_;
  Environment environment_;
  std::stop_token stop_;
  std::string folder_;
  ImportReport report_;
};

Result<ImportReport> Import::run() {
  if (auto made = environment_.files.create_folder(folder_); !made) return made.error();
  auto progress = load();
  if (!progress) return progress.error();
  if (progress->open) {
    auto done = resume(*progress);
    if (!done) return done.error();
    progress->done = *done;
  }
  progress->done = std::max(progress->done, source_.delivered);
  report_.earlier = report_.last_sequence = progress->done;
  while (!stop_.stop_requested()) {
    std::uint64_t next = progress->done + 1;
    auto batch = read(next);
    if (!batch) return batch.error();
    if (batch->empty()) break;
    progress->above = ingest_.journal().durable_end();
    progress->open = true;
    if (auto stored = store(*progress); !stored) return stored.error();
    if (auto added = add(*batch); !added) return added.error();
    if (report_.first_sequence == 0) report_.first_sequence = progress->done + 1;
    report_.last_sequence = progress->done = next - 1;
  }
  progress->open = false;
  if (auto stored = store(*progress); !stored) return stored.error();
  return report_;
}

// "TLMIMP1 DONE ABOVE OPEN CRC32C" and a line feed; the checksum is of what stands before it.
Result<Progress> Import::load() {
  const std::string path = folder_ + "/" + source_.id;
  const auto bytes = journal::read_small_file(environment_.files, path);
  if (!bytes) {
    if (bytes.error().code == Errc::not_found) return Progress();
    return bytes.error();
  }
  const std::string text(bytes->begin(), bytes->end());
  Progress progress;
  unsigned open = 0;
  unsigned checksum = 0;
  int checked = 0;
  unsigned long long done = 0;
  unsigned long long above = 0;
  const int fields = std::sscanf(text.c_str(), "TLMIMP1 %20llu %20llu %1u %n%8x", &done, &above,
                                 &open, &checked, &checksum);
  if (fields != 4 ||
      checksum != core::crc32c(std::span(*bytes).first(static_cast<std::size_t>(checked)))) {
    return Error{Errc::data_loss,
                 path +
                     ": damaged; without it nobody knows what of this was imported. Remove it to "
                     "import all of it (again)"};
  }
  progress.done = done;
  progress.above = above;
  progress.open = open != 0;
  return progress;
}

Result<void> Import::store(const Progress& progress) {
  std::string text =
      fmt::format("TLMIMP1 {} {} {} ", progress.done, progress.above, progress.open ? 1 : 0);
  const auto bytes = [&text] {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  text += fmt::format("{:08x}\n", core::crc32c(bytes()));
  return journal::replace_file(environment_.files, folder_, source_.id, bytes());
}

/// A message with several readings has a frame, and a payload, for each.
std::vector<ImportedMessage> Import::journaled(const ImportedMessage& kept) const {
  const auto schemas = ingest_.schemas();
  const Schema* schema = schemas->choose(UnfoldInput{.topic = kept.topic, .payload = kept.payload});
  std::vector<ImportedMessage> frames = {kept};
  if (schema == nullptr || !schema->unfolds()) return frames;
  Batch batch;
  judge(schema, {.topic = kept.topic, .payload = kept.payload, .imported = true}, batch);
  if (batch.readings.size() < 2) return frames;
  frames.assign(batch.readings.size(), kept);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i].payload = batch.readings[i].payload;
    frames[i].unfolded = true;
  }
  return frames;
}

Result<std::uint64_t> Import::resume(const Progress& progress) {
  std::uint64_t next = progress.done + 1;
  auto batch = read(next);
  if (!batch) return batch.error();
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> waiting;
  std::vector<std::vector<ImportedMessage>> frames;  // by message: as the journal keeps it
  for (const ImportedMessage& kept : *batch) frames.push_back(journaled(kept));
  for (const auto& of_message : frames) {
    for (const ImportedMessage& frame : of_message) ++waiting[{frame.topic, frame.payload}];
  }
  const auto reader = ingest_.journal().read_from(progress.above);
  for (;;) {
    const auto frame = reader->next();
    if (!frame) return frame.error();
    if (!frame->has_value()) break;
    const auto at = waiting.find({(*frame)->topic, (*frame)->payload});
    if ((*frame)->header.kind != core::FrameKind::message || at == waiting.end()) continue;
    if (at->second > 0) --at->second;
  }
  std::vector<ImportedMessage> missing;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    std::vector<ImportedMessage> lost;
    for (const ImportedMessage& frame : frames[i]) {
      std::size_t& count = waiting.at({frame.topic, frame.payload});
      if (count == 0) continue;
      --count;
      lost.push_back(frame);
    }
    // Power that failed before a sync can leave any of the readings of a message.
    if (lost.size() == frames[i].size())
      missing.push_back((*batch)[i]);
    else
      missing.insert(missing.end(), lost.begin(), lost.end());
  }
  if (!missing.empty()) {
    if (auto added = add(missing); !added) return added.error();
  }
  return next - 1;
}

Result<std::vector<ImportedMessage>> Import::read(std::uint64_t& next) {
  std::vector<ImportedMessage> batch;
  std::size_t bytes = 0;
  const auto schemas = ingest_.schemas();
  while (batch.size() < batch_messages && bytes < batch_bytes) {
    ImportedMessage message;
    const auto number = source_.read(next, message);
    if (!number) return number.error();
    if (*number == 0) break;
    next = *number + 1;
    const Schema* schema = message.shown ? schemas->choose(message.topic) : nullptr;
    if (schema != nullptr && schema->unfolds()) {
      refuse_made(*schema, *number, message.topic);
      continue;
    }
    if (schema != nullptr) message.payload = imports::as_declared(*schema, message.payload);
    bytes += message.topic.size() + message.payload.size();
    batch.push_back(std::move(message));
  }
  report_.messages += batch.size();
  report_.bytes += bytes;
  return batch;
}

/// What such a schema makes of a payload is no payload for it: values would be missing.
void Import::refuse_made(const Schema& schema, std::uint64_t number, const std::string& topic) {
  ++report_.messages;
  if (report_.not_taken++ != 0) return;
  environment_.log(
      LogLevel::warn, import_component,
      fmt::format("record {} on {} is left out, and others like it: a stored row has what the "
                  "schema {} made of a payload, which it cannot read again. To import payloads as "
                  "devices sent them, write them as JSON texts: \"payload\":\"...\"",
                  number, printable(topic), schema.name()));
}

Result<void> Import::add(const std::vector<ImportedMessage>& batch) {
  std::vector<Outcome> outcomes;
  // The journal's times never go back: one from the future would stay in all that follows.
  const std::int64_t now = environment_.clock.now();
  auto done = commit_patiently(
      [&]() -> Result<void> {
        if (auto room = door_->reserve(2 * batch_bytes); !room) return room;
        for (const ImportedMessage& kept : batch) {
          door_->add({.topic = kept.topic,
                      .payload = kept.payload,
                      .qos = 1,
                      .retained = kept.retained,
                      .retained_policy = RetainedPolicy::store,
                      .received_at = std::min(kept.received_at, now),
                      .imported = true,
                      .unfolded = kept.unfolded});
        }
        return door_->commit(&outcomes);
      },
      [this] { return stop_.stop_requested(); });
  if (done) count(outcomes);
  return done;
}

void Import::count(const std::vector<Outcome>& outcomes) noexcept {
  for (const Outcome& outcome : outcomes) {
    const bool stored = outcome.kind == Outcome::Kind::stored;
    const bool repeated = outcome.kind == Outcome::Kind::duplicate;
    ++(stored ? report_.journaled : repeated ? report_.duplicates : report_.not_taken);
    if (stored && outcome.verdict == Verdict::invalid) ++report_.invalid;
    if (stored && outcome.verdict >= Verdict::unmatched && outcome.verdict != Verdict::invalid) {
      ++report_.unmatched;
    }
  }
}

/// The messages of a card; without `missing` and `damaged` of the report.
ImportSource source_of(core::CardJournal& card, const Environment& environment) {
  ImportSource source;
  for (const std::uint8_t byte : card.layout().journal_id) source.id += fmt::format("{:02x}", byte);
  source.id += fmt::format("-{}", card.layout().generation);
  source.delivered = card.cursor();
  auto buffer = std::make_shared<std::vector<std::uint8_t>>(message_bytes_max);
  source.read = [&card, environment, buffer](std::uint64_t from,
                                             ImportedMessage& message) -> Result<std::uint64_t> {
    core::FrameView frame;
    core::CardStatus status = card.read(from, *buffer, frame);
    while (status == core::CardStatus::too_large) {
      environment.log(LogLevel::error, import_component,
                      fmt::format("message {} of the card is larger than {} bytes: left out",
                                  frame.header.sequence, buffer->size()));
      status = card.read(frame.header.sequence + 1, *buffer, frame);
    }
    if (status == core::CardStatus::end) return std::uint64_t{0};
    if (status != core::CardStatus::ok) {
      return Error{Errc::unavailable, fmt::format("the card cannot be read behind message {}; what "
                                                  "was read is in the journal",
                                                  from - 1)};
    }
    message.topic = frame.topic;
    message.payload = frame.payload;
    return frame.header.sequence;
  };
  return source;
}

}  // namespace

std::string to_json(const ImportReport& r, const std::string& path) {
  std::string name;
  append_json_string(path, name);
  return fmt::format(
      R"({{"path":{},"source":"{}","last_sequence":{},"earlier":{},"messages":{},"bytes":{},)"
      R"("journaled":{},"duplicates":{},"not_taken":{},"invalid":{},"unmatched":{},"missing":{},)"
      R"("damaged_places":{}}})",
      name, r.source, r.last_sequence, r.earlier, r.messages, r.bytes, r.journaled, r.duplicates,
      r.not_taken, r.invalid, r.unmatched, r.missing, r.damaged_places);
}

std::string to_text(const ImportReport& r, const std::string& path) {
  std::string out = fmt::format("{}: ", path);
  if (r.messages == 0) {
    out += r.last_sequence == 0
               ? "no messages there"
               : fmt::format("nothing new, all up to number {} came earlier", r.last_sequence);
  } else {
    out += fmt::format("{} messages ({} to {})", r.messages, r.first_sequence, r.last_sequence);
    if (r.earlier > 0) out += fmt::format(", {} came earlier", r.earlier);
    if (r.duplicates > 0) out += fmt::format(", {} were there already", r.duplicates);
    if (r.not_taken > 0) out += fmt::format(", {} were not taken", r.not_taken);
    if (r.invalid > 0) out += fmt::format(", {} break their schema (dead letters)", r.invalid);
    if (r.unmatched > 0) out += fmt::format(", {} without a schema", r.unmatched);
  }
  if (r.missing > 0 || r.damaged_places > 0) {
    out += fmt::format("; damage: {} places, {} numbers missing", r.damaged_places, r.missing);
  }
  return out;
}

Result<ImportReport> import_card(Ingest& ingest, const std::string& journal_path,
                                 const std::string& path, const Environment& environment,
                                 std::stop_token stop) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_fifo(status) || std::filesystem::is_socket(status) ||
      std::filesystem::is_character_file(status)) {
    return Error{Errc::invalid_argument, path + ": not a regular file; copy the card's file first"};
  }
  auto card = CardFile::open(path, environment.files);
  if (!card) return card.error();
  core::CardJournal& kept = (*card)->journal();
  auto report = import_messages(ingest, journal_path, source_of(kept, environment), environment,
                                std::move(stop));
  if (!report) return report;
  report->last_sequence = kept.synced_sequence();
  report->earlier = std::min(report->earlier, report->last_sequence);
  report->missing = kept.counters().missing;
  report->damaged_places = kept.counters().damaged;
  return report;
}

Result<ImportReport> import_messages(Ingest& ingest, const std::string& journal_path,
                                     ImportSource source, const Environment& environment,
                                     std::stop_token stop) {
  return Import(ingest, journal_path, std::move(source), environment, std::move(stop)).run();
}

}  // namespace telemetry
