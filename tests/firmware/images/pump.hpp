// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "telemetry/core/schema_view.hpp"

/// The message that the budgets are measured with: 100 bytes, six fields, found by the last of
/// eight filters.
namespace telemetry::budget {

inline constexpr std::string_view topic = "plant/pumps/p07/telemetry";
inline constexpr std::string_view payload =
    R"({"device_id":"pump-07","ts":1762862400123,"temp":23.75,"pressure":1013.2,"state":"run","seq":123456})";
static_assert(payload.size() == 100);

inline constexpr std::array<std::string_view, 8> filters{
    {"plant/meters/+/telemetry", "plant/valves/+/telemetry", "plant/tanks/+/telemetry",
     "plant/pumps/+/status", "plant/pumps/+/hello", "plant/pumps/+/alarms/#", "site/+/#",
     "plant/pumps/+/telemetry"}};

enum Slot : std::uint16_t { device_id, ts, temp, pressure, state, seq, slot_count };
inline constexpr std::array<core::Decimal, 5> bounds{
    {{-40, 0}, {125, 0}, {0, 0}, {20'000, 0}, {0, 0}}};
inline constexpr std::array<core::Value, 3> enums{
    {core::Value::text("off"), core::Value::text("run"), core::Value::text("fault")}};
inline constexpr std::array<core::Node, 7> nodes{{
    {.type = core::FieldType::object, .first = 0, .count = 6, .fields = 6},
    {.type = core::FieldType::string, .length_min = 1, .length_max = 32, .slot = device_id},
    {.type = core::FieldType::timestamp, .time_format = core::TimeFormat::ms, .slot = ts},
    {.type = core::FieldType::number, .min = 0, .max = 1, .slot = temp},
    {.type = core::FieldType::number, .min = 2, .max = 3, .slot = pressure},
    {.type = core::FieldType::string, .first = 0, .count = 3, .slot = state},
    {.type = core::FieldType::integer, .min = 4, .slot = seq},
}};
inline constexpr std::array<core::Key, 6> keys{{
    {"device_id", 1, 0, true},
    {"ts", 2, 1, true},
    {"temp", 3, 2, true},
    {"pressure", 4, 3, false},
    {"state", 5, 4, true},
    {"seq", 6, 5, true},
}};
inline constexpr core::SchemaView schema{.nodes = nodes,
                                         .keys = keys,
                                         .bounds = bounds,
                                         .enums = enums,
                                         .defaults = {},
                                         .requires_ = {},
                                         .slot_count = slot_count,
                                         .time_slot = ts,
                                         .sequence_slot = seq};

}  // namespace telemetry::budget
