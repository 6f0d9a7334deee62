// SPDX-License-Identifier: Apache-2.0
//
// Rows into groups and buckets. One state per (group, bucket, field); a group remembers the bucket
// it used last, as rows of a topic mostly come in order of time. Results do not depend on the order
// of rows but for the last digits of sums, which are compensated.
#include "telemetry/aggregation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace telemetry {
namespace {

using Function = Measure::Function;
using Kind = Sample::Kind;

Sample numeric(Number number) noexcept { return {Kind::number, number, {}}; }
Sample whole(std::uint64_t count) noexcept {
  return numeric(Number(static_cast<std::int64_t>(count)));
}
Sample finite(double real) noexcept {
  return std::isfinite(real) ? numeric(Number(real)) : Sample();
}

bool counts(const Sample& sample) noexcept {
  return sample.kind == Kind::number || sample.kind == Kind::boolean;
}

bool has_text(const Sample& sample) noexcept {
  return sample.kind == Kind::text || sample.kind == Kind::json;
}

/// Nulls, numbers, booleans, times, texts, objects and arrays.
bool is_less(const Sample& a, const Sample& b) noexcept {
  if (a.kind != b.kind) return a.kind < b.kind;
  return has_text(a) ? a.text < b.text : a.number < b.number;
}

void append_key(const Sample& sample, std::string& key) {
  key += static_cast<char>(sample.kind);
  if (has_text(sample)) {
    const std::size_t bytes = sample.text.size();
    key.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    key += sample.text;
    return;
  }
  Number number = sample.number;
  constexpr double whole_below = 9007199254740992.0;  // 2^53
  if (!number.is_whole() && std::abs(number.real()) < whole_below &&
      std::trunc(number.real()) == number.real()) {
    number = Number(static_cast<std::int64_t>(number.real()));  // 3.0 is 3
  }
  const double real = number.is_whole() ? 0 : number.real();
  const std::int64_t integer = number.is_whole() ? number.whole() : 0;
  key.append(reinterpret_cast<const char*>(&real), sizeof real);
  key.append(reinterpret_cast<const char*>(&integer), sizeof integer);
}

/// Numbers with how often they came, in bounded room where they repeat.
class Kept {
 public:
  /// @returns bytes that it takes more.
  std::size_t add(const Number& number) {
    fresh_.push_back(number);
    if (fresh_.size() < std::max<std::size_t>(256, runs_.size())) return sizeof(Number);
    return merge();
  }
  [[nodiscard]] Number at_rank(double rank) {
    (void)merge();
    const auto count =
        std::accumulate(runs_.begin(), runs_.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const Run& run) { return sum + run.count; });
    auto place = static_cast<std::uint64_t>(std::ceil(rank * static_cast<double>(count) / 100));
    place = std::clamp<std::uint64_t>(place, 1, count);
    for (const Run& run : runs_) {
      if (place <= run.count) return run.number;
      place -= run.count;
    }
    return runs_.back().number;
  }

 private:
  struct Run {
    Number number;
    std::uint64_t count;
  };
  std::size_t merge() {
    const std::size_t before = runs_.size() * sizeof(Run) + fresh_.size() * sizeof(Number);
    for (const Number& number : fresh_) runs_.push_back({number, 1});
    fresh_.clear();
    std::ranges::sort(runs_, [](const Run& a, const Run& b) { return a.number < b.number; });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (kept > 0 && runs_[kept - 1].number == runs_[i].number) {
        runs_[kept - 1].count += runs_[i].count;
      } else {
        runs_[kept++] = runs_[i];
      }
    }
    runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(kept), runs_.end());
    const std::size_t now = runs_.size() * sizeof(Run);
    return now > before ? now - before : 0;
  }
  std::vector<Run> runs_;  // sorted
  std::vector<Number> fresh_;
};

/// A value with its text.
class Owned {
 public:
  [[nodiscard]] const Sample& get() const noexcept { return sample_; }
  /// @returns bytes that it takes more.
  std::size_t set(const Sample& sample) {
    sample_ = sample;
    if (!has_text(sample)) return 0;
    if (text_ == nullptr) text_ = std::make_unique<std::string>();
    const std::size_t before = text_->capacity();
    *text_ = sample.text;
    sample_.text = *text_;
    return text_->capacity() - before;
  }

 private:
  Sample sample_;
  std::unique_ptr<std::string> text_;
};

}  // namespace

Sample Sample::of(const core::Value& value) noexcept {
  switch (value.kind()) {
    case core::ValueKind::null:
      return {};
    case core::ValueKind::json:
      return {Kind::json, Number(std::int64_t{0}), value.as_text()};
    case core::ValueKind::boolean:
      return {Kind::boolean, Number::of(value), {}};
    case core::ValueKind::integer:
    case core::ValueKind::decimal:
      return numeric(Number::of(value));
    case core::ValueKind::time:
      return {Kind::time, Number::of(value), {}};
    case core::ValueKind::text:
      return {Kind::text, Number(std::int64_t{0}), value.as_text()};
  }
  return {};
}

