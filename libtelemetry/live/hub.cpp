// SPDX-License-Identifier: Apache-2.0
//
// A batch gives its readings out under one lock. Who wants a topic is looked up by the topic's
// hash; each new selection is compared once with each topic. A condition is asked once for all
// streams with the same selection, a record is made once for all who want it, and a stream is woken
// once a batch.
//
// What the hub asks itself is bounded for each batch. Beyond that a message goes to the streams of
// a selection undecided: who asks for much pays for it in his own time, and his queue fills. So
// nobody waits for the conditions of others, neither for messages nor to come or go.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "live/state.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr std::size_t topics_max = 65'536;
constexpr std::size_t work_per_batch = 256 * 1024;  // bytes looked at

}  // namespace

std::string key_of(const Selection& selection) {
  std::string key;
  for (const auto* names : {&selection.topics, &selection.devices, &selection.schemas}) {
    std::vector<std::string> sorted = *names;
    std::ranges::sort(sorted);
    for (const std::string& name : sorted) key += fmt::format("{}:{}", name.size(), name);
    key += ';';
  }
  for (const Condition& condition : selection.where) {
    append_condition(condition, key);
    key += ';';
  }
  // Spans of time in conditions count from it.
  if (!selection.where.empty()) key += fmt::format("{}", selection.now.value_or(0));
  key += fmt::format(";{}:{}", selection.since.value_or(INT64_MIN),
                     selection.until.value_or(INT64_MAX));
  return key;
}

std::size_t comparisons_in(const Selection& selection) {
  std::size_t count = 0;
  for (const Condition& condition : selection.where) {
    (void)evaluate(condition, [&](const Condition&) {
      ++count;
      return Truth::unknown;  // then all are asked
    });
  }
  return count;
}

LiveMessage::LiveMessage(const Row& from) : row(from) {
  for (std::string_view* const part :
       {&row.topic, &row.device, &row.schema, &row.extra, &row.raw}) {
    *part = text.copy(*part);
  }
  for (Field& field : row.fields) {
    field.path = text.copy(field.path);
    const bool is_json = field.value.kind() == core::ValueKind::json;
    if (!is_json && field.value.kind() != core::ValueKind::text) continue;
    const std::string_view kept = text.copy(field.value.as_text());
    field.value = is_json ? core::Value::json(kept) : core::Value::text(kept);
  }
}

std::shared_ptr<const std::string> LiveMessage::record(const Seal& seal) const {
  std::call_once(made_, [&] { record_ = record_of(row, seal); });
  return record_;
}

std::size_t work_of(std::size_t key_size, std::size_t comparisons, const Row& row) noexcept {
  std::size_t bytes = 64 + row.raw.size() + row.extra.size();
  for (const Field& field : row.fields) {
    bytes += field.path.size();
    if (field.value.kind() >= core::ValueKind::text) bytes += field.value.as_text().size();
  }
  return key_size + comparisons * bytes;
}

LiveEvent gap_in(const Batch& batch) {
  LiveEvent gap{.kind = LiveEvent::Kind::gap};
  std::uint64_t before = batch.after;
  const auto look = [&](std::uint64_t next) {
    if (next == before + 1) return;
    if (gap.from == 0) gap.from = before + 1;
    gap.sequence = next - 1;
  };
  for (const Reading& reading : batch.readings) {
    look(reading.id);
    before = reading.id;
  }
  look(batch.last + 1);
  return gap;
}

std::shared_ptr<const std::string> record_of(const Row& row, const Seal& seal) {
  auto record = std::make_shared<std::string>();
  record->reserve(256 + row.raw.size() + row.extra.size());
  append_full_record_json(row, seal.id(Seal::Kind::row, row.id), *record);
  return record;
}

LiveHub::LiveHub() : state_(std::make_shared<State>()) {}
LiveHub::~LiveHub() = default;

SinkTraits LiveHub::traits() const {
  SinkTraits traits;
  // What it has given out it has given out, and it knows its position: so it never goes back to a
  // cursor of an earlier run.
  traits.transactional = true;
  traits.start = SinkTraits::Start::newest;
  traits.keeps_journal = false;
  traits.batch_age_ns = 1;
  return traits;
}

Result<std::optional<Position>> LiveHub::position(const JournalId& journal) {
  const std::uint64_t at = state_->position.load();
  return at == 0 ? std::nullopt : std::optional(Position{journal, at});
}

Result<WriteReport> LiveHub::write(const JournalId& journal, std::span<const BatchPtr> batches,
                                   const OnRejected&) {
  WriteReport report;
  for (const BatchPtr& batch : batches) report.accepted += batch->readings.size();
  state_->write(journal, batches);
  report.durable = state_->position.load();
  return report;
}

Result<std::uint64_t> LiveHub::flush() { return state_->position.load(); }

LiveStats LiveHub::stats() const {
  const std::scoped_lock lock(state_->mutex);
  LiveStats stats = state_->stats;
  stats.selections = state_->groups.size();
  for (const auto& [key, group] : state_->groups) stats.streams += group->members.size();
  return stats;
}

