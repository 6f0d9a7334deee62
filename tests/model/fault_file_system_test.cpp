// SPDX-License-Identifier: Apache-2.0
#include "model/fault_file_system.hpp"

#include "catch.hpp"

#include <string_view>

using namespace telemetry;
using namespace telemetry::model;
using Unsynced = FaultFileSystem::Unsynced;
using Fault = FaultFileSystem::Fault;

// The model that judges the journal is judged first: a disk that never loses anything proves
// nothing.

namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string text(const FaultFileSystem& files, const std::string& path) {
  const auto content = files.content(path);
  return {content.begin(), content.end()};
}

struct Disk {
  explicit Disk(std::uint64_t seed = 1) : files(seed) {
    REQUIRE(files.create_folder("/d"));
    file = *files.open_write("/d/a");
    REQUIRE(files.write(file, 0, bytes("synced")));
    REQUIRE(files.sync(file));
    REQUIRE(files.sync_folder("/d"));
  }
  FaultFileSystem files;
  FileSystem::Handle file = -1;
};

}  // namespace

TEST_CASE("what was synced survives every crash, what was not survives only in the kept one") {
  for (const auto unsynced : {Unsynced::kept, Unsynced::lost}) {
    Disk disk;
    REQUIRE(disk.files.write(disk.file, 6, bytes(" and not")));
    disk.files.restart(unsynced);
    CHECK(text(disk.files, "/d/a") == (unsynced == Unsynced::kept ? "synced and not" : "synced"));
  }
}

TEST_CASE("a mixed crash sometimes keeps, sometimes drops and sometimes tears") {
  bool kept = false, dropped = false, torn = false;
  const std::string old(4 * FaultFileSystem::sector_bytes, 'o');
  const std::string fresh(4 * FaultFileSystem::sector_bytes, 'n');
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Disk disk(seed);
    REQUIRE(disk.files.write(disk.file, 0, bytes(old)));
    REQUIRE(disk.files.sync(disk.file));
    REQUIRE(disk.files.write(disk.file, 0, bytes(fresh)));
    disk.files.restart(Unsynced::mixed);
    const auto left = text(disk.files, "/d/a");
    REQUIRE(left.size() == old.size());
    kept = kept || left == fresh;
    dropped = dropped || left == old;
    torn = torn || (left != old && left != fresh);
    for (std::size_t i = 0; i < left.size(); i += FaultFileSystem::sector_bytes) {
      REQUIRE(left.substr(i, FaultFileSystem::sector_bytes) ==
              std::string(FaultFileSystem::sector_bytes, left[i]));
    }
  }
  CHECK(kept);
  CHECK(dropped);
  CHECK(torn);
}

TEST_CASE("with write-back, unsynced bytes sometimes reach the disk by themselves") {
  int survived = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Disk disk(seed);
    disk.files.set_writeback(true);
    REQUIRE(disk.files.write(disk.file, 6, bytes(" and not")));
    disk.files.restart(Unsynced::lost);
    if (text(disk.files, "/d/a") == "synced and not") ++survived;
  }
  CHECK(survived > 0);
  CHECK(survived < 100);
}

TEST_CASE("a new name lasts only once its folder is synced") {
  Disk disk;
  auto file = disk.files.open_write("/d/b");
  REQUIRE(file);
  REQUIRE(disk.files.sync(*file));
  disk.files.restart(Unsynced::lost);
  CHECK_FALSE(disk.files.exists("/d/b"));
  CHECK(disk.files.exists("/d/a"));
}

TEST_CASE("a removed name comes back unless its folder was synced") {
  Disk disk;
  REQUIRE(disk.files.remove("/d/a"));
  CHECK_FALSE(disk.files.exists("/d/a"));
  disk.files.restart(Unsynced::lost);
  CHECK(text(disk.files, "/d/a") == "synced");
}

TEST_CASE("pages of a failed sync read well, and a later sync does not write them") {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Disk disk(seed);
    disk.files.set_plan([](std::uint64_t, FaultFileSystem::Call call, const std::string&) {
      return call == FaultFileSystem::Call::sync ? Fault::fail : Fault::none;
    });
    REQUIRE(disk.files.write(disk.file, 0, bytes("SYNCED")));
    REQUIRE_FALSE(disk.files.sync(disk.file));
    disk.files.set_plan(nullptr);
    REQUIRE(disk.files.sync(disk.file));
    CHECK(text(disk.files, "/d/a") == "SYNCED");
    disk.files.restart(Unsynced::lost);
    lost = lost || text(disk.files, "/d/a") == "synced";
  }
  CHECK(lost);
}

TEST_CASE("a full disk takes what fits and then refuses") {
  Disk disk;
  disk.files.set_capacity(8);
  const auto written = disk.files.write(disk.file, 6, bytes("12345"));
  REQUIRE_FALSE(written);
  CHECK(written.error().code == Errc::resource_exhausted);
  CHECK(text(disk.files, "/d/a") == "synced12");
  CHECK(*disk.files.free_bytes("/d") == 0);
}

TEST_CASE("after a crash every call fails until the machine starts again") {
  Disk disk;
  disk.files.set_plan(
      [](std::uint64_t, FaultFileSystem::Call, const std::string&) { return Fault::crash; });
  CHECK_FALSE(disk.files.write(disk.file, 0, bytes("x")));
  CHECK(disk.files.crashed());
  CHECK_FALSE(disk.files.open_read("/d/a"));
  CHECK_FALSE(disk.files.list("/d"));
  disk.files.restart(Unsynced::lost);
  CHECK(text(disk.files, "/d/a") == "synced");
  CHECK_FALSE(disk.files.sync(disk.file));  // handles are gone
}
