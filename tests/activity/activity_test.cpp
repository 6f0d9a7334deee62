// SPDX-License-Identifier: Apache-2.0
#include "telemetry/activity.hpp"

#include <algorithm>
#include <deque>
#include <thread>

#include "ingest/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000, minute_ns = 60 * second_ns;
constexpr std::int64_t noon = 1'796'040'000 * second_ns;  // a full minute

/// A door, and counters that are given what is durable.
struct ActiveHouse {
  explicit ActiveHouse(ActivityOptions options = {}) : activity(options) {
    JournalOptions journal;
    journal.path = "/journal";
    auto opened = Ingest::open({}, journal, schema_set({temperature_schema}), environment());
    REQUIRE(opened);
    ingest = *std::move(opened);
    ingest->on_durable([this](const BatchPtr& batch) { waiting.push_back(batch); });
    door = ingest->make_door();
  }
  Environment environment() {
    return {system_environment().clock, files, system_environment().random, log.log()};
  }
  void store(std::string_view topic, std::string_view payload, std::int64_t received_at = noon) {
    Message message;
    message.topic = topic;
    message.payload = payload;
    message.received_at = received_at;
    door->add(message);
    REQUIRE(door->commit());
    give();
  }
  void give() {
    for (const BatchPtr& batch : std::exchange(waiting, {}))
      REQUIRE(activity.write(ingest->journal().id(), {&batch, 1}, {}));
  }
  [[nodiscard]] std::optional<TopicActivity> of(const std::string& topic,
                                                std::int64_t now = noon) const {
    for (const TopicActivity& one : activity.snapshot(now)) {
      if (*one.topic == topic) return one;
    }
    return std::nullopt;
  }

  model::FaultFileSystem files;
  LogLines log;
  Activity activity;
  std::unique_ptr<Ingest> ingest;
  std::unique_ptr<Door> door;
  std::deque<BatchPtr> waiting;
};

std::string reading_of(int number, const std::string& more = {}) {
  return R"({"temperature":20,"seq":)" + std::to_string(number) + more + "}";
}

constexpr const char* hall = "sensors/s1/temperature";

}  // namespace

TEST_CASE("messages of a topic are counted, invalid ones too, but no duplicates") {
  ActiveHouse house;
  house.store(hall, reading_of(1));
  house.store(hall, reading_of(1));
  house.store(hall, R"({"temperature":999})", noon + second_ns);
  house.store("door", "open");
  const auto of_hall = house.of(hall);
  REQUIRE(of_hall);
  CHECK(of_hall->messages == 2);
  CHECK(of_hall->invalid == 1);
  CHECK(of_hall->last_seen == noon + second_ns);
  REQUIRE(of_hall->device);
  CHECK(*of_hall->device == "s1");
  REQUIRE(of_hall->schema);
  CHECK(*of_hall->schema == "temperature");
  const auto of_door = house.of("door");
  REQUIRE(of_door);
  CHECK(of_door->messages == 1);
  CHECK(of_door->device == nullptr);
  CHECK(of_door->schema == nullptr);
  CHECK(house.activity.snapshot(noon).size() == 2);
}

TEST_CASE("gaps, resets and clocks that are wrong are counted where they are found") {
  ActiveHouse house;
  for (const int number : {1, 2, 6, 7}) house.store(hall, reading_of(number));
  CHECK(house.of(hall)->gaps == 1);
  CHECK(house.of(hall)->missing == 3);
  CHECK(house.of(hall)->resets == 0);
  house.store(hall, R"({"temperature":21,"seq":1})");  // another payload: it began again
  CHECK(house.of(hall)->resets == 1);
  house.store(hall, reading_of(2, R"(,"timestamp":"2026-11-30T08:00:00Z")"));
  CHECK(house.of(hall)->clock_trouble == 0);
  house.store(hall, reading_of(3, R"(,"timestamp":"1970-01-01T00:00:10Z")"));
  CHECK(house.of(hall)->clock_trouble == 1);
}

TEST_CASE("the rate is of about the last minute") {
  ActiveHouse house;
  for (int i = 0; i < 30; ++i) house.store("a", std::to_string(i), noon + i * 2 * second_ns);
  CHECK(house.of("a", noon + minute_ns - 1)->rate_per_minute == 30);
  CHECK(house.of("a", noon + minute_ns + minute_ns / 2)->rate_per_minute == 15);
  house.store("a", "x", noon + minute_ns + minute_ns / 2);
  CHECK(house.of("a", noon + minute_ns + minute_ns / 2)->rate_per_minute == 16);
  CHECK(house.of("a", noon + 3 * minute_ns)->rate_per_minute == 0);
  // The clock of the journal never goes back.
  house.store("a", "y", noon - 60 * minute_ns);
  CHECK(house.of("a", noon + minute_ns + minute_ns / 2)->rate_per_minute == 17);
  CHECK(house.of("a")->last_seen == noon + minute_ns + minute_ns / 2);
}

TEST_CASE("topics beyond the bound push out those that were silent for longest") {
  ActiveHouse house({.topics_max = 10});
  for (int i = 0; i < 100; ++i) {
    house.store("talks", std::to_string(i));
    house.store("once/" + std::to_string(i), "1");
    REQUIRE(house.activity.snapshot(noon).size() <= 10);
  }
  CHECK(house.of("talks")->messages == 100);
  CHECK(house.of("once/99"));
  CHECK_FALSE(house.of("once/1"));
  // In bytes, too: ten names of 256 each.
  const std::string long_name(2'000, 'x');
  for (int i = 0; i < 5; ++i) house.store(std::to_string(i) + long_name, "1");
  std::size_t bytes = 0;
  for (const TopicActivity& one : house.activity.snapshot(noon)) bytes += one.topic->size();
  CHECK(bytes <= 2'560);
}

TEST_CASE("a topic whose newest message is deleted is forgotten") {
  ActiveHouse house;
  house.store("hall/a", "1");
  house.store("hall/b", "1");
  house.store("yard", "1");
  Deletion deletion;
  deletion.topics = {"hall/#"};
  deletion.until = noon;  // before them
  REQUIRE(house.ingest->append(deletion));
  house.give();
  CHECK(house.activity.snapshot(noon).size() == 3);
  deletion.until = INT64_MAX;
  REQUIRE(house.ingest->append(deletion));
  house.give();
  CHECK(house.activity.snapshot(noon).size() == 1);
  CHECK(house.of("yard"));
}

TEST_CASE("who asks does not disturb who counts") {
  ActiveHouse house;
  house.store("a", "0");
  std::jthread asks([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) (void)house.activity.snapshot(noon);
  });
  for (int i = 1; i < 500; ++i) house.store(i % 2 == 0 ? "a" : "b", std::to_string(i));
  asks.request_stop();
  asks.join();
  CHECK(house.of("a")->messages + house.of("b")->messages == 500);
}
