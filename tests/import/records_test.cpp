// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include "catch.hpp"

#include "model/fault_file_system.hpp"
#include "telemetry/export.hpp"
#include "telemetry/import.hpp"

using namespace telemetry;

namespace {

constexpr const char* meter =
    "name: meter\ntopic_pattern: meters/{device}\ntime_field: at.clock\nsequence_field: seq\n"
    "validation: {allow_extra_fields: true}\n"
    "fields:\n"
    "  - {name: watts, type: float, required: true}\n"
    "  - {name: at, type: object, fields: [{name: clock, type: timestamp, time_format: ms}, "
    "{name: place, type: string}]}\n"
    "  - {name: on, type: boolean}\n"
    "  - {name: list, type: array}\n"
    "  - {name: payload, type: string}\n"
    "  - {name: seq, type: integer}\n";

/// Its payloads have several readings.
const std::string packs =
    "name: packs\n"
    "version: \"1.0\"\n"
    "topic_pattern: packs/{device}\n"
    "records: readings\n"
    "fields:\n"
    "  - {name: v, type: integer}\n";

/// A journal, and a file that is text.
struct House {
  Result<ImportReport> import(const std::string& text, std::size_t chunk = 7'777) {
    ingest.reset();
    std::vector<Diagnostic> diagnostics;
    auto schema = Schema::parse(meter, "meter.yaml", diagnostics);
    REQUIRE(schema);
    auto unfolding = Schema::parse(packs, "packs.yaml", diagnostics);
    REQUIRE(unfolding);
    JournalOptions journal;
    journal.path = "/journal";
    auto opened = Ingest::open({}, journal, *SchemaSet::make({*schema, *unfolding}, diagnostics),
                               model::fault_environment(clock, files));
    if (!opened) return opened.error();
    ingest = *std::move(opened);
    const auto open = [&]() -> Result<ReadBytes> {
      return ReadBytes([&text, chunk, at = std::size_t{0}](std::span<char> into) mutable {
        const std::size_t size = std::min({into.size(), chunk, text.size() - at});
        std::copy_n(text.data() + at, size, into.data());
        at += size;
        return Result<std::size_t>(size);
      });
    };
    return import_records(*ingest, journal.path, open, model::fault_environment(clock, files));
  }
  /// "topic payload" of each message, `*` behind those that are invalid.
  std::vector<std::string> messages() {
    std::vector<std::string> all;
    const auto reader = ingest->journal().read_from(0);
    for (;;) {
      const auto frame = reader->next();
      REQUIRE(frame);
      if (!frame->has_value()) return all;
      if ((*frame)->header.kind != core::FrameKind::message) continue;
      times.push_back((*frame)->header.time);
      const bool dead = (*frame)->header.verdict >= static_cast<std::uint8_t>(Verdict::invalid);
      all.push_back(fmt::format("{} {}{}", (*frame)->topic, (*frame)->payload, dead ? "*" : ""));
    }
  }

  model::FaultFileSystem files;
  model::ManualClock clock;
  std::unique_ptr<Ingest> ingest;
  std::vector<std::int64_t> times;
};

std::string record(const std::string& topic, const std::string& payload) {
  return fmt::format(
      R"({{"topic":"{}","payload":{},"timestamp":"1970-01-01T00:00:00.5Z","received_at":"1970-01-01T00:00:00.25Z"}})"
      "\n",
      topic, payload);
}

using Messages = std::vector<std::string>;

}  // namespace

