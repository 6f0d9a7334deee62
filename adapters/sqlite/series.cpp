// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>

#include "reader.hpp"
#include "selection.hpp"
#include "telemetry/aggregation.hpp"
#include "telemetry/schema.hpp"

// How series are read. Topics come in rounds, in the order of their names, until the limit is met
// and the rest is behind it. A round reads each partition once: topics that have few of its rows by
// its index, else the rows as they lie, of which the ids say where to begin. Downsampling wants no
// order, so nothing is sorted; and no statement reads more than a slice, so that no read
// transaction lasts long. A function of ours takes the rows inside of SQLite, which costs half of
// what handing them out would.

namespace telemetry::sqlite {
namespace {

constexpr std::int64_t slice_rows = 500'000;
constexpr std::size_t round_topics_max = 500;
// Finding a row by the index takes as long as reading some ten that lie next to each other.
constexpr std::int64_t rows_per_look_up = 10;
constexpr std::size_t call_columns_max = 90;  // a function of SQLite has at most 100 arguments

bool is_number(const Column& column) noexcept {
  return !column.is_time &&
         (column.type == core::FieldType::number || column.type == core::FieldType::integer ||
          column.type == core::FieldType::boolean);
}

}  // namespace

class SeriesRun {
 public:
  SeriesRun(Reader& reader, const Series& series)
      : reader_(reader), series_(series), plan_(reader, series) {
    reader.set_series_run(this);
  }
  ~SeriesRun() { reader_.set_series_run(nullptr); }
  SeriesRun(const SeriesRun&) = delete;
  SeriesRun& operator=(const SeriesRun&) = delete;
  [[nodiscard]] Result<SeriesEnd> run(const SeriesVisitor& visit);
  /// Some columns of a row: its time, its id, its topic unless all rows are of one, and columns
  /// from number `column` on.
  void take(std::size_t column, std::span<sqlite3_value* const> values);

 private:
  using Line = Downsampling::Line;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash64(text); }
  };
  /// A series of a topic, once it is known.
  struct Known {
    Line* line = nullptr;
    bool is_dropped = false;
  };
  /// A topic of the round.
  struct Target {
    std::int64_t id = 0;
    std::string topic;
    std::vector<Known> columns;  // of the partition that is read
    std::unordered_map<std::string, Line*, TextHash, std::equal_to<>> paths;  // in JSON
    std::uint64_t dropped = 0;  // Downsampling::dropped(), when the lines were valid
  };
  /// JSON of a row.
  struct Json {
    std::string name, bare;  // see for_each_number()
  };
  struct Ids {
    std::int64_t first, last;  // inclusive; INT64_MAX: to the end of the table
  };

  [[nodiscard]] Result<void> check_fields() const;
  [[nodiscard]] std::optional<TimeColumns> find_columns();
  [[nodiscard]] std::optional<std::int64_t> find_edge(bool first);
  [[nodiscard]] std::optional<std::int64_t> block_edge(const Partition& partition, bool first);
  bool next_round(std::size_t topics);
  void read(const Plan::Part& part);
  [[nodiscard]] std::string select_sql(const Layout& layout, bool asks_topic);
  [[nodiscard]] std::vector<Ids> ids_of(const Partition& partition, std::int64_t& rows);
  [[nodiscard]] bool are_few(const Partition& partition, std::int64_t rows);
  void read_by_index(const Plan::Part& part);
  void read_as_they_lie(const Plan::Part& part, const std::vector<Ids>& ids);
  void bind(Statement& statement, const Plan::Part& part);
  void add(Target& target, std::size_t column, const Number& number);
  void add(Target& target, std::string_view path, const Number& number);
  void validate(Target& target);
  [[nodiscard]] std::string unit_of(std::uint64_t schema_id, std::string_view field);
  [[nodiscard]] std::string_view schema_of(std::uint64_t schema_id) const;

  Reader& reader_;
  const Series& series_;
  Plan plan_;
  std::optional<Downsampling> downsampling_;
  std::deque<Target> targets_;
  std::string last_topic_;              // of the rounds before
  std::vector<const Column*> numbers_;  // of the partition that is read
  std::vector<Json> texts_;             // behind them in a row
  std::uint64_t schema_ = 0;            // of the partition
  std::unordered_map<std::int64_t, Target*> by_id_;
  Target* target_ = nullptr;  // of the last row; null: of another round
  bool is_one_ = false;       // all rows are of target_
  std::int64_t time_ = 0;     // of the row
  std::uint64_t id_ = 0;
  std::map<std::uint64_t, std::shared_ptr<const Schema>> schemas_;
};

