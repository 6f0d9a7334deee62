// SPDX-License-Identifier: Apache-2.0
#include "erasure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "selection.hpp"

// A deletion may take half of the file, and one transaction of that size would fill the disk with
// its log. So it goes in parts, and the position in the journal moves with the last one: after a
// crash it begins again and finds what is left. Each part leaves a file that is true: `latest` is
// mended with it, `row_count` is exact, and the other bounds of partitions and blocks stay too wide
// at most. Tables go oldest first, so that few topics lose their newest row more than once.

namespace telemetry::sqlite {
namespace {

// Finding this many in the index is faster than reading all rows of a table.
constexpr std::size_t topics_by_index_max = 500;

/// Rows of which it is known how old they are; see Writer::count().
std::string age_is_known(const Layout& layout) {
  const bool has_time = std::ranges::any_of(layout.columns, &Column::is_time);
  return has_time ? fmt::format("(p.flags&{0}=0 OR p.flags&{1}=0)", row_flag::retained,
                                row_flag::time_apart)
                  : fmt::format("p.flags&{}=0", row_flag::retained);
}

/// What stands before the conditions on the rows of topic ?1, as alias p.
std::string rows_of_topic(const Partition& partition) {
  const std::string table = quoted_name(partition.table);
  if (partition.indexed) return table + " p WHERE p.topic_id=?1";
  return fmt::format(
      "blocks b CROSS JOIN {} p WHERE b.partition_id={} AND p.{}=b.block AND p.topic_id=?1", table,
      partition.id, partition.layout->block());
}

}  // namespace

bool Erasure::step(Catalogue& catalogue) {
  if (!begun_) begin(catalogue);
  begun_ = true;
  std::int64_t done = 0;
  while (!partitions_.empty() && done < rows_per_step_) {
    Partition* const partition = catalogue.partition(partitions_.back());
    at_end_ = true;
    const bool has_rows = partition != nullptr && partition->row_count > 0;
    if (const std::int64_t rows = has_rows ? erase(*partition, done) : 0; rows > 0) {
      deleted_ += rows;
      catalogue.deleted(database_, *partition, rows, deletion_.received_at);
      mend_latest(catalogue, *partition);
    }
    if (!at_end_) continue;
    partitions_.pop_back();
    read_id_ = 0;
  }
  return !partitions_.empty();
}

/// @param done  grows by what it costs
std::int64_t Erasure::erase(const Partition& partition, std::int64_t& done) {
  if (is_whole(partition)) {
    const std::int64_t rows = database_.exec("DELETE FROM " + quoted_name(partition.table));
    done += rows / 10;  // whole pages
    return rows;
  }
  if (partition.indexed && !all_topics_ && topics_ <= topics_by_index_max) {
    const std::int64_t rows = erase_by_topic(partition);
    done += rows;
    return rows;
  }
  done += rows_per_step_;
  return erase_by_id(partition);
}

void Erasure::begin(const Catalogue& catalogue) {
  Selection selection;
  selection.topics = deletion_.topics;
  selection.devices = deletion_.devices;
  const ChosenTopics chosen = choose_topics(database_, selection);
  all_topics_ = chosen.all;
  topics_ = chosen.count;
  if (!all_topics_ && topics_ == 0) return;
  const auto& schemas = deletion_.schemas;
  for (const Partition& partition : catalogue.partitions()) {
    const std::string& name = partition.layout->schema_name;
    const bool of_schema = schemas.empty() || std::ranges::find(schemas, name) != schemas.end();
    if (of_schema && partition.row_count > 0 && partition.time_max >= deletion_.since &&
        partition.time_min < deletion_.until &&
        static_cast<std::uint64_t>(partition.first_id) < deletion_.sequence) {
      partitions_.push_back(partition.id);
    }
  }
  std::ranges::reverse(partitions_);
}

bool Erasure::is_whole(const Partition& partition) {
  if (partition.time_min < deletion_.since || partition.time_max >= deletion_.until ||
      static_cast<std::uint64_t>(partition.last_id) >= deletion_.sequence) {
    return false;
  }
  if (all_topics_) return true;
  SQLite::Statement others(
      database_, fmt::format("SELECT 1 FROM {} WHERE topic_id NOT IN (SELECT id FROM temp.chosen)"
                             " LIMIT 1",
                             quoted_name(partition.table)));
  return !others.executeStep();
}

void Erasure::bind_range(SQLite::Statement& statement) const {
  statement.bind(1, deletion_.since);
  statement.bind(2, deletion_.until);
  statement.bind(3, static_cast<std::int64_t>(deletion_.sequence));
}

std::int64_t Erasure::erase_by_topic(const Partition& partition) {
  const std::string table = quoted_name(partition.table);
  SQLite::Statement erase(
      database_,
      fmt::format("DELETE FROM {0} WHERE id IN (SELECT id FROM {0} INDEXED BY {1} WHERE topic_id IN"
                  " (SELECT id FROM temp.chosen) AND time>=?1 AND time<?2 AND id<?3 LIMIT {2})",
                  table, quoted_name(topic_index_name(partition.table)), rows_per_step_));
  bind_range(erase);
  const std::int64_t rows = erase.exec();
  at_end_ = rows < rows_per_step_;
  return rows;
}

std::int64_t Erasure::erase_by_id(const Partition& partition) {
  const std::string table = quoted_name(partition.table);
  SQLite::Statement stretch(
      database_, fmt::format("SELECT max(id), count(*) FROM (SELECT id FROM {} WHERE id>? ORDER BY"
                             " id LIMIT {})",
                             table, rows_per_step_));
  stretch.bind(1, read_id_);
  stretch.executeStep();
  at_end_ = stretch.getColumn(1).getInt64() < rows_per_step_;
  if (stretch.getColumn(1).getInt64() == 0) return 0;
  const std::int64_t last = stretch.getColumn(0).getInt64();
  SQLite::Statement erase(
      database_,
      fmt::format("DELETE FROM {} WHERE id>?4 AND id<=?5 AND id<?3 AND +time>=?1 AND +time<?2{}",
                  table, all_topics_ ? "" : " AND +topic_id IN (SELECT id FROM temp.chosen)"));
  bind_range(erase);
  erase.bind(4, read_id_);
  erase.bind(5, last);
  read_id_ = last;
  return erase.exec();
}

/// Of the topics whose newest row was one of those that have just gone from this partition.
void Erasure::mend_latest(const Catalogue& catalogue, const Partition& partition) {
  std::vector<std::int64_t> topics;
  SQLite::Statement gone(
      database_,
      fmt::format("SELECT l.topic_id FROM {} WHERE l.partition_id={} AND NOT EXISTS"
                  " (SELECT 1 FROM {} p WHERE p.id=l.id)",
                  all_topics_ ? "latest l" : "temp.chosen c CROSS JOIN latest l ON l.topic_id=c.id",
                  partition.id, quoted_name(partition.table)));
  while (gone.executeStep()) topics.push_back(gone.getColumn(0).getInt64());
  if (topics.empty()) return;
  std::vector<const Partition*> partitions;  // newest first
  for (const Partition& other : catalogue.partitions()) {
    if (other.row_count > 0) partitions.push_back(&other);
  }
  std::ranges::sort(partitions, std::greater(), &Partition::time_max);
  for (const std::int64_t topic : topics) mend_latest(partitions, topic);
}

void Erasure::mend_latest(const std::vector<const Partition*>& partitions, std::int64_t topic) {
  std::int64_t time = INT64_MIN, id = 0, partition_id = 0;
  const auto look = [&](const Partition& partition, const std::string& sql, bool known) {
    SQLite::Statement select(database_, sql);
    select.bind(1, topic);
    if (!select.executeStep() || select.getColumn(0).isNull()) return;
    const std::int64_t found_id = select.getColumn(0).getInt64();
    const std::int64_t found = known ? select.getColumn(1).getInt64() : INT64_MIN;
    if (id != 0 && (found < time || (found == time && found_id < id))) return;
    time = found;
    id = found_id;
    partition_id = partition.id;
  };
  for (const Partition* partition : partitions) {
    if (id != 0 && partition->time_max < time) break;
    look(*partition,
         fmt::format("SELECT p.id, p.time FROM {} AND {} ORDER BY p.time DESC, p.id DESC LIMIT 1",
                     rows_of_topic(*partition), age_is_known(*partition->layout)),
         true);
  }
  for (const Partition* partition : partitions) {
    if (time > INT64_MIN) break;  // rows of unknown age are older than all others
    look(*partition, "SELECT max(p.id) FROM " + rows_of_topic(*partition), false);
  }
  SQLite::Statement save(database_, id == 0 ? "DELETE FROM latest WHERE topic_id=?1"
                                            : "UPDATE latest SET time=?2, id=?3, partition_id=?4"
                                              " WHERE topic_id=?1");
  save.bind(1, topic);
  if (id != 0) {
    save.bind(2, time);
    save.bind(3, id);
    save.bind(4, partition_id);
  }
  save.exec();
}

}  // namespace telemetry::sqlite
