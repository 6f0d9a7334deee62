// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/hash_index.hpp"
#include "ingest/numbering.hpp"
#include "ingest/recent_messages.hpp"
#include "telemetry/journal.hpp"

namespace telemetry {

/// Of the payload hashes of a message of several readings.
class MessageHash {
 public:
  void add(std::uint64_t payload_hash) noexcept {
    value_ = (std::rotl(value_, 5) ^ payload_hash) * 0x9E3779B97F4A7C15ull;
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 1;
};

/// What the journal holds of each topic and numbering, as far as it is needed to recognise a
/// message that comes again. A function of the journal: the snapshot at the start of a segment plus
/// the frames after it give the same state. See sequence_state.cpp.
class SequenceState {
 public:
  struct Options {
    /// Topics and numberings remembered; their names in bytes as if they had key_bytes_usual each.
    std::size_t devices_max = 100'000;
    std::uint32_t window = 1'024;  ///< numbers within which a repeat is recognised
    /// Newest messages that are recognised when they come again, of all keys together and whatever
    /// their numbers.
    std::size_t recent_max = 65'535;
    std::size_t snapshot_bytes_max = 8 * 1024 * 1024;
  };
  /// Numbers of a run that outlive every roll(), space allowing.
  static constexpr std::uint32_t kept_min = 64;
  static constexpr std::size_t key_bytes_usual = 256;

  struct Offer {
    std::string_view topic;
    std::uint64_t topic_hash = 0;
    /// The numbering's name when it is not the topic (`sequence_scope: device`); else empty.
    std::string_view device;
    std::uint64_t device_hash = 0;
    std::uint64_t payload_hash = 0;
    /// A reading of several: of the message, which is what the topic was sent last; else 0.
    std::uint64_t message_hash = 0;
    /// Of a reading without a number: Reading::identity, and of its device; else 0.
    std::uint64_t identity = 0;
    std::int64_t number = 0;
    bool numbered = false;
    bool may_come_again = false;  ///< its sender repeats it until it is acknowledged: QoS 1
    bool replayed = false;        ///< stood in the journal: the newest messages are not asked
    bool skip_stored = false;     ///< a retained message: skip it when it was the topic's last
  };
  enum class Outcome : std::uint8_t { store, duplicate, retained_skipped };
  struct Decision {
    Outcome outcome = Outcome::store;
    std::uint16_t flags = 0;    ///< sequence_gap, sequence_reset, late_unchecked
    std::int64_t expected = 0;  ///< with a gap or reset
    std::uint64_t missing = 0;  ///< numbers left out by a gap
  };

  explicit SequenceState(const Options& options) : options_(options), recent_(options.recent_max) {}

  /// Judges one message and, when it is to be stored, moves the state on.
  Decision offer(const Offer& offer);

  /// Judges a message of several readings, which are offered one by one after it.
  /// @param offer of the first, with the hash of the message as that of the payload
  /// @param one_number the number is the message's; the readings are then offered without
  /// @param any_known a reading has a number or an identity: only its sender can repeat the message
  Decision offer_message(const Offer& offer, bool one_number, bool any_known);

  /// What was offered since the last close_group() is one group, to be kept or undone as a whole.
  void close_group(std::uint64_t last_sequence);
  /// Takes back what was offered since the last close_group().
  void undo_open();
  /// Takes back the groups that reach beyond `last_durable`.
  void undo_after(std::uint64_t last_durable);
  /// Groups up to `last_durable` are final.
  void settle(std::uint64_t last_durable);
  /// Groups that are neither final nor taken back.
  [[nodiscard]] bool has_unsettled() const noexcept { return !groups_.empty(); }

  /// A segment begins: gives up what is old, then returns a snapshot of what is left.
  [[nodiscard]] Snapshot roll();
  /// The state as stored; valid until it moves. Source: docs/formats/sequence_snapshot_v2.md.
  [[nodiscard]] Snapshot snapshot() const;
  /// Replaces the state, but for the newest messages, which are added. False, and no entries, when
  /// the bytes are not a snapshot.
  [[nodiscard]] bool load(std::string_view bytes);