/// A field that is declared, and nowhere as a number, is a mistake.
Result<void> SeriesRun::check_fields() const {
  for (const std::string& name : series_.fields) {
    std::string_view declared;
    bool may_be_number = plan_.parts().empty();
    for (const Plan::Part& part : plan_.parts()) {
      const Layout& layout = *part.partition->layout;
      if (!plan_.is_known(layout)) continue;
      may_be_number = may_be_number || layout.is_raw() || place_of(layout, name).extra;
      for (const Column& column : layout.columns) {
        const bool any = column.type == core::FieldType::any;
        if (!is_field_or_member(column.path, name) &&
            !(any && is_field_or_member(name, column.path))) {
          continue;
        }
        may_be_number = may_be_number || any || is_number(column);
        declared = to_text(column.type);
      }
    }
    if (may_be_number || declared.empty()) continue;
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is a {}, and a series is of numbers", name, declared)};
  }
  return {};
}

std::optional<TimeColumns> SeriesRun::find_columns() {
  if (series_.until == INT64_MIN) return std::nullopt;
  const auto since = series_.since ? series_.since : find_edge(true);
  const auto last = series_.until ? std::optional(*series_.until - 1) : find_edge(false);
  if (!since || !last || *since > *last) return std::nullopt;
  return TimeColumns::of(*since, *last, series_.columns);
}

/// The time of the first or last row of the selection.
std::optional<std::int64_t> SeriesRun::find_edge(bool first) {
  if (plan_.topics() == Plan::Topics::none) return std::nullopt;
  std::vector<const Plan::Part*> parts;
  for (const Plan::Part& part : plan_.parts()) parts.push_back(&part);
  std::ranges::sort(parts, [first](const Plan::Part* a, const Plan::Part* b) {
    return first ? a->partition->time_min < b->partition->time_min
                 : a->partition->time_max > b->partition->time_max;
  });
  std::optional<std::int64_t> edge;
  for (const Plan::Part* part : parts) {
    const Partition& partition = *part->partition;
    if (edge && (first ? partition.time_min >= *edge : partition.time_max <= *edge)) break;
    KeptStatement select(reader_, fmt::format("SELECT {}(p.time) FROM {} AND p.time>=?1 AND"
                                              " p.time<=?2 AND p.id<=?5{}",
                                              first ? "min" : "max",
                                              plan_.unordered_sql(*part, true), part->condition));
    bind(*select, *part);
    select->bind(5, plan_.last_id());
    if (plan_.topics() == Plan::Topics::one) select->bind(6, plan_.topic_id());
    const std::int64_t end = edge ? *edge : first ? plan_.until() : plan_.since();
    std::vector<std::int64_t> ends{end};
    // Mostly there is a row up to where the first block ends; what is found there is the first.
    if (const auto of_block = block_edge(partition, first)) {
      if (first ? *of_block < end : *of_block > end) ends.insert(ends.begin(), *of_block);
    }
    for (const std::int64_t one : ends) {
      select->bind(1, first ? plan_.since() : one);
      select->bind(2, first ? one : plan_.until());
      const bool found = select->step() && sqlite3_value_type(select->value(0)) == SQLITE_INTEGER;
      if (found) edge = select->integer(0);
      select->reset();
      if (found) break;
    }
  }
  return edge;
}

/// Where the first block of the time ends, or the last begins.
std::optional<std::int64_t> SeriesRun::block_edge(const Partition& partition, bool first) {
  if (!plan_.catalogue()->has_blocks()) return std::nullopt;
  KeptStatement select(reader_, first ? "SELECT time_max FROM blocks WHERE partition_id=?1 AND"
                                        " time_max>=?2 ORDER BY time_min LIMIT 1"
                                      : "SELECT time_min FROM blocks WHERE partition_id=?1 AND"
                                        " time_min<=?2 ORDER BY time_max DESC LIMIT 1");
  select->bind(1, partition.id);
  select->bind(2, first ? plan_.since() : plan_.until());
  if (!select->step()) return std::nullopt;
  return select->integer(0);
}

/// False when there are no more topics.
bool SeriesRun::next_round(std::size_t topics) {
  targets_.clear();
  if (plan_.topics() == Plan::Topics::none) return false;
  const bool one = plan_.topics() == Plan::Topics::one;
  KeptStatement select(
      reader_, fmt::format("SELECT t.id, t.topic FROM {} t WHERE t.topic>?1{} LIMIT ?2",
                           plan_.topics_table(), one ? " AND t.id=?3" : " ORDER BY t.topic"));
  select->bind(1, std::string_view(last_topic_));
  select->bind(2, static_cast<std::int64_t>(topics));
  if (one) select->bind(3, plan_.topic_id());
  while (select->step()) {
    Target& target = targets_.emplace_back();
    target.id = select->integer(0);
    target.topic = select->text(1);
  }
  if (targets_.empty()) return false;
  by_id_.clear();
  for (Target& target : targets_) by_id_[target.id] = &target;
  last_topic_ = targets_.back().topic;
  return true;
}

