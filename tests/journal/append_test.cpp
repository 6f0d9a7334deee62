// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include <filesystem>

#include "journal/journal_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

TEST_CASE("a new journal is empty and numbers from 1") {
  JournalFixture f;
  REQUIRE(f.open());
  CHECK(f.journal->durable_end() == 0);
  CHECK(f.journal->first_sequence() == 1);
  CHECK(f.read().empty());
  CHECK(f.journal->stats().segments == 0);
  CHECK(f.keep({"a", "b"}) == 2);
  CHECK(f.journal->durable_end() == 2);
  CHECK(f.journal->first_sequence() == 1);
}

TEST_CASE("every field of a message comes back as it was appended") {
  JournalFixture f;
  REQUIRE(f.open());
  Journal::Record record;
  record.header.received_at = f.clock.wall + 5;
  record.header.time = 42;
  record.header.schema_id = 7;
  record.header.reference = 99;
  record.header.verdict = 2;
  record.header.reason = 3;
  record.header.flags = core::frame_flag::has_reference | core::frame_flag::retained | 1;
  record.topic = "a/b";
  const std::string payload("\0\xFF\x54\x4C\x4D\x31", 6);
  record.payload = payload;
  REQUIRE(f.journal->reserve(200));
  auto ticket = f.journal->append({&record, 1});
  REQUIRE(ticket);
  CHECK(record.header.sequence == 1);
  REQUIRE(f.journal->sync(*ticket));
  auto reader = f.journal->read_from(0);
  auto schema = reader->next();
  REQUIRE((schema && *schema));
  CHECK((*schema)->header.kind == core::FrameKind::schema);
  CHECK((*schema)->header.schema_id == 7);
  CHECK((*schema)->payload == "schema 7");
  auto frame = reader->next();
  REQUIRE((frame && *frame));
  const auto& header = (*frame)->header;
  CHECK(header.sequence == 1);
  CHECK(header.received_at == f.clock.wall + 5);
  CHECK(header.time == 42);
  CHECK(header.schema_id == 7);
  CHECK(header.reference == 99);
  CHECK(header.verdict == 2);
  CHECK(header.reason == 3);
  CHECK(header.flags == record.header.flags);
  CHECK((*frame)->topic == "a/b");
  CHECK((*frame)->payload == payload);
}

TEST_CASE("on real files, messages come back after a restart and numbers go on") {
  char name[] = "/tmp/telemetry_journal_XXXXXX";
  const std::string folder = ::mkdtemp(name);
  JournalOptions options;
  options.path = folder + "/deep/journal";
  options.segment_bytes = 4096;
  JournalId id{};
  for (int run = 0; run < 3; ++run) {
    auto journal = Journal::open(options, system_environment());
    REQUIRE(journal);
    if (run > 0) CHECK((*journal)->id() == id);
    id = (*journal)->id();
    for (int i = 0; i < 50; ++i) {
      Journal::Record record;
      record.topic = "t";
      const std::string payload(100, static_cast<char>('a' + run));
      record.payload = payload;
      REQUIRE((*journal)->reserve(200));
      auto ticket = (*journal)->append({&record, 1});
      REQUIRE(ticket);
      REQUIRE((*journal)->sync(*ticket));
      REQUIRE(ticket->last == static_cast<std::uint64_t>(run * 50 + i + 1));
    }
    auto reader = (*journal)->read_from(0);
    std::uint64_t expected = 1;
    for (auto frame = reader->next(); frame && *frame; frame = reader->next(), ++expected) {
      REQUIRE((*frame)->header.sequence == expected);
      REQUIRE((*frame)->payload[0] == 'a' + static_cast<int>((expected - 1) / 50));
    }
    CHECK(expected == static_cast<std::uint64_t>(run * 50 + 51));
    CHECK((*journal)->stats().segments > 1);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a full segment is closed and the next one repeats schemas and bears a snapshot") {
  JournalFixture f;
  f.content.snapshot = [] { return Snapshot::of("the state"); };
  REQUIRE(f.open());
  f.keep({std::string(500, 'a')}, 5);
  f.keep({std::string(500, 'b')}, 5);
  f.keep({"c"}, 5);
  const auto names = f.segments();
  REQUIRE(names.size() == 2);
  CHECK(names[0].starts_with("00000000000000000001-"));
  CHECK(names[1].starts_with("00000000000000000002-"));
  CHECK(f.read() == Strings{"schema 5", "1:" + std::string(500, 'a'), "schema 5",
                            "2:" + std::string(500, 'b'), "3:c"});
  Strings kinds;
  REQUIRE(dump_journal(f.options.path, f.environment(),
                       [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                         kinds.push_back(std::to_string(static_cast<int>(frame.header.kind)));
                         return true;
                       }));
  CHECK(kinds == Strings{"3", "2", "1", "3", "2", "1", "1"});
}

TEST_CASE("a snapshot comes in pieces, which must be as long as it says") {
  JournalFixture f;
  std::size_t announced = 6;
  f.content.snapshot = [&] {
    return Snapshot{announced, [](const Snapshot::Put& put) {
                      for (const char* piece : {"st", "a", "", "te!"}) put(piece);
                    }};
  };
  REQUIRE(f.open());
  f.keep({"a"});
  std::string state;
  REQUIRE(dump_journal(f.options.path, f.environment(),
                       [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                         if (frame.header.kind == core::FrameKind::snapshot) state = frame.payload;
                         return true;
                       }));
  CHECK(state == "state!");
  announced = 7;
  const auto refused = f.journal->reserve(f.options.segment_bytes);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::internal);
  CHECK(f.read() == Strings{"1:a"});
}

