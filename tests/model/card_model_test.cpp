// SPDX-License-Identifier: Apache-2.0
// The card journal against a plain model, and a whole device (ring, card, broker) whose power is
// cut during the K-th sector write, for every K. Seeds are printed with every failure;
// TELEMETRY_MODEL_SEED runs one alone, TELEMETRY_MODEL_SCRIPTS sets how many.
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "core/fake_session.hpp"
#include "telemetry/core/store_forward.hpp"

using namespace telemetry::core;
using telemetry::test::card_id;
using telemetry::test::CardDevice;
using telemetry::test::FakeSession;

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

constexpr CardDevice::Torn torn_kinds[] = {CardDevice::Torn::nothing, CardDevice::Torn::half,
                                           CardDevice::Torn::garbage, CardDevice::Torn::unreadable,
                                           CardDevice::Torn::all};

/// The journal's promises in a few lines: what was appended, synced and passed by the cursor.
class Script {
 public:
  explicit Script(std::uint64_t seed)
      : random_(seed),
        policy_(seed % 2 == 0 ? CardPolicy::reject : CardPolicy::drop_oldest),
        device_(card_first_sector + below(20) * 8 + 2 * 8 + 1) {
    journal_ = std::make_unique<CardJournal>(device_, policy_);
    REQUIRE(journal_->format(card_id(), 8) == CardStatus::ok);
    REQUIRE(journal_->open() == CardStatus::ok);
  }

