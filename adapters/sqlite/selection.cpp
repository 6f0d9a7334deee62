// SPDX-License-Identifier: Apache-2.0
#include "selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "telemetry/core/topic.hpp"

namespace telemetry::sqlite {
namespace {

// With more topics than this, reading all rows of a block is faster than finding each topic in it.
constexpr std::size_t topics_by_index_max = 500;

Error unknown(std::string_view what, std::string_view name,
              const std::vector<std::string_view>& known) {
  const std::string_view near = nearest(name, known);
  if (!near.empty()) {
    return {Errc::invalid_argument,
            fmt::format("unknown {} '{}': did you mean '{}'?", what, name, near)};
  }
  return {Errc::invalid_argument,
          fmt::format("unknown {} '{}': stored ones are {}", what, name, fmt::join(known, ", "))};
}

/// The path in the same object, or of an object in it, whose name is the nearest; empty when none
/// is near.
std::string_view nearest_sibling(std::string_view path,
                                 const std::vector<std::string_view>& known) {
  const std::size_t name_at = path.rfind('.') + 1;
  std::vector<std::string_view> names;
  for (const std::string_view other : known) {
    if (!other.starts_with(path.substr(0, name_at))) continue;
    const std::string_view rest = other.substr(name_at);
    names.push_back(rest.substr(0, rest.find('.')));
    names.push_back(rest);
  }
  const std::string_view near = nearest(path.substr(name_at), names);
  return near.empty() ? near : std::string_view(near.data() - name_at, near.size() + name_at);
}

bool is_of_every_row(std::string_view field) {
  return field == "timestamp" || field == "received_at" || field == "retained" ||
         field == "extra" || field == "payload" || field == "schema";
}

/// A condition of topics alone, asked of one.
bool is_met(const Condition& condition, std::string_view topic, std::string_view device) {
  const auto met = evaluate(condition, [&](const Condition& leaf) {
    if (leaf.field == "topic") return leaf_meets_text(leaf, topic);
    if (!device.empty()) return leaf_meets_text(leaf, device);
    return leaf.kind == Condition::Kind::is_null ? Truth::yes : Truth::unknown;
  });
  return met == Truth::yes;
}

}  // namespace

const TopicNames::Name& TopicNames::of(std::int64_t id) {
  const auto [known, added] = names_.try_emplace(id);
  if (added) {
    KeptStatement select(reader_, "SELECT topic, device FROM topics WHERE id=?1");
    select->bind(1, id);
    if (select->step()) {
      known->second.topic = select->text(0);
      known->second.device = select->text(1);
    }
  }
  return known->second;
}

TopicRange range_of(std::string_view filter) {
  const std::size_t wild = filter.find_first_of("+#");
  if (wild == std::string_view::npos) return {std::string(filter), std::string(filter) + '\0'};
  // `a/#` has the topic a, all others stand behind `a/`; between the two is what begins with a and
  // a character before the slash, which topic_matches() sorts out.
  const std::size_t prefix = filter[wild] == '#' && wild > 0 ? wild - 1 : wild;
  TopicRange range{std::string(filter.substr(0, prefix)), std::string(filter.substr(0, wild))};
  if (range.end.empty()) return range;
  range.end.back() = '/' + 1;
  return range;
}

namespace {

bool is_wanted(const Selection& selection, std::string_view topic, std::string_view device) {
  const auto& devices = selection.devices;
  if (!devices.empty() && std::ranges::find(devices, device) == devices.end()) return false;
  return std::ranges::all_of(selection.where, [&](const Condition& condition) {
    return !condition.is_all_of_topic() || is_met(condition, topic, device);
  });
}

void choose_matching(SQLite::Database& database, const Selection& selection,
                     const std::string& filter, ChosenTopics& chosen) {
  const TopicRange range = range_of(filter);
  SQLite::Statement insert(database, "INSERT OR IGNORE INTO temp.chosen VALUES (?, ?, ?)");
  SQLite::Statement select(
      database, range.end.empty()
                    ? "SELECT id, topic, device FROM topics"
                    : "SELECT id, topic, device FROM topics WHERE topic>=?1 AND topic<?2");
  if (!range.end.empty()) {
    select.bind(1, range.begin);
    select.bind(2, range.end);
  }
  while (select.executeStep()) {
    const std::string topic = select.getColumn(1).getString();
    const std::string device = select.getColumn(2).getString();
    if (!core::topic_matches(filter, topic) || !is_wanted(selection, topic, device)) continue;
    insert.bind(1, select.getColumn(0).getInt64());
    insert.bind(2, topic);
    insert.bind(3, device);
    if (insert.exec() > 0) {
      chosen.last_id = select.getColumn(0).getInt64();
      ++chosen.count;
    }
    insert.reset();
  }
}

/// Of all topics but those that begin with $.
bool is_unrestricted(const Selection& selection) {
  return std::ranges::find(selection.topics, "#") != selection.topics.end() &&
         selection.devices.empty() &&
         std::ranges::none_of(selection.where, [](const Condition& condition) {
           return condition.is_all_of_topic();
         });
}

}  // namespace

ChosenTopics choose_topics(SQLite::Database& database, const Selection& selection) {
  ChosenTopics chosen;
  if (is_unrestricted(selection)) {
    SQLite::Statement any(database,
                          "SELECT 1 FROM topics WHERE topic >= '$' AND topic < '%' LIMIT 1");
    chosen.all = !any.executeStep();
    if (chosen.all) return chosen;
  }
  // The connection may have served other queries.
  database.exec(
      "CREATE TEMP TABLE IF NOT EXISTS chosen (id INTEGER PRIMARY KEY, topic TEXT NOT NULL,"
      " device TEXT);"
      "DELETE FROM temp.chosen");
  for (const std::string& filter : selection.topics) {
    choose_matching(database, selection, filter, chosen);
  }
  return chosen;
}

bool Plan::is_of_schema(const Layout& layout) const {
  const auto& names = selection_.schemas;
  return names.empty() || std::ranges::find(names, layout.schema_name) != names.end();
}

bool Plan::is_known(const Layout& layout) const {
  return is_of_schema(layout) &&
         (!selection_.hides_others || schemas_.contains(layout.schema_name));
}

/// What has no schema may have a member of any name.
bool Plan::reads_raw() const {
  return std::ranges::any_of(catalogue_->partitions(), [this](const Partition& one) {
    return one.layout->is_raw() && is_known(*one.layout);
  });
}

Result<void> Plan::prepare(std::span<const std::string> fields) {
  const Snapshot snapshot(reader_);
  auto catalogue = reader_.catalogue();
  if (!catalogue) return catalogue.error();
  catalogue_ = *std::move(catalogue);
  last_id_ = catalogue_->last_id();
  if (selection_.since) since_ = *selection_.since;
  if (selection_.until) until_ = *selection_.until - (*selection_.until > INT64_MIN ? 1 : 0);
  choose_topics();
  if (selection_.hides_others) find_schemas();
  if (auto known = check_names(fields); !known) return known;
  std::int64_t low = INT64_MAX, high = INT64_MIN;
  for (const Partition& partition : catalogue_->partitions()) {
    if (topics_ == Topics::none || partition.row_count == 0 || partition.time_max < since_ ||
        partition.time_min > until_ || !is_of_schema(*partition.layout)) {
      continue;
    }
    low = std::min(low, partition.time_min);
    high = std::max(high, partition.time_max);
    add_part(partition);
  }
  since_ = std::max(since_, low);
  until_ = std::min(until_, high);
  return {};
}

// A name that no stored schema knows is a mistake; in an empty store nothing can be known.
Result<void> Plan::check_names(std::span<const std::string> fields) const {
  if (fields.empty() && selection_.schemas.empty() && selection_.where.empty()) return {};
  std::vector<std::string_view> names, paths{"topic", "device"};
  for (const auto& [id, layout] : catalogue_->layouts()) {
    const bool hidden = selection_.hides_others && !schemas_.contains(layout.schema_name);
    if (!hidden) names.push_back(layout.schema_name);
    if (!is_known(layout)) continue;
    for (const Column& column : layout.columns) paths.push_back(column.path);
  }
  if (names.empty()) return {};
  for (auto* list : {&names, &paths}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  for (const std::string& name : selection_.schemas) {
    if (!std::ranges::binary_search(names, std::string_view(name))) {
      return unknown("schema", name, names);
    }
  }
  for (const Condition& condition : selection_.where) {
    if (auto fits = check_condition(condition, paths); !fits) return fits;
  }
  for (const std::string& field : fields) {
    if (auto known = check_field(field, paths); !known) return known;
  }
  return {};
}

Result<void> Plan::check_field(std::string_view field,
                               const std::vector<std::string_view>& paths) const {
  const bool known = std::ranges::any_of(
      paths, [&](std::string_view path) { return is_field_or_member(path, field); });
  if (known || is_of_every_row(field)) return {};
  bool undeclared = reads_raw();
  for (const auto& [id, layout] : catalogue_->layouts()) {
    if (!is_known(layout)) continue;
    const Place place = place_of(layout, field);
    if (place.column != nullptr) return {};
    undeclared = undeclared || place.extra;
  }
  if (undeclared && nearest_sibling(field, paths).empty()) return {};
  return unknown("field", field, paths);
}

Result<void> Plan::check_condition(const Condition& condition,
                                   const std::vector<std::string_view>& paths) const {
  if (condition.is_leaf()) return check_leaf(condition, paths);
  for (const Condition& operand : condition.operands) {
    if (auto fits = check_condition(operand, paths); !fits) return fits;
  }
  return {};
}

// Schemas may differ in the type of a field; the literals must fit one of them. What they do not
// declare may be an undeclared member, unless it looks like a slip of the pen.
Result<void> Plan::check_leaf(const Condition& leaf,
                              const std::vector<std::string_view>& paths) const {
  if (leaf.is_of_topic()) return {};
  std::optional<Error> misfit;
  bool undeclared = false;
  for (const auto& [id, layout] : catalogue_->layouts()) {
    if (!is_known(layout)) continue;
    const Place place = place_of(layout, leaf.field);
    undeclared = undeclared || place.extra;
    if (place.members && leaf.kind == Condition::Kind::is_null) return {};
    if (place.column == nullptr) continue;
    if (!place.inside.empty()) return {};
    const auto fits = sqlite::check_leaf(leaf, *place.column, selection_);
    if (fits) return {};
    misfit = fits.error();
  }
  if (misfit && !undeclared) return *misfit;
  if (misfit) return {};
  if (!undeclared && !reads_raw()) return unknown("field", leaf.field, paths);
  const std::string_view near = nearest_sibling(leaf.field, paths);
  if (near.empty() || leaf.field_quoted) return {};
  if (near == leaf.field) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{0}' is an object: name one of its members, such as '{0}.x', or ask "
                             "whether it is null",
                             leaf.field)};
  }
  return Error{Errc::invalid_argument,
               fmt::format("unknown field '{0}': did you mean '{1}'? An undeclared member of this "
                           "name is written in double quotes: \"{0}\"",
                           leaf.field, near)};
}

