// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/store_forward.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "core/fake_session.hpp"

using namespace telemetry::core;
using telemetry::test::card_id;
using telemetry::test::CardDevice;
using telemetry::test::FakeSession;

namespace {

using Forward = StoreForward<FakeSession, CardJournal>;

std::vector<std::string> numbers(int first, int last) {
  std::vector<std::string> all;
  for (int i = first; i <= last; ++i) all.push_back(std::to_string(i));
  return all;
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// What a device keeps over a reset is the card; all else is made again by boot().
struct Fixture {
  static constexpr std::size_t window = 4;

  explicit Fixture(std::uint32_t segments = 16, CardPolicy card_policy = CardPolicy::reject)
      : card(card_first_sector + segments * 8 + 1), policy(card_policy) {
    REQUIRE(CardJournal(card).format(card_id(), 8) == CardStatus::ok);
    boot();
  }
  void boot(std::size_t ring_bytes = 1024) {
    card.restart();
    storage.assign(ring_bytes, 0);
    ring = std::make_unique<ByteRing>(storage);
    session = std::make_unique<FakeSession>(window);
    journal = std::make_unique<CardJournal>(card, policy);
    slots.assign(window, {});
    forward = std::make_unique<Forward>(*ring, *session, *journal, slots, buffer, options);
  }
  bool offer() {
    const bool taken = forward->offer("t", std::to_string(next), next);
    if (taken) ++next;
    return taken;
  }
  void offer(int count) {
    for (int i = 0; i < count; ++i) REQUIRE(offer());
  }
  /// Polls until nothing moves, the broker acknowledges all.
  void run(bool acknowledging = true) {
    for (int i = 0; i < 10'000; ++i) {
      const bool worked = forward->poll(now);
      const std::size_t acknowledged = acknowledging ? session->acknowledge(*forward) : 0;
      if (!worked && acknowledged == 0) return;
    }
    FAIL("poll never comes to rest");
  }
  void wait(std::uint32_t ms) {
    now += ms;
    run();
  }
  std::vector<std::string> delivered() const { return session->payloads(); }

  CardDevice card;
  CardPolicy policy;
  StoreForwardOptions options;
  std::vector<std::uint8_t> storage;
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(300);
  std::vector<Forward::Slot> slots;
  std::unique_ptr<ByteRing> ring;
  std::unique_ptr<FakeSession> session;
  std::unique_ptr<CardJournal> journal;
  std::unique_ptr<Forward> forward;
  std::uint32_t now = UINT32_MAX - 5000;  // wraps in most tests
  int next = 1;
};

}  // namespace

TEST_CASE("connected, messages go straight to the broker and the card is not written") {
  Fixture f;
  f.session->connect();
  const std::uint64_t writes = f.card.writes;
  for (int i = 0; i < 50; ++i) {
    f.offer(3);
    f.run();
  }
  CHECK(f.delivered() == numbers(1, 150));
  CHECK(f.ring->empty());
  CHECK(f.card.writes == writes);
  CHECK(f.forward->card_status() == CardStatus::ok);
}

TEST_CASE("a record stays in the ring until its acknowledgement and those before it") {
  Fixture f;
  f.session->connect();
  f.offer(4);
  const std::size_t used = f.ring->bytes_used();
  f.run(false);
  CHECK(f.session->in_flight() == 4);
  CHECK(f.ring->bytes_used() == used);
  f.session->acknowledge(*f.forward, 2, 1);  // 2 and 3
  CHECK(f.ring->bytes_used() == used);
  f.session->acknowledge(*f.forward, 1);  // 1
  CHECK(f.ring->bytes_used() == used / 4);
  f.session->acknowledge(*f.forward);
  CHECK(f.ring->empty());
  f.forward->on_acknowledged(0);  // none of ours
  f.forward->on_acknowledged(77);
  CHECK(f.ring->empty());
}

TEST_CASE("what is in flight when the connection ends goes out again first") {
  Fixture f;
  f.session->connect();
  f.offer(6);
  f.run(false);
  f.session->acknowledge(*f.forward, 1);
  f.session->disconnect();
  f.offer(1);
  f.session->connect();
  f.run();
  CHECK(f.delivered() == numbers(1, 4) + numbers(2, 4) + numbers(5, 7));
  CHECK(f.session->deliveries[4].duplicate);
  CHECK_FALSE(f.session->deliveries[7].duplicate);
  CHECK(f.ring->empty());
}

TEST_CASE("offline, records go to the card after the interval and come back in order") {
  Fixture f;
  f.offer(10);
  f.run();
  CHECK(f.ring->bytes_used() > 0);
  CHECK(f.forward->waiting_on_card() == 0);
  f.wait(999);
  CHECK(f.forward->waiting_on_card() == 0);
  f.wait(1);
  CHECK(f.forward->waiting_on_card() == 10);
  CHECK(f.ring->empty());
  f.offer(5);
  f.run();
  f.wait(1000);
  f.offer(5);
  f.session->connect();
  f.run();
  CHECK(f.delivered() == numbers(1, 20));
  CHECK(f.journal->cursor() == 15);
  CHECK(f.forward->waiting_on_card() == 0);
  CHECK(f.forward->counters().saved == 15);
}

TEST_CASE("many records are saved in batches without waiting for the interval") {
  Fixture f;
  f.options.batch_bytes = 200;
  f.offer(40);
  const std::uint64_t writes = f.card.writes;
  CHECK(f.forward->poll(f.now));
  CHECK(f.card.writes - writes <= 3);
  f.run();
  CHECK(f.forward->waiting_on_card() > 20);
  f.wait(1000);
  CHECK(f.forward->waiting_on_card() == 40);
}

TEST_CASE("records in flight move to the card with the others and are sent again from there") {
  Fixture f;
  f.session->connect();
  f.offer(6);
  f.run(false);
  f.session->acknowledge(*f.forward, 1, 1);  // the second
  f.session->disconnect();
  f.wait(1000);
  f.wait(1000);
  CHECK(f.ring->empty());
  CHECK(f.forward->waiting_on_card() == 5);
  f.session->connect();
  f.run(false);
  CHECK(f.delivered() == numbers(1, 4) + std::vector<std::string>{"1", "3", "4"});
  CHECK(f.session->deliveries[4].duplicate);
  CHECK(f.session->deliveries[6].duplicate);
  f.run();
  CHECK_FALSE(f.session->deliveries[7].duplicate);
  CHECK(f.delivered() == numbers(1, 4) + std::vector<std::string>{"1", "3", "4", "5", "6"});
  CHECK(f.journal->cursor() == 5);
  CHECK(f.forward->counters().lost == 0);
}

TEST_CASE("above the high-water mark records go to the card although the broker is there") {
  Fixture f;
  f.session->connect();
  f.session->room = 3;
  int offered = 0;
  while (f.offer()) {
    ++offered;
    f.run(false);
    if (offered == 200) break;
  }
  CHECK(offered == 200);
  CHECK(f.forward->waiting_on_card() > 100);
  f.session->room = SIZE_MAX;
  f.run();
  CHECK(f.delivered() == numbers(1, 200));
  CHECK(f.ring->empty());
  CHECK(f.journal->cursor() == f.journal->synced_sequence());
}

TEST_CASE("a message that the session has no room for is read from the card once") {
  Fixture f;
  f.offer(10);
  f.wait(1000);
  f.wait(1000);
  f.session->connect();
  f.session->room = 0;
  f.run();
  const std::uint64_t reads = f.card.reads;
  for (int i = 0; i < 10; ++i) CHECK_FALSE(f.forward->poll(f.now));
  CHECK(f.card.reads == reads);
  f.session->room = SIZE_MAX;
  f.run();
  CHECK(f.delivered() == numbers(1, 10));
}

TEST_CASE("after a reset the card's records go first, those behind the cursor once") {
  Fixture f;
  f.offer(30);
  f.wait(1000);
  f.wait(1000);
  f.session->connect();
  f.forward->poll(f.now);
  f.session->acknowledge(*f.forward, 2);
  f.boot();
  f.offer(5);
  f.session->connect();
  f.run();
  CHECK(f.delivered() == numbers(1, 35));  // the cursor had not been written
  f.boot();
  f.offer(2);
  f.session->connect();
  f.run();
  CHECK(f.delivered() == numbers(36, 37));
}

TEST_CASE("the cursor is written after so many records, so much time, and at the end") {
  Fixture f;
  f.options.cursor_records = 6;
  f.offer(20);
  f.wait(1000);
  f.wait(1000);
  f.session->connect();
  const auto step = [&] {
    f.forward->poll(f.now);
    f.session->acknowledge(*f.forward);
    f.session->room = 0;
    f.forward->poll(f.now);
    f.session->room = SIZE_MAX;
    return f.journal->cursor();
  };
  CHECK(step() == 0);
  CHECK(step() == 8);
  CHECK(step() == 8);
  f.now += 999;
  (void)f.forward->poll(f.now);
  CHECK(f.journal->cursor() == 8);
  f.now += 1;
  f.session->room = 0;
  f.forward->poll(f.now);
  CHECK(f.journal->cursor() == 12);
  f.session->room = SIZE_MAX;
  f.run();
  CHECK(f.journal->cursor() == 20);
}

TEST_CASE("a full card leaves records in the ring and the ring refuses what does not fit") {
  Fixture f(2);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    refused += f.offer() ? 0 : 1;
    f.wait(100);
  }
  CHECK(refused > 0);
  CHECK(f.forward->card_status() == CardStatus::full);
  CHECK(f.ring->dropped() == static_cast<std::uint32_t>(refused));
  f.session->connect();
  for (int i = 0; i < 20; ++i) f.wait(1000);
  CHECK(f.delivered() == numbers(1, f.next - 1));
  f.offer(1);
  f.run();
  CHECK(f.delivered() == numbers(1, f.next - 1));
}

