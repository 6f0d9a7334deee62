// SPDX-License-Identifier: Apache-2.0
#include "rows.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base64.hpp"

namespace telemetry::sqlite {

namespace {

std::string_view text_of(const SQLite::Column& column) noexcept {
  const void* bytes = column.getBlob();
  const int count = column.getBytes();
  return {static_cast<const char*>(bytes), bytes == nullptr ? 0 : static_cast<std::size_t>(count)};
}

// The shortest decimal that reads back as the same double: what the device wrote.
core::Decimal decimal_of(double number) noexcept {
  constexpr double whole_max = 9007199254740992.0;  // 2^53
  if (std::abs(number) <= whole_max && number == std::trunc(number)) {
    return {static_cast<std::int64_t>(number), 0};
  }
  char text[32];
  const auto written =
      std::to_chars(text, text + sizeof text, number, std::chars_format::scientific);
  const std::string_view view(text, static_cast<std::size_t>(written.ptr - text));
  const std::size_t e = view.find('e');
  core::Decimal decimal;
  int fraction_digits = 0;
  bool in_fraction = false;
  for (char c : view.substr(0, e)) {
    if (c == '.') in_fraction = true;
    if (c < '0' || c > '9') continue;
    decimal.mantissa = decimal.mantissa * 10 + (c - '0');
    fraction_digits += in_fraction ? 1 : 0;
  }
  if (view.front() == '-') decimal.mantissa = -decimal.mantissa;
  int exponent = 0;
  const char* digits = text + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits, written.ptr, exponent);
  decimal.exponent = static_cast<std::int16_t>(exponent - fraction_digits);
  return decimal;
}

}  // namespace

std::string select_sql(const Source& source, std::string_view topic_sql,
                       std::string_view device_sql) {
  const Layout& layout = *source.partition->layout;
  std::string sql = fmt::format("SELECT p.id,p.time,p.delay,p.flags,{},{}", topic_sql, device_sql);
  for (const Column* column : source.columns) sql += "," + value_sql(*column);
  if (layout.is_raw()) sql += ",p.kind,p.payload";
  if (layout.has_extra && source.want_extra) sql += ",p.extra";
  return sql;
}

void RowBuffer::clear() noexcept {
  rows_.clear();
  fields_.clear();
  arena_.clear();
}

core::Value RowBuffer::value_of(const Column& column, const SQLite::Column& stored) {
  if (stored.isNull()) return {};
  if (stored.isFloat()) return core::Value::decimal(decimal_of(stored.getDouble()));
  if (stored.isInteger()) {
    const std::int64_t integer = stored.getInt64();
    if (column.type == core::FieldType::boolean) return core::Value::boolean(integer != 0);
    if (column.type == core::FieldType::timestamp) return core::Value::time(integer);
    return core::Value::integer(integer);
  }
  const std::string_view text = arena_.copy(text_of(stored));
  const bool json = column.type == core::FieldType::array || column.type == core::FieldType::any;
  return json ? core::Value::json(text) : core::Value::text(text);
}

void RowBuffer::add(const Source& source, const SQLite::Statement& statement) {
  const Layout& layout = *source.partition->layout;
  Entry entry{{}, fields_.size(), 0};
  Row& row = entry.row;
  row.id = static_cast<std::uint64_t>(statement.getColumn(0).getInt64());
  row.time = statement.getColumn(1).getInt64();
  row.received_at = row.time + statement.getColumn(2).getInt64();
  row.retained = (statement.getColumn(3).getInt64() & row_flag::retained) != 0;
  row.topic = arena_.copy(text_of(statement.getColumn(4)));
  row.device = arena_.copy(text_of(statement.getColumn(5)));
  row.schema = layout.schema_name;
  int index = 6;
  for (const Column* column : source.columns) {
    const core::Value value = value_of(*column, statement.getColumn(index++));
    if (!value.is_null()) fields_.push_back({column->path, value});
  }
  if (layout.is_raw()) {
    const auto kind = static_cast<PayloadKind>(statement.getColumn(index++).getInt());
    row.raw_kind = kind == PayloadKind::json   ? Row::RawKind::json
                   : kind == PayloadKind::text ? Row::RawKind::text
                                               : Row::RawKind::binary;
    const SQLite::Column payload = statement.getColumn(index++);
    row.raw = kind == PayloadKind::binary ? arena_.copy(bytes_of_base64(text_of(payload)))
                                          : arena_.copy(text_of(payload));
  }
  if (layout.has_extra && source.want_extra)
    row.extra = arena_.copy(text_of(statement.getColumn(index)));
  entry.field_count = fields_.size() - entry.first_field;
  rows_.push_back(entry);
}

bool RowBuffer::visit(const RowVisitor& visit, std::uint64_t limit) {
  std::vector<Field> fields;  // one row's, handed from row to row
  for (Entry& entry : rows_) {
    if (limit-- == 0) return true;
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
