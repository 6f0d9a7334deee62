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

/// Between the hub, which puts in, and a stream, which takes out.
struct LiveMailbox {
  LiveMailbox(std::size_t the_messages_max, std::size_t the_bytes_max)
      : messages_max(the_messages_max), bytes_max(the_bytes_max) {}

  const std::size_t messages_max, bytes_max;
  std::mutex mutex;  // taken behind the hub's
  std::vector<LiveEvent> queue;
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
  std::vector<Member> members;
};

struct LiveHub::State {
  mutable std::mutex mutex;
  std::atomic<std::uint64_t> position{0};   // everything up to here was given out; 0 = unknown
  std::map<std::string, LiveGroup> groups;  // by the text of their selections
  struct Topic {
    std::string name;
    std::vector<LiveGroup*> groups;
  };
  std::unordered_map<std::uint64_t, Topic> topics;  // by hash: who wants it, for those seen lately
  std::vector<LiveMailbox*> to_wake;                // of one write
  std::vector<LiveGroup*> found;
  std::optional<Seal> seal;  // of the journal
  Row row;
  LiveStats stats;

  [[nodiscard]] const std::vector<LiveGroup*>& wanted_by(const Reading& reading);
  void give(const Reading& reading);
  void put(LiveMailbox& mailbox, LiveEvent event);
  void write(const JournalId& journal, std::span<const BatchPtr> batches);

  /// Gives it all that follows `after`. False when some of that has been given out already.
  [[nodiscard]] bool join(LiveMailbox& mailbox, const Selection& selection, std::uint64_t after);
  void leave(LiveMailbox& mailbox, const Selection& selection);
};

/// What to call a gap: numbers up to `last` that are not among the readings.
[[nodiscard]] LiveEvent gap_in(const Batch& batch);
[[nodiscard]] std::shared_ptr<const std::string> record_of(const Row& row, const Seal& seal);

}  // namespace telemetry
