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

namespace mcu_command_v1 {
inline constexpr Node nodes[] = {
    {.type = FieldType::object, .count = 3, .fields = 3},
    {.type = FieldType::integer, .min = 0, .max = 1, .slot = 0},
    {.type = FieldType::boolean, .slot = 1},
    {.type = FieldType::boolean, .slot = 2},
};
inline constexpr Key keys[] = {
    {"interval_ms", 1, 0, false},
    {"report", 2, 1, false},
    {"stop", 3, 2, false},
};
inline constexpr Decimal bounds[] = {
    {1, 0},
    {36, 5},
};
}  // namespace mcu_command_v1

namespace mcu_reading_v1 {
inline constexpr Node nodes[] = {
    {.type = FieldType::object, .count = 5, .fields = 5},
    {.type = FieldType::string, .length_min = 1, .length_max = 32, .slot = 0},
    {.type = FieldType::number, .min = 0, .max = 1, .slot = 1},
    {.type = FieldType::number, .min = 2, .max = 3, .slot = 2},
    {.type = FieldType::timestamp, .time_format = TimeFormat::ms, .slot = 3},
    {.type = FieldType::integer, .min = 4, .slot = 4},
};
inline constexpr Key keys[] = {
    {"device_id", 1, 0, true},
    {"temperature", 2, 1, true},
    {"humidity", 3, 2, false},
    {"timestamp", 4, 3, true},
    {"seq", 5, 4, true},
};
inline constexpr Decimal bounds[] = {
    {-4, 1},
    {125, 0},
    {0, 0},
    {1, 2},
    {1, 0},
};
}  // namespace mcu_reading_v1

}  // namespace tables

/// Where mcu_command_v1 puts its values.
namespace mcu_command_v1_slots {
enum Slot : ::std::uint16_t {
  interval_ms,
  report,
  stop,
};
}  // namespace mcu_command_v1_slots
/// mcu_command 1.0, for "mcu/+/command"
inline constexpr ::telemetry::core::SchemaView mcu_command_v1{
    .nodes = tables::mcu_command_v1::nodes,
    .keys = tables::mcu_command_v1::keys,
    .bounds = tables::mcu_command_v1::bounds,
    .enums = {},
    .defaults = {},
    .requires_ = {},
    .comparisons = {},
    .slot_count = 3,
};

/// Where mcu_reading_v1 puts its values.
namespace mcu_reading_v1_slots {
enum Slot : ::std::uint16_t {
  device_id,
  temperature,
  humidity,
  timestamp,
  seq,
};
}  // namespace mcu_reading_v1_slots
/// mcu_reading 1.0, for "mcu/+/reading"
inline constexpr ::telemetry::core::SchemaView mcu_reading_v1{
    .nodes = tables::mcu_reading_v1::nodes,
    .keys = tables::mcu_reading_v1::keys,
    .bounds = tables::mcu_reading_v1::bounds,
    .enums = {},
    .defaults = {},
    .requires_ = {},
    .comparisons = {},
    .slot_count = 5,
    .time_slot = 3,
    .sequence_slot = 4,
};

/// All of them, in the order of choice.
inline constexpr ::telemetry::core::SchemaEntry all[] = {
    {"mcu_command", "mcu/+/command", 0x699bad2cc722d67a, &mcu_command_v1, 1, 0},
    {"mcu_reading", "mcu/+/reading", 0x6a66cea3950b9eab, &mcu_reading_v1, 1, 0},
};
inline constexpr const ::telemetry::core::SchemaEntry& mcu_command_v1_entry = all[0];
inline constexpr const ::telemetry::core::SchemaEntry& mcu_reading_v1_entry = all[1];

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
                                            .bounds = 2,
                                            .enums = 0,
                                            .defaults = 0,
                                            .requires_ = 0,
                                            .comparisons = 0}>(),
              "mcu_command 1.0 is damaged");
static_assert(::telemetry::core::is_sound<
              all, 1,
              ::telemetry::core::TableSizes{.nodes = 6,
                                            .keys = 5,
                                            .bounds = 5,
                                            .enums = 0,
                                            .defaults = 0,
                                            .requires_ = 0,
                                            .comparisons = 0}>(),
              "mcu_reading 1.0 is damaged");

}  // namespace schemas
