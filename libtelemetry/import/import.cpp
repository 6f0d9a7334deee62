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
#include "ingest/patience.hpp"
#include "journal/segment_file.hpp"
#include "telemetry/core/checksum.hpp"
#include "telemetry/export.hpp"

/// From a card through the door into the journal, exactly once.
///
/// JOURNAL/imports/CARD says up to which message of the card all is in the journal, and, while a
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

struct Kept {
  std::string topic, payload;
};

/// The record in JOURNAL/imports.
struct Progress {
  std::uint64_t done = 0;   ///< of the card: all up to it is in the journal
  std::uint64_t above = 0;  ///< of the journal: what may be under way stands above it
  bool open = false;        ///< something may be under way
};

class Import {
 public:
  Import(Ingest& ingest, const std::string& journal_path, core::CardJournal& card,
         const Environment& environment, std::stop_token stop)
      : ingest_(ingest),
        door_(ingest.make_door()),
        card_(card),
        environment_(environment),
        stop_(std::move(stop)),
        folder_(journal_path + "/imports") {
    for (const std::uint8_t byte : card.layout().journal_id) name_ += fmt::format("{:02x}", byte);
    name_ += fmt::format("-{}", card.layout().generation);
    report_.card = card.layout().journal_id;
    report_.last_sequence = card.synced_sequence();
  }

  Result<ImportReport> run();

 private:
  [[nodiscard]] Result<Progress> load();
  [[nodiscard]] Result<void> store(const Progress& progress);
  /// Completes the batch that was under way; its last message.
  [[nodiscard]] Result<std::uint64_t> resume(const Progress& progress);
  /// Messages of the card from `next` on, as many as a batch holds; moves `next` behind them.
  [[nodiscard]] Result<std::vector<Kept>> read(std::uint64_t& next);
  [[nodiscard]] Result<void> add(const std::vector<Kept>& batch);
  void count(const std::vector<Outcome>& outcomes) noexcept;

  Ingest& ingest_;
  std::unique_ptr<Door> door_;
  core::CardJournal& card_;
  Environment environment_;
  std::stop_token stop_;
  std::string folder_, name_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(message_bytes_max);
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
  progress->done = std::max(progress->done, card_.cursor());
  report_.earlier = std::min(progress->done, report_.last_sequence);
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
    progress->done = next - 1;
  }
  progress->open = false;
  if (auto stored = store(*progress); !stored) return stored.error();
  report_.missing = card_.counters().missing;
  report_.damaged_places = card_.counters().damaged;
  return report_;
}

// "TLMIMP1 DONE ABOVE OPEN CRC32C" and a line feed; the checksum is of what stands before it.
Result<Progress> Import::load() {
  const std::string path = folder_ + "/" + name_;
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
                     ": damaged; without it nobody knows what of this card was imported. Remove "
                     "it to import all of the card (again)"};
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
  return journal::replace_file(environment_.files, folder_, name_, bytes());
}

Result<std::uint64_t> Import::resume(const Progress& progress) {
  std::uint64_t next = progress.done + 1;
  auto batch = read(next);
  if (!batch) return batch.error();
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> waiting;
  for (const Kept& kept : *batch) ++waiting[{kept.topic, kept.payload}];
  const auto reader = ingest_.journal().read_from(progress.above);
  for (;;) {
    const auto frame = reader->next();
    if (!frame) return frame.error();
    if (!frame->has_value()) break;
    const auto at = waiting.find({(*frame)->topic, (*frame)->payload});
    if ((*frame)->header.kind != core::FrameKind::message || at == waiting.end()) continue;
    if (at->second > 0) --at->second;
  }
  std::vector<Kept> missing;
  for (Kept& kept : *batch) {
    std::size_t& count = waiting.at({kept.topic, kept.payload});
    if (count == 0) continue;
    --count;
    missing.push_back(kept);
  }
  if (!missing.empty()) {
    if (auto added = add(missing); !added) return added.error();
  }
  return next - 1;
}

Result<std::vector<Kept>> Import::read(std::uint64_t& next) {
  std::vector<Kept> batch;
  std::size_t bytes = 0;
  core::FrameView frame;
  while (batch.size() < batch_messages && bytes < batch_bytes) {
    const core::CardStatus status = card_.read(next, buffer_, frame);
    if (status == core::CardStatus::end) break;
    if (status == core::CardStatus::too_large) {
      environment_.log(LogLevel::error, import_component,
                       fmt::format("message {} of the card is larger than {} bytes: left out",
                                   frame.header.sequence, buffer_.size()));
      next = frame.header.sequence + 1;
      continue;
    }
    if (status != core::CardStatus::ok) {
      return Error{Errc::unavailable, fmt::format("the card cannot be read behind message {}; what "
                                                  "was read is in the journal",
                                                  next - 1)};
    }
    batch.push_back({std::string(frame.topic), std::string(frame.payload)});
    bytes += frame.topic.size() + frame.payload.size();
    next = frame.header.sequence + 1;
  }
  report_.messages += batch.size();
  report_.bytes += bytes;
  return batch;
}

Result<void> Import::add(const std::vector<Kept>& batch) {
  std::vector<Outcome> outcomes;
  auto done = commit_patiently(
      [&]() -> Result<void> {
        if (auto room = door_->reserve(2 * batch_bytes); !room) return room;
        for (const Kept& kept : batch) {
          door_->add({.topic = kept.topic, .payload = kept.payload, .qos = 1, .imported = true});
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
    ++(stored ? report_.journaled : report_.duplicates);
    if (stored && outcome.verdict == Verdict::invalid) ++report_.invalid;
    if (stored && outcome.verdict >= Verdict::unmatched && outcome.verdict != Verdict::invalid) {
      ++report_.unmatched;
    }
  }
}

}  // namespace

std::string to_json(const ImportReport& r, const std::string& path) {
  std::string name, card;
  append_json_string(path, name);
  for (const std::uint8_t byte : r.card) card += fmt::format("{:02x}", byte);
  return fmt::format(
      R"({{"path":{},"card":"{}","last_sequence":{},"earlier":{},"messages":{},"bytes":{},)"
      R"("journaled":{},"duplicates":{},"invalid":{},"unmatched":{},"missing":{},)"
      R"("damaged_places":{}}})",
      name, card, r.last_sequence, r.earlier, r.messages, r.bytes, r.journaled, r.duplicates,
      r.invalid, r.unmatched, r.missing, r.damaged_places);
}

std::string to_text(const ImportReport& r, const std::string& path) {
  std::string out = fmt::format("{}: ", path);
  if (r.messages == 0) {
    out += r.last_sequence == 0
               ? "no messages on the card"
               : fmt::format("nothing new, all {} messages came earlier", r.last_sequence);
  } else {
    out += fmt::format("{} messages ({} to {})", r.messages, r.first_sequence, r.last_sequence);
    if (r.earlier > 0) out += fmt::format(", {} came earlier", r.earlier);
    if (r.duplicates > 0) out += fmt::format(", {} were there already", r.duplicates);
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
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    return Error{Errc::invalid_argument, path + ": not a regular file; copy the card's file first"};
  }
  auto card = CardFile::open(path, environment.files);
  if (!card) return card.error();
  return Import(ingest, journal_path, (*card)->journal(), environment, std::move(stop)).run();
}

}  // namespace telemetry