TEST_CASE("a frame larger than a segment gets one of its own") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"a"});
  f.keep({std::string(5000, 'b')});
  f.keep({"c"});
  CHECK(f.segments().size() == 3);
  CHECK(f.read(2) == Strings{"3:c"});
}

TEST_CASE("received_at is taken from the clock when missing, and never goes back") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"a"});
  f.clock.wall -= 1'000'000'000;
  f.keep({"b"});
  const std::int64_t first = f.clock.wall + 1'000'000'000;
  REQUIRE(f.open());
  f.clock.wall += 500'000'000;
  f.keep({"c"});
  auto reader = f.journal->read_from(0);
  for (int i = 0; i < 3; ++i) {
    auto frame = reader->next();
    REQUIRE((frame && *frame));
    CHECK((*frame)->header.received_at == first);
  }
}

TEST_CASE("a tombstone has a number of its own and keeps its reference") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"a"});
  Journal::Record record;
  record.header.kind = core::FrameKind::tombstone;
  record.header.flags = core::frame_flag::has_reference;
  record.header.reference = 1;
  REQUIRE(f.journal->reserve(100));
  auto ticket = f.journal->append({&record, 1});
  REQUIRE(ticket);
  REQUIRE(f.journal->sync(*ticket));
  CHECK(f.read() == Strings{"1:a", "2:tombstone"});
}

TEST_CASE("what cannot be a frame is refused and leaves nothing behind") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"a"});
  Journal::Record records[2];
  records[0].payload = "fine";
  records[1].header.kind = core::FrameKind::snapshot;
  REQUIRE(f.journal->reserve(200));
  auto refused = f.journal->append(records);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid_argument);
  const std::string huge(70'000, 't');
  records[1].header.kind = core::FrameKind::message;
  records[1].topic = huge;
  refused = f.journal->append(records);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(f.keep({"b"}) == 2);
  CHECK(f.read() == Strings{"1:a", "2:b"});
}

TEST_CASE("append without reserve on a new journal is refused, an empty append is not") {
  JournalFixture f;
  REQUIRE(f.open());
  Journal::Record record;
  record.payload = "x";
  CHECK(f.journal->append({&record, 1}).error().code == Errc::unavailable);
  REQUIRE(f.journal->reserve(100));
  auto ticket = f.journal->append({});
  REQUIRE(ticket);
  CHECK(f.journal->sync(*ticket));
}

