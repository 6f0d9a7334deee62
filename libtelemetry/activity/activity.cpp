// SPDX-License-Identifier: Apache-2.0
#include "telemetry/activity.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "telemetry/core/journal_format.hpp"
#include "telemetry/schema.hpp"

namespace telemetry {
namespace {

namespace frame_flag = core::frame_flag;

constexpr std::int64_t minute_ns = 60'000'000'000;
constexpr std::size_t name_bytes_usual = 256;

bool has_absurd_time(const Reading& reading) {
  if (reading.verdict != Verdict::valid || reading.schema == nullptr) return false;
  if ((reading.flags & frame_flag::time_from_device) != 0) return false;
  const std::uint16_t slot = reading.schema->view().time_slot;
  return slot != core::no_index && slot < reading.values.size() &&
         reading.values[slot].kind() == core::ValueKind::time;
}

}  // namespace

struct Activity::State {
  /// A topic with its hash, which the reading has already.
  struct Key {
    std::string_view topic;
    std::uint64_t hash = 0;
    friend bool operator==(const Key& a, const Key& b) noexcept {
      return a.hash == b.hash && a.topic == b.topic;
    }
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
  };
  struct Entry {
    TopicActivity counts;
    std::uint64_t schema_id = 0;
    std::int64_t time = 0;        // of the newest message
    std::uint64_t touched = 0;    // its id
    std::int64_t minute = 0;      // of the clock, in which the newest message came
    std::uint32_t in_minute = 0;  // messages of that minute,
    std::uint32_t in_last = 0;    // and of the one before
  };

  void count(const Reading& reading);
  [[nodiscard]] Entry& entry_of(const Reading& reading);
  void take_schema(const Reading& reading, Entry& entry);
  void make_room(std::size_t bytes);
  void forget(const Deletion& deletion);