core::Value Sample::value() const noexcept {
  switch (kind) {
    case Kind::null:
      return {};
    case Kind::number:
      return number.value();
    case Kind::boolean:
      return core::Value::boolean(number.whole() != 0);
    case Kind::time:
      return core::Value::time(number.whole());
    case Kind::text:
      return core::Value::text(text);
    case Kind::json:
      return core::Value::json(text);
  }
  return {};
}

struct Aggregation::Values {
  std::uint64_t count = 0;       // of what is not null
  std::uint64_t numbers = 0;     // of these, those that are numbers
  double sum = 0, rest = 0;      // Neumaier: rest is what sum has lost
  double mean = 0, squares = 0;  // Welford
  std::int64_t whole = 0;
  bool is_whole = true;  // so far, and `whole` has held them
  Owned min, max, first, last;
  std::int64_t first_time = 0, last_time = 0;
  std::uint64_t first_id = 0, last_id = 0;
  std::unique_ptr<Kept> kept;
};

Aggregation::Aggregation(const Aggregate& aggregate)
    : aggregate_(aggregate), buckets_(aggregate.bucket, aggregate.zone) {
  for (const Measure& measure : aggregate.measures) {
    if (measure.field.empty()) {
      field_of_.push_back(SIZE_MAX);
      continue;
    }
    const auto known = std::ranges::find(fields_, measure.field);
    field_of_.push_back(static_cast<std::size_t>(known - fields_.begin()));
    if (known == fields_.end()) fields_.push_back(measure.field);
    needs_.resize(fields_.size());
    seen_.resize(fields_.size());
    Needs& needs = needs_[field_of_.back()];
    const Function function = measure.function;
    needs.values = needs.values || function == Function::percentile;
    needs.ends = needs.ends || function == Function::first || function == Function::last;
    needs.extremes = needs.extremes || function == Function::min || function == Function::max;
    needs.squares = needs.squares || function == Function::stddev;
  }
}

Aggregation::~Aggregation() = default;

Result<void> Aggregation::expect(std::int64_t first, std::int64_t last) const {
  if (aggregate_.bucket.kind != Bucket::Kind::fixed || first > last) return {};
  const auto span = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
  const std::uint64_t buckets = span / static_cast<std::uint64_t>(aggregate_.bucket.width_ns) + 1;
  if (buckets <= Aggregate::buckets_max) return {};
  return Error{Errc::invalid_argument,
               fmt::format("{} buckets; at most {} are made: take wider buckets or less time",
                           buckets, Aggregate::buckets_max)};
}

std::size_t Aggregation::group(std::span<const Sample> by) {
  std::string key;
  for (const Sample& value : by) append_key(value, key);
  const auto [known, added] = group_index_.try_emplace(std::move(key), groups_.size());
  if (added) {
    Group& group = groups_.emplace_back();
    for (const Sample& value : by) {
      group.by.push_back(value);
      if (has_text(value)) group.by.back().text = arena_.copy(value.text);
    }
    kept_bytes_ += sizeof(Group) + by.size() * sizeof(Sample) + 2 * known->first.size() + 64;
  }
  return known->second;
}

std::size_t Aggregation::slot_for(std::size_t number, std::int64_t time) {
  Group& group = groups_[number];
  if (time >= group.span.begin && time < group.span.end) return group.slot;
  group.span = buckets_.of(time);
  const auto [known, added] = slot_index_.try_emplace({number, group.span.begin}, slots_.size());
  if (added) {
    slots_.push_back({number, group.span.begin});
    values_.resize(values_.size() + fields_.size());
    kept_bytes_ += sizeof(Slot) + 64 + fields_.size() * sizeof(Values);
  }
  return group.slot = known->second;
}

bool Aggregation::add(std::size_t group, std::int64_t time, std::uint64_t id,
                      std::span<const Sample> values) {
  const std::size_t slot = slot_for(group, time);
  ++slots_[slot].rows;
  for (std::size_t field = 0; field < values.size(); ++field) {
    const Sample& value = values[field];
    if (value.kind == Kind::null) continue;
    Values& state = values_[slot * fields_.size() + field];
    take(state, needs_[field], time, id, value);
    (counts(value) ? seen_[field].number : seen_[field].other) = true;
    if (needs_[field].values && counts(value)) {
      if (state.kept == nullptr) state.kept = std::make_unique<Kept>();
      kept_bytes_ += state.kept->add(value.number);
    }
  }
  if (kept_bytes_ + arena_.bytes() > Aggregate::memory_bytes_max) full_ = true;
  return !full_;
}