/// Hands what is wanted of the rows to take(), up to FROM; empty when nothing of it can be a
/// number.
std::string SeriesRun::select_sql(const Layout& layout, bool asks_topic) {
  numbers_.clear();
  texts_.clear();
  schema_ = layout.schema_id;
  std::vector<std::string> columns, texts;
  for (const Column& column : layout.columns) {
    if (is_number(column) && Downsampling::wants(series_, column.path)) {
      columns.push_back("p." + quoted_name(column.name));
      numbers_.push_back(&column);
    }
    const bool wants_inside = std::ranges::any_of(series_.fields, [&](const std::string& name) {
      return is_field_or_member(name, column.path);
    });
    if (column.type == core::FieldType::any &&
        (wants_inside || Downsampling::wants(series_, column.path))) {
      texts.push_back("p." + quoted_name(column.name));
      texts_.push_back({column.path, column.path});
    }
  }
  if (layout.has_extra) {
    texts.emplace_back("p.extra");
    texts_.push_back({});
  }
  if (layout.is_raw()) {
    texts.emplace_back("p.payload");
    texts_.push_back({{}, "value"});
  }
  columns.insert(columns.end(), texts.begin(), texts.end());
  std::string sql;
  for (std::size_t at = 0; at < columns.size(); at += call_columns_max) {
    const auto some =
        std::span(columns).subspan(at, std::min(call_columns_max, columns.size() - at));
    sql += at == 0 ? "SELECT telemetry_take(" : fmt::format(",telemetry_take_from({},", at);
    sql += fmt::format("p.time,p.id,{}{})", asks_topic ? "p.topic_id," : "", fmt::join(some, ","));
  }
  return sql.empty() ? sql : sql + " FROM ";
}

/// Where rows of the time lie. @param rows how many there are, about
std::vector<SeriesRun::Ids> SeriesRun::ids_of(const Partition& partition, std::int64_t& rows) {
  const std::int64_t last_id = std::min(partition.last_id, plan_.last_id());
  std::vector<Ids> stretches;
  const bool whole = partition.time_min >= plan_.since() && partition.time_max <= plan_.until();
  rows = partition.row_count;
  if (whole || !plan_.is_in_order(partition)) {
    stretches.push_back({partition.first_id, last_id});
  } else {
    KeptStatement blocks(reader_,
                         "SELECT first_id, last_id FROM blocks WHERE partition_id=?1 AND"
                         " time_min<=?3 AND time_max>=?2 ORDER BY first_id");
    blocks->bind(1, partition.id);
    blocks->bind(2, plan_.since());
    blocks->bind(3, plan_.until());
    std::int64_t count = 0;
    for (; blocks->step(); ++count) {
      const Ids block{blocks->integer(0), std::min(last_id, blocks->integer(1))};
      if (block.first > block.last) continue;
      if (!stretches.empty() && block.first <= stretches.back().last + 1)
        stretches.back().last = std::max(stretches.back().last, block.last);
      else
        stretches.push_back(block);
    }
    rows = std::min(rows, count * block_rows);
  }
  // As if rows had their ids evenly.
  const std::int64_t width =
      (partition.last_id - partition.first_id) / (1 + (partition.row_count - 1) / slice_rows) + 1;
  std::vector<Ids> slices;
  for (const Ids& one : stretches) {
    for (std::int64_t from = one.first; from <= one.last; from += width)
      slices.push_back({from, std::min(one.last, from + width - 1)});
  }
  const bool to_end = !slices.empty() && slices.back().last == partition.last_id;
  if (to_end && !partition.open) slices.back().last = INT64_MAX;
  return slices;
}

/// Whether the topics of the round have so few rows that an index is the way to them.
bool SeriesRun::are_few(const Partition& partition, std::int64_t rows) {
  std::int64_t left = rows / rows_per_look_up;
  KeptStatement count(reader_, "SELECT count(*) FROM (SELECT 1 FROM " +
                                   plan_.topic_sql(partition, false) +
                                   " AND p.time>=?1 AND p.time<=?2 LIMIT ?4)");
  count->bind(1, plan_.since());
  count->bind(2, plan_.until());
  for (const Target& target : targets_) {
    count->bind(4, left + 1);
    count->bind(6, target.id);
    if (count->step()) left -= count->integer(0);
    count->reset();
    if (left < 0) return false;
  }
  return true;
}

