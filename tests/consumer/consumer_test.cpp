// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <thread>

#include "consumer/scripted_sink.hpp"
#include "ingest/fixture.hpp"
#include "telemetry/consumer.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

constexpr std::int64_t ms = core::ns_per_ms;
const std::string topic = "sensors/hall/temperature";

/// A real clock over files in memory, an ingest, and consumers that a test starts and stops.
struct House {
  House() {
    journal.path = "/journal";
    options.batch_age_ns = 2 * ms;
    options.retry_min_ns = ms;
    options.retry_max_ns = 4 * ms;
    options.flush_idle_ns = 5 * ms;
    options.cursor_interval_ns = 0;
    open();
  }
  void open() {
    door.reset();
    ingest.reset();
    auto opened = Ingest::open({}, journal, schema_set({temperature_schema}), environment());
    REQUIRE(opened);
    ingest = std::move(*opened);
    feed = std::make_unique<Feed>(feed_bytes);
    ingest->on_durable([this](const BatchPtr& batch) { feed->publish(batch); });
    door = ingest->make_door();
  }
  Environment environment() {
    return {system_environment().clock, files, system_environment().random, log.log()};
  }
  void store(int count, int messages_per_batch = 10) {
    for (int i = 0; i < count; ++i) {
      add(*door, topic, reading_json(1, next_++));
      if (i % messages_per_batch == messages_per_batch - 1) REQUIRE(door->commit());
    }
    REQUIRE(door->commit());
  }
  [[nodiscard]] std::vector<std::string> expected(int from = 0) const {
    std::vector<std::string> all;
    for (int i = from; i < next_; ++i) all.push_back(reading_json(1, i));
    return all;
  }

  model::FaultFileSystem files;
  LogLines log;
  JournalOptions journal;
  ConsumerOptions options;
  std::size_t feed_bytes = 8 << 20;
  std::unique_ptr<Ingest> ingest;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Door> door;

 private:
  int next_ = 0;
};

/// A consumer on a thread of its own; stops and drains when it goes.
class Running {
 public:
  Running(House& house, FarEnd& far_end, OnRejected on_rejected = {},
          std::int64_t drain_ns = 20'000 * ms)
      : consumer_(std::make_unique<ScriptedSink>(far_end), house.ingest->journal(), *house.feed,
                  house.options, house.environment(), std::move(on_rejected)),
        thread_([this, drain_ns](const std::stop_token& stop) { consumer_.run(stop, drain_ns); }) {}
  ConsumerStats stop() {
    thread_.request_stop();
    thread_.join();
    return consumer_.stats();
  }
  ConsumerStats stats() const { return consumer_.stats(); }

 private:
  Consumer consumer_;
  std::jthread thread_;
};

}  // namespace

TEST_CASE("a consumer writes everything, in order, once") {
  House house;
  FarEnd far_end;
  house.store(35);  // before it starts: from the journal
  Running consumer(house, far_end);
  REQUIRE(far_end.wait_for_rows(35));
  house.store(500);  // while it runs: from memory
  const auto stats = consumer.stop();
  CHECK(far_end.payloads() == house.expected());
  CHECK(far_end.repeated() == 0);
  CHECK(stats.accepted == 535);
  CHECK(stats.position == 535);
  CHECK(stats.durable == 535);
  CHECK(stats.lag == 0);
  CHECK_FALSE(stats.failing);
}

TEST_CASE("a consumer goes on where its sink stands after a restart") {
  House house;
  FarEnd far_end;
  house.store(40);
  (void)Running(house, far_end).stop();
  house.open();
  house.store(40);
  (void)Running(house, far_end).stop();
  CHECK(far_end.payloads() == house.expected());
  CHECK(far_end.repeated() == 0);
}

TEST_CASE("a sink without a position goes on from the journal's cursor") {
  House house;
  FarEnd far_end;
  far_end.set_plan({.traits = {}});
  house.store(40);
  (void)Running(house, far_end).stop();
  house.open();
  house.store(40);
  (void)Running(house, far_end).stop();
  CHECK(far_end.payloads() == house.expected());
  CHECK(far_end.repeated() == 0);
}

