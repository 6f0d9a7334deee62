// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "files_fixture.hpp"
#include "telemetry/export.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

constexpr std::int64_t noon = 1'795'262'400'000'000'000;  // 2026-11-21T12:00:00Z

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a JSONL file has one record a line, with payloads of every kind") {
  FilesFixture files;
  files.open();
  BatchBuilder builder;
  builder.add(
      "sensors/hall/temperature", temperature_schema(),
      R"({"sensor_id":"sensor-001","temperature":21.50,"timestamp":"2026-11-21T11:59:58Z"})", noon);
  builder.add_raw("a", R"( {"b": [1, 2]} )", noon + 1'000'000);
  builder.add_raw("a", "two\nlines", noon);
  builder.add_raw("a", "\xff\x00", noon);
  files.write(builder.done());
  files.stop();
  CHECK(files.names() == Names{"2026-11-21T120000Z-000001.jsonl"});
  CHECK(files.text() ==
        R"({"topic":"sensors/hall/temperature","payload":{"temperature":21.50,)"
        R"("sensor_id":"sensor-001","timestamp":"2026-11-21T11:59:58Z"},)"
        R"("timestamp":"2026-11-21T11:59:58Z","received_at":"2026-11-21T12:00:00Z"})"
        "\n"
        R"({"topic":"a","payload": {"b": [1, 2]} ,)"
        R"("timestamp":"2026-11-21T12:00:00.001Z","received_at":"2026-11-21T12:00:00.001Z"})"
        "\n"
        R"({"topic":"a","payload":"two\nlines",)"
        R"("timestamp":"2026-11-21T12:00:00Z","received_at":"2026-11-21T12:00:00Z"})"
        "\n"
        R"({"topic":"a","payload":{"base64":"/w=="},)"
        R"("timestamp":"2026-11-21T12:00:00Z","received_at":"2026-11-21T12:00:00Z"})"
        "\n");
}

TEST_CASE("every CSV file has a header and the same columns, and Python reads it") {
  FilesFixture files;
  files.options.format = FileFormat::csv;
  files.options.compression = FileCompression::gzip;
  files.open();
  BatchBuilder builder;
  builder.add("sensors/hall/temperature", temperature_schema(),
              R"({"sensor_id":"sensor-001","temperature":21.5})", noon);
  builder.add_raw("a,\"b\"\nc", "17", noon);
  files.write(builder.done());
  BatchBuilder next_day(2);
  next_day.add_raw("t", "1", noon + 24 * hour_ns);
  files.write(next_day.done());
  files.stop();
  CHECK(files.names() ==
        Names{"2026-11-21T120000Z-000001.csv.gz", "2026-11-22T120000Z-000002.csv.gz"});
  CHECK(output_of("/usr/bin/python3 -c 'import csv, gzip, json\n"
                  "for r in csv.DictReader(gzip.open(\"" +
                  files.path(files.names()[0]) +
                  "\", \"rt\", newline=\"\")):\n"
                  "  print([r[\"topic\"], json.loads(r[\"payload\"]), r[\"received_at\"]])'") ==
        "['sensors/hall/temperature', {'temperature': 21.5, 'sensor_id': 'sensor-001'}, "
        "'2026-11-21T12:00:00Z']\n"
        "['a,\"b\"\\nc', 17, '2026-11-21T12:00:00Z']\n");
}

TEST_CASE("a file ends with its day or hour of UTC, by the time of receipt") {
  FilesFixture files;
  const auto rotation = GENERATE(FileRotation::daily, FileRotation::hourly, FileRotation::size);
  files.options.rotation = rotation;
  files.open();
  const std::int64_t midnight = noon + 12 * hour_ns;
  for (const std::int64_t at : {noon, midnight - 1, midnight, midnight + hour_ns}) {
    files.write_at(at);
  }
  files.stop();
  const Names days = {"2026-11-21T120000Z-000001.jsonl", "2026-11-22T000000Z-000002.jsonl"};
  const Names hours = {"2026-11-21T120000Z-000001.jsonl", "2026-11-21T235959Z-000002.jsonl",
                       "2026-11-22T000000Z-000003.jsonl", "2026-11-22T010000Z-000004.jsonl"};
  CHECK(files.names() == (rotation == FileRotation::daily    ? days
                          : rotation == FileRotation::hourly ? hours
                                                             : Names{days[0]}));
  CHECK(lines_of(files.text()).size() == 4);
}

