// Written by `telemetry schema compile --to cpp`. Do not change it: change the schemas.
#pragma once

#include <cstdint>
#include <string_view>

#include "telemetry/core/schema_check.hpp"
#include "telemetry/core/schema_table.hpp"

namespace schemas {

namespace tables {
using ::telemetry::core::Comparison;
using ::telemetry::core::Decimal;
using ::telemetry::core::Default;
using ::telemetry::core::FieldType;
using ::telemetry::core::Key;
using ::telemetry::core::Node;
using ::telemetry::core::Nulls;
using ::telemetry::core::Relation;
using ::telemetry::core::Requires;
using ::telemetry::core::TimeFormat;
using ::telemetry::core::Value;

namespace mcu_meter_v1 {
inline constexpr Node nodes[] = {
    {.type = FieldType::object, .count = 3, .fields = 3},
    {.type = FieldType::integer, .min = 0, .max = 1, .slot = 0},
    {.type = FieldType::integer, .min = 0, .max = 1, .slot = 1},
    {.type = FieldType::integer, .min = 2, .slot = 2},
};
inline constexpr Key keys[] = {
    {"pulses", 1, 0, true},
    {"uptime_ms", 2, 1, true},
    {"seq", 3, 2, true},
};
inline constexpr Decimal bounds[] = {
    {0, 0},
    {4294967295, 0},
    {1, 0},
};
}  // namespace mcu_meter_v1

}  // namespace tables

/// Where mcu_meter_v1 puts its values.
namespace mcu_meter_v1_slots {
enum Slot : ::std::uint16_t {
  pulses,
  uptime_ms,
  seq,
};
}  // namespace mcu_meter_v1_slots
/// mcu_meter 1.0, for "mcu/+/meter"
inline constexpr ::telemetry::core::SchemaView mcu_meter_v1{
    .nodes = tables::mcu_meter_v1::nodes,
    .keys = tables::mcu_meter_v1::keys,
    .bounds = tables::mcu_meter_v1::bounds,
    .enums = {},
    .defaults = {},
    .requires_ = {},
    .comparisons = {},
    .slot_count = 3,
    .sequence_slot = 2,
};

/// All of them, in the order of choice.
inline constexpr ::telemetry::core::SchemaEntry all[] = {
    {"mcu_meter", "mcu/+/meter", 0xe096b8e1198a972b, &mcu_meter_v1, 1, 0},
};
inline constexpr const ::telemetry::core::SchemaEntry& mcu_meter_v1_entry = all[0];

/// The schema that judges this topic, or null.
[[nodiscard]] inline const ::telemetry::core::SchemaEntry* choose(
    ::std::string_view topic) noexcept {
  return ::telemetry::core::choose(all, topic);
}

static_assert(::telemetry::core::is_in_order_of_choice(all),
              "the schemas are not in the order of choice");
static_assert(::telemetry::core::is_sound<
              all, 0,
              ::telemetry::core::TableSizes{.nodes = 4,
                                            .keys = 3,
                                            .bounds = 3,
                                            .enums = 0,
                                            .defaults = 0,
                                            .requires_ = 0,
                                            .comparisons = 0}>(),
              "mcu_meter 1.0 is damaged");

}  // namespace schemas