TEST_CASE("with drop_oldest a full card loses the oldest, counted, and keeps the order") {
  Fixture f(2, CardPolicy::drop_oldest);
  f.session->connect();
  f.offer(4);
  f.run(false);
  f.session->disconnect();
  for (int i = 0; i < 1000; ++i) {
    f.offer(1);
    f.wait(500);
  }
  f.wait(1000);
  f.session->connect();
  f.run();
  const auto all = f.delivered();
  const std::uint32_t dropped = f.journal->counters().dropped;
  REQUIRE(dropped > 100);
  // 1 to 4 were in flight and are gone from the card.
  CHECK(f.session->dropped == 4);
  CHECK(f.forward->counters().lost == 4);
  CHECK(all == numbers(1, 4) + numbers(static_cast<int>(dropped) + 1, f.next - 1));
  CHECK(f.journal->cursor() == f.journal->synced_sequence());
}

TEST_CASE("messages that can never go are refused") {
  Fixture f;
  CHECK_FALSE(f.forward->offer("", "x", 0));
  CHECK_FALSE(f.forward->offer("t", std::string(300 - 10, 'x'), 0));
  CHECK(f.forward->offer("t", std::string(300 - 11, 'x'), 0));
  CHECK(f.forward->counters().refused == 2);
  CHECK(f.ring->dropped() == 0);
}