void SeriesRun::bind(Statement& statement, const Plan::Part& part) {
  for (std::size_t i = 0; i < part.parameters.size(); ++i) {
    bind_parameter(statement, first_parameter + static_cast<int>(i), part.parameters[i]);
  }
}

void SeriesRun::read(const Plan::Part& part) {
  if (!downsampling_->takes(targets_.front().topic)) return;
  if (select_sql(*part.partition->layout, false).empty()) return;
  for (Target& target : targets_) target.columns.assign(numbers_.size(), {});
  std::int64_t rows = 0;
  const std::vector<Ids> ids = ids_of(*part.partition, rows);
  if (are_few(*part.partition, rows))
    read_by_index(part);
  else
    read_as_they_lie(part, ids);
}

void SeriesRun::read_by_index(const Plan::Part& part) {
  const Layout& layout = *part.partition->layout;
  KeptStatement rows(reader_, fmt::format("{}{} AND p.time>=?1 AND p.time<=?2 AND p.id<=?5{}{}",
                                          select_sql(layout, false),
                                          plan_.topic_sql(*part.partition, part.asks_topic),
                                          layout.is_raw() ? " AND p.kind=0" : "", part.condition));
  bind(*rows, part);
  rows->bind(1, plan_.since());
  rows->bind(2, plan_.until());
  rows->bind(5, plan_.last_id());
  is_one_ = true;
  for (Target& target : targets_) {
    if (!downsampling_->takes(target.topic)) break;
    target_ = &target;
    rows->bind(6, target.id);
    (void)rows->step();
    rows->reset();
  }
}

/// take() leaves out what is not of the time: one comparison there is less than two of SQL.
void SeriesRun::read_as_they_lie(const Plan::Part& part, const std::vector<Ids>& ids) {
  const Layout& layout = *part.partition->layout;
  is_one_ = targets_.size() == 1;
  target_ = &targets_.front();
  const std::string select = select_sql(layout, !is_one_);
  for (const Ids& slice : ids) {
    const bool ends = slice.last < INT64_MAX;
    KeptStatement rows(
        reader_,
        fmt::format("{}{} p{} WHERE p.id>=?3{}{}{}{}{}", select, quoted_name(part.partition->table),
                    part.asks_topic ? " CROSS JOIN topics q" : "", ends ? " AND p.id<=?5" : "",
                    is_one_ ? " AND +p.topic_id=?6" : "",
                    part.asks_topic ? " AND q.id=p.topic_id" : "",
                    layout.is_raw() ? " AND p.kind=0" : "", part.condition));
    bind(*rows, part);
    rows->bind(3, slice.first);
    if (ends) rows->bind(5, slice.last);
    if (is_one_) rows->bind(6, targets_.front().id);
    (void)rows->step();
  }
}

/// Forgets lines of the target that may be gone.
void SeriesRun::validate(Target& target) {
  if (target.dropped == downsampling_->dropped()) return;
  target.dropped = downsampling_->dropped();
  for (Known& known : target.columns) known.line = nullptr;
  target.paths.clear();
}

void SeriesRun::add(Target& target, std::size_t column, const Number& number) {
  validate(target);
  Known& known = target.columns[column];
  if (known.line == nullptr) {
    if (known.is_dropped) return;
    known.line = downsampling_->line(target.topic, numbers_[column]->path);
    known.is_dropped = known.line == nullptr;
    if (known.is_dropped) return;
  }
  downsampling_->add(*known.line, time_, id_, number, schema_);
}

/// Of what is not wanted nothing is remembered: there is no end to names.
void SeriesRun::add(Target& target, std::string_view path, const Number& number) {
  validate(target);
  auto known = target.paths.find(path);
  if (known == target.paths.end()) {
    Line* const line = downsampling_->line(target.topic, path);
    if (line == nullptr) return;
    validate(target);
    known = target.paths.emplace(path, line).first;
  }
  downsampling_->add(*known->second, time_, id_, number, schema_);
}

