// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "journal/journal_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

/// Two closed segments and a tail, one message each.
struct Three : JournalFixture {
  Three() {
    REQUIRE(open());
    for (const char letter : {'a', 'b', 'c'}) keep({std::string(900, letter)});
    journal.reset();
    names = segments();
    REQUIRE(names.size() == 3);
  }
  std::vector<std::uint8_t> bytes(std::size_t i) { return files.content(path(names[i])); }
  void put(std::size_t i, std::vector<std::uint8_t> changed) {
    files.set_content(path(names[i]), std::move(changed));
  }
  Strings names;
  const std::string a = "1:" + std::string(900, 'a'), b = "2:" + std::string(900, 'b'),
                    c = "3:" + std::string(900, 'c');
};

}  // namespace

TEST_CASE("a torn tail is cut at the last whole frame") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"a", "b"});
  f.journal.reset();
  const auto name = f.segments()[0];
  auto bytes = f.files.content(f.path(name));
  const auto whole = bytes.size();
  bytes.insert(bytes.end(), bytes.begin() + 64, bytes.begin() + 100);
  f.files.set_content(f.path(name), bytes);
  REQUIRE(f.open());
  CHECK(f.files.content(f.path(name)).size() == whole);
  CHECK(f.journal->stats().torn_bytes == 36);
  CHECK(f.journal->stats().damaged_places == 0);
  CHECK(f.journal->stats().quarantined_segments == 0);
  CHECK(f.keep({"c"}) == 3);
  CHECK(f.read() == Strings{"1:a", "2:b", "3:c"});
  CHECK(f.segments().size() == 1);
}

TEST_CASE("damage before a whole frame is skipped, counted, copied to quarantine, and not cut") {
  Three f;
  REQUIRE(f.open());
  f.keep({"d", "e", "f"});
  f.journal.reset();
  f.names = f.segments();
  const std::size_t tail = f.names.size() - 1;
  auto bytes = f.bytes(tail);
  bytes[bytes.size() - 70] ^= 0x10;  // in "e"
  f.put(tail, bytes);
  REQUIRE(f.open());
  auto reader = f.journal->read_from(0);
  CHECK(f.drain(*reader) == Strings{f.a, f.b, f.c, "4:d", "6:f"});
  CHECK(reader->missing() == 1);
  const auto stats = f.journal->stats();
  CHECK(stats.damaged_places == 1);
  CHECK(stats.damaged_bytes == core::frame_size(9, 1, false));
  CHECK(stats.torn_bytes == 0);
  CHECK(stats.quarantined_segments == 1);
  CHECK(f.files.content(f.path("quarantine/" + f.names[tail])) == bytes);
  CHECK(f.files.content(f.path(f.names[tail])) == bytes);
  CHECK(has(f.log, f.names[tail] + ": 62 damaged bytes at offset"));
  CHECK(f.keep({"g"}) == 7);
  CHECK(f.read(6) == Strings{"7:g"});
}

// If each of them cost as much as it announces, this would take minutes.
TEST_CASE("a damaged message full of headers that announce megabytes is passed over") {
  std::string header(core::frame_header_bytes, '\0');
  const std::uint32_t announced = 8 * 1024 * 1024;
  std::memcpy(header.data(), &core::frame_magic, 4);
  std::memcpy(header.data() + 4, &announced, 4);
  header[8] = 3;  // a number that may come here
  std::string hostile;
  while (hostile.size() < announced) hostile += header;
  hostile.resize(announced);
  JournalFixture f;
  f.options.segment_bytes = f.options.size_max_bytes = 64 * 1024 * 1024;
  REQUIRE(f.open());
  f.keep({"a", hostile, hostile, "d"});
  f.journal.reset();
  const auto name = f.segments()[0];
  auto bytes = f.files.content(f.path(name));
  bytes[core::segment_header_bytes + core::frame_size(9, 1, false)] ^= 1;  // where "hostile" begins
  f.files.set_content(f.path(name), bytes);
  REQUIRE(f.open());
  CHECK((f.read() == Strings{"1:a", "3:" + hostile, "4:d"}));  // megabytes: not to be printed
}

TEST_CASE("damage in an old segment is met by its reader, once for all readers") {
  Three f;
  auto bytes = f.bytes(1);
  bytes[500] ^= 1;
  f.put(1, bytes);
  REQUIRE(f.open());
  CHECK(f.journal->stats().damaged_places == 0);
  for (int i = 0; i < 2; ++i) {
    auto reader = f.journal->read_from(0);
    CHECK(f.drain(*reader) == Strings{f.a, f.c});
    CHECK(reader->missing() == 1);
    CHECK(reader->position() == 3);
  }
  CHECK(f.journal->stats().damaged_places == 1);
  CHECK(f.journal->stats().quarantined_segments == 1);
}

