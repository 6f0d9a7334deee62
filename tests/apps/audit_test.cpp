// SPDX-License-Identifier: Apache-2.0
#include "process/audit.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "conformance/temporary_folder.hpp"
#include "model/fault_file_system.hpp"

using namespace telemetry;
using telemetry::test::TemporaryFolder;

namespace {

const Result<std::string> done = std::string("{}");

struct House {
  std::string lines(const std::string& name = "audit.jsonl") const {
    std::ifstream in(folder.path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  unsigned mode() const {
    struct stat found {};
    REQUIRE(::stat(folder.path("audit.jsonl").c_str(), &found) == 0);
    return found.st_mode & 0777;
  }

  TemporaryFolder folder;
  model::ManualClock clock;
  std::string log;
  Environment machine = system_environment();
  Environment environment{
      clock, machine.files, machine.random,
      Log([this](LogLevel, std::string_view,
                 std::string_view message) { log += std::string(message) + "\n"; },
          LogLevel::debug)};
  Audit audit{folder.path("journal/"), environment};
};

}  // namespace

TEST_CASE("an act is a line with who, from where, what and what came of it") {
  House house;
  house.audit.write(
      {.user = 0, .from = "socket", .what = "delete", .details = R"({"topics":["a"]})"},
      std::string(R"({"deleted":3})"));
  CHECK(house.lines() ==
        R"({"time":"2027-01-15T08:00:00Z","who":"root","uid":0,"from":"socket","what":"delete",)"
        R"("details":{"topics":["a"]},"result":{"deleted":3}})"
        "\n");
  house.audit.write({.user = 4'000'000'001, .from = "command", .what = "import"},
                    Error{Errc::data_loss, "it \"is\" gone"});
  CHECK_THAT(house.lines(),
             Catch::EndsWith(R"("who":"4000000001","uid":4000000001,"from":"command",)"
                             R"("what":"import","details":{},"result":{"error":"data_loss",)"
                             R"("message":"it \"is\" gone"}})"
                             "\n"));
  CHECK(house.mode() == 0600);
  CHECK(house.log.empty());
}

TEST_CASE("the file is for its owner, and a line that a power cut tore stays alone") {
  House house;
  std::ofstream(house.folder.path("audit.jsonl")) << "{\"time\":\"20";
  std::filesystem::permissions(house.folder.path("audit.jsonl"), std::filesystem::perms(0644));
  house.audit.write({.from = "command", .what = "import"}, done);
  CHECK_THAT(house.lines(),
             Catch::StartsWith("{\"time\":\"20\n{\"time\":\"2027-01-15T08:00:00Z\""));
  CHECK(house.mode() == 0600);
}

TEST_CASE("a full file becomes the older one, in the place of the one before") {
  House house;
  std::ofstream(house.folder.path("audit.jsonl.1")) << "before\n";
  const std::string full(Audit::file_bytes_max - 10, 'x');
  std::ofstream(house.folder.path("audit.jsonl")) << full;
  house.audit.write({.from = "command", .what = "import"}, done);
  CHECK_THAT(house.lines(), Catch::StartsWith("{\"time\""));
  CHECK(house.lines("audit.jsonl.1") == full);
  CHECK(house.mode() == 0600);
}

TEST_CASE("several who note lose nothing when the file becomes the older one") {
  House house;
  const std::string details = '"' + std::string(10'000, 'x') + '"';
  constexpr int writers = 4, acts = 130;  // 5.2 MB
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      Audit audit(house.folder.path("journal"), house.machine);
      for (int act = 0; act < acts; ++act)
        audit.write({.user = 0, .from = "command", .what = "import", .details = details}, done);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string all = house.lines("audit.jsonl.1") + house.lines();
  CHECK(std::ranges::count(all, '\n') == writers * acts);
}

TEST_CASE("made by root, the file belongs to the owner of its folder") {
  if (::geteuid() != 0) return;
  House house;
  REQUIRE(::chown(house.folder.path("").c_str(), 1234, 1235) == 0);
  house.audit.write({.user = 0, .from = "command", .what = "import"}, done);
  struct stat found {};
  REQUIRE(::stat(house.folder.path("audit.jsonl").c_str(), &found) == 0);
  CHECK(found.st_uid == 1234);
  CHECK(found.st_gid == 1235);
}

TEST_CASE("what cannot be noted is logged, with the act; a link is not followed") {
  House house;
  SECTION("a folder") { std::filesystem::create_directory(house.folder.path("audit.jsonl")); }
  SECTION("a link") {
    std::filesystem::create_symlink(house.folder.path("other"), house.folder.path("audit.jsonl"));
  }
  SECTION("a pipe") { REQUIRE(::mkfifo(house.folder.path("audit.jsonl").c_str(), 0600) == 0); }
  house.audit.write({.user = 0, .from = "socket", .what = "delete"}, done);
  CHECK_THAT(house.log, Catch::Contains("audit.jsonl: ") &&
                            Catch::Contains(": delete by root is not noted there"));
  CHECK_FALSE(std::filesystem::exists(house.folder.path("other")));
}