void SeriesRun::take(std::size_t column, std::span<sqlite3_value* const> values) {
  time_ = sqlite3_value_int64(values[0]);
  if (time_ < plan_.since() || time_ > plan_.until()) return;
  id_ = static_cast<std::uint64_t>(sqlite3_value_int64(values[1]));
  if (!is_one_) {
    const std::int64_t topic_id = sqlite3_value_int64(values[2]);
    if (target_ == nullptr || target_->id != topic_id) {
      const auto found = by_id_.find(topic_id);
      target_ = found == by_id_.end() ? nullptr : found->second;
    }
    if (target_ == nullptr) return;
  }
  for (sqlite3_value* const value : values.subspan(is_one_ ? 2 : 3)) {
    if (column >= numbers_.size()) {
      const Json& text = texts_[column++ - numbers_.size()];
      for_each_number(
          Statement::text_of(value), text.name, text.bare,
          [&](std::string_view path, const Number& number) { add(*target_, path, number); });
      continue;
    }
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_FLOAT) {
      add(*target_, column, Number(sqlite3_value_double(value)));
    } else if (type == SQLITE_INTEGER) {
      add(*target_, column, Number(static_cast<std::int64_t>(sqlite3_value_int64(value))));
    }
    ++column;
  }
}

std::string_view SeriesRun::schema_of(std::uint64_t schema_id) const {
  const auto known = plan_.catalogue()->layouts().find(schema_id);
  return known == plan_.catalogue()->layouts().end() ? std::string_view()
                                                     : known->second.schema_name;
}

/// As the document says that judged the row.
std::string SeriesRun::unit_of(std::uint64_t schema_id, std::string_view field) {
  if (schema_id == 0) return {};
  const auto [known, added] = schemas_.try_emplace(schema_id);
  if (added) {
    KeptStatement select(reader_, "SELECT name, document FROM schemas WHERE id=?1");
    select->bind(1, static_cast<std::int64_t>(schema_id));
    if (select->step()) {
      std::vector<Diagnostic> diagnostics;
      auto parsed = Schema::parse(select->text(1), std::string(select->text(0)), diagnostics,
                                  ValidationFunctions::not_called());
      if (parsed) known->second = *std::move(parsed);
    }
  }
  if (known->second == nullptr) return {};
  const auto& slots = known->second->slots();
  const auto slot = std::ranges::find(slots, field, &SlotInfo::path);
  return slot == slots.end() ? std::string() : slot->unit;
}

Result<SeriesEnd> SeriesRun::run(const SeriesVisitor& visit) {
  if (auto ready = plan_.prepare(series_.fields); !ready) return ready.error();
  if (auto fits = check_fields(); !fits) return fits.error();
  SeriesEnd end{find_columns(), false};
  if (!end.columns) return end;
  if (plan_.topics() == Plan::Topics::chosen) {
    reader_.database().exec("CREATE INDEX IF NOT EXISTS temp.chosen_topic ON chosen (topic)");
  }
  downsampling_.emplace(series_, *end.columns);
  // One more than are given, so that mostly one round says whether there are more.
  for (std::size_t topics = series_.limit + 1;
       !downsampling_->more() && next_round(std::min(topics, round_topics_max)); topics *= 2) {
    for (const Plan::Part& part : plan_.parts()) read(part);
  }
  end.more = downsampling_->more();
  KeptStatement device(reader_, "SELECT device FROM topics WHERE topic=?1");
  downsampling_->finish([&](SeriesLine& line, std::uint64_t schema_id) {
    device->bind(1, line.topic);
    if (device->step()) line.device = device->text(0);
    line.schema = schema_of(schema_id);
    const std::string unit = unit_of(schema_id, line.field);
    line.unit = unit;
    const bool more = visit(line);
    device->reset();
    return more;
  });
  return end;
}

namespace {

// telemetry_take(time, id, ...) and telemetry_take_from(column, time, id, ...): aggregates, so that
// they are called where the rows are.
void take_row(sqlite3_context* context, int count, sqlite3_value** values) {
  SeriesRun* const run = *static_cast<SeriesRun**>(sqlite3_user_data(context));
  run->take(0, {values, static_cast<std::size_t>(count)});
}
void take_row_from(sqlite3_context* context, int count, sqlite3_value** values) {
  SeriesRun* const run = *static_cast<SeriesRun**>(sqlite3_user_data(context));
  run->take(static_cast<std::size_t>(sqlite3_value_int64(values[0])),
            {values + 1, static_cast<std::size_t>(count - 1)});
}
void end_rows(sqlite3_context*) {}

}  // namespace

void add_series_functions(SQLite::Database& database, SeriesRun** run) {
  database.createFunction("telemetry_take", -1, false, run, nullptr, take_row, end_rows);
  database.createFunction("telemetry_take_from", -1, false, run, nullptr, take_row_from, end_rows);
}

Result<SeriesEnd> run_series(Reader& reader, const Series& series, const SeriesVisitor& visit) {
  return SeriesRun(reader, series).run(visit);
}

}  // namespace telemetry::sqlite