void Aggregation::take(Values& state, const Needs& needs, std::int64_t time, std::uint64_t id,
                       const Sample& value) {
  const bool is_first = state.count == 0;
  if (needs.ends) {
    if (is_first || std::pair(time, id) < std::pair(state.first_time, state.first_id)) {
      kept_bytes_ += state.first.set(value);
      state.first_time = time;
      state.first_id = id;
    }
    if (is_first || std::pair(time, id) >= std::pair(state.last_time, state.last_id)) {
      kept_bytes_ += state.last.set(value);
      state.last_time = time;
      state.last_id = id;
    }
  }
  if (needs.extremes) {
    if (is_first || is_less(value, state.min.get())) kept_bytes_ += state.min.set(value);
    if (is_first || is_less(state.max.get(), value)) kept_bytes_ += state.max.set(value);
  }
  ++state.count;
  if (!counts(value)) return;
  ++state.numbers;
  const double real = value.number.real();
  state.is_whole = state.is_whole && value.number.is_whole() &&
                   !__builtin_add_overflow(state.whole, value.number.whole(), &state.whole);
  const double sum = state.sum + real;
  state.rest +=
      std::abs(state.sum) >= std::abs(real) ? (state.sum - sum) + real : (real - sum) + state.sum;
  state.sum = sum;
  if (!needs.squares) return;
  const double apart = real - state.mean;
  state.mean += apart / static_cast<double>(state.numbers);
  state.squares += apart * (real - state.mean);
}

Sample Aggregation::result(const Measure& measure, std::size_t field, std::size_t slot) {
  if (field == SIZE_MAX) return whole(slots_[slot].rows);
  Values& state = values_[slot * fields_.size() + field];
  const auto count = static_cast<double>(state.numbers);
  switch (measure.function) {
    case Function::count:
      return whole(state.count);
    case Function::min:
      return state.min.get();
    case Function::max:
      return state.max.get();
    case Function::first:
      return state.first.get();
    case Function::last:
      return state.last.get();
    case Function::sum:
      if (state.numbers == 0) return {};
      return state.is_whole ? numeric(Number(state.whole)) : finite(state.sum + state.rest);
    case Function::avg: {
      if (state.numbers == 0) return {};
      return finite((state.sum + state.rest) / count);
    }
    case Function::stddev:
      if (state.numbers < 2) return {};
      return finite(std::sqrt(state.squares / (count - 1)));
    case Function::percentile:
      return state.kept == nullptr ? Sample() : numeric(state.kept->at_rank(measure.rank));
  }
  return {};
}

/// Gives the rows of all groups bucket by bucket, and what stands between them.
class Aggregation::Filler {
 public:
  Filler(Aggregation& aggregation, std::vector<std::size_t> groups,
         std::vector<std::vector<std::size_t>> slots)
      : all_(aggregation),
        fill_(aggregation.aggregate_.fill),
        groups_(std::move(groups)),
        slots_(std::move(slots)) {}

  bool show(std::int64_t begin, std::size_t group, const AggregateVisitor& visit) {
    const std::vector<std::size_t>& slots = slots_[group];
    const auto next = std::ranges::lower_bound(
        slots, begin, {}, [&](std::size_t slot) { return all_.slots_[slot].begin; });
    const bool exists = next != slots.end() && all_.slots_[*next].begin == begin;
    const Aggregate& aggregate = all_.aggregate_;
    if (!exists && !is_between(begin, slots)) return true;
    row_.clear();
    for (std::size_t i = 0; i < aggregate.measures.size(); ++i) {
      const auto of = [&](std::size_t slot) {
        return all_.result(aggregate.measures[i], all_.field_of_[i], slot);
      };
      if (exists) {
        row_.push_back(of(*next).value());
      } else if (aggregate.measures[i].function == Function::count) {
        row_.push_back(core::Value::integer(0));
      } else if (fill_ == Fill::null || next == slots.begin()) {
        row_.push_back({});
      } else if (fill_ == Fill::previous) {
        row_.push_back(of(*std::prev(next)).value());
      } else {
        const bool inside = next != slots.end();
        row_.push_back(inside ? between(begin, *std::prev(next), *next, of).value()
                              : core::Value());
      }
    }
    AggregateRow row;
    if (aggregate.bucket.kind != Bucket::Kind::none) row.time = begin;
    by_.clear();
    for (const Sample& key : all_.groups_[group].by) by_.push_back(key.value());
    row.by = by_;
    row.values = row_;
    return visit(row);
  }
  [[nodiscard]] const std::vector<std::size_t>& groups() const noexcept { return groups_; }