  void run(int steps) {
    for (step_ = 0; step_ < steps; ++step_) {
      CAPTURE(step_);
      const std::uint32_t choice = below(100);
      if (choice < 50) {
        append();
      } else if (choice < 65) {
        sync();
      } else if (choice < 80) {
        read(1 + cursor_ + below(20), 1 + below(30));
      } else if (choice < 88) {
        if (synced_ > 0) set_cursor(std::min(synced_, cursor_ + below(30)));
      } else if (choice < 92) {
        device_.fail_at = device_.writes + 1 + below(4);
      } else if (choice < 96) {
        device_.torn = torn_kinds[below(5)];
        device_.cut_at = device_.writes + 1 + below(4);
      } else if (choice < 98) {
        reboot();
      } else {
        REQUIRE(journal_->open() == CardStatus::ok);
        after_open();
      }
      if (device_.dead) reboot();
    }
    sync();
    if (device_.dead) reboot();
    reboot();
    read(cursor_ + 1, 100'000);
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  void append() {
    const std::uint32_t bytes = below(10) == 0 ? below(3000) : below(200);
    const std::string payload = std::to_string(++serial_) + std::string(bytes, 'x');
    const CardStatus status = journal_->append({}, "topic", payload);
    const std::uint64_t sequence = last_ + 1;
    if (status == CardStatus::ok) {
      REQUIRE(journal_->last_sequence() == sequence);
      content_[++last_] = payload;
    } else if (status == CardStatus::io_error) {
      may_be_there_[sequence].insert(payload);
      forget_unsynced();
    } else {
      REQUIRE(status == CardStatus::full);
      REQUIRE(policy_ == CardPolicy::reject);
    }
    // A new segment syncs the one before.
    REQUIRE(journal_->synced_sequence() >= synced_);
    synced_ = journal_->synced_sequence();
    REQUIRE(synced_ <= last_);
  }

  void sync() {
    const CardStatus status = journal_->sync();
    if (status == CardStatus::ok) {
      synced_ = last_;
    } else {
      REQUIRE(status == CardStatus::io_error);
      forget_unsynced();
    }
    REQUIRE(journal_->synced_sequence() == synced_);
  }

  void forget_unsynced() {
    synced_ = journal_->synced_sequence();
    for (; last_ > synced_; --last_) {
      // The card may hold them all the same, until their numbers are given out again.
      may_be_there_[last_].insert(content_[last_]);
      content_.erase(last_);
    }
  }

  void set_cursor(std::uint64_t sequence) {
    const CardStatus status = journal_->set_cursor(sequence);
    if (status == CardStatus::ok) {
      cursor_ = std::max(cursor_, sequence);
    } else {
      REQUIRE(status == CardStatus::io_error);
      cursor_may_be_ = std::max(cursor_may_be_, sequence);
    }
  }

  void reboot() {
    device_.restart();
    device_.fail_at = 0;
    journal_ = std::make_unique<CardJournal>(device_, policy_);
    REQUIRE(journal_->open() == CardStatus::ok);
    after_open();
  }

  void after_open() {
    REQUIRE(journal_->cursor() >= cursor_);
    REQUIRE(journal_->cursor() <= std::max(cursor_, cursor_may_be_));
    cursor_ = journal_->cursor();
    const std::uint64_t found = journal_->synced_sequence();
    REQUIRE(found >= synced_);
    for (std::uint64_t sequence = synced_ + 1; sequence <= found; ++sequence) {
      // Unsynced, but on the card, or a number that was skipped for safety.
      if (content_.contains(sequence)) may_be_there_[sequence].insert(content_[sequence]);
      uncertain_.insert(sequence);
    }
    for (auto it = content_.upper_bound(found); it != content_.end(); it = content_.erase(it)) {
      may_be_there_[it->first].insert(it->second);
    }
    last_ = synced_ = found;
  }

  /// Reads up to `count` messages from `sequence` on; each must be there or be accounted for.
  void read(std::uint64_t sequence, std::uint32_t count) {
    if (sequence == 0) sequence = 1;
    std::vector<std::uint8_t> buffer(4000);
    FrameView frame;
    for (; count > 0; --count) {
      const CardStatus status = journal_->read(sequence, buffer, frame);
      const std::uint64_t next = status == CardStatus::ok ? frame.header.sequence : synced_ + 1;
      REQUIRE((status == CardStatus::ok || status == CardStatus::end));
      if (status == CardStatus::end && sequence > synced_) return;
      REQUIRE(next >= sequence);
      const std::uint64_t first = first_kept();
      for (; sequence < next; ++sequence) {
        CAPTURE(sequence, next, first, cursor_, synced_);
        REQUIRE((sequence < first || sequence <= cursor_ || uncertain_.contains(sequence)));
      }
      if (status == CardStatus::end) return;
      const std::string payload(frame.payload);
      const bool known = content_.contains(sequence) && content_[sequence] == payload;
      const bool possible =
          uncertain_.contains(sequence) && may_be_there_[sequence].contains(payload);
      REQUIRE((known || possible));
      ++sequence;
    }
  }

  /// With drop_oldest, messages below are gone; the journal itself says from where on it has some.
  std::uint64_t first_kept() {
    if (policy_ == CardPolicy::reject) return 1;
    std::vector<std::uint8_t> buffer(4000);
    FrameView frame;
    return journal_->read(1, buffer, frame) == CardStatus::ok ? frame.header.sequence : synced_ + 1;
  }

  std::mt19937_64 random_;
  CardPolicy policy_;
  CardDevice device_;
  std::unique_ptr<CardJournal> journal_;
  std::map<std::uint64_t, std::string> content_;
  std::map<std::uint64_t, std::set<std::string>> may_be_there_;
  std::set<std::uint64_t> uncertain_;
  std::uint64_t last_ = 0, synced_ = 0, cursor_ = 0, cursor_may_be_ = 0;
  std::uint64_t serial_ = 0;
  int step_ = 0;
};

// --- A whole device.
// -------------------------------------------------------------------------------

/// A CardJournal whose promises are noted down: they outlive the power cut.
class NotedCard {
 public:
  struct Notes {
    std::map<std::uint64_t, std::string> synced;
    std::uint64_t cursor = 0;
  };
  NotedCard(CardDevice& device, Notes& notes) : journal_(device), notes_(notes) {}
  CardStatus open() { return journal_.open(); }
  CardStatus append(const FrameHeader& header, std::string_view topic, std::string_view payload) {
    const CardStatus status = journal_.append(header, topic, payload);
    if (status == CardStatus::ok) pending_[journal_.last_sequence()] = payload;
    note();
    return status;
  }
  CardStatus sync() {
    const CardStatus status = journal_.sync();
    note();
    return status;
  }
  CardStatus read(std::uint64_t sequence, std::span<std::uint8_t> buffer, FrameView& out) {
    return journal_.read(sequence, buffer, out);
  }
  CardStatus set_cursor(std::uint64_t sequence) {
    const CardStatus status = journal_.set_cursor(sequence);
    if (status == CardStatus::ok) notes_.cursor = sequence;
    return status;
  }
  std::uint64_t cursor() const { return journal_.cursor(); }
  std::uint64_t synced_sequence() const { return journal_.synced_sequence(); }

 private:
  void note() {
    for (auto it = pending_.begin(); it != pending_.end(); it = pending_.erase(it)) {
      if (it->first > journal_.synced_sequence()) return;
      notes_.synced.insert(*it);
    }
  }

  CardJournal journal_;
  Notes& notes_;
  std::map<std::uint64_t, std::string> pending_;
};

struct Boot {
  using Forward = StoreForward<FakeSession, NotedCard>;

  Boot(CardDevice& device, NotedCard::Notes& notes)
      : ring(storage),
        session(8),
        card(device, notes),
        forward(ring, session, card, slots, buffer, options) {}

  std::vector<std::uint8_t> storage = std::vector<std::uint8_t>(2048);
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(256);
  std::vector<Forward::Slot> slots = std::vector<Forward::Slot>(8);
  StoreForwardOptions options{.cursor_records = 10};
  ByteRing ring;
  FakeSession session;
  NotedCard card;
  Forward forward;
};

int number_of(const std::string& payload) { return std::atoi(payload.c_str()); }

/// 500 messages, the broker away for parts of them, until the power goes.
/// @returns false when it did not
bool run_until_cut(CardDevice& device, NotedCard::Notes& notes, std::set<std::string>& acknowledged,
                   int& offered) {
  Boot boot(device, notes);
  std::uint32_t now = 0;
  for (int i = 1; i <= 500 && !device.dead; ++i) {
    const bool online = (i / 60) % 2 == 1;
    if (online && !boot.session.connected) boot.session.connect();
    if (!online && boot.session.connected) boot.session.disconnect();
    const std::string payload =
        std::to_string(i) + std::string(static_cast<std::size_t>(i * 7 % 90), 'x');
    if (!boot.forward.offer("t", payload, i)) break;
    offered = i;
    now += 50;
    (void)boot.forward.poll(now);
    if (i % 3 == 0) boot.session.acknowledge(boot.forward, 5);
  }
  if (!device.dead) {
    boot.session.connect();
    for (int i = 0; i < 500 && !device.dead; ++i) {
      (void)boot.forward.poll(now += 50);
      boot.session.acknowledge(boot.forward);
    }
  }
  // What the fake acknowledged it has delivered, all but what is in flight.
  const std::size_t sure = boot.session.deliveries.size();
  for (std::size_t i = 0; i < sure; ++i) acknowledged.insert(boot.session.deliveries[i].payload);
  return device.dead;
}

}  // namespace

TEST_CASE(
    "the card journal does what a plain model does, whatever fails and whenever the power goes") {
  const bool alone = std::getenv("TELEMETRY_MODEL_SEED") != nullptr;
  const std::uint64_t first = from_environment("TELEMETRY_MODEL_SEED", 1);
  const std::uint64_t count = alone ? 1 : 10 * from_environment("TELEMETRY_MODEL_SCRIPTS", 40);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    INFO("TELEMETRY_MODEL_SEED=" << seed);
    Script(seed).run(600);
  }
}

