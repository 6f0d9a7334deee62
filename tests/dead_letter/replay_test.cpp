// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include "catch.hpp"

#include "dead_letter/handled.hpp"
#include "ingest/fixture.hpp"
#include "telemetry/dead_letter.hpp"

using namespace telemetry;
using namespace telemetry::testing;
using model::FaultFileSystem;

namespace {

const std::string topic = "sensors/hall/temperature";

std::string schema_with_max(int max) {
  return fmt::format(
      "name: temperature\nversion: \"1.0\"\ntopic_pattern: sensors/{{device}}/temperature\n"
      "sequence_field: seq\nvalidation: {{allow_extra_fields: true}}\nfields:\n"
      "  - {{name: temperature, type: float, required: true, validation: {{max: {}}}}}\n"
      "  - {{name: seq, type: integer}}\n",
      max);
}

/// Large enough that a batch of a replay holds a few.
std::string payload_of(int number, std::size_t padding = 100'000) {
  return fmt::format(R"({{"temperature":{},"pad":"{}"}})", number, std::string(padding, 'x'));
}

/// A main journal whose door feeds the dead letters, as a pipeline does.
struct House {
  explicit House(const std::shared_ptr<FaultFileSystem>& disk) : files(disk) {}

  Result<void> open(int max) {
    close();
    const auto environment = model::fault_environment(clock, *files, log.log());
    JournalOptions main;
    main.path = "/main";
    JournalOptions dead;
    dead.path = "/dead";
    IngestOptions options;
    options.unmatched = unmatched;
    auto opened = Ingest::open(options, main, schema_set({schema_with_max(max)}), environment);
    if (!opened) return opened.error();
    ingest = *std::move(opened);
    letters = make_dead_letter_sink(dead, environment);
    if (auto settled = settle_replay("/dead", ingest->journal(), environment); !settled) {
      return settled;
    }
    if (auto done = letters->open(); !done) return done;
    ingest->on_durable([this](const BatchPtr& batch) {
      auto dead_ones = std::make_shared<Batch>();
      dead_ones->schemas = batch;
      dead_ones->last = batch->last;
      for (const Reading& reading : batch->readings) {
        if (is_dead(reading.verdict)) dead_ones->readings.push_back(reading);
      }
      const BatchPtr part = dead_ones;
      REQUIRE(letters->write(ingest->journal().id(), {&part, 1}, {}));
    });
    return {};
  }
  void close() {
    letters.reset();
    ingest.reset();
  }
  void send(const std::vector<std::string>& payloads, const std::string& to = topic) const {
    const auto door = ingest->make_door();
    for (const std::string& payload : payloads) add(*door, to, payload);
    REQUIRE(door->commit());
  }
  Result<ReplayReport> replay(const LetterSelection& selection = {}, bool refused = false) {
    return replay_letters(*ingest, *letters, selection, refused,
                          model::fault_environment(clock, *files));
  }
  [[nodiscard]] std::vector<std::uint64_t> left() {
    std::vector<std::uint64_t> ids;
    REQUIRE(read_letters("/dead", model::fault_environment(clock, *files), {},
                         [&](const Letter& letter) {
                           ids.push_back(letter.header.sequence);
                           return true;
                         }));
    return ids;
  }
  /// Frames of the main journal that replay a dead letter.
  [[nodiscard]] std::vector<core::FrameHeader> replayed() const {
    std::vector<core::FrameHeader> headers;
    const auto reader = ingest->journal().read_from(0);
    for (;;) {
      const auto frame = reader->next();
      REQUIRE(frame);
      if (!frame->has_value()) return headers;
      const core::FrameHeader& header = (*frame)->header;
      if (header.kind == core::FrameKind::message &&
          (header.flags & core::frame_flag::has_reference) != 0) {
        headers.push_back(header);
      }
    }
  }
  [[nodiscard]] std::vector<std::uint64_t> references() const {
    std::vector<std::uint64_t> all;
    for (const core::FrameHeader& header : replayed()) all.push_back(header.reference);
    return all;
  }

  std::shared_ptr<FaultFileSystem> files;
  model::ManualClock clock;
  LogLines log;
  Unmatched unmatched = Unmatched::store;
  std::unique_ptr<Ingest> ingest;
  std::unique_ptr<DeadLetterSink> letters;
};

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = first; i <= last; ++i) all.push_back(i);
  return all;
}

