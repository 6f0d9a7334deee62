// SPDX-License-Identifier: Apache-2.0
#include "ingest/sequence_state.hpp"

#include "catch.hpp"

#include <string>

#include "ingest/snapshot_text.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/message.hpp"

using namespace telemetry;

namespace {

using Outcome = SequenceState::Outcome;
namespace flag = core::frame_flag;

SequenceState::Offer message(std::string_view topic, std::int64_t number,
                             const std::string& payload = {}) {
  SequenceState::Offer offer;
  offer.topic = topic;
  offer.topic_hash = hash64(topic);
  offer.payload_hash = hash64(payload.empty() ? std::to_string(number) : payload);
  offer.number = number;
  offer.numbered = true;
  return offer;
}

/// Offers and settles at once, as one door with a sync per message does.
SequenceState::Decision store(SequenceState& state, const SequenceState::Offer& offer) {
  const auto decision = state.offer(offer);
  state.close_group(1);
  state.settle(1);
  return decision;
}

std::string topic(int number) { return "devices/" + std::to_string(number); }

}  // namespace

TEST_CASE("numbers that follow each other are stored without remark") {
  SequenceState state({});
  for (int i = 5; i < 5000; ++i) {
    const auto decision = store(state, message("a", i));
    REQUIRE(decision.outcome == Outcome::store);
    REQUIRE(decision.flags == 0);
  }
}

