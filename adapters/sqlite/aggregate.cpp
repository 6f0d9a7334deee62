// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "reader.hpp"
#include "selection.hpp"
#include "telemetry/aggregation.hpp"

// How an aggregate runs: one statement a partition gives time, id and the values that are asked
// for, in the order that is cheapest to read; Aggregation does the rest. A large partition is read
// in slices, so that no read transaction lasts long.

namespace telemetry::sqlite {
namespace {

constexpr std::int64_t slice_rows = 500'000;

class AggregateRun {
 public:
  AggregateRun(Reader& reader, const Aggregate& aggregate)
      : reader_(reader),
        aggregate_(aggregate),
        plan_(reader, aggregate),
        aggregation_(aggregate),
        names_(reader) {}

  Result<void> run(const AggregateVisitor& visit);

 private:
  /// What one `by` is in a row.
  struct Key {
    std::string_view name;
    int column = 0;  // of a field; 0: a name, see is_name()
    core::FieldType type = core::FieldType::any;
  };
  [[nodiscard]] Result<void> check_measures() const;
  [[nodiscard]] Result<void> check_buckets() const;
  void read(const Plan::Part& part);
  void bind(Statement& statement, const Plan::Part& part);
  void slice(Statement& statement, const Partition& partition);
  bool step_all(Statement& statement, const Partition& partition);
  [[nodiscard]] std::size_t group_of(Statement& statement, const Partition& partition);
  [[nodiscard]] Sample name_of(std::string_view name, std::int64_t topic_id,
                               const Partition& partition);
  [[nodiscard]] static core::FieldType type_of(const Layout& layout, std::string_view path);

  Reader& reader_;
  const Aggregate& aggregate_;
  Plan plan_;
  Aggregation aggregation_;
  std::vector<core::FieldType> types_;  // of the fields, in the partition that is read
  std::vector<std::size_t> named_;      // those of the fields that are names, see is_name()
  std::vector<Key> keys_;               // of the partition that is read
  bool by_topic_ = false;               // a row's topic decides its group
  bool by_field_ = false;               // or its fields do
  TopicNames names_;
  std::unordered_map<std::int64_t, std::size_t> groups_;  // by topic, in the partition that is read
  std::vector<Sample> samples_, key_samples_;
  std::size_t only_group_ = 0;
  bool alive_ = true;
};

/// What every row is called: no member of its payload, also where one has that name.
bool is_name(std::string_view field) {
  return field == "topic" || field == "device" || field == "schema";
}

core::FieldType AggregateRun::type_of(const Layout& layout, std::string_view path) {
  if (is_name(path)) return core::FieldType::string;
  if (layout.is_raw()) return core::FieldType::any;
  const Place place = place_of(layout, path);
  return place.column == nullptr ? core::FieldType::any : place.column->type;
}

// An unprotected value: the connection is used by this thread only.
Sample sample_of(sqlite3_value* value, core::FieldType type) noexcept {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: {
      const Number number(static_cast<std::int64_t>(sqlite3_value_int64(value)));
      const bool boolean = type == core::FieldType::boolean;
      const bool time = type == core::FieldType::timestamp;
      return {boolean ? Sample::Kind::boolean
              : time  ? Sample::Kind::time
                      : Sample::Kind::number,
              number,
              {}};
    }
    case SQLITE_FLOAT:
      return {Sample::Kind::number, Number(sqlite3_value_double(value)), {}};
    case SQLITE_BLOB: {  // see telemetry_value
      const std::string_view json = Statement::text_of(value);
      if (json.size() > 1) return {Sample::Kind::json, Number(std::int64_t{0}), json};
      return {Sample::Kind::boolean, Number(std::int64_t{json == "1" ? 1 : 0}), {}};
    }
    case SQLITE_TEXT:
      return {Sample::Kind::text, Number(std::int64_t{0}), Statement::text_of(value)};
    default:
      return {};
  }
}

std::size_t AggregateRun::group_of(Statement& statement, const Partition& partition) {
  if (!by_topic_ && !by_field_) return only_group_;
  const std::int64_t topic_id = by_topic_ ? statement.integer(2) : 0;
  if (!by_field_) {
    const auto known = groups_.find(topic_id);
    if (known != groups_.end()) return known->second;
  }
  key_samples_.clear();
  for (const Key& key : keys_) {
    key_samples_.push_back(key.column > 0 ? sample_of(statement.value(key.column), key.type)
                                          : name_of(key.name, topic_id, partition));
  }
  const std::size_t group = aggregation_.group(key_samples_);
  if (!by_field_) groups_[topic_id] = group;
  return group;
}

Sample AggregateRun::name_of(std::string_view name, std::int64_t topic_id,
                             const Partition& partition) {
  std::string_view text = partition.layout->schema_name;
  if (name != "schema") {
    const TopicNames::Name& of = names_.of(topic_id);
    text = name == "topic" ? of.topic : of.device;
  }
  return text.empty() ? Sample{} : Sample{Sample::Kind::text, Number(std::int64_t{0}), text};
}

bool AggregateRun::step_all(Statement& statement, const Partition& partition) {
  while (statement.step()) {
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      samples_[i] = sample_of(statement.value(3 + static_cast<int>(i)), types_[i]);
    }
    for (const std::size_t i : named_)
      samples_[i] = name_of(aggregation_.fields()[i], statement.integer(2), partition);
    const bool taken = aggregation_.add(group_of(statement, partition), statement.integer(0),
                                        static_cast<std::uint64_t>(statement.integer(1)), samples_);
    if (!taken) return false;
  }
  return true;
}

