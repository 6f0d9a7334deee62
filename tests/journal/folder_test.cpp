// SPDX-License-Identifier: Apache-2.0
#include "journal/journal_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

/// Four messages in two segments.
struct Folder : JournalFixture {
  Folder() {
    REQUIRE(open());
    keep({std::string(400, 'a'), std::string(400, 'b')}, 1);
    keep({std::string(400, 'c'), std::string(400, 'd')}, 1);
    names = segments();
    REQUIRE(names.size() == 2);
  }
  void flip(std::size_t i, std::size_t at) {
    auto bytes = files.content(path(names[i]));
    bytes.at(at) ^= 1;
    files.set_content(path(names[i]), bytes);
  }
  std::vector<JournalCheck> check() {
    auto checks = check_journal(options.path, environment());
    REQUIRE(checks);
    return *checks;
  }
  Strings names;
};

}  // namespace

TEST_CASE("check reads beside a running writer and counts what is there") {
  Folder f;
  const auto checks = f.check();
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].file == f.path(f.names[0]));
  CHECK(checks[0].bytes == f.files.content(f.path(f.names[0])).size());
  CHECK(checks[0].frames == 3);
  CHECK(checks[0].messages == 2);
  CHECK(checks[0].first_sequence == 1);
  CHECK(checks[0].last_sequence == 2);
  CHECK(checks[1].last_sequence == 4);
  for (const auto& check : checks) {
    CHECK(check.damaged_bytes + check.damaged_places + check.torn_bytes == 0);
    CHECK_FALSE(check.header_damaged);
    CHECK(check.note.empty());
  }
}

TEST_CASE("check finds damage and torn ends and tells them apart") {
  Folder f;
  f.flip(0, 300);
  f.flip(0, 10);
  auto tail = f.files.content(f.path(f.names[1]));
  tail.resize(tail.size() - 5);
  f.files.set_content(f.path(f.names[1]), tail);
  const auto checks = f.check();
  CHECK(checks[0].header_damaged);
  CHECK(checks[0].damaged_places == 1);
  CHECK(checks[0].damaged_bytes == core::frame_size(9, 400, false));
  CHECK(checks[0].messages == 1);
  CHECK(checks[0].torn_bytes == 0);
  CHECK(checks[1].damaged_places == 0);
  CHECK(checks[1].torn_bytes == core::frame_size(9, 400, false) - 5);
  CHECK(has(checks[1].note, "being written"));
}

TEST_CASE("the end of an old segment is damage when messages are missing there") {
  Folder f;
  auto bytes = f.files.content(f.path(f.names[0]));
  bytes.resize(bytes.size() - 5);
  f.files.set_content(f.path(f.names[0]), bytes);
  const auto checks = f.check();
  CHECK(checks[0].damaged_places == 1);
  CHECK(checks[0].torn_bytes == 0);
}

TEST_CASE("dump shows every frame with its file and offset, and stops when told") {
  Folder f;
  Strings seen;
  const auto visit = [&](const core::FrameView& frame, const std::string& file,
                         std::uint64_t offset) {
    seen.push_back(file.substr(file.rfind('/') + 1, 20) + "@" + std::to_string(offset) + " " +
                   std::to_string(frame.header.sequence));
    return seen.size() < 5;
  };
  REQUIRE(dump_journal(f.options.path, f.environment(), visit));
  CHECK(seen == Strings{"00000000000000000001@64 1", "00000000000000000001@124 1",
                        "00000000000000000001@585 2", "00000000000000000003@64 3",
                        "00000000000000000003@124 3"});
}

TEST_CASE("check and dump of a folder that is not there are not_found and create nothing") {
  JournalFixture f;
  CHECK(check_journal("/nowhere", f.environment()).error().code == Errc::not_found);
  const auto visit = [](const core::FrameView&, const std::string&, std::uint64_t) { return true; };
  CHECK(dump_journal("/nowhere", f.environment(), visit).error().code == Errc::not_found);
  CHECK(repair_journal("/nowhere", f.environment()).error().code == Errc::not_found);
  CHECK_FALSE(f.files.exists("/nowhere"));
}

TEST_CASE("repair refuses while a writer holds the journal") {
  Folder f;
  f.flip(0, 300);
  const auto refused = repair_journal(f.options.path, f.environment());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::failed_precondition);
  CHECK(has(refused.error().context, "locked by process"));
  CHECK(f.check()[0].damaged_places == 1);
}

TEST_CASE("repair rewrites damaged segments, keeps the old ones, and loses nothing more") {
  Folder f;
  f.journal.reset();
  f.flip(0, 300);
  f.flip(0, 10);
  auto tail = f.files.content(f.path(f.names[1]));
  tail.resize(tail.size() - 5);
  f.files.set_content(f.path(f.names[1]), tail);
  const auto damaged = f.files.content(f.path(f.names[0]));

  auto repaired = repair_journal(f.options.path, f.environment());
  REQUIRE(repaired);
  REQUIRE(repaired->size() == 2);
  CHECK(has((*repaired)[0].note, "rewritten"));
  CHECK(has((*repaired)[1].note, "cut"));
  CHECK(f.files.content(f.path("quarantine/" + f.names[0])) == damaged);
  f.files.restart(Unsynced::lost);
  for (const auto& check : f.check()) {
    CHECK(check.damaged_places + check.torn_bytes == 0);
    CHECK_FALSE(check.header_damaged);
  }
  REQUIRE(f.open());
  auto reader = f.journal->read_from(0);
  CHECK(f.drain(*reader) == Strings{"schema 1", "2:" + std::string(400, 'b'), "schema 1",
                                    "3:" + std::string(400, 'c')});
  CHECK(reader->missing() == 1);
  CHECK(f.journal->stats().damaged_places == 0);
  CHECK(f.keep({"e"}) == 4);

  reader.reset();
  f.journal.reset();
  repaired = repair_journal(f.options.path, f.environment());
  REQUIRE(repaired);
  CHECK(repaired->empty());
}

TEST_CASE("repair gives a journal without any id a new one") {
  Folder f;
  f.journal.reset();
  REQUIRE(f.files.remove(f.path("journal.id")));
  f.flip(0, 10);
  f.flip(1, 10);
  REQUIRE(repair_journal(f.options.path, f.environment()));
  CHECK(f.files.content(f.path("journal.id")).size() == 42);
  REQUIRE(f.open());
  CHECK(f.journal->stats().damaged_places == 0);
  CHECK(f.read().size() == 6);
}

TEST_CASE("repair of an empty folder changes nothing") {
  JournalFixture f;
  REQUIRE(f.files.create_folder(f.options.path));
  auto repaired = repair_journal(f.options.path, f.environment());
  REQUIRE(repaired);
  CHECK(repaired->empty());
  CHECK_FALSE(f.files.exists(f.path("journal.id")));
}
