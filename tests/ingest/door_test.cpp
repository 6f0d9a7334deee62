// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "ingest/house.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

namespace flag = core::frame_flag;
constexpr std::int64_t second = core::ns_per_second;

}  // namespace

TEST_CASE("a committed message is in the journal, typed in the batch, and counted") {
  House house;
  const auto door = house.ingest->make_door();
  add(*door, topic, R"({"temperature": 21.5, "seq": 7, "place": {"room": "a"}})");
  CHECK(door->open_messages() == 1);
  CHECK(house.ingest->stats().messages_open == 1);
  CHECK(journaled(house.ingest->journal()).empty());
  REQUIRE(door->commit());
  CHECK(door->open_messages() == 0);
  CHECK(journaled(house.ingest->journal()).size() == 1);
  REQUIRE(house.durable.size() == 1);
  const Reading& reading = house.durable[0]->readings.at(0);
  CHECK(reading.id == 1);
  CHECK(reading.verdict == Verdict::valid);
  CHECK(reading.device == "hall");
  CHECK(reading.sequence == 7);
  CHECK((reading.flags & flag::qos_mask) == 1);
  CHECK(to_double(reading.values[0].as_decimal()) == 21.5);
  CHECK(reading.values[1].as_text() == "a");
  CHECK(house.durable[0]->after == 0);
  CHECK(house.durable[0]->last == 1);
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.received == 1);
  CHECK(stats.journaled == 1);
  CHECK(stats.valid == 1);
  CHECK(stats.messages_open == 0);
}

TEST_CASE("undeclared members are kept as one JSON object, nested as they came") {
  House house;
  const auto door = house.ingest->make_door();
  add(*door, topic, R"({"temperature": 1, "unit": "C", "seq": 1, "tags": [1, {"a": 2}]})");
  REQUIRE(door->commit());
  CHECK(house.durable.at(0)->readings.at(0).extra == R"({"unit":"C","tags":[1, {"a": 2}]})");
}

TEST_CASE("nothing is handed on before it is durable, and batches come in journal order") {
  House house;
  const auto first = house.ingest->make_door();
  const auto second_door = house.ingest->make_door();
  add(*first, topic, reading_json(1, 1));
  add(*second_door, topic, reading_json(2, 2));
  REQUIRE(second_door->commit());
  REQUIRE(first->commit());
  REQUIRE(house.durable.size() == 2);
  CHECK(house.durable[0]->last == house.durable[1]->after);
  CHECK(house.durable[0]->readings[0].payload == reading_json(2, 2));
}

TEST_CASE("a message that comes again is dropped and counted, also after a restart") {
  House house;
  {
    const auto door = house.ingest->make_door();
    for (int i = 0; i < 10; ++i) add(*door, topic, reading_json(i, i));
    add(*door, topic, reading_json(3, 3));
    REQUIRE(door->commit());
    add(*door, topic, reading_json(9, 9));
    REQUIRE(door->commit());
  }
  CHECK(house.ingest->stats().duplicates == 2);
  CHECK(house.durable.size() == 1);
  house.open();
  const auto door = house.ingest->make_door();
  for (int i = 0; i < 12; ++i) add(*door, topic, reading_json(i, i));
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().duplicates == 10);
  CHECK(journaled(house.ingest->journal()).size() == 12);
}

TEST_CASE("gaps and resets are flagged, counted and listed") {
  House house;
  const auto door = house.ingest->make_door();
  for (const int number : {1, 2, 6}) add(*door, topic, reading_json(number, number));
  add(*door, topic, reading_json(50, 1));
  REQUIRE(door->commit());
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.gaps == 1);
  CHECK(stats.gap_messages == 3);
  CHECK(stats.resets == 1);
  REQUIRE(stats.sequence_events.size() == 2);
  CHECK(stats.sequence_events[0].key == topic);
  CHECK(stats.sequence_events[0].expected == 3);
  CHECK(stats.sequence_events[0].found == 6);
  CHECK(stats.sequence_events[1].kind == SequenceEvent::Kind::reset);
  CHECK((house.durable[0]->readings[2].flags & flag::sequence_gap) != 0);
}

