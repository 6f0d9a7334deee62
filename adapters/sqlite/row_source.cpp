// SPDX-License-Identifier: Apache-2.0
#include "row_source.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <new>

#include "base64.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/export.hpp"

namespace telemetry::sqlite {
namespace {

constexpr std::size_t fixed_columns = 6;   // id, topic_id, time, delay, flags, block
constexpr std::size_t latest_columns = 4;  // topic_id, time, id, partition_id
// With 19 digits of mantissa every smaller exponent makes a finite double.
constexpr int doubtful_exponent = 280;

std::size_t column_count(const Layout& layout) noexcept {
  return fixed_columns + layout.columns.size() + (layout.is_raw() ? 2 : 0) +
         (layout.has_extra ? 1 : 0);
}

core::Value value_of(const Reading& reading, std::size_t slot) noexcept {
  return slot < reading.values.size() ? reading.values[slot] : core::Value();
}

/// The time field says something else than the column `time`.
bool is_apart(const Reading& reading, const core::Value& value) noexcept {
  return value.kind() != core::ValueKind::time || value.as_integer() != reading.time;
}

std::int64_t stored_flags(const Layout& layout, const Reading& reading) noexcept {
  namespace flag = core::frame_flag;
  std::int64_t flags = reading.flags & flag::qos_mask;
  if (reading.flags & flag::retained) flags |= row_flag::retained;
  if (reading.flags & flag::sequence_gap) flags |= row_flag::sequence_gap;
  if (reading.flags & flag::sequence_reset) flags |= row_flag::sequence_reset;
  if (reading.flags & flag::late_unchecked) flags |= row_flag::late_unchecked;
  if (reading.flags & flag::coerced) flags |= row_flag::coerced;
  if (reading.flags & flag::rounded) flags |= row_flag::rounded;
  for (std::size_t slot = 0; slot < layout.columns.size(); ++slot) {
    if (!layout.columns[slot].is_time) continue;
    if (is_apart(reading, value_of(reading, slot))) flags |= row_flag::time_apart;
  }
  return flags;
}

// The texts stay where they are until the row is in its table.
void give_text(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
}

void give_copy(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void give_value(sqlite3_context* context, const core::Value& value) {
  switch (value.kind()) {
    case core::ValueKind::null:
      return;
    case core::ValueKind::boolean:
    case core::ValueKind::integer:
    case core::ValueKind::time:
      return sqlite3_result_int64(context, value.as_integer());
    case core::ValueKind::decimal:
      return sqlite3_result_double(context, to_double(value.as_decimal()));
    case core::ValueKind::text:
    case core::ValueKind::json:
      return give_text(context, value.as_text());
  }
}

void give_json(sqlite3_context* context, const core::Value& value) {
  if (value.is_null() || value.kind() == core::ValueKind::json) return give_value(context, value);
  std::string json;
  append_json_value(value, json);
  give_copy(context, json);
}

void give_latest(sqlite3_context* context, const Topic& topic, int column) {
  const std::int64_t values[latest_columns] = {topic.id, topic.latest_time, topic.latest_id,
                                               topic.latest_partition};
  sqlite3_result_int64(context, values[column]);
}

// --- the module of SQLite; see https://www.sqlite.org/vtab.html -------------------------------

struct Table : sqlite3_vtab {
  RowSource* source = nullptr;
};

RowSource& source_of(sqlite3_vtab_cursor* cursor) noexcept {
  return *static_cast<Table*>(cursor->pVtab)->source;
}

int connect(sqlite3* database, void* source, int, const char* const* arguments, sqlite3_vtab** made,
            char**) {
  // The name of the module ends with the number of columns.
  const std::string_view name = arguments[0];
  const int columns = std::atoi(name.substr(name.rfind('_') + 1).data());
  std::string sql = "CREATE TABLE rows(c0";
  for (int i = 1; i < columns; ++i) sql += fmt::format(",c{}", i);
  if (const int code = sqlite3_declare_vtab(database, (sql + ")").c_str())) return code;
  auto* table = new (std::nothrow) Table();
  if (table == nullptr) return SQLITE_NOMEM;
  table->source = static_cast<RowSource*>(source);
  *made = table;
  return sqlite3_vtab_config(database, SQLITE_VTAB_DIRECTONLY);
}

int disconnect(sqlite3_vtab* table) {
  delete static_cast<Table*>(table);
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  info->estimatedCost = 1;
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab*, sqlite3_vtab_cursor** made) {
  *made = new (std::nothrow) sqlite3_vtab_cursor();
  return *made == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* cursor) {
  delete cursor;
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
  source_of(cursor).rewind();
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  source_of(cursor).advance();
  return SQLITE_OK;
}

int is_end(sqlite3_vtab_cursor* cursor) { return source_of(cursor).is_end() ? 1 : 0; }

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int index) {
  source_of(cursor).value(context, index);
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
  *id = static_cast<sqlite3_int64>(source_of(cursor).position());
  return SQLITE_OK;
}

sqlite3_module make_module() noexcept {
  sqlite3_module module{};
  module.xConnect = connect;  // and no xCreate: the table is there without CREATE VIRTUAL TABLE
  module.xBestIndex = best_index;
  module.xDisconnect = disconnect;
  module.xOpen = open_cursor;
  module.xClose = close_cursor;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = is_end;
  module.xColumn = column;
  module.xRowid = row_id;
  return module;
}

const sqlite3_module rows_module = make_module();

}  // namespace

std::string RowSource::table_for(sqlite3* database, const Layout& layout) {
  return table_of(database, column_count(layout));
}

std::string RowSource::table_for_latest(sqlite3* database) {
  return table_of(database, latest_columns);
}

std::string RowSource::table_of(sqlite3* database, std::size_t columns) {
  std::string name = fmt::format("telemetry_rows_{}", columns);
  if (registered_.insert(columns).second) {
    const int code = sqlite3_create_module_v2(database, name.c_str(), &rows_module, this, nullptr);
    if (code != SQLITE_OK) throw SQLite::Exception(database, code);
  }
  return name;
}

void RowSource::offer(const Partition& partition, std::span<const PendingRow> rows) noexcept {
  partition_ = &partition;
  rows_ = rows;
  topics_ = {};
  position_ = 0;
}

void RowSource::offer_latest(std::span<const Topic* const> topics) noexcept {
  rows_ = {};
  topics_ = topics;
  position_ = 0;
}

void RowSource::value(sqlite3_context* context, int column) const {
  if (!topics_.empty()) return give_latest(context, *topics_[position_], column);
  const Layout& layout = *partition_->layout;
  const PendingRow& row = rows_[position_];
  const Reading& reading = *row.reading;
  switch (column) {
    case 0:
      return sqlite3_result_int64(context, static_cast<std::int64_t>(reading.id));
    case 1:
      return sqlite3_result_int64(context, row.topic->id);
    case 2:
      return sqlite3_result_int64(context, reading.time);
    case 3:
      return sqlite3_result_int64(context, reading.received_at - reading.time);
    case 4:
      return sqlite3_result_int64(context, stored_flags(layout, reading));
    case 5:
      return sqlite3_result_int64(
          context, block_of(partition_->row_count + static_cast<std::int64_t>(position_)));
    default:
      break;
  }
  std::size_t slot = static_cast<std::size_t>(column) - fixed_columns;
  if (slot < layout.columns.size()) {
    const Column& field = layout.columns[slot];
    const core::Value value = value_of(reading, slot);
    if (field.is_time && !is_apart(reading, value)) return;  // null: `time` says it
    return field.type == core::FieldType::any ? give_json(context, value)
                                              : give_value(context, value);
  }
  slot -= layout.columns.size();
  if (layout.is_raw() && slot == 0) {
    return sqlite3_result_int64(context, static_cast<std::int64_t>(row.kind));
  }
  if (layout.is_raw() && slot == 1) {
    return row.kind == PayloadKind::binary ? give_copy(context, base64_of(reading.payload))
                                           : give_text(context, reading.payload);
  }
  if (!reading.extra.empty()) give_text(context, reading.extra);
}

bool is_storable(const Layout& layout, const Reading& reading) noexcept {
  for (std::size_t slot = 0; slot < layout.columns.size(); ++slot) {
    const core::Value value = value_of(reading, slot);
    if (value.kind() != core::ValueKind::decimal ||
        layout.columns[slot].type == core::FieldType::any) {
      continue;
    }
    const core::Decimal decimal = value.as_decimal();
    if (decimal.exponent < doubtful_exponent) continue;
    const double number = to_double(decimal);
    if (!std::isfinite(number)) return false;
  }
  return true;
}

}  // namespace telemetry::sqlite
