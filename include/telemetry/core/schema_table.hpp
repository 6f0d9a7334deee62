// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/core/schema_view.hpp"

/// Several schemas and the choice by topic, as constant tables. `telemetry schema compile --to cpp`
/// writes them for firmware.
namespace telemetry::core {

/// One schema of a table.
struct SchemaEntry {
  std::string_view name;
  std::string_view filter;  ///< valid and not shared
  std::uint64_t id = 0;     ///< the same as on the gateway; journals carry it
  const SchemaView* view = nullptr;
  std::uint16_t major = 1;
  std::uint16_t minor = 0;
};

/// Orders valid filters by how specific they are, level by level from the left: a literal comes
/// before `+`, `+` before `#`; what ends comes first.
/// @returns < 0 when `a` goes before `b`, 0 when they are equal.
[[nodiscard]] constexpr int compare_filters(std::string_view a, std::string_view b) noexcept {
  const auto rank = [](char c) {
    return c == '/' ? 0 : c == '+' ? 257 : c == '#' ? 258 : 1 + static_cast<unsigned char>(c);
  };
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] != b[i]) return rank(a[i]) < rank(b[i]) ? -1 : 1;
  }
  return a.size() < b.size() ? -1 : a.size() == b.size() ? 0 : 1;
}

/// The schema that judges this topic, or null: the most specific filter wins, of the same filter
/// the highest version, as the gateway chooses.
/// @param schemas in that order.
/// @param topic valid.
/// Time: linear in `schemas`; the caller may keep the answer for a topic.
[[nodiscard]] const SchemaEntry* choose(std::span<const SchemaEntry> schemas,
                                        std::string_view topic) noexcept;

}  // namespace telemetry::core