TEST_CASE("a clock that jumps back does not begin a file for each message") {
  FilesFixture files;
  files.open();
  const std::int64_t day = 24 * hour_ns;
  for (const std::int64_t at : {noon, noon - 3 * day, noon, noon - day, noon + 1}) {
    files.write_at(at);
  }
  files.write_at(noon + day);  // forward again
  files.write_at(noon);
  files.stop();
  CHECK(files.names() ==
        Names{"2026-11-21T120000Z-000001.jsonl", "2026-11-22T120000Z-000002.jsonl"});
  CHECK(lines_of(files.text()).size() == 7);
}

TEST_CASE("a clock before 1970 makes a name all the same") {
  FilesFixture files;
  files.open();
  files.write_at(-1);
  files.write_at(1);
  files.stop();
  CHECK(files.names() ==
        Names{"1969-12-31T235959Z-000001.jsonl", "1970-01-01T000000Z-000002.jsonl"});
}

TEST_CASE("the file of yesterday ends although nothing comes any more") {
  FilesFixture files;
  files.clock.wall = noon;
  files.open();
  files.write_at(noon);
  require(files.sink->flush());
  CHECK(files.names() == Names{"2026-11-21T120000Z-000001.jsonl.part"});
  files.clock.advance(12 * hour_ns);
  require(files.sink->flush());
  CHECK(files.names() == Names{"2026-11-21T120000Z-000001.jsonl"});
}

