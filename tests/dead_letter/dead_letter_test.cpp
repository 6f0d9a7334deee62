// SPDX-License-Identifier: Apache-2.0
#include "telemetry/dead_letter.hpp"

#include "catch.hpp"

#include "ingest/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;

namespace {

const std::string topic = "sensors/hall/temperature";

struct Letter {
  std::uint64_t reference;
  Verdict verdict;
  core::Rule reason;
  std::string payload;
  std::string problems;
};

struct House {
  House() {
    options.path = "/dead";
    options.segment_bytes = 4'096;
    options.size_max_bytes = 64 * 1024;
    open();
  }
  void open() {
    sink.reset();
    sink = make_dead_letter_sink(options, model::fault_environment(clock, files, log.log()));
    const auto opened = sink->open();
    if (!opened) UNSCOPED_INFO(opened.error().context);
    REQUIRE(opened);
  }
  /// A batch with these payloads under ids from `first` on.
  [[nodiscard]] BatchPtr batch(std::uint64_t first,
                               const std::vector<std::string>& payloads) const {
    auto made = std::make_shared<Batch>();
    for (const std::string& payload : payloads) {
      judge(schemas->choose(topic), {.topic = topic, .payload = payload}, *made);
      made->readings.back().id = first + made->readings.size() - 1;
      made->readings.back().received_at = clock.wall;
    }
    made->after = first - 1;
    made->last = first + payloads.size() - 1;
    return made;
  }
  /// As its consumer does: without the living.
  Result<WriteReport> write(const BatchPtr& whole) {
    auto dead = std::make_shared<Batch>();
    dead->schemas = whole;
    dead->after = whole->after;
    dead->last = whole->last;
    for (const Reading& reading : whole->readings) {
      if (is_dead(reading.verdict)) dead->readings.push_back(reading);
    }
    const BatchPtr one = std::move(dead);
    return sink->write(main_id, std::span<const BatchPtr>(&one, 1), {});
  }
  /// What is kept; the sink is closed for it and opened again.
  std::vector<Letter> letters() {
    sink->close();
    std::vector<Letter> all;
    std::string problems;
    REQUIRE(dump_journal(options.path, model::fault_environment(clock, files),
                         [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                           if (frame.header.kind == core::FrameKind::schema) ++documents;
                           if (frame.header.kind == core::FrameKind::problems)
                             problems = frame.payload;
                           if (frame.header.kind != core::FrameKind::message) return true;
                           all.push_back({frame.header.reference,
                                          static_cast<Verdict>(frame.header.verdict),
                                          static_cast<core::Rule>(frame.header.reason),
                                          std::string(frame.payload), std::exchange(problems, {})});
                           return true;
                         }));
    open();
    return all;
  }

  model::ManualClock clock;
  model::FaultFileSystem files;
  LogLines log;
  JournalOptions options;
  JournalId main_id{{1}};
  std::shared_ptr<const SchemaSet> schemas = schema_set({temperature_schema});
  std::unique_ptr<DeadLetterSink> sink;
  int documents = 0;
};

}  // namespace

TEST_CASE("dead messages are kept with raw bytes, reason, reference and schema") {
  House house;
  const auto report = house.write(house.batch(5, {reading_json(1, 1), "junk", R"({"seq": 1})"}));
  REQUIRE(report);
  CHECK(report->accepted == 2);
  CHECK(report->durable == 7);
  const auto letters = house.letters();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].reference == 6);
  CHECK(letters[0].verdict == Verdict::invalid);
  CHECK(letters[0].payload == "junk");
  CHECK(letters[1].reason == core::Rule::required);
  CHECK(house.documents == 1);
}

TEST_CASE("each letter has place, value found and value allowed of each broken rule") {
  House house;
  std::vector<std::string> payloads;
  for (int i = 1'000; i < 1'100; ++i) {
    payloads.push_back(R"({"seq": -1, "temperature": )" + std::to_string(i) + "}");
  }
  payloads.emplace_back();
  REQUIRE(house.write(house.batch(1, payloads)));
  const auto letters = house.letters();
  REQUIRE(letters.size() == 101);
  for (std::size_t i = 0; i < 100; ++i) {
    const std::string found = std::to_string(1'000 + i);
    CHECK(letters[i].problems == R"([{"path":"/seq","rule":"min","found":"-1","allowed":"min 0",)"
                                 R"("message":"-1 is below min 0"},)"
                                 R"({"path":"/temperature","rule":"max","found":")" +
                                     found + R"(","allowed":"max 150","message":")" + found +
                                     R"( is above max 150"}])");
  }
  CHECK(letters[100].problems == R"([{"rule":"json_syntax","allowed":"a JSON object",)"
                                 R"("message":"byte 0: the payload is empty"}])");
}

