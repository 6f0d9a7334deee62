// SPDX-License-Identifier: Apache-2.0
#include "telemetry/dead_letter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "telemetry/schema.hpp"

/// The second journal.
///
/// A consumer of the main journal like any other, except that it takes what the others leave: each
/// message with a dead verdict becomes one frame here, with topic, payload, times, verdict and
/// reason as they were, the judging schema's document before it, and the main sequence as
/// `reference`.
///
/// Exactly once: its cursor in the main journal may lie behind after a crash, so the last reference
/// that is here decides. It is found at open in the tail segment, whose snapshot carries it over
/// from the segment before. References count within one main journal only: the cursor file `source`
/// names that journal and the sequence here from which on the frames are its own; it is written
/// before the first of them.
///
/// What another sink refused for good comes through keep(), with its own verdict: these frames lie
/// outside that order and may come twice after a crash.
///
/// Bounds: the cap of JournalOptions; the oldest segments are dropped, and counted.
namespace telemetry {
namespace {

constexpr std::string_view dead_letters_component = "dead_letters";
const char* const source_cursor = "source";
constexpr std::size_t snapshot_bytes = 8;
constexpr std::size_t piece_bytes = 64 * 1024;

std::uint64_t read_number(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < snapshot_bytes; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

class JournalSink final : public DeadLetterSink {
 public:
  JournalSink(const JournalOptions& options, Environment environment)
      : options_(options), environment_(std::move(environment)) {
    options_.when_full = WhenFull::drop_oldest;
  }

  [[nodiscard]] std::string name() const override { return "dead_letters"; }
  [[nodiscard]] Result<void> open() override;
  [[nodiscard]] SinkTraits traits() const override {
    return {.takes_living = false, .takes_dead = true};
  }
  [[nodiscard]] Result<WriteReport> write(const JournalId& journal,
                                          std::span<const BatchPtr> batches,
                                          const OnRejected&) override;
  [[nodiscard]] Result<std::uint64_t> flush() override { return done_; }
  void close() noexcept override;
  [[nodiscard]] Result<void> keep(std::span<const Rejected> readings) override;
  [[nodiscard]] JournalStats stats() const override;

 private:
  struct Tail {  // newest frame of the consumer's own, as recovery finds it
    std::uint64_t sequence = 0;
    std::uint64_t reference = 0;
  };
  [[nodiscard]] Result<void> follow(const JournalId& journal);
  void add(const Reading& reading);
  [[nodiscard]] Result<void> store();
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] std::string document(std::uint64_t id) const;

  JournalOptions options_;
  Environment environment_;
  mutable std::mutex mutex_;  // keep() comes from other consumers' threads
  std::unique_ptr<Journal> journal_;
  Tail tail_;
  JournalId source_{};      // the main journal that tail_.reference belongs to
  std::uint64_t done_ = 0;  // main sequence
  std::vector<Journal::Record> records_;
  std::map<std::uint64_t, const Schema*> schemas_;  // of the write under way
};

Result<void> JournalSink::open() {
  const std::lock_guard lock(mutex_);
  journal_.reset();
  tail_ = {};
  SegmentContent content;
  content.schema_document = [this](std::uint64_t id) { return document(id); };
  content.snapshot = [this] { return snapshot(); };
  auto journal = Journal::open(options_, environment_, std::move(content),
                               [this](const core::FrameView& frame) {
                                 if (frame.header.kind == core::FrameKind::snapshot &&
                                     frame.payload.size() == snapshot_bytes) {
                                   tail_ = {frame.header.sequence - 1, read_number(frame.payload)};
                                 }
                                 if (frame.header.kind == core::FrameKind::message &&
                                     is_dead(static_cast<Verdict>(frame.header.verdict))) {
                                   tail_ = {frame.header.sequence, frame.header.reference};
                                 }
                               });
  if (!journal) return std::move(journal).error();
  auto source = (*journal)->load_cursor(source_cursor);
  if (!source) return std::move(source).error();
  source_ = source->has_value() ? (*source)->journal : JournalId{};
  // Frames up to there belong to another main journal.
  if (source->has_value() && tail_.sequence <= (*source)->sequence) tail_.reference = 0;
  journal_ = std::move(*journal);
  return {};
}

void JournalSink::close() noexcept {
  const std::lock_guard lock(mutex_);
  journal_.reset();
}

Snapshot JournalSink::snapshot() const {
  std::string bytes;
  for (std::size_t i = 0; i < snapshot_bytes; ++i) {
    bytes.push_back(static_cast<char>(tail_.reference >> (8 * i)));
  }
  return Snapshot::of(std::move(bytes));
}

std::string JournalSink::document(std::uint64_t id) const {
  const auto found = schemas_.find(id);
  return found == schemas_.end() ? std::string() : found->second->document();
}

/// References from here on belong to this main journal.
Result<void> JournalSink::follow(const JournalId& journal) {
  if (source_ == journal) return {};
  if (auto stored = journal_->store_cursor(source_cursor, {journal, journal_->durable_end()});
      !stored) {
    return stored;
  }
  source_ = journal;
  tail_.reference = 0;
  return {};
}

void JournalSink::add(const Reading& reading) {
  Journal::Record& record = records_.emplace_back();
  record.header.received_at = reading.received_at;
  record.header.time = reading.time;
  record.header.schema_id = reading.schema == nullptr ? 0 : reading.schema->id();
  record.header.reference = reading.id;
  record.header.verdict = static_cast<std::uint8_t>(reading.verdict);
  record.header.flags = static_cast<std::uint16_t>(reading.flags | core::frame_flag::has_reference);
  record.header.reason = static_cast<std::uint8_t>(reading.reason);
  record.topic = reading.topic;
  record.payload = reading.payload;
  if (reading.schema != nullptr) schemas_[reading.schema->id()] = reading.schema;
}

/// All records with one sync, in pieces that fit into a segment.
Result<void> JournalSink::store() {
  Journal::Ticket newest;
  std::span<Journal::Record> rest = records_;
  while (!rest.empty()) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (count < rest.size() && bytes < piece_bytes) {
      bytes += core::frame_size(rest[count].topic.size(), rest[count].payload.size(), true);
      ++count;
    }
    if (auto reserved = journal_->reserve(bytes); !reserved) return reserved;
    auto ticket = journal_->append(rest.first(count));
    if (!ticket) return std::move(ticket).error();
    newest = *ticket;
    rest = rest.subspan(count);
  }
  return journal_->sync(newest);
}

Result<WriteReport> JournalSink::write(const JournalId& journal, std::span<const BatchPtr> batches,
                                       const OnRejected&) {
  const std::lock_guard lock(mutex_);
  if (!journal_) return Error{Errc::failed_precondition, "dead letters: not open"};
  WriteReport report;
  if (auto followed = follow(journal); !followed) return std::move(followed).error();
  records_.clear();
  schemas_.clear();
  std::uint64_t newest = tail_.reference;
  for (const BatchPtr& batch : batches) {
    for (const Reading& reading : batch->readings) {
      ++report.accepted;
      if (reading.id <= tail_.reference) continue;
      add(reading);
      newest = reading.id;
    }
  }
  if (!records_.empty()) {
    // A new segment's snapshot is taken in here, before the state moves.
    if (auto stored = store(); !stored) return std::move(stored).error();
    tail_.reference = newest;
  }
  done_ = report.durable = batches.empty() ? done_ : batches.back()->last;
  return report;
}

Result<void> JournalSink::keep(std::span<const Rejected> readings) {
  const std::lock_guard lock(mutex_);
  if (!journal_) {
    return Error{Errc::unavailable,
                 fmt::format("{}: the dead-letter journal is not open; {} messages, the first {}, "
                             "wait",
                             options_.path, readings.size(), readings.front().reading->id)};
  }
  records_.clear();
  schemas_.clear();
  for (const Rejected& rejected : readings) {
    add(*rejected.reading);
    records_.back().header.reason = static_cast<std::uint8_t>(core::Rule::custom);
  }
  return store();
}

JournalStats JournalSink::stats() const {
  const std::lock_guard lock(mutex_);
  return journal_ ? journal_->stats() : JournalStats{};
}

}  // namespace

std::unique_ptr<DeadLetterSink> make_dead_letter_sink(const JournalOptions& options,
                                                      Environment environment) {
  return std::make_unique<JournalSink>(options, std::move(environment));
}

}  // namespace telemetry
