// SPDX-License-Identifier: Apache-2.0
#include "telemetry/dead_letter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "dead_letter/handled.hpp"
#include "telemetry/export.hpp"

/// The second journal.
///
/// A consumer of the main journal like any other, except that it takes what the others leave: each
/// message with a dead verdict becomes one frame here, with topic, payload, times, verdict and
/// reason as they were, the judging schema's document before it, and the main sequence as
/// `reference`. What is wrong with it stands before it too, each broken rule with place, value
/// found and value allowed: found by judging it again, for the journal has only the first rule.
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
/// Bounds: the cap of JournalOptions; the oldest segments are dropped, and counted. What one write
/// brings goes in by pieces of a segment. A message that is larger than this journal takes, which
/// may be smaller than the main one, is dropped, counted and said: it must not hold up all others.
namespace telemetry {
namespace {

constexpr std::string_view dead_letters_component = "dead_letters";
const char* const source_cursor = "source";
constexpr std::size_t snapshot_bytes = 8;
constexpr std::uint32_t log_lines_max = 10;               // about messages that are too large
constexpr std::int64_t log_interval_ns = 10'000'000'000;  // in so long
constexpr std::size_t problems_bytes_max = 4'096;         // of one message, but for the first
constexpr std::size_t reason_bytes_max = 1'024;
// Each problem is put into words by reading the payload again: of large ones fewer are told, or one
// device could hold up all consumers.
constexpr std::size_t reread_bytes_max = 1024 * 1024;

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
      : options_(options),
        sizes_(sizes_of(options)),
        environment_(std::move(environment)),
        too_large_log_(environment_.clock, log_lines_max, log_interval_ns) {
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
  [[nodiscard]] const std::string& path() const noexcept override { return options_.path; }
  [[nodiscard]] Result<std::uint64_t> durable_end(std::int64_t timeout_ns) override;

 private:
  struct Tail {  // newest frame of the consumer's own, as recovery finds it
    std::uint64_t sequence = 0;
    std::uint64_t reference = 0;
  };
  [[nodiscard]] Result<void> begin_anew();
  [[nodiscard]] Result<void> follow(const JournalId& journal);
  [[nodiscard]] bool fits(const Reading& reading);
  [[nodiscard]] std::string with_room(const Reading& reading, std::string problems) const;
  void add(const Reading& reading, std::string problems);
  [[nodiscard]] Result<void> store();
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] std::string document(std::uint64_t id) const;

  JournalOptions options_;
  const JournalSizes sizes_;
  Environment environment_;
  RateLimit too_large_log_;
  mutable std::mutex mutex_;  // keep() comes from other consumers' threads
  std::condition_variable opened_;
  std::unique_ptr<Journal> journal_;
  Tail tail_;
  JournalId source_{};      // the main journal that tail_.reference belongs to
  std::uint64_t done_ = 0;  // main sequence
  std::uint64_t too_large_ = 0;
  // Of the piece under way.
  std::vector<Journal::Record> records_;
  std::deque<std::string> problems_;  // that records point to
  std::size_t bytes_ = 0;
  std::map<std::uint64_t, const Schema*> schemas_;
};

std::size_t frame_bytes(const Reading& reading, std::string_view problems = {}) noexcept {
  return core::frame_size(reading.topic.size(), reading.payload.size(), true) +
         (problems.empty() ? 0 : core::frame_size(0, problems.size(), false));
}

void append_problem(const Problem& problem, std::string& out) {
  const auto member = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (out.back() != '{') out += ',';
    append_json_string(name, out);
    out += ':';
    append_json_string(value, out);
  };
  out += '{';
  member("path", problem.path);
  if (problem.rule != core::Rule::none) member("rule", core::to_string(problem.rule));
  member("found", problem.found);
  member("allowed", problem.allowed);
  member("message", problem.message);
  out += '}';
}

/// As docs/formats/journal_v1.md says; empty when the frame's reason says it all.
std::string problems_of(const Reading& reading) {
  if (reading.schema == nullptr) return {};
  std::string out = "[";
  std::size_t reread_bytes = 0;
  for (const core::Violation& violation : violations_of(reading)) {
    const std::size_t end = out.size();
    if (end > 1 && (reread_bytes += reading.payload.size()) > reread_bytes_max) break;
    if (end > 1) out += ',';
    append_problem(reading.schema->explain(violation, reading.document), out);
    if (end == 1 || out.size() < problems_bytes_max) continue;
    out.resize(end);
    break;
  }
  return out.size() > 1 ? out + "]" : std::string();
}

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
  if (auto begun = begin_anew(); !begun) {
    journal_.reset();
    return begun;
  }
  opened_.notify_all();
  return {};
}

/// Where segments were deleted, new letters get numbers of old ones that were handled.
Result<void> JournalSink::begin_anew() {
  auto handled = Handled::load(environment_.files, options_.path);
  if (!handled) {
    environment_.log(LogLevel::error, dead_letters_component, to_string(handled.error()));
    return {};
  }
  if (!handled->forget_above(journal_->durable_end())) return {};
  return handled->store(environment_.files, options_.path);
}