TEST_CASE("after a power cut during any sector write nothing synced is lost and the order holds") {
  std::uint64_t cuts = 0;
  for (const CardDevice::Torn torn : torn_kinds) {
    for (std::uint64_t cut = 1;; ++cut) {
      CardDevice device(card_first_sector + 32 * 8 + 1);
      {
        CardJournal journal(device);
        REQUIRE(journal.format(card_id(), 8) == CardStatus::ok);
      }
      device.torn = torn;
      device.cut_at = device.writes + cut;
      NotedCard::Notes notes;
      std::set<std::string> delivered;
      int offered = 0;
      const bool was_cut = run_until_cut(device, notes, delivered, offered);
      const auto synced = notes.synced;
      device.restart();
      // The cursor may have reached the card although the power went before that was confirmed.
      CardJournal probe(device);
      REQUIRE(probe.open() == CardStatus::ok);
      const std::uint64_t cursor = probe.cursor();
      REQUIRE(cursor >= notes.cursor);

      Boot boot(device, notes);
      boot.session.connect();
      for (std::uint32_t i = 1; i < 400; ++i) {
        (void)boot.forward.poll(i * 50);
        boot.session.acknowledge(boot.forward);
        if (i == 10) REQUIRE(boot.forward.offer("t", "1000", 0));
      }
      CAPTURE(cut, static_cast<int>(torn), offered, cursor);
      std::set<std::string> again;
      int last = 0;
      for (const auto& delivery : boot.session.deliveries) {
        const int number = number_of(delivery.payload);
        REQUIRE(number > last);  // in order, each once
        last = number;
        again.insert(delivery.payload);
      }
      REQUIRE(last == 1000);
      for (const auto& [sequence, payload] : synced) {
        CAPTURE(sequence, payload);
        if (sequence <= cursor) {
          REQUIRE_FALSE(again.contains(payload));
        } else {
          REQUIRE(again.contains(payload));
        }
      }
      if (!was_cut) {
        REQUIRE(delivered.size() == 500);
        break;
      }
      ++cuts;
    }
  }
  CHECK(cuts > 5 * 50);
}
