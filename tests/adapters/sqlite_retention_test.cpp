// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include "adapters/sqlite_queries.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/pipeline.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

constexpr std::int64_t day = 86'400 * core::ns_per_second;

/// Moved by the test, read by all threads.
class MovedClock final : public Clock {
 public:
  std::int64_t now() noexcept override { return time; }
  std::int64_t monotonic() noexcept override { return time; }
  std::atomic<std::int64_t> time = 20'800 * day;
};

struct House {
  House() {
    std::ofstream(folder.path("value.yaml"))
        << "name: value\nversion: \"1.0\"\ntopic_pattern: typed/+\n"
           "fields: [{name: n, type: integer}]\n";
    retention.enabled = true;
    retention.every_ns = 0;
    retention.rules = {{{"#"}, {}, 8}};
    start();
  }
  void start(OnRetained on_retained = {}) {
    pipeline.reset();
    const Environment machine = system_environment();
    const Environment environment{clock, machine.files, machine.random, machine.log};
    PipelineBuilder builder(folder.path("data"));
    builder.options().retention = retention;
    builder.options().consumer.batch_age_ns = 0;
    auto made = builder.environment(environment)
                    .schemas(folder.path("value.yaml"))
                    .sink(make_sqlite_store({.path = folder.path("telemetry.db")}, environment))
                    .on_retained(std::move(on_retained))
                    .start();
    require(made);
    pipeline = *std::move(made);
    door = pipeline->ingest().make_door();
  }
  ~House() { door.reset(); }
  void put(const std::string& topic, const std::string& payload) {
    Message message;
    message.topic = topic;
    message.payload = payload;
    message.qos = 1;
    message.received_at = clock.now();
    door->add(message);
    require(door->commit());
    const std::uint64_t end = pipeline->ingest().journal().durable_end();
    while (std::ranges::any_of(pipeline->stats().consumers,
                               [&](const ConsumerStats& one) { return one.position < end; })) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::string topics() {
    std::string all;
    require(pipeline->api().query(Principal::local(), {}, [&](const Row& row) {
      all += std::string(row.topic) + " ";
      return true;
    }));
    return all;
  }
  std::uint64_t journal_end() { return pipeline->ingest().journal().durable_end(); }

  TemporaryFolder folder;
  MovedClock clock;
  RetentionOptions retention;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<Door> door;
};

}  // namespace

TEST_CASE("what is older than a rule goes by one deletion in the journal; an idle store has none") {
  House house;
  house.put("old", "1");
  house.clock.time += 7 * day;
  house.put("mid", "2");
  auto report = house.pipeline->retain({});
  require(report);
  CHECK(report->rules[0].sequence == 0);  // nothing is that old
  house.clock.time += 3 * day;
  report = house.pipeline->retain({});
  require(report);
  CHECK(report->rules[0].rows == 1);
  CHECK(report->rules[0].sequence == 3);
  CHECK(report->rules[0].done);
  CHECK(house.topics() == "mid ");
  for (int i = 0; i < 3; ++i) {
    report = house.pipeline->retain({});
    require(report);
    CHECK(report->rules[0].sequence == 0);
  }
  CHECK(house.journal_end() == 3);
}

TEST_CASE("a clock years ahead, or never set, leaves the journal and the rows as they are") {
  House house;
  house.put("a", "1");
  house.clock.time += 1'000 * day;
  house.put("b", "2");
  auto report = house.pipeline->retain({});
  require(report);
  CHECK(report->rules[0].rows == 0);
  CHECK_THAT(report->rules[0].held_back, Catch::Contains("a clock that is wrong"));
  house.clock.time = 0;
  CHECK(house.pipeline->retain({}).error().code == Errc::failed_precondition);
  CHECK(house.topics() == "a b ");
  CHECK(house.journal_end() == 2);
}

TEST_CASE("dead letters go by an age of their own") {
  House house;
  house.retention.rules = {{{"#"}, {}, 300}};
  house.retention.dead_letter_days = 8;
  house.pipeline->set_retention(house.retention);
  house.put("typed/a", "{\"n\":\"no number\"}");
  house.clock.time += 7 * day;
  house.put("typed/a", "{\"n\":\"nor this\"}");
  house.put("mid", "1");
  house.clock.time += 3 * day;
  auto report = house.pipeline->retain({});
  require(report);
  REQUIRE(report->dead_letters);
  CHECK(report->dead_letters->held_back == "");
  CHECK(report->dead_letters->rows == 1);
  report = house.pipeline->retain({});
  require(report);
  CHECK(report->dead_letters->rows == 0);
  std::vector<std::string> left;
  require(read_letters(house.folder.path("data/dead_letters"), system_environment(), {},
                       [&](const Letter& letter) {
                         left.emplace_back(letter.payload);
                         return true;
                       }));
  CHECK(left == std::vector<std::string>{"{\"n\":\"nor this\"}"});
}

TEST_CASE("dead letters wait while others are replayed or dropped") {
  House house;
  house.retention.dead_letter_days = 8;
  house.pipeline->set_retention(house.retention);
  house.put("typed/a", "{\"n\":\"no number\"}");
  house.clock.time += 7 * day;
  house.put("mid", "1");
  house.clock.time += 3 * day;
  const std::lock_guard held(house.pipeline->dead_letters()->handling());
  const auto report = house.pipeline->retain({});
  require(report);
  CHECK(report->dead_letters->held_back == "a replay or drop is under way");
}

TEST_CASE("the schedule looks at the start and when its rules change, and says what it deleted") {
  House house;
  house.put("old", "1");
  house.clock.time += 7 * day;
  house.put("mid", "2");
  house.clock.time += 3 * day;
  std::promise<RetentionReport> promised;
  house.retention.every_ns = 3'600 * core::ns_per_second;
  SECTION("at the start") {
    house.door.reset();
    house.start([&](const RetentionReport& report) { promised.set_value(report); });
  }
  SECTION("when its rules change") {
    const RetentionOptions on = house.retention;
    house.retention = {};
    house.door.reset();
    house.start([&](const RetentionReport& report) { promised.set_value(report); });
    CHECK(house.pipeline->retain({}).error().code == Errc::failed_precondition);
    house.pipeline->set_retention(on);
  }
  auto told = promised.get_future();
  REQUIRE(told.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  const RetentionReport report = told.get();
  REQUIRE(report.rules.size() == 1);
  CHECK(report.rules[0].rows == 1);
  CHECK(house.topics() == "mid ");
}

TEST_CASE("without a store that answers nothing can go by age") {
  const TemporaryFolder folder;
  PipelineBuilder builder(folder.path("data"));
  builder.options().retention.enabled = true;
  builder.options().retention.every_ns = 0;
  auto pipeline = builder.environment(system_environment()).start();
  require(pipeline);
  CHECK((*pipeline)->retain({}).error().code == Errc::failed_precondition);
}
