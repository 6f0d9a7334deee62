// SPDX-License-Identifier: Apache-2.0
#include "layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "telemetry/export.hpp"

namespace telemetry::sqlite {

namespace {

using core::FieldType;

constexpr std::array<std::pair<FieldType, std::string_view>, 8> type_names{{
    {FieldType::string, "string"},
    {FieldType::integer, "integer"},
    {FieldType::number, "number"},
    {FieldType::boolean, "boolean"},
    {FieldType::timestamp, "timestamp"},
    {FieldType::object, "object"},
    {FieldType::array, "array"},
    {FieldType::any, "any"},
}};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view affinity(FieldType type) noexcept {
  switch (type) {
    case FieldType::number:
      return "REAL";
    case FieldType::integer:
    case FieldType::boolean:
    case FieldType::timestamp:
      return "INTEGER";
    default:
      return "TEXT";
  }
}

// RFC 3339 with 0, 3, 6 or 9 digits of a column in ns; null stays null.
std::string time_sql(std::string_view ns) {
  return fmt::format(
      "strftime('%Y-%m-%dT%H:%M:%S',{0}/1000000000-({0}%1000000000<0),'unixepoch')"
      "||substr(printf('.%09d',({0}%1000000000+1000000000)%1000000000),1,"
      "CASE WHEN {0}%1000000000=0 THEN 0 WHEN {0}%1000000=0 THEN 4 WHEN {0}%1000=0 THEN 7"
      " ELSE 10 END)||'Z'",
      ns);
}

std::string column_sql(const Column& column) { return "p." + quoted_name(column.name); }

std::string time_column_sql(const Column& column) {
  if (!column.is_time) return time_sql(column_sql(column));
  return fmt::format("CASE WHEN p.flags&{} THEN {} ELSE {} END", row_flag::time_apart,
                     time_sql(column_sql(column)), time_sql("p.time"));
}

std::string json_sql(const Column& column) {
  const std::string name = column_sql(column);
  switch (column.type) {
    case FieldType::string:
      return fmt::format("iif({0} IS NULL,NULL,json_quote({0}))", name);
    case FieldType::boolean:
      return fmt::format("CASE {} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END", name);
    case FieldType::timestamp:
      return "'\"'||" + time_column_sql(column) + "||'\"'";
    default:
      return name;  // numbers print as JSON does; arrays and any are JSON already
  }
}

std::string_view component(std::string_view path, std::size_t depth) {
  for (; depth > 0; --depth) path.remove_prefix(path.find('.') + 1);
  return path.substr(0, path.find('.'));
}

std::size_t components(std::string_view path) {
  return 1 + static_cast<std::size_t>(std::count(path.begin(), path.end(), '.'));
}

std::string key_sql(std::string_view key) {
  std::string json = ",";
  append_json_string(key, json);
  json += ':';
  return quoted_text(json);
}

// Members as ,"key":value; an absent value makes its whole piece null, and coalesce drops it.
std::string members_sql(std::span<const Column> columns, std::size_t depth) {
  std::string sql;
  for (std::size_t i = 0; i < columns.size();) {
    const std::string_view key = component(columns[i].path, depth);
    std::size_t end = i + 1;
    std::string piece;
    if (components(columns[i].path) == depth + 1) {
      piece = fmt::format("coalesce({}||{},'')", key_sql(key), json_sql(columns[i]));
    } else {
      while (end < columns.size() && components(columns[end].path) > depth + 1 &&
             component(columns[end].path, depth) == key) {
        ++end;
      }
      const auto inner = members_sql(columns.subspan(i, end - i), depth + 1);
      piece =
          fmt::format("coalesce({}||'{{'||nullif(substr({},2),'')||'}}','')", key_sql(key), inner);
    }
    if (!sql.empty()) sql += "||";
    sql += piece;
    i = end;
  }
  return sql.empty() ? "''" : sql;
}

std::string payload_sql(const Layout& layout) {
  if (layout.is_raw()) {
    return "CASE p.kind WHEN 0 THEN p.payload WHEN 1 THEN json_quote(p.payload)"
           " ELSE json_object('base64',p.payload) END";
  }
  const std::string json = fmt::format("'{{'||substr({},2)||'}}'", members_sql(layout.columns, 0));
  if (!layout.has_extra) return json;
  return fmt::format("json_patch({},coalesce(p.extra,'{{}}'))", json);
}

std::string retained_sql() { return fmt::format("(p.flags&{})<>0", row_flag::retained); }

bool is_column(std::span<const std::string> columns, std::string_view name) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const std::string& column) { return lower(column) == name; });
}

}  // namespace

std::string Layout::block() const {
  std::string name = "block";
  const auto is_taken = [&](const Column& column) { return lower(column.name) == name; };
  while (std::any_of(columns.begin(), columns.end(), is_taken)) name += '_';
  return name;
}

