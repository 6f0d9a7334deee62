// SPDX-License-Identifier: Apache-2.0
#include "reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "catalogue.hpp"
#include "rows.hpp"
#include "selection.hpp"

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
// Of a window that is read whole: two blocks, and at most somewhat more.
constexpr std::size_t whole_rows_wanted = 32'768;
constexpr std::size_t whole_rows_max = 40'000;
constexpr std::size_t long_rows_max = 4'000;  // of a buffer that is full

/// A position in the order of a query: rows behind it are still to come.
struct Edge {
  std::int64_t time;
  std::int64_t id;
};

class QueryRun {
 public:
  QueryRun(Reader& reader, const Query& query)
      : reader_(reader),
        database_(reader.database()),
        query_(query),
        plan_(reader, query),
        names_(reader) {}

  /// Finds out what is to be read, and where.
  Result<void> prepare();
  /// Reads the next window, which may be empty. False at the end.
  bool read();
  [[nodiscard]] bool has_rows() const noexcept { return !buffer_.is_visited(); }
  /// Shows rows of the window, from where `visit` stopped before. False when it stopped.
  bool show(const RowVisitor& visit) { return buffer_.visit(visit); }
  [[nodiscard]] std::uint64_t id_max() const noexcept {
    return static_cast<std::uint64_t>(last_id_);
  }
  /// Nothing of the query stays behind but its statements, for the next one.
  void finish() noexcept {
    for (Part& part : parts_) stop(part);
  }

 private:
  using Topics = Plan::Topics;
  /// A partition that the query reads.
  struct Part {
    Source source;
    const std::vector<Parameter>* parameters;  // of source.condition
    const Plan::Part* planned;
    std::optional<Statement> statement;
    std::optional<Statement> whole;  // the same without order
  };
  /// A part that the window touches, its statement at the next row.
  struct Cursor {
    Part* part;
    Edge at;
  };

  void add_part(const Plan::Part& planned);
  void skip_blocks();
  void begin();
  void read_window();
  [[nodiscard]] std::int64_t no_edge() const noexcept { return ascending() ? -1 : INT64_MAX; }
  std::string statement_sql(const Part& part) const;
  void start(Part& part, std::int64_t from, std::int64_t to, std::size_t rows_max);
  void bind(Statement& statement, const Part& part, std::int64_t from, std::int64_t to);
  void add(const Part& part, Statement& statement);
  [[nodiscard]] bool reads_blocks() const;
  [[nodiscard]] bool fill_whole(std::int64_t low, std::int64_t high);
  [[nodiscard]] std::int64_t block_end(std::int64_t from, std::int64_t to) const;
  void stop(Part& part) noexcept;
  bool is_unordered_behind(std::int64_t from) const;
  std::int64_t window_end(std::int64_t from) const;
  const Partition* largest_between(std::int64_t low, std::int64_t high) const;
  std::uint64_t width_at(std::int64_t time) const;
  std::optional<std::int64_t> next_time(std::int64_t from) const;
  bool fill(std::int64_t from, std::int64_t to, std::size_t rows_max);
  bool advance(Cursor& cursor) const;
  void adapt(std::int64_t from, std::int64_t to, bool full);

  [[nodiscard]] std::int64_t id_min() const noexcept {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(query_.id_min, INT64_MAX));
  }
  [[nodiscard]] const char* ids_sql() const noexcept {
    return query_.id_min > 0 ? " AND p.id<=?5 AND p.id>=?7" : " AND p.id<=?5";
  }
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
  const Query& query_;
  Plan plan_;
  TopicNames names_;  // rows in the buffer point into it
  std::int64_t last_id_ = 0;
  std::int64_t since_ = INT64_MIN, until_ = INT64_MAX;  // both inclusive
  std::vector<Part> parts_;                             // by where their time begins
  std::size_t rows_wanted_ = window_rows_min;           // of one window
  std::uint64_t width_ = 0;                             // of the next window, ns
  Edge edge_{};                                         // last row seen
  std::optional<std::int64_t> from_;                    // of the next window
  bool has_long_rows_ = false;
  std::uint64_t left_ = query_.limit == 0 ? UINT64_MAX : query_.limit;  // rows of the limit
  RowBuffer buffer_;
};