constexpr int letters_sent = 17;  // three batches

/// Letters that pass once the schema is mended.
FaultFileSystem broken_disk() {
  const auto files = std::make_shared<FaultFileSystem>();
  House house(files);
  REQUIRE(house.open(150));
  std::vector<std::string> payloads;
  for (int i = 1; i <= letters_sent; ++i) payloads.push_back(payload_of(200 + i));
  house.send(payloads);
  REQUIRE(house.left().size() == letters_sent);
  house.close();
  return FaultFileSystem(*files, 1);
}

}  // namespace

TEST_CASE("letters that pass are replayed in order with their time, and are none any more") {
  House house(std::make_shared<FaultFileSystem>());
  REQUIRE(house.open(150));
  house.send({payload_of(201, 0), payload_of(20, 0), payload_of(202, 0)});
  const std::int64_t received_at = house.clock.wall;
  house.clock.advance(3'600'000'000'000);
  house.send({payload_of(900, 0), payload_of(203, 0), payload_of(21, 0)});
  REQUIRE(house.open(500));
  const auto report = house.replay();
  REQUIRE(report);
  CHECK(report->selected == 4);
  CHECK(report->replayed == 3);
  CHECK(report->failed == 1);
  CHECK(report->example ==
        "sensors/hall/temperature: temperature 1.0: /temperature: 900 is above max 500");
  CHECK(house.references() == std::vector<std::uint64_t>{1, 3, 5});
  CHECK(house.left() == std::vector<std::uint64_t>{3});
  const auto replayed = house.replayed();
  CHECK(replayed[0].time == received_at);
  CHECK(replayed[2].time == house.clock.wall);
  CHECK((replayed[0].flags & core::frame_flag::qos_mask) == 1);
  const auto again = house.replay();
  REQUIRE(again);
  CHECK(again->selected == 1);
  CHECK(house.replayed().size() == 3);
}