Layout layout_of(const Schema& schema) {
  Layout layout{schema.id(), schema.name(), schema.version().major, schema.version().minor, false,
                {}};
  for (const core::Node& node : schema.view().nodes) layout.has_extra |= node.extra_allowed;
  // SQLite compares names without regard to case; views add columns of their own.
  std::set<std::string> taken{"id",    "topic_id", "time",        "delay",  "flags",
                              "extra", "block",    "topic",       "rowid",  "_rowid_",
                              "oid",   "time_ns",  "received_at", "device", "retained"};
  for (std::size_t slot = 0; slot < schema.slots().size(); ++slot) {
    const SlotInfo& info = schema.slots()[slot];
    std::string name = info.path;
    while (!taken.insert(lower(name)).second) name += '_';
    layout.columns.push_back({info.path, name, info.type, slot == schema.view().time_slot});
  }
  return layout;
}

std::string_view to_text(FieldType type) noexcept {
  for (const auto& [known, name] : type_names) {
    if (known == type) return name;
  }
  return "any";
}

FieldType field_type_of(std::string_view text) noexcept {
  for (const auto& [type, name] : type_names) {
    if (name == text) return type;
  }
  return FieldType::any;
}

std::string quoted_name(std::string_view name) {
  std::string sql = "\"";
  for (char c : name) sql.append(c == '"' ? 2 : 1, c);
  return sql + '"';
}

std::string quoted_text(std::string_view text) {
  std::string sql = "'";
  for (char c : text) sql.append(c == '\'' ? 2 : 1, c);
  return sql + '\'';
}

std::string table_name(const Layout& layout, std::int64_t partition) {
  if (layout.is_raw()) return fmt::format("raw_p{}", partition);
  return fmt::format("{}_v{}_p{}", layout.schema_name, layout.major, partition);
}

std::string block_index_name(std::string_view table) {
  return fmt::format("{}_block_topic_time", table);
}

std::string topic_index_name(std::string_view table) { return fmt::format("{}_topic_time", table); }

std::string create_table_sql(const Layout& layout, const std::string& table) {
  std::string sql = fmt::format(
      "CREATE TABLE {} (id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, time INTEGER NOT NULL,"
      " delay INTEGER NOT NULL, flags INTEGER NOT NULL, {} INTEGER NOT NULL",
      quoted_name(table), layout.block());
  for (const Column& column : layout.columns) {
    sql += fmt::format(", {} {}", quoted_name(column.name), affinity(column.type));
  }
  if (layout.is_raw()) sql += ", kind INTEGER NOT NULL, payload TEXT NOT NULL";
  if (layout.has_extra) sql += ", extra TEXT";
  return sql + ")";
}

std::string insert_sql(std::string_view table, std::string_view source) {
  return fmt::format("INSERT OR FAIL INTO {} SELECT * FROM {}", quoted_name(table),
                     quoted_name(source));
}

std::string value_sql(const Column& column) {
  if (!column.is_time) return column_sql(column);
  return fmt::format("CASE WHEN p.flags&{} THEN {} ELSE p.time END", row_flag::time_apart,
                     column_sql(column));
}

std::string messages_arm(const Layout& layout, const std::string& table) {
  const std::string received = time_sql("(p.time+p.delay)");
  return fmt::format(
      "SELECT p.id AS id,t.topic AS topic,{} AS payload,{} AS timestamp,{} AS received_at,"
      "{} AS created_at,p.time AS time_ns,t.device AS device,{} AS retained"
      " FROM {} p JOIN topics t ON t.id=p.topic_id",
      payload_sql(layout), time_sql("p.time"), received, received, retained_sql(),
      quoted_name(table));
}

std::string schema_arm(const Layout& layout, const std::string& table,
                       std::span<const std::string> columns) {
  std::string sql = fmt::format("SELECT p.id AS id,t.topic AS topic,{} AS time,{} AS received_at",
                                time_sql("p.time"), time_sql("(p.time+p.delay)"));
  for (const std::string& name : columns) {
    const auto found = std::find_if(layout.columns.begin(), layout.columns.end(),
                                    [&](const Column& column) { return column.name == name; });
    std::string value = "NULL";
    if (found != layout.columns.end()) {
      value = found->type == FieldType::timestamp ? time_column_sql(*found) : column_sql(*found);
    }
    sql += fmt::format(",{} AS {}", value, quoted_name(name));
  }
  sql += layout.has_extra ? ",p.extra AS extra" : ",NULL AS extra";
  // A field of an older file may have the name.
  const auto free_name = [&](std::string name) {
    while (is_column(columns, name)) name += '_';
    return name;
  };
  return sql + fmt::format(
                   ",p.time AS time_ns,t.device AS {},{} AS {} FROM {} p JOIN topics t"
                   " ON t.id=p.topic_id",
                   free_name("device"), retained_sql(), free_name("retained"), quoted_name(table));
}

}  // namespace telemetry::sqlite
