// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <deque>
#include <map>
#include <random>

#include "ingest/fixture.hpp"

using namespace telemetry;
using namespace telemetry::testing;
using model::FaultFileSystem;

// A fleet that sends each number until it is acknowledged, through doors on a failing disk, with
// power cuts. Whatever happens, the journal holds each acknowledged message, and none twice.

namespace {

constexpr int devices_count = 4;
constexpr int batches_per_life = 25;
constexpr int lives = 12;

class Fleet {
 public:
  explicit Fleet(std::uint64_t seed) : random_(seed), files_(seed) {
    options_.path = "/journal";
    options_.segment_bytes = 8 * 1024;
    options_.size_max_bytes = 16 * 1024 * 1024;
  }

  void live() {
    {
      // The disk works again while the process starts.
      auto opened = Ingest::open({}, options_, schemas_, model::fault_environment(clock_, files_));
      if (!opened) UNSCOPED_INFO(opened.error().context);
      REQUIRE(opened);
      const auto& ingest = *opened;
      check(ingest->journal());
      const std::unique_ptr<Door> doors[] = {ingest->make_door(), ingest->make_door()};
      set_faults();
      for (int i = 0; i < batches_per_life && !files_.crashed(); ++i) {
        commit_some(*doors[up_to(1)]);
        clock_.advance(1'000'000);
      }
      files_.set_plan({});
    }
    if (files_.crashed() || up_to(3) != 0) {
      const auto unsynced = static_cast<FaultFileSystem::Unsynced>(up_to(2));
      files_.restart(unsynced);
    }
  }

  void finish() {
    auto opened = Ingest::open({}, options_, schemas_, model::fault_environment(clock_, files_));
    REQUIRE(opened);
    const auto door = (*opened)->make_door();
    for (int device = 0; device < devices_count; ++device) {
      for (int n = acknowledged_[device]; n < sent_[device]; ++n) send(*door, device, n);
    }
    REQUIRE(door->commit());
    acknowledged_ = sent_;
    check((*opened)->journal());
    for (int device = 0; device < devices_count; ++device) {
      REQUIRE(count_[device] == acknowledged_[device]);
    }
  }

 private:
  int up_to(int max) { return std::uniform_int_distribution(0, max)(random_); }

  static void send(Door& door, int device, int n) {
    add(door, "sensors/d" + std::to_string(device) + "/temperature", reading_json(n % 7, n));
  }

  /// Unacknowledged messages come again, and a few that are, as after a lost PUBACK.
  void commit_some(Door& door) {
    auto reaches = acknowledged_;
    for (int device = 0; device < devices_count; ++device) {
      if (up_to(2) == 0) continue;
      const int again = std::min(acknowledged_[device], up_to(6));
      const int last = acknowledged_[device] + up_to(8);
      for (int n = acknowledged_[device] - again; n < last; ++n) send(door, device, n);
      reaches[device] = last;
      sent_[device] = std::max(sent_[device], last);
    }
    if (up_to(9) == 0) {
      door.abort();
    } else if (door.commit()) {
      acknowledged_ = reaches;
    }
  }

  void set_faults() {
    const int first = 1 + up_to(150);
    const bool crash = up_to(1) == 0;
    const auto start = files_.calls();
    files_.set_plan([=](std::uint64_t number, FaultFileSystem::Call, const std::string&) {
      const auto since = static_cast<int>(number - start);
      if (since < first || since > first + 3) return FaultFileSystem::Fault::none;
      return crash ? FaultFileSystem::Fault::crash : FaultFileSystem::Fault::fail;
    });
  }

  /// Every acknowledged message is there, none twice, none that was never sent.
  void check(Journal& journal) {
    std::map<std::string, int> copies;
    for (const std::string& payload : journaled_with_topic(journal)) ++copies[payload];
    std::size_t expected = 0;
    for (int device = 0; device < devices_count; ++device) {
      count_[device] = 0;
      for (int n = 0; n < sent_[device]; ++n) {
        const auto found = copies.find(key(device, n));
        const int times = found == copies.end() ? 0 : found->second;
        if (times > 1 || (times == 0 && n < acknowledged_[device])) {
          CAPTURE(device, n, times, acknowledged_[device]);
          FAIL("an acknowledged message is missing, or one is there twice");
        }
        count_[device] += times;
        expected += static_cast<std::size_t>(times);
      }
    }
    REQUIRE(copies.size() == expected);
  }
  static std::string key(int device, int n) {
    return "sensors/d" + std::to_string(device) + "/temperature " + reading_json(n % 7, n);
  }
  static std::vector<std::string> journaled_with_topic(Journal& journal) {
    std::vector<std::string> all;
    const auto reader = journal.read_from(0);
    for (;;) {
      auto frame = reader->next();
      if (!frame) FAIL(frame.error().context);
      if (!frame->has_value()) return all;
      if ((*frame)->header.kind != core::FrameKind::message) continue;
      all.push_back(std::string((*frame)->topic) + " " + std::string((*frame)->payload));
    }
  }

  std::mt19937_64 random_;
  model::ManualClock clock_;
  FaultFileSystem files_;
  JournalOptions options_;
  std::shared_ptr<const SchemaSet> schemas_ = schema_set({temperature_schema});
  std::map<int, int> sent_{{0, 0}, {1, 0}, {2, 0}, {3, 0}};
  std::map<int, int> acknowledged_ = sent_;
  std::map<int, int> count_ = sent_;
};

}  // namespace

TEST_CASE("each acknowledged message is in the journal once, whatever disk and power do") {
  const std::uint64_t seed = GENERATE(range(1u, 101u));
  CAPTURE(seed);
  Fleet fleet(seed);
  for (int life = 0; life < lives; ++life) fleet.live();
  fleet.finish();
}
