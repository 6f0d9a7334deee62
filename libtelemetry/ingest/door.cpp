// SPDX-License-Identifier: Apache-2.0
#include "ingest/door.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "telemetry/core/limits.hpp"

namespace telemetry {
namespace {

namespace frame_flag = core::frame_flag;

/// Broken rules of one batch that are kept for people; more messages are judged again.
constexpr std::size_t batch_violations_max = 4'096;
/// Of what lenient mode read fewer are: every message may have some, and few are ever logged.
constexpr std::size_t batch_notes_max = 64;
constexpr std::uint16_t noted_flags = frame_flag::coerced | frame_flag::rounded;

/// While more comes, a batch grows for so many times as long as the last sync took: the disk may
/// take a fifth of the time, not more.
constexpr std::int64_t growth_per_sync = 4;
constexpr std::int64_t growth_ns_max = 20'000'000;

std::size_t frame_bytes(const Message& message) noexcept {
  return core::frame_size(message.topic.size(), message.payload.size(), message.reference != 0);
}

bool is_numbered(const Reading& reading) noexcept {
  return (reading.flags & frame_flag::has_sequence) != 0;
}

}  // namespace

JournalDoor::JournalDoor(IngestState& ingest)
    : ingest_(ingest),
      topics_(std::max<std::size_t>(ingest.options.topics_cached_max, 1)),
      interval_ns_(ingest.options.sync_interval_ns) {}

JournalDoor::~JournalDoor() { abort(); }

Result<void> JournalDoor::reserve(std::size_t bytes) {
  // Not more than a batch has, or a small segment would be closed each time.
  return ingest_.journal().reserve(std::min(bytes, ingest_.batch_bytes()) + open_bytes_);
}

void JournalDoor::open_batch() {
  const std::uint64_t version = ingest_.schemas_version();
  if (version != schemas_version_) {
    topics_.clear();
    schemas_ = ingest_.schemas();
    schemas_version_ = version;
  }
  batch_ = ingest_.pool->take();
  batch_->schemas = schemas_;
}

void JournalDoor::add(const Message& message) {
  if (batch_ == nullptr) open_batch();
  const std::uint32_t added = added_++;
  ++counts_.sums.received;
  counts_.sums.received_bytes += message.payload.size();
  if (message.retained && message.retained_policy == RetainedPolicy::ignore) {
    ++counts_.sums.retained_ignored;
    left_out_.emplace_back(added, Outcome::Kind::retained_ignored);
    return;
  }
  const bool fits = message.payload.size() <= core::payload_bytes_max &&
                    frame_bytes(message) <= ingest_.message_bytes_max();
  const KnownTopic* topic = fits ? topics_.find(message.topic, schemas_.get()) : nullptr;
  if (topic == nullptr) {
    ++counts_.sums.refused;
    left_out_.emplace_back(added, Outcome::Kind::refused);
    ingest_.log_refused(message);
    return;
  }
  const Schema* schema = topic->schema;
  if (!topic->candidates.empty()) {
    const UnfoldInput input{message.topic, message.payload, 0, message.unfolded,
                            births_of(message)};
    const auto taken = std::ranges::find_if(topic->candidates,
                                            [&](const Schema* one) { return one->takes(input); });
    schema = taken == topic->candidates.end() ? nullptr : *taken;
  }
  if (schema == nullptr && ingest_.options.unmatched == Unmatched::drop && message.reference == 0) {
    ++counts_.sums.unmatched_dropped;
    left_out_.emplace_back(added, Outcome::Kind::dropped);
    return;
  }
  if (batch_->readings.empty()) opened_at_ = ingest_.environment.clock.monotonic();
  const std::int64_t received_at =
      message.received_at != 0 ? message.received_at : ingest_.environment.clock.now();
  if (schema != nullptr && !topic->candidates.empty()) {
    add_records(*schema, topic->hash, message, received_at);
    return;
  }
  KnownTopic unmatched;
  if (schema != topic->schema) {
    unmatched.hash = topic->hash;
    topic = &unmatched;
  }
  const Judge::Judgement judgement = judge_.add(*topic, message, received_at, *batch_);
  if (message.reference != 0 && !take_replay(message)) {
    left_out_.emplace_back(added, Outcome::Kind::still_dead);
    return;
  }
  remember(judgement,
           schema != nullptr && schema->sequence_per_device() && topic->device_bytes != 0,
           topic->device_hash);
  pending_.back().added = added;
  pending_.back().skip_stored =
      message.retained && message.retained_policy == RetainedPolicy::skip_stored;
  open_bytes_ += frame_bytes(message);
  note_open(1);
}

void JournalDoor::note_open(std::size_t readings) {
  ingest_.messages_open.fetch_add(readings, std::memory_order_relaxed);
  const std::size_t now = batch_->readings.size();
  const std::size_t high = ingest_.options.high_water_messages;
  if (now < high || now - readings >= high) return;
  ++counts_.sums.high_water;
  if (ingest_.callbacks.on_high_water) {
    ingest_.callbacks.on_high_water(now, ingest_.options.batch_messages_max);
  }
}

/// What is replayed or imported has its own past, and must not take the place of what nodes say
/// now.
SparkplugBirths* JournalDoor::births_of(const Message& message) const noexcept {
  return message.reference != 0 || message.imported ? &ingest_.births_of_copies : &ingest_.births;
}

/// A message whose schema unfolds it: any number of readings, all in this batch.
void JournalDoor::add_records(const Schema& schema, std::uint64_t topic_hash,
                              const Message& message, std::int64_t received_at) {
  const std::uint32_t added = added_ - 1;
  Message kept = message;
  // A birth is learned before it is durable. Should the batch fail, its names are the node's all
  // the same: it did say them, and either says them again or says other ones.
  Unfolded unfolded =
      unfold_into(schema, kept, received_at, *batch_, unfolded_, births_of(message));
  std::size_t bytes = 0;
  for (const Record& record : unfolded_)
    bytes += core::frame_size(kept.topic.size(), record.payload.size(), message.reference != 0);
  if (bytes > ingest_.message_bytes_max() && unfolded.made) {
    // As one dead letter it fits: so it was checked.
    unfolded.refusal = core::Rule::records;
    kept.unfolded = message.unfolded;
    unfolded_.assign(1, {kept.payload, kept.payload, unfolded_.front().device});
    bytes = frame_bytes(message);
  }
  counts_.sums.content_dropped += unfolded.dropped;
  if (unfolded_.empty()) {
    if (unfolded.dropped == 0) ++counts_.sums.content_dropped;  // an empty list
    left_out_.emplace_back(
        added, message.reference != 0 ? Outcome::Kind::still_dead : Outcome::Kind::dropped);
    return;
  }
  const std::size_t first = batch_->readings.size();
  const bool several = kept.unfolded && !message.unfolded;
  std::size_t taken = 0;
  for (const Record& record : unfolded_) {
    const Judge::Judgement judgement =
        judge_.add(schema, topic_hash, record, unfolded.refusal, kept, received_at, *batch_);
    const Reading& reading = batch_->readings.back();
    if (reading.verdict == Verdict::valid) ++taken;
    const bool per_device = schema.sequence_per_device() && !reading.device.empty();
    Pending& pending = remember(judgement, per_device, per_device ? hash64(reading.device) : 0);
    pending.added = added;
    pending.skip_stored =
        message.retained && message.retained_policy == RetainedPolicy::skip_stored;
    pending.of_several = several;
    pending.number_of_message = schema.numbers_messages();
  }
  if (message.reference != 0) {
    if (taken == 0) {  // it stays where it is
      batch_->readings.resize(first);
      pending_.resize(first);
      --counts_.sums.received;
      counts_.sums.received_bytes -= message.payload.size();
      left_out_.emplace_back(added, Outcome::Kind::still_dead);
      return;
    }
    // Those that are still invalid become letters of their own.
    for (Reading& reading : std::span(batch_->readings).subspan(first)) {
      if (reading.verdict != Verdict::valid) continue;
      reading.reference = message.reference;
      reading.flags |= frame_flag::has_reference;
    }
  }
  if (several) {
    MessageHash hash;
    for (std::size_t i = first; i < pending_.size(); ++i) hash.add(pending_[i].payload_hash);
    for (std::size_t i = first; i < pending_.size(); ++i) pending_[i].message_hash = hash.value();
  }
  open_bytes_ += bytes;
  note_open(batch_->readings.size() - first);
}

/// @returns false when it stays among the dead letters: then nothing of it is counted.
bool JournalDoor::take_replay(const Message& message) {
  Reading& reading = batch_->readings.back();
  if (reading.verdict == Verdict::valid ||
      (reading.verdict == Verdict::unmatched && ingest_.options.unmatched == Unmatched::store)) {
    reading.reference = message.reference;
    reading.flags |= frame_flag::has_reference;
    return true;
  }
  batch_->readings.pop_back();
  --counts_.sums.received;
  counts_.sums.received_bytes -= message.payload.size();
  return false;
}

JournalDoor::Pending& JournalDoor::remember(const Judge::Judgement& judgement, bool per_device,
                                            std::uint64_t device_hash) {
  Reading& reading = batch_->readings.back();
  if (reading.verdict == Verdict::unmatched &&
      ingest_.options.unmatched == Unmatched::dead_letter) {
    reading.verdict = Verdict::unmatched_dead;
  }
  Pending& pending = pending_.emplace_back();
  pending.payload_hash = hash64(reading.payload);
  pending.time_missing = judgement.time_missing;
  pending.time_absurd = judgement.time_absurd;
  pending.per_device = per_device;
  pending.device_hash = device_hash;
  const bool valid = reading.verdict == Verdict::valid;
  const auto remarks = valid ? judgement.notes : judgement.violations;
  if (violations_.size() + remarks.size() <= (valid ? batch_notes_max : batch_violations_max)) {
    pending.first_violation = static_cast<std::uint32_t>(violations_.size());
    pending.violations = static_cast<std::uint32_t>(remarks.size());
    violations_.insert(violations_.end(), remarks.begin(), remarks.end());
  }
  return pending;
}

bool JournalDoor::should_commit() const noexcept {
  const std::size_t messages = open_messages();
  if (messages == 0) return false;
  return ingest_.options.sync == SyncMode::always || open_bytes_ >= ingest_.batch_bytes() ||
         messages >= ingest_.options.batch_messages_max ||
         ingest_.environment.clock.monotonic() - opened_at_ >= interval_ns_;
}

Result<void> JournalDoor::commit(std::vector<Outcome>* outcomes) {
  if (open_messages() == 0) {
    if (outcomes != nullptr) *outcomes = outcomes_of_batch();
    forget();
    ingest_.merge(counts_);
    return {};
  }
  auto appended = append_open();
  if (!appended) return fail(std::move(appended).error());
  if (appended->has_value()) {
    if (auto synced = sync(**appended); !synced) return fail(std::move(synced).error());
  }
  if (!batch_->readings.empty()) {
    ingest_.processing.observe(ingest_.environment.clock.monotonic() - opened_at_);
    ingest_.publish(batch_->last);
  }
  count_stored();
  ingest_.merge(checked_);
  ingest_.merge(counts_);
  tell();
  if (outcomes != nullptr) *outcomes = outcomes_of_batch();
  forget();
  return {};
}

std::vector<Outcome> JournalDoor::outcomes_of_batch() const {
  std::vector<Outcome> all(added_);
  for (const auto& [added, kind] : left_out_) all[added].kind = kind;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Reading& reading = batch_->readings[i];
    Outcome& outcome = all[pending_[i].added];
    outcome.id = reading.id;
    outcome.verdict = reading.verdict;
    if (is_dead(reading.verdict)) outcome.problems = describe(reading, pending_[i]);
  }
  return all;
}

