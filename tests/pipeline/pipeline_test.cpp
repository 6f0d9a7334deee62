// SPDX-License-Identifier: Apache-2.0
#include "telemetry/pipeline.hpp"

#include "catch.hpp"

#include <fstream>
#include <future>
#include <thread>

#include "consumer/scripted_sink.hpp"
#include "ingest/fixture.hpp"
#include "pipeline/scripted_source.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

constexpr std::int64_t ms = core::ns_per_ms;
const std::string topic = "sensors/hall/temperature";

struct House {
  House() {
    std::filesystem::create_directory(folder / "schemas");
    std::ofstream(folder / "schemas/temperature.yaml") << temperature_schema;
    options.journal.path = folder / "journal";
    options.dead_letters.path = folder / "dead_letters";
    options.schema_path = folder / "schemas";
    options.consumer.batch_age_ns = 2 * ms;
    options.consumer.retry_min_ns = ms;
    options.consumer.retry_max_ns = 4 * ms;
    options.consumer.flush_idle_ns = 5 * ms;
    options.drain_ns = 20'000 * ms;
  }
  Result<std::unique_ptr<Pipeline>> create(std::vector<FarEnd*> far_ends, int sources = 1,
                                           Error source_error = {}) {
    PipelineBuilder builder(options);
    builder.environment(system_environment(log.log())).callbacks(callbacks);
    for (std::size_t i = 0; i < far_ends.size(); ++i) {
      builder.sink(std::make_shared<ScriptedSink>(
          *far_ends[i], far_ends.size() == 1 ? "store" : "store" + std::to_string(i)));
    }
    for (int i = 0; i < sources; ++i) {
      auto source = std::make_unique<ScriptedSource>(brokers[i]);
      if (i == 0 && !source_error.context.empty()) source->end_with(source_error);
      builder.source(std::move(source));
    }
    return builder.create();
  }
  void publish(int from, int to, int broker = 0, const std::string& on = topic) {
    for (int i = from; i < to; ++i) brokers[broker].publish(on, reading_json(1, i));
  }

  TempFolder folder;
  LogLines log;
  PipelineOptions options;
  IngestCallbacks callbacks;
  Broker brokers[2];
};

std::vector<std::string> expected(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(reading_json(1, i));
  return all;
}

}  // namespace