Result<void> QueryRun::prepare() {
  if (auto known = plan_.prepare(query_.fields); !known) return known;
  last_id_ = plan_.last_id();
  since_ = plan_.since();
  until_ = plan_.until();
  if (query_.after) {
    last_id_ = std::min(last_id_, static_cast<std::int64_t>(query_.after->id_max));
    if (ascending())
      since_ = std::max(since_, query_.after->time);
    else
      until_ = std::min(until_, query_.after->time);
  }
  for (const Plan::Part& planned : plan_.parts()) {
    if (planned.partition->last_id >= id_min()) add_part(planned);
  }
  if (query_.id_min > 0 && plan_.catalogue()->has_blocks()) skip_blocks();
  std::sort(parts_.begin(), parts_.end(), [this](const Part& a, const Part& b) {
    return ascending() ? a.source.partition->time_min < b.source.partition->time_min
                       : a.source.partition->time_max > b.source.partition->time_max;
  });
  // Reading many topics costs one index look-up a topic and window: make windows worth it.
  rows_wanted_ = std::clamp(2 * plan_.topic_count(), window_rows_min, window_rows_max);
  if (reads_blocks()) rows_wanted_ = whole_rows_wanted;
  if (query_.limit > 0 && query_.limit < rows_wanted_) {
    const std::size_t least = plan_.topics() == Topics::one ? 32 : 256;
    rows_wanted_ = std::max<std::size_t>(query_.limit + query_.limit / 8, least);
  }
  begin();
  return {};
}

void QueryRun::add_part(const Plan::Part& planned) {
  Part part{{}, &planned.parameters, &planned, {}, {}};
  Source& source = part.source;
  source.partition = planned.partition;
  source.condition = planned.condition;
  const auto& fields = query_.fields;
  source.want_extra = fields.empty() || std::ranges::find(fields, "extra") != fields.end();
  for (const Column& column : planned.partition->layout->columns) {
    const bool wanted = std::ranges::any_of(
        fields, [&](const std::string& field) { return is_field_or_member(column.path, field); });
    if (wanted || fields.empty()) source.columns.push_back(&column);
  }
  parts_.push_back(std::move(part));
}

/// Begins where a block that has one of the ids begins.
void QueryRun::skip_blocks() {
  SQLite::Statement begin(database_, "SELECT min(time_min) FROM blocks WHERE last_id>=?");
  begin.bind(1, id_min());
  if (!begin.executeStep() || begin.getColumn(0).isNull()) return;
  since_ = std::max(since_, begin.getColumn(0).getInt64());
}

// ?1, ?2 the window (inclusive); ?3 the id that was last seen at the edge; ?4 rows; ?5 last id;
// ?6 the topic when there is one; ?7 the first id where it counts. Nothing else of the query's
// values stands in the text: a reader keeps statements by it.
std::string QueryRun::statement_sql(const Part& part) const {
  const Source& source = part.source;
  const bool up = ascending();
  const std::string order = up ? " ORDER BY p.time, p.id" : " ORDER BY p.time DESC, p.id DESC";
  const std::string rows = " FROM " + plan_.rows_sql(*source.partition, part.planned->asks_topic) +
                           " AND p.time>=?1 AND p.time<=?2 AND " +
                           (up ? "(p.id>?3 OR p.time>?1)" : "(p.id<?3 OR p.time<?2)") + ids_sql() +
                           source.condition + order + " LIMIT ?4";
  // The index alone says which rows those of the limit are.
  if (query_.limit == 0 || !source.condition.empty() || plan_.topics() == Topics::one) {
    return select_sql(source) + rows;
  }
  return select_sql(source) + " FROM (SELECT p.id" + rows + ") k CROSS JOIN " +
         quoted_name(source.partition->table) + " p WHERE p.id=k.id" + order;
}

