// SPDX-License-Identifier: Apache-2.0
#include "ingest/sequence_state.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "telemetry/core/journal_format.hpp"

/// The sequence check.
///
/// A duplicate has the same key, the same number and the same payload hash as one of the numbers
/// that are kept, or as one of the newest `recent_max` messages, for those are what a sender may
/// repeat that was not told of its acknowledgements. The key is the topic, or the device. A key has
/// up to two runs of numbers: after a reboot the device counts from 0 while messages from before
/// may still be redelivered, and two devices may share a topic by mistake; with one run the first
/// of them would be stored twice.
///
/// A number that is no duplicate goes, in this order, to the run whose next number it is; to the
/// nearest run that it is above by at most the window (gap); into a hole of a run (late, checked);
/// to a new run when a run holds it with another payload (reset); above the newest run (gap); else
/// it is below what is kept (late_unchecked) and begins the second run: if that goes on, it was a
/// reset.
///
/// Bounds: `devices_max` entries, and their names, least recently stored out first; per run
/// `window` numbers, and after each roll() what the last two segments brought but at least 64; a
/// snapshot of at most `snapshot_bytes_max`: what does not fit keeps one number per run, then is
/// forgotten; of the newest messages half of it holds what fits, the others are found again in the
/// frames that the journal still has. Whatever is forgotten can no longer be recognised as a
/// duplicate; it is stored, never lost.
///
/// Life of a change: offer() writes it down in the undo log; close_group() ties it to the sequences
/// that the journal gave out; settle() drops the note once these are durable, undo_after() takes
/// the change back when they never will be. Notes are undone in reverse, so the order by use is
/// restored too. All calls are made under the journal's lock.
namespace telemetry {
namespace {

namespace frame_flag = core::frame_flag;

std::uint64_t fingerprint_of(std::uint64_t key_hash, std::int64_t number,
                             std::uint64_t payload_hash) noexcept {
  const std::uint64_t place = key_hash + static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15ull;
  return payload_hash ^ (place ^ place >> 32) * 0xD6E8FEB86659FD93ull;
}

}  // namespace

std::uint64_t SequenceState::mixed(Scope scope, std::uint64_t hash) noexcept {
  return scope == Scope::topic ? hash : hash ^ 0x9E3779B97F4A7C15ull;
}

std::uint32_t SequenceState::find(Scope scope, std::string_view key, std::uint64_t hash) const {
  return index_.find(mixed(scope, hash), [&](std::uint32_t at) {
    return entries_[at].scope == scope && entries_[at].key == key;
  });
}

void SequenceState::unlink(std::uint32_t at) {
  Entry& entry = entries_[at];
  (entry.newer == none ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == none ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void SequenceState::link_newest(std::uint32_t at) {
  Entry& entry = entries_[at];
  entry.newer = none;
  entry.older = newest_;
  (newest_ == none ? oldest_ : entries_[newest_].newer) = at;
  newest_ = at;
}

void SequenceState::link_after(std::uint32_t at, std::uint32_t newer) {
  if (newer == none) return link_newest(at);
  Entry& entry = entries_[at];
  entry.newer = newer;
  entry.older = entries_[newer].older;
  (entry.older == none ? oldest_ : entries_[entry.older].newer) = at;
  entries_[newer].older = at;
}

void SequenceState::create(std::uint32_t at, Scope scope, std::string_view key,
                           std::uint64_t hash) {
  Entry& entry = entries_[at];
  entry.key = key;
  entry.hash = mixed(scope, hash);
  entry.scope = scope;
  entry.payload_hash = 0;
  entry.serial = ++serial_;
  entry.known_since = recent_.added();
  index_.insert(entry.hash, at);
  link_newest(at);
  ++count_;
  key_bytes_ += key.size();
}

SequenceState::Entry SequenceState::remove(std::uint32_t at) {
  unlink(at);
  index_.erase(entries_[at].hash, at);
  free_.push_back(at);
  --count_;
  key_bytes_ -= entries_[at].key.size();
  return std::exchange(entries_[at], Entry());
}

/// For one more entry those go that were not stored to for longest.
void SequenceState::make_room(std::size_t key_bytes) {
  const std::size_t bytes_max = options_.devices_max * key_bytes_usual;
  while (count_ > 0 && (count_ >= options_.devices_max || key_bytes_ + key_bytes > bytes_max)) {
    Undo& undo = undo_.emplace_back();
    undo.generation = generation_;
    undo.entry = oldest_;
    undo.evicted = std::make_unique<Entry>(remove(oldest_));
  }
}

std::uint32_t SequenceState::free_place() {
  if (free_.empty()) {
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  const std::uint32_t at = free_.back();
  free_.pop_back();
  return at;
}

SequenceState::Undo& SequenceState::touch(std::uint32_t at, Scope scope, std::string_view key,
                                          std::uint64_t hash) {
  moved_since_roll_ = true;
  if (at == none) make_room(key.size());
  Undo& undo = undo_.emplace_back();
  undo.generation = generation_;
  if (at == none) {
    undo.created = true;
    at = free_place();
    create(at, scope, key, hash);
  } else {
    undo.newer = entries_[at].newer;
    if (undo.newer != none) {
      unlink(at);
      link_newest(at);
    }
  }
  undo.entry = at;
  undo.serial = entries_[at].serial;
  undo.payload_hash = entries_[at].payload_hash;
  return undo;
}

SequenceState::Decision SequenceState::offer(const Offer& offer) {
  const std::uint64_t payload_hash = offer.payload_hash == 0 ? 1 : offer.payload_hash;
  const std::uint32_t topic = find(Scope::topic, offer.topic, offer.topic_hash);
  if (offer.skip_stored && topic != none && entries_[topic].payload_hash == payload_hash) {
    return {.outcome = Outcome::retained_skipped};
  }
  const Scope scope = offer.device.empty() ? Scope::topic : Scope::device;
  const std::string_view key = scope == Scope::topic ? offer.topic : offer.device;
  const std::uint64_t hash = scope == Scope::topic ? offer.topic_hash : offer.device_hash;
  std::uint64_t fingerprint = 0;
  if (offer.numbered) {
    const std::uint32_t at = scope == Scope::topic ? topic : find(scope, key, hash);
    fingerprint = fingerprint_of(mixed(scope, hash), offer.number, payload_hash);
    if (came_before(offer, at, fingerprint, payload_hash)) {
      return {.outcome = Outcome::duplicate};
    }
  }
  if (offer.identity != 0) {
    fingerprint = fingerprint_of(offer.topic_hash, 1, offer.identity);
    if (!offer.replayed && recent_.contains(fingerprint)) return {.outcome = Outcome::duplicate};
  }
  Undo* undo = &touch(topic, Scope::topic, offer.topic, offer.topic_hash);
  entries_[undo->entry].payload_hash = offer.message_hash == 0 ? payload_hash : offer.message_hash;
  if (offer.identity != 0) {
    recent_.add(fingerprint);
    undo->recent = true;
  }
  if (!offer.numbered) return {};
  if (scope == Scope::device) undo = &touch(find(scope, key, hash), scope, key, hash);
  if (offer.may_come_again) {
    recent_.add(fingerprint);
    undo->recent = true;
  }
  return number(entries_[undo->entry], offer.number, payload_hash, *undo);
}

SequenceState::Decision SequenceState::offer_message(const Offer& message, bool one_number,
                                                     bool any_known) {
  if (one_number && message.numbered) return offer(message);
  const std::uint32_t topic = find(Scope::topic, message.topic, message.topic_hash);
  if (message.skip_stored && topic != none &&
      entries_[topic].payload_hash == message.payload_hash) {
    return {.outcome = Outcome::retained_skipped};
  }
  if (!any_known || !message.may_come_again) return {};
  // No number of a reading has the same place: those begin at the key's hash itself.
  const std::uint64_t fingerprint = fingerprint_of(~message.topic_hash, 0, message.payload_hash);
  if (!message.replayed && recent_.contains(fingerprint)) return {.outcome = Outcome::duplicate};
  Undo& undo = touch(topic, Scope::topic, message.topic, message.topic_hash);
  entries_[undo.entry].payload_hash = message.payload_hash;
  recent_.add(fingerprint);
  undo.recent = true;
  return {};
}

bool SequenceState::came_before(const Offer& offer, std::uint32_t at, std::uint64_t fingerprint,
                                std::uint64_t payload_hash) {
  if (at != none) {
    const NumberRun* runs = entries_[at].runs;
    if (runs[0].exists() && runs[0].holds(offer.number, payload_hash)) return true;
    if (runs[1].exists() && runs[1].holds(offer.number, payload_hash)) return true;
    // The usual message: the next one of the only run that the key has had for long.
    if (runs[0].exists() && !runs[1].exists() && runs[0].above(offer.number) == 1 &&
        recent_.all_younger(entries_[at].known_since)) {
      return false;
    }
  }
  return offer.may_come_again && !offer.replayed && recent_.contains(fingerprint);
}

SequenceState::Decision SequenceState::number(Entry& entry, std::int64_t number,
                                              std::uint64_t payload_hash, Undo& undo) {
  NumberRun& newest = entry.runs[0];
  if (!newest.exists()) {
    undo.saved = std::make_unique<Saved>();
    newest.begin(number, payload_hash, false);
    return {};
  }
  if (newest.above(number) == 1) {
    undo.stepped = true;
    undo.step = newest.before_step(options_.window);
    newest.advance(number, payload_hash, options_.window);
    return {};
  }
  undo.saved = std::make_unique<Saved>();
  std::copy(std::begin(entry.runs), std::end(entry.runs), undo.saved->runs);

  // The nearest run below the number, not further than the window; its next number is nearest.
  NumberRun* follows = nullptr;
  NumberRun* hole = nullptr;
  bool conflict = false;
  for (NumberRun& run : entry.runs) {
    if (!run.exists()) continue;
    const std::uint64_t above = run.above(number);
    if (above != 0 && above <= options_.window &&
        (follows == nullptr || above < follows->above(number))) {
      follows = &run;
    }
    if (!run.covers(number)) continue;
    if (run.hash(number) != 0)
      conflict = true;
    else if (hole == nullptr)
      hole = &run;
  }
  const bool continues = follows != nullptr && follows->above(number) == 1;
  if (!continues && hole != nullptr) {
    hole->fill(number, payload_hash);
    return {};
  }
  if (follows == nullptr && conflict) {
    const std::int64_t expected = newest.last() + (newest.last() == INT64_MAX ? 0 : 1);
    std::swap(entry.runs[0], entry.runs[1]);
    newest.begin(number, payload_hash, false);
    entry.known_since = recent_.added();
    return {.flags = frame_flag::sequence_reset, .expected = expected};
  }
  if (follows == nullptr && newest.above(number) != 0) follows = &newest;
  if (follows == nullptr) {
    entry.runs[1].begin(number, payload_hash, true);
    entry.known_since = recent_.added();
    return {.flags = frame_flag::late_unchecked};
  }
  Decision decision;
  decision.expected = follows->last() + 1;
  decision.missing = follows->above(number) - 1;
  if (decision.missing != 0) decision.flags |= frame_flag::sequence_gap;
  if (follows->is_late()) {
    decision.flags |= frame_flag::sequence_reset;
    follows->settle();
  }
  follows->advance(number, payload_hash, options_.window);
  if (follows != &newest) std::swap(entry.runs[0], entry.runs[1]);
  return decision;
}

void SequenceState::close_group(std::uint64_t last_sequence) {
  groups_.push_back({last_sequence, undo_base_ + undo_.size()});
}

void SequenceState::undo_open() {
  const std::size_t start = groups_.empty() ? undo_base_ + settled_ : groups_.back().end;
  while (undo_base_ + undo_.size() > start) undo_last();
}

void SequenceState::undo_after(std::uint64_t last_durable) {
  undo_open();
  while (!groups_.empty() && groups_.back().last_sequence > last_durable) {
    groups_.pop_back();
    undo_open();
  }
}

void SequenceState::settle(std::uint64_t last_durable) {
  while (!groups_.empty() && groups_.front().last_sequence <= last_durable) {
    for (; undo_base_ + settled_ < groups_.front().end; ++settled_) undo_[settled_] = Undo();
    groups_.pop_front();
  }
  // The vector keeps its memory; with one door it empties every time.
  if (settled_ == undo_.size() || settled_ > 16 * 1024) {
    undo_.erase(undo_.begin(), undo_.begin() + static_cast<std::ptrdiff_t>(settled_));
    undo_base_ += settled_;
    settled_ = 0;
  }
}

void SequenceState::undo_last() {
  Undo undo = std::move(undo_.back());
  undo_.pop_back();
  if (undo.evicted) return undo_eviction(undo);
  if (undo.recent) recent_.take_back();
  if (entries_[undo.entry].serial != undo.serial) return;  // forgotten by a roll meanwhile
  const bool rolled = undo.generation != generation_;
  if (undo.created) {
    remove(undo.entry);
    return;
  }
  Entry& entry = entries_[undo.entry];
  entry.payload_hash = undo.payload_hash;
  undo_numbers(entry, undo);
  if (undo.newer != none && !rolled) {
    unlink(undo.entry);
    link_after(undo.entry, undo.newer);
  }
}

void SequenceState::undo_eviction(Undo& undo) {
  if (undo.generation != generation_) return;
  free_.pop_back();  // its own place: all that came later is undone
  Entry& entry = entries_[undo.entry];
  entry = std::move(*undo.evicted);
  index_.insert(entry.hash, undo.entry);
  link_after(undo.entry, oldest_);
  ++count_;
  key_bytes_ += entry.key.size();
}

void SequenceState::undo_numbers(Entry& entry, Undo& undo) {
  if (undo.saved) {
    for (std::size_t i = 0; i < 2; ++i) entry.runs[i] = std::move(undo.saved->runs[i]);
  } else if (undo.stepped && undo.generation == generation_) {
    entry.runs[0].undo_step(undo.step);
  } else if (undo.stepped) {
    entry.runs[0].undo_step_after_roll(undo.step);
  }
}

}  // namespace telemetry
