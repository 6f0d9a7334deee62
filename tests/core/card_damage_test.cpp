// SPDX-License-Identifier: Apache-2.0
// Sectors that are damaged, writes that fail, cards that go away.
#include <cstring>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_fixture.hpp"
#include "telemetry/core/card_journal.hpp"

using namespace telemetry::core;
using telemetry::test::read_text;
using telemetry::test::sector_of_area;
using Fixture = telemetry::test::CardFixture;

TEST_CASE("damaged sectors cost the frames in them and no others") {
  for (int kind = 0; kind < 3; ++kind) {
    Fixture f;
    for (int i = 1; i <= 20; ++i) REQUIRE(f.append(std::string(150, 'x')) == CardStatus::ok);
    f.keep("last");
    const std::uint32_t sector = sector_of_area(0) + 2;  // offsets 1024 to 1535: frames 5 to 8
    if (kind == 0) f.device.at(sector)[256] ^= 4;
    if (kind == 1) std::memset(f.device.at(sector), 0xFF, 512);
    if (kind == 2) f.device.unreadable.insert(sector);
    CAPTURE(kind);
    for (int round = 0; round < 2; ++round) {
      std::vector<std::uint64_t> found;
      std::uint64_t next = 1;
      std::vector<std::uint8_t> buffer(512);
      for (FrameView view; f.journal().read(next, buffer, view) == CardStatus::ok;) {
        found.push_back(view.header.sequence);
        next = view.header.sequence + 1;
      }
      const std::size_t lost = kind == 0 ? 1 : 4;
      CHECK(found.size() == 21 - lost);
      CHECK(found.back() == 21);
      CHECK(f.journal().counters().missing == lost);
      CHECK(f.journal().counters().damaged >= 1);
      CHECK(read_text(f.journal(), 6) != "6 " + std::string(150, 'x'));
      f.reopen();
      CHECK(f.journal().last_sequence() == 21);
    }
    f.keep("on");
    CHECK(read_text(f.reopen(), 22) == "22 on");
  }
}

TEST_CASE("a damaged header loses no frame") {
  for (int kind = 0; kind < 2; ++kind) {
    for (std::uint32_t area = 0; area < 5; ++area) {
      Fixture f;
      for (int i = 1; i <= 10; ++i) f.keep(std::string(1500, 'x'));  // two in each segment
      if (kind == 0) f.device.at(sector_of_area(area))[40] ^= 1;
      if (kind == 1) f.device.unreadable.insert(sector_of_area(area));
      CAPTURE(kind, area);
      f.reopen();
      CHECK(f.journal().last_sequence() >= 10);
      std::vector<std::uint64_t> found;
      std::uint64_t next = 1;
      std::vector<std::uint8_t> buffer(2000);
      for (FrameView view; f.journal().read(next, buffer, view) == CardStatus::ok;) {
        found.push_back(view.header.sequence);
        next = view.header.sequence + 1;
      }
      // An unreadable sector takes the first frame with it, which begins in it.
      CHECK(found.size() == (kind == 0 ? 10 : 9));
      CHECK(found.back() == 10);
      f.keep("on");
      const std::uint64_t sequence = f.journal().last_sequence();
      CHECK(read_text(f.reopen(), sequence) == std::to_string(sequence) + " on");
    }
  }
}

TEST_CASE("a payload full of frames is not mistaken for frames") {
  Fixture f;
  std::vector<std::uint8_t> fake(400);
  std::string payload;
  for (std::uint64_t sequence = 2; sequence < 9; ++sequence) {
    const std::size_t bytes = encode_frame({.sequence = sequence}, "t", "fake", 1, 64, fake);
    payload.append(reinterpret_cast<const char*>(fake.data()), bytes);
  }
  f.keep(payload);
  f.keep("true");
  f.device.at(sector_of_area(0))[70] ^= 1;  // the first frame's sequence
  CHECK(read_text(f.reopen(), 1) == "2 true");
  CHECK(f.journal().counters().missing == 1);
}

