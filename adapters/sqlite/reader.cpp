// SPDX-License-Identifier: Apache-2.0
#include "reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "catalogue.hpp"
#include "condition.hpp"
#include "rows.hpp"
#include "telemetry/core/topic.hpp"

// How a query runs. Partitions are pruned by the catalogue; the upper id is fixed at the start.
// Time is walked in windows, whose width follows the density found so far, and within one all
// partitions that it touches are merged by (time, id). Each window is copied into a bounded buffer
// before the visitor sees a row, so that a read transaction lasts as long as one window's
// statements (a few thousand rows), never as long as the reader of the rows takes. The next window,
// or the rest of a full one, goes on behind the last (time, id): no row is seen twice or left out,
// whatever the writer does meanwhile.

namespace telemetry::sqlite {

namespace {

constexpr std::size_t window_rows_min = 4096;
constexpr std::size_t window_rows_max = 16'384;
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

/// A position in the order of a query: rows behind it are still to come.
struct Edge {
  std::int64_t time;
  std::int64_t id;
};

class QueryRun {
 public:
  QueryRun(Reader& reader, Clock& clock, const Query& query)
      : reader_(reader), database_(reader.database()), now_(clock.now()), query_(query) {}

  Result<void> prepare();
  void run(const RowVisitor& visit);
  /// Nothing of the query stays behind but its statements, for the next one.
  void finish() noexcept {
    for (Part& part : parts_) stop(part);
  }

 private:
  enum class Topics : std::uint8_t { all, chosen, one, none };
  /// A partition that the query reads.
  struct Part {
    Source source;
    std::vector<Parameter> parameters;  // of source.condition, from ?7 on
    std::optional<SQLite::Statement> statement;
  };
  /// A part that the window touches, its statement at the next row.
  struct Cursor {
    Part* part;
    Edge at;
  };

  Result<void> check_names() const;
  Result<void> check_condition(const Condition& condition,
                               const std::vector<std::string_view>& paths) const;
  [[nodiscard]] bool is_of_schema(const Layout& layout) const {
    return query_.schema.empty() || layout.schema_name == query_.schema;
  }
  /// What has no schema may have a member of any name.
  [[nodiscard]] bool reads_raw() const {
    return query_.schema.empty() &&
           std::ranges::any_of(catalogue_->partitions(),
                               [](const Partition& one) { return one.layout->is_raw(); });
  }
  void choose_topics();
  std::optional<Part> part_of(const Partition& partition) const;
  bool is_in_order(const Partition& partition) const;
  std::string rows_sql(const Partition& partition) const;
  std::string statement_sql(const Source& source) const;
  void start(Part& part, std::int64_t from, std::int64_t to, std::size_t rows_max);
  void stop(Part& part) noexcept;
  bool is_unordered_behind(std::int64_t from) const;
  std::int64_t window_end(std::int64_t from) const;
  std::optional<std::int64_t> next_time(std::int64_t from) const;
  bool fill(std::int64_t from, std::int64_t to, std::size_t rows_max);
  bool advance(Cursor& cursor) const;
  void adapt(std::int64_t from, std::int64_t to, bool full);

  [[nodiscard]] bool ascending() const noexcept { return query_.order == Order::time_ascending; }
  [[nodiscard]] bool before(const Edge& a, const Edge& b) const noexcept {
    const bool less = a.time != b.time ? a.time < b.time : a.id < b.id;
    const bool same = a.time == b.time && a.id == b.id;
    return ascending() ? less : !less && !same;
  }

  /// True when time `a` comes after time `b` in the order of the query.
  [[nodiscard]] bool is_behind(std::int64_t a, std::int64_t b) const noexcept {
    return ascending() ? a > b : a < b;
  }

