// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "catalogue.hpp"
#include "condition.hpp"
#include "reader.hpp"
#include "rows.hpp"
#include "telemetry/core/topic.hpp"

namespace telemetry::sqlite {

namespace {

constexpr std::int64_t topics_per_page = 1000;
constexpr const char* device_sql = "(SELECT device FROM topics WHERE topic=?2)";

/// The newest rows, a page of topics at a time.
class LatestRun {
 public:
  LatestRun(Reader& reader, std::string_view filter)
      : reader_(reader), database_(reader.database()), filter_(filter) {}
  void run(const RowVisitor& visit);

 private:
  struct Found {
    std::string topic;
    std::int64_t id;
    std::int64_t partition;
  };
  struct Lookup {
    std::shared_ptr<const Catalogue> catalogue;  // source, and rows in the buffer, point into it
    Source source;
    SQLite::Statement statement;
  };
  std::vector<Found> next_page(std::string& topic);
  Lookup* lookup_for(std::int64_t partition);

  Reader& reader_;
  SQLite::Database& database_;
  std::string_view filter_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::map<std::int64_t, Lookup> lookups_;
  RowBuffer buffer_;
};

// Matching topics behind `topic`, which moves on; it becomes empty after the last page.
std::vector<LatestRun::Found> LatestRun::next_page(std::string& topic) {
  const bool exact = filter_.find_first_of("+#") == std::string_view::npos;
  SQLite::Statement select(
      database_, std::string("SELECT t.topic, l.id, l.partition_id FROM topics t JOIN latest l ON"
                             " l.topic_id = t.id WHERE ") +
                     (exact ? "t.topic = ?1 LIMIT ?2" : "t.topic > ?1 ORDER BY t.topic LIMIT ?2"));
  select.bind(1, exact ? std::string(filter_) : topic);
  select.bind(2, topics_per_page);
  topic.clear();
  std::vector<Found> page;
  std::int64_t seen = 0;
  while (select.executeStep()) {
    std::string name = select.getColumn(0).getString();
    if (++seen == topics_per_page) topic = name;
    if (!core::topic_matches(filter_, name)) continue;
    page.push_back(
        {std::move(name), select.getColumn(1).getInt64(), select.getColumn(2).getInt64()});
  }
  return page;
}

LatestRun::Lookup* LatestRun::lookup_for(std::int64_t id) {
  const auto known = lookups_.find(id);
  if (known != lookups_.end()) return &known->second;
  const Partition* found = catalogue_->partition(id);
  if (found == nullptr) {  // made since the catalogue was read
    catalogue_ = reader_.catalogue();
    found = catalogue_->partition(id);
    if (found == nullptr) return nullptr;
  }
  Source source;
  source.partition = found;
  for (const Column& column : found->layout->columns) source.columns.push_back(&column);
  SQLite::Statement statement(database_, select_sql(source, "?2", device_sql) + " FROM " +
                                             quoted_name(found->table) + " p WHERE p.id=?1");
  return &lookups_.emplace(id, Lookup{catalogue_, std::move(source), std::move(statement)})
              .first->second;
}

void LatestRun::run(const RowVisitor& visit) {
  std::string topic;
  do {
    buffer_.clear();
    SQLite::Transaction snapshot(database_);
    if (catalogue_ == nullptr) catalogue_ = reader_.catalogue();
    for (const Found& found : next_page(topic)) {
      Lookup* lookup = lookup_for(found.partition);
      if (lookup == nullptr) continue;
      lookup->statement.bind(1, found.id);
      lookup->statement.bind(2, found.topic);
      if (lookup->statement.executeStep()) buffer_.add(lookup->source, lookup->statement);
      lookup->statement.reset();
    }
    snapshot.commit();
    if (!buffer_.visit(visit, UINT64_MAX)) return;
  } while (!topic.empty());
}

}  // namespace

void run_latest(Reader& reader, std::string_view topic_filter, const RowVisitor& visit) {
  LatestRun(reader, core::without_share(topic_filter)).run(visit);
}

}  // namespace telemetry::sqlite
