// SPDX-License-Identifier: Apache-2.0
#include "catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "migration.hpp"

namespace telemetry::sqlite {

namespace {

constexpr std::size_t doubling_from = 300;
constexpr std::size_t doubling_every = 5;
constexpr std::int64_t indexed_rows_max = 1'000'000;
// SQLite refuses more than 500 arms of one UNION; views of views do not count together.
constexpr std::size_t view_arms_max = 100;

std::string joined(std::span<const std::string> arms) {
  return fmt::format("{}", fmt::join(arms, "\nUNION ALL "));
}

void create_view(SQLite::Database& database, const std::string& name, const std::string& select) {
  database.exec("CREATE VIEW " + quoted_name(name) + " AS " + select);
  database.exec(fmt::format("INSERT INTO views VALUES ({})", quoted_text(name)));
}

void create_union(SQLite::Database& database, const std::string& name,
                  const std::vector<std::string>& arms) {
  std::vector<std::string> top;
  if (arms.size() <= view_arms_max) {
    top = arms;
  } else {
    for (std::size_t at = 0; at < arms.size(); at += view_arms_max) {
      const std::string part = fmt::format("{}_part_{}", name, top.size());
      const auto count = std::min(view_arms_max, arms.size() - at);
      create_view(database, part, joined(std::span(arms).subspan(at, count)));
      top.push_back("SELECT * FROM " + quoted_name(part));
    }
  }
  create_view(database, name, joined(top));
}

/// `statistics` as ANALYZE would write them; see migration 002.
void create_index(SQLite::Database& database, std::string_view table, std::string_view index,
                  std::string_view columns, std::string_view statistics) {
  database.exec(
      fmt::format("CREATE INDEX {} ON {} ({})", quoted_name(index), quoted_name(table), columns));
  database.exec(fmt::format("INSERT INTO sqlite_stat1 VALUES ({}, {}, {})", quoted_text(table),
                            quoted_text(index), quoted_text(statistics)));
}

void drop_views(SQLite::Database& database) {
  std::vector<std::string> names;
  SQLite::Statement views(database, "SELECT name FROM views");
  while (views.executeStep()) names.push_back(views.getColumn(0).getString());
  views.reset();
  for (const std::string& name : names) database.exec("DROP VIEW IF EXISTS " + quoted_name(name));
  database.exec("DELETE FROM views");
}

}  // namespace

void Extent::count(std::int64_t row_id, std::int64_t time) noexcept {
  if (row_count++ == 0) {
    first_id = last_id = row_id;
    time_min = time_max = time;
  } else {
    first_id = std::min(first_id, row_id);
    last_id = std::max(last_id, row_id);
    time_min = std::min(time_min, time);
    time_max = std::max(time_max, time);
  }
}

void Partition::count(std::int64_t row_id, std::int64_t time, std::int64_t received_at) {
  if (row_count == 0) received_min = received_max = received_at;
  received_min = std::min(received_min, received_at);
  received_max = std::max(received_max, received_at);
  blocks_changed[block_of(row_count)].count(row_id, time);
  Extent::count(row_id, time);
  changed = true;
}

std::int64_t partition_capacity(std::uint64_t partition_rows, std::size_t partitions) noexcept {
  const auto rows = static_cast<std::int64_t>(std::min<std::uint64_t>(partition_rows, 1ull << 40));
  if (partitions < doubling_from) return rows;
  const std::size_t doublings =
      std::min<std::size_t>(1 + (partitions - doubling_from) / doubling_every, 20);
  return rows << doublings;
}

void Catalogue::load(SQLite::Database& database) {
  layouts_.clear();
  partitions_.clear();
  views_stale_ = false;
  SQLite::Statement schemas(database, "SELECT id, name, major, minor, extra FROM schemas");
  while (schemas.executeStep()) {
    const auto id = static_cast<std::uint64_t>(schemas.getColumn(0).getInt64());
    layouts_[id] = {id,
                    schemas.getColumn(1).getString(),
                    schemas.getColumn(2).getUInt(),
                    schemas.getColumn(3).getUInt(),
                    schemas.getColumn(4).getInt() != 0,
                    {}};
  }
  SQLite::Statement columns(
      database,
      "SELECT schema_id, path, name, type, is_time FROM columns ORDER BY schema_id, slot");
  while (columns.executeStep()) {
    layouts_[static_cast<std::uint64_t>(columns.getColumn(0).getInt64())].columns.push_back(
        {columns.getColumn(1).getString(), columns.getColumn(2).getString(),
         field_type_of(columns.getColumn(3).getString()), columns.getColumn(4).getInt() != 0});
  }
  const int version = stored_version(database);
  has_blocks_ = version >= 3;
  SQLite::Statement rows(
      database, fmt::format("SELECT id, table_name, schema_id, row_count, first_id, last_id,"
                            " time_min, time_max, received_min, received_max, open, {}, {}"
                            " FROM partitions ORDER BY id",
                            has_blocks_ ? "indexed" : "1", version >= 5 ? "emptied" : "0"));
  while (rows.executeStep()) {
    const auto schema = static_cast<std::uint64_t>(rows.getColumn(2).getInt64());
    Partition& partition = partitions_.emplace_back();
    partition.id = rows.getColumn(0).getInt64();
    partition.table = rows.getColumn(1).getString();
    partition.layout = schema == 0 ? &raw_ : &layouts_[schema];
    partition.row_count = rows.getColumn(3).getInt64();
    partition.first_id = rows.getColumn(4).getInt64();
    partition.last_id = rows.getColumn(5).getInt64();
    partition.time_min = rows.getColumn(6).getInt64();
    partition.time_max = rows.getColumn(7).getInt64();
    partition.received_min = rows.getColumn(8).getInt64();
    partition.received_max = rows.getColumn(9).getInt64();
    partition.open = rows.getColumn(10).getInt() != 0;
    partition.indexed = rows.getColumn(11).getInt() != 0;
    partition.emptied = rows.getColumn(12).getInt64();
  }
}

void Catalogue::check_views(SQLite::Database& database) {
  // By their text: this connection may not use the functions in them.
  const auto newest =
      "SELECT count(*) FROM sqlite_schema WHERE name IN ('messages', 'messages_part_0')"
      " AND instr(sql, ' AS retained FROM')";
  views_stale_ = !partitions_.empty() && database.execAndGet(newest).getInt() == 0;
}

const Partition* Catalogue::partition(std::int64_t id) const noexcept {
  const auto found = std::find_if(partitions_.begin(), partitions_.end(),
                                  [&](const Partition& entry) { return entry.id == id; });
  return found == partitions_.end() ? nullptr : &*found;
}

std::int64_t Catalogue::last_id() const noexcept {
  std::int64_t last = 0;
  for (const Partition& partition : partitions_) {
    if (partition.row_count > 0) last = std::max(last, partition.last_id);
  }
  return last;
}

Partition* Catalogue::open_partition(std::uint64_t schema_id) noexcept {
  for (Partition& partition : partitions_) {
    if (partition.open && partition.layout->schema_id == schema_id) return &partition;
  }
  return nullptr;
}

const Layout& Catalogue::layout_for(SQLite::Database& database, const Schema* schema) {
  if (schema == nullptr) return raw_;
  const auto known = layouts_.find(schema->id());
  if (known != layouts_.end()) return known->second;
  const Layout& layout = layouts_.emplace(schema->id(), layout_of(*schema)).first->second;
  const auto id = static_cast<std::int64_t>(layout.schema_id);
  SQLite::Statement insert(database, "INSERT INTO schemas VALUES (?,?,?,?,?,?)");
  insert.bind(1, id);
  insert.bind(2, layout.schema_name);
  insert.bind(3, layout.major);
  insert.bind(4, layout.minor);
  insert.bind(5, layout.has_extra ? 1 : 0);
  insert.bind(6, schema->document());
  insert.exec();
  SQLite::Statement column(database, "INSERT INTO columns VALUES (?,?,?,?,?,?)");
  for (std::size_t slot = 0; slot < layout.columns.size(); ++slot) {
    const Column& entry = layout.columns[slot];
    column.bind(1, id);
    column.bind(2, static_cast<std::int64_t>(slot));
    column.bind(3, entry.path);
    column.bind(4, entry.name);
    column.bind(5, std::string(to_text(entry.type)));
    column.bind(6, entry.is_time ? 1 : 0);
    column.exec();
    column.reset();
  }
  return layout;
}

Partition& Catalogue::add_partition(SQLite::Database& database, const Schema* schema) {
  const Layout& layout = layout_for(database, schema);
  Partition partition;
  partition.id = partitions_.empty() ? 1 : partitions_.back().id + 1;
  partition.layout = &layout;
  partition.table = table_name(layout, partition.id);
  partition.open = true;
  database.exec(create_table_sql(layout, partition.table));
  create_index(database, partition.table, block_index_name(partition.table),
               layout.block() + ", topic_id, time", "500000 16384 16 1");
  SQLite::Statement insert(database,
                           "INSERT INTO partitions (id, table_name, schema_id, schema_name, major,"
                           " row_count, open, indexed) VALUES (?,?,?,?,?,0,1,0)");
  insert.bind(1, partition.id);
  insert.bind(2, partition.table);
  insert.bind(3, static_cast<std::int64_t>(layout.schema_id));
  insert.bind(4, layout.schema_name);
  insert.bind(5, layout.major);
  insert.exec();
  views_stale_ = true;
  return partitions_.emplace_back(std::move(partition));
}

void Catalogue::close(Partition& partition) noexcept {
  partition.open = false;
  partition.changed = true;
}

void Catalogue::deleted(SQLite::Database& database, Partition& partition, std::int64_t rows,
                        std::int64_t now) {
  partition.row_count -= rows;
  partition.changed = true;
  if (partition.row_count > 0) return;
  database.exec(fmt::format("DELETE FROM blocks WHERE partition_id = {}", partition.id));
  if (!partition.open) partition.emptied = now;
}

void Catalogue::drop_emptied(SQLite::Database& database, std::int64_t before) {
  bool dropped = false;
  for (const Partition& partition : partitions_) {
    if (partition.emptied == 0 || partition.emptied > before) continue;
    dropped = true;
    database.exec("DROP TABLE " + quoted_name(partition.table));
    database.exec(
        fmt::format("DELETE FROM sqlite_stat1 WHERE tbl = {};"
                    "DELETE FROM partitions WHERE id = {}",
                    quoted_text(partition.table), partition.id));
  }
  if (!dropped) return;
  load(database);
  views_stale_ = true;
}

void Catalogue::save(SQLite::Database& database) {
  SQLite::Statement update(database,
                           "UPDATE partitions SET row_count=?2, first_id=?3, last_id=?4,"
                           " time_min=?5, time_max=?6, received_min=?7, received_max=?8, open=?9,"
                           " emptied=?10 WHERE id=?1");
  SQLite::Statement block(database,
                          "INSERT INTO blocks VALUES (?1,?2,?3,?4,?5,?6)"
                          " ON CONFLICT (partition_id, block) DO UPDATE SET"
                          " first_id=min(first_id,?3), last_id=max(last_id,?4),"
                          " time_min=min(time_min,?5), time_max=max(time_max,?6)");
  for (Partition& partition : partitions_) {
    if (!partition.changed) continue;
    update.bind(1, partition.id);
    update.bind(2, partition.row_count);
    update.bind(3, partition.first_id);
    update.bind(4, partition.last_id);
    update.bind(5, partition.time_min);
    update.bind(6, partition.time_max);
    update.bind(7, partition.received_min);
    update.bind(8, partition.received_max);
    update.bind(9, partition.open ? 1 : 0);
    update.bind(10, partition.emptied);
    update.exec();
    update.reset();
    for (const auto& [number, extent] : partition.blocks_changed) {
      block.bind(1, partition.id);
      block.bind(2, number);
      block.bind(3, extent.first_id);
      block.bind(4, extent.last_id);
      block.bind(5, extent.time_min);
      block.bind(6, extent.time_max);
      block.exec();
      block.reset();
    }
    partition.blocks_changed.clear();
    partition.changed = false;
  }
  if (views_stale_) rebuild_views(database);
  views_stale_ = false;
}

Partition* Catalogue::closed_by_block() noexcept {
  const auto found =
      std::find_if(partitions_.begin(), partitions_.end(), [](const Partition& entry) {
        return !entry.open && !entry.indexed && entry.row_count > 0 &&
               entry.row_count <= indexed_rows_max;
      });
  return found == partitions_.end() ? nullptr : &*found;
}

void Catalogue::index(SQLite::Database& database, Partition& partition) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  // First the old one, whose pages the new one then takes.
  database.exec("DROP INDEX " + quoted_name(block_index_name(partition.table)));
  create_index(database, partition.table, topic_index_name(partition.table), "topic_id, time",
               "500000 50 1");
  database.exec(fmt::format("UPDATE partitions SET indexed = 1 WHERE id = {}", partition.id));
  transaction.commit();
  partition.indexed = true;
}