  Reader& reader_;
  SQLite::Database& database_;
  std::int64_t now_;
  const Query& query_;
  std::shared_ptr<const Catalogue> catalogue_;  // from prepare() on
  Topics topics_ = Topics::all;
  std::int64_t topic_id_ = 0;
  std::size_t topic_count_ = 0;
  std::int64_t last_id_ = 0;
  std::int64_t since_ = INT64_MIN, until_ = INT64_MAX;  // both inclusive
  std::vector<Part> parts_;                             // by where their time begins
  std::size_t rows_wanted_ = window_rows_min;           // of one window
  std::uint64_t width_ = 0;                             // of the next window, ns
  Edge edge_{};                                         // last row seen
  RowBuffer buffer_;
};

Result<void> QueryRun::prepare() {
  SQLite::Transaction snapshot(database_);
  catalogue_ = reader_.catalogue();
  last_id_ = catalogue_->last_id();
  if (query_.since) since_ = *query_.since;
  if (query_.until) until_ = *query_.until - (*query_.until > INT64_MIN ? 1 : 0);
  if (auto known = check_names(); !known) return known;
  choose_topics();
  for (const Partition& partition : catalogue_->partitions()) {
    if (partition.row_count == 0 || partition.time_max < since_ || partition.time_min > until_) {
      continue;
    }
    if (!is_of_schema(*partition.layout)) continue;
    if (auto part = part_of(partition)) parts_.push_back(std::move(*part));
  }
  std::sort(parts_.begin(), parts_.end(), [this](const Part& a, const Part& b) {
    return ascending() ? a.source.partition->time_min < b.source.partition->time_min
                       : a.source.partition->time_max > b.source.partition->time_max;
  });
  // Reading many topics costs one index look-up a topic and window: make windows worth it.
  rows_wanted_ = std::clamp(2 * topic_count_, window_rows_min, window_rows_max);
  if (query_.limit > 0 && query_.limit < rows_wanted_) {
    rows_wanted_ =
        std::max<std::size_t>(query_.limit + query_.limit / 8, topics_ == Topics::one ? 32 : 256);
  }
  if (topics_ == Topics::none) parts_.clear();
  snapshot.commit();
  return {};
}

// A name that no stored schema knows is a mistake; in an empty store nothing can be known.
Result<void> QueryRun::check_names() const {
  std::vector<std::string_view> names, paths{"topic", "device"};
  for (const auto& [id, layout] : catalogue_->layouts()) {
    names.push_back(layout.schema_name);
    if (!is_of_schema(layout)) continue;
    for (const Column& column : layout.columns) paths.push_back(column.path);
  }
  if (names.empty()) return {};
  for (auto* list : {&names, &paths}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  if (!query_.schema.empty() && !std::binary_search(names.begin(), names.end(), query_.schema)) {
    return unknown("schema", query_.schema, names);
  }
  for (const Condition& condition : query_.where) {
    if (auto fits = check_condition(condition, paths); !fits) return fits;
  }
  for (const std::string& field : query_.fields) {
    const bool known = std::any_of(paths.begin(), paths.end(), [&](std::string_view path) {
      return is_field_or_member(path, field);
    });
    const bool of_row = field == "timestamp" || field == "received_at" || field == "retained" ||
                        field == "extra" || field == "payload";
    if (known || of_row) continue;
    if (!reads_raw() || !nearest_sibling(field, paths).empty()) {
      return unknown("field", field, paths);
    }
  }
  return {};
}

// Schemas may differ in the type of a field; the literal must fit one of them. What they do not
// declare may be an undeclared member, unless it looks like a slip of the pen.
Result<void> QueryRun::check_condition(const Condition& condition,
                                       const std::vector<std::string_view>& paths) const {
  if (condition.is_of_topic()) return {};
  std::optional<Error> misfit;
  bool undeclared = false;
  for (const auto& [id, layout] : catalogue_->layouts()) {
    if (!is_of_schema(layout)) continue;
    const Place place = place_of(layout, condition.field);
    undeclared = undeclared || place.extra;
    if (place.column == nullptr) continue;
    std::vector<Parameter> ignored;
    const auto sql = condition_sql(condition, layout, now_, ignored);
    if (sql) return {};
    misfit = sql.error();
  }
  if (misfit && !undeclared) return *misfit;
  if (misfit) return {};
  if (!undeclared && !reads_raw()) return unknown("field", condition.field, paths);
  const std::string_view near = nearest_sibling(condition.field, paths);
  if (near.empty() || condition.field_quoted) return {};
  return Error{Errc::invalid_argument,
               fmt::format("unknown field '{0}': did you mean '{1}'? An undeclared member of this "
                           "name is written in double quotes: \"{0}\"",
                           condition.field, near)};
}

void QueryRun::choose_topics() {
  const std::string_view filter = core::without_share(query_.topic_filter);
  std::string where;
  std::vector<std::string> texts;
  for (const Condition& condition : query_.where) {
    if (!condition.is_of_topic()) continue;
    where += fmt::format(" AND {} {} ?", condition.field, sql_of(condition.op));
    texts.push_back(condition.value);
  }
  if (filter == "#" && texts.empty()) {
    SQLite::Statement any(database_,
                          "SELECT 1 FROM topics WHERE topic >= '$' AND topic < '%' LIMIT 1");
    if (!any.executeStep()) {
      topic_count_ =
          static_cast<std::size_t>(database_.execAndGet("SELECT count(*) FROM topics").getInt64());
      topics_ = topic_count_ > 0 ? Topics::all : Topics::none;
      return;
    }
  }
  const bool exact = filter.find_first_of("+#") == std::string_view::npos;
  if (exact) {
    where += " AND topic = ?";
    texts.emplace_back(filter);
  }
  // The connection may have served other queries.
  database_.exec(
      "CREATE TEMP TABLE IF NOT EXISTS chosen (id INTEGER PRIMARY KEY, topic TEXT NOT NULL,"
      " device TEXT);"
      "DELETE FROM temp.chosen");
  SQLite::Statement insert(database_, "INSERT INTO temp.chosen VALUES (?, ?, ?)");
  SQLite::Statement select(database_, "SELECT id, topic, device FROM topics WHERE 1" + where);
  for (std::size_t i = 0; i < texts.size(); ++i) select.bind(static_cast<int>(i + 1), texts[i]);
  while (select.executeStep()) {
    const std::string topic = select.getColumn(1).getString();
    if (!exact && !core::topic_matches(filter, topic)) continue;
    topic_id_ = select.getColumn(0).getInt64();
    ++topic_count_;
    insert.bind(1, topic_id_);
    insert.bind(2, topic);
    insert.bind(3, select.getColumn(2).getString());
    insert.exec();
    insert.reset();
  }
  topics_ = topic_count_ == 0 ? Topics::none : topic_count_ == 1 ? Topics::one : Topics::chosen;
}

// Nothing when no row of the partition can match.
std::optional<QueryRun::Part> QueryRun::part_of(const Partition& partition) const {
  Part part;
  Source& source = part.source;
  source.partition = &partition;
  const auto& fields = query_.fields;
  source.want_extra =
      fields.empty() || std::find(fields.begin(), fields.end(), "extra") != fields.end();
  for (const Column& column : partition.layout->columns) {
    const bool wanted = std::any_of(fields.begin(), fields.end(), [&](const std::string& field) {
      return is_field_or_member(column.path, field);
    });
    if (wanted || fields.empty()) source.columns.push_back(&column);
  }
  for (const Condition& condition : query_.where) {
    if (condition.is_of_topic()) continue;
    const auto sql = condition_sql(condition, *partition.layout, now_, part.parameters);
    if (!sql || sql->empty()) return std::nullopt;
    source.condition += *sql;
  }
  return part;
}

/// True when the blocks of a partition hardly overlap in time: few rows are read in vain.
bool QueryRun::is_in_order(const Partition& partition) const {
  if (!catalogue_->has_blocks()) return false;
  SQLite::Statement blocks(database_,
                           "SELECT count(*), total(time_max-time_min) FROM blocks"
                           " WHERE partition_id=?");
  blocks.bind(1, partition.id);
  blocks.executeStep();
  const auto span =
      static_cast<double>(partition.time_max) - static_cast<double>(partition.time_min);
  return blocks.getColumn(0).getInt64() > 0 && blocks.getColumn(1).getDouble() <= 4 * span;
}

/// What stands between FROM and the window's conditions: the topics as q, their rows as p.
std::string QueryRun::rows_sql(const Partition& partition) const {
  const std::string table = quoted_name(partition.table);
  const std::string topics = topics_ == Topics::all ? "topics" : "temp.chosen";
  const bool few = topic_count_ <= topics_by_index_max;
  if (partition.indexed && (few || !is_in_order(partition))) {
    const std::string index = quoted_name(topic_index_name(partition.table));
    return fmt::format("{} q CROSS JOIN {} p INDEXED BY {} WHERE p.topic_id={}", topics, table,
                       index, topics_ == Topics::one ? "?6 AND q.id=?6" : "q.id");
  }
  // Not INDEXED BY: the writer may close the table between two windows, which ends this index.
  const std::string block = "p." + partition.layout->block() + "=b.block";
  const std::string blocks =
      fmt::format("b.partition_id={} AND b.time_min<=?2 AND b.time_max>=?1", partition.id);
  const std::string chosen =
      topics_ == Topics::one ? "=?6" : fmt::format(" IN (SELECT id FROM {})", topics);
  const std::string how = few ? fmt::format("{} AND p.topic_id{}", block, chosen)
                              : fmt::format("+{} AND p.id>=b.first_id AND p.id<=b.last_id", block);
  return fmt::format("blocks b CROSS JOIN {} p CROSS JOIN {} q WHERE {} AND {} AND q.id=p.topic_id",
                     table, topics, blocks, how);
}

// ?1, ?2 the window (inclusive); ?3 the id that was last seen at the edge; ?4 rows; ?5 last id;
// ?6 the topic when there is one. Nothing else of the query's values stands in the text: a reader
// keeps statements by it.
std::string QueryRun::statement_sql(const Source& source) const {
  const bool up = ascending();
  return select_sql(source, "q.topic", "q.device") + " FROM " + rows_sql(*source.partition) +
         " AND p.time>=?1 AND p.time<=?2 AND " +
         (up ? "(p.time>?1 OR p.id>?3)" : "(p.time<?2 OR p.id<?3)") + " AND p.id<=?5" +
         source.condition +
         (up ? " ORDER BY p.time, p.id LIMIT ?4" : " ORDER BY p.time DESC, p.id DESC LIMIT ?4");
}

bool QueryRun::advance(Cursor& cursor) const {
  SQLite::Statement& statement = *cursor.part->statement;
  if (!statement.executeStep()) return false;
  cursor.at = {statement.getColumn(1).getInt64(), statement.getColumn(0).getInt64()};
  return true;
}

void QueryRun::start(Part& part, std::int64_t from, std::int64_t to, std::size_t rows_max) {
  if (!part.statement) part.statement.emplace(reader_.take(statement_sql(part.source)));
  SQLite::Statement& statement = *part.statement;
  statement.reset();
  statement.bind(1, from);
  statement.bind(2, to);
  statement.bind(3, edge_.id);
  statement.bind(4, static_cast<std::int64_t>(rows_max));
  statement.bind(5, last_id_);
  if (topics_ == Topics::one) statement.bind(6, topic_id_);
  for (std::size_t i = 0; i < part.parameters.size(); ++i) {
    bind_parameter(statement, static_cast<int>(7 + i), part.parameters[i]);
  }
}

void QueryRun::stop(Part& part) noexcept {
  if (part.statement) reader_.give_back(*std::move(part.statement));
  part.statement.reset();
}

// Copies the rows of [low, high] behind the edge, in order. True when the buffer was full before
// the end of the window.
bool QueryRun::fill(std::int64_t low, std::int64_t high, std::size_t rows_max) {
  buffer_.clear();
  std::vector<Cursor> cursors;
  std::optional<Edge> last;
  const auto later = [this](const Cursor& a, const Cursor& b) { return before(b.at, a.at); };
  for (auto next = parts_.begin(); !buffer_.is_full(rows_max);) {
    // A part is read once the merge has come to where its time begins.
    for (; next != parts_.end(); ++next) {
      const Partition& partition = *next->source.partition;
      const std::int64_t begin = ascending() ? partition.time_min : partition.time_max;
      if (!cursors.empty() && is_behind(begin, cursors.front().at.time)) break;
      if (partition.time_max < low || partition.time_min > high) {
        stop(*next);
        continue;
      }
      start(*next, low, high, rows_max);
      Cursor cursor{&*next, {}};
      if (!advance(cursor)) continue;
      cursors.push_back(cursor);
      std::push_heap(cursors.begin(), cursors.end(), later);
    }
    if (cursors.empty()) break;
    std::pop_heap(cursors.begin(), cursors.end(), later);
    Cursor& first = cursors.back();
    buffer_.add(first.part->source, *first.part->statement);
    last = first.at;
    if (advance(first))
      std::push_heap(cursors.begin(), cursors.end(), later);
    else
      cursors.pop_back();
  }
  for (Part& part : parts_) {
    if (part.statement) part.statement->reset();
  }
  if (last) edge_ = *last;
  return buffer_.is_full(rows_max);
}

// The nearest time at or behind `from` where any partition may have rows.
std::optional<std::int64_t> QueryRun::next_time(std::int64_t from) const {
  std::optional<std::int64_t> next;
  for (const Part& part : parts_) {
    const Partition& partition = *part.source.partition;
    if (ascending() ? partition.time_max < from : partition.time_min > from) continue;
    const std::int64_t time =
        ascending() ? std::max(from, partition.time_min) : std::min(from, partition.time_max);
    if (!next) next = time;
    next = ascending() ? std::min(*next, time) : std::max(*next, time);
  }
  return next;
}

/// True when there may be rows at or behind `from` that no index gives in order of time.
bool QueryRun::is_unordered_behind(std::int64_t from) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    const Partition& partition = *part.source.partition;
    return !partition.indexed &&
           (ascending() ? partition.time_max >= from : partition.time_min <= from);
  });
}

