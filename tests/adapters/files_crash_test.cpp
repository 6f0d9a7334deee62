// SPDX-License-Identifier: Apache-2.0
// The sink on files in memory that fail as disks do: a power cut, or a failure, at each call.
#include <map>
#include <random>
#include <utility>

#include "file_name.hpp"
#include "files_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;
using model::FaultFileSystem;

namespace {

constexpr std::uint64_t rows = 48;
constexpr std::uint64_t rows_per_write = 2;
const std::string base_path = "/files";

/// What a consumer does with the sink, on a disk that may fail.
class World {
 public:
  World(FileCompression compression, FileFormat format, std::uint64_t seed) : files(seed) {
    files.set_atomic_renames(true);
    options.base_path = base_path;
    options.format = format;
    options.compression = compression;
    options.rotation = FileRotation::hourly;
    options.file_bytes_max = 700;
    options.sync_interval_ns = second_ns * 3 / 2;
    options.free_space_reserve_bytes = 0;
  }

  /// Brings everything after the cursor into the files, until that is done or the power goes.
  void drive() {
    auto sink = make_files_sink(options, model::fault_environment(clock, files));
    bool opened = false;
    std::uint64_t position = cursor;
    while (!files.crashed() && cursor < rows && errors < 50) {
      Result<std::uint64_t> durable = cursor;
      if (!opened) {
        if (auto done = sink->open(); done) {
          opened = true;
          position = cursor;
        } else {
          durable = done.error();
        }
      } else if (position < rows) {
        const std::uint64_t last = std::min(position + rows_per_write, rows);
        durable = write(*sink, position, last);
        position = last;
      } else {
        durable = sink->flush();
      }
      if (durable) {
        cursor = std::max(cursor, *durable);
        continue;
      }
      ++errors;
      sink->close();
      opened = false;
    }
    sink->close();
  }

  /// What every start does, with or without anything to write.
  void start() {
    require(make_files_sink(options, model::fault_environment(clock, files))->open());
  }

  /// How often each row is in the files; all of them are whole and have their final names.
  std::map<std::uint64_t, int> stored() {
    std::map<std::uint64_t, int> counts;
    const auto names = files.list(base_path);
    require(names);
    for (const std::string& name : *names) {
      INFO(name);
      REQUIRE(files::number_of(name));
      CHECK_FALSE(name.ends_with(files::part_suffix));
      const auto content = files.content(base_path + "/" + name);
      CHECK_FALSE(content.empty());
      const bool csv = options.format == FileFormat::csv;
      auto lines = lines_of(unpacked(options.compression, content));
      if (csv) lines.erase(lines.begin());
      CHECK_FALSE(lines.empty());
      for (const std::string& line : lines) {
        const std::string key = csv ? "," : R"("payload":)";
        ++counts[std::stoull(line.substr((csv ? line.rfind(key) : line.find(key)) + key.size()))];
      }
    }
    return counts;
  }

  FaultFileSystem files;
  model::ManualClock clock;
  FilesOptions options;
  std::uint64_t cursor = 0;
  int errors = 0;

 private:
  Result<std::uint64_t> write(Sink& sink, std::uint64_t after, std::uint64_t last) {
    BatchBuilder builder(after);
    for (std::uint64_t id = after + 1; id <= last; ++id) {
      builder.add_raw("t", builder.keep(std::to_string(id)),
                      start_ns + static_cast<std::int64_t>(id) * hour_ns / 5);
    }
    const std::vector<BatchPtr> batches{builder.done()};
    clock.advance(second_ns);
    auto report = sink.write(test_journal, batches, nothing_is_rejected);
    if (!report) return report.error();
    return report->durable;
  }
};

const std::pair<FileCompression, FileFormat> kinds[] = {
    {FileCompression::none, FileFormat::jsonl}, {FileCompression::gzip, FileFormat::jsonl},
    {FileCompression::zstd, FileFormat::jsonl}, {FileCompression::lz4, FileFormat::jsonl},
    {FileCompression::none, FileFormat::csv},   {FileCompression::zstd, FileFormat::csv}};

std::uint64_t calls_of_all(const World& like) {
  World world(like.options.compression, like.options.format, 1);
  world.drive();
  REQUIRE(world.cursor == rows);
  const auto stored = world.stored();
  REQUIRE(stored.size() == rows);
  for (const auto& [id, count] : stored) REQUIRE(count == 1);
  return world.files.calls();
}

FaultFileSystem::Plan at(std::uint64_t wanted, FaultFileSystem::Fault fault) {
  return [wanted, fault](std::uint64_t number, FaultFileSystem::Call, const std::string&) {
    return number == wanted ? fault : FaultFileSystem::Fault::none;
  };
}

}  // namespace

