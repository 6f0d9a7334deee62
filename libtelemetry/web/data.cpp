// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "routes.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

/// An answer of rows ends at this size; its cursor goes on.
constexpr std::size_t page_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t aggregate_rows_max = 100'000;
/// A piece of an export ends at the row that comes to this size.
constexpr std::size_t piece_bytes = 64 * 1024;

/// {"data":[...],"next_cursor":...}
class Page {
 public:
  Page(const TimeZone& zone, const Seal& seal) : zone_(zone), seal_(seal) {}
  /// False when the page is full.
  bool add(const Row& row) {
    if (rows_++ > 0) out_ += ",\n";
    append_full_record_json(row, seal_.id(Seal::Kind::row, row.id), out_, zone_);
    return out_.size() < page_bytes_max;
  }
  [[nodiscard]] Response finish(std::string_view next_cursor, const Call& call) {
    out_ += "],\"next_cursor\":";
    if (next_cursor.empty())
      out_ += "null";
    else
      append_json_string(next_cursor, out_);
    if (const std::string hint = rows_ == 0 ? hint_for(call) : std::string(); !hint.empty()) {
      out_ += ",\"hint\":";
      append_json_string(hint, out_);
    }
    out_ += "}\n";
    Response response = json_answer(std::move(out_));
    response.packs = true;
    return response;
  }

 private:
  /// Why nothing may have been found: browsers and curl cut an address at #.
  static std::string hint_for(const Call& call) {
    for (const std::string& topic : call.all("topic")) {
      if (!topic.ends_with('/')) continue;
      return fmt::format("no topic is called {0}; in an address # is written as %23: topic={0}%23",
                         topic);
    }
    return {};
  }

  const TimeZone& zone_;
  const Seal& seal_;
  std::string out_ = "{\"data\":[";
  std::uint64_t rows_ = 0;
};

/// "avg(temperature)" as a name without parentheses: avg_temperature.
std::string flat_name(const Measure& measure) {
  std::string name = measure.name();
  std::erase(name, ')');
  if (name.ends_with('(')) name.pop_back();
  std::ranges::replace(name, '(', '_');
  return name;
}

Answer get_aggregate(const Call& call, Selection selection) {
  Aggregate aggregate;
  static_cast<Selection&>(aggregate) = std::move(selection);
  for (const char* const name : {"fields", "cursor", "offset"}) {
    if (!call.all(name).empty()) {
      return problem_of({Errc::invalid_argument, fmt::format("with agg there is no {}", name)},
                        name);
    }
  }
  auto measures = parse_measures(call.value("agg"));
  if (!measures) return problem_of(measures.error(), "agg");
  aggregate.measures = *std::move(measures);
  if (const std::string_view text = call.value("interval"); !text.empty()) {
    const auto bucket = parse_bucket(text);
    if (!bucket) return problem_of(bucket.error(), "interval");
    aggregate.bucket = *bucket;
  }
  aggregate.by = names_of(call.value("by"));
  const std::string_view fill = call.value("fill");
  aggregate.fill = fill == "null"       ? Fill::null
                   : fill == "previous" ? Fill::previous
                   : fill == "linear"   ? Fill::linear
                                        : Fill::none;
  aggregate.order =
      call.value("order") == "oldest" ? Order::time_ascending : Order::time_descending;
  // Intervals are not paged: who asks for a year of hours gets 8,760 of them.
  const bool limited = std::ranges::find(call.values, "limit", [](const auto& one) {
                         return std::string_view(one.first);
                       }) != call.values.end();
  const std::uint64_t rows_max = limited ? call.count("limit") : aggregate_rows_max;
  aggregate.limit = rows_max + (limited ? 0 : 1);
  std::vector<std::string> names = aggregate.by;
  for (const Measure& measure : aggregate.measures) names.push_back(flat_name(measure));
  for (auto one = names.begin(); one != names.end(); ++one) {
    const bool again = std::find(names.begin(), one, *one) != one ||
                       (*one == "time" && aggregate.bucket.kind != Bucket::Kind::none);
    if (!again) continue;
    const bool of_by = one - names.begin() < static_cast<std::ptrdiff_t>(aggregate.by.size());
    return problem_of(
        {Errc::invalid_argument, fmt::format("two members of a row would be called '{}'; ask for "
                                             "it once",
                                             *one)},
        of_by ? "by" : "agg");
  }
  std::string out = "{\"data\":[";
  std::uint64_t rows = 0;
  const auto done =
      call.here.pipeline.api().aggregate(call.principal, aggregate, [&](const AggregateRow& row) {
        if (call.request.is_abandoned() || ++rows > rows_max) return false;
        if (rows > 1) out += ",\n";
        out += '{';
        if (row.time) {
          out += "\"time\":";
          append_json_time(*row.time, out, aggregate.zone);
        }
        std::size_t next = 0;
        for (const auto& values : {row.by, row.values}) {
          for (const core::Value& value : values) {
            if (out.back() != '{') out += ',';
            append_json_string(names[next++], out);
            out += ':';
            append_json_value(value, out, aggregate.zone);
          }
        }
        out += '}';
        return true;
      });
  if (!done) return problem_of(done.error());
  if (rows > rows_max && !limited) {
    return problem_of(
        {Errc::invalid_argument,
         fmt::format("the answer has more than {} rows; take a longer interval, a shorter range of "
                     "time, fewer groups, or a limit",
                     aggregate_rows_max)},
        "interval");
  }
  out += "],\"next_cursor\":null}\n";
  Response response = json_answer(std::move(out));
  response.packs = true;
  return response;
}