std::int64_t QueryRun::window_end(std::int64_t from) const {
  if (topics_ == Topics::one && !is_unordered_behind(from)) return ascending() ? until_ : since_;
  const auto start = static_cast<std::uint64_t>(from);
  if (ascending()) {
    const std::uint64_t room = static_cast<std::uint64_t>(until_) - start;
    return width_ < room ? static_cast<std::int64_t>(start + width_) : until_;
  }
  const std::uint64_t room = start - static_cast<std::uint64_t>(since_);
  return width_ < room ? static_cast<std::int64_t>(start - width_) : since_;
}

// The next width from what this one held.
void QueryRun::adapt(std::int64_t from, std::int64_t to, bool full) {
  const std::size_t rows = buffer_.size();
  if (full) {
    const std::int64_t reached = edge_.time;
    width_ = static_cast<std::uint64_t>(ascending() ? reached - from : from - reached);
  } else {
    width_ = static_cast<std::uint64_t>(ascending() ? to - from : from - to);
    if (rows < rows_wanted_ / 2 && width_ < UINT64_MAX / 16) {
      width_ *= std::clamp<std::size_t>(rows_wanted_ / std::max<std::size_t>(rows, 1), 2, 16);
    }
  }
  width_ = std::max<std::uint64_t>(width_, 1);
}