void Plan::choose_topics() {
  const auto& filters = selection_.topics;
  if (filters.size() == 1 && filters[0].find_first_of("+#") == std::string::npos) {
    choose_named(filters[0]);
    return;
  }
  if (is_unrestricted(selection_)) {
    KeptStatement count(reader_,
                        "SELECT count(*) FROM topics WHERE NOT EXISTS"
                        " (SELECT 1 FROM topics WHERE topic>='$' AND topic<'%')");
    (void)count->step();
    topic_count_ = static_cast<std::size_t>(count->integer(0));
    topics_ = Topics::all;
    if (topic_count_ > 0) return;
  }
  const ChosenTopics chosen = sqlite::choose_topics(database_, selection_);
  topic_count_ = chosen.count;
  topic_id_ = chosen.last_id;
  topics_ = topic_count_ == 0 ? Topics::none : topic_count_ == 1 ? Topics::one : Topics::chosen;
}

/// One needs no table.
void Plan::choose_named(const std::string& topic) {
  topics_ = Topics::none;
  KeptStatement select(reader_, "SELECT id, device FROM topics WHERE topic=?1");
  select->bind(1, topic);
  if (!select->step() || !is_wanted(selection_, topic, select->text(1))) return;
  topics_ = Topics::one;
  topic_count_ = 1;
  topic_id_ = select->integer(0);
}

