// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apps/running.hpp"
#include "core/card_device.hpp"

namespace running {

/// An image with heartbeats 1 to `count` of one meter, and one that is no JSON.
inline void write_card(const Folder& folder, int count) {
  telemetry::test::CardDevice device(512);
  telemetry::core::CardJournal card(device);
  REQUIRE(card.format({7}, 16) == telemetry::core::CardStatus::ok);
  REQUIRE(card.open() == telemetry::core::CardStatus::ok);
  const std::string topic = "iot/meter-1/status";
  for (int i = 1; i <= count; ++i) {
    const std::string payload =
        R"({"uptime_s":60,"fw_version":"2.1.0","timestamp":"2026-11-21T08:00:00Z","seq":)" +
        std::to_string(i) + "}";
    REQUIRE(card.append({}, topic, payload) == telemetry::core::CardStatus::ok);
  }
  REQUIRE(card.append({}, topic, "{") == telemetry::core::CardStatus::ok);
  REQUIRE(card.sync() == telemetry::core::CardStatus::ok);
  folder.write("card.img", {reinterpret_cast<const char*>(device.at(0)),
                            device.sectors() * telemetry::core::card_sector_bytes});
}

}  // namespace running