/// Rows as a file.
class ExportStream final : public BodyStream {
 public:
  ExportStream(std::unique_ptr<RowStream> rows, RowFormat format, const Query& query)
      : rows_(std::move(rows)),
        writer_(RowWriter::make(
            format, query.fields,
            [this](std::string_view text) {
              out_->append(text);
              return true;
            },
            0, query.zone)) {}

  Result<More> next(std::string& out) override {
    out_ = &out;
    auto more = rows_->next(
        [&](const Row& row) { return writer_->write(row) && out.size() < piece_bytes; });
    if (!more) return more.error();
    if (!*more) (void)writer_->finish();
    return *more ? More::more : More::end;
  }

 private:
  std::unique_ptr<RowStream> rows_;
  std::string* out_ = nullptr;
  std::unique_ptr<RowWriter> writer_;
};

}  // namespace

std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    if (!one.empty()) names.emplace_back(one);
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return names;
}

std::optional<Problem> fill(const Call& call, Selection& selection) {
  if (auto topics = call.all("topic"); !topics.empty()) selection.topics = std::move(topics);
  selection.devices = call.all("device");
  selection.schemas = call.all("schema");
  if (auto wrong = take_times(call, selection)) return wrong;
  for (const std::string& text : call.all("where")) {
    auto condition = parse_condition(text);
    if (!condition) return problem_of(condition.error(), "where");
    selection.where.push_back(*std::move(condition));
  }
  if (!call.principal.scope) return std::nullopt;
  Selection visible = selection;
  const auto meets = call.here.pipeline.api().narrow(call.principal, visible);
  if (meets && !*meets) {
    return problem_of({Errc::permission_denied, "nothing of these topics may be seen"}, "topic");
  }
  return std::nullopt;
}

std::optional<Problem> take_times(const Call& call, Selection& selection) {
  if (const std::string_view name = call.value("tz"); !name.empty()) {
    const auto zone = TimeZone::find(name);
    if (!zone) return problem_of(zone.error(), "tz");
    selection.zone = *zone;
  }
  selection.now = call.here.environment.clock.now();
  selection.should_stop = [gone = call.request.gone] {
    return gone != nullptr && gone->load(std::memory_order_relaxed);
  };
  for (const char* const name : {"start", "end"}) {
    const std::string_view text = call.value(name);
    if (text.empty()) continue;
    const auto time = parse_query_time(text, *selection.now, selection.zone);
    if (!time) return problem_of(time.error(), name);
    (std::string_view(name) == "start" ? selection.since : selection.until) = *time;
  }
  if (selection.since && selection.until && *selection.since >= *selection.until) {
    return problem_of({Errc::invalid_argument, "start must be before end"}, "start");
  }
  return std::nullopt;
}

