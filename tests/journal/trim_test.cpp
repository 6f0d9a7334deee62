// SPDX-License-Identifier: Apache-2.0
#include "journal/journal_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {
constexpr std::int64_t hour_ns = 3600ll * 1'000'000'000;

/// Messages of about 300 bytes, three to a segment.
void fill(JournalFixture& f, int count) {
  for (int i = 0; i < count; ++i) f.keep({std::string(250, 'x')});
}
}  // namespace

TEST_CASE("a passed segment stays for the replay window and goes after it") {
  JournalFixture f;
  f.options.replay_window_ns = hour_ns;
  REQUIRE(f.open());
  fill(f, 10);
  const auto before = f.segments().size();
  REQUIRE(before > 2);
  f.journal->set_cursor("store", 10);
  f.journal->trim();
  CHECK(f.segments().size() == before);
  f.clock.advance(hour_ns + 1);
  f.journal->trim();
  CHECK(f.segments().size() < before);
  CHECK(f.journal->first_sequence() > 1);
  CHECK(f.segments().size() >= 1);
}

TEST_CASE("age is known again after a restart") {
  JournalFixture f;
  f.options.replay_window_ns = hour_ns;
  REQUIRE(f.open());
  fill(f, 10);
  REQUIRE(f.open());
  f.journal->set_cursor("store", 10);
  f.journal->trim();
  CHECK(f.journal->first_sequence() == 1);
  f.clock.advance(hour_ns + 1);
  f.journal->trim();
  CHECK(f.journal->first_sequence() > 4);
}

TEST_CASE("nothing is trimmed that one of the cursors has not passed, or before there is one") {
  JournalFixture f;
  f.options.replay_window_ns = 0;
  REQUIRE(f.open());
  fill(f, 10);
  const auto before = f.segments().size();
  f.journal->trim();
  CHECK(f.segments().size() == before);
  f.journal->set_cursor("fast", 10);
  f.journal->set_cursor("slow", 2);
  f.journal->trim();
  CHECK(f.segments().size() == before);
  CHECK(f.read().size() == 10);
}

TEST_CASE("the cap outranks the replay window: passed segments go first") {
  JournalFixture f;
  f.options.size_max_bytes = 5000;
  REQUIRE(f.open());
  f.journal->set_cursor("store", 0);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    f.keep({std::string(250, 'x')});
    f.journal->set_cursor("store", i);
    REQUIRE(f.journal->stats().bytes <= 5000);
  }
  CHECK(f.journal->stats().dropped_frames == 0);
  CHECK_FALSE(f.journal->stats().full);
}

TEST_CASE("no cursor's file is left behind what the journal still holds") {
  JournalFixture f;
  f.options.size_max_bytes = 5000;
  REQUIRE(f.open());
  const auto stored = [&](const std::string& consumer) {
    const auto cursor = f.journal->load_cursor(consumer);
    REQUIRE((cursor && cursor->has_value()));
    return (*cursor)->sequence;
  };
  REQUIRE(f.journal->store_cursor("letters", {f.journal->id(), 3}));
  REQUIRE(f.journal->store_cursor("live", {f.journal->id(), 3}));
  REQUIRE(f.journal->store_cursor("other", {JournalId{9}, 3}));
  f.journal->set_cursor("live", UINT64_MAX);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    f.keep({std::string(250, 'x')});
    for (const char* consumer : {"letters", "other", "without"}) f.journal->set_cursor(consumer, i);
    REQUIRE((i < 3 || stored("letters") + 1 >= f.journal->first_sequence()));
  }
  CHECK(f.journal->first_sequence() > 50);
  CHECK(stored("letters") <= 100);
  CHECK(stored("live") == 3);
  CHECK(stored("other") == 3);
  CHECK_FALSE(f.journal->load_cursor("without")->has_value());
}

TEST_CASE("with when_full: block a full journal refuses, says who is behind, and goes on later") {
  JournalFixture f;
  f.options.size_max_bytes = 5000;
  REQUIRE(f.open());
  f.journal->set_cursor("sqlite", 0);
  Result<Journal::Ticket> last = Error{};
  std::uint64_t appended = 0;
  for (;; ++appended) {
    REQUIRE(appended < 100);
    last = f.append({std::string(250, 'x')});
    if (!last) break;
    REQUIRE(f.journal->sync(*last));
  }
  CHECK(last.error().code == Errc::resource_exhausted);
  CHECK(has(last.error().context, "/data/journal: journal full"));
  CHECK(has(last.error().context, "consumer sqlite stands at 0 of " + std::to_string(appended)));
  CHECK(has(last.error().context, "journal.size_max_mb"));
  CHECK(f.journal->stats().full);
  CHECK(f.journal->stats().bytes <= 5000);
  CHECK(f.read().size() == appended);
  f.journal->set_cursor("sqlite", appended);
  CHECK(f.keep({"again"}) == appended + 1);
  CHECK_FALSE(f.journal->stats().full);
}

