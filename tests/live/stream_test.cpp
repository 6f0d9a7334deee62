// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <condition_variable>
#include <random>
#include <thread>

#include "live/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;

TEST_CASE("whatever the hub has given out, a stream goes on without gap or repeat") {
  constexpr std::uint64_t stored = 6, last = 9;
  for (std::uint64_t given = 0; given <= stored; ++given) {
    for (std::uint64_t from = 0; from <= stored; ++from) {
      LiveHouse house;
      for (std::uint64_t i = 1; i <= stored; ++i) {
        house.store(1);
        if (i <= given) house.give();
      }
      const auto stream = house.open({}, Position{house.journal().id(), from});
      CHECK(stream->blocks());
      auto events = all_of(*stream);
      CHECK_FALSE(stream->blocks());
      house.store(static_cast<int>(last - stored));
      house.give();
      for (const LiveEvent& event : all_of(*stream)) events.push_back(event);
      INFO("given " << given << ", from " << from);
      CHECK(sequences_of(events) == from_to(from + 1, last));
    }
  }
}

TEST_CASE("a stream joins only when it has all that the hub gave out before") {
  LiveHouse house;
  house.store(6);
  // The hub may be ahead of what the journal showed a moment ago.
  const auto ahead = std::make_shared<Batch>();
  ahead->last = 9;
  const BatchPtr given = ahead;
  REQUIRE(house.hub.write(house.journal().id(), {&given, 1}, {}));
  const auto stream = house.open({}, Position{house.journal().id(), 3});
  std::vector<LiveEvent> events;
  for (int i = 0; i < 10; ++i) CHECK(*stream->next(events) == LiveStream::Next::more);
  CHECK(stream->blocks());
  house.store(3);
  for (const LiveEvent& event : all_of(*stream)) events.push_back(event);
  CHECK_FALSE(stream->blocks());
  CHECK(sequences_of(events) == from_to(4, 9));
}

TEST_CASE("what the journal replays is selected as what comes") {
  LiveHouse house;
  house.store_text("a", "1");
  house.store_text("b", "2");
  house.store_text("a", "3");
  house.store_text("sensors/s1/temperature", reading_json(999, 1));  // refused
  house.store_text("a", "4");
  const auto stream = house.open(topics({"#"}, "topic != 'b' and (value > 2 or temperature > 2)"),
                                 Position{house.journal().id(), 0});
  CHECK(sequences_of(all_of(*stream)) == std::vector<std::uint64_t>{3, 5});
  REQUIRE(stream->position());
  CHECK(stream->position()->sequence == 5);
  house.give();
  house.store_text("b", "5");
  house.give();
  CHECK(all_of(*stream).empty());
  CHECK(stream->position()->sequence == 6);  // also what it has passed over
}