  /// Numberings by name, the one that was stored to longest ago first.
  void visit(const std::function<void(const std::string& key, bool per_device, std::int64_t last)>&
                 each) const;

  [[nodiscard]] std::size_t entries() const noexcept { return count_; }
  [[nodiscard]] std::size_t recent_max() const noexcept { return recent_.messages_max(); }
  /// Newest messages that a snapshot holds: half of its bytes at most.
  [[nodiscard]] std::size_t recent_in_snapshot_max() const noexcept {
    return std::min(options_.recent_max, options_.snapshot_bytes_max / 2 / sizeof(std::uint64_t));
  }

 private:
  enum class Scope : std::uint8_t { topic = 0, device = 1 };
  static constexpr std::uint32_t none = HashIndex::none;

  struct Entry {
    std::string key;
    std::uint64_t hash = 0;          // of the key, mixed with the scope
    std::uint64_t payload_hash = 0;  // of the last stored payload of the topic; 0 = none yet
    std::uint64_t serial = 0;        // tells the tenants of one place apart; 0 = free
    // recent_.added() when numbers of the key were last forgotten, or a run began: a run that is
    // alone since knows all that came later.
    std::uint64_t known_since = 0;
    std::uint32_t newer = none, older = none;
    Scope scope = Scope::topic;
    NumberRun runs[2];  // most recently used first
  };
  struct Saved {
    NumberRun runs[2];
  };
  struct Undo {
    std::uint64_t serial = 0;
    std::uint64_t payload_hash = 0;
    std::uint64_t generation = 0;
    NumberRun::Step step;
    std::uint32_t entry = 0;
    std::uint32_t newer = none;  // neighbour before the touch; none = it was the newest
    bool stepped = false;
    bool created = false;
    bool recent = false;             // one was added to recent_
    std::unique_ptr<Saved> saved;    // runs before anything but a step
    std::unique_ptr<Entry> evicted;  // made room for the next note's; then nothing else is set
  };
  struct Group {
    std::uint64_t last_sequence;
    std::size_t end;  // number, ever rising, of the record after its last
  };

  [[nodiscard]] static std::uint64_t mixed(Scope scope, std::uint64_t hash) noexcept;
  [[nodiscard]] std::uint32_t find(Scope scope, std::string_view key, std::uint64_t hash) const;
  [[nodiscard]] bool came_before(const Offer& offer, std::uint32_t at, std::uint64_t fingerprint,
                                 std::uint64_t payload_hash);
  Undo& touch(std::uint32_t at, Scope scope, std::string_view key, std::uint64_t hash);
  void create(std::uint32_t at, Scope scope, std::string_view key, std::uint64_t hash);
  Entry remove(std::uint32_t entry);
  void unlink(std::uint32_t entry);
  void link_newest(std::uint32_t entry);
  void link_after(std::uint32_t entry, std::uint32_t newer);
  void make_room(std::size_t key_bytes);
  std::uint32_t free_place();
  Decision number(Entry& entry, std::int64_t number, std::uint64_t payload_hash, Undo& undo);
  void undo_last();
  void undo_eviction(Undo& undo);
  void undo_numbers(Entry& entry, Undo& undo);
  void fit(std::size_t bytes_max);
  void forget_entries();
  [[nodiscard]] std::size_t recent_in_snapshot() const noexcept {
    return std::min(recent_.size(), recent_in_snapshot_max());
  }
  [[nodiscard]] std::size_t recent_bytes() const noexcept;
  void write(const Snapshot::Put& put_piece) const;

  Options options_;
  RecentMessages recent_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  HashIndex index_;
  std::size_t count_ = 0;
  std::size_t key_bytes_ = 0;  // of all entries
  std::uint32_t newest_ = none, oldest_ = none;
  std::uint64_t serial_ = 0;
  std::uint64_t generation_ = 0;  // rolls so far
  bool moved_since_roll_ = false;

  std::vector<Undo> undo_;
  std::size_t undo_base_ = 0;  // number of undo_[0]
  std::size_t settled_ = 0;    // records at the front of undo_ that are final
  std::deque<Group> groups_;
};

}  // namespace telemetry