TEST_CASE("durable bytes that rot while the journal runs are skipped and counted") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"a", "b"});
  const auto name = f.segments()[0];
  auto bytes = f.files.content(f.path(name));
  bytes[bytes.size() - 10] ^= 1;  // in "b"
  f.files.set_content(f.path(name), bytes);
  auto reader = f.journal->read_from(0);
  CHECK(f.drain(*reader) == Strings{"1:a"});
  CHECK(reader->position() == 2);
  CHECK(reader->missing() == 1);
  CHECK(f.journal->stats().damaged_places == 1);
  f.keep({"c"});
  CHECK(f.drain(*reader) == Strings{"3:c"});
}

TEST_CASE("a segment whose header is damaged loses nothing") {
  for (std::size_t i = 0; i < 3; ++i) {
    Three f;
    auto bytes = f.bytes(i);
    std::fill(bytes.begin(), bytes.begin() + 64, std::uint8_t{0});
    f.put(i, bytes);
    REQUIRE(f.open());
    CHECK(f.read() == Strings{f.a, f.b, f.c});
    CHECK(f.journal->stats().damaged_places == 1);
    CHECK(f.journal->stats().quarantined_segments == 1);
    CHECK(f.keep({"d"}) == 4);
    CHECK(f.read(3) == Strings{"4:d"});
  }
}

TEST_CASE("start succeeds on whatever stands in the folder") {
  Three f;
  f.files.set_content(f.path("00000000000000000004-00000000000000aa.tlj"), {});
  f.files.set_content(f.path("00000000000000000005-00000000000000ab.tlj"),
                      std::vector<std::uint8_t>(3000, 0xEE));
  REQUIRE(f.files.create_folder(f.path("00000000000000000006-00000000000000ac.tlj")));
  f.files.set_content(f.path("99999999999999999999-0000000000000001.tlj"), {1, 2, 3});
  f.files.set_content(f.path("00000000000000000000-0000000000000001.tlj"), {1, 2, 3});
  f.files.set_content(f.path("notes.txt"), {1});
  f.files.set_content(f.path("journal.id.tmp"), {1});
  REQUIRE(f.open());
  CHECK(f.read() == Strings{f.a, f.b, f.c});
  const auto next = f.keep({"d"});
  CHECK(next > 6);
  REQUIRE(f.open());
  CHECK(f.read() == Strings{f.a, f.b, f.c, std::to_string(next) + ":d"});
  CHECK(f.keep({"e"}) == next + 1);
}

TEST_CASE("an unreadable newest segment costs its messages, and numbers stay above them") {
  Three f;
  f.files.make_unreadable(f.path(f.names[2]));
  REQUIRE(f.open());
  CHECK(has(f.log, "left out"));
  CHECK(f.read() == Strings{f.a, f.b});
  CHECK(f.keep({"d"}) > 3);
}

TEST_CASE("a disk that cannot be read is an error to retry, not a loss to skip") {
  Three f;
  REQUIRE(f.open());
  auto reader = f.journal->read_from(0);
  REQUIRE(reader->next());
  f.files.make_unreadable(f.path(f.names[1]));
  const auto refused = reader->next();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(reader->missing() == 0);
  f.files.make_unreadable(f.path(f.names[1]), false);
  CHECK(f.drain(*reader) == Strings{f.b, f.c});
}

TEST_CASE("formats that this version does not know are refused by name and left alone") {
  struct Case {
    const char* what;
    void (*change)(core::SegmentHeader&);
  };
  const Case cases[] = {
      {"format 2", [](core::SegmentHeader& header) { header.version = 2; }},
      {"flags 0x4", [](core::SegmentHeader& header) { header.required_flags = 4; }},
      {"flags 0x1",
       [](core::SegmentHeader& header) { header.required_flags = core::segment_flag::items; }},
      {"encrypted (cipher 1)", [](core::SegmentHeader& header) { header.cipher = 1; }},
  };
  for (const auto& [what, change] : cases) {
    Three f;
    auto bytes = f.bytes(1);
    core::SegmentHeader header;
    const auto head = std::span(bytes).first<core::segment_header_bytes>();
    REQUIRE(core::decode_segment_header(head, header));
    change(header);
    core::encode_segment_header(header, head);
    f.put(1, bytes);
    const auto refused = f.open();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::failed_precondition);
    CHECK(has(refused.error().context, f.path(f.names[1])));
    CHECK(has(refused.error().context, what));
    CHECK(f.bytes(1) == bytes);
  }
}

TEST_CASE("a lost or damaged journal.id is rebuilt from the segments") {
  for (const bool lost : {true, false}) {
    Three f;
    REQUIRE(f.open());
    const auto id = f.journal->id();
    f.journal.reset();
    if (lost)
      REQUIRE(f.files.remove(f.path("journal.id")));
    else
      f.files.set_content(f.path("journal.id"), {'0', '1'});
    REQUIRE(f.open());
    CHECK(f.journal->id() == id);
    CHECK(f.files.content(f.path("journal.id")).size() == 42);
    CHECK(f.read() == Strings{f.a, f.b, f.c});
  }
}