void QueryRun::run(const RowVisitor& visit) {
  if (parts_.empty() || since_ > until_) return;
  // First width: as if rows lay evenly and all were wanted; a topic may well have most of them.
  std::int64_t low = INT64_MAX, high = INT64_MIN, rows = 1;
  for (const Part& part : parts_) {
    low = std::min(low, part.source.partition->time_min);
    high = std::max(high, part.source.partition->time_max);
    rows += part.source.partition->row_count;
  }
  since_ = std::max(since_, low);
  until_ = std::min(until_, high);
  if (since_ > until_) return;
  const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  width_ = std::max<std::uint64_t>(
      1, span / static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(rows_wanted_));

  const std::int64_t no_edge = ascending() ? -1 : INT64_MAX;
  std::uint64_t left = query_.limit == 0 ? UINT64_MAX : query_.limit;
  std::optional<std::int64_t> from = next_time(ascending() ? since_ : until_);
  edge_.id = no_edge;
  while (from && left > 0 && (ascending() ? *from <= until_ : *from >= since_)) {
    const std::int64_t to = window_end(*from);
    const auto rows_max = static_cast<std::size_t>(
        std::min<std::uint64_t>(left, std::max(rows_wanted_ * 2, window_rows_min)));
    const bool full = ascending() ? fill(*from, to, rows_max) : fill(to, *from, rows_max);
    if (!buffer_.visit(visit, left)) return;
    left -= std::min<std::uint64_t>(left, buffer_.size());
    adapt(*from, to, full);
    if (full) {
      from = edge_.time;
    } else {
      edge_.id = no_edge;
      if (to == (ascending() ? until_ : since_)) return;
      from = next_time(ascending() ? to + 1 : to - 1);
    }
  }
}

}  // namespace

Result<void> run_query(Reader& reader, Clock& clock, const Query& query, const RowVisitor& visit) {
  QueryRun run(reader, clock, query);
  if (auto ready = run.prepare(); !ready) return ready;
  run.run(visit);
  run.finish();
  return {};
}

}  // namespace telemetry::sqlite