void LiveHub::State::write(const JournalId& journal, std::span<const BatchPtr> batches) {
  for (const BatchPtr& batch : batches) {
    const std::scoped_lock lock(mutex);
    if (!seal) seal.emplace(journal);
    if (!groups.empty()) {
      if (batch->lost > 0) {
        const LiveEvent gap = gap_in(*batch);
        for (auto& [key, group] : groups) {
          for (const LiveGroup::Member& member : group->members) put(*member.mailbox, gap, 0);
        }
      }
      work_left = work_per_batch;
      for (const Reading& reading : batch->readings) give(reading);
    }
    // Behind the queues: who finds his empty has seen everything up to here.
    position.store(batch->last);
    for (LiveMailbox* const mailbox : to_wake) {
      const std::scoped_lock mailbox_lock(mailbox->mutex);
      if (mailbox->wake) mailbox->wake();
    }
    to_wake.clear();
  }
}

const std::vector<LiveHub::State::GroupPtr>& LiveHub::State::wanted_by(const Reading& reading) {
  if (topics.size() >= topics_max && !topics.contains(reading.topic_hash)) topics.clear();
  const auto [at, fresh] = topics.try_emplace(reading.topic_hash);
  if (fresh) at->second.name = reading.topic;
  const bool is_other = at->second.name != reading.topic;
  if (is_other) other = {};
  Topic& topic = is_other ? other : at->second;
  if (topic.groups_seen == groups_made) return topic.groups;
  std::erase_if(topic.groups, [](const GroupPtr& group) { return group->members.empty(); });
  for (const auto& [key, group] : groups) {
    if (group->number <= topic.groups_seen) continue;
    ++stats.matches;
    if (matches_any(group->selection.topics, reading.topic)) topic.groups.push_back(group);
  }
  topic.groups_seen = groups_made;
  return topic.groups;
}

/// Whether the hub asks a selection of `row`, or leaves it to the streams.
bool LiveHub::State::may_decide(const LiveGroup& group) {
  const std::size_t work = work_of(group.key_size, group.comparisons, row);
  if (work > work_left) return false;
  work_left -= work;
  return true;
}

void LiveHub::State::give(const Reading& reading) {
  ++stats.readings;
  std::shared_ptr<const std::string> record;
  LiveMessagePtr undecided;
  bool filled = false;
  for (const GroupPtr& group : wanted_by(reading)) {
    if (group->members.empty()) continue;
    if (!std::exchange(filled, true)) fill_row(reading, row);
    const bool decided = group->by_topic_alone || may_decide(*group);
    if (!decided && !undecided) undecided = std::make_shared<LiveMessage>(row);
    if (decided) {
      if (!group->by_topic_alone && !is_selected(group->selection, row)) continue;
      if (!record) {
        record = record_of(row, *seal);
        ++stats.records;
      }
    }
    for (const LiveGroup::Member& member : group->members) {
      if (reading.id <= member.after) continue;
      if (decided) {
        put(*member.mailbox, {.record = record, .sequence = reading.id}, record->size());
      } else {
        put(*member.mailbox, undecided);
      }
    }
  }
}

void LiveHub::State::put(LiveMailbox& mailbox, LiveEvent event, std::size_t bytes) {
  const std::scoped_lock lock(mailbox.mutex);
  if (put_locked(mailbox, std::move(event), bytes)) ++stats.deliveries;
}

void LiveHub::State::put(LiveMailbox& mailbox, const LiveMessagePtr& undecided) {
  const std::scoped_lock lock(mailbox.mutex);
  if (!put_locked(mailbox, {.sequence = undecided->row.id}, undecided->bytes())) return;
  mailbox.undecided.push_back(undecided);
  ++stats.undecided;
}

bool LiveHub::State::put_locked(LiveMailbox& mailbox, LiveEvent event, std::size_t bytes) {
  const bool fits = mailbox.left_out == 0 && mailbox.queue.size() < mailbox.messages_max &&
                    mailbox.bytes + bytes <= mailbox.bytes_max;
  if (fits) {
    mailbox.bytes += bytes;
    mailbox.queue.push_back(std::move(event));
  } else if (mailbox.left_out++ == 0) {
    ++stats.overflows;
  }
  if (std::exchange(mailbox.armed, false)) to_wake.push_back(&mailbox);
  return fits;
}

bool LiveHub::State::join(LiveMailbox& mailbox, const Selection& selection, const std::string& key,
                          std::uint64_t after) {
  const std::scoped_lock lock(mutex);
  if (position.load() > after) return false;
  GroupPtr& group = groups[key];
  if (group == nullptr) {
    group = std::make_shared<LiveGroup>();
    group->selection = selection;
    group->by_topic_alone = selection.devices.empty() && selection.schemas.empty() &&
                            selection.where.empty() && !selection.since && !selection.until;
    group->number = ++groups_made;
    group->key_size = key.size();
    group->comparisons = comparisons_in(selection);
  }
  group->members.push_back({&mailbox, after});
  return true;
}

void LiveHub::State::leave(LiveMailbox& mailbox, const std::string& key) {
  const std::scoped_lock lock(mutex);
  const auto at = groups.find(key);
  if (at == groups.end()) return;
  LiveGroup& group = *at->second;
  std::erase_if(group.members,
                [&](const LiveGroup::Member& member) { return member.mailbox == &mailbox; });
  if (!group.members.empty()) return;
  group.selection = {};  // topics may hold the rest for a while
  groups.erase(at);
}

}  // namespace telemetry