bool QueryRun::advance(Cursor& cursor) const {
  Statement& statement = *cursor.part->statement;
  if (!statement.step()) return false;
  cursor.at = {statement.integer(1), statement.integer(0)};
  return true;
}

void QueryRun::start(Part& part, std::int64_t from, std::int64_t to, std::size_t rows_max) {
  if (!part.statement) part.statement.emplace(reader_.take(statement_sql(part)));
  Statement& statement = *part.statement;
  bind(statement, part, from, to);
  statement.bind(4, static_cast<std::int64_t>(rows_max));
}

void QueryRun::bind(Statement& statement, const Part& part, std::int64_t from, std::int64_t to) {
  statement.reset();
  statement.bind(1, from);
  statement.bind(2, to);
  statement.bind(3, edge_.id);
  statement.bind(5, last_id_);
  if (query_.id_min > 0) statement.bind(7, id_min());
  if (plan_.topics() == Topics::one) statement.bind(6, plan_.topic_id());
  for (std::size_t i = 0; i < part.parameters->size(); ++i) {
    bind_parameter(statement, first_parameter + static_cast<int>(i), (*part.parameters)[i]);
  }
}

void QueryRun::stop(Part& part) noexcept {
  for (auto* statement : {&part.statement, &part.whole}) {
    if (*statement) reader_.give_back(std::move(**statement));
    statement->reset();
  }
}

void QueryRun::add(const Part& part, Statement& statement) {
  const TopicNames::Name& name = names_.of(RowBuffer::topic_id(statement));
  buffer_.add(part.source, statement, name.topic, name.device);
}

/// Many topics, all rows of a window: it is cheaper to read them as they lie and to sort them here.
bool QueryRun::reads_blocks() const {
  return plan_.topics() != Topics::one && plan_.reads_whole() && query_.limit == 0 &&
         !has_long_rows_;
}

// All rows of [low, high] behind the edge. False when they are too many.
bool QueryRun::fill_whole(std::int64_t low, std::int64_t high) {
  buffer_.clear();
  names_.trim();
  bool fits = true;
  for (Part& part : parts_) {
    const Partition& partition = *part.source.partition;
    if (partition.time_max < low || partition.time_min > high || !fits) continue;
    if (!part.whole) {
      part.whole.emplace(reader_.take(
          select_sql(part.source) + " FROM " + plan_.unordered_sql(*part.planned, true) +
          " AND p.time>=?1 AND p.time<=?2 AND " +
          (ascending() ? "(p.id>?3 OR p.time>?1)" : "(p.id<?3 OR p.time<?2)") + ids_sql() +
          part.source.condition));
    }
    Statement& statement = *part.whole;
    bind(statement, part, low, high);
    while (fits && statement.step()) {
      add(part, statement);
      fits = !buffer_.is_full(whole_rows_max);
    }
    statement.reset();
  }
  if (!fits) return false;
  buffer_.sort(ascending());
  return true;
}

/// Null when none has rows there, or when the file knows no blocks.
const Partition* QueryRun::largest_between(std::int64_t low, std::int64_t high) const {
  const Partition* largest = nullptr;
  for (const Part& part : parts_) {
    const Partition& partition = *part.source.partition;
    if (partition.time_max < low || partition.time_min > high) continue;
    if (largest == nullptr || partition.row_count > largest->row_count) largest = &partition;
  }
  return plan_.catalogue()->has_blocks() ? largest : nullptr;
}

/// An end of a window at or before `to` at which a block ends, so that few rows are read in vain.
std::int64_t QueryRun::block_end(std::int64_t from, std::int64_t to) const {
  const Partition* const largest = largest_between(std::min(from, to), std::max(from, to));
  if (largest == nullptr) return to;
  KeptStatement edge(reader_, ascending() ? "SELECT max(time_max) FROM blocks WHERE "
                                            "partition_id=?1 AND time_max>=?2 AND time_max<=?3"
                                          : "SELECT min(time_min) FROM blocks WHERE "
                                            "partition_id=?1 AND time_min<=?2 AND time_min>=?3");
  edge->bind(1, largest->id);
  edge->bind(2, from);
  edge->bind(3, to);
  const bool found = edge->step() && sqlite3_value_type(edge->value(0)) == SQLITE_INTEGER;
  return found ? edge->integer(0) : to;
}