TEST_CASE("records are imported in order, and a second time nothing is new") {
  std::string text;
  for (int i = 0; i < 2'500; ++i) text += record("a/b", fmt::format(R"({{"i":{}}})", i));
  House house;
  auto report = house.import(text);
  REQUIRE(report);
  CHECK(report->messages == 2'500);
  CHECK(report->journaled == 2'500);
  CHECK_THAT(to_text(*report, "a.jsonl"), Catch::StartsWith("a.jsonl: 2500 messages (1 to 2500)"));
  report = house.import(text, 1);
  REQUIRE(report);
  CHECK(report->messages == 0);
  CHECK(to_text(*report, "a.jsonl") == "a.jsonl: nothing new, all up to number 2500 came earlier");
  const auto messages = house.messages();
  REQUIRE(messages.size() == 2'500);
  CHECK(messages[17] == R"(a/b {"i":17})");
  CHECK(house.times[17] == 250'000'000);
}

TEST_CASE("power that fails at any call of an import of records costs none and doubles none") {
  std::string text;
  for (int i = 0; i < 2'100; ++i) text += record("a/b", R"({"all":"alike"})");
  House whole;
  REQUIRE(whole.import(text));
  const std::uint64_t calls = whole.files.calls();
  REQUIRE(calls > 20);
  for (std::uint64_t at = 1; at <= calls; ++at) {
    CAPTURE(at);
    House house;
    house.files.set_plan([at](std::uint64_t number, auto, const std::string&) {
      return number == at ? model::FaultFileSystem::Fault::crash
                          : model::FaultFileSystem::Fault::none;
    });
    (void)house.import(text);
    house.ingest.reset();
    house.files.set_plan({});
    house.files.restart(model::FaultFileSystem::Unsynced::mixed);
    REQUIRE(house.import(text));
    REQUIRE(house.messages().size() == 2'100);
  }
}

TEST_CASE("an import of messages of several readings goes on after a crash") {
  std::string text;
  for (int i = 0; i < 1'100; ++i)
    text += record("packs/d1", R"("{\"readings\":[{\"v\":1},{\"v\":2},{\"v\":1}]}")");
  House whole;
  REQUIRE(whole.import(text));
  const std::uint64_t calls = whole.files.calls();
  for (std::uint64_t at = 1; at <= calls; ++at) {
    CAPTURE(at);
    House house;
    house.files.set_plan([at](std::uint64_t number, auto, const std::string&) {
      return number == at ? model::FaultFileSystem::Fault::crash
                          : model::FaultFileSystem::Fault::none;
    });
    (void)house.import(text);
    house.ingest.reset();
    house.files.set_plan({});
    house.files.restart(model::FaultFileSystem::Unsynced::mixed);
    REQUIRE(house.import(text));
    REQUIRE(house.messages().size() == 3'300);
  }
}

TEST_CASE("a row of a schema that unfolds payloads is refused, a payload as text is taken") {
  House house;
  const auto report = house.import(record("packs/d1", R"({"v":1})") +
                                   record("packs/d1", R"("{\"readings\":[{\"v\":2}]}")") +
                                   record("packs/d1", R"({"v":3})"));
  REQUIRE(report);
  CHECK(report->messages == 3);
  CHECK(report->not_taken == 2);
  CHECK(report->journaled == 1);
  CHECK(house.messages() == Messages{R"(packs/d1 {"readings":[{"v":2}]})"});
}

TEST_CASE("payloads come as they were: JSON, texts, bytes, and times in the unit of the schema") {
  House house;
  const std::string text =
      record("x", R"({"a":[1, 2.50]})") + record("x", R"("on \"\u00fc\"")") +
      record("x", R"({"base64":"AP+A"})") + record("x", R"({"base64":"AP+A","b":1})") +
      record("x", "21.50") +
      record(
          "meters/m1",
          R"({"watts":1.50,"at":{"clock":"2026-11-20T08:00:00.5Z","place":"2026-11-20T08:00:00Z"},)"
          R"("list":["2026-11-20T08:00:00Z"],"seq":1})");
  REQUIRE(house.import(text));
  CHECK(house.messages() ==
        Messages{R"(x {"a":[1, 2.50]})", "x on \"ü\"", std::string("x \0\xFF\x80", 5),
                 R"(x {"base64":"AP+A","b":1})", "x 21.50",
                 R"(meters/m1 {"watts":1.50,"at":{"clock":1795161600500,"place":)"
                 R"("2026-11-20T08:00:00Z"},"list":["2026-11-20T08:00:00Z"],"seq":1})"});
}

TEST_CASE("lines that are no records are counted, and the others come") {
  House house;
  const std::string good = record("a", "1");
  const auto report = house.import(
      "\xEF\xBB\xBF" + good + "\n\r\ngarbage\n" + good.substr(0, good.size() / 2) + "\n" +
      R"({"topic":5,"payload":1})"
      "\n"
      R"({"topic":"a"})"
      "\n"
      R"({"topic":"a/+","payload":1})"
      "\n" +
      std::string(20 * 1024 * 1024, 'x') + "\n" + R"({"topic":"a","payload":2})");
  REQUIRE(report);
  CHECK(report->damaged_places == 5);
  CHECK(report->not_taken == 1);  // a/+ is no topic
  CHECK(report->journaled == 2);
  CHECK(house.messages() == Messages{"a 1", "a 2"});
}

TEST_CASE("CSV of records and of fields is imported") {
  House house;
  auto report = house.import(
      "topic,timestamp,received_at,payload\r\n"
      "a,,1970-01-01T00:00:00Z,\"{\"\"x\"\":\"\"a,b\"\"}\"\r\n"
      "\"b,\"\"c\"\"\",,,\"\"\"two\r\nlines\"\"\"\r\n"
      "a,,,nonsense\r\na,,\r\n");
  REQUIRE(report);
  CHECK(report->damaged_places == 3);  // a line end in a JSON text is none
  CHECK(house.messages() == Messages{R"(a {"x":"a,b"})"});

  House fields;
  report = fields.import(
      "topic,timestamp,received_at,device,retained,watts,at.clock,at.place,on,list,payload_,seq,"
      "extra,payload\r\n"
      "meters/m1,,,m1,true,1.50,2026-11-20T08:00:00.5Z,hall,true,\"[1,2]\",\"\",7,"
      "\"{\"\"more\"\":1}\",\r\n"
      "meters/m1,,,m1,,2.5,,,,,,8,,\r\n"
      "meters/m1,,,m1,,many,,,,,x,9,,\r\n"
      "x/y,,,,,,,,,,,,,\"\"\"on\"\"\"\r\n"
      "x/y,,,,,,,,,,,,,plain text\r\n"
      "x/y,,,,,3,,,,,,,,\r\n");
  REQUIRE(report);
  CHECK(report->damaged_places == 1);
  CHECK(report->invalid == 1);
  CHECK(fields.messages() ==
        Messages{R"(meters/m1 {"watts":1.50,"at":{"clock":1795161600500,"place":"hall"},"on":true,)"
                 R"("list":[1,2],"payload":"","seq":7,"more":1})",
                 R"(meters/m1 {"watts":2.5,"seq":8})",
                 R"(meters/m1 {"watts":"many","payload":"x","seq":9}*)", "x/y \"on\"",
                 "x/y plain text"});
}

TEST_CASE("a time of receipt from the future becomes that of the import") {
  House house;
  house.clock.wall = 5'000'000'000;
  REQUIRE(house.import(R"({"topic":"a","payload":1,"received_at":"2200-01-01T00:00:00Z"})"));
  (void)house.messages();
  CHECK(house.times == std::vector<std::int64_t>{5'000'000'000});
}

TEST_CASE("what is no file of records is refused with the remedy") {
  House house;
  const auto refusal = [&](const std::string& text) {
    const auto report = house.import(text);
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Errc::invalid_argument);
    return report.error().context;
  };
  CHECK_THAT(refusal("[\n{\"topic\":\"a\"}]"), Catch::Contains("--format jsonl"));
  CHECK_THAT(refusal("time,value\r\n1,2\r\n"), Catch::Contains("no column \"topic\""));
  const auto nothing = house.import("");
  REQUIRE(nothing);
  CHECK(to_text(*nothing, "x") == "x: no messages there");
}