Result<std::uint64_t> JournalSink::durable_end(std::int64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  if (!opened_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                        [this] { return journal_ != nullptr; })) {
    return Error{Errc::unavailable, options_.path + ": the dead-letter journal is not open"};
  }
  return journal_->durable_end();
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

bool JournalSink::fits(const Reading& reading) {
  const std::size_t bytes = frame_bytes(reading);
  if (bytes <= sizes_.append_bytes_max && bytes <= core::frame_bytes_max) return true;
  ++too_large_;
  std::uint64_t suppressed = 0;
  if (too_large_log_.allow(suppressed)) {
    environment_.log(
        LogLevel::error, dead_letters_component,
        fmt::format("{}: message {} on {} is dropped: it has {} bytes, and {} fit (raise "
                    "dead_letters.size_max_mb; {} more like it not shown)",
                    options_.path, reading.id, reading.topic, bytes,
                    std::min<std::uint64_t>(sizes_.append_bytes_max, core::frame_bytes_max),
                    suppressed));
  }
  return false;
}

/// A message goes in without them when they would keep it out.
std::string JournalSink::with_room(const Reading& reading, std::string problems) const {
  if (frame_bytes(reading, problems) > sizes_.append_bytes_max) problems.clear();
  return problems;
}

void JournalSink::add(const Reading& reading, std::string problems) {
  bytes_ += frame_bytes(reading, problems);
  Journal::Record& record = records_.emplace_back();
  record.header.received_at = reading.received_at;
  record.header.time = reading.time;
  record.header.schema_id = reading.schema == nullptr ? 0 : reading.schema->id();
  record.header.reference = reading.id;
  record.header.verdict = static_cast<std::uint8_t>(reading.verdict);
  // The readings beside it went their own ways.
  record.header.flags = static_cast<std::uint16_t>((reading.flags & ~core::frame_flag::more) |
                                                   core::frame_flag::has_reference);
  record.header.reason = static_cast<std::uint8_t>(reading.reason);
  record.topic = reading.topic;
  record.payload = reading.payload;
  if (!problems.empty()) record.problems = problems_.emplace_back(std::move(problems));
  if (reading.schema != nullptr) schemas_[reading.schema->id()] = reading.schema;
}

/// Makes the piece under way durable and begins another.
Result<void> JournalSink::store() {
  Result<void> stored = journal_->reserve(bytes_);
  if (stored) {
    auto ticket = journal_->append(records_);
    stored = ticket ? journal_->sync(*ticket) : std::move(ticket).error();
  }
  records_.clear();
  problems_.clear();
  schemas_.clear();
  bytes_ = 0;
  return stored;
}

Result<WriteReport> JournalSink::write(const JournalId& journal, std::span<const BatchPtr> batches,
                                       const OnRejected&) {
  const std::lock_guard lock(mutex_);
  if (!journal_) return Error{Errc::failed_precondition, "dead letters: not open"};
  WriteReport report;
  if (auto followed = follow(journal); !followed) return std::move(followed).error();
  std::uint64_t newest = tail_.reference;
  const auto store_piece = [&]() -> Result<void> {
    if (records_.empty()) return {};
    // A new segment's snapshot is taken in here, before the state moves.
    auto stored = store();
    if (stored) tail_.reference = newest;
    return stored;
  };
  for (const BatchPtr& batch : batches) {
    for (const Reading& reading : batch->readings) {
      ++report.accepted;
      if (reading.id <= newest || !fits(reading)) continue;
      std::string problems = with_room(reading, problems_of(reading));
      if (bytes_ + frame_bytes(reading, problems) > sizes_.segment_bytes) {
        if (auto stored = store_piece(); !stored) return std::move(stored).error();
      }
      add(reading, std::move(problems));
      newest = reading.id;
    }
  }
  if (auto stored = store_piece(); !stored) return std::move(stored).error();
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
  for (const Rejected& rejected : readings) {
    const Reading& reading = *rejected.reading;
    if (!fits(reading)) continue;
    std::string problems = "[";
    append_problem({.message = rejected.reason.substr(0, reason_bytes_max)}, problems);
    problems = with_room(reading, std::move(problems += ']'));
    if (bytes_ + frame_bytes(reading, problems) > sizes_.segment_bytes) {
      if (auto stored = store(); !stored) return stored;
    }
    add(reading, std::move(problems));
    records_.back().header.reason = static_cast<std::uint8_t>(core::Rule::custom);
  }
  return records_.empty() ? Result<void>() : store();
}

JournalStats JournalSink::stats() const {
  const std::lock_guard lock(mutex_);
  if (!journal_) return {};
  JournalStats stats = journal_->stats();
  stats.dropped_frames += too_large_;
  return stats;
}

}  // namespace

std::unique_ptr<DeadLetterSink> make_dead_letter_sink(const JournalOptions& options,
                                                      Environment environment) {
  return std::make_unique<JournalSink>(options, std::move(environment));
}

}  // namespace telemetry
