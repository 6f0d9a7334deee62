// SPDX-License-Identifier: Apache-2.0
#include "apps/running.hpp"
#include "core/card_device.hpp"

using namespace running;
using telemetry::core::CardStatus;

namespace {

/// An image with heartbeats 1 to `count` of one meter, and one that is no JSON.
void write_card(const Folder& folder, int count) {
  telemetry::test::CardDevice device(512);
  telemetry::core::CardJournal card(device);
  REQUIRE(card.format({7}, 16) == CardStatus::ok);
  REQUIRE(card.open() == CardStatus::ok);
  const std::string topic = "iot/meter-1/status";
  for (int i = 1; i <= count; ++i) {
    const std::string payload =
        R"({"uptime_s":60,"fw_version":"2.1.0","timestamp":"2026-11-21T08:00:00Z","seq":)" +
        std::to_string(i) + "}";
    REQUIRE(card.append({}, topic, payload) == CardStatus::ok);
  }
  REQUIRE(card.append({}, topic, "{") == CardStatus::ok);
  REQUIRE(card.sync() == CardStatus::ok);
  folder.write("card.img", {reinterpret_cast<const char*>(device.at(0)),
                            device.sectors() * telemetry::core::card_sector_bytes});
}

}  // namespace

TEST_CASE("import stores what is on a card once, and says what it did") {
  const Folder folder;
  store(folder, {});
  write_card(folder, 20);
  const Ran first = run(folder, "import -c edge.yaml card.img");
  CHECK_THAT(first.err, Catch::Contains("invalid message 21 on iot/meter-1/status"));
  CHECK(first.code == 0);
  CHECK(first.out == "card.img: 21 messages (1 to 21), 1 break their schema (dead letters)\n");
  const Ran again = run(folder, "import -c edge.yaml card.img --json");
  CHECK(again.code == 0);
  CHECK_THAT(again.out, Catch::Contains(R"("earlier":21,"messages":0,)"));
  const Ran rows = run(folder, "query -c edge.yaml 'iot/+/status' --format jsonl", "| wc -l");
  CHECK(rows.out == "20\n");
}

TEST_CASE("import refuses what is no card by name and stores the others") {
  const Folder folder;
  store(folder, {});
  write_card(folder, 3);
  folder.write("blank.img", std::string(65'536, '\0'));
  const Ran ran = run(folder, "import -c edge.yaml blank.img card.img nothing.img");
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err,
             Catch::Contains("blank.img: no card journal there") && Catch::Contains("nothing.img"));
  CHECK_THAT(ran.out, Catch::Contains("card.img: 4 messages"));
}