TEST_CASE("of more problems than have room in a letter it has the first") {
  House house;
  std::string document =
      "name: many\nversion: \"1.0\"\ntopic_pattern: sensors/{device}/temperature\nfields:\n";
  std::string payload = "{";
  for (int i = 0; i < 16; ++i) {
    const std::string name = "f" + std::to_string(i);
    document += "  - {name: " + name + ", type: string, pattern: " + std::string(200, 'x') + "}\n";
    payload += (i == 0 ? "\"" : ", \"") + name + R"(": "no")";
  }
  house.schemas = schema_set({document});
  REQUIRE(house.write(house.batch(1, {payload + "}"})));
  const std::string problems = house.letters().at(0).problems;
  CHECK(problems.size() <= 4'096);
  CHECK(problems.starts_with(R"([{"path":"/f0","rule":"pattern","found":"\"no\"",)"));
  CHECK(problems.find(R"("path":"/f6")") != std::string::npos);
  CHECK(problems.ends_with("\"}]"));
}

TEST_CASE("a dead message that is written again is kept once, also after a restart") {
  House house;
  for (std::uint64_t first = 1; first < 200; first += 10) {
    const auto batch = house.batch(first, std::vector<std::string>(10, "junk"));
    REQUIRE(house.write(batch));
    REQUIRE(house.write(batch));
    house.open();
    REQUIRE(house.write(batch));
  }
  CHECK(house.letters().size() == 200);
}

TEST_CASE("another main journal starts its references again") {
  House house;
  REQUIRE(house.write(house.batch(1'000, {"old"})));
  house.main_id[0] = 2;
  SECTION("in one run") {}
  SECTION("after a restart") { house.open(); }
  REQUIRE(house.write(house.batch(1, {"new 1", "new 2"})));
  house.open();
  REQUIRE(house.write(house.batch(1, {"new 1", "new 2"})));
  CHECK(house.letters().size() == 3);
}

TEST_CASE("the oldest dead letters go when the cap is reached, and are counted") {
  House house;
  for (std::uint64_t i = 0; i < 200; ++i) {
    REQUIRE(house.write(house.batch(i * 10 + 1, std::vector<std::string>(10, "some junk"))));
  }
  CHECK(house.sink->stats().bytes <= house.options.size_max_bytes);
  CHECK(house.sink->stats().dropped_frames > 0);
  CHECK(house.letters().back().reference == 2'000);
}

TEST_CASE("what another sink refused is kept beside them and does not disturb their order") {
  House house;
  REQUIRE(house.write(house.batch(10, {"junk"})));
  const auto good = house.batch(3, {reading_json(1, 1)});
  const Rejected refused[] = {{&good->readings[0], "no column for it"}};
  REQUIRE(house.sink->keep(refused));
  house.open();
  REQUIRE(house.write(house.batch(11, {"more junk"})));
  const auto letters = house.letters();
  REQUIRE(letters.size() == 3);
  CHECK(letters[1].reference == 3);
  CHECK(letters[1].verdict == Verdict::valid);
  CHECK(letters[1].reason == core::Rule::custom);
  CHECK(letters[1].problems == R"([{"message":"no column for it"}])");
  house.sink->close();
  CHECK(house.sink->keep(refused).error().code == Errc::unavailable);
}

TEST_CASE("a failed write keeps nothing, and the same write works later") {
  House house;
  house.files.set_plan([](std::uint64_t, model::FaultFileSystem::Call call, const std::string&) {
    return call == model::FaultFileSystem::Call::sync ? model::FaultFileSystem::Fault::fail
                                                      : model::FaultFileSystem::Fault::none;
  });
  CHECK_FALSE(house.write(house.batch(1, {"junk"})));
  house.files.set_plan({});
  REQUIRE(house.write(house.batch(1, {"junk"})));
  CHECK(house.letters().size() == 1);
}

TEST_CASE("a dead message that this journal cannot hold is dropped, counted and said once") {
  House house;
  REQUIRE(house.write(house.batch(1, {"junk", std::string(65'000, 'x'), "more junk"})));
  CHECK(house.sink->stats().dropped_frames == 1);
  CHECK(house.log.count("message 2 on sensors/hall/temperature is dropped: it has 65084 bytes") ==
        1);
  CHECK(house.log.count("raise dead_letters.size_max_mb") == 1);
  const auto large = house.batch(4, {std::string(65'000, 'x')});
  const Rejected refused[] = {{&large->readings[0], "no column for it"}};
  CHECK(house.sink->keep(refused));
  CHECK(house.sink->stats().dropped_frames == 2);
  const auto letters = house.letters();
  REQUIRE(letters.size() == 2);
  CHECK(letters[1].reference == 3);
}

TEST_CASE("a write of more than the journal holds is kept as far as it goes") {
  House house;
  std::vector<std::string> payloads;
  for (int i = 0; i < 300; ++i) payloads.push_back(std::string(1'000, 'x'));
  const auto batch = house.batch(1, payloads);
  REQUIRE(house.write(batch));
  REQUIRE(house.write(batch));
  CHECK(house.sink->stats().bytes <= house.options.size_max_bytes);
  const auto letters = house.letters();
  CHECK(letters.size() > 30);
  CHECK(letters.back().reference == 300);
  CHECK(letters.size() == 301 - letters.front().reference);
}

TEST_CASE("a dead message goes in although the one before it fills the journal") {
  House house;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    REQUIRE(house.write(house.batch(i, {std::string(55'000, 'x')})));
    if (i == 3) house.open();
  }
  CHECK(house.sink->stats().dropped_frames == 2);
  CHECK(house.letters().back().reference == 5);
}