TEST_CASE("messages go from the source through the journal into every store") {
  House house;
  FarEnd first, second;
  std::atomic<int> told{0};
  house.callbacks.on_message = [&](const Reading&) { ++told; };
  auto pipeline = house.create({&first, &second});
  REQUIRE(pipeline);
  std::promise<void> ready;
  REQUIRE((*pipeline)->start([&] { ready.set_value(); }));
  REQUIRE(ready.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  house.publish(0, 1'000);
  REQUIRE(house.brokers[0].wait_until_empty());
  (*pipeline)->stop();
  CHECK(first.payloads() == expected(0, 1'000));
  CHECK(second.payloads() == expected(0, 1'000));
  CHECK(told == 1'000);
  REQUIRE((*pipeline)->wait());
  const auto stats = (*pipeline)->stats();
  CHECK(stats.ingest.journaled == 1'000);
  REQUIRE(stats.consumers.size() == 3);
  CHECK(stats.consumers[2].name == "dead_letters");
  CHECK(stats.sources.subscriptions == 2);
  CHECK(stats.memory_bytes > 0);
  CHECK(stats.memory_peak_bytes >= stats.memory_bytes);
}

TEST_CASE(
    "schemas name functions that the pipeline is given; what they judged needs them no more") {
  House house;
  const auto write_schema = [&](const std::string& more) {
    std::ofstream(house.folder / "schemas/temperature.yaml")
        << "name: temperature\nversion: 1\ntopic_pattern: sensors/{device}/temperature\n" + more +
               "fields: [{name: temperature, type: float}, {name: seq, type: integer}]\n";
  };
  write_schema("validation: {custom: early}\n");
  FarEnd store;
  const auto refused = house.create({&store});
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().diagnostics.size() == 1);
  CHECK(refused.error().diagnostics[0].message ==
        "custom: there is no validation function 'early'");

  REQUIRE(house.options.validation_functions.add(
      "early", [](const ValidationInput& input) -> std::optional<std::string> {
        if (input.value("seq").as_integer() < 90) return {};
        return "it is late";
      }));
  house.options.drain_ns = 0;
  store.set_plan({.open_failures = 1'000'000});
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  REQUIRE((*pipeline)->start());
  house.publish(0, 100);
  REQUIRE(house.brokers[0].wait_until_empty());
  (*pipeline)->stop();
  CHECK((*pipeline)->stats().ingest.valid == 90);
  CHECK((*pipeline)->stats().ingest.invalid == 10);
  CHECK(store.rows() == 0);
  pipeline->reset();

  write_schema("");
  house.options.validation_functions = {};
  house.options.drain_ns = 20'000 * ms;
  store.set_plan({});
  auto next = house.create({&store});
  REQUIRE(next);
  REQUIRE((*next)->start());
  REQUIRE(store.wait_for_rows(90));
  (*next)->stop();
  CHECK(store.payloads() == expected(0, 90));
  CHECK(house.log.count("lacks the document") == 0);
}

TEST_CASE("a pipeline that is stopped and started goes on where it was") {
  House house;
  FarEnd store;
  for (int run = 0; run < 3; ++run) {
    auto pipeline = house.create({&store});
    REQUIRE(pipeline);
    REQUIRE((*pipeline)->start());
    house.publish(run * 100, run * 100 + 100);
    house.publish(run * 100, run * 100 + 100);  // redelivered
    REQUIRE(house.brokers[0].wait_until_empty());
    (*pipeline)->stop();
    CHECK((*pipeline)->stats().ingest.duplicates == 100);
  }
  CHECK(store.payloads() == expected(0, 300));
  CHECK(store.repeated() == 0);
}

TEST_CASE("a store that is away at start keeps nobody from starting") {
  House house;
  FarEnd store;
  store.set_plan({.open_failures = 5});
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  REQUIRE((*pipeline)->start());
  house.publish(0, 100);
  REQUIRE(house.brokers[0].wait_until_empty());
  REQUIRE(store.wait_for_rows(100));
  (*pipeline)->stop();
  CHECK(store.payloads() == expected(0, 100));
  CHECK(house.log.count("store is away") == 1);
}

TEST_CASE("a stop says at once which failing store it waits for, and how long") {
  House house;
  FarEnd store;
  store.set_plan({.open_failures = 1'000'000});
  house.options.drain_ns = 20 * ms;
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  REQUIRE((*pipeline)->start());
  house.publish(0, 100);
  REQUIRE(house.brokers[0].wait_until_empty());
  while (!(*pipeline)->stats().consumers[0].failing) std::this_thread::yield();
  (*pipeline)->stop();
  CHECK(house.log.count("stopping: waits up to 0.02 s, and for an attempt that has begun, for "
                        "store, which lacks 100 messages and is failing (store: not there yet)") ==
        1);
}

TEST_CASE("a new journal numbers its messages above what the store holds") {
  House house;
  FarEnd store;
  store.set_position(Position{JournalId{{9}}, 5'000});
  SECTION("which the store says") {
    auto pipeline = house.create({&store});
    REQUIRE(pipeline);
    CHECK((*pipeline)->ingest().journal().first_sequence() == 5'001);
  }
  SECTION("also while the store is away") {
    store.set_plan({.open_failures = 1});
    auto pipeline = house.create({&store});
    REQUIRE(pipeline);
    CHECK((*pipeline)->ingest().journal().first_sequence() > 1'000'000'000);
  }
}

TEST_CASE("a journal that exists goes on where it ended while the store is away") {
  House house;
  FarEnd store;
  {
    auto pipeline = house.create({&store});
    REQUIRE(pipeline);
    REQUIRE((*pipeline)->start());
    house.publish(0, 10);
    REQUIRE(house.brokers[0].wait_until_empty());
    (*pipeline)->stop();
  }
  store.set_plan({.open_failures = 1});
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  REQUIRE((*pipeline)->start());
  house.publish(10, 20);
  REQUIRE(store.wait_for_rows(20));
  CHECK((*pipeline)->ingest().journal().durable_end() == 20);
}

TEST_CASE("invalid messages become dead letters, once, and not rows") {
  House house;
  FarEnd store;
  for (int run = 0; run < 2; ++run) {
    auto pipeline = house.create({&store});
    REQUIRE(pipeline);
    REQUIRE((*pipeline)->start());
    house.brokers[0].publish(topic, "junk");
    house.publish(run, run + 1);
    REQUIRE(house.brokers[0].wait_until_empty());
    (*pipeline)->stop();
  }
  CHECK(store.payloads() == expected(0, 2));
  int letters = 0;
  REQUIRE(dump_journal(house.options.dead_letters.path, system_environment(),
                       [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                         letters += frame.header.kind == core::FrameKind::message ? 1 : 0;
                         return true;
                       }));
  CHECK(letters == 2);
}

TEST_CASE("what a store refuses for good is among the dead letters") {
  House house;
  FarEnd store;
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  // Away until the pipeline stops: then the dead letters have nothing to wait for but this store.
  store.set_plan({.open_failures = 200, .rejected = {2}});
  REQUIRE((*pipeline)->start());
  house.publish(0, 5);
  REQUIRE(house.brokers[0].wait_until_empty());
  (*pipeline)->stop();
  CHECK(store.rows() == 4);
  CHECK((*pipeline)->stats().consumers[0].rejected == 1);
  std::vector<std::uint64_t> kept;
  REQUIRE(dump_journal(house.options.dead_letters.path, system_environment(),
                       [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                         if (frame.header.kind != core::FrameKind::message) return true;
                         kept.push_back(frame.header.reference);
                         return true;
                       }));
  CHECK(kept == std::vector<std::uint64_t>{2});
}

TEST_CASE("schema mistakes are listed and nothing starts") {
  House house;
  std::ofstream(house.folder / "schemas/wrong.yaml") << "name: wrong\nfields: 3\n";
  FarEnd store;
  auto pipeline = house.create({&store});
  REQUIRE_FALSE(pipeline);
  CHECK(pipeline.error().code == Errc::invalid_argument);
  CHECK_FALSE(pipeline.error().diagnostics.empty());
}

TEST_CASE("reloaded schemas judge what comes afterwards") {
  House house;
  FarEnd store;
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  REQUIRE((*pipeline)->start());
  house.publish(0, 10);
  REQUIRE(house.brokers[0].wait_until_empty());
  const auto before = (*pipeline)->ingest().schemas();
  std::string next = temperature_schema;
  next.replace(next.find("1.0"), 3, "2.0");
  next.replace(next.find("max: 150"), 8, "max: 100");
  std::ofstream(house.folder / "schemas/temperature.yaml") << next;
  REQUIRE((*pipeline)->reload_schemas(house.options.schema_path, false));
  CHECK(before->all().front()->version().major == 1);
  CHECK((*pipeline)->ingest().schemas()->all().front()->version().major == 2);
  house.brokers[0].publish(topic, reading_json(120, 10));
  house.brokers[0].publish(topic, reading_json(90, 11));
  REQUIRE(house.brokers[0].wait_until_empty());
  (*pipeline)->stop();
  const auto stats = (*pipeline)->stats();
  CHECK(stats.ingest.invalid == 1);
  CHECK(stats.ingest.valid == 11);
}

TEST_CASE("schemas that are wrong or do not fit those in force change nothing") {
  House house;
  FarEnd store;
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  const auto in_force = (*pipeline)->ingest().schemas();
  const auto refused = [&](const std::string& document) {
    std::ofstream(house.folder / "schemas/temperature.yaml") << document;
    const auto done = (*pipeline)->reload_schemas(house.options.schema_path, false);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::invalid_argument);
    CHECK((*pipeline)->ingest().schemas() == in_force);
    REQUIRE_FALSE(done.error().diagnostics.empty());
    CHECK(done.error().diagnostics.front().line > 0);
    return to_string(done.error().diagnostics.front());
  };
  std::string changed = temperature_schema;
  changed.replace(changed.find("max: 150"), 8, "max: 100");
  CHECK_THAT(refused(changed), Catch::Contains("temperature.yaml:3:") &&
                                   Catch::Contains("temperature 1.0 is in force with other content "
                                                   "(give it a higher version)"));
  changed.replace(changed.find("1.0"), 3, "1.1");
  CHECK_THAT(refused(changed), Catch::Contains("temperature 1.1 cannot follow temperature 1.0, "
                                               "which is in force: field temperature: max 100 is "
                                               "narrower"));
  CHECK_THAT(refused("name: x"), Catch::Contains("temperature.yaml:1:"));
  (*pipeline)->note_reload(false);
  (*pipeline)->note_reload(true);
  (*pipeline)->note_reload(false);
  CHECK((*pipeline)->stats().reloads == 1);
  CHECK_THAT(to_json((*pipeline)->stats()), Catch::Contains("\"reloads_refused\": 2"));
}

TEST_CASE("a missing schema folder is an error unless it is optional") {
  House house;
  house.options.schema_path = house.folder / "nowhere";
  FarEnd store;
  CHECK(house.create({&store}).error().code == Errc::not_found);
  house.options.schema_path_optional = true;
  CHECK(house.create({&store}));
  CHECK(house.log.count("no schemas there") == 1);
}

TEST_CASE("two sinks of one name are refused, also one with the name of the dead letters") {
  House house;
  FarEnd store;
  const auto refused = [&](const char* first, const char* second) {
    auto pipeline = PipelineBuilder(house.options)
                        .sink(std::make_shared<ScriptedSink>(store, first))
                        .sink(std::make_shared<ScriptedSink>(store, second))
                        .create();
    REQUIRE_FALSE(pipeline);
    CHECK(pipeline.error().code == Errc::invalid_argument);
  };
  refused("same", "same");
  refused("one", "dead_letters");
}

TEST_CASE("a sink whose name cannot name its cursor is refused") {
  House house;
  FarEnd store;
  for (const char* name : {"", "a/b", ".hidden", "two words", "\u00fc", "a.tmp", "sqlite.hint"}) {
    auto pipeline =
        PipelineBuilder(house.options).sink(std::make_shared<ScriptedSink>(store, name)).create();
    REQUIRE_FALSE(pipeline);
    CHECK(pipeline.error().code == Errc::invalid_argument);
  }
}

TEST_CASE("a pipeline may be stopped from its own callbacks and sinks") {
  House house;
  Pipeline* running = nullptr;
  std::atomic<int> taken{0};
  std::function<void()> on_ready;
  SECTION("when a message is durable") {
    house.callbacks.on_message = [&](const Reading&) { running->stop(); };
  }
  SECTION("when all sources are subscribed") {
    on_ready = [&] { running->stop(); };
  }
  SECTION("by a sink") {}
  auto source = std::make_unique<ScriptedSource>(house.brokers[0]);
  auto pipeline = PipelineBuilder(house.options)
                      .callbacks(house.callbacks)
                      .source(std::move(source))
                      .sink("counting",
                            [&](const Reading&) -> Result<void> {
                              ++taken;
                              running->stop();
                              return {};
                            })
                      .create();
  REQUIRE(pipeline);
  running = pipeline->get();
  REQUIRE(running->start(on_ready));
  house.publish(0, 10);
  REQUIRE(running->wait());
  REQUIRE(house.brokers[0].wait_until_empty());
  running->stop();
  CHECK(taken == 10);
}

TEST_CASE("a function is a sink: what it returns an error for comes again") {
  House house;
  std::vector<std::string> taken;
  int failures = 2;
  auto pipeline = PipelineBuilder(house.options)
                      .source(std::make_unique<ScriptedSource>(house.brokers[0]))
                      .sink("list",
                            [&](const Reading& reading) -> Result<void> {
                              if (failures > 0 && --failures == 0) throw std::runtime_error("no");
                              if (failures > 0) return Error{Errc::unavailable, "not yet"};
                              taken.emplace_back(reading.payload);
                              return {};
                            })
                      .start();
  REQUIRE(pipeline);
  house.publish(0, 10);
  REQUIRE(house.brokers[0].wait_until_empty());
  (*pipeline)->stop();
  CHECK(taken == expected(0, 10));
  CHECK((*pipeline)
            ->api()
            .query(Principal::local(), {}, [](const Row&) { return true; })
            .error()
            .code == Errc::failed_precondition);
}

TEST_CASE("a second pipeline on one journal is refused") {
  House house;
  FarEnd store, other;
  auto first = house.create({&store});
  REQUIRE(first);
  auto second = house.create({&other});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::already_exists);
}

TEST_CASE("a source that can never work ends the wait with its error") {
  House house;
  FarEnd store;
  auto pipeline = house.create({&store}, 2, {Errc::invalid_argument, "no such broker protocol"});
  REQUIRE(pipeline);
  REQUIRE((*pipeline)->start());
  const auto outcome = (*pipeline)->wait();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().context == "no such broker protocol");
  (*pipeline)->stop();
}

TEST_CASE("stop ends a wait and may be called by many at once") {
  House house;
  FarEnd store;
  auto pipeline = house.create({&store});
  REQUIRE(pipeline);
  REQUIRE((*pipeline)->start());
  CHECK_FALSE((*pipeline)->start());
  auto waiting = std::async(std::launch::async, [&] { return (*pipeline)->wait(); });
  {
    const std::jthread one([&] { (*pipeline)->stop(); });
    const std::jthread two([&] { (*pipeline)->stop(); });
  }
  CHECK(waiting.get());
}

TEST_CASE("two sources, two stores and a restart under load: everything once, in both stores") {
  House house;
  house.options.feed_bytes_max = 300'000;
  house.options.journal.segment_bytes = 256 * 1024;
  FarEnd first, second;
  using enum FarEnd::Fault;
  first.set_plan({.open_failures = 2, .writes = {none, refuse, lost_answer, none, throws}});
  second.set_plan({.traits = {}});
  constexpr int messages = 4'000;
  for (int run = 0; run < 2; ++run) {
    auto pipeline = house.create({&first, &second}, 2);
    REQUIRE(pipeline);
    REQUIRE((*pipeline)->start());
    const int from = run * messages;
    {
      const std::jthread one([&] { house.publish(from, from + messages, 0); });
      const std::jthread two(
          [&] { house.publish(from, from + messages, 1, "sensors/cellar/temperature"); });
      const std::jthread stats([&] {
        for (int i = 0; i < 50; ++i) (void)to_json((*pipeline)->stats());
      });
    }
    if (run == 1) {
      REQUIRE(house.brokers[0].wait_until_empty());
      REQUIRE(house.brokers[1].wait_until_empty());
    }
    (*pipeline)->stop();
  }
  CHECK(first.rows() == 4 * messages);
  CHECK(first.repeated() == 0);
  CHECK(second.rows() == 4 * messages);
}

TEST_CASE("stats are one JSON object with the names that users know") {
  PipelineStats stats;
  stats.ingest.received = 12;
  stats.ingest.refused = 2;
  stats.ingest.invalid_by_rule = {0, 0, 0, 0, 0, 0, 0, 0, 3};
  stats.messages_open = 5;
  stats.messages_open_max = 10;
  ConsumerStats store;
  store.name = "sqlite";
  store.accepted = 9;
  store.last_error = "disk \"full\"";
  stats.consumers.push_back(store);
  const std::string json = to_json(stats);
  for (const char* part :
       {"\"messages_received\": 12", "\"messages_stored\": 9", "\"messages_dropped\": 2",
        "\"validation_errors\": 0", "\"storage_errors\": 0", "\"processing_errors\": 0",
        "\"mqtt_connects\": 0", "\"mqtt_disconnects\": 0", "\"buffer_usage\": 50.0",
        "\"uptime\": 0.0", "\"subscriptions\": 0", "\"invalid_by_rule\": {\"type\": 3}",
        "\"last_error\": \"disk \\\"full\\\"\""}) {
    INFO(json);
    CHECK(json.find(part) != std::string::npos);
  }
  CHECK(to_text(stats).find("received 12, stored 9, dropped 2") != std::string::npos);
  stats.ingest.time_absurd = 7;
  stats.ingest.retained_ignored = 6;
  CHECK(to_text(stats).find(", retained ignored 6\n") != std::string::npos);
  CHECK(to_text(stats).find(", absurd times 7\n") != std::string::npos);
  Exposition text;
  add_to(text, stats);
  const std::string& exposition = text.text();
  for (const char* line :
       {"\n# TYPE mqtt_messages_stored_total counter\nmqtt_messages_stored_total 9\n",
        "\nmqtt_buffer_size 5\n", "\ndatabase_query_duration_seconds_count 0\n",
        "\nmqtt_validation_errors_by_rule_total{rule=\"type\"} 3\n",
        "\ntelemetry_consumer_accepted_total{consumer=\"sqlite\"} 9\n",
        "\nmqtt_storage_latency_seconds_count{consumer=\"sqlite\"} 0\n"}) {
    INFO(exposition);
    CHECK(exposition.find(line) != std::string::npos);
  }
}