void Catalogue::rebuild_views(SQLite::Database& database) const {
  drop_views(database);
  std::vector<std::string> messages;
  std::map<std::pair<std::string, std::uint32_t>, std::vector<const Partition*>> by_major;
  for (const Partition& partition : partitions_) {
    messages.push_back(messages_arm(*partition.layout, partition.table));
    if (!partition.layout->is_raw()) {
      by_major[{partition.layout->schema_name, partition.layout->major}].push_back(&partition);
    }
  }
  if (messages.empty()) {
    messages.push_back(
        "SELECT 0 AS id,'' AS topic,'' AS payload,'' AS timestamp,'' AS received_at,"
        "'' AS created_at,0 AS time_ns,'' AS device,0 AS retained FROM partitions WHERE 0");
  }
  create_union(database, "messages", messages);

  std::set<std::string> taken;  // names that differ only in case are the same to SQLite
  for (const auto& [key, partitions] : by_major) {
    std::vector<std::string> columns;  // the newest document's order, then what older ones had
    for (auto it = partitions.rbegin(); it != partitions.rend(); ++it) {
      for (const Column& column : (*it)->layout->columns) {
        const auto known = std::find(columns.begin(), columns.end(), column.name);
        if (known == columns.end()) columns.push_back(column.name);
      }
    }
    std::vector<std::string> arms;
    for (const Partition* partition : partitions) {
      arms.push_back(schema_arm(*partition->layout, partition->table, columns));
    }
    std::string name = fmt::format("{}_v{}", key.first, key.second);
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!taken.insert(lower).second) name += fmt::format("_{}", partitions.front()->id);
    create_union(database, name, arms);
  }
}

}  // namespace telemetry::sqlite