TEST_CASE("after a failed write the journal goes on in a new segment with the same numbers") {
  Fixture f;
  f.keep("one");
  REQUIRE(f.append(std::string(200, 'x')) == CardStatus::ok);
  f.device.fail_at = f.device.writes + 1;
  CHECK(f.append(std::string(400, 'y')) == CardStatus::io_error);
  CHECK(f.journal().last_sequence() == 1);
  CHECK(f.journal().counters().write_errors == 1);
  f.keep("two");
  CHECK(f.journal().last_sequence() == 2);
  f.device.fail_at = f.device.writes + 1;
  CHECK(f.append("three") == CardStatus::ok);
  CHECK(f.journal().sync() == CardStatus::io_error);
  f.keep("three");
  for (int round = 0; round < 2; ++round) {
    CHECK(read_text(f.journal(), 1) == "1 one");
    CHECK(read_text(f.journal(), 2) == "2 two");
    CHECK(read_text(f.journal(), 3) == "3 three");
    CHECK(read_text(f.journal(), 4) == "status 1");
    CHECK(f.journal().counters().missing == 0);
    f.reopen();
  }
}

TEST_CASE("what was given up is not read, even where what was kept is damaged") {
  Fixture f;
  f.keep("one");
  f.keep("two");
  REQUIRE(f.append("old three") == CardStatus::ok);
  f.device.fail_at = f.device.writes + 2;
  CHECK(f.append(std::string(1000, 'x')) == CardStatus::io_error);  // "old three" is on the card
  std::memset(f.device.at(sector_of_area(0) + 1), 0, 512);          // "two" is not any more
  CHECK(read_text(f.journal(), 1) == "1 one");
  CHECK(read_text(f.journal(), 2) == "status 1");
  f.keep("new three");
  CHECK(read_text(f.journal(), 2) == "3 new three");
  CHECK(read_text(f.journal(), 2) == "3 new three");
  CHECK(f.journal().counters().missing == 1);
  CHECK(read_text(f.reopen(), 2) == "3 new three");
}

TEST_CASE("damage in the segment that is being written does not hide what comes behind") {
  Fixture f;
  f.keep("one");
  f.keep("two");
  std::memset(f.device.at(sector_of_area(0) + 1), 0, 512);
  CHECK(read_text(f.journal(), 1) == "1 one");
  CHECK(read_text(f.journal(), 2) == "status 1");
  f.keep("three");
  CHECK(read_text(f.journal(), 3) == "3 three");
}

TEST_CASE("a segment whose first sector cannot be written is begun again in its place") {
  Fixture f;
  f.device.unwritable.insert(sector_of_area(0));
  for (int i = 0; i < 3; ++i) {
    CHECK(f.append("x") == CardStatus::ok);
    CHECK(f.journal().sync() == CardStatus::io_error);
  }
  f.device.unwritable.clear();
  f.keep("one");
  CHECK(read_text(f.journal(), 1) == "1 one");
  CHECK(read_text(f.reopen(), 1) == "1 one");
}

TEST_CASE("a card that was away goes on where it was") {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.keep("x");
  REQUIRE(f.append("lost") == CardStatus::ok);
  f.device.away = true;
  CHECK(f.journal().sync() == CardStatus::io_error);
  CHECK(read_text(f.journal(), 1) == "status 6");
  CHECK(f.journal().set_cursor(2) == CardStatus::io_error);
  CHECK(f.journal().open() == CardStatus::io_error);
  CHECK(f.append("x") == CardStatus::not_open);
  f.device.away = false;
  REQUIRE(f.journal().open() == CardStatus::ok);
  CHECK(f.journal().last_sequence() == 5);
  CHECK(f.journal().cursor() == 0);
  f.keep("six");
  CHECK(read_text(f.journal(), 1) == "1 x");
  CHECK(read_text(f.journal(), 6) == "6 six");
}

TEST_CASE("numbers that an unreadable tail may have taken are not given out again") {
  Fixture f;
  f.keep("one");
  f.keep("two");
  f.device.unreadable.insert(sector_of_area(0) + 1);
  f.reopen();
  CHECK(f.journal().last_sequence() >= 2);
  CHECK(read_text(f.journal(), 1) == "1 one");
  f.keep("on");
  const std::uint64_t sequence = f.journal().last_sequence();
  CHECK(read_text(f.journal(), 2) == std::to_string(sequence) + " on");
  CHECK(read_text(f.reopen(), 2) == std::to_string(sequence) + " on");
}