  ActivityOptions options;
  std::atomic<std::uint64_t> position{0};  // everything up to here was counted; 0 = unknown
  mutable std::mutex mutex;                // of what follows
  std::unordered_map<Key, Entry, KeyHash> entries;  // keys view their names
  std::size_t name_bytes = 0;
  // By id: one for each version that judged since the start.
  std::unordered_map<std::uint64_t, std::shared_ptr<const std::string>> schemas;
};

namespace {

void note_rate(auto& entry, std::int64_t received_at) {
  const std::int64_t minute = received_at / minute_ns;
  if (minute > entry.minute) {
    entry.in_last = minute == entry.minute + 1 ? entry.in_minute : 0;
    entry.in_minute = 0;
    entry.minute = minute;
  }
  ++entry.in_minute;
}

double rate_at(const auto& entry, std::int64_t now) {
  const std::int64_t minute = now / minute_ns;
  const double left = 1 - static_cast<double>(now % minute_ns) / static_cast<double>(minute_ns);
  // A clock that was set back counts as standing still.
  if (minute <= entry.minute) return entry.in_minute + entry.in_last * left;
  return minute == entry.minute + 1 ? entry.in_minute * left : 0;
}

}  // namespace

/// Half of all at one time, so that it is rare.
void Activity::State::make_room(std::size_t bytes) {
  const std::size_t bytes_max = options.topics_max * name_bytes_usual;
  while (!entries.empty() &&
         (entries.size() >= options.topics_max || name_bytes + bytes > bytes_max)) {
    std::vector<std::uint64_t> touched;
    touched.reserve(entries.size());
    for (const auto& [key, entry] : entries) touched.push_back(entry.touched);
    const auto middle = touched.begin() + static_cast<std::ptrdiff_t>((touched.size() - 1) / 2);
    std::nth_element(touched.begin(), middle, touched.end());
    std::erase_if(entries, [&, last = *middle](const auto& one) {
      if (one.second.touched > last) return false;
      name_bytes -= one.first.topic.size();
      return true;
    });
  }
}

Activity::State::Entry& Activity::State::entry_of(const Reading& reading) {
  const auto known = entries.find({reading.topic, reading.topic_hash});
  if (known != entries.end()) return known->second;
  make_room(reading.topic.size());
  auto topic = std::make_shared<const std::string>(reading.topic);
  name_bytes += topic->size();
  Entry& entry = entries[{*topic, reading.topic_hash}];
  entry.counts.topic = std::move(topic);
  return entry;
}

/// It says which level of the topic names the device, too.
void Activity::State::take_schema(const Reading& reading, Entry& entry) {
  entry.schema_id = 0;
  entry.counts.schema.reset();
  entry.counts.device.reset();
  if (reading.schema == nullptr) return;
  entry.schema_id = reading.schema->id();
  auto& name = schemas[entry.schema_id];
  if (name == nullptr) name = std::make_shared<const std::string>(reading.schema->name());
  entry.counts.schema = name;
  if (!reading.device.empty())
    entry.counts.device = std::make_shared<const std::string>(reading.device);
}

void Activity::State::count(const Reading& reading) {
  Entry& entry = entry_of(reading);
  TopicActivity& counts = entry.counts;
  ++counts.messages;
  if (is_dead(reading.verdict)) ++counts.invalid;
  counts.last_seen = reading.received_at;  // never goes back in a journal
  entry.time = reading.time;
  entry.touched = reading.id;
  if ((reading.flags & frame_flag::sequence_gap) != 0) {
    ++counts.gaps;
    // One that was read back from the journal does not say how many.
    counts.missing += std::max<std::uint32_t>(reading.missing, 1);
  }
  if ((reading.flags & frame_flag::sequence_reset) != 0) ++counts.resets;
  if (has_absurd_time(reading)) ++counts.clock_trouble;
  const std::uint64_t schema_id = reading.schema == nullptr ? 0 : reading.schema->id();
  if (schema_id != entry.schema_id) take_schema(reading, entry);
  note_rate(entry, reading.received_at);
}

void Activity::State::forget(const Deletion& deletion) {
  std::erase_if(entries, [&](const auto& one) {
    const TopicActivity& counts = one.second.counts;
    const auto text = [](const auto& name) { return name ? std::string_view(*name) : ""; };
    if (!deletion.covers(*counts.topic, text(counts.device), text(counts.schema), one.second.time))
      return false;
    name_bytes -= counts.topic->size();
    return true;
  });
}

Activity::Activity(ActivityOptions options) : state_(std::make_unique<State>()) {
  state_->options = options;
}
Activity::~Activity() = default;

SinkTraits Activity::traits() const {
  SinkTraits traits;
  // It knows its position, so it never goes back to a cursor of an earlier run.
  traits.transactional = true;
  traits.start = SinkTraits::Start::newest;
  traits.keeps_journal = false;
  traits.takes_dead = true;
  traits.batch_bytes_max = 1024 * 1024;
  return traits;
}

Result<std::optional<Position>> Activity::position(const JournalId& journal) {
  const std::uint64_t at = state_->position.load();
  return at == 0 ? std::nullopt : std::optional(Position{journal, at});
}

Result<WriteReport> Activity::write(const JournalId&, std::span<const BatchPtr> batches,
                                    const OnRejected&) {
  WriteReport report;
  for (const BatchPtr& batch : batches) {
    const std::scoped_lock lock(state_->mutex);
    if (batch->deletion) state_->forget(*batch->deletion);
    for (const Reading& reading : batch->readings) state_->count(reading);
    report.accepted += batch->readings.size();
    state_->position.store(batch->last);
  }
  report.durable = state_->position.load();
  return report;
}

Result<std::uint64_t> Activity::flush() { return state_->position.load(); }

std::vector<TopicActivity> Activity::snapshot(std::int64_t now) const {
  std::vector<TopicActivity> all;
  const std::scoped_lock lock(state_->mutex);
  all.reserve(state_->entries.size());
  for (const auto& [key, entry] : state_->entries) {
    all.push_back(entry.counts);
    all.back().rate_per_minute = rate_at(entry, now);
  }
  return all;
}

}  // namespace telemetry