/// By the newest row of each topic: to look through all rows would take long.
void Plan::find_schemas() {
  if (topics_ == Topics::none) return;
  const bool one = topics_ == Topics::one;
  KeptStatement select(reader_, fmt::format("SELECT DISTINCT l.partition_id FROM {} q JOIN latest l"
                                            " ON l.topic_id=q.id{}",
                                            topics_table(), one ? " WHERE q.id=?1" : ""));
  if (one) select->bind(1, topic_id_);
  while (select->step()) {
    const Partition* const found = catalogue_->partition(select->integer(0));
    if (found != nullptr) schemas_.insert(found->layout->schema_name);
  }
}

void Plan::add_part(const Partition& partition) {
  Part part;
  part.partition = &partition;
  ConditionSql sql(*partition.layout, selection_, part.parameters);
  for (const Condition& condition : selection_.where) {
    if (!condition.is_all_of_topic()) part.condition += " AND " + sql.text(condition);
  }
  part.asks_topic = sql.asks_topic();
  parts_.push_back(std::move(part));
}

/// True when the blocks of a partition hardly overlap in time: few rows are read in vain.
bool Plan::is_in_order(const Partition& partition) const {
  if (!catalogue_->has_blocks()) return false;
  KeptStatement blocks(reader_,
                       "SELECT count(*), total(time_max-time_min) FROM blocks"
                       " WHERE partition_id=?1");
  blocks->bind(1, partition.id);
  (void)blocks->step();
  const auto span =
      static_cast<double>(partition.time_max) - static_cast<double>(partition.time_min);
  return blocks->integer(0) > 0 && sqlite3_value_double(blocks->value(1)) <= 4 * span;
}

