// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>

#include "ingest/fixture.hpp"
#include "telemetry/live.hpp"

/// A door and a journal over files in memory, and a hub that is given what is durable when a test
/// says so.
namespace telemetry::testing {

struct LiveHouse {
  explicit LiveHouse(std::uint64_t journal_bytes_max = 64 << 20) {
    journal_options.path = "/journal";
    journal_options.size_max_bytes = journal_bytes_max;
    journal_options.replay_window_ns = 0;
    auto opened =
        Ingest::open({}, journal_options, schema_set({temperature_schema}), environment());
    REQUIRE(opened);
    ingest = *std::move(opened);
    ingest->on_durable([this](const BatchPtr& batch) {
      const std::lock_guard lock(mutex);
      waiting.push_back(batch);
    });
    door = ingest->make_door();
  }
  Environment environment() {
    return {system_environment().clock, files, system_environment().random, log.log()};
  }
  [[nodiscard]] Journal& journal() { return ingest->journal(); }
  /// Commits messages on this topic; their payloads are numbers that go on.
  void store(int count, const std::string& topic = "hall/value") {
    for (int i = 0; i < count; ++i) add(*door, topic, std::to_string(next_number++));
    REQUIRE(door->commit());
  }
  void store_text(const std::string& topic, const std::string& payload) {
    add(*door, topic, payload);
    REQUIRE(door->commit());
  }
  /// Hands to the hub what became durable since.
  void give() {
    std::deque<BatchPtr> batches;
    {
      const std::lock_guard lock(mutex);
      batches.swap(waiting);
    }
    for (const BatchPtr& batch : batches) REQUIRE(hub.write(journal().id(), {&batch, 1}, {}));
  }
  std::unique_ptr<LiveStream> open(Selection selection = {},
                                   std::optional<Position> resume = std::nullopt) {
    LiveOptions options;
    options.selection = std::move(selection);
    options.resume = resume;
    return std::make_unique<LiveStream>(hub, journal(), environment(), std::move(options));
  }

  model::FaultFileSystem files;
  LogLines log;
  JournalOptions journal_options;
  std::unique_ptr<Ingest> ingest;
  std::unique_ptr<Door> door;
  LiveHub hub;
  std::mutex mutex;
  std::deque<BatchPtr> waiting;
  int next_number = 1;
};

/// All that there is for now.
inline std::vector<LiveEvent> all_of(LiveStream& stream) {
  std::vector<LiveEvent> all;
  for (;;) {
    std::vector<LiveEvent> some;
    const auto more = stream.next(some);
    REQUIRE(more);
    all.insert(all.end(), some.begin(), some.end());
    if (*more != LiveStream::Next::more) return all;
  }
}

inline std::vector<std::uint64_t> sequences_of(const std::vector<LiveEvent>& events) {
  std::vector<std::uint64_t> all;
  for (const LiveEvent& event : events) {
    REQUIRE(event.kind == LiveEvent::Kind::message);
    all.push_back(event.sequence);
  }
  return all;
}

inline std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = first; i <= last; ++i) all.push_back(i);
  return all;
}

inline Selection topics(std::vector<std::string> filters, const std::string& where = {}) {
  Selection selection;
  selection.topics = std::move(filters);
  if (!where.empty()) {
    auto condition = parse_condition(where);
    REQUIRE(condition);
    selection.where.push_back(*std::move(condition));
  }
  return selection;
}

}  // namespace telemetry::testing