 private:
  [[nodiscard]] bool is_between(std::int64_t begin, const std::vector<std::size_t>& slots) const {
    const Aggregate& aggregate = all_.aggregate_;
    const bool after = aggregate.since.has_value() || begin > all_.slots_[slots.front()].begin;
    const bool before = aggregate.until.has_value() || begin < all_.slots_[slots.back()].begin;
    return after && before;
  }
  template <class Of>
  [[nodiscard]] Sample between(std::int64_t time, std::size_t before, std::size_t after,
                               const Of& of) const {
    const Sample low = of(before), high = of(after);
    if (!counts(low) || !counts(high)) return {};
    const auto begin = static_cast<double>(all_.slots_[before].begin);
    const double part = (static_cast<double>(time) - begin) /
                        (static_cast<double>(all_.slots_[after].begin) - begin);
    const double a = low.number.real(), b = high.number.real();
    return finite(a + (b - a) * part);
  }

  Aggregation& all_;
  Fill fill_;
  std::vector<std::size_t> groups_;              // in the order of their keys
  std::vector<std::vector<std::size_t>> slots_;  // of each group, in the order of time
  std::vector<core::Value> row_, by_;
};

Result<void> Aggregation::check() const {
  if (full_) {
    return Error{Errc::resource_exhausted,
                 fmt::format("the aggregate needs more than {} MB: take wider buckets, less time, "
                             "fewer groups, or no percentiles",
                             Aggregate::memory_bytes_max >> 20)};
  }
  for (std::size_t i = 0; i < field_of_.size(); ++i) {
    const Measure& measure = aggregate_.measures[i];
    if (field_of_[i] == SIZE_MAX || !measure.wants_numbers()) continue;
    const Seen& seen = seen_[field_of_[i]];
    if (seen.number || !seen.other) continue;
    return Error{Errc::invalid_argument,
                 fmt::format("{}: no value of '{}' is a number; count, min, max, first and last "
                             "take anything",
                             measure.name(), measure.field)};
  }
  return {};
}

Result<void> Aggregation::finish(const AggregateVisitor& visit) {
  if (auto checked = check(); !checked) return checked;
  if (slots_.empty() && aggregate_.bucket.kind == Bucket::Kind::none && aggregate_.by.empty()) {
    slot_for(group({}), 0);  // of nothing: counts are 0
  }
  std::vector<std::size_t> order(groups_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return std::ranges::lexicographical_compare(groups_[a].by, groups_[b].by, is_less);
  });
  std::vector<std::vector<std::size_t>> slots(groups_.size());
  for (std::size_t slot = 0; slot < slots_.size(); ++slot)
    slots[slots_[slot].group].push_back(slot);
  std::vector<std::int64_t> begins;
  for (auto& of_group : slots) {
    std::ranges::sort(of_group, {}, [&](std::size_t slot) { return slots_[slot].begin; });
  }
  for (const Slot& slot : slots_) begins.push_back(slot.begin);
  std::ranges::sort(begins);
  begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
  if (aggregate_.fill != Fill::none && !begins.empty()) {
    const std::int64_t from =
        aggregate_.since ? buckets_.of(*aggregate_.since).begin : begins.front();
    const std::int64_t to = aggregate_.until ? *aggregate_.until - 1 : begins.back();
    begins.clear();
    for (std::int64_t at = from; at <= to && begins.size() < Aggregate::buckets_max;) {
      begins.push_back(at);
      const Buckets::Span span = buckets_.of(at);
      if (span.end <= at || span.end == INT64_MAX) break;
      at = span.end;
    }
  }
  if (aggregate_.order == Order::time_descending) std::ranges::reverse(begins);
  // A group without rows of its own bucket is not asked: with many groups that is most of them.
  const std::uint64_t limit = aggregate_.limit == 0 ? UINT64_MAX : aggregate_.limit;
  std::uint64_t shown = 0;
  const AggregateVisitor counted = [&](const AggregateRow& row) {
    return ++shown <= limit && visit(row) && shown < limit;
  };
  Filler filler(*this, order, std::move(slots));
  if (aggregate_.fill != Fill::none) {
    for (const std::int64_t begin : begins) {
      for (const std::size_t group : filler.groups()) {
        if (!filler.show(begin, group, counted)) return {};
      }
    }
    return {};
  }
  std::vector<std::size_t> rank(groups_.size());
  for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  std::vector<std::size_t> sorted(slots_.size());
  std::iota(sorted.begin(), sorted.end(), std::size_t{0});
  const bool up = aggregate_.order == Order::time_ascending;
  std::ranges::sort(sorted, [&](std::size_t a, std::size_t b) {
    const Slot& left = slots_[a];
    const Slot& right = slots_[b];
    if (left.begin != right.begin) return up == (left.begin < right.begin);
    return rank[left.group] < rank[right.group];
  });
  for (const std::size_t slot : sorted) {
    if (!filler.show(slots_[slot].begin, slots_[slot].group, counted)) return {};
  }
  return {};
}

}  // namespace telemetry