TEST_CASE("a letter goes past the sequence check, and counts for nothing when it fails again") {
  House house(std::make_shared<FaultFileSystem>());
  REQUIRE(house.open(150));
  const auto numbered = [](int temperature, int number) {
    return fmt::format(R"({{"temperature":{},"seq":{}}})", temperature, number);
  };
  house.send({numbered(200, 5'000), numbered(10, 2), numbered(10, 3)});
  REQUIRE(house.replay()->failed == 1);
  CHECK(house.ingest->stats().received == 3);
  CHECK(house.ingest->stats().invalid == 1);
  REQUIRE(house.open(500));
  REQUIRE(house.replay()->replayed == 1);
  const IngestStats stats = house.ingest->stats();
  CHECK(stats.valid == 1);
  CHECK(stats.resets == 0);
  CHECK(stats.duplicates == 0);
  house.send({numbered(10, 3), numbered(10, 4)});
  CHECK(house.ingest->stats().duplicates == 1);
  CHECK(house.ingest->stats().gaps == 0);
}

TEST_CASE("a letter without schema is replayed when there is one, or when none is needed") {
  House house(std::make_shared<FaultFileSystem>());
  house.unmatched = Unmatched::dead_letter;
  REQUIRE(house.open(150));
  house.send({"anything"}, "other/topic");
  CHECK(house.replay()->failed == 1);
  house.unmatched = Unmatched::drop;
  REQUIRE(house.open(150));
  CHECK(house.replay()->example == "other/topic: no schema matches the topic");
  CHECK(house.ingest->stats().unmatched_dropped == 0);
  house.unmatched = Unmatched::store;
  REQUIRE(house.open(150));
  CHECK(house.replay()->replayed == 1);
  CHECK(house.left().empty());
}

TEST_CASE(
    "what a store refused is replayed when that is asked for, once although it was kept twice") {
  House house(std::make_shared<FaultFileSystem>());
  REQUIRE(house.open(150));
  Batch batch;
  judge(house.ingest->schemas()->choose(topic), {.topic = topic, .payload = payload_of(20, 0)},
        batch);
  batch.readings.front().id = 7;
  const Rejected refused[] = {{&batch.readings.front(), "no column for it"}};
  REQUIRE(house.letters->keep(refused));
  REQUIRE(house.letters->keep(refused));
  CHECK(house.replay()->refused == 2);
  CHECK(house.replayed().empty());
  CHECK(house.replay({}, true)->replayed == 1);
  CHECK(house.references() == std::vector<std::uint64_t>{7});
  CHECK(house.left().empty());
}

TEST_CASE("only selected letters are replayed or dropped, by topic, time and id") {
  House house(std::make_shared<FaultFileSystem>());
  REQUIRE(house.open(150));
  for (int i = 1; i <= 6; ++i) {
    house.send({payload_of(200, 0)}, i % 2 == 0 ? "sensors/a/temperature" : topic);
    house.clock.advance(1'000);
  }
  REQUIRE(house.open(500));
  LetterSelection selection;
  selection.topic_filter = "+/a/#";
  selection.until = house.clock.wall - 3'000;
  CHECK(house.replay(selection)->replayed == 1);
  CHECK(house.left() == std::vector<std::uint64_t>{1, 3, 4, 5, 6});
  selection = {};
  selection.since = house.clock.wall - 1'000;
  selection.ids = {{5, 6}, {1, 1}};
  CHECK(house.replay(selection)->replayed == 1);
  selection = {};
  selection.ids = {{2, 3}, {5, 5}};
  const auto dropped = drop_letters(*house.ingest, *house.letters, selection,
                                    model::fault_environment(house.clock, *house.files));
  REQUIRE(dropped);
  CHECK(*dropped == 2);
  CHECK(house.left() == std::vector<std::uint64_t>{1, 4});
  CHECK(house.references() == std::vector<std::uint64_t>{2, 6});
}

TEST_CASE("a replay whose caller leaves stops, and another one goes on") {
  House house(std::make_shared<FaultFileSystem>(broken_disk(), 1));
  REQUIRE(house.open(500));
  int batches = 0;
  const auto report = replay_letters(*house.ingest, *house.letters, {}, false,
                                     model::fault_environment(house.clock, *house.files),
                                     [&](const ReplayReport&) { return ++batches < 2; });
  REQUIRE(report);
  CHECK(report->replayed > 0);
  CHECK(report->replayed < letters_sent);
  CHECK(report->stopped);
  CHECK(house.left().size() == letters_sent - report->replayed);
  REQUIRE(house.replay());
  CHECK(house.references() == numbers(1, letters_sent));
}

TEST_CASE("power that fails at any call of a replay costs no letter and doubles none") {
  const auto unsynced = GENERATE(FaultFileSystem::Unsynced::kept, FaultFileSystem::Unsynced::lost,
                                 FaultFileSystem::Unsynced::mixed);
  const FaultFileSystem broken = broken_disk();
  std::uint64_t calls = 0;
  {
    const auto files = std::make_shared<FaultFileSystem>(broken, 1);
    House house(files);
    REQUIRE(house.open(500));
    const std::uint64_t before = files->calls();
    REQUIRE(house.replay());
    calls = files->calls() - before;
    CHECK(house.references() == numbers(1, letters_sent));
    CHECK(house.left().empty());
  }
  REQUIRE(calls > 20);
  for (std::uint64_t at = 1; at <= calls; ++at) {
    CAPTURE(at);
    const auto files = std::make_shared<FaultFileSystem>(broken, at);
    House house(files);
    REQUIRE(house.open(500));
    const std::uint64_t before = files->calls();
    files->set_plan([&](std::uint64_t number, auto, const std::string&) {
      return number == before + at ? FaultFileSystem::Fault::crash : FaultFileSystem::Fault::none;
    });
    (void)house.replay();
    house.close();
    files->set_plan({});
    files->restart(unsynced);
    REQUIRE(house.open(500));
    // At once: what stands in the main journal is no letter any more.
    const auto there = house.references();
    for (const std::uint64_t id : house.left()) {
      REQUIRE(std::ranges::find(there, id) == there.end());
    }
    LetterSelection none;  // another selection than the one that the crash ended
    none.topic_filter = "none";
    REQUIRE(house.replay(none));
    REQUIRE(house.replay());
    auto references = house.references();
    std::ranges::sort(references);
    REQUIRE(references == numbers(1, letters_sent));
    REQUIRE(house.left().empty());
  }
}

TEST_CASE("a replay that fails at any call goes on in the same run, and doubles none") {
  const FaultFileSystem broken = broken_disk();
  std::uint64_t failures = 0;
  for (std::uint64_t at = 1; at <= 40; ++at) {
    CAPTURE(at);
    const auto files = std::make_shared<FaultFileSystem>(broken, at);
    House house(files);
    REQUIRE(house.open(500));
    const std::uint64_t before = files->calls();
    files->set_plan([&](std::uint64_t number, auto, const std::string&) {
      return number == before + at ? FaultFileSystem::Fault::fail : FaultFileSystem::Fault::none;
    });
    const auto report = house.replay();
    failures += report ? 0u : 1u;
    files->set_plan({});
    REQUIRE(house.replay());
    auto references = house.references();
    std::ranges::sort(references);
    REQUIRE(references == numbers(1, letters_sent));
    REQUIRE(house.left().empty());
  }
  CHECK(failures > 10);
}

TEST_CASE("letters of a journal that was deleted do not hide the new ones with their numbers") {
  const auto files = std::make_shared<FaultFileSystem>();
  House house(files);
  REQUIRE(house.open(150));
  house.send({payload_of(201, 0), payload_of(202, 0)});
  REQUIRE(house.open(500));
  REQUIRE(house.replay()->replayed == 2);
  house.close();
  const auto names = files->list("/dead");
  REQUIRE(names);
  for (const std::string& name : *names) {
    if (name.ends_with(".tlj")) REQUIRE(files->remove("/dead/" + name));
  }
  REQUIRE(house.open(150));
  house.send({payload_of(203, 0)});
  CHECK(house.left() == std::vector<std::uint64_t>{1});
}

TEST_CASE("a damaged record of what was handled is not guessed at, and the letters go on") {
  const auto files = std::make_shared<FaultFileSystem>();
  House house(files);
  REQUIRE(house.open(150));
  house.send({payload_of(201, 0), payload_of(202, 0)});
  REQUIRE(house.open(201));
  REQUIRE(house.replay()->replayed == 1);
  const auto good = files->content("/dead/handled");
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] ^= 1;
    files->set_content("/dead/handled", bad);
    const auto report = house.replay();
    REQUIRE(!report);
    REQUIRE(report.error().code == Errc::data_loss);
    REQUIRE(report.error().context.find("/dead/handled") != std::string::npos);
  }
  for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
    files->set_content("/dead/handled",
                       {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bytes)});
    REQUIRE(!house.replay());
  }
  REQUIRE(!house.open(150));
  REQUIRE(house.letters->open());  // a pipeline says it and goes on
  CHECK(house.log.count("Remove it to have them all as letters again") == 1);
}