TEST_CASE("invalid messages are kept with their reason and never enter the window") {
  std::vector<std::vector<std::string>> told;
  IngestCallbacks callbacks;
  callbacks.on_invalid = [&](const Reading&, const std::vector<std::string>& problems) {
    told.push_back(problems);
  };
  House house({}, callbacks);
  const auto door = house.ingest->make_door();
  add(*door, topic, R"({"temperature": 500, "seq": 1})");
  add(*door, topic, R"({"seq": 2})");
  add(*door, topic, "not json");
  add(*door, topic, reading_json(20, 1));
  REQUIRE(door->commit());
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.invalid == 3);
  CHECK(stats.valid == 1);
  CHECK(stats.duplicates == 0);
  CHECK(stats.invalid_by_rule.at(static_cast<std::size_t>(core::Rule::max)) == 1);
  CHECK(stats.invalid_by_rule.at(static_cast<std::size_t>(core::Rule::required)) == 1);
  REQUIRE(told.size() == 3);
  CHECK(told[0].at(0).find("500") != std::string::npos);
  CHECK(house.log.count("invalid message") == 3);
  const Reading& reading = house.durable.at(0)->readings.at(0);
  CHECK(reading.verdict == Verdict::invalid);
  CHECK(reading.reason == core::Rule::max);
  CHECK(reading.values.empty());
}

TEST_CASE("a flood of invalid messages is logged at a bounded rate") {
  House house;
  const auto door = house.ingest->make_door();
  for (int i = 0; i < 1000; ++i) add(*door, topic, "{}");
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().invalid == 1000);
  CHECK(house.log.count("invalid message") == 10);
}

TEST_CASE("a topic without schema is stored, dead, or dropped as the option says") {
  const auto [option, verdict, count] = GENERATE(table<Unmatched, Verdict, std::size_t>(
      {{Unmatched::store, Verdict::unmatched, std::size_t{1}},
       {Unmatched::dead_letter, Verdict::unmatched_dead, std::size_t{1}},
       {Unmatched::drop, Verdict::valid, std::size_t{0}}}));
  IngestOptions options;
  options.unmatched = option;
  House house(options);
  const auto door = house.ingest->make_door();
  add(*door, "other/topic", "\xff\x00 anything");
  REQUIRE(door->commit());
  CHECK(journaled(house.ingest->journal()).size() == count);
  CHECK(house.ingest->stats().unmatched_dropped == 1 - count);
  if (count == 1) CHECK(house.durable.at(0)->readings.at(0).verdict == verdict);
}

TEST_CASE("a bad topic and a huge payload are refused, counted, and stop nobody") {
  House house;
  const auto door = house.ingest->make_door();
  add(*door, "sensors/#", "{}");
  add(*door, "", "{}");
  add(*door, topic, std::string(core::payload_bytes_max + 1, ' '));
  add(*door, topic, reading_json(1, 1));
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().refused == 3);
  CHECK(house.ingest->stats().journaled == 1);
}

TEST_CASE("a device time counts unless it is missing or absurd") {
  House house;
  const std::int64_t now = house.clock.wall;
  const auto door = house.ingest->make_door();
  const auto add_time = [&](std::int64_t time, int number) {
    add(*door, topic,
        "{\"temperature\": 1, \"timestamp\": " + std::to_string(time / second) +
            ", \"seq\": " + std::to_string(number) + "}");
  };
  add_time(now - 3600 * second, 1);
  add_time(now + 23 * 3600 * second, 2);
  add_time(now + 25 * 3600 * second, 3);
  add_time(800'000'000 * second, 4);  // 1995
  add(*door, topic, reading_json(1, 5));
  REQUIRE(door->commit());
  const auto& readings = house.durable.at(0)->readings;
  CHECK(readings[0].time == now - 3600 * second);
  CHECK((readings[0].flags & flag::time_from_device) != 0);
  CHECK((readings[1].flags & flag::time_from_device) != 0);
  for (const std::size_t i : {2u, 3u, 4u}) {
    CHECK(readings[i].time == now);
    CHECK((readings[i].flags & flag::time_from_device) == 0);
  }
  CHECK(house.ingest->stats().time_absurd == 2);
  CHECK(house.ingest->stats().time_missing == 1);
}

TEST_CASE("a machine that woke up in 1970 believes its devices") {
  House house;
  house.clock.wall = 5 * second;
  const auto door = house.ingest->make_door();
  add(*door, topic, R"({"temperature": 1, "timestamp": 1700000000, "seq": 1})");
  REQUIRE(door->commit());
  CHECK(house.durable.at(0)->readings.at(0).time == 1'700'000'000 * second);
}

TEST_CASE("a retained message that is stored already is skipped, a new one is not") {
  House house;
  const std::string other = "plain/topic";
  {
    const auto door = house.ingest->make_door();
    add(*door, other, "on");
    add(*door, other, "on", true);
    add(*door, "plain/second", "on", true);
    REQUIRE(door->commit());
  }
  CHECK(house.ingest->stats().retained_skipped == 1);
  house.open();
  const auto door = house.ingest->make_door();
  add(*door, other, "on", true);
  add(*door, other, "off", true);
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().retained_skipped == 1);
  CHECK(journaled(house.ingest->journal()) == std::vector<std::string>{"on", "on", "off"});
}