TEST_CASE("a reader follows the journal over rolls and sees nothing before it is synced") {
  JournalFixture f;
  REQUIRE(f.open());
  auto reader = f.journal->read_from(0);
  CHECK(f.drain(*reader).empty());
  auto ticket = f.append({"a", "b"});
  REQUIRE(ticket);
  CHECK(f.drain(*reader).empty());
  REQUIRE(f.journal->sync(*ticket));
  CHECK(f.drain(*reader) == Strings{"1:a", "2:b"});
  CHECK(reader->position() == 2);
  for (int i = 0; i < 10; ++i) f.keep({std::string(300, 'x')});
  CHECK(f.segments().size() > 2);
  CHECK(f.drain(*reader).size() == 10);
  CHECK(reader->position() == 12);
  CHECK(reader->missing() == 0);
}

TEST_CASE("reading from a point gives the schemas before it and the messages after it") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"a"}, 1);
  f.keep({"b"}, 2);
  f.keep({"c"}, 1);
  CHECK(f.read(2) == Strings{"schema 1", "schema 2", "3:c"});
  CHECK(f.read(3) == Strings{"schema 1", "schema 2"});
  CHECK(f.read(1000) == Strings{"schema 1", "schema 2"});
}

TEST_CASE("two journals work side by side in one process, and one folder has one writer") {
  JournalFixture one, two;
  REQUIRE(one.open());
  auto second = Journal::open(one.options, one.environment());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::already_exists);
  JournalOptions other = one.options;
  other.path = "/data/dead_letters";
  auto dead = Journal::open(other, one.environment());
  REQUIRE(dead);
  CHECK((*dead)->id() != one.journal->id());
}

TEST_CASE("the sequence floor starts a journal above its consumers, and the jump is not a loss") {
  JournalFixture f;
  f.options.sequence_floor = 100;
  REQUIRE(f.open());
  CHECK(f.journal->durable_end() == 100);
  CHECK(f.journal->first_sequence() == 101);
  CHECK(f.keep({"a"}) == 101);
  f.options.sequence_floor = 100;
  REQUIRE(f.open());
  CHECK(f.keep({"b"}) == 102);
  f.options.sequence_floor = 5000;
  REQUIRE(f.open());
  CHECK(f.journal->durable_end() == 5000);
  CHECK(f.keep({"c"}) == 5001);
  auto reader = f.journal->read_from(100);
  CHECK(f.drain(*reader) == Strings{"101:a", "102:b", "5001:c"});
  CHECK(reader->missing() == 0);
}

TEST_CASE("cursor files keep a position and refuse names that are no file names") {
  JournalFixture f;
  REQUIRE(f.open());
  auto none = f.journal->load_cursor("files");
  REQUIRE(none);
  CHECK_FALSE(*none);
  REQUIRE(f.journal->store_cursor("files", {f.journal->id(), 7}));
  REQUIRE(f.journal->store_cursor("files", {f.journal->id(), 8}));
  f.files.restart(Unsynced::lost);
  REQUIRE(f.open());
  auto loaded = f.journal->load_cursor("files");
  REQUIRE((loaded && *loaded));
  CHECK((*loaded)->sequence == 8);
  CHECK((*loaded)->journal == f.journal->id());
  for (const char* name : {"", "../up", ".hidden", "a/b"}) {
    CHECK(f.journal->store_cursor(name, {}).error().code == Errc::invalid_argument);
    CHECK(f.journal->load_cursor(name).error().code == Errc::invalid_argument);
  }
}

TEST_CASE("a damaged cursor file counts as none and is said") {
  JournalFixture f;
  REQUIRE(f.open());
  REQUIRE(f.journal->store_cursor("files", {f.journal->id(), 7}));
  const std::string path = f.path("cursors/files");
  auto bytes = f.files.content(path);
  bytes[25] ^= 1;
  f.files.set_content(path, bytes);
  auto loaded = f.journal->load_cursor("files");
  REQUIRE(loaded);
  CHECK_FALSE(*loaded);
  CHECK(has(f.log, path + ": damaged"));
}
