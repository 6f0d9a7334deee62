// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/core/schema_view.hpp"
#include "telemetry/schema.hpp"

/// How the readings of one schema document lie in a table, and the SQL that follows from it.
namespace telemetry::sqlite {

struct Column {
  std::string path;  ///< of the slot: "location.lat"
  std::string name;  ///< of the column; the path, unless that is taken
  core::FieldType type = core::FieldType::any;
  bool is_time = false;  ///< the schema's time field
};

struct Layout {
  std::uint64_t schema_id = 0;  ///< 0: messages without schema
  std::string schema_name;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  bool has_extra = false;       ///< undeclared members are allowed
  std::vector<Column> columns;  ///< one a slot, in schema order
  /// The column with the block of a row: "block", unless an older file has a field of that name.
  [[nodiscard]] std::string block() const;
  [[nodiscard]] bool is_raw() const noexcept { return schema_id == 0; }
};

/// Bits of the column `flags`; bits 0 and 1 are the QoS. The common case is 0 or 1, which SQLite
/// stores in no bytes at all.
namespace row_flag {
inline constexpr std::int64_t qos_mask = 3;
inline constexpr std::int64_t retained = 4;
/// The time field is absent or stands in its own column; else it equals `time`.
inline constexpr std::int64_t time_apart = 8;
inline constexpr std::int64_t sequence_gap = 16;
inline constexpr std::int64_t sequence_reset = 32;
inline constexpr std::int64_t late_unchecked = 64;
inline constexpr std::int64_t coerced = 128;  ///< lenient mode read a value as another type
inline constexpr std::int64_t rounded = 256;  ///< a value is the nearest to what was read
}  // namespace row_flag

/// Column `kind` of a table without schema: what telemetry::payload_kind() says of `payload`.
/// Binary is base64.
enum class PayloadKind : std::uint8_t { json = 0, text = 1, binary = 2 };

[[nodiscard]] Layout layout_of(const Schema& schema);
[[nodiscard]] std::string_view to_text(core::FieldType type) noexcept;
[[nodiscard]] core::FieldType field_type_of(std::string_view text) noexcept;

[[nodiscard]] std::string quoted_name(std::string_view name);  ///< "name"
[[nodiscard]] std::string quoted_text(std::string_view text);  ///< 'text'

[[nodiscard]] std::string table_name(const Layout& layout, std::int64_t partition);
/// The index of a table that is being filled, by block, topic and time.
[[nodiscard]] std::string block_index_name(std::string_view table);
/// The index of a table that is closed, by topic and time.
[[nodiscard]] std::string topic_index_name(std::string_view table);
[[nodiscard]] std::string create_table_sql(const Layout& layout, const std::string& table);
/// `source` has the columns id, topic_id, time, delay, flags, block, those of the layout, then for
/// a raw one kind and payload, then extra where undeclared members are allowed.
[[nodiscard]] std::string insert_sql(std::string_view table, std::string_view source);
/// The column's value in a query over the table's alias `p`.
[[nodiscard]] std::string value_sql(const Column& column);

/// SELECT of the `messages` view for one table.
[[nodiscard]] std::string messages_arm(const Layout& layout, const std::string& table);
/// SELECT of the view per major version for one table; `columns` are those of the view.
[[nodiscard]] std::string schema_arm(const Layout& layout, const std::string& table,
                                     std::span<const std::string> columns);

}  // namespace telemetry::sqlite