Answer get_data(Call& call) {
  Query query;
  if (auto wrong = fill(call, query)) return *std::move(wrong);
  if (!call.value("agg").empty()) return get_aggregate(call, std::move(query));
  for (const char* const name : {"agg", "interval", "by", "fill"}) {
    if (call.all(name).empty()) continue;
    return problem_of({Errc::invalid_argument,
                       fmt::format("{} wants functions in agg, for example agg=count()", name)},
                      name);
  }
  query.fields = names_of(call.value("fields"));
  query.order = call.value("order") == "oldest" ? Order::time_ascending : Order::time_descending;
  std::uint64_t skip = call.count("offset");
  query.limit = call.count("limit") + skip;
  if (const std::string_view text = call.value("cursor"); !text.empty()) {
    // Only those that this gateway has sealed: one made by hand could count the rows of others.
    const auto opened = call.here.seal.open(text);
    if (!opened) {
      return problem_of({Errc::invalid_argument, "this is no cursor; take it from the page before"},
                        "cursor");
    }
    const auto cursor = parse_cursor(*opened, query);
    if (!cursor) return problem_of(cursor.error(), "cursor");
    query.after = *cursor;
  }
  Page page(query.zone, call.here.seal);
  auto next = call.here.pipeline.api().query(call.principal, query, [&](const Row& row) {
    if (skip > 0) {
      --skip;
      return !call.request.is_abandoned();
    }
    return page.add(row) && !call.request.is_abandoned();
  });
  if (!next && next.error().code == Errc::not_found) next = std::string();  // nothing is stored yet
  if (!next) return problem_of(next.error());
  return page.finish(next->empty() ? "" : call.here.seal.seal(*next), call);
}

Answer get_latest(Call& call) {
  Latest latest;
  if (auto wrong = fill(call, latest)) return *std::move(wrong);
  latest.fields = names_of(call.value("fields"));
  latest.limit = call.count("limit");
  latest.after = call.value("cursor");
  Page page(latest.zone, call.here.seal);
  std::string last;
  std::uint64_t rows = 0;
  bool full = false;
  const auto done = call.here.pipeline.api().latest(call.principal, latest, [&](const Row& row) {
    last = row.topic;
    full = !page.add(row) || ++rows == latest.limit;
    return !full;
  });
  if (!done && done.error().code != Errc::not_found) return problem_of(done.error());
  return page.finish(full ? last : "", call);
}

Answer get_export(Call& call) {
  Query query;
  if (auto wrong = fill(call, query)) return *std::move(wrong);
  query.fields = names_of(call.value("fields"));
  query.order = call.value("order") == "newest" ? Order::time_descending : Order::time_ascending;
  query.limit = call.count("limit");
  const std::string_view name = call.value("format");
  const RowFormat format = name == "json"    ? RowFormat::json
                           : name == "jsonl" ? RowFormat::jsonl
                                             : RowFormat::csv;
  auto rows = call.here.pipeline.api().stream(call.principal, query);
  if (!rows) return problem_of(rows.error());
  Response response;
  const std::string_view type = name == "json"    ? "application/json"
                                : name == "jsonl" ? "application/x-ndjson"
                                                  : "text/csv; charset=utf-8";
  response.headers = {
      {"Content-Type", std::string(type)},
      {"Content-Disposition", fmt::format("attachment; filename=\"telemetry.{}\"", name)},
      {"Cache-Control", "no-store"}};
  response.stream = std::make_unique<ExportStream>(*std::move(rows), format, query);
  response.packs = true;
  return response;
}

}  // namespace telemetry::web