TEST_CASE("retained messages are all stored, or none, where their source says so") {
  House house;
  const auto door = house.ingest->make_door();
  const auto add_kept = [&](RetainedPolicy policy, bool retained = true) {
    door->add({.topic = "t", .payload = "on", .retained = retained, .retained_policy = policy});
  };
  add_kept(RetainedPolicy::store);
  add_kept(RetainedPolicy::store);
  add_kept(RetainedPolicy::skip_stored);
  add_kept(RetainedPolicy::ignore);
  add_kept(RetainedPolicy::ignore, false);
  std::vector<Outcome> outcomes;
  REQUIRE(door->commit(&outcomes));
  using Kind = Outcome::Kind;
  std::vector<Kind> kinds;
  for (const Outcome& outcome : outcomes) kinds.push_back(outcome.kind);
  CHECK(kinds == std::vector<Kind>{Kind::stored, Kind::stored, Kind::retained_skipped,
                                   Kind::retained_ignored, Kind::stored});
  CHECK(journaled(house.ingest->journal()).size() == 3);
  add_kept(RetainedPolicy::ignore);  // nothing to store, and good to be acknowledged
  REQUIRE(door->commit());
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.received == 6);
  CHECK(stats.retained_skipped == 1);
  CHECK(stats.retained_ignored == 2);
}

TEST_CASE("absurd device times are logged with value and unit, at most 10 lines in 10 s") {
  House house;
  std::string text = temperature_schema;
  text.insert(text.find("sequence_field"), "time_format: ms\n");
  house.schemas = schema_set({text});
  house.open();
  const auto door = house.ingest->make_door();
  const auto add_seconds = [&](int number) {
    add(*door, topic,
        "{\"temperature\": 1, \"timestamp\": " + std::to_string(house.clock.wall / second) +
            ", \"seq\": " + std::to_string(number) + "}");
    REQUIRE(door->commit());
  };
  add_seconds(1);
  CHECK(house.log.count("device time not used, message 1 on sensors/hall/temperature: temperature "
                        "1.0: /timestamp: ") == 1);
  CHECK(house.log.count(": set time_format: s ") == 1);
  for (int i = 2; i <= 15; ++i) add_seconds(i);
  CHECK(house.log.count("device time not used") == 10);
  house.clock.advance(10 * second);
  add_seconds(16);
  CHECK(house.log.count("device time not used") == 11);
  CHECK(house.log.count("(5 more like it not shown)") == 1);
  CHECK(house.ingest->stats().time_absurd == 16);
}