TEST_CASE("no file is larger than max_file_size_mb, and names sort in the order of writing") {
  FilesFixture files;
  files.options.compression = GENERATE(FileCompression::none, FileCompression::gzip,
                                       FileCompression::zstd, FileCompression::lz4);
  files.options.file_bytes_max = 100'000;
  files.open();
  for (int i = 0; i < 30; ++i) files.write_many(1'000);
  files.stop();
  const Names names = files.names();
  CHECK(names.size() > 1);
  std::uint64_t expected = 0;
  for (const std::string& name : names) {
    CHECK(files.bytes(name).size() <= 100'000);
    for (const std::string& line : lines_of(files.text(name))) {
      const bool follows = line.find(FilesFixture::payload(expected + 1)) != std::string::npos;
      if (!follows) FAIL("after " << expected << ": " << line);
      ++expected;
    }
  }
  CHECK(expected == 30'000);
}

TEST_CASE("a record larger than a file may be has a file of its own") {
  FilesFixture files;
  files.options.file_bytes_max = 1'000;
  files.open();
  files.write_many(3);
  BatchBuilder builder(3);
  builder.add_raw("t", builder.keep("\"" + std::string(300'000, 'x') + "\""));
  files.write(builder.done());
  files.stop();
  REQUIRE(files.names().size() == 2);
  CHECK(lines_of(files.text(files.names()[1])).size() == 1);
}

TEST_CASE("where messages come fast a frame holds a hundred and more") {
  FilesFixture files;
  files.options.compression = FileCompression::zstd;
  files.open();
  files.write_many(10'000);
  files.stop();
  const std::string all = files.bytes(files.names()[0]);
  std::string magic = {'\x28', '\xb5', '\x2f', '\xfd'};
  int frames = 0;
  for (std::size_t at = 0; (at = all.find(magic, at)) != std::string::npos; ++at) ++frames;
  CHECK(frames > 1);
  CHECK(10'000 / frames >= 100);
}

TEST_CASE("messages wait for sync_interval, are not durable until then, and share a frame") {
  FilesFixture files;
  files.options.sync_interval_ns = 5 * second_ns;
  CHECK(make_files_sink(files.options, files.environment())->traits().flush_idle_ns ==
        5 * second_ns);
  files.open();
  CHECK(files.write_at(noon).durable == 1);  // the first write shows whether the disk works
  for (std::uint64_t i = 2; i <= 5; ++i) {
    CHECK(files.write_at(noon).durable == 1);
    files.clock.advance(second_ns);
  }
  CHECK(lines_of(files.text()).size() == 1);
  files.clock.advance(second_ns);
  CHECK(files.write_at(noon).durable == 6);
  CHECK(lines_of(files.text()).size() == 6);
}

TEST_CASE("sequences that no record has are durable with what is before them") {
  FilesFixture files;
  files.options.sync_interval_ns = 5 * second_ns;
  files.open();
  BatchBuilder gap;
  gap.skip(7);
  CHECK(files.write(gap.done()).durable == 7);
  CHECK(files.names().empty());  // and no file is made for them
}

TEST_CASE("an existing file is never overwritten, and numbers go on above the highest") {
  FilesFixture files;
  files.set_bytes("2026-11-21T120000Z-000007.jsonl", "mine\n");
  files.set_bytes("notes-000099.jsonl", "not ours\n");
  files.open();
  files.write_at(noon);
  files.set_bytes("2026-11-21T120000Z-000008.jsonl", "came meanwhile\n");
  files.stop();
  CHECK(files.names() == Names{"2026-11-21T120000Z-000007.jsonl",
                               "2026-11-21T120000Z-000008-2.jsonl",
                               "2026-11-21T120000Z-000008.jsonl", "notes-000099.jsonl"});
  CHECK(files.bytes("2026-11-21T120000Z-000007.jsonl") == "mine\n");
  CHECK(files.bytes("2026-11-21T120000Z-000008.jsonl") == "came meanwhile\n");
}

TEST_CASE("where a file is removed while it grows, what comes next goes into another") {
  FilesFixture files;
  files.open();
  files.write_at(noon);
  if (GENERATE(true, false)) {
    std::filesystem::remove_all(files.options.base_path);  // as a stick that is pulled
  } else {
    std::filesystem::rename(files.path(files.names()[0]), files.folder.path("taken"));
  }
  const auto second = [] {
    BatchBuilder builder(1);
    builder.add_raw("t", "2", noon);
    return builder.done();
  };
  const auto lost = files.try_write(second());
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Errc::unavailable);
  CHECK_THAT(lost.error().context, Catch::Contains("moved or removed"));
  files.sink->close();
  require(files.sink->open());
  CHECK(files.write(second()).durable == 2);
  files.stop();
  CHECK_THAT(files.text(), Catch::Contains("\"payload\":2") && !Catch::Contains("\"payload\":1"));
}

TEST_CASE("a second writer on a folder is told what to change, and may have it afterwards") {
  FilesFixture files;
  files.open();
  FilesOptions other = files.options;
  other.name = "second";
  const auto second = make_files_sink(other, files.environment());
  const auto refused = second->open();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::already_exists);
  CHECK_THAT(refused.error().context, Catch::Contains(files.options.base_path) &&
                                          Catch::Contains("storage.filesystem.base_path") &&
                                          Catch::Contains("locked by process"));
  files.sink->close();
  require(second->open());
}

TEST_CASE("sinks with folders of their own write side by side") {
  FilesFixture files;
  files.open();
  FilesOptions other = files.options;
  other.name = "archive";
  other.base_path = files.folder.path("archive");
  other.compression = FileCompression::zstd;
  const auto archive = make_files_sink(other, files.environment());
  CHECK(archive->name() == "archive");
  require(archive->open());
  files.write_at(noon);
  std::vector<BatchPtr> batches;
  BatchBuilder builder;
  builder.add_raw("t", "1", noon);
  batches.push_back(builder.done());
  require(archive->write(test_journal, batches, nothing_is_rejected));
  require(archive->flush());
  archive->close();
  files.stop();
  CHECK(files.names() == Names{"2026-11-21T120000Z-000001.jsonl"});
  CHECK(std::filesystem::exists(other.base_path + "/2026-11-21T120000Z-000001.jsonl.zst"));
}

TEST_CASE("a folder that cannot be made is an error that names it, until it can") {
  FilesFixture files;
  std::ofstream(files.folder.path("files")) << "in the way";
  const auto sink = make_files_sink(files.options, files.environment());
  const auto refused = sink->open();
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().context, Catch::Contains(files.options.base_path));
  std::filesystem::remove(files.folder.path("files"));
  require(sink->open());
}

TEST_CASE("the sink takes its settings from storage.filesystem") {
  std::vector<Diagnostic> diagnostics;
  const OptionTable tables[] = {files_options()};
  Config::Sources sources;
  sources.environment = [](const std::string&) { return std::nullopt; };
  sources.environment_names = [] { return std::vector<std::string>{}; };
  sources.overrides = {{"storage.filesystem.base_path", "/mnt/usb/telemetry/"},
                       {"storage.filesystem.compression", "zstd"},
                       {"storage.filesystem.rotation", "hourly"},
                       {"storage.filesystem.file_format", "csv"},
                       {"storage.filesystem.sync_interval", "250ms"},
                       {"storage.filesystem.max_file_size_mb", "7"}};
  const auto config = Config::load(sources, tables, diagnostics);
  require(config);
  const auto options = files_options_from(*config);
  require(options);
  CHECK(options->base_path == "/mnt/usb/telemetry");
  CHECK(options->compression == FileCompression::zstd);
  CHECK(options->rotation == FileRotation::hourly);
  CHECK(options->format == FileFormat::csv);
  CHECK(options->sync_interval_ns == 250'000'000);
  CHECK(options->file_bytes_max == 7 * 1024 * 1024);
  CHECK(options->free_space_reserve_bytes == 64 * 1024 * 1024);
}
