// SPDX-License-Identifier: Apache-2.0
#include "telemetry/ingest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ingest/door.hpp"
#include "ingest/ingest_state.hpp"

/// The door of the house: one for all sources, one Door per source.
///
/// Life of a message: Door::add() copies it into the open batch and judges it, without any lock.
/// Door::commit() takes the journal's lock, makes room (a new segment takes its snapshot of the
/// sequence check here, before that moves), drops what comes again, appends the rest, lets go of
/// the lock and waits for the sync that all doors share. Then the batch is handed to the consumers,
/// in journal order, and the callbacks are called.
///
/// Invariants: nothing is acknowledged before it is durable. That holds for dropped repeats too: a
/// batch of nothing else waits for the messages that it repeats. A batch that fails never happened:
/// the journal and the sequence check go back together, under one lock, to the last durable state.
///
/// Limits: a batch holds `batch_messages_max` messages or `sync_bytes`, in a small journal a 64th
/// of it; a message what is left of JournalSizes::append_bytes_max beside that. So a journal that
/// has been read takes every batch that can come. The topic cache of each door holds
/// `topics_cached_max` topics, the sequence check `devices_max` numberings.
namespace telemetry {
namespace {

constexpr std::uint32_t log_lines_max = 10;               // of one kind
constexpr std::int64_t log_interval_ns = 10'000'000'000;  // in so long
constexpr std::uint64_t batch_share = 64;                 // of the journal

SequenceState::Options sequence_options(const IngestOptions& options,
                                        const JournalOptions& journal) {
  return {.devices_max = std::max<std::size_t>(options.devices_max, 1),
          .window = std::max<std::uint32_t>(options.window, 1),
          .recent_max = std::size_t{options.unacknowledged_max} * std::max(options.sources, 1u),
          .snapshot_bytes_max = sizes_of(journal).snapshot_bytes_max};
}

std::string held_back(std::uint64_t count) {
  return count == 0 ? std::string() : fmt::format(" ({} more like it not shown)", count);
}

}  // namespace

void IngestCounts::clear() {
  auto events = std::move(sums.sequence_events);
  events.clear();
  *this = IngestCounts();
  sums.sequence_events = std::move(events);
}

Result<std::unique_ptr<Ingest>> Ingest::open(const IngestOptions& options,
                                             const JournalOptions& journal_options,
                                             std::shared_ptr<const SchemaSet> schemas,
                                             Environment environment, IngestCallbacks callbacks) {
  auto state = std::make_unique<IngestState>(options, journal_options, std::move(schemas),
                                             std::move(environment), std::move(callbacks));
  if (auto opened = state->open_journal(journal_options); !opened) return opened.error();
  return std::unique_ptr<Ingest>(std::move(state));
}

IngestState::IngestState(const IngestOptions& ingest_options, const JournalOptions& journal_options,
                         std::shared_ptr<const SchemaSet> schemas, Environment surroundings,
                         IngestCallbacks user_callbacks)
    : options(ingest_options),
      environment(std::move(surroundings)),
      callbacks(std::move(user_callbacks)),
      sequences(sequence_options(ingest_options, journal_options)),
      batch_bytes_(static_cast<std::size_t>(std::min<std::uint64_t>(
          ingest_options.sync_bytes, journal_options.size_max_bytes / batch_share))),
      message_bytes_max_(static_cast<std::size_t>(sizes_of(journal_options).append_bytes_max) -
                         batch_bytes_),
      schemas_(std::move(schemas)),
      invalid_log_(environment.clock, log_lines_max, log_interval_ns),
      noted_log_(environment.clock, log_lines_max, log_interval_ns),
      time_log_(environment.clock, log_lines_max, log_interval_ns),
      refused_log_(environment.clock, log_lines_max, log_interval_ns),
      error_log_(environment.clock, log_lines_max, log_interval_ns) {}

Result<void> IngestState::open_journal(const JournalOptions& journal_options) {
  SegmentContent content;
  content.schema_document = [this](std::uint64_t id) { return schema_document(id); };
  content.snapshot = [this] { return sequences.roll(); };
  content.visited_messages =
      sequences.recent_max() - std::min(sequences.recent_max(), sequences.recent_in_snapshot_max());
  recovery_ = std::make_unique<Recovery>();
  auto journal = Journal::open(journal_options, environment, std::move(content),
                               [this](const core::FrameView& frame) { recover(frame); });
  if (recovery_->unknown_schema != 0) {
    environment.log(LogLevel::warn, "ingest",
                    fmt::format("{} journaled messages name a schema that is not known any more; "
                                "their numbers are not remembered",
                                recovery_->unknown_schema));
  }
  recovery_.reset();
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  tail_ = journal_->durable_end();
  journal_->on_rollback([this](std::uint64_t last_durable) { roll_back(last_durable); });
  return {};
}

void IngestState::recover(const core::FrameView& frame) {
  switch (frame.header.kind) {
    case core::FrameKind::snapshot:
      if (!sequences.load(frame.payload)) {
        environment.log(LogLevel::warn, "ingest",
                        "the journal's snapshot of the sequence check cannot be read; duplicates "
                        "of older messages will not be recognised");
      }
      break;
    case core::FrameKind::schema: {
      std::vector<Diagnostic> diagnostics;
      auto schema =
          Schema::parse(frame.payload, "journal", diagnostics, ValidationFunctions::not_called());
      if (schema) recovery_->schemas[frame.header.schema_id] = std::move(*schema);
      break;
    }
    case core::FrameKind::message:
      replay(frame);
      break;
    case core::FrameKind::tombstone:
    case core::FrameKind::padding:
    case core::FrameKind::problems:
      break;
  }
}

const Schema* IngestState::schema_of_frame(std::uint64_t id) const {
  const auto found = recovery_->schemas.find(id);
  if (found != recovery_->schemas.end()) return found->second.get();
  return schemas_ == nullptr ? nullptr : schemas_->by_id(id);
}

void IngestState::replay(const core::FrameView& frame) {
  const std::uint16_t flags = frame.header.flags;
  const bool more = (flags & core::frame_flag::more) != 0;
  // A replayed dead letter went past the sequence check.
  if ((flags & core::frame_flag::has_reference) == 0) {
    recovery_->birth.take(frame, births);
    Batch& batch = recovery_->batch;
    if (recovery_->message.empty()) batch.clear();
    SequenceState::Offer offer;
    offer.numbered = (flags & core::frame_flag::has_sequence) != 0;
    const Schema* schema = schema_of_frame(frame.header.schema_id);
    if (schema != nullptr && !offer.numbered && !schema->has_identity()) schema = nullptr;
    recovery_->judge.add(frame, schema, batch);
    const Reading& reading = batch.readings.back();
    if (offer.numbered && reading.schema == nullptr) {
      ++recovery_->unknown_schema;
      offer.numbered = false;
    }
    offer.topic = reading.topic;
    offer.topic_hash = reading.topic_hash;
    offer.payload_hash = hash64(reading.payload);
    offer.identity = identity_of(reading);
    offer.number = reading.sequence;
    offer.replayed = true;
    offer.may_come_again = (flags & core::frame_flag::qos_mask) != 0;
    if (offer.numbered && schema->sequence_per_device() && !reading.device.empty()) {
      offer.device = reading.device;
      offer.device_hash = hash64(reading.device);
    }
    if ((flags & core::frame_flag::unfolded) == 0) {
      (void)sequences.offer(offer);
    } else {
      recovery_->message.push_back(offer);
      recovery_->one_number = offer.numbered && schema->numbers_messages();
    }
  }
  if (more) return;
  if (!recovery_->message.empty()) replay_message();
  sequences.close_group(frame.header.sequence);
  sequences.settle(frame.header.sequence);
}

/// As the door offers a message of several readings.
void IngestState::replay_message() {
  auto& message = recovery_->message;
  MessageHash hash;
  for (const SequenceState::Offer& reading : message) hash.add(reading.payload_hash);
  SequenceState::Offer whole = message.front();
  whole.payload_hash = hash.value();
  whole.identity = 0;
  (void)sequences.offer_message(whole, recovery_->one_number,
                                std::ranges::any_of(message, [](const auto& reading) {
                                  return reading.numbered || reading.identity != 0;
                                }));
  for (SequenceState::Offer& reading : message) {
    reading.message_hash = hash.value();
    reading.may_come_again = false;
    reading.numbered = reading.numbered && !recovery_->one_number;
    (void)sequences.offer(reading);
  }
  message.clear();
}

std::string IngestState::schema_document(std::uint64_t id) const {
  const std::lock_guard lock(schemas_mutex_);
  if (schemas_ != nullptr) {
    if (const Schema* schema = schemas_->by_id(id)) return schema->document();
  }
  for (const auto& retired : retired_schemas_) {
    const auto set = retired.lock();
    const Schema* schema = set == nullptr ? nullptr : set->by_id(id);
    if (schema != nullptr) return schema->document();
  }
  return {};
}

std::unique_ptr<Door> IngestState::make_door() { return std::make_unique<JournalDoor>(*this); }

void IngestState::swap_schemas(std::shared_ptr<const SchemaSet> schemas) {
  const std::lock_guard lock(schemas_mutex_);
  std::erase_if(retired_schemas_, [](const auto& set) { return set.expired(); });
  if (schemas_ != nullptr) retired_schemas_.push_back(schemas_);
  schemas_ = std::move(schemas);
  schemas_version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const SchemaSet> IngestState::schemas() const {
  const std::lock_guard lock(schemas_mutex_);
  return schemas_;
}

void IngestState::on_durable(std::function<void(const BatchPtr&)> callback) {
  const std::lock_guard lock(publish_mutex_);
  on_durable_.push_back(std::move(callback));
}

void IngestState::appended(const Journal::Ticket& ticket, const std::shared_ptr<Batch>& batch) {
  sequences.close_group(ticket.last);
  last_ticket = ticket;
  batch->after = tail_;
  batch->last = tail_ = ticket.last;
  const std::lock_guard lock(publish_mutex_);
  unpublished_.push_back(batch);
}

Result<std::uint64_t> IngestState::append(Deletion deletion) {
  const std::string payload = to_json(deletion);
  if (deletion.topics.empty()) return Error{Errc::invalid_argument, "a deletion without topics"};
  if (payload.size() > deletion_bytes_max) {
    return Error{Errc::invalid_argument,
                 fmt::format("a deletion of {} bytes; at most {} are taken: name fewer topics and "
                             "devices at once",
                             payload.size(), deletion_bytes_max)};
  }
  Journal::Record record;
  record.header.kind = core::FrameKind::tombstone;
  record.payload = payload;
  Result<Journal::Ticket> ticket = Journal::Ticket();
  {
    const auto lock = journal_->lock();
    sequences.settle(journal_->durable_end());
    auto reserved = journal_->reserve(core::frame_size(0, payload.size(), false));
    if (!reserved) return std::move(reserved).error();
    ticket = journal_->append({&record, 1});
    if (!ticket) return std::move(ticket).error();
    deletion.sequence = record.header.sequence;
    deletion.received_at = record.header.received_at;
    auto batch = std::make_shared<Batch>();
    batch->deletion = std::move(deletion);
    appended(*ticket, batch);
  }
  if (auto synced = journal_->sync(*ticket); !synced) return std::move(synced).error();
  publish(ticket->last);
  return ticket->last;
}

void IngestState::publish(std::uint64_t last) {
  const std::lock_guard lock(publish_mutex_);
  while (!unpublished_.empty() && unpublished_.front()->last <= last) {
    const BatchPtr batch = std::move(unpublished_.front());
    unpublished_.pop_front();
    for (const auto& callback : on_durable_) callback(batch);
  }
}

void IngestState::roll_back(std::uint64_t last_durable) {
  sequences.undo_after(last_durable);
  const std::lock_guard lock(publish_mutex_);
  while (!unpublished_.empty() && unpublished_.back()->last > last_durable) {
    unpublished_.pop_back();
  }
  tail_ = std::min(tail_, last_durable);
}

void IngestState::merge(IngestCounts& counts) {
  const std::lock_guard lock(stats_mutex_);
  IngestStats& to = totals_.sums;
  const IngestStats& from = counts.sums;
  for (const auto member : {&IngestStats::received,          &IngestStats::received_bytes,
                            &IngestStats::journaled,         &IngestStats::valid,
                            &IngestStats::invalid,           &IngestStats::unmatched,
                            &IngestStats::duplicates,        &IngestStats::retained_skipped,
                            &IngestStats::unmatched_dropped, &IngestStats::refused,
                            &IngestStats::aborted,           &IngestStats::gaps,
                            &IngestStats::gap_messages,      &IngestStats::resets,
                            &IngestStats::late_unchecked,    &IngestStats::time_missing,
                            &IngestStats::time_absurd,       &IngestStats::coerced,
                            &IngestStats::rounded,           &IngestStats::commits,
                            &IngestStats::high_water,        &IngestStats::retained_ignored,
                            &IngestStats::content_dropped}) {
    to.*member += from.*member;
  }
  for (std::size_t i = 0; i < counts.invalid_by_rule.size(); ++i) {
    totals_.invalid_by_rule[i] += counts.invalid_by_rule[i];
  }
  for (const SequenceEvent& event : from.sequence_events) {
    if (events_.size() == sequence_events_max) events_.pop_front();
    events_.push_back(event);
  }
  counts.clear();
}

IngestStats IngestState::stats() const {
  const std::lock_guard lock(stats_mutex_);
  IngestStats stats = totals_.sums;
  stats.invalid_by_rule.assign(totals_.invalid_by_rule.begin(), totals_.invalid_by_rule.end());
  stats.sequence_events.assign(events_.begin(), events_.end());
  stats.messages_open = messages_open.load(std::memory_order_relaxed);
  stats.processing = processing.counts();
  stats.sync = sync.counts();
  return stats;
}

void IngestState::report(const Error& error, std::size_t messages) {
  std::uint64_t suppressed = 0;
  if (error_log_.allow(suppressed)) {
    environment.log(LogLevel::error, "ingest",
                    fmt::format("{} messages not taken, the sender keeps them: {}{}", messages,
                                to_string(error), held_back(suppressed)));
  }
  if (callbacks.on_error) callbacks.on_error(error);
}

bool IngestState::may_log_invalid(std::uint64_t& suppressed) noexcept {
  return environment.log.enabled(LogLevel::warn) && invalid_log_.allow(suppressed);
}

bool IngestState::may_log_noted(std::uint64_t& suppressed) noexcept {
  return environment.log.enabled(LogLevel::warn) && noted_log_.allow(suppressed);
}

void IngestState::log_noted(const Reading& reading, const std::vector<std::string>& values,
                            std::uint64_t suppressed) {
  environment.log(LogLevel::warn, "ingest",
                  fmt::format("not as written, message {} on {}: {}{}", reading.id, reading.topic,
                              fmt::join(values, "; "), held_back(suppressed)));
}

void IngestState::log_invalid(const Reading& reading, const std::vector<std::string>& problems,
                              std::uint64_t suppressed) {
  environment.log(LogLevel::warn, "ingest",
                  fmt::format("invalid message {} on {}: {}{}", reading.id, reading.topic,
                              fmt::join(problems, "; "), held_back(suppressed)));
}

void IngestState::log_time(const Reading& reading) {
  std::uint64_t suppressed = 0;
  if (!environment.log.enabled(LogLevel::warn) || !time_log_.allow(suppressed)) return;
  const std::int64_t latest =
      time_max(reading.received_at) / core::ns_per_second * core::ns_per_second;
  environment.log(
      LogLevel::warn, "ingest",
      fmt::format("device time not used, message {} on {}: {}{}", reading.id, reading.topic,
                  reading.schema->describe_time(reading.document, time_min, latest),
                  held_back(suppressed)));
}

void IngestState::log_refused(const Message& message) {
  std::uint64_t suppressed = 0;
  if (!refused_log_.allow(suppressed)) return;
  const std::string_view topic = message.topic.substr(0, 200);
  const std::size_t bytes = message.payload.size();
  std::string text;
  if (bytes > core::payload_bytes_max) {
    text = fmt::format("refused a payload of {} bytes on {}: the largest that is stored is {}",
                       bytes, topic, core::payload_bytes_max);
  } else if (core::frame_size(message.topic.size(), bytes, false) > message_bytes_max_) {
    text = fmt::format(
        "refused a payload of {} bytes on {}: with topic and header this journal "
        "takes at most {} (raise journal.size_max_mb)",
        bytes, topic, message_bytes_max_);
  } else {
    text = fmt::format("refused a message: {:?} is not a topic name", topic);
  }
  environment.log(LogLevel::warn, "ingest", text + held_back(suppressed));
}

}  // namespace telemetry