TEST_CASE("a device without a card sends from the ring") {
  std::vector<std::uint8_t> storage(256), buffer(64);
  ByteRing ring(storage);
  FakeSession session(2);
  NoCard card;
  using Plain = StoreForward<FakeSession, NoCard>;
  Plain::Slot slots[2];
  const StoreForwardOptions options;
  Plain forward(ring, session, card, slots, buffer, options);
  CHECK(forward.offer("t", "1", 0));
  (void)forward.poll(0);
  session.connect();
  for (int i = 2; i < 20; ++i) {
    CHECK(forward.offer("t", std::to_string(i), 0));
    (void)forward.poll(static_cast<std::uint32_t>(i));
    session.acknowledge(forward);
  }
  CHECK(session.payloads() == numbers(1, 19));
  CHECK(ring.empty());
  CHECK_FALSE(forward.poll(30));
}

TEST_CASE("a blank card is not written and does not hold anything up") {
  Fixture f;
  std::memset(f.card.at(0), 0, 512);
  f.boot();
  const std::uint64_t writes = f.card.writes;
  f.offer(3);
  f.wait(5000);
  CHECK(f.forward->card_status() == CardStatus::blank);
  CHECK(f.card.writes == writes);
  f.session->connect();
  f.run();
  CHECK(f.delivered() == numbers(1, 3));
  f.session->disconnect();
  CardJournal other(f.card);
  REQUIRE(other.format(card_id(9), 8) == CardStatus::ok);
  f.offer(3);
  f.wait(1000);
  f.wait(1000);
  CHECK(f.forward->card_status() == CardStatus::ok);
  CHECK(f.forward->waiting_on_card() == 3);
}

