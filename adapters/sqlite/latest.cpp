// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "catalogue.hpp"
#include "reader.hpp"
#include "rows.hpp"
#include "selection.hpp"

namespace telemetry::sqlite {
namespace {

constexpr std::int64_t topics_per_page = 1000;

/// The newest rows, a page of topics at a time. Conditions are asked of the rows, of which there
/// are few, not of SQL.
class LatestRun {
 public:
  LatestRun(Reader& reader, const Latest& latest)
      : reader_(reader),
        database_(reader.database()),
        latest_(latest),
        plan_(reader, latest),
        left_(latest.limit == 0 ? UINT64_MAX : latest.limit) {}
  Result<void> run(const RowVisitor& visit);

 private:
  struct Found {
    std::string topic, device;
    std::int64_t id;
    std::int64_t partition;
  };
  struct Lookup {
    std::shared_ptr<const Catalogue> catalogue;  // source, and rows in the buffer, point into it
    Source source;
    Statement statement;
  };
  std::vector<Found> next_page(std::string& topic);
  Lookup* lookup_for(std::int64_t partition);
  bool show(const Row& row, const RowVisitor& visit);

  Reader& reader_;
  SQLite::Database& database_;
  const Latest& latest_;
  Plan plan_;
  std::uint64_t left_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::map<std::int64_t, Lookup> lookups_;
  RowBuffer buffer_;
};

// Topics behind `topic`, which moves on; it becomes empty after the last page.
std::vector<LatestRun::Found> LatestRun::next_page(std::string& topic) {
  SQLite::Statement select(
      database_,
      std::string("SELECT t.topic, t.device, l.id, l.partition_id FROM ") + plan_.topics_table() +
          " t JOIN latest l ON l.topic_id=t.id WHERE t.topic>?1 ORDER BY t.topic LIMIT ?2");
  select.bind(1, topic);
  select.bind(2, topics_per_page);
  std::vector<Found> page;
  while (select.executeStep()) {
    page.push_back({select.getColumn(0).getString(), select.getColumn(1).getString(),
                    select.getColumn(2).getInt64(), select.getColumn(3).getInt64()});
  }
  topic.clear();
  if (page.size() == static_cast<std::size_t>(topics_per_page)) topic = page.back().topic;
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
  Statement statement(
      database_, select_sql(source) + " FROM " + quoted_name(found->table) + " p WHERE p.id=?1");
  return &lookups_.emplace(id, Lookup{catalogue_, std::move(source), std::move(statement)})
              .first->second;
}

bool LatestRun::show(const Row& row, const RowVisitor& visit) {
  if (!is_selected(latest_, row)) return true;
  const auto& fields = latest_.fields;
  if (fields.empty()) return visit(row) && --left_ > 0;
  Row chosen = row;
  std::erase_if(chosen.fields, [&](const Field& field) {
    return std::ranges::none_of(
        fields, [&](const std::string& name) { return is_field_or_member(field.path, name); });
  });
  if (std::ranges::find(fields, "extra") == fields.end()) chosen.extra = {};
  return visit(chosen) && --left_ > 0;
}

Result<void> LatestRun::run(const RowVisitor& visit) {
  if (auto ready = plan_.prepare(latest_.fields); !ready) return ready;
  if (plan_.topics() == Plan::Topics::none) return {};
  if (plan_.topics() != Plan::Topics::all) {
    database_.exec("CREATE INDEX IF NOT EXISTS temp.chosen_topic ON chosen (topic)");
  }
  catalogue_ = plan_.catalogue();
  std::string topic = latest_.after;
  bool more = true;
  do {
    buffer_.clear();
    SQLite::Transaction snapshot(database_);
    for (const Found& found : next_page(topic)) {
      Lookup* lookup = lookup_for(found.partition);
      if (lookup == nullptr) continue;
      lookup->statement.bind(1, found.id);
      if (lookup->statement.step()) {
        buffer_.add(lookup->source, lookup->statement, found.topic, found.device);
      }
      lookup->statement.reset();
    }
    snapshot.commit();
    more = buffer_.visit([&](const Row& row) { return show(row, visit); }, UINT64_MAX);
  } while (more && !topic.empty());
  return {};
}

}  // namespace

Result<void> run_latest(Reader& reader, const Latest& latest, const RowVisitor& visit) {
  return LatestRun(reader, latest).run(visit);
}

}  // namespace telemetry::sqlite
