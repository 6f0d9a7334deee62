// SPDX-License-Identifier: Apache-2.0
//
// The one place that every front end asks, and that says no: what passes here is a query that makes
// sense and is bounded by who asks, whatever store answers it.
#include "telemetry/api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "telemetry/core/topic.hpp"

namespace telemetry {
namespace {

constexpr std::size_t names_max = 1'000;
constexpr std::size_t like_window_max = 64;  // then it is asked in one pass over the text

Error wrong(std::string text) { return {Errc::invalid_argument, std::move(text)}; }

Result<void> check_filter(std::string_view filter) {
  if (core::without_share(filter) != filter) {
    return wrong(fmt::format("\"{}\" is a shared subscription; query for {}", filter,
                             core::without_share(filter)));
  }
  if (!core::is_valid_filter(filter)) {
    return wrong(
        fmt::format("\"{}\" is not a topic filter: + stands for one whole level, # for all "
                    "remaining levels at the end, for example sensors/+/temperature",
                    filter));
  }
  return {};
}

Result<void> check_names(const std::vector<std::string>& names, std::string_view what) {
  if (names.size() > names_max) {
    return wrong(fmt::format("{} times {}; at most {} are taken", names.size(), what, names_max));
  }
  if (std::ranges::any_of(names, [](const std::string& name) { return name.empty(); })) {
    return wrong(fmt::format("{} has no name", what));
  }
  return {};
}

/// One that nobody has parsed may lack what its kind needs.
Result<void> check_condition(const Condition& condition, std::size_t depth = 0) {
  using Kind = Condition::Kind;
  if (depth > Condition::depth_max) {
    return wrong(fmt::format("a condition of more than {} levels", Condition::depth_max));
  }
  if (condition.is_leaf()) {
    if (condition.field.empty()) return wrong("a condition names no field");
    const bool one = condition.kind == Kind::compare || condition.kind == Kind::like;
    const std::size_t literals = condition.literals.size();
    const bool fits = one ? literals == 1 : (condition.kind == Kind::in) == (literals > 0);
    if (!fits) {
      return wrong(fmt::format("the condition on {} has {} values", condition.field, literals));
    }
    if (condition.kind == Kind::like &&
        like_window(condition.literals.front().text()) > like_window_max) {
      return wrong(
          fmt::format("the pattern for {} has more than {} characters with a _ or \\ between two %",
                      condition.field, like_window_max));
    }
    return {};
  }
  const bool one = condition.kind == Kind::negation;
  if (condition.operands.empty() || (one && condition.operands.size() > 1)) {
    return wrong("a condition joins none or too many");
  }
  for (const Condition& operand : condition.operands) {
    if (auto checked = check_condition(operand, depth + 1); !checked) return checked;
  }
  return {};
}

/// `a and b` as two conditions, so that a store sees which ask for the topic alone.
void split(std::vector<Condition>& where) {
  for (std::size_t i = 0; i < where.size();) {
    if (where[i].kind != Condition::Kind::all) {
      ++i;
      continue;
    }
    const std::vector<Condition> operands = std::move(where[i].operands);
    where.erase(where.begin() + static_cast<std::ptrdiff_t>(i));
    where.insert(where.begin() + static_cast<std::ptrdiff_t>(i), operands.begin(), operands.end());
  }
}

Result<void> check_selection(const Selection& selection) {
  if (selection.topics.empty()) return wrong("no topic filter; # stands for all topics");
  if (selection.topics.size() > Selection::topics_max) {
    return wrong(fmt::format("{} topic filters; at most {} are taken", selection.topics.size(),
                             Selection::topics_max));
  }
  for (const std::string& filter : selection.topics) {
    if (auto checked = check_filter(filter); !checked) return checked;
  }
  if (auto checked = check_names(selection.devices, "a device"); !checked) return checked;
  if (auto checked = check_names(selection.schemas, "a schema"); !checked) return checked;
  for (const Condition& condition : selection.where) {
    if (auto checked = check_condition(condition); !checked) return checked;
  }
  if (selection.since && selection.until && *selection.since >= *selection.until) {
    return wrong("the time range is empty: it ends before it begins");
  }
  return {};
}

Result<void> check_aggregate(const Aggregate& aggregate) {
  if (aggregate.measures.empty()) return wrong("no function to calculate; for example count()");
  if (aggregate.measures.size() > Aggregate::measures_max) {
    return wrong(fmt::format("{} functions; at most {} are calculated", aggregate.measures.size(),
                             Aggregate::measures_max));
  }
  if (aggregate.by.size() > Aggregate::by_max) {
    return wrong(fmt::format("groups by {} names; at most {} are taken", aggregate.by.size(),
                             Aggregate::by_max));
  }
  if (auto checked = check_names(aggregate.by, "a field to group by"); !checked) return checked;
  if (aggregate.bucket.kind == Bucket::Kind::fixed && aggregate.bucket.width_ns <= 0) {
    return wrong("buckets of no width; for example 1h");
  }
  if (aggregate.bucket.kind == Bucket::Kind::none && aggregate.fill != Fill::none) {
    return wrong("without buckets there is nothing to fill; for example --every 1h");
  }
  return {};
}

Result<void> check_series(const Series& series) {
  if (auto checked = check_names(series.fields, "a field to return"); !checked) return checked;
  if (series.columns < 1 || series.columns > Series::columns_max) {
    return wrong(fmt::format("{} columns; 1 to {} are taken", series.columns, Series::columns_max));
  }
  if (series.limit < 1 || series.limit > Series::limit_max) {
    return wrong(fmt::format("{} series; 1 to {} are given", series.limit, Series::limit_max));
  }
  return {};
}

Selection selection_of(const Deletion& deletion) {
  Selection selection;
  selection.topics = deletion.topics;
  selection.devices = deletion.devices;
  selection.schemas = deletion.schemas;
  if (deletion.since != INT64_MIN) selection.since = deletion.since;
  if (deletion.until != INT64_MAX) selection.until = deletion.until;
  return selection;
}

Error no_store() {
  return {Errc::failed_precondition, "no store that answers queries is configured"};
}

}  // namespace

Result<bool> Api::admit(const Principal& principal, Selection& selection) const {
  auto visible = narrow(principal, selection);
  if (visible && store_ == nullptr) return no_store();
  return visible;
}

Result<bool> Api::narrow(const Principal& principal, Selection& selection) const {
  if (auto checked = check_selection(selection); !checked) return checked.error();
  if (!selection.now) selection.now = environment_.clock.now();
  split(selection.where);
  if (!principal.scope) return true;
  selection.hides_others = true;
  std::vector<std::string> visible;
  for (const std::string& filter : selection.topics) {
    for (const std::string& scope : *principal.scope) {
      auto both = intersect_filters(filter, scope);
      if (!both || std::ranges::find(visible, *both) != visible.end()) continue;
      if (visible.size() == Selection::topics_max) {
        return wrong(fmt::format("more than {} topic filters within the scope of {}; ask for fewer",
                                 Selection::topics_max, principal.name));
      }
      visible.push_back(*std::move(both));
    }
  }
  selection.topics = std::move(visible);
  return !selection.topics.empty();
}

void Api::limit_time(Selection& selection, std::int64_t start) const {
  if (time_limit_ns_ == 0) return;
  selection.should_stop = [this, start, asked = std::move(selection.should_stop)] {
    return (asked && asked()) || environment_.clock.monotonic() - start > time_limit_ns_;
  };
}

namespace {

/// What a store says of names and types that it knows may be of topics outside of a scope.
Error within_scope(const Principal& principal, Error error) {
  if (!principal.scope || error.code != Errc::invalid_argument) return error;
  return {Errc::invalid_argument,
          "a field, a schema or a value does not fit what is stored; check how they are written"};
}

}  // namespace

Error Api::explain(Error error, std::int64_t start) const {
  const bool late = error.code == Errc::cancelled && time_limit_ns_ > 0 &&
                    environment_.clock.monotonic() - start > time_limit_ns_;
  if (!late) return error;
  return {
      Errc::deadline_exceeded,
      fmt::format("the answer takes longer than {} s; ask for a shorter time, fewer topics or a "
                  "limit, or take an export",
                  time_limit_ns_ / 1'000'000'000)};
}

Result<std::unique_ptr<RowStream>> Api::stream(const Principal& principal, Query query) {
  if (auto checked = check_names(query.fields, "a field to return"); !checked) {
    return checked.error();
  }
  auto visible = admit(principal, query);
  if (!visible) return visible.error();
  auto rows = store_->stream(query);
  return rows ? std::move(rows) : within_scope(principal, rows.error());
}

Result<std::string> Api::query(const Principal& principal, Query query, const RowVisitor& visit) {
  if (auto checked = check_names(query.fields, "a field to return"); !checked) {
    return checked.error();
  }
  const Query asked = query;  // what the cursor belongs to
  if (query.after) {
    query.since.reset();
    query.until.reset();
    if (query.after->since != INT64_MIN) query.since = query.after->since;
    if (query.after->until != INT64_MAX) query.until = query.after->until;
  }
  auto visible = admit(principal, query);
  if (!visible) return visible.error();
  if (!*visible) return std::string();
  const std::int64_t start = environment_.clock.monotonic();
  limit_time(query, start);
  Cursor end{0, 0, 0, query.since.value_or(INT64_MIN), query.until.value_or(INT64_MAX)};
  std::uint64_t rows = 0;
  bool ended = false;
  auto id_max = store_->query(query, [&](const Row& row) {
    end.time = row.time;
    end.id = row.id;
    ended = !visit(row) || ++rows == query.limit;
    return !ended;
  });
  durations_->observe(environment_.clock.monotonic() - start);
  if (!id_max) return explain(within_scope(principal, id_max.error()), start);
  if (!ended) return std::string();
  end.id_max = *id_max;
  return to_text(end, asked);
}

Result<void> Api::latest(const Principal& principal, Latest latest, const RowVisitor& visit) {
  if (auto checked = check_names(latest.fields, "a field to return"); !checked) return checked;
  auto visible = admit(principal, latest);
  if (!visible) return visible.error();
  if (!*visible) return {};
  const std::int64_t start = environment_.clock.monotonic();
  limit_time(latest, start);
  auto done = store_->latest(latest, visit);
  durations_->observe(environment_.clock.monotonic() - start);
  return done ? done : explain(within_scope(principal, done.error()), start);
}

Result<void> Api::aggregate(const Principal& principal, Aggregate aggregate,
                            const AggregateVisitor& visit) {
  if (auto checked = check_aggregate(aggregate); !checked) return checked;
  auto visible = admit(principal, aggregate);
  if (!visible) return visible.error();
  if (!*visible) return {};
  const std::int64_t start = environment_.clock.monotonic();
  limit_time(aggregate, start);
  auto done = store_->aggregate(aggregate, visit);
  durations_->observe(environment_.clock.monotonic() - start);
  return done ? done : explain(within_scope(principal, done.error()), start);
}

Result<SeriesEnd> Api::series(const Principal& principal, Series series,
                              const SeriesVisitor& visit) {
  if (auto checked = check_series(series); !checked) return checked.error();
  auto visible = admit(principal, series);
  if (!visible) return visible.error();
  if (!*visible) return SeriesEnd();
  const std::int64_t start = environment_.clock.monotonic();
  limit_time(series, start);
  auto done = store_->series(series, visit);
  durations_->observe(environment_.clock.monotonic() - start);
  return done ? std::move(done) : explain(within_scope(principal, done.error()), start);
}

Result<Shape> Api::shape(const Principal& principal, Selection selection) {
  auto visible = admit(principal, selection);
  if (!visible) return visible.error();
  if (!*visible) return Shape();
  auto shape = store_->shape(selection);
  return shape ? std::move(shape) : within_scope(principal, shape.error());
}

Result<void> Api::arrow(const Principal& principal, Query query, ArrowArrayStream* out) {
  if (auto checked = check_names(query.fields, "a field to return"); !checked) return checked;
  auto visible = admit(principal, query);
  if (!visible) return visible.error();
  Shape shape;
  if (*visible) {
    auto known = store_->shape(query);
    if (!known) return known.error();
    shape = *std::move(known);
  } else {
    query.topics = {"#"};
    query.limit = 0;
    query.until = INT64_MIN;  // nothing
  }
  make_arrow_stream(store_, std::move(query), std::move(shape), out);
  return {};
}

Result<std::uint64_t> Api::count(const Principal& principal, const Deletion& deletion) {
  if (auto checked = check(principal, deletion); !checked) return checked.error();
  Aggregate rows;
  static_cast<Selection&>(rows) = selection_of(deletion);
  rows.measures = {Measure()};
  std::uint64_t count = 0;
  auto done = store_->aggregate(rows, [&](const AggregateRow& row) {
    count = static_cast<std::uint64_t>(row.values.front().as_integer());
    return true;
  });
  if (!done) return done.error();
  return count;
}

Result<void> Api::check(const Principal& principal, const Deletion& deletion) const {
  if (auto checked = check_selection(selection_of(deletion)); !checked) return checked;
  if (store_ == nullptr) return no_store();
  if (!principal.scope) return {};
  for (const std::string& filter : deletion.topics) {
    const bool may = std::ranges::any_of(
        *principal.scope, [&](const std::string& scope) { return contains_filter(scope, filter); });
    if (may) continue;
    return Error{Errc::permission_denied,
                 fmt::format("{} may not delete all of {}", principal.name, filter)};
  }
  return {};
}

}  // namespace telemetry