Result<void> JournalDoor::sync(const Journal::Ticket& ticket) {
  Clock& clock = ingest_.environment.clock;
  const std::int64_t began = clock.monotonic();
  auto synced = ingest_.journal().sync(ticket);
  const std::int64_t took = clock.monotonic() - began;
  if (synced) ingest_.sync.observe(took);
  const std::int64_t growth_ns = growth_per_sync * took;
  interval_ns_ = std::max(ingest_.options.sync_interval_ns, std::min(growth_ns, growth_ns_max));
  return synced;
}

/// @returns what to wait for; nothing when all of it is durable already.
Result<JournalDoor::Appended> JournalDoor::append_open() {
  Journal& journal = ingest_.journal();
  const auto lock = journal.lock();
  ingest_.sequences.settle(journal.durable_end());
  if (auto reserved = journal.reserve(open_bytes_); !reserved) return std::move(reserved).error();
  check_sequences();
  if (batch_->readings.empty()) {
    // The originals of these repeats may not be durable yet, and fail.
    return ingest_.sequences.has_unsettled() ? Appended(ingest_.last_ticket) : Appended();
  }
  fill_records();
  auto ticket = journal.append(records_);
  if (!ticket) {
    ingest_.sequences.undo_open();
    return std::move(ticket).error();
  }
  for (std::size_t i = 0; i < records_.size(); ++i) {
    batch_->readings[i].id = records_[i].header.sequence;
    batch_->readings[i].received_at = records_[i].header.received_at;
  }
  ingest_.appended(*ticket, batch_);
  return Appended(*ticket);
}

