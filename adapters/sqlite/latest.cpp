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
        latest_(latest),
        plan_(reader, latest),
        left_(latest.limit == 0 ? UINT64_MAX : latest.limit) {}
  ~LatestRun() {
    for (auto& [id, lookup] : lookups_) reader_.give_back(std::move(lookup.statement));
  }
  LatestRun(const LatestRun&) = delete;
  LatestRun& operator=(const LatestRun&) = delete;
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
  Result<Lookup*> lookup_for(std::int64_t partition);
  Result<void> fill(std::string& topic);
  bool show(const Row& row, const RowVisitor& visit);

  Reader& reader_;
  const Latest& latest_;
  Plan plan_;
  std::uint64_t left_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::map<std::int64_t, Lookup> lookups_;
  std::vector<Found> page_;  // rows in the buffer point into it
  RowBuffer buffer_;
};

// Topics behind `topic`, which moves on; it becomes empty after the last page.
std::vector<LatestRun::Found> LatestRun::next_page(std::string& topic) {
  const bool one = plan_.topics() == Plan::Topics::one;
  KeptStatement select(
      reader_, std::string("SELECT t.topic, t.device, l.id, l.partition_id FROM ") +
                   plan_.topics_table() + " t JOIN latest l ON l.topic_id=t.id WHERE t.topic>?1" +
                   (one ? " AND t.id=?3" : " ORDER BY t.topic") + " LIMIT ?2");
  select->bind(1, topic);
  select->bind(2, topics_per_page);
  if (one) select->bind(3, plan_.topic_id());
  std::vector<Found> page;
  while (select->step()) {
    page.push_back({std::string(select->text(0)), std::string(select->text(1)), select->integer(2),
                    select->integer(3)});
  }
  topic.clear();
  if (page.size() == static_cast<std::size_t>(topics_per_page)) topic = page.back().topic;
  return page;
}

// Null when the partition is gone.
Result<LatestRun::Lookup*> LatestRun::lookup_for(std::int64_t id) {
  const auto known = lookups_.find(id);
  if (known != lookups_.end()) return &known->second;
  const Partition* found = catalogue_->partition(id);
  if (found == nullptr) {  // made since the catalogue was read
    auto catalogue = reader_.catalogue();
    if (!catalogue) return catalogue.error();
    catalogue_ = *std::move(catalogue);
    found = catalogue_->partition(id);
    if (found == nullptr) return nullptr;
  }
  Source source;
  source.partition = found;
  for (const Column& column : found->layout->columns) source.columns.push_back(&column);
  Statement statement =
      reader_.take(select_sql(source) + " FROM " + quoted_name(found->table) + " p WHERE p.id=?1");
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

Result<void> LatestRun::fill(std::string& topic) {
  buffer_.clear();
  const Snapshot snapshot(reader_);
  page_ = next_page(topic);
  for (const Found& found : page_) {
    auto known = lookup_for(found.partition);
    if (!known) return known.error();
    Lookup* const lookup = *known;
    if (lookup == nullptr) continue;
    lookup->statement.bind(1, found.id);
    if (lookup->statement.step()) {
      buffer_.add(lookup->source, lookup->statement, found.topic, found.device);
    }
    lookup->statement.reset();
  }
  return {};
}

Result<void> LatestRun::run(const RowVisitor& visit) {
  if (auto ready = plan_.prepare(latest_.fields); !ready) return ready;
  if (plan_.topics() == Plan::Topics::none) return {};
  if (plan_.topics() == Plan::Topics::chosen) {
    reader_.database().exec("CREATE INDEX IF NOT EXISTS temp.chosen_topic ON chosen (topic)");
  }
  catalogue_ = plan_.catalogue();
  std::string topic = latest_.after;
  bool more = true;
  do {
    if (auto filled = fill(topic); !filled) return filled;
    more = buffer_.visit([&](const Row& row) { return show(row, visit); });
  } while (more && !topic.empty());
  return {};
}

}  // namespace

Result<void> run_latest(Reader& reader, const Latest& latest, const RowVisitor& visit) {
  return LatestRun(reader, latest).run(visit);
}

}  // namespace telemetry::sqlite