TEST_CASE("with when_full: drop_oldest the oldest needed segment goes, counted frame by frame") {
  JournalFixture f;
  f.options.size_max_bytes = 5000;
  f.options.when_full = WhenFull::drop_oldest;
  REQUIRE(f.open());
  f.journal->set_cursor("sqlite", 1);
  auto reader = f.journal->read_from(0);
  fill(f, 40);
  const auto first = f.journal->first_sequence();
  REQUIRE(first > 2);
  CHECK(f.journal->stats().dropped_frames == first - 2);  // the first one was not needed
  CHECK(has(f.log, "drop_oldest"));
  CHECK(f.drain(*reader).size() == 41 - first);
  CHECK(reader->missing() == first - 1);
  CHECK(reader->position() == 40);
}

TEST_CASE("dropped frames of segments from an earlier run are counted too") {
  JournalFixture f;
  f.options.size_max_bytes = 5000;
  f.options.when_full = WhenFull::drop_oldest;
  REQUIRE(f.open());
  fill(f, 6);
  f.options.sequence_floor = 1'000'000;
  REQUIRE(f.open());
  f.journal->set_cursor("sqlite", 1);
  fill(f, 40);
  const auto kept = f.read(1'000'000).size();
  CHECK(f.journal->stats().dropped_frames == 5 + (40 - kept));
}

TEST_CASE("a reader that stands inside a dropped segment still counts what went behind it") {
  JournalFixture f;
  f.options.size_max_bytes = 5000;
  f.options.when_full = WhenFull::drop_oldest;
  REQUIRE(f.open());
  fill(f, 2);
  auto reader = f.journal->read_from(0);
  REQUIRE(reader->next());
  fill(f, 60);
  std::uint64_t got = 1;
  for (auto frame = reader->next(); frame && *frame; frame = reader->next()) ++got;
  CHECK(got + reader->missing() == 62);
  CHECK(reader->missing() > 10);
  CHECK(reader->position() == 62);
}

TEST_CASE("a batch that can never fit says so") {
  JournalFixture f;
  f.options.size_max_bytes = 5000;
  REQUIRE(f.open());
  const auto refused = f.journal->reserve(6000);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::resource_exhausted);
  CHECK(has(refused.error().context, "cannot fit"));
  CHECK(f.keep({"small"}) == 1);
}

TEST_CASE("a full disk gives up passed segments, then blocks, and goes on when there is room") {
  JournalFixture f;
  REQUIRE(f.open());
  f.journal->set_cursor("store", 0);
  fill(f, 10);
  const auto durable = f.journal->durable_end();
  f.files.set_capacity(3600);
  auto refused = f.append({std::string(500, 'y')});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::resource_exhausted);
  refused = f.append({std::string(500, 'y')});
  REQUIRE_FALSE(refused);
  CHECK(has(refused.error().context, "disk full"));
  CHECK(f.journal->stats().full);
  CHECK(f.read().size() == durable);
  const auto before = f.segments().size();
  f.journal->set_cursor("store", durable);
  (void)f.append({std::string(500, 'y')});
  CHECK(f.segments().size() < before);
  f.files.set_capacity(1'000'000);
  CHECK(f.keep({"z"}) >= durable + 1);
  CHECK_FALSE(f.journal->stats().full);
}

TEST_CASE("a clock that jumps ahead by more than a day pauses deletion by age, and is said once") {
  JournalFixture f;
  f.options.replay_window_ns = hour_ns;
  REQUIRE(f.open());
  fill(f, 10);
  f.journal->set_cursor("store", 10);
  f.clock.wall += 50 * 365 * 24 * hour_ns;  // it booted in 1970 and then found a time server
  REQUIRE(f.journal->reserve(10));
  f.journal->trim();
  CHECK(f.journal->stats().clock_suspect);
  CHECK(f.journal->first_sequence() == 1);
  REQUIRE(f.journal->reserve(10));
  CHECK(f.log.find("wall clock") == f.log.rfind("wall clock"));
  // A day later nothing is young any more, whichever clock was right.
  f.clock.advance(24 * hour_ns + 1);
  REQUIRE(f.journal->reserve(10));
  REQUIRE(f.journal->reserve(10));
  CHECK_FALSE(f.journal->stats().clock_suspect);
  CHECK(f.journal->first_sequence() > 1);
}

TEST_CASE("a clock that stands more than a day before the last message is suspect from the start") {
  JournalFixture f;
  REQUIRE(f.open());
  fill(f, 1);
  f.clock.wall -= 48 * hour_ns;
  REQUIRE(f.open());
  CHECK(f.journal->stats().clock_suspect);
  f.clock.wall += 47 * hour_ns;
  f.clock.steady += 47 * hour_ns;
  REQUIRE(f.journal->reserve(10));
  CHECK_FALSE(f.journal->stats().clock_suspect);
}
