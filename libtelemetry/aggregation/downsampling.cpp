// SPDX-License-Identifier: Apache-2.0
//
// Rows into columns. A column keeps its rows as they are up to four; with the fifth they become the
// first, last, lowest and highest, in the same room. Which series are dropped follows from the data
// alone, not from the order of rows: what is kept are the first series, as many as fit, because
// what a series takes only grows.
#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <tuple>

#include "telemetry/aggregation.hpp"

namespace telemetry {
namespace {

constexpr std::uint32_t marks_max = 4;
constexpr std::uint64_t columns_in_use_max = Series::points_max / marks_max;

/// A row with the field.
struct Mark {
  std::int64_t time = 0;
  std::uint64_t id = 0;
  Number value{std::int64_t{0}};
};

bool is_before(const Mark& a, const Mark& b) noexcept {
  return a.time != b.time ? a.time < b.time : a.id < b.id;
}

bool is_lower(const Mark& a, const Mark& b) noexcept {
  if (!a.value.is_whole() && !b.value.is_whole()) return a.value.real() < b.value.real();
  if (a.value.is_whole() && b.value.is_whole()) return a.value.whole() < b.value.whole();
  return a.value < b.value;
}

/// Marks of one column.
class TimeColumn {
 public:
  void add(const Mark& mark) noexcept {
    if (count_ < marks_max) {
      marks_[count_++] = mark;
      return;
    }
    if (count_ == marks_max) choose();
    take(mark);
  }
  /// By time and id. @returns how many there are
  std::uint32_t sorted(std::array<Mark, marks_max>& out) const noexcept {
    out = marks_;
    const std::uint32_t count = std::min(count_, marks_max);
    const auto end = out.begin() + count;
    std::sort(out.begin(), end, is_before);
    const auto same = [](const Mark& a, const Mark& b) { return a.id == b.id; };
    return static_cast<std::uint32_t>(std::unique(out.begin(), end, same) - out.begin());
  }

 private:
  void choose() noexcept {
    const std::array<Mark, marks_max> rows = marks_;
    marks_.fill(rows[0]);
    for (std::uint32_t i = 1; i < marks_max; ++i) take(rows[i]);
    count_ = marks_max + 1;
  }
  void take(const Mark& mark) noexcept {
    auto& [first, last, low, high] = marks_;
    if (is_before(mark, first)) first = mark;
    if (is_before(last, mark)) last = mark;
    if (is_lower(mark, low) || (is_before(mark, low) && !is_lower(low, mark))) low = mark;
    if (is_lower(high, mark) || (is_before(mark, high) && !is_lower(mark, high))) high = mark;
  }

  std::array<Mark, marks_max> marks_{};
  std::uint32_t count_ = 0;  // 5: the marks are the first, last, lowest and highest
};

}  // namespace

class Downsampling::Line {
 public:
  std::vector<std::uint32_t> places;  // by number of the column: in `columns`, plus 1
  std::deque<TimeColumn> columns;
  TimeColumn* current = nullptr;      // the one that had the last row
  std::int64_t first = 0, last = -1;  // what it spans
  std::uint64_t last_row = UINT64_MAX;
  std::uint64_t rows = 0;
  std::int64_t newest_time = INT64_MIN;
  std::uint64_t newest_id = 0;
  std::uint64_t schema = 0;  // of the newest
};

Downsampling::Downsampling(const Series& series, const TimeColumns& columns)
    : series_(series), columns_(columns), first_column_(columns.number_of(columns.since)) {}

Downsampling::~Downsampling() = default;

bool Downsampling::wants(const Series& series, std::string_view field) {
  return series.fields.empty() || std::ranges::any_of(series.fields, [&](const std::string& name) {
           return is_field_or_member(field, name);
         });
}

Downsampling::Line* Downsampling::line(std::string_view topic, std::string_view field) {
  const std::pair key(topic, field);
  const auto known = lines_.lower_bound(key);
  if (known != lines_.end() && !Before()(key, known->first)) return known->second.get();
  if (end_ && !Before()(key, *end_)) return nullptr;
  if (!wants(series_, field)) return nullptr;
  const auto added = lines_.emplace_hint(known, Key(topic, field), std::make_unique<Line>());
  const bool last = std::next(added) == lines_.end();
  if (lines_.size() <= series_.limit) return added->second.get();
  drop_last();
  return last ? nullptr : added->second.get();
}

void Downsampling::drop_last() {
  const auto last = std::prev(lines_.end());
  columns_in_use_ -= last->second->columns.size();
  end_ = last->first;
  lines_.erase(last);
  ++dropped_;
}

void Downsampling::add(Line& line, std::int64_t time, std::uint64_t id, const Number& number,
                       std::uint64_t schema) {
  if (line.last_row == id) return;
  line.last_row = id;
  ++line.rows;
  const Mark mark{time, id, number};
  if (time > line.newest_time || (time == line.newest_time && id > line.newest_id)) {
    line.newest_time = time;
    line.newest_id = id;
    line.schema = schema;
  }
  if (time >= line.first && time <= line.last) {
    line.current->add(mark);
    return;
  }
  std::tie(line.first, line.last) = columns_.span_of(time);
  const auto column =
      static_cast<std::size_t>(static_cast<std::uint64_t>(columns_.number_of(time)) -
                               static_cast<std::uint64_t>(first_column_));
  if (line.places.size() <= column) line.places.resize(column + 1);
  std::uint32_t& place = line.places[column];
  const bool fresh = place == 0;
  if (fresh) {
    line.columns.emplace_back();
    place = static_cast<std::uint32_t>(line.columns.size());
  }
  line.current = &line.columns[place - 1];
  line.current->add(mark);
  if (fresh && ++columns_in_use_ > columns_in_use_max) drop_last();
}

bool Downsampling::takes(std::string_view topic) const {
  return !end_ || Before()(std::pair(topic, std::string_view()), *end_);
}

void Downsampling::finish(
    const std::function<bool(SeriesLine& line, std::uint64_t schema)>& visit) {
  std::vector<SeriesPoint> points;
  for (auto one = lines_.begin(); one != lines_.end(); one = lines_.erase(one)) {
    const Line& line = *one->second;
    points.clear();
    for (const std::uint32_t place : line.places) {
      if (place == 0) continue;
      std::array<Mark, marks_max> marks;
      const std::uint32_t count = line.columns[place - 1].sorted(marks);
      for (std::uint32_t i = 0; i < count; ++i) points.push_back({marks[i].time, marks[i].value});
    }
    SeriesLine shown;
    shown.topic = one->first.first;
    shown.field = one->first.second;
    shown.rows = line.rows;
    shown.points = points;
    if (line.rows > 0 && !visit(shown, line.schema)) return;
  }
}

}  // namespace telemetry