TEST_CASE("a batch is closed by messages, bytes or age") {
  IngestOptions options;
  options.batch_messages_max = 3;
  options.sync_bytes = 1'000;
  House house(options);
  const auto door = house.ingest->make_door();
  CHECK_FALSE(door->should_commit());
  add(*door, topic, reading_json(1, 1));
  CHECK_FALSE(door->should_commit());
  SECTION("messages") {
    add(*door, topic, reading_json(1, 2));
    add(*door, topic, reading_json(1, 3));
    CHECK(door->should_commit());
  }
  SECTION("bytes") {
    add(*door, "x", std::string(1'000, 'x'));
    CHECK(door->should_commit());
  }
  SECTION("age") {
    house.clock.advance(2'000'000);
    CHECK(door->should_commit());
  }
}

TEST_CASE("while a disk is slow a batch grows for four times as long as its syncs, up to 20 ms") {
  using Files = model::FaultFileSystem;
  House house;
  const auto door = house.ingest->make_door();
  const auto sync_takes = [&](std::int64_t ns) {
    house.files.set_plan([&house, ns](auto, Files::Call call, const auto&) {
      if (call == Files::Call::sync) house.clock.advance(ns);
      return Files::Fault::none;
    });
    add(*door, topic, reading_json(1, 1));
    REQUIRE(door->commit());
    add(*door, topic, reading_json(1, 2));
  };
  const auto closes_after = [&](std::int64_t ns) {
    house.clock.advance(ns - 1);
    CHECK_FALSE(door->should_commit());
    house.clock.advance(1);
    CHECK(door->should_commit());
  };
  SECTION("a fast disk") {
    sync_takes(100'000);
    closes_after(2'000'000);
  }
  SECTION("a slow one") {
    sync_takes(3'000'000);
    closes_after(12'000'000);
  }
  SECTION("a very slow one, and a fast one again") {
    sync_takes(second);
    closes_after(20'000'000);
    REQUIRE(door->commit());
    house.files.set_plan({});
    add(*door, topic, reading_json(1, 3));
    REQUIRE(door->commit());
    add(*door, topic, reading_json(1, 4));
    closes_after(2'000'000);
  }
}

TEST_CASE("with sync: always each message is a batch") {
  IngestOptions options;
  options.sync = SyncMode::always;
  House house(options);
  const auto door = house.ingest->make_door();
  CHECK_FALSE(door->should_commit());
  add(*door, topic, reading_json(1, 1));
  CHECK(door->should_commit());
}

TEST_CASE("the high-water mark is told once per batch") {
  std::vector<std::size_t> told;
  IngestCallbacks callbacks;
  callbacks.on_high_water = [&](std::size_t messages, std::size_t) { told.push_back(messages); };
  IngestOptions options;
  options.high_water_messages = 4;
  House house(options, callbacks);
  const auto door = house.ingest->make_door();
  for (int i = 0; i < 10; ++i) add(*door, topic, reading_json(1, i));
  REQUIRE(door->commit());
  CHECK(told == std::vector<std::size_t>{4});
  CHECK(house.ingest->stats().high_water == 1);
}

TEST_CASE("an aborted batch never happened") {
  House house;
  const auto door = house.ingest->make_door();
  add(*door, topic, reading_json(1, 1));
  door->abort();
  REQUIRE(door->commit());
  CHECK(journaled(house.ingest->journal()).empty());
  add(*door, topic, reading_json(1, 1));
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().aborted == 1);
  CHECK(house.ingest->stats().duplicates == 0);
  CHECK(journaled(house.ingest->journal()).size() == 1);
}

TEST_CASE("a batch whose sync fails never happened, and is taken when it comes again") {
  std::vector<Errc> errors;
  IngestCallbacks callbacks;
  callbacks.on_error = [&](const Error& error) { errors.push_back(error.code); };
  House house({}, callbacks);
  const auto door = house.ingest->make_door();
  add(*door, topic, reading_json(1, 1));
  REQUIRE(door->commit());
  const auto kind =
      GENERATE(model::FaultFileSystem::Call::sync, model::FaultFileSystem::Call::write);
  house.files.set_plan([kind](std::uint64_t, model::FaultFileSystem::Call call,
                              const std::string&) {
    return call == kind ? model::FaultFileSystem::Fault::fail : model::FaultFileSystem::Fault::none;
  });
  add(*door, topic, reading_json(1, 1));
  add(*door, topic, reading_json(2, 2));
  CHECK_FALSE(door->commit());
  CHECK(errors.size() == 1);
  CHECK(house.ingest->stats().aborted == 2);
  CHECK(house.durable.size() == 1);
  house.files.set_plan({});
  add(*door, topic, reading_json(1, 1));
  add(*door, topic, reading_json(2, 2));
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().duplicates == 1);
  REQUIRE(house.durable.size() == 2);
  CHECK(house.durable[1]->after == house.durable[0]->last);
  CHECK(journaled(house.ingest->journal()) ==
        std::vector<std::string>{reading_json(1, 1), reading_json(2, 2)});
}

TEST_CASE("schemas are swapped between batches") {
  House house;
  const auto door = house.ingest->make_door();
  add(*door, topic, reading_json(1, 1));
  std::string stricter = temperature_schema;
  stricter.replace(stricter.find("max: 150"), 8, "max: 100");
  stricter.replace(stricter.find("1.0"), 3, "2.0");
  house.ingest->swap_schemas(schema_set({stricter}));
  add(*door, topic, reading_json(120, 2));
  REQUIRE(door->commit());
  add(*door, topic, reading_json(120, 3));
  REQUIRE(door->commit());
  CHECK(house.durable.at(0)->readings.at(1).verdict == Verdict::valid);
  CHECK(house.durable.at(1)->readings.at(0).verdict == Verdict::invalid);
  CHECK(house.durable.at(0)->readings.at(0).schema->version().major == 1);
}

TEST_CASE("numbers are remembered across segments and restarts") {
  House house;
  house.journal.segment_bytes = 8 * 1024;
  house.journal.size_max_bytes = 1024 * 1024;
  house.open();
  for (int round = 0; round < 5; ++round) {
    auto door = house.ingest->make_door();
    for (int i = 0; i < 100; ++i) {
      add(*door, topic, reading_json(1, round * 100 + i));
      add(*door, "sensors/cellar/temperature", reading_json(1, i));  // repeats each round
      if (i % 10 == 9) REQUIRE(door->commit());
    }
    door.reset();
    house.open();
  }
  const auto door = house.ingest->make_door();
  for (int i = 450; i < 500; ++i) add(*door, topic, reading_json(1, i));
  REQUIRE(door->commit());
  CHECK(house.ingest->stats().duplicates == 50);
  const auto all = journaled(house.ingest->journal());
  CHECK(std::ranges::count(all, reading_json(1, 499)) == 1);
}

TEST_CASE("a frame read back equals the reading of the door") {
  House house;
  const auto door = house.ingest->make_door();
  add(*door, topic, R"({"temperature": 21.5, "seq": 7, "timestamp": 1700000000, "x": "\u00e9\n"})");
  add(*door, topic, "{}");
  REQUIRE(door->commit());
  const auto reader = house.ingest->journal().read_from(0);
  Batch back;
  for (;;) {
    auto frame = reader->next();
    REQUIRE(frame);
    if (!frame->has_value()) break;
    if ((*frame)->header.kind != core::FrameKind::message) continue;
    read_back(**frame, house.schemas->by_id((*frame)->header.schema_id), back);
  }
  const auto& live = house.durable.at(0)->readings;
  REQUIRE(back.readings.size() == live.size());
  for (std::size_t i = 0; i < live.size(); ++i) {
    CHECK(back.readings[i].id == live[i].id);
    CHECK(back.readings[i].topic == live[i].topic);
    CHECK(back.readings[i].topic_hash == live[i].topic_hash);
    CHECK(back.readings[i].payload == live[i].payload);
    CHECK(back.readings[i].device == live[i].device);
    CHECK(back.readings[i].time == live[i].time);
    CHECK(back.readings[i].received_at == live[i].received_at);
    CHECK(back.readings[i].sequence == live[i].sequence);
    CHECK(back.readings[i].flags == live[i].flags);
    CHECK(back.readings[i].verdict == live[i].verdict);
    CHECK(back.readings[i].reason == live[i].reason);
    CHECK(back.readings[i].extra == live[i].extra);
    CHECK(back.readings[i].values.size() == live[i].values.size());
  }
  Batch unknown;
  const auto again = house.ingest->journal().read_from(0);
  for (;;) {
    auto frame = again->next();
    REQUIRE(frame);
    REQUIRE(frame->has_value());
    if ((*frame)->header.kind != core::FrameKind::message) continue;
    read_back(**frame, nullptr, unknown);
    break;
  }
  CHECK(unknown.readings.at(0).verdict == Verdict::unmatched);
  CHECK(unknown.readings.at(0).payload == live[0].payload);
}

TEST_CASE("judge tells verdict and broken rules outside a pipeline") {
  const auto schemas = schema_set({temperature_schema});
  const Schema* schema = schemas->choose(topic);
  Batch batch;
  std::vector<core::Violation> violations;
  judge(schema, {.topic = topic, .payload = R"({"temperature": 900, "seq": -1})"}, batch,
        &violations);
  CHECK(batch.readings.at(0).verdict == Verdict::invalid);
  CHECK(violations.size() == 2);
  judge(nullptr, {.topic = topic, .payload = "x"}, batch);
  CHECK(batch.readings.at(1).verdict == Verdict::unmatched);
}

TEST_CASE("two doors at once put everything into a real journal, each number once") {
  TempFolder folder;
  JournalOptions journal;
  journal.path = folder / "journal";
  journal.segment_bytes = 256 * 1024;
  auto ingest = Ingest::open({}, journal, schema_set({temperature_schema}), system_environment());
  REQUIRE(ingest);
  std::atomic<std::uint64_t> handed_on{0};
  std::uint64_t last = 0;
  bool in_order = true;
  (*ingest)->on_durable([&](const BatchPtr& batch) {
    in_order = in_order && batch->after == last;
    last = batch->last;
    handed_on += batch->readings.size();
  });
  // Fewer than the window: further apart, the second of two equal messages would rightly be stored.
  constexpr int messages = 1'000;
  std::atomic<int> failures{0};
  const auto send = [&](const std::string& own) {
    const auto door = (*ingest)->make_door();
    for (int i = 0; i < messages; ++i) {
      add(*door, own, reading_json(1, i));
      add(*door, "sensors/shared/temperature", reading_json(1, i));
      if (i % 50 == 49 && !door->commit()) ++failures;
    }
  };
  {
    const std::jthread one(send, "sensors/one/temperature");
    const std::jthread two(send, "sensors/two/temperature");
  }
  CHECK(failures == 0);
  CHECK(in_order);
  CHECK(handed_on == 3 * messages);
  CHECK((*ingest)->stats().duplicates == messages);
  CHECK(journaled((*ingest)->journal()).size() == 3 * messages);
}