TEST_CASE("the same number with the same payload is a duplicate within the window") {
  SequenceState state({.window = 100});
  for (int i = 1; i <= 300; ++i) (void)store(state, message("a", i));
  CHECK(store(state, message("a", 300)).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", 201)).outcome == Outcome::duplicate);
  const auto below = store(state, message("a", 200));
  CHECK(below.outcome == Outcome::store);
  CHECK(below.flags == flag::late_unchecked);
}

TEST_CASE("two topics have two numberings") {
  SequenceState state({});
  CHECK(store(state, message("a", 7)).outcome == Outcome::store);
  CHECK(store(state, message("b", 7)).outcome == Outcome::store);
  CHECK(store(state, message("a", 7)).outcome == Outcome::duplicate);
}

TEST_CASE("a numbering per device spans its topics, and is not that of a topic of the same name") {
  SequenceState state({});
  auto offer = message("a/x", 1);
  offer.device = "a";
  offer.device_hash = hash64("a");
  CHECK(store(state, offer).outcome == Outcome::store);
  auto other_topic = message("a/y", 1);
  other_topic.device = "a";
  other_topic.device_hash = hash64("a");
  CHECK(store(state, other_topic).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", 1)).outcome == Outcome::store);
}

TEST_CASE("a gap is stored, flagged and measured; its numbers may come late") {
  SequenceState state({});
  (void)store(state, message("a", 10));
  const auto decision = store(state, message("a", 15));
  CHECK(decision.flags == flag::sequence_gap);
  CHECK(decision.expected == 11);
  CHECK(decision.missing == 4);
  CHECK(store(state, message("a", 12)).flags == 0);
  CHECK(store(state, message("a", 12)).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", 16)).flags == 0);
}

TEST_CASE("a gap wider than the window is stored and leaves one number") {
  SequenceState state({.window = 50});
  (void)store(state, message("a", 10));
  const auto decision = store(state, message("a", 1'000'000));
  CHECK(decision.flags == flag::sequence_gap);
  CHECK(decision.missing == 999'989);
  CHECK(store(state, message("a", 1'000'000)).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", 999'999)).flags == flag::late_unchecked);
}

TEST_CASE("the same number with another payload is a reset and is stored") {
  SequenceState state({});
  for (int i = 0; i < 20; ++i) (void)store(state, message("a", i));
  const auto decision = store(state, message("a", 0, "after reboot"));
  CHECK(decision.outcome == Outcome::store);
  CHECK(decision.flags == flag::sequence_reset);
  CHECK(decision.expected == 20);
  CHECK(store(state, message("a", 1, "second after reboot")).flags == 0);
}

TEST_CASE("messages from before and after a reset that come again are duplicates") {
  SequenceState state({});
  for (int i = 490; i <= 500; ++i) (void)store(state, message("a", i));
  (void)store(state, message("a", 0, "new 0"));
  (void)store(state, message("a", 1, "new 1"));
  for (int i = 490; i <= 500; ++i) {
    CHECK(store(state, message("a", i)).outcome == Outcome::duplicate);
  }
  CHECK(store(state, message("a", 0, "new 0")).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", 1, "new 1")).outcome == Outcome::duplicate);
}

TEST_CASE("a device that begins far below its last number is recognised at its second message") {
  SequenceState state({});
  for (int i = 90'000; i < 92'000; ++i) (void)store(state, message("a", i));
  CHECK(store(state, message("a", 1)).flags == flag::late_unchecked);
  CHECK(store(state, message("a", 1)).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", 2)).flags == flag::sequence_reset);
  CHECK(store(state, message("a", 3)).flags == 0);
  CHECK(store(state, message("a", 2)).outcome == Outcome::duplicate);
}

TEST_CASE("two devices that share a topic keep their numberings") {
  SequenceState state({});
  (void)store(state, message("a", 100'000));
  (void)store(state, message("a", 1));
  (void)store(state, message("a", 2));
  for (int i = 1; i < 100; ++i) {
    CHECK(store(state, message("a", 100'000 + i)).flags == 0);
    CHECK(store(state, message("a", 2 + i)).flags == 0);
    CHECK(store(state, message("a", 100'000 + i)).outcome == Outcome::duplicate);
  }
}

TEST_CASE("the extremes of int64 are numbers like others") {
  SequenceState state({});
  CHECK(store(state, message("a", INT64_MAX)).outcome == Outcome::store);
  CHECK(store(state, message("a", INT64_MAX)).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", INT64_MIN)).flags == flag::late_unchecked);
  CHECK(store(state, message("a", INT64_MIN)).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", INT64_MAX, "other")).flags == flag::sequence_reset);
  CHECK(store(state, message("b", INT64_MIN)).outcome == Outcome::store);
  CHECK(store(state, message("b", INT64_MAX)).flags == flag::sequence_gap);
}

TEST_CASE("a retained message is skipped when it was the last one stored for its topic") {
  SequenceState state({});
  auto offer = message("a", 0, "on");
  offer.numbered = false;
  offer.skip_stored = true;
  CHECK(store(state, offer).outcome == Outcome::store);
  CHECK(store(state, offer).outcome == Outcome::retained_skipped);
  auto live = message("a", 0, "off");
  live.numbered = false;
  CHECK(store(state, live).outcome == Outcome::store);
  CHECK(store(state, offer).outcome == Outcome::store);
}

TEST_CASE("the entry that was not stored to for longest goes first; duplicates do not count") {
  SequenceState state({.devices_max = 3});
  for (int i = 0; i < 3; ++i) (void)store(state, message(topic(i), 1));
  CHECK(store(state, message(topic(0), 1)).outcome == Outcome::duplicate);
  (void)store(state, message(topic(1), 2));
  (void)store(state, message(topic(3), 1));  // pushes 0 out
  CHECK(state.entries() == 3);
  CHECK(store(state, message(topic(2), 1)).outcome == Outcome::duplicate);
  CHECK(store(state, message(topic(1), 2)).outcome == Outcome::duplicate);
  CHECK(store(state, message(topic(0), 1)).outcome == Outcome::store);
}

TEST_CASE("long names are remembered in no more bytes than as many usual ones") {
  SequenceState state({.devices_max = 8});
  const auto named = [](int i, std::size_t bytes) { return topic(i) + std::string(bytes, 'x'); };
  for (int i = 0; i < 8; ++i) (void)store(state, message(topic(i), 1));
  const std::string before = text_of(state.snapshot());
  (void)state.offer(message(named(8, 1'000), 1));
  (void)state.offer(message(named(9, 1'000), 1));
  CHECK(state.entries() == 3 + 2);
  (void)state.offer(message(named(10, 65'000), 1));
  CHECK(state.entries() == 1);
  CHECK(state.offer(message(named(10, 65'000), 1)).outcome == Outcome::duplicate);
  state.undo_open();
  CHECK(text_of(state.snapshot()) == before);
}

TEST_CASE("what is undone leaves the bytes of the state as they were") {
  SequenceState state({.devices_max = 4, .window = 16});
  for (int i = 0; i < 40; ++i) (void)store(state, message(topic(i % 4), i / 4));
  const std::string before = text_of(state.snapshot());
  SECTION("the open group") {
    for (int i = 40; i < 60; ++i) (void)state.offer(message(topic(i % 6), i / 4));
    (void)state.offer(message(topic(1), 3, "reset"));
    (void)state.offer(message(topic(1), 1'000));
    state.undo_open();
  }
  SECTION("closed groups beyond the durable end") {
    for (int i = 0; i < 5; ++i) {
      (void)state.offer(message(topic(i), 10 + i));
      (void)state.offer(message(topic(i + 1), 10));
      state.close_group(static_cast<std::uint64_t>(100 + i));
    }
    state.settle(99);
    CHECK(state.has_unsettled());
    state.undo_after(99);
  }
  CHECK_FALSE(state.has_unsettled());
  CHECK(text_of(state.snapshot()) == before);
}

TEST_CASE("a group that is durable stays when later ones are undone") {
  SequenceState state({});
  (void)state.offer(message("a", 1));
  state.close_group(10);
  (void)state.offer(message("a", 2));
  state.close_group(11);
  state.undo_after(10);
  CHECK(state.offer(message("a", 1)).outcome == Outcome::duplicate);
  CHECK(state.offer(message("a", 2)).outcome == Outcome::store);
}

TEST_CASE("undoing after a roll gives up numbers but never invents any") {
  SequenceState state({});
  for (int i = 0; i < 200; ++i) (void)store(state, message("a", i));
  for (int i = 200; i < 210; ++i) (void)state.offer(message("a", i));
  (void)state.offer(message("b", 1));
  state.close_group(5);
  (void)state.roll();
  state.undo_after(4);
  CHECK(state.offer(message("b", 1)).outcome == Outcome::store);
  CHECK(state.offer(message("a", 199)).outcome == Outcome::duplicate);
  CHECK(state.offer(message("a", 200)).outcome == Outcome::store);
}

TEST_CASE("an idle numbering keeps its newest 64 numbers from roll to roll") {
  SequenceState state({});
  for (int i = 0; i < 1000; ++i) (void)store(state, message("idle", i));
  for (int roll = 0; roll < 4; ++roll) {
    (void)store(state, message("busy", roll));
    (void)state.roll();
  }
  CHECK(store(state, message("idle", 1000 - 64)).outcome == Outcome::duplicate);
  CHECK(store(state, message("idle", 1000 - 65)).flags == flag::late_unchecked);
}

TEST_CASE("numbers of the last segment and of the one before it outlive a roll") {
  SequenceState state({});
  for (int i = 0; i < 300; ++i) (void)store(state, message("a", i));
  (void)state.roll();
  for (int i = 300; i < 600; ++i) (void)store(state, message("a", i));
  (void)state.roll();
  CHECK(store(state, message("a", 300)).outcome == Outcome::duplicate);
  CHECK(store(state, message("a", 299)).flags == flag::late_unchecked);
}

TEST_CASE("a roll that is asked for again gives the same bytes") {
  SequenceState state({});
  for (int i = 0; i < 300; ++i) (void)store(state, message("a", i));
  const std::string first = text_of(state.roll());
  CHECK(text_of(state.roll()) == first);
}

TEST_CASE("the newest messages are recognised when they come again, whatever their numbers") {
  constexpr int messages = 500;
  SequenceState state({.window = 16, .recent_max = messages, .snapshot_bytes_max = 16 * 1024});
  std::vector<std::string> topics;
  for (int i = 0; i < 150; ++i) topics.push_back(topic(i));
  const auto one = [&topics](int i) {
    // Jumps, a device that shares its topic with others, resets, keys that are forgotten.
    auto offer = message(topics[static_cast<std::size_t>(i % 150)], i * 7919ll % 1'009,
                         "payload " + std::to_string(i));
    offer.may_come_again = true;
    return offer;
  };
  for (int i = 0; i < 3 * messages; ++i) {
    REQUIRE(store(state, one(i)).outcome == Outcome::store);
    if (i % 100 == 99) (void)state.roll();
  }
  SECTION("by the state that stored them") {}
  SECTION("after a restart") {
    const std::string snapshot = text_of(state.roll());
    CHECK(snapshot.size() <= 16 * 1024);
    state = SequenceState({.window = 16, .recent_max = messages, .snapshot_bytes_max = 16 * 1024});
    REQUIRE(state.load(snapshot));
  }
  for (int i = 2 * messages; i < 3 * messages; ++i) {
    CAPTURE(i);
    REQUIRE(store(state, one(i)).outcome == Outcome::duplicate);
  }
}

TEST_CASE("messages that nobody repeats do not push out those that may come again") {
  SequenceState state({.window = 1, .recent_max = 10});
  auto kept = message("a", 5);
  kept.may_come_again = true;
  (void)store(state, kept);
  (void)store(state, message("a", 1'000));
  for (int i = 0; i < 100; ++i) (void)store(state, message("b", 10 * i));
  CHECK(store(state, kept).outcome == Outcome::duplicate);
}

TEST_CASE("what was undone is not among the newest messages") {
  SequenceState state({.window = 1, .recent_max = 4});
  const auto offer = [](int number) {
    auto made = message("a", number);
    made.may_come_again = true;
    return made;
  };
  for (int i = 0; i < 4; ++i) (void)store(state, offer(10 * i));
  CHECK(state.offer(offer(100)).outcome == Outcome::store);
  CHECK(state.offer(offer(200)).outcome == Outcome::store);
  state.undo_open();
  CHECK(store(state, offer(200)).outcome == Outcome::store);
  CHECK(store(state, offer(20)).outcome == Outcome::duplicate);
  CHECK(store(state, offer(200)).outcome == Outcome::duplicate);
}

TEST_CASE("the newest messages take half of a snapshot at most") {
  const auto most = [](std::size_t recent_max) {
    return SequenceState({.recent_max = recent_max, .snapshot_bytes_max = 16'000})
        .recent_in_snapshot_max();
  };
  CHECK(most(10'000) == 1'000);
  CHECK(most(500) == 500);
}

TEST_CASE("a snapshot that is read adds to the newest messages") {
  SequenceState state({.window = 1, .recent_max = 10});
  const auto offer = [](int number) {
    auto made = message("a", number);
    made.may_come_again = true;
    return made;
  };
  (void)store(state, offer(10));
  const std::string snapshot = text_of(state.snapshot());
  SequenceState other({.window = 1, .recent_max = 10});
  (void)store(other, offer(20));
  REQUIRE(other.load(snapshot));
  REQUIRE(other.load(snapshot));
  CHECK(store(other, offer(20)).outcome == Outcome::duplicate);
  CHECK(store(other, offer(10)).outcome == Outcome::duplicate);
}