void JournalDoor::check_sequences() {
  auto& readings = batch_->readings;
  std::size_t kept = 0;
  for (std::size_t first = 0, end = 0; first < readings.size(); first = end) {
    // One message, which is one reading but for records.
    end = first + 1;
    while (pending_[first].of_several && end < readings.size() &&
           pending_[end].added == pending_[first].added)
      ++end;
    if (pending_[first].of_several && !check_message(first, end)) continue;
    const std::size_t kept_first = kept;
    for (std::size_t i = first; i < end; ++i) {
      if (!check(readings[i], pending_[i])) continue;
      if (kept != i) {
        readings[kept] = readings[i];
        pending_[kept] = pending_[i];
      }
      ++kept;
    }
    for (std::size_t i = kept_first; i + 1 < kept; ++i) readings[i].flags |= frame_flag::more;
  }
  ingest_.messages_open.fetch_sub(readings.size() - kept, std::memory_order_relaxed);
  readings.resize(kept);
  pending_.resize(kept);
}

/// Of a message of several readings.
/// @returns false when it came before and is dropped.
bool JournalDoor::check_message(std::size_t first, std::size_t end) {
  Reading& reading = batch_->readings[first];
  const Pending& pending = pending_[first];
  if ((reading.flags & frame_flag::has_reference) != 0) return true;
  const auto readings = std::span(batch_->readings).subspan(first, end - first);
  SequenceState::Offer offer = offer_of(reading, pending);
  offer.payload_hash = pending.message_hash;
  offer.identity = 0;
  const auto is_known_again = [](const Reading& one) {
    return is_numbered(one) || identity_of(one) != 0;
  };
  const auto decision = ingest_.sequences.offer_message(
      offer, pending.number_of_message, std::ranges::any_of(readings, is_known_again));
  if (is_to_store(decision, pending)) {
    note_decision(reading, pending, decision);
    return true;
  }
  // The message counts once where it is told of, each reading where readings are counted.
  IngestStats& sums = checked_.sums;
  const bool skipped = decision.outcome == SequenceState::Outcome::retained_skipped;
  (skipped ? sums.retained_skipped : sums.duplicates) += end - first - 1;
  return false;
}

