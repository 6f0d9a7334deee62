// SPDX-License-Identifier: Apache-2.0
//
// One write gives its readings out under one lock. Who wants a topic is looked up by the topic's
// hash; it is found out anew for each topic when somebody came or went. A condition is asked once
// for all streams with the same selection, a record is made once for all who want it, and a stream
// is woken once a write.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "live/state.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr std::size_t topics_max = 65'536;

/// Equal for selections that select the same, in most cases.
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

}  // namespace

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
  for (const auto& [key, group] : state_->groups) stats.streams += group.members.size();
  return stats;
}

void LiveHub::State::write(const JournalId& journal, std::span<const BatchPtr> batches) {
  const std::scoped_lock lock(mutex);
  if (!seal) seal.emplace(journal);
  for (const BatchPtr& batch : batches) {
    if (!groups.empty()) {
      if (batch->lost > 0) {
        const LiveEvent gap = gap_in(*batch);
        for (auto& [key, group] : groups) {
          for (const auto& member : group.members) put(*member.mailbox, gap);
        }
      }
      for (const Reading& reading : batch->readings) give(reading);
    }
    // Behind the queues: who finds his empty has seen everything up to here.
    position.store(batch->last);
  }
  for (LiveMailbox* const mailbox : to_wake) {
    const std::scoped_lock mailbox_lock(mailbox->mutex);
    if (mailbox->wake) mailbox->wake();
  }
  to_wake.clear();
}

const std::vector<LiveGroup*>& LiveHub::State::wanted_by(const Reading& reading) {
  const auto known = topics.find(reading.topic_hash);
  if (known != topics.end() && known->second.name == reading.topic) return known->second.groups;
  found.clear();
  for (auto& [key, group] : groups) {
    if (matches_any(group.selection.topics, reading.topic)) found.push_back(&group);
  }
  if (known != topics.end()) return found;  // another topic has its hash
  if (topics.size() >= topics_max) topics.clear();
  return topics.emplace(reading.topic_hash, Topic{std::string(reading.topic), found})
      .first->second.groups;
}

void LiveHub::State::give(const Reading& reading) {
  ++stats.readings;
  std::shared_ptr<const std::string> record;
  bool filled = false;
  for (LiveGroup* const group : wanted_by(reading)) {
    if (!std::exchange(filled, true)) fill_row(reading, row);
    if (!group->by_topic_alone && !is_selected(group->selection, row)) continue;
    if (!record) {
      record = record_of(row, *seal);
      ++stats.records;
    }
    for (const LiveGroup::Member& member : group->members) {
      if (reading.id <= member.after) continue;
      put(*member.mailbox, {.record = record, .sequence = reading.id});
    }
  }
}

void LiveHub::State::put(LiveMailbox& mailbox, LiveEvent event) {
  const std::scoped_lock lock(mailbox.mutex);
  const std::size_t bytes = event.record ? event.record->size() : 0;
  if (mailbox.left_out == 0 && mailbox.queue.size() < mailbox.messages_max &&
      mailbox.bytes + bytes <= mailbox.bytes_max) {
    mailbox.bytes += bytes;
    mailbox.queue.push_back(std::move(event));
    ++stats.deliveries;
  } else if (mailbox.left_out++ == 0) {
    ++stats.overflows;
  }
  if (std::exchange(mailbox.armed, false)) to_wake.push_back(&mailbox);
}

bool LiveHub::State::join(LiveMailbox& mailbox, const Selection& selection, std::uint64_t after) {
  const std::scoped_lock lock(mutex);
  if (position.load() > after) return false;
  const auto [at, fresh] = groups.try_emplace(key_of(selection));
  if (fresh) {
    LiveGroup& group = at->second;
    group.selection = selection;
    group.by_topic_alone = selection.devices.empty() && selection.schemas.empty() &&
                           selection.where.empty() && !selection.since && !selection.until;
    topics.clear();
  }
  at->second.members.push_back({&mailbox, after});
  return true;
}

void LiveHub::State::leave(LiveMailbox& mailbox, const Selection& selection) {
  const std::scoped_lock lock(mutex);
  const auto at = groups.find(key_of(selection));
  if (at == groups.end()) return;
  std::erase_if(at->second.members,
                [&](const LiveGroup::Member& member) { return member.mailbox == &mailbox; });
  if (!at->second.members.empty()) return;
  groups.erase(at);
  topics.clear();
}

}  // namespace telemetry
