// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "telemetry/live.hpp"
#include "telemetry/seal.hpp"

namespace telemetry {

/// A message of which the streams find out themselves whether they want it.
struct LiveMessage {
  explicit LiveMessage(const Row& from);
  [[nodiscard]] std::shared_ptr<const std::string> record(const Seal& seal) const;
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof *this + text.capacity() + row.fields.capacity() * sizeof(Field);
  }

  Row row;
  Arena text{1024};  // of the row

 private:
  mutable std::once_flag made_;
  mutable std::shared_ptr<const std::string> record_;
};
using LiveMessagePtr = std::shared_ptr<const LiveMessage>;

/// Between the hub, which puts in, and a stream, which takes out.
struct LiveMailbox {
  LiveMailbox(std::size_t the_messages_max, std::size_t the_bytes_max)
      : messages_max(the_messages_max), bytes_max(the_bytes_max) {}

  const std::size_t messages_max, bytes_max;
  std::mutex mutex;  // taken behind the hub's
  std::vector<LiveEvent> queue;
  std::vector<LiveMessagePtr> undecided;  // for each message of the queue without a record
  std::size_t bytes = 0;
  std::uint64_t left_out = 0;  // since it was full; then nothing is put in any more
  std::function<void()> wake;
  bool armed = false;  // the stream found nothing and waits
};

/// Streams with equal selections: what they want is found out once.
struct LiveGroup {
  struct Member {
    LiveMailbox* mailbox;
    std::uint64_t after;  // it has everything up to here
  };
  Selection selection;
  bool by_topic_alone = true;
  std::uint64_t number = 0;  // rises with each new group
  std::size_t key_size = 0;
  std::size_t comparisons = 0;  // each may look through the message
  std::vector<Member> members;
};

struct LiveHub::State {
  mutable std::mutex mutex;
  std::atomic<std::uint64_t> position{0};  // everything up to here was given out; 0 = unknown
  using GroupPtr = std::shared_ptr<LiveGroup>;
  std::map<std::string, GroupPtr> groups;  // by key_of(selection)
  std::uint64_t groups_made = 0;
  struct Topic {
    std::string name;
    std::uint64_t groups_seen = 0;  // groups_made, when it was last brought up to date
    std::vector<GroupPtr> groups;   // that want it; some may have no members any more
  };
  std::unordered_map<std::uint64_t, Topic> topics;  // by hash, those seen lately
  Topic other;                                      // one whose hash another has
  std::vector<LiveMailbox*> to_wake;                // of one batch
  std::size_t work_left = 0;                        // for selections of one batch
  std::optional<Seal> seal;                         // of the journal
  Row row;
  LiveStats stats;

  [[nodiscard]] const std::vector<GroupPtr>& wanted_by(const Reading& reading);
  [[nodiscard]] bool may_decide(const LiveGroup& group);
  void give(const Reading& reading);
  void put(LiveMailbox& mailbox, LiveEvent event, std::size_t bytes);
  void put(LiveMailbox& mailbox, const LiveMessagePtr& undecided);
  /// False when the queue is full.
  bool put_locked(LiveMailbox& mailbox, LiveEvent event, std::size_t bytes);
  void write(const JournalId& journal, std::span<const BatchPtr> batches);

  /// Gives it all that follows `after`. False when some of that has been given out already.
  /// @param key  key_of(selection)
  [[nodiscard]] bool join(LiveMailbox& mailbox, const Selection& selection, const std::string& key,
                          std::uint64_t after);
  void leave(LiveMailbox& mailbox, const std::string& key);
};

/// Equal for selections that select the same, in most cases.
[[nodiscard]] std::string key_of(const Selection& selection);
/// What it may cost to ask whether a message is selected: bytes that are looked at.
[[nodiscard]] std::size_t work_of(std::size_t key_size, std::size_t comparisons,
                                  const Row& row) noexcept;
/// What to call a gap: numbers up to `last` that are not among the readings.
[[nodiscard]] LiveEvent gap_in(const Batch& batch);
[[nodiscard]] std::shared_ptr<const std::string> record_of(const Row& row, const Seal& seal);

}  // namespace telemetry