SequenceState::Offer JournalDoor::offer_of(const Reading& reading, const Pending& pending) {
  SequenceState::Offer offer;
  offer.topic = reading.topic;
  offer.topic_hash = reading.topic_hash;
  offer.payload_hash = pending.payload_hash;
  offer.message_hash = pending.message_hash;
  offer.number = reading.sequence;
  offer.numbered = is_numbered(reading);
  offer.may_come_again = (reading.flags & frame_flag::qos_mask) != 0;
  offer.skip_stored = pending.skip_stored;
  offer.identity = identity_of(reading);
  if (pending.per_device) {
    offer.device = reading.device;
    offer.device_hash = pending.device_hash;
  }
  return offer;
}

bool JournalDoor::is_to_store(const SequenceState::Decision& decision, const Pending& pending) {
  switch (decision.outcome) {
    case SequenceState::Outcome::duplicate:
      ++checked_.sums.duplicates;
      left_out_.emplace_back(pending.added, Outcome::Kind::duplicate);
      return false;
    case SequenceState::Outcome::retained_skipped:
      ++checked_.sums.retained_skipped;
      left_out_.emplace_back(pending.added, Outcome::Kind::retained_skipped);
      return false;
    case SequenceState::Outcome::store:
      break;
  }
  return true;
}