std::string Plan::topic_sql(const Partition& partition, bool asks_topic) const {
  const std::string table = quoted_name(partition.table);
  if (partition.indexed) {
    return fmt::format("topics q CROSS JOIN {} p INDEXED BY {} WHERE p.topic_id=?6 AND q.id=?6",
                       table, quoted_name(topic_index_name(partition.table)));
  }
  // Not INDEXED BY: the writer may close the table between two windows, which ends this index.
  return fmt::format(
      "blocks b CROSS JOIN {} p{} WHERE b.partition_id={} AND b.time_min<=?2 AND b.time_max>=?1"
      " AND p.{}=b.block AND p.topic_id=?6{}",
      table, asks_topic ? " CROSS JOIN topics q" : "", partition.id, partition.layout->block(),
      asks_topic ? " AND q.id=p.topic_id" : "");
}

std::string Plan::rows_sql(const Partition& partition, bool asks_topic) const {
  if (topics_ == Topics::one) return topic_sql(partition, asks_topic);
  const std::string table = quoted_name(partition.table);
  const std::string topics = topics_table();
  const bool few = topic_count_ <= topics_by_index_max;
  if (partition.indexed && (few || !is_in_order(partition))) {
    return fmt::format("{} q CROSS JOIN {} p INDEXED BY {} WHERE p.topic_id=q.id", topics, table,
                       quoted_name(topic_index_name(partition.table)));
  }
  std::string from = "blocks b CROSS JOIN " + table + " p";
  // Not INDEXED BY: the writer may close the table between two windows, which ends this index.
  const std::string block = "p." + partition.layout->block() + "=b.block";
  std::string where =
      fmt::format("b.partition_id={} AND b.time_min<=?2 AND b.time_max>=?1 AND {}", partition.id,
                  few ? block : "+" + block + " AND p.id>=b.first_id AND p.id<=b.last_id");
  if (few || topics_ != Topics::all) {
    where += fmt::format(" AND {}p.topic_id IN (SELECT id FROM {})", few ? "" : "+", topics);
  }
  if (asks_topic) {
    from += " CROSS JOIN " + topics + " q";
    where += " AND q.id=p.topic_id";
  }
  return from + " WHERE " + where;
}

bool Plan::may_have_rows(const Partition& partition) const {
  if (reads_whole()) return true;
  Statement any(database_, "SELECT 1 FROM " + rows_sql(partition, false) +
                               " AND p.time>=?1 AND p.time<=?2 LIMIT 1");
  any.bind(1, since_);
  any.bind(2, until_);
  if (topics_ == Topics::one) any.bind(6, topic_id_);
  return any.step();
}

bool Plan::reads_whole() const noexcept {
  return topics_ == Topics::all || topic_count_ > topics_by_index_max;
}

std::string Plan::unordered_sql(const Part& part, bool window) const {
  const Partition& partition = *part.partition;
  const bool all = topics_ == Topics::all;
  if (!reads_whole()) return rows_sql(partition, part.asks_topic);
  const std::string table = quoted_name(partition.table);
  const bool whole = !window && partition.time_min >= since_ && partition.time_max <= until_;
  std::string from = table + " p", where = "1";
  if (!whole && is_in_order(partition)) {
    from = "blocks b CROSS JOIN " + from;
    where = fmt::format(
        "b.partition_id={} AND b.time_min<=?2 AND b.time_max>=?1 AND +p.{}=b.block"
        " AND p.id>=b.first_id AND p.id<=b.last_id",
        partition.id, partition.layout->block());
  }
  if (part.asks_topic) {
    from += fmt::format(" CROSS JOIN {} q", topics_table());
    where += " AND q.id=p.topic_id";
  } else if (!all) {
    where += fmt::format(" AND p.topic_id IN (SELECT id FROM {})", topics_table());
  }
  return from + " WHERE " + where;
}

}  // namespace telemetry::sqlite
