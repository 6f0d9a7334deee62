// SPDX-License-Identifier: Apache-2.0
#include "live/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;
using Sequences = std::vector<std::uint64_t>;

TEST_CASE("each stream is given what its selection wants, in order") {
  LiveHouse house;
  const auto everything = house.open();
  const auto halls = house.open(topics({"hall/#"}));
  const auto two = house.open(topics({"yard", "hall/+/deep"}));
  const auto warm = house.open(topics({"#"}, "value > 2"));
  const auto hot = house.open(topics({"sensors/+/temperature"}, "temperature > 30"));
  Selection of_device = topics({"#"});
  of_device.devices = {"s1"};
  const auto device = house.open(of_device);
  house.store_text("hall/value", "1");                              // 1
  house.store_text("hall/value/deep", "2");                         // 2
  house.store_text("yard", "3");                                    // 3
  house.store_text("sensors/s1/temperature", reading_json(31, 1));  // 4
  house.store_text("sensors/s2/temperature", reading_json(29, 1));  // 5
  house.store_text("$SYS/uptime", "9");                             // 6
  house.give();
  CHECK(sequences_of(all_of(*everything)) == from_to(1, 5));
  CHECK(sequences_of(all_of(*halls)) == from_to(1, 2));
  CHECK(sequences_of(all_of(*two)) == from_to(2, 3));
  CHECK(sequences_of(all_of(*warm)) == Sequences{3});
  CHECK(sequences_of(all_of(*hot)) == Sequences{4});
  CHECK(sequences_of(all_of(*device)) == Sequences{4});
}