/// @returns false when the reading came before and is dropped.
bool JournalDoor::check(Reading& reading, const Pending& pending) {
  // Later messages of its device have come: a replayed dead letter would look like a reset.
  if ((reading.flags & frame_flag::has_reference) != 0) return true;
  SequenceState::Offer offer = offer_of(reading, pending);
  if (pending.of_several) {
    // The message was asked for what it is as a whole.
    offer.may_come_again = offer.skip_stored = false;
    offer.numbered = offer.numbered && !pending.number_of_message;
  }
  const SequenceState::Decision decision = ingest_.sequences.offer(offer);
  if (!is_to_store(decision, pending)) return false;
  note_decision(reading, pending, decision);
  return true;
}

void JournalDoor::note_decision(Reading& reading, const Pending& pending,
                                const SequenceState::Decision& decision) {
  IngestStats& sums = checked_.sums;
  reading.flags |= decision.flags;
  if ((decision.flags & frame_flag::late_unchecked) != 0) ++sums.late_unchecked;
  if ((decision.flags & frame_flag::sequence_gap) != 0) {
    ++sums.gaps;
    sums.gap_messages += decision.missing;
    reading.missing =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(decision.missing, UINT32_MAX));
  }
  if ((decision.flags & frame_flag::sequence_reset) != 0) ++sums.resets;
  note_event(reading, pending, decision);
}

void JournalDoor::note_event(const Reading& reading, const Pending& pending,
                             const SequenceState::Decision& decision) {
  if ((decision.flags & (frame_flag::sequence_gap | frame_flag::sequence_reset)) == 0) return;
  auto& events = checked_.sums.sequence_events;
  if (events.size() >= sequence_events_max) return;
  events.push_back({.kind = (decision.flags & frame_flag::sequence_reset) != 0
                                ? SequenceEvent::Kind::reset
                                : SequenceEvent::Kind::gap,
                    .key = std::string(pending.per_device ? reading.device : reading.topic),
                    .expected = decision.expected,
                    .found = reading.sequence,
                    .received_at = reading.received_at});
}

void JournalDoor::fill_records() {
  records_.clear();
  for (const Reading& reading : batch_->readings) {
    Journal::Record& record = records_.emplace_back();
    record.header.received_at = reading.received_at;
    record.header.time = reading.time;
    record.header.schema_id = reading.schema == nullptr ? 0 : reading.schema->id();
    record.header.reference = reading.reference;
    record.header.verdict = static_cast<std::uint8_t>(reading.verdict);
    record.header.flags = reading.flags;
    record.header.reason = static_cast<std::uint8_t>(reading.reason);
    record.topic = reading.topic;
    record.payload = reading.payload;
  }
}

