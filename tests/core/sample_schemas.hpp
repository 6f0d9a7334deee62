// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "telemetry/core/schema_view.hpp"

/// Schemas as the firmware has them: constant tables that need no code to come into being.
namespace telemetry::core::test {

/// The temperature sensor of the documentation: strict, five fields.
namespace sensor {
enum Slot : std::uint16_t { temperature, humidity, sensor_id, timestamp, seq, slot_count };
inline constexpr std::array<Decimal, 5> bounds{{{-50, 0}, {150, 0}, {0, 0}, {100, 0}, {0, 0}}};
inline constexpr std::array<Node, 6> nodes{{
    {.type = FieldType::object, .first = 0, .count = 5, .fields = 5},
    {.type = FieldType::number, .min = 0, .max = 1, .slot = temperature},
    {.type = FieldType::number, .min = 2, .max = 3, .slot = humidity},
    {.type = FieldType::string, .length_min = 3, .length_max = 32, .slot = sensor_id},
    {.type = FieldType::timestamp, .slot = timestamp},
    {.type = FieldType::integer, .min = 4, .slot = seq},
}};
inline constexpr std::array<Key, 5> keys{{
    {"temperature", 1, 0, true},
    {"humidity", 2, 1, false},
    {"sensor_id", 3, 2, true},
    {"timestamp", 4, 3, false},
    {"seq", 5, 4, false},
}};
inline constexpr SchemaView schema{.nodes = nodes,
                                   .keys = keys,
                                   .bounds = bounds,
                                   .enums = {},
                                   .defaults = {},
                                   .requires_ = {},
                                   .slot_count = slot_count,
                                   .time_slot = timestamp,
                                   .sequence_slot = seq};
static_assert(schema.nodes[1].slot == temperature, "tables are constants");
}  // namespace sensor

/// Everything that a schema can say, in one document that also takes undeclared members.
namespace meter {
enum Slot : std::uint16_t {
  mode,
  level,
  ratio,
  enabled,
  at,
  at_s,
  at_text,
  note,
  lat,
  lon,
  samples,
  parts,
  slot_count
};
inline constexpr std::array<Decimal, 4> bounds{{{-90, 0}, {90, 0}, {125, -1}, {1, 0}}};
inline constexpr std::array<Value, 6> enums{{
    Value::text("auto"),
    Value::text("a/b"),
    Value::text("ü"),
    Value::integer(1),
    Value::integer(20),
    Value::decimal({5, -1}),
}};
enum NodeIndex : std::uint16_t {
  root_node,
  mode_node,
  level_node,
  ratio_node,
  enabled_node,
  at_node,
  at_s_node,
  at_text_node,
  note_node,
  place_node,
  lat_node,
  lon_node,
  samples_node,
  sample_node,
  parts_node,
  part_node,
  part_id_node,
  part_tags_node,
  part_tag_node,
};
inline constexpr std::array<Node, 19> nodes{{
    {.type = FieldType::object, .extra_allowed = true, .first = 0, .count = 13, .fields = 11},
    {.type = FieldType::string, .first = 0, .count = 3, .slot = mode},
    {.type = FieldType::integer, .first = 3, .count = 2, .slot = level},
    {.type = FieldType::number, .first = 4, .count = 2, .max = 2, .slot = ratio},
    {.type = FieldType::boolean, .slot = enabled},
    {.type = FieldType::timestamp, .slot = at},
    {.type = FieldType::timestamp, .time_format = TimeFormat::s, .slot = at_s},
    {.type = FieldType::timestamp, .time_format = TimeFormat::rfc3339, .slot = at_text},
    {.type = FieldType::any, .slot = note},
    {.type = FieldType::object, .extra_allowed = true, .first = 13, .count = 2, .fields = 2},
    {.type = FieldType::number, .min = 0, .max = 1, .slot = lat},
    {.type = FieldType::number, .slot = lon},
    {.type = FieldType::array, .first = 13, .length_min = 1, .length_max = 3, .slot = samples},
    {.type = FieldType::number, .min = 0, .max = 1},
    {.type = FieldType::array, .first = 15, .slot = parts},
    {.type = FieldType::object, .first = 15, .count = 2, .fields = 2},
    {.type = FieldType::string, .length_max = 4, .pattern = 7},
    {.type = FieldType::array, .first = 18},
    {.type = FieldType::string},
}};
inline constexpr std::array<Key, 17> keys{{
    {"mode", mode_node, 0, true},
    {"operating_mode", mode_node, 0, true},  // an alias
    {"level", level_node, 1, false},
    {"ratio", ratio_node, 2, false},
    {"enabled", enabled_node, 3, false},
    {"at", at_node, 4, false},
    {"at_s", at_s_node, 5, false},
    {"at_text", at_text_node, 6, false},
    {"note", note_node, 7, false},
    {"place", place_node, 8, false},
    {"location", place_node, 8, false},  // an alias
    {"samples", samples_node, 9, false},
    {"parts", parts_node, 10, false},
    {"lat", lat_node, 0, true},
    {"lon", lon_node, 1, true},
    {"id", part_id_node, 0, true},
    {"tags", part_tags_node, 1, false},
}};
inline constexpr std::array<Default, 2> defaults{{
    {level, Value::integer(20)},
    {note, Value::json("\"none\"")},
}};
/// `ratio` needs `level`.
inline constexpr std::array<Requires, 1> requirements{{{root_node, 2, 1}}};
inline constexpr SchemaView schema{.nodes = nodes,
                                   .keys = keys,
                                   .bounds = bounds,
                                   .enums = enums,
                                   .defaults = defaults,
                                   .requires_ = requirements,
                                   .zone_offset_s = 3600,
                                   .slot_count = slot_count};
}  // namespace meter

}  // namespace telemetry::core::test