// Copies the rows of [low, high] behind the edge, in order. True when the buffer was full before
// the end of the window.
bool QueryRun::fill(std::int64_t low, std::int64_t high, std::size_t rows_max) {
  buffer_.clear();
  names_.trim();
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
    add(*first.part, *first.part->statement);
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
  if (plan_.topics() == Topics::one && !is_unordered_behind(from))
    return ascending() ? until_ : since_;
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
    if (rows < rows_wanted_ / 2 && !buffer_.is_half_full() && width_ < UINT64_MAX / 16) {
      width_ *= std::clamp<std::size_t>(rows_wanted_ / std::max<std::size_t>(rows, 1), 2, 16);
    }
  }
  width_ = std::max<std::uint64_t>(width_, 1);
}

/// The width of a window by the first block that may reach to `time`.
std::uint64_t QueryRun::width_at(std::int64_t time) const {
  const Partition* const largest = largest_between(time, time);
  if (largest == nullptr) return UINT64_MAX;
  KeptStatement block(reader_, ascending()
                                   ? "SELECT time_min, time_max, last_id-first_id FROM blocks"
                                     " WHERE partition_id=?1 AND time_max>=?2"
                                     " ORDER BY block LIMIT 1"
                                   : "SELECT time_min, time_max, last_id-first_id FROM blocks"
                                     " WHERE partition_id=?1 AND time_min<=?2"
                                     " ORDER BY block DESC LIMIT 1");
  block->bind(1, largest->id);
  block->bind(2, time);
  if (!block->step()) return UINT64_MAX;
  const auto span =
      static_cast<std::uint64_t>(block->integer(1)) - static_cast<std::uint64_t>(block->integer(0));
  const auto rows = static_cast<std::uint64_t>(block->integer(2)) + 1;
  return std::max<std::uint64_t>(1, span / rows * rows_wanted_);
}

// First width: as if rows lay evenly and all were wanted; a topic may well have most of them. With
// a limit as they lie there: one wrong time, years off, must not have it read all rows.
void QueryRun::begin() {
  if (parts_.empty() || since_ > until_) return;
  std::int64_t low = INT64_MAX, high = INT64_MIN, rows = 1;
  for (const Part& part : parts_) {
    low = std::min(low, part.source.partition->time_min);
    high = std::max(high, part.source.partition->time_max);
    rows += part.source.partition->row_count;
  }
  const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  width_ = std::max<std::uint64_t>(
      1, span / static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(rows_wanted_));
  from_ = next_time(ascending() ? since_ : until_);
  if (from_ && query_.limit > 0) width_ = std::min(width_, width_at(*from_));
  edge_.id = no_edge();
  // The row of the cursor stands at the edge of the first window, if anything does.
  if (query_.after && from_ == query_.after->time) {
    edge_.id = static_cast<std::int64_t>(query_.after->id);
  }
}

/// Fills the buffer with the next window, and moves on.
void QueryRun::read_window() {
  const std::int64_t from = *from_;
  std::int64_t to = window_end(from);
  bool full = false;
  bool read = false;
  if (reads_blocks()) {
    to = block_end(from, to);
    while (!read && to != from) {
      read = ascending() ? fill_whole(from, to) : fill_whole(to, from);
      if (!read) to = std::midpoint(from, to);
      // Long payloads: reading them again and again to find a window that fits would take too long.
      if (!read && buffer_.size() < long_rows_max) has_long_rows_ = true;
      if (has_long_rows_ && !read) break;
    }
  }
  if (!read) {
    const auto rows_max = static_cast<std::size_t>(
        std::min<std::uint64_t>(left_, std::max(rows_wanted_ * 2, window_rows_min)));
    full = ascending() ? fill(from, to, rows_max) : fill(to, from, rows_max);
  }
  adapt(from, to, full);
  if (full) {
    from_ = edge_.time;
    return;
  }
  edge_.id = no_edge();
  const bool last = to == (ascending() ? until_ : since_);
  from_ = last ? std::nullopt : next_time(ascending() ? to + 1 : to - 1);
}