TEST_CASE("a power cut at any call loses no row, and repeats only what the cursor had not passed") {
  const auto [compression, format] = GENERATE(from_range(std::begin(kinds), std::end(kinds)));
  const std::uint64_t calls = calls_of_all(World(compression, format, 1));
  REQUIRE(calls > 40);
  using enum FaultFileSystem::Unsynced;
  for (std::uint64_t call = 1; call <= calls; ++call) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      INFO("compression " << static_cast<int>(compression) << ", format "
                          << static_cast<int>(format) << ", call " << call << ", seed " << seed);
      World world(compression, format, 100 * call + seed);
      const auto unsynced = seed == 0 ? kept : seed == 1 ? lost : mixed;
      world.files.set_writeback(seed % 2 == 1);
      world.files.set_plan(at(call, FaultFileSystem::Fault::crash));
      world.drive();
      world.files.restart(unsynced);
      // The cursor's file may be older than what the sink said last.
      world.cursor -= std::min<std::uint64_t>(world.cursor, seed == 5 ? 4 : 0);
      const std::uint64_t cursor = world.cursor;
      if (seed == 3) {  // and the power goes again, while this is put right
        world.files.set_plan(at(1 + call % 7, FaultFileSystem::Fault::crash));
        world.drive();
        world.files.restart(unsynced);
      }
      world.drive();
      REQUIRE(world.cursor == rows);
      const auto stored = world.stored();
      CHECK(stored.size() == rows);
      for (const auto& [id, count] : stored) {
        if (count != 1 && id <= cursor) FAIL("row " << id << " is there " << count << " times");
      }
    }
  }
}

TEST_CASE("a failure at any call, without a crash, neither loses nor repeats a row") {
  const auto [compression, format] = GENERATE(from_range(std::begin(kinds), std::end(kinds)));
  const std::uint64_t calls = calls_of_all(World(compression, format, 1));
  for (std::uint64_t call = 1; call <= calls; ++call) {
    INFO("compression " << static_cast<int>(compression) << ", call " << call);
    World world(compression, format, call);
    world.files.set_plan(at(call, FaultFileSystem::Fault::fail));
    world.drive();
    REQUIRE(world.cursor == rows);
    CHECK(world.errors <= 1);
    const auto stored = world.stored();
    CHECK(stored.size() == rows);
    for (const auto& [id, count] : stored) {
      if (count != 1) FAIL("row " << id << " is there " << count << " times");
    }
  }
}

TEST_CASE("what a disk that fails from some call on has left is put right by the next process") {
  const auto [compression, format] = GENERATE(from_range(std::begin(kinds), std::end(kinds)));
  const std::uint64_t calls = calls_of_all(World(compression, format, 1));
  for (std::uint64_t call = 1; call <= calls; ++call) {
    INFO("compression " << static_cast<int>(compression) << ", call " << call);
    World world(compression, format, call);
    world.files.set_plan([call](std::uint64_t number, auto, const std::string&) {
      return number >= call ? FaultFileSystem::Fault::fail : FaultFileSystem::Fault::none;
    });
    world.drive();
    world.files.set_plan(nullptr);
    world.errors = 0;
    world.start();
    world.drive();
    REQUIRE(world.cursor == rows);
    CHECK(world.stored().size() == rows);
    // Bytes of a sync that failed read well until the system forgets them.
    world.files.restart(FaultFileSystem::Unsynced::lost);
    world.start();
    CHECK(world.stored().size() == rows);
  }
}

TEST_CASE("a full disk is an error that frees what was half written, and nothing comes twice") {
  World world(FileCompression::none, FileFormat::jsonl, 1);
  world.files.set_capacity(1'000);
  world.drive();
  CHECK(world.errors == 50);
  CHECK(world.cursor > 0);
  CHECK(world.cursor < rows);
  world.files.set_capacity(UINT64_MAX);
  world.errors = 0;
  world.drive();
  const auto stored = world.stored();
  CHECK(stored.size() == rows);
  for (const auto& [id, count] : stored) CHECK(count == 1);
}

TEST_CASE("below the reserve nothing is written, and the error names figures and key") {
  World world(FileCompression::gzip, FileFormat::jsonl, 1);
  world.options.free_space_reserve_bytes = 64 * 1024 * 1024;
  world.files.set_capacity(3 * 1024 * 1024);
  const auto sink =
      make_files_sink(world.options, model::fault_environment(world.clock, world.files));
  require(sink->open());
  BatchBuilder builder;
  builder.add_raw("t", "1");
  const std::vector<BatchPtr> batches{builder.done()};
  const auto written = sink->write(test_journal, batches, nothing_is_rejected);
  REQUIRE_FALSE(written);
  CHECK(written.error().code == Errc::resource_exhausted);
  CHECK_THAT(written.error().context,
             Catch::Contains("3 MB free") && Catch::Contains("64 MB") &&
                 Catch::Contains("storage.filesystem.free_space_reserve_mb"));
  CHECK(world.files.list(base_path)->empty());
}