void JournalDoor::count_stored() {
  IngestStats& sums = checked_.sums;
  ++sums.commits;
  sums.journaled += batch_->readings.size();
  for (std::size_t i = 0; i < batch_->readings.size(); ++i) {
    const Reading& reading = batch_->readings[i];
    switch (reading.verdict) {
      case Verdict::valid:
        ++sums.valid;
        break;
      case Verdict::unmatched:
      case Verdict::unmatched_dead:
        ++sums.unmatched;
        break;
      case Verdict::invalid: {
        ++sums.invalid;
        const auto rule = static_cast<std::size_t>(reading.reason);
        ++checked_.invalid_by_rule[std::min(rule, checked_.invalid_by_rule.size() - 1)];
        break;
      }
    }
    if (pending_[i].time_missing) ++sums.time_missing;
    if (pending_[i].time_absurd) ++sums.time_absurd;
    if ((reading.flags & frame_flag::coerced) != 0) ++sums.coerced;
    if ((reading.flags & frame_flag::rounded) != 0) ++sums.rounded;
  }
}

void JournalDoor::tell() {
  for (std::size_t i = 0; i < batch_->readings.size(); ++i) {
    const Reading& reading = batch_->readings[i];
    if ((reading.flags & noted_flags) != 0) tell_noted(reading, pending_[i]);
    if (pending_[i].time_absurd) ingest_.log_time(reading);
    if (is_dead(reading.verdict)) {
      tell_invalid(reading, pending_[i]);
    } else if (ingest_.callbacks.on_message) {
      ingest_.callbacks.on_message(reading);
    }
  }
}

void JournalDoor::tell_invalid(const Reading& reading, const Pending& pending) {
  // Text is made only for someone who reads it.
  std::uint64_t suppressed = 0;
  const bool log = ingest_.may_log_invalid(suppressed);
  if (!log && !ingest_.callbacks.on_invalid) return;
  const std::vector<std::string> problems = describe(reading, pending);
  if (log) ingest_.log_invalid(reading, problems, suppressed);
  if (ingest_.callbacks.on_invalid) ingest_.callbacks.on_invalid(reading, problems);
}

void JournalDoor::tell_noted(const Reading& reading, const Pending& pending) {
  std::uint64_t suppressed = 0;
  if (!ingest_.may_log_noted(suppressed)) return;
  ingest_.log_noted(reading, describe(reading, pending), suppressed);
}

std::vector<std::string> JournalDoor::describe(const Reading& reading,
                                               const Pending& pending) const {
  if (reading.schema == nullptr) return {"no schema matches the topic"};
  std::vector<std::string> problems;
  for (std::uint32_t i = 0; i < pending.violations; ++i) {
    problems.push_back(
        reading.schema->describe(violations_[pending.first_violation + i], reading.document));
  }
  if (!problems.empty()) return problems;
  if (reading.verdict == Verdict::valid) {
    return {reading.schema->name() + ": a value is not what was written"};
  }
  // The batch had more than it keeps.
  for (const core::Violation& violation : violations_of(reading)) {
    problems.push_back(reading.schema->describe(violation, reading.document));
  }
  return problems;
}

void JournalDoor::forget() noexcept {
  ingest_.messages_open.fetch_sub(open_messages(), std::memory_order_relaxed);
  batch_.reset();
  pending_.clear();
  violations_.clear();
  records_.clear();
  left_out_.clear();
  added_ = 0;
  open_bytes_ = 0;
  checked_.clear();
}

void JournalDoor::abort() noexcept {
  // Repeats that check_sequences() dropped are no longer in the batch, but they did not happen
  // either.
  counts_.sums.aborted +=
      open_messages() + checked_.sums.duplicates + checked_.sums.retained_skipped;
  forget();
  ingest_.merge(counts_);
}

Error JournalDoor::fail(Error error) {
  const std::size_t messages =
      open_messages() + checked_.sums.duplicates + checked_.sums.retained_skipped;
  abort();
  ingest_.report(error, messages);
  return error;
}

}  // namespace telemetry