bool QueryRun::read() {
  if (!from_ || left_ == 0 || (ascending() ? *from_ > until_ : *from_ < since_)) return false;
  read_window();
  left_ -= std::min<std::uint64_t>(left_, buffer_.size());
  return true;
}

}  // namespace

Result<Shape> run_shape(Reader& reader, const Selection& selection) {
  Plan plan(reader, selection);
  if (auto ready = plan.prepare({}); !ready) return ready.error();
  Shape shape;
  shape.id_max = static_cast<std::uint64_t>(plan.last_id());
  for (const Plan::Part& part : plan.parts()) {
    const Partition& partition = *part.partition;
    if (!plan.may_have_rows(partition)) continue;
    const Layout& layout = *partition.layout;
    for (const Column& column : layout.columns) {
      const auto known = std::ranges::find(shape.fields, column.path, &Shape::Field::path);
      if (known == shape.fields.end()) {
        shape.fields.push_back({column.path, column.type});
      } else if (known->type != column.type) {
        known->type = core::FieldType::any;
      }
    }
    shape.extra = shape.extra || layout.has_extra;
    shape.payload = shape.payload || layout.is_raw();
    const bool first = shape.rows_max == 0;
    shape.rows_max += static_cast<std::uint64_t>(partition.row_count);
    shape.time_min = first ? partition.time_min : std::min(shape.time_min, partition.time_min);
    shape.time_max = first ? partition.time_max : std::max(shape.time_max, partition.time_max);
  }
  shape.time_min = std::max(shape.time_min, plan.since());
  shape.time_max = std::min(shape.time_max, plan.until());
  return shape;
}

Result<std::uint64_t> run_query(Reader& reader, const Query& query, const RowVisitor& visit) {
  QueryRun run(reader, query);
  if (auto ready = run.prepare(); !ready) return ready.error();
  while (run.read() && run.show(visit)) {
  }
  run.finish();
  return run.id_max();
}

namespace {

class Stream final : public RowStream {
 public:
  Stream(const std::string& path, Readers& readers, std::unique_ptr<Reader> reader,
         const Query& query)
      : path_(path), readers_(readers), reader_(std::move(reader)), query_(query) {
    cache_size_ = reader_->database().execAndGet("PRAGMA cache_size").getInt();
    set_cache(stream_cache_size);
    run_.emplace(*reader_, query_);
  }
  Result<void> prepare() { return run_->prepare(); }
  Result<bool> next(const RowVisitor& visit) override {
    return guarded(path_, [&]() -> Result<bool> {
      if (!run_) return false;
      {
        const StopWatch watch(*reader_, query_);
        while (!run_->has_rows() && run_->read()) {
        }
      }
      if (run_->has_rows()) {
        (void)run_->show(visit);
        return true;
      }
      run_->finish();
      run_.reset();
      set_cache(cache_size_);
      readers_.give_back(std::move(reader_));
      return false;
    });
  }

 private:
  static constexpr int stream_cache_size = -1024;  // KiB: it does not come back to what it has read

  void set_cache(int size) {
    reader_->database().exec(fmt::format("PRAGMA cache_size = {}", size));
  }

  const std::string& path_;
  Readers& readers_;
  std::unique_ptr<Reader> reader_;  // until the end
  int cache_size_ = 0;              // of the reader
  const Query query_;
  std::optional<QueryRun> run_;
};

}  // namespace

Result<std::unique_ptr<RowStream>> open_stream(const std::string& path, Readers& readers,
                                               std::unique_ptr<Reader> reader, const Query& query) {
  auto stream = std::make_unique<Stream>(path, readers, std::move(reader), query);
  if (auto ready = stream->prepare(); !ready) return ready.error();
  return std::unique_ptr<RowStream>(std::move(stream));
}

}  // namespace telemetry::sqlite