TEST_CASE("what was deleted is not replayed, and what came later is") {
  LiveHouse house;
  house.store_text("a", "1");                                       // 1
  house.store_text("b", "2");                                       // 2
  house.store_text("sensors/s1/temperature", reading_json(21, 1));  // 3
  house.store_text("sensors/s2/temperature", reading_json(22, 1));  // 4
  const auto erase = [&](std::vector<std::string> topics, auto narrow) {
    Deletion deletion;
    deletion.topics = std::move(topics);
    narrow(deletion);
    REQUIRE(house.ingest->append(deletion));
  };
  erase({"a", "b/#"}, [](Deletion&) {});                          // 5
  house.store_text("a", "6");                                     // 6
  erase({"sensors/#"}, [](Deletion& d) { d.devices = {"s1"}; });  // 7
  erase({"#"}, [](Deletion& d) { d.schemas = {"other"}; });       // 8
  erase({"#"}, [](Deletion& d) { d.until = 1'000'000'000; });     // 9: older than all
  house.store_text("b", "10");                                    // 10
  for (const auto& [from, left] : std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>>{
           {0, {4, 6, 10}}, {3, {4, 6, 10}}, {5, {6, 10}}, {9, {10}}}) {
    const auto stream = house.open({}, Position{house.journal().id(), from});
    INFO(from);
    CHECK(sequences_of(all_of(*stream)) == left);
    CHECK(stream->position()->sequence == 10);
  }
  // It goes on with what comes.
  const auto stream = house.open(topics({"a"}), Position{house.journal().id(), 0});
  CHECK(sequences_of(all_of(*stream)) == std::vector<std::uint64_t>{6});
  house.give();
  house.store_text("a", "11");
  house.give();
  CHECK(sequences_of(all_of(*stream)) == std::vector<std::uint64_t>{11});
}

TEST_CASE("a deletion is found however far behind its messages it stands") {
  LiveHouse house;
  house.store_text("gone", "1");
  for (int i = 0; i < 250; ++i) house.store(100);
  Deletion deletion;
  deletion.topics = {"gone"};
  REQUIRE(house.ingest->append(deletion));
  house.store(1);
  const auto stream = house.open(topics({"gone"}), Position{house.journal().id(), 0});
  CHECK(all_of(*stream).empty());
  const auto all = house.open({}, Position{house.journal().id(), 0});
  const auto events = all_of(*all);
  CHECK(events.size() == 25'001);
  CHECK(events.front().sequence == 2);
}

TEST_CASE("a place that the journal no longer holds is a gap") {
  LiveHouse house(256 << 10);
  house.journal().set_cursor("store", UINT64_MAX);
  while (house.journal().first_sequence() < 50) {
    house.store(100);
    house.journal().trim();
  }
  const std::uint64_t first = house.journal().first_sequence();
  const auto stream = house.open({}, Position{house.journal().id(), 10});
  auto events = all_of(*stream);
  REQUIRE(events.size() > 1);
  CHECK(events[0].kind == LiveEvent::Kind::gap);
  CHECK(events[0].from == 11);
  CHECK(events[0].sequence == first - 1);
  events.erase(events.begin());
  CHECK(sequences_of(events) == from_to(first, house.journal().durable_end()));
}

TEST_CASE("a place in another journal, or behind the end of this one, is a reset") {
  LiveHouse house;
  house.store(3);
  Position place{house.journal().id(), 4};
  SECTION("behind the end") {}
  SECTION("another journal") { place = {JournalId{1, 2, 3}, 2}; }
  const auto stream = house.open({}, place);
  const auto said = all_of(*stream);
  REQUIRE(said.size() == 1);
  CHECK(said[0].kind == LiveEvent::Kind::reset);
  house.waiting.clear();
  house.store(2);
  house.give();
  CHECK(sequences_of(all_of(*stream)) == from_to(4, 5));
}

namespace {

/// Reads up to this message, and is killed at random on its way. @returns how often the next one
/// was not the next number.
int read_with_kills(LiveHouse& house, std::uint64_t last, int kills, unsigned seed) {
  std::mt19937 random(seed);
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  Position at{house.journal().id(), 0};
  int wrong = 0;
  for (int killed = 0; at.sequence < last; ++killed) {
    const auto stream = house.open({}, at);
    stream->on_ready([&] {
      const std::lock_guard lock(mutex);
      woken = true;
      changed.notify_one();
    });
    std::uint64_t left = killed < kills ? random() % (last / static_cast<unsigned>(kills)) : last;
    auto more = LiveStream::Next::more;
    while (at.sequence < last && left > 0 && more != LiveStream::Next::end) {
      std::vector<LiveEvent> events;
      const auto next = stream->next(events);
      if (!next) return -1;
      more = *next;
      for (const LiveEvent& event : events) {
        if (left == 0 || event.kind == LiveEvent::Kind::overflow) break;
        --left;
        if (event.kind != LiveEvent::Kind::message || event.sequence != at.sequence + 1) ++wrong;
        at.sequence = event.sequence;
      }
      if (more != LiveStream::Next::later) continue;
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return std::exchange(woken, false); });
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("readers that are killed at random get every message exactly once") {
  constexpr int messages = 20'000, kills = 100;
  LiveHouse house;
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> readers;
    for (unsigned seed = 1; seed <= 3; ++seed) {
      readers.emplace_back([&, seed] { wrong += read_with_kills(house, messages, kills, seed); });
    }
    for (int stored = 0; stored < messages; stored += 20) {
      house.store(20);
      house.give();
    }
  }
  CHECK(wrong == 0);
  CHECK(house.hub.stats().streams == 0);
}
