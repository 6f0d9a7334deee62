// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound of the core in one place. The host library uses the same ones.
namespace telemetry::core {

/// Longest topic or topic filter in bytes. Source: MQTT 5.0 section 4.7.3.
inline constexpr std::size_t topic_bytes_max = 65'535;
/// Largest payload that is judged and stored, in bytes; larger ones are refused and counted.
inline constexpr std::size_t payload_bytes_max = 8 * 1024 * 1024;
/// Deepest nesting of JSON that is read at all.
inline constexpr std::size_t json_depth_max = 32;
/// Deepest nesting of objects and arrays that a schema may declare.
inline constexpr std::size_t schema_depth_max = 8;
/// Most declared fields of one object, aliases not counted.
inline constexpr std::size_t fields_per_object_max = 128;
/// Most value slots (declared leaves) of one schema.
inline constexpr std::size_t slots_max = 256;
/// Most bytes of a field name.
inline constexpr std::size_t field_name_bytes_max = 128;

}  // namespace telemetry::core