TEST_CASE("a record is what REST gives") {
  LiveHouse house;
  const auto stream = house.open();
  house.store_text("sensors/s1/temperature",
                   R"({"temperature": 31.50, "seq": 1, "timestamp": "2026-11-20T08:00:00Z"})");
  house.give();
  const auto events = all_of(*stream);
  REQUIRE(events.size() == 1);
  const std::string& record = *events[0].record;
  CHECK(record.starts_with(R"({"topic":"sensors/s1/temperature","payload":{"temperature":31.5)"));
  CHECK(record.find(R"("timestamp":"2026-11-20T08:00:00Z","received_at":")") != std::string::npos);
  CHECK(record.ends_with(R"(","device":"s1","schema":"temperature","retained":false})"));
}

TEST_CASE("a message that its schema refuses is not live") {
  LiveHouse house;
  const auto stream = house.open();
  house.store_text("sensors/s1/temperature", reading_json(999, 1));
  house.store(1);
  // As the consumer does, which leaves dead readings out.
  CHECK_FALSE(house.hub.traits().takes_dead);
}

TEST_CASE("a record is made once for all, and not at all where nobody wants it") {
  LiveHouse house;
  house.store(3);
  house.give();
  CHECK(house.hub.stats().readings == 0);
  std::vector<std::unique_ptr<LiveStream>> streams;
  for (int i = 0; i < 5; ++i) streams.push_back(house.open(topics({"hall/#"})));
  streams.push_back(house.open(topics({"#"}, "value > 4")));
  house.store(2);
  house.store(2, "elsewhere");
  house.give();
  const LiveStats stats = house.hub.stats();
  CHECK(stats.streams == 6);
  CHECK(stats.selections == 2);
  CHECK(stats.readings == 4);
  CHECK(stats.records == 4);
  CHECK(stats.deliveries == 5 * 2 + 3);
  const auto first = all_of(*streams[0]);
  const auto second = all_of(*streams[1]);
  REQUIRE(first.size() == 2);
  CHECK(first[0].record == second[0].record);
}

TEST_CASE("who wants a topic is found out anew when somebody comes or goes") {
  LiveHouse house;
  auto first = house.open(topics({"a"}));
  house.store(1, "a");
  house.store(1, "b");
  house.give();
  auto second = house.open(topics({"b"}));
  house.store(1, "a");
  house.store(1, "b");
  house.give();
  CHECK(sequences_of(all_of(*first)) == Sequences{1, 3});
  CHECK(sequences_of(all_of(*second)) == Sequences{4});
  first.reset();
  house.store(1, "a");
  house.store(1, "b");
  house.give();
  CHECK(sequences_of(all_of(*second)) == Sequences{6});
  second.reset();
  CHECK(house.hub.stats().selections == 0);
}

TEST_CASE("each selection is compared once with each topic, whoever comes and goes") {
  LiveHouse house;
  const auto stays = house.open(topics({"a"}));
  for (int round = 0; round < 10; ++round) {
    const auto comes = house.open(topics({"b", "c" + std::to_string(round)}));
    house.store(1, "a");
    house.store(1, "b");
    house.give();
    CHECK(all_of(*comes).size() == 1);
    CHECK(all_of(*stays).size() == 1);
  }
  CHECK(house.hub.stats().matches == 2 * (1 + 10));
}

namespace {

/// Asks the same thing so often that the hub leaves it to its stream.
Selection costly(const std::string& where, int times = 60) {
  std::string all = where;
  for (int i = 1; i < times; ++i) all += " and " + where;
  return topics({"#"}, all);
}
std::string long_text(std::size_t bytes, const std::string& end) {
  return '"' + std::string(bytes, 'x') + end + '"';
}

}  // namespace

TEST_CASE("a costly condition is asked by its own stream: others come, receive and leave before") {
  LiveHouse house;
  const auto asks_much = house.open(costly("value like '%hot'"));
  int woken = 0;
  asks_much->on_ready([&] { ++woken; });
  CHECK(all_of(*asks_much).empty());
  auto other = house.open(topics({"hall/#"}));
  house.store_text("hall/a", long_text(8'000, "hot"));
  house.store_text("hall/a", long_text(8'000, "cold"));
  house.give();
  CHECK(woken == 1);
  CHECK(house.hub.stats().undecided == 2);
  CHECK(house.hub.stats().deliveries == 2);  // to the other one alone
  CHECK(sequences_of(all_of(*other)) == from_to(1, 2));
  other.reset();
  auto late = house.open(topics({"hall/#"}, "value like '%hot'"));
  house.store_text("hall/a", long_text(100, "hot"));
  house.give();
  CHECK(sequences_of(all_of(*late)) == from_to(3, 3));
  // Taking what waits takes no time yet; asking wants a worker.
  std::vector<LiveEvent> events;
  CHECK_FALSE(asks_much->blocks());
  CHECK(*asks_much->next(events) == LiveStream::Next::more);
  CHECK(events.empty());
  CHECK(asks_much->blocks());
  CHECK(sequences_of(all_of(*asks_much)) == Sequences{1, 3});
  CHECK_FALSE(asks_much->blocks());
  CHECK(asks_much->position()->sequence == 3);
}

TEST_CASE("whether the hub asks or the stream, what is selected is the same and in order") {
  LiveHouse house;
  const auto asks_little = house.open(topics({"#"}, "temperature > 20 or value like '%hot'"));
  const auto asks_much = house.open(costly("(temperature > 20 or value like '%hot')", 60));
  const auto asks_too = house.open(costly("(temperature > 20 or value like '%hot')", 60));
  Sequences wanted;
  for (std::uint64_t i = 1; i <= 300; ++i) {
    const bool is_wanted = i % 3 != 0;
    if (i % 2 == 0) {
      house.store_text("sensors/s1/temperature",
                       reading_json(is_wanted ? 21 : 20, static_cast<std::int64_t>(i)));
    } else {
      house.store_text("t", long_text(i * 30, is_wanted ? "hot" : "cold"));
    }
    if (is_wanted) wanted.push_back(i);
    if (i % 7 == 0) house.give();
  }
  house.give();
  CHECK(house.hub.stats().undecided > 100);
  const auto events = all_of(*asks_much);
  CHECK(sequences_of(events) == wanted);
  const auto same = all_of(*asks_little);
  const auto too = all_of(*asks_too);
  CHECK(sequences_of(same) == wanted);
  REQUIRE(too.size() == events.size());
  int shared = 0, different = 0;
  for (std::size_t i = 0; i < same.size(); ++i) {
    different += *same[i].record != *events[i].record;
    shared += events[i].record == too[i].record;
  }
  CHECK(different == 0);
  CHECK(shared == static_cast<int>(wanted.size()));  // made once for both
}

TEST_CASE("who asks for more than he can follow overflows by himself") {
  LiveHouse house;
  LiveOptions options;
  options.selection = costly("value like '%hot'");
  const bool by_bytes = GENERATE(false, true);
  if (by_bytes)
    options.bytes_max = 100'000;
  else
    options.messages_max = 5;
  LiveStream slow(house.hub, house.journal(), house.environment(), options);
  const auto other = house.open();
  for (int i = 0; i < 20; ++i) house.store_text("hall", long_text(8'000, "hot"));
  house.give();
  const auto events = all_of(slow);
  REQUIRE(events.size() >= 2);
  CHECK((by_bytes ? events.size() < 15 : events.size() == 6));
  CHECK(events.back().kind == LiveEvent::Kind::overflow);
  CHECK(events.back().left_out == 21 - events.size());
  CHECK(sequences_of(all_of(*other)) == from_to(1, 20));
}

TEST_CASE("comparisons are counted, the values of in as one") {
  CHECK(comparisons_in(topics({"#"})) == 0);
  CHECK(comparisons_in(topics({"#"}, "a = 1 and not (b in (1, 2, 3) or c is null)")) == 3);
}

TEST_CASE("a stream that waits is woken once, and not when it is gone") {
  LiveHouse house;
  int woken = 0;
  auto stream = house.open();
  stream->on_ready([&] { ++woken; });
  house.store(2);
  house.give();
  CHECK(woken == 0);  // nobody has found the queue empty yet
  CHECK(all_of(*stream).size() == 2);
  house.store(2);
  house.store(2);
  house.give();
  CHECK(woken == 1);
  CHECK(all_of(*stream).size() == 4);
  stream.reset();
  house.store(1);
  house.give();
  CHECK(woken == 1);
}

TEST_CASE("a queue that is full ends with the number of what was left out, others go on") {
  LiveHouse house;
  LiveOptions options;
  const bool by_bytes = GENERATE(false, true);
  if (by_bytes)
    options.bytes_max = 1'000;
  else
    options.messages_max = 5;
  LiveStream slow(house.hub, house.journal(), house.environment(), options);
  const auto other = house.open();
  house.store(20);
  house.give();
  const auto events = all_of(slow);
  REQUIRE(events.size() >= 2);
  const std::size_t taken = events.size() - 1;
  CHECK((by_bytes ? taken < 20 : taken == 5));
  CHECK(events.back().kind == LiveEvent::Kind::overflow);
  CHECK(events.back().left_out == 20 - taken);
  REQUIRE(slow.position());
  CHECK(slow.position()->sequence == taken);  // where to go on
  std::vector<LiveEvent> none;
  CHECK(*slow.next(none) == LiveStream::Next::end);
  CHECK(none.empty());
  CHECK(sequences_of(all_of(*other)) == from_to(1, 20));
  CHECK(house.hub.stats().overflows == 1);
}

TEST_CASE("messages that the journal lost before the hub came to them are a gap") {
  LiveHouse house;
  const auto stream = house.open();
  house.store(2);
  house.give();
  house.store(6);
  std::deque<BatchPtr> batches;
  batches.swap(house.waiting);
  auto part = std::make_shared<Batch>();
  part->after = 2;
  part->last = 8;
  part->lost = 3;
  part->readings.assign(batches.front()->readings.begin() + 3, batches.front()->readings.end());
  const BatchPtr given = part;
  REQUIRE(house.hub.write(house.journal().id(), {&given, 1}, {}));
  const auto events = all_of(*stream);
  REQUIRE(events.size() == 6);
  CHECK(events[2].kind == LiveEvent::Kind::gap);
  CHECK(events[2].from == 3);
  CHECK(events[2].sequence == 5);
  CHECK(events[3].sequence == 6);
}

TEST_CASE("the hub begins with what comes next and keeps nothing in the journal") {
  LiveHouse house;
  const SinkTraits traits = house.hub.traits();
  CHECK(traits.start == SinkTraits::Start::newest);
  CHECK_FALSE(traits.keeps_journal);
  const auto before = house.hub.position(house.journal().id());
  REQUIRE(before);
  CHECK_FALSE(before->has_value());
  house.store(3);
  house.give();
  const auto after = house.hub.position(house.journal().id());
  REQUIRE(after);
  REQUIRE(after->has_value());
  CHECK((*after)->sequence == 3);
}