TEST_CASE("records wait for a card that is away for a while, in order") {
  Fixture f;
  f.offer(10);
  f.wait(1000);
  f.wait(1000);
  f.session->connect();
  f.forward->poll(f.now);
  f.session->acknowledge(*f.forward, 2);
  f.card.away = true;
  f.offer(5);
  f.wait(500);
  f.wait(5000);
  CHECK(f.forward->card_status() == CardStatus::io_error);
  const std::size_t before = f.delivered().size();
  f.session->disconnect();
  f.session->connect();
  f.run();
  CHECK(f.delivered().size() == before);
  f.card.away = false;
  f.wait(1000);
  f.run();
  auto all = f.delivered();
  CHECK(all.back() == "15");
  std::vector<std::string> once;
  for (const std::string& payload : all) {
    if (std::find(once.begin(), once.end(), payload) == once.end()) once.push_back(payload);
  }
  CHECK(once == numbers(1, 15));
  CHECK(f.journal->cursor() == 10);
  CHECK(f.forward->counters().cards_given_up == 0);
}

TEST_CASE("a card that stays away is given up; what it holds goes out when it is back") {
  Fixture f;
  f.offer(10);
  f.wait(1000);
  f.wait(1000);
  f.session->connect();
  f.forward->poll(f.now);
  f.session->acknowledge(*f.forward, 2);  // of 1 to 4
  f.session->disconnect();
  f.card.away = true;
  f.session->connect();
  f.offer(5);
  f.run();
  const auto holds = [&](const std::string& payload) {
    const auto all = f.delivered();
    return std::find(all.begin(), all.end(), payload) != all.end();
  };
  CHECK_FALSE(holds("11"));
  f.wait(10'000);
  f.wait(10'000);
  for (const std::string& payload : numbers(11, 15)) CHECK(holds(payload));
  CHECK_FALSE(holds("10"));
  CHECK(f.forward->counters().cards_given_up == 1);
  CHECK(f.ring->empty());
  f.card.away = false;
  f.wait(1000);
  for (const std::string& payload : numbers(1, 15)) CHECK(holds(payload));
  CHECK(f.delivered().back() == "10");
  CHECK(f.journal->cursor() == 10);
  f.offer(2);
  f.run();
  CHECK(f.delivered().back() == "17");
}

TEST_CASE("a card that fails while it is written costs nothing") {
  std::uint32_t errors = 0;
  for (std::uint64_t fail = 1; fail < 40; ++fail) {
    Fixture f;
    f.card.fail_at = f.card.writes + fail;
    CAPTURE(fail);
    for (int i = 0; i < 60; ++i) {
      f.offer(2);
      f.wait(700);
      if (i == 40) f.session->connect();
    }
    f.wait(5000);
    REQUIRE(f.delivered() == numbers(1, 120));
    CHECK(f.ring->empty());
    CHECK(f.forward->counters().card_errors <= 1);
    errors += f.forward->counters().card_errors;
  }
  CHECK(errors > 10);
}

TEST_CASE("a card that is formatted meanwhile begins again") {
  Fixture f;
  f.offer(10);
  f.wait(1000);
  f.wait(1000);
  CHECK(f.forward->waiting_on_card() == 10);
  REQUIRE(f.journal->format(card_id(5), 8) == CardStatus::ok);
  f.offer(10);
  for (int i = 0; i < 5; ++i) f.wait(1000);
  CHECK(f.forward->waiting_on_card() == 10);
  f.session->connect();
  f.run();
  CHECK(f.delivered() == numbers(11, 20));
  CHECK(f.journal->cursor() == 10);
}

TEST_CASE("a poll feeds the watchdog, and sleeps when there is nothing to do") {
  static int fed, slept;
  fed = slept = 0;
  Fixture f;
  f.options.feed_watchdog = []() noexcept { ++fed; };
  f.options.idle = []() noexcept { ++slept; };
  CHECK(f.forward->poll(0));  // opens the card
  CHECK_FALSE(f.forward->poll(1));
  CHECK(fed == 2);
  CHECK(slept == 1);
  f.session->connect();
  f.offer(1);
  CHECK(f.forward->poll(2));
  CHECK(slept == 1);
}
