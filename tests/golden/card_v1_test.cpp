// SPDX-License-Identifier: Apache-2.0
// card_v1.hex is spelled by hand from docs/formats/card_v1.md. A change that breaks this test
// breaks every card in the field: it needs a new format version instead.
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"
#include "golden/golden_bytes.hpp"
#include "telemetry/core/card_journal.hpp"

using namespace telemetry::core;
using telemetry::test::card_id;
using telemetry::test::CardDevice;

TEST_CASE("a card is written byte for byte as its format says") {
  CardDevice device(card_first_sector + 4 * 8 + 1);
  REQUIRE(CardJournal(device).format(card_id(), 8) == CardStatus::ok);
  for (int start = 0; start < 2; ++start) {
    CardJournal journal(device);
    REQUIRE(journal.open() == CardStatus::ok);
    REQUIRE(journal.append({}, "t", "p") == CardStatus::ok);
    REQUIRE(journal.sync() == CardStatus::ok);
    REQUIRE(journal.set_cursor(1) == CardStatus::ok);
  }
  std::vector<std::uint8_t> written;
  const auto add = [&](std::uint32_t sector, std::size_t bytes) {
    written.insert(written.end(), device.at(sector), device.at(sector) + bytes);
  };
  add(0, 64);
  add(1, 36);
  add(16, segment_header_bytes);
  CHECK(written == telemetry::test::golden_bytes("card_v1.hex"));
  CHECK(std::equal(device.at(0), device.at(0) + 512, device.at(device.sectors() - 1)));
}