void AggregateRun::bind(Statement& statement, const Plan::Part& part) {
  statement.bind(1, plan_.since());
  statement.bind(2, plan_.until());
  if (plan_.topics() == Plan::Topics::one) statement.bind(6, plan_.topic_id());
  for (std::size_t i = 0; i < part.parameters.size(); ++i) {
    bind_parameter(statement, first_parameter + static_cast<int>(i), part.parameters[i]);
  }
}

void AggregateRun::slice(Statement& statement, const Partition& partition) {
  const std::int64_t last = std::min(partition.last_id, plan_.last_id());
  const std::int64_t slices = 1 + partition.row_count / slice_rows;
  const std::int64_t width = std::max<std::int64_t>(1, (last - partition.first_id) / slices + 1);
  for (std::int64_t from = partition.first_id; alive_ && from <= last; from += width) {
    statement.bind(3, from);
    statement.bind(5, std::min(last, from + width - 1));
    alive_ = step_all(statement, partition);
    statement.reset();
  }
}

void AggregateRun::read(const Plan::Part& part) {
  const Partition& partition = *part.partition;
  const Layout& layout = *partition.layout;
  std::vector<Parameter> parameters = part.parameters;
  std::string sql = "SELECT p.time,p.id,p.topic_id";
  types_.clear();
  named_.clear();
  for (const std::string& field : aggregation_.fields()) {
    if (is_name(field)) named_.push_back(types_.size());
    sql += "," + (is_name(field) ? "NULL" : field_sql(field, layout, parameters));
    types_.push_back(type_of(layout, field));
  }
  keys_.clear();
  int column = 3 + static_cast<int>(types_.size());
  by_topic_ = by_field_ = false;
  for (const std::string& name : aggregate_.by) {
    if (is_name(name)) {
      keys_.push_back({name});
      by_topic_ = by_topic_ || name != "schema";
    } else {
      sql += "," + field_sql(name, layout, parameters);
      keys_.push_back({name, column++, type_of(layout, name)});
      by_field_ = true;
    }
  }
  if (!by_topic_ && !by_field_) only_group_ = SIZE_MAX;
  groups_.clear();  // the schema is another one
  samples_.resize(types_.size());
  Plan::Part asked = part;
  asked.parameters = std::move(parameters);
  sql += " FROM " + plan_.unordered_sql(part, false) +
         " AND p.time>=?1 AND p.time<=?2 AND p.id>=?3 AND p.id<=?5" + part.condition;
  Statement statement = reader_.take(sql);
  bind(statement, asked);
  if (only_group_ == SIZE_MAX) {
    key_samples_.clear();
    for (const Key& key : keys_) key_samples_.push_back(name_of(key.name, 0, partition));
    only_group_ = aggregation_.group(key_samples_);
  }
  slice(statement, partition);
  if (alive_) reader_.give_back(std::move(statement));
}

/// The mean of a field that is declared, and nowhere as a number, is a mistake.
Result<void> AggregateRun::check_measures() const {
  for (const Measure& measure : aggregate_.measures) {
    if (!measure.wants_numbers()) continue;
    std::string_view declared;
    bool may_be_number = plan_.parts().empty();
    for (const Plan::Part& part : plan_.parts()) {
      const Layout& layout = *part.partition->layout;
      if (!plan_.is_known(layout)) continue;
      const Place place = layout.is_raw() ? Place{} : place_of(layout, measure.field);
      const core::FieldType type = type_of(layout, measure.field);
      const bool number = type == core::FieldType::number || type == core::FieldType::integer ||
                          type == core::FieldType::boolean || type == core::FieldType::any;
      const bool declares = place.column != nullptr || is_name(measure.field);
      may_be_number = may_be_number || (number && (layout.is_raw() || (place && !place.members)));
      if (declares && !number) declared = to_text(type);
    }
    if (may_be_number || declared.empty()) continue;
    return Error{Errc::invalid_argument,
                 fmt::format("{}: '{}' is a {}, and only numbers have that; count, min, max, first "
                             "and last take anything",
                             measure.name(), measure.field, declared)};
  }
  return {};
}

/// By the tables that may have rows, and again without those of other topics.
Result<void> AggregateRun::check_buckets() const {
  if (aggregation_.expect(plan_.since(), plan_.until())) return {};
  std::int64_t low = INT64_MAX, high = INT64_MIN;
  for (const Plan::Part& part : plan_.parts()) {
    if (!plan_.may_have_rows(*part.partition)) continue;
    low = std::min(low, part.partition->time_min);
    high = std::max(high, part.partition->time_max);
  }
  return aggregation_.expect(std::max(low, plan_.since()), std::min(high, plan_.until()));
}

Result<void> AggregateRun::run(const AggregateVisitor& visit) {
  std::vector<std::string> names = aggregation_.fields();
  names.insert(names.end(), aggregate_.by.begin(), aggregate_.by.end());
  if (auto ready = plan_.prepare(names); !ready) return ready;
  if (auto fits = check_measures(); !fits) return fits;
  if (auto bounded = check_buckets(); !bounded) return bounded;
  for (const Plan::Part& part : plan_.parts()) {
    if (alive_) read(part);
  }
  return aggregation_.finish(visit);
}

}  // namespace

Result<void> run_aggregate(Reader& reader, const Aggregate& aggregate,
                           const AggregateVisitor& visit) {
  return AggregateRun(reader, aggregate).run(visit);
}

}  // namespace telemetry::sqlite
