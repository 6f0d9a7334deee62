// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/card_files.hpp"

#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "core/fake_card_files.hpp"

using namespace telemetry::core;
using telemetry::test::card_id;
using telemetry::test::FakeCardFiles;
using telemetry::test::read_text;

namespace {

constexpr std::uint32_t sectors = card_first_sector + 4 * 8 + 1;

struct Fixture {
  explicit Fixture(FakeCardFiles& files, CardPolicy policy = CardPolicy::reject)
      : device(files, sectors), journal(device, policy) {}
  CardStatus keep(const std::string& payload) {
    const CardStatus status = journal.append({}, "t", payload);
    return status == CardStatus::ok ? journal.sync() : status;
  }
  CardFiles<FakeCardFiles> device;
  CardJournal journal;
};

}  // namespace

TEST_CASE("a journal lies in files with short names, a segment in each") {
  FakeCardFiles files;
  {
    Fixture f(files);
    CHECK(f.journal.open() == CardStatus::blank);
    CHECK(files.contents.empty());
    REQUIRE(f.journal.format(card_id(), 8) == CardStatus::ok);
    REQUIRE(f.journal.open() == CardStatus::ok);
    for (int i = 0; i < 5; ++i) REQUIRE(f.keep(std::string(1000, 'x')) == CardStatus::ok);
    REQUIRE(f.journal.set_cursor(1) == CardStatus::ok);
  }
  std::vector<std::string> names;
  for (const auto& [name, content] : files.contents) names.push_back(name);
  CHECK(names == std::vector<std::string>{"CURSOR1.TLC", "CURSOR2.TLC", "SEG00000.TLJ",
                                          "SEG00001.TLJ", "SEG00002.TLJ", "TLMCARD.TLC",
                                          "TLMCOPY.TLC"});
  CHECK(files.contents["SEG00000.TLJ"].now.size() == 3072);  // as far as it was written
  CHECK(files.contents["TLMCARD.TLC"].now.size() == 512);
  CHECK(files.open_files == 0);

  Fixture again(files);
  REQUIRE(again.journal.open() == CardStatus::ok);
  CHECK(again.journal.cursor() == 1);
  CHECK(again.journal.synced_sequence() == 5);
  CHECK(read_text(again.journal, 5) == "5 " + std::string(1000, 'x'));
}

TEST_CASE("the segment that is written is read through the same handle") {
  FakeCardFiles files;
  Fixture f(files, CardPolicy::drop_oldest);
  REQUIRE(f.journal.format(card_id(), 8) == CardStatus::ok);
  REQUIRE(f.journal.open() == CardStatus::ok);
  for (int i = 1; i <= 100; ++i) {
    REQUIRE(f.keep("payload " + std::to_string(i)) == CardStatus::ok);
    const auto sequence = static_cast<std::uint64_t>(i);
    REQUIRE(read_text(f.journal, sequence) == std::to_string(i) + " payload " + std::to_string(i));
    REQUIRE(f.journal.set_cursor(sequence) == CardStatus::ok);
  }
  CHECK(files.opened_twice == 0);
  CHECK(f.journal.counters().missing == 0);
}

TEST_CASE("whichever call of the file system fails, nothing synced is lost") {
  for (int fail_at = 1;; ++fail_at) {
    FakeCardFiles files;
    std::uint64_t synced = 0;
    bool failed = false;
    {
      Fixture f(files);
      REQUIRE(f.journal.format(card_id(), 8) == CardStatus::ok);
      files.fail_at = files.calls + fail_at;
      REQUIRE(f.journal.open() == CardStatus::ok);
      for (std::uint64_t next = 1; next <= 30;) {
        const CardStatus status = f.keep("payload " + std::to_string(next));
        CAPTURE(fail_at, next);
        REQUIRE((status == CardStatus::ok || status == CardStatus::io_error));
        if (status == CardStatus::io_error && f.journal.synced_sequence() != next) continue;
        REQUIRE(f.journal.synced_sequence() == next);
        synced = next++;
        if (synced % 4 == 0) (void)f.journal.set_cursor(synced - 3);
        REQUIRE(read_text(f.journal, synced) ==
                std::to_string(synced) + " payload " + std::to_string(synced));
      }
      failed = files.calls >= files.fail_at;
    }
    files.fail_at = 0;
    files.cut_power();
    Fixture f(files);
    REQUIRE(f.journal.open() == CardStatus::ok);
    REQUIRE(f.journal.synced_sequence() == synced);
    std::uint64_t sequence = f.journal.cursor() + 1;
    REQUIRE(sequence >= 21);
    for (; sequence <= synced; ++sequence) {
      REQUIRE(read_text(f.journal, sequence) ==
              std::to_string(sequence) + " payload " + std::to_string(sequence));
    }
    if (!failed) {
      CHECK(fail_at > 100);
      break;
    }
  }
}

TEST_CASE(
    "whichever call of the file system is the last before a power cut, nothing synced is lost") {
  for (int cut_at = 1;; ++cut_at) {
    FakeCardFiles files;
    std::uint64_t synced = 0, appended = 0;
    bool cut = false;
    {
      Fixture f(files, CardPolicy::drop_oldest);
      REQUIRE(f.journal.format(card_id(), 8) == CardStatus::ok);
      REQUIRE(f.journal.open() == CardStatus::ok);
      files.cut_at = files.calls + cut_at;
      for (std::uint64_t i = 1; i <= 40; ++i) {
        if (f.journal.append({}, "t", "payload " + std::to_string(i)) != CardStatus::ok) break;
        appended = i;
        if (i % 3 == 0 && f.journal.sync() == CardStatus::ok) synced = i;
        if (i % 10 == 0) (void)f.journal.set_cursor(i / 2);
        if (files.dead) break;
      }
      cut = files.dead;
    }
    files.cut_power();
    Fixture f(files, CardPolicy::drop_oldest);
    CAPTURE(cut_at);
    REQUIRE(f.journal.open() == CardStatus::ok);
    REQUIRE(f.journal.synced_sequence() >= synced);
    REQUIRE(f.journal.synced_sequence() <= appended + 1);
    for (std::uint64_t i = f.journal.cursor() + 1; i <= synced; ++i) {
      REQUIRE(read_text(f.journal, i) == std::to_string(i) + " payload " + std::to_string(i));
    }
    const std::uint64_t next = f.journal.last_sequence() + 1;
    REQUIRE(f.keep("next") == CardStatus::ok);
    REQUIRE(read_text(f.journal, next) == std::to_string(next) + " next");
    if (!cut) {
      CHECK(cut_at > 40);
      break;
    }
  }
}
