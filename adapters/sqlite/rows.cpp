// SPDX-License-Identifier: Apache-2.0
#include "rows.hpp"

#include <algorithm>

#include "base64.hpp"

namespace telemetry::sqlite {

std::string select_sql(const Source& source) {
  const Layout& layout = *source.partition->layout;
  std::string sql = "SELECT p.id,p.time,p.delay,p.flags,p.topic_id";
  for (const Column* column : source.columns) sql += ",p." + quoted_name(column->name);
  if (layout.is_raw()) sql += ",p.kind,p.payload";
  if (layout.has_extra && source.want_extra) sql += ",p.extra";
  return sql;
}

void RowBuffer::clear() noexcept {
  rows_.clear();
  fields_.clear();
  order_.clear();
  visited_ = 0;
  arena_.clear();
}

core::Value RowBuffer::value_of(const Column& column, sqlite3_value* stored) {
  switch (sqlite3_value_type(stored)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_FLOAT:
      return core::Value::decimal(to_decimal(sqlite3_value_double(stored)));
    case SQLITE_INTEGER: {
      const std::int64_t integer = sqlite3_value_int64(stored);
      if (column.type == core::FieldType::boolean) return core::Value::boolean(integer != 0);
      if (column.type == core::FieldType::timestamp) return core::Value::time(integer);
      return core::Value::integer(integer);
    }
    default:
      break;
  }
  const std::string_view text = arena_.copy(Statement::text_of(stored));
  const bool json = column.type == core::FieldType::array || column.type == core::FieldType::any;
  return json ? core::Value::json(text) : core::Value::text(text);
}

void RowBuffer::add(const Source& source, Statement& statement, std::string_view topic,
                    std::string_view device) {
  const Layout& layout = *source.partition->layout;
  Entry entry{{}, fields_.size(), 0};
  Row& row = entry.row;
  row.id = static_cast<std::uint64_t>(statement.integer(0));
  row.time = statement.integer(1);
  row.received_at = row.time + statement.integer(2);
  row.retained = (statement.integer(3) & row_flag::retained) != 0;
  row.topic = topic;
  row.device = device;
  row.schema = layout.schema_name;
  int index = 5;
  const bool time_apart = (statement.integer(3) & row_flag::time_apart) != 0;
  for (const Column* column : source.columns) {
    sqlite3_value* const stored = statement.value(index++);
    const core::Value value =
        column->is_time && !time_apart ? core::Value::time(row.time) : value_of(*column, stored);
    if (!value.is_null()) fields_.push_back({column->path, value});
  }
  if (layout.is_raw()) {
    const auto kind = static_cast<PayloadKind>(statement.integer(index++));
    row.raw_kind = kind == PayloadKind::json   ? Row::RawKind::json
                   : kind == PayloadKind::text ? Row::RawKind::text
                                               : Row::RawKind::binary;
    const std::string_view payload = statement.text(index++);
    row.raw = arena_.copy(kind == PayloadKind::binary ? bytes_of_base64(payload) : payload);
  }
  if (layout.has_extra && source.want_extra) row.extra = arena_.copy(statement.text(index));
  entry.field_count = fields_.size() - entry.first_field;
  rows_.push_back(entry);
}

void RowBuffer::sort(bool ascending) {
  const bool sorted =
      std::is_sorted(rows_.begin(), rows_.end(), [](const Entry& a, const Entry& b) {
        return a.row.time != b.row.time ? a.row.time < b.row.time : a.row.id < b.row.id;
      });
  if (sorted && ascending) return;
  order_.resize(rows_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) {
    order_[i] = {rows_[i].row.time, rows_[i].row.id, static_cast<std::uint32_t>(i)};
  }
  const auto before = [](const Place& a, const Place& b) {
    return a.time != b.time ? a.time < b.time : a.id < b.id;
  };
  if (!sorted) std::sort(order_.begin(), order_.end(), before);
  if (!ascending) std::reverse(order_.begin(), order_.end());
}

bool RowBuffer::visit(const RowVisitor& visit) {
  std::vector<Field> fields;  // one row's, handed from row to row
  while (!is_visited()) {
    const std::size_t i = visited_++;
    Entry& entry = rows_[order_.empty() ? i : order_[i].index];
    const auto first = fields_.begin() + static_cast<std::ptrdiff_t>(entry.first_field);
    fields.assign(first, first + static_cast<std::ptrdiff_t>(entry.field_count));
    entry.row.fields.swap(fields);
    const bool more = visit(entry.row);
    entry.row.fields.swap(fields);
    if (!more) return false;
  }
  return true;
}

}  // namespace telemetry::sqlite