TEST_CASE("a segment of another journal is moved to quarantine, not mixed in") {
  Three f, other;
  f.files.set_content(f.path(other.names[1]), other.bytes(1));
  REQUIRE(f.open());
  CHECK(f.read() == Strings{f.a, f.b, f.c});
  CHECK(f.files.content(f.path("quarantine/" + other.names[1])) == other.bytes(1));
  CHECK_FALSE(f.files.exists(f.path(other.names[1])));
  CHECK(has(f.log, "belongs to another journal"));
}

TEST_CASE("a journal that was deleted starts again, with another id") {
  Three f;
  REQUIRE(f.open());
  const auto id = f.journal->id();
  f.journal.reset();
  f.files.remove_all(f.options.path);
  f.options.sequence_floor = 3;
  REQUIRE(f.open());
  CHECK(f.journal->id() != id);
  CHECK(f.keep({"d"}) == 4);
  CHECK(f.read(3) == Strings{"4:d"});
}

TEST_CASE("a restored backup goes on above what its consumers have seen") {
  Three f;
  const model::FaultFileSystem backup(f.files, 1);
  REQUIRE(f.open());
  f.keep({"d", "e"});
  f.journal.reset();
  f.files.remove_all(f.options.path);
  REQUIRE(f.files.create_folder(f.options.path));
  for (const auto& name : f.names) f.files.set_content(f.path(name), backup.content(f.path(name)));
  f.options.sequence_floor = 5;
  REQUIRE(f.open());
  CHECK(f.keep({"new"}) == 6);
  auto reader = f.journal->read_from(5);
  CHECK(f.drain(*reader) == Strings{"6:new"});
  CHECK(reader->missing() == 0);
}

TEST_CASE("recovery shows the snapshot first and then every frame behind it") {
  JournalFixture f;
  f.content.snapshot = [] { return Snapshot::of("state"); };
  REQUIRE(f.open());
  for (const char letter : {'a', 'b'}) f.keep({std::string(700, letter)}, 1);
  f.keep({"c"}, 1);
  std::string seen;
  const auto see = [&](const core::FrameView& frame) {
    seen += std::to_string(static_cast<int>(frame.header.kind)) + ":" +
            std::string(frame.payload.substr(0, 1)) + " ";
  };
  REQUIRE(f.open(see));
  CHECK(seen == "3:s 2:s 1:b 1:c ");
  // Without the tail's snapshot, recovery begins one segment earlier.
  f.journal.reset();
  const auto tail = f.path(f.segments().back());
  auto bytes = f.files.content(tail);
  bytes[80] ^= 1;
  f.files.set_content(tail, bytes);
  seen.clear();
  REQUIRE(f.open(see));
  CHECK(seen == "3:s 2:s 1:a 2:s 1:b 1:c ");
}

TEST_CASE("a reader checks a snapshot that is larger than its memory, and skips a damaged one") {
  JournalFixture f;
  f.options.size_max_bytes = 16 * 1024 * 1024;
  constexpr std::size_t state_bytes = 1'000'000;
  f.content.snapshot = [] { return Snapshot::of(std::string(state_bytes, 's')); };
  REQUIRE(f.open());
  for (const char* payload : {"a", "b", "c"}) f.keep({std::string(900, *payload)});
  const auto all = f.read();
  CHECK(all.size() == 3);
  CHECK(f.journal->stats().damaged_places == 0);
  const auto second = f.path(f.segments()[1]);
  auto bytes = f.files.content(second);
  const std::size_t at = GENERATE(std::size_t{100}, state_bytes / 2, state_bytes + 113);
  bytes[at] ^= 1;
  f.files.set_content(second, bytes);
  CHECK(f.read() == all);
  CHECK(f.journal->stats().damaged_places == 1);
  CHECK(f.journal->stats().damaged_bytes == core::frame_size(0, state_bytes, false));
}

TEST_CASE("a start that is cut short at a new segment's header keeps the segment before it") {
  Three f;
  f.files.set_content(f.path("00000000000000000004-00000000000000aa.tlj"), {});
  REQUIRE(f.open());
  CHECK(f.journal->stats().damaged_places == 0);
  CHECK(f.keep({"d"}) == 4);
  CHECK(f.read() == Strings{f.a, f.b, f.c, "4:d"});
  CHECK(f.segments().size() == 4);  // the empty one made way
}

TEST_CASE("the quarantine is bounded") {
  Three f;
  f.options.size_max_bytes = 4096;
  f.options.segment_bytes = 1100;
  for (std::size_t i = 0; i < 3; ++i) {
    auto bytes = f.bytes(i);
    bytes[0] ^= 1;
    f.put(i, bytes);
  }
  REQUIRE(f.open());
  CHECK(f.journal->stats().damaged_places == 3);
  CHECK(f.journal->stats().quarantined_segments == 2);
  CHECK(has(f.log, "quarantine: full"));
}