TEST_CASE("the record of what was handled has these bytes, and reads back") {
  FaultFileSystem files;
  REQUIRE(files.create_folder("/dead"));
  Handled handled;
  handled.add(std::vector<std::uint64_t>{5, 1, 2, 9, 4, 2});
  handled.add(std::vector<std::uint64_t>{3, 11});
  handled.under_way = LettersUnderWay{{0x0a, 0xff}, 77, {{12, 40}, {13, 41}}};
  REQUIRE(handled.store(files, "/dead"));
  const auto bytes = files.content("/dead/handled");
  CHECK(std::string(bytes.begin(), bytes.end()) ==
        "TLMHLT01\nrange 1 5\nrange 9 9\nrange 11 11\n"
        "above 0aff0000000000000000000000000000 77\nletter 12 40\nletter 13 41\ncrc32c f599d55a\n");
  auto read = Handled::load(files, "/dead");
  REQUIRE(read);
  for (std::uint64_t id = 0; id < 20; ++id) CHECK(read->contains(id) == handled.contains(id));
  REQUIRE(read->under_way);
  CHECK(read->under_way->journal == handled.under_way->journal);
  CHECK(read->under_way->above == 77);
  CHECK(read->under_way->letters == handled.under_way->letters);
  read->forget_below(9);
  CHECK_FALSE(read->contains(5));
  CHECK(read->forget_above(10));
  CHECK(read->contains(9));
  CHECK_FALSE(read->contains(11));
  CHECK(read->under_way->letters.empty());
  CHECK_FALSE(read->forget_above(10));
}