TEST_CASE("a sink that fails when it is stopped goes on from where it was durable") {
  House house;
  house.options.cursor_interval_ns = INT64_MAX / 2;  // only a stop keeps it
  FarEnd far_end;
  far_end.set_plan({.traits = {}});
  Running consumer(house, far_end, {}, 0);
  house.store(40);
  REQUIRE(far_end.wait_for_rows(40));
  while (consumer.stats().durable < 40) std::this_thread::yield();
  far_end.set_plan({.open_failures = 1'000'000, .writes = {FarEnd::Fault::refuse}, .traits = {}});
  house.store(40);
  while (!consumer.stats().failing) std::this_thread::yield();
  (void)consumer.stop();
  far_end.set_plan({.traits = {}});
  house.open();
  (void)Running(house, far_end).stop();
  CHECK(far_end.payloads() == house.expected());
  CHECK(far_end.repeated() == 0);
}

TEST_CASE("a new store is filled from the journal, though an old one had been further") {
  House house;
  FarEnd old_store;
  house.store(40);
  (void)Running(house, old_store).stop();
  house.open();
  FarEnd new_store;
  (void)Running(house, new_store).stop();
  CHECK(new_store.payloads() == house.expected());
}

TEST_CASE("a consumer that memory has left behind reads the journal and catches up") {
  House house;
  house.feed_bytes = 200'000;  // two batches or so
  house.open();
  FarEnd far_end;
  far_end.set_plan({.open_failures = 3});
  Running consumer(house, far_end);
  house.store(3'000);
  const auto stats = consumer.stop();
  CHECK(far_end.payloads() == house.expected());
  CHECK(far_end.repeated() == 0);
  CHECK(stats.retries == 3);
  CHECK(house.log.count("works again") == 1);
}

TEST_CASE("a failing sink is retried until it works; nothing is lost or repeated") {
  House house;
  FarEnd far_end;
  using enum FarEnd::Fault;
  far_end.set_plan({.writes = {refuse, none, throws, refuse, lost_answer, none, lost_answer}});
  Running consumer(house, far_end);
  for (int i = 0; i < 20; ++i) {
    house.store(10);
    if (i % 5 == 0) REQUIRE(far_end.wait_for_rows(static_cast<std::size_t>(i) * 10));
  }
  const auto stats = consumer.stop();
  CHECK(far_end.payloads() == house.expected());
  CHECK(far_end.repeated() == 0);
  CHECK(stats.retries >= 5);
  CHECK(house.log.count("sink threw") == 1);
}

TEST_CASE("what has piled up goes out in one write, but not more than the limit") {
  House house;
  house.options.batch_rows_max = 100;
  FarEnd far_end;
  house.store(1'000, 10);
  (void)Running(house, far_end).stop();
  const auto sizes = far_end.write_sizes();
  CHECK(sizes.size() <= 11);
  for (const std::size_t size : sizes) CHECK(size <= 100);
  CHECK(far_end.rows() == 1'000);
}

TEST_CASE("a large backlog is split by bytes too") {
  House house;
  house.options.batch_bytes_max = 20'000;
  FarEnd far_end;
  house.store(1'000, 10);
  house.open();
  (void)Running(house, far_end).stop();
  CHECK(far_end.write_sizes().size() > 5);
  CHECK(far_end.payloads() == house.expected());
}

TEST_CASE("an idle consumer flushes what is not durable and tells the journal") {
  House house;
  FarEnd far_end;
  far_end.set_plan({.durable_lag = 1'000});
  Running consumer(house, far_end);
  house.store(10);
  REQUIRE(far_end.wait_for_rows(10));
  REQUIRE(far_end.wait_for_flush());
  const auto stats = consumer.stop();
  CHECK(stats.durable == 10);
}

TEST_CASE("rejected readings are kept before their write is done, each once") {
  House house;
  house.store(20, 20);
  FarEnd far_end;
  using enum FarEnd::Fault;
  far_end.set_plan({.writes = {none, refuse_late, none}, .rejected = {3, 17}});
  std::vector<std::string> refused;
  int calls = 0;
  const auto keep = [&](std::span<const Rejected> rejected) -> Result<void> {
    if (++calls == 1) return Error{Errc::unavailable, "no room"};
    for (const auto& [reading, reason] : rejected) {
      refused.push_back(std::string(reading->payload) + " " + reason);
    }
    return {};
  };
  const auto stats = Running(house, far_end, keep).stop();
  CHECK(calls == 2);
  CHECK(stats.retries == 2);
  CHECK(stats.rejected == 2);
  CHECK(stats.accepted == 18);
  CHECK(refused == std::vector<std::string>{reading_json(1, 2) + " too odd",
                                            reading_json(1, 16) + " too odd"});
}

TEST_CASE("a position in another journal is loss of data, said, and the consumer goes on") {
  House house;
  FarEnd far_end;
  JournalId other{};
  other[0] = 7;
  far_end.set_position(Position{other, 3});
  house.store(10);
  (void)Running(house, far_end).stop();
  CHECK(far_end.rows() == 10);
  CHECK(house.log.count("of journal 07") == 1);
}

TEST_CASE("a position before the journal's first message is counted as lost, and it goes on") {
  House house;
  house.journal.sequence_floor = 100;
  house.journal.path = "/other";
  house.open();
  house.store(10);
  FarEnd far_end;
  far_end.set_position(Position{house.ingest->journal().id(), 40});
  const auto stats = Running(house, far_end).stop();
  CHECK(stats.lost == 60);
  CHECK(far_end.rows() == 10);
  CHECK(house.log.count("60 messages are lost") == 1);
}

TEST_CASE("a position beyond the journal's end is said, and the oldest message comes next") {
  House house;
  house.store(10);
  FarEnd far_end;
  far_end.set_position(Position{house.ingest->journal().id(), 1'000});
  (void)Running(house, far_end).stop();
  CHECK(far_end.rows() == 10);
  CHECK(house.log.count("the journal ends at 10") == 1);
}

TEST_CASE("a consumer that cannot write in time stops without its backlog") {
  House house;
  FarEnd far_end;
  far_end.set_plan({.open_failures = 1'000'000});
  house.store(10);
  auto sink = std::make_unique<ScriptedSink>(far_end);
  Consumer consumer(std::move(sink), house.ingest->journal(), *house.feed, house.options,
                    house.environment());
  std::stop_source stop;
  stop.request_stop();
  consumer.run(stop.get_token(), 20 * ms);
  CHECK(far_end.rows() == 0);
  CHECK(house.log.count("10 messages before the journal's end") == 1);
  CHECK(consumer.stats().failing);
}

TEST_CASE("a batch of which a part is written is written from there on") {
  House house;
  FarEnd far_end;
  house.store(10);
  far_end.set_position(Position{house.ingest->journal().id(), 4});
  (void)Running(house, far_end).stop();
  CHECK(far_end.payloads() == house.expected(4));
}

TEST_CASE("a sink is given the readings that its traits ask for") {
  House house;
  house.store(5);
  add(*house.door, topic, "junk");
  add(*house.door, topic, "more junk");
  REQUIRE(house.door->commit());
  house.store(5);
  FarEnd living, dead, all;
  dead.set_plan({.traits = {.transactional = true, .takes_living = false, .takes_dead = true}});
  all.set_plan({.traits = {.transactional = true, .takes_dead = true}});
  for (FarEnd* far_end : {&living, &dead, &all}) {
    const auto stats = Running(house, *far_end).stop();
    CHECK(stats.position == 12);
    CHECK(stats.lag == 0);
  }
  CHECK(living.payloads() == house.expected());
  CHECK(dead.payloads() == std::vector<std::string>{"junk", "more junk"});
  CHECK(all.rows() == 12);
}

TEST_CASE("a sink that starts at the newest is given what comes after its start") {
  House house;
  house.store(10);
  FarEnd far_end;
  far_end.set_plan({.traits = {.start = SinkTraits::Start::newest}});
  Running consumer(house, far_end);
  house.store(10);
  REQUIRE(far_end.wait_for_rows(10));
  (void)consumer.stop();
  CHECK(far_end.payloads() == house.expected(10));
}

TEST_CASE("a sink that is away keeps of the journal only what it has not taken") {
  House house;
  house.journal.segment_bytes = 4'096;
  house.journal.replay_window_ns = 0;
  house.open();
  FarEnd far_end;
  far_end.set_plan({.traits = {}});
  house.store(300);
  (void)Running(house, far_end).stop();
  house.open();
  far_end.set_plan({.open_failures = 1'000'000, .traits = {}});
  Running consumer(house, far_end);
  house.ingest->journal().trim();
  const auto first = house.ingest->journal().first_sequence();
  CHECK(first > 250);  // it was done with those, and the cursor says so before the sink is open
  house.store(300);
  house.ingest->journal().trim();
  CHECK(house.ingest->journal().first_sequence() <= 301);
  far_end.set_plan({.traits = {}});  // it is back
  CHECK(consumer.stop().lag == 0);
}

TEST_CASE("a sink that keeps no journal loses what goes while it is away, counted") {
  House house;
  house.journal.segment_bytes = 4'096;
  house.journal.replay_window_ns = 0;
  house.open();
  FarEnd far_end;
  far_end.set_plan({.traits = {.keeps_journal = false}});
  house.store(10);
  (void)Running(house, far_end).stop();
  house.store(600);
  house.ingest->journal().trim();
  const auto first = house.ingest->journal().first_sequence();
  CHECK(first > 11);
  const auto stats = Running(house, far_end).stop();
  CHECK(stats.lost == first - 11);
  CHECK(far_end.rows() == 10 + 610 - (first - 1));
}

TEST_CASE("all that a write rejects is kept with one call, and a few of it are logged") {
  House house;
  house.store(1'000, 1'000);
  FarEnd far_end;
  std::set<std::uint64_t> ids;
  for (std::uint64_t id = 1; id <= 1'000; id += 2) ids.insert(id);
  far_end.set_plan({.rejected = ids});
  int calls = 0;
  std::size_t kept = 0;
  const auto stats =
      Running(house, far_end, [&](std::span<const Rejected> rejected) -> Result<void> {
        ++calls;
        kept += rejected.size();
        return {};
      }).stop();
  CHECK(far_end.rows() == 500);
  CHECK(stats.rejected == 500);
  CHECK(kept == 500);
  CHECK(calls == 1);
  CHECK(house.log.count("for good: too odd") == 10);
}

TEST_CASE("an idle consumer flushes again and again, at its sink's own interval") {
  House house;
  house.options.flush_idle_ns = 3'600'000 * ms;
  FarEnd far_end;
  far_end.set_plan({.traits = {.flush_idle_ns = ms}});
  Running consumer(house, far_end);
  house.store(10);
  REQUIRE(far_end.wait_for_rows(10));
  CHECK(far_end.wait_for_flushes(3));  // though all is durable after the write
}

TEST_CASE("a deletion comes alone, between the messages before it and those after it") {
  House house;
  if (GENERATE(true, false)) house.feed_bytes = 0;  // also those that run read the journal
  house.open();
  FarEnd far_end;
  const auto remove = [&](const std::string& filter) {
    Deletion deletion;
    deletion.topics = {filter};
    auto sequence = house.ingest->append(deletion);
    REQUIRE(sequence);
    return *sequence;
  };
  house.store(15);  // before it starts: from the journal
  CHECK(remove("a") == 16);
  CHECK(remove("b") == 17);
  house.store(5);
  Running consumer(house, far_end);
  REQUIRE(far_end.wait_for_rows(20));
  house.store(10);  // while it runs: from memory
  const std::uint64_t last = remove("c");
  house.store(3);
  REQUIRE(far_end.wait_for_rows(33));
  const auto stats = consumer.stop();
  CHECK(far_end.deletions() == std::vector<std::string>{"a: 15", "b: 15", "c: 30"});
  CHECK(far_end.payloads() == house.expected());
  CHECK(stats.position == 36);
  CHECK(stats.lost == 0);
  CHECK(stats.deletion == last);
  CHECK(stats.deleted == 30);
}

TEST_CASE("a deletion that a consumer does not understand deletes nothing, and is said") {
  House house;
  FarEnd far_end;
  house.store(2);
  {
    const auto lock = house.ingest->journal().lock();
    for (const char* payload : {R"({"topics":["#"],"where":"n > 3"})", "{}", "nonsense"}) {
      Journal::Record record;
      record.header.kind = core::FrameKind::tombstone;
      record.payload = payload;
      REQUIRE(house.ingest->journal().reserve(1'000));
      auto ticket = house.ingest->journal().append({&record, 1});
      REQUIRE(ticket);
      REQUIRE(house.ingest->journal().sync(*ticket));
    }
  }
  house.open();
  house.store(1);
  const auto stats = Running(house, far_end).stop();
  CHECK(far_end.payloads() == house.expected());
  CHECK(far_end.deletions().empty());
  CHECK(stats.position == 6);
  CHECK(house.log.count("of the journal is passed over: not a deletion that this program") == 3);
}
