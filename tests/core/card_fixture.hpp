// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>
#include "catch.hpp"

#include "core/card_device.hpp"

namespace telemetry::test {

inline constexpr std::uint32_t segment_sectors = 8;

/// A card of 16 segments of 4 KiB.
struct CardFixture {
  explicit CardFixture(core::CardPolicy policy = core::CardPolicy::reject,
                       std::uint32_t segments = 16)
      : device(core::card_first_sector + segments * segment_sectors + 1), policy_(policy) {
    REQUIRE(restart().format(card_id(), segment_sectors) == core::CardStatus::ok);
    REQUIRE(journal().open() == core::CardStatus::ok);
  }
  /// A new journal object, as after a reset; not open.
  core::CardJournal& restart() {
    journals_.emplace_back(std::make_unique<core::CardJournal>(device, policy_));
    return journal();
  }
  core::CardJournal& reopen() {
    restart();
    REQUIRE(journal().open() == core::CardStatus::ok);
    return journal();
  }
  core::CardJournal& journal() { return *journals_.back(); }
  core::CardStatus append(const std::string& payload) {
    return journal().append({.received_at = 1, .time = 2, .flags = 1}, "a/b", payload);
  }
  void keep(const std::string& payload) {
    REQUIRE(append(payload) == core::CardStatus::ok);
    REQUIRE(journal().sync() == core::CardStatus::ok);
  }

  CardDevice device;

 private:
  core::CardPolicy policy_;
  std::vector<std::unique_ptr<core::CardJournal>> journals_;
};

inline std::uint32_t sector_of_area(std::uint32_t area) {
  return core::card_first_sector + area * segment_sectors;
}

}  // namespace telemetry::test
