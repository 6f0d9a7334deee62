// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "query_series.hpp"
#include "selection.hpp"
#include "telemetry/api.hpp"
#include "telemetry/export.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  SelectionArguments selection;
  std::vector<std::string> fields, functions, by;
  std::string order = "oldest", format = "table", after, every, fill = "none";
  std::uint64_t limit = 0, columns = 0;
  bool latest = false, json = false, pages = false, follow = false;
};

constexpr auto follow_pause = std::chrono::milliseconds(200);

constexpr const char* functions_footer =
    "FUNCTIONS are avg min max sum count stddev first last median and p95, each of a field: "
    "avg(temperature),count(). With --every they are calculated for each stretch of time: 10s, "
    "15m, 1h, or 1d, 1w, 1mo of the calendar.";

RowFormat format_of(const Arguments& arguments) {
  if (arguments.json || arguments.format == "json") return RowFormat::json;
  if (arguments.format == "jsonl") return RowFormat::jsonl;
  if (arguments.format == "csv") return RowFormat::csv;
  return RowFormat::table_per_schema;
}

Order order_of(const Arguments& arguments) {
  return arguments.order == "newest" ? Order::time_descending : Order::time_ascending;
}

int run_aggregate(const Arguments& arguments) {
  Aggregate aggregate;
  if (auto filled = arguments.selection.fill(aggregate); !filled) return fail(filled.error());
  for (const std::string& text : arguments.functions) {
    auto measures = parse_measures(text);
    if (!measures) return fail(measures.error());
    aggregate.measures.insert(aggregate.measures.end(), measures->begin(), measures->end());
  }
  if (!arguments.every.empty()) {
    const auto bucket = parse_bucket(arguments.every);
    if (!bucket) return fail(bucket.error());
    aggregate.bucket = *bucket;
  }
  auto by = names_of(arguments.by);
  if (!by) return fail(by.error());
  aggregate.by = *std::move(by);
  const std::string& fill = arguments.fill;
  aggregate.fill = fill == "null"       ? Fill::null
                   : fill == "previous" ? Fill::previous
                   : fill == "linear"   ? Fill::linear
                                        : Fill::none;
  aggregate.order = order_of(arguments);
  aggregate.limit = arguments.limit;
  Result<Api> api = open_api(arguments.settings);
  if (!api) return fail(api.error());
  Output output;
  std::uint64_t rows = 0;
  AggregateWriter writer(format_of(arguments), aggregate,
                         [&](std::string_view text) { return output.write(text); });
  const auto done = api->aggregate(Principal::local(), aggregate, [&](const AggregateRow& row) {
    ++rows;
    return writer.write(row);
  });
  if (!done && rows == 0) return fail(done.error());
  (void)writer.finish();
  if (!done) return output.finish(fail(done.error()));
  if (rows == 0) say("nothing stored matches");
  return output.finish(0);
}

int run_rows(const Arguments& arguments) {
  Query query;
  if (auto filled = arguments.selection.fill(query); !filled) return fail(filled.error());
  auto fields = names_of(arguments.fields);
  if (!fields) return fail(fields.error());
  query.fields = *std::move(fields);
  query.limit = arguments.limit;
  query.order = order_of(arguments);
  Latest latest;
  static_cast<Selection&>(latest) = query;
  latest.fields = query.fields;
  latest.limit = arguments.limit;
  if (arguments.latest) {
    latest.after = arguments.after;
  } else if (!arguments.after.empty()) {
    const auto cursor = parse_cursor(arguments.after, query);
    if (!cursor) return fail(cursor.error());
    query.after = *cursor;
  }
  Result<Api> api = open_api(arguments.settings);
  if (!api) return fail(api.error());

  Output output;
  std::uint64_t rows = 0;
  const auto writer = RowWriter::make(
      format_of(arguments), query.fields, [&](std::string_view text) { return output.write(text); },
      terminal_columns(), query.zone);
  const auto visit = [&](const Row& row) {
    ++rows;
    return writer->write(row);
  };
  std::string next;
  Result<void> done;
  if (arguments.latest) {
    done = api->latest(Principal::local(), latest, visit);
  } else if (auto page = api->query(Principal::local(), query, visit); page) {
    next = *std::move(page);
  } else {
    done = page.error();
  }
  if (!done && rows == 0) return fail(done.error());
  (void)writer->finish();
  if (!done) return output.finish(fail(done.error()));
  if (rows == 0) say("nothing stored matches");
  if (writer->left_out() > 0) {
    say(std::to_string(writer->left_out()) +
        " values of fields that first come after 1,000 rows have no column; name the columns with "
        "--fields, or take --format jsonl");
    return output.finish(3);
  }
  const int code = output.finish(0);
  const bool pages = arguments.pages || !arguments.after.empty();
  if (pages && !next.empty() && code == 0) say("for the next page: --after " + next);
  return code;
}

int run_series(const Arguments& arguments) {
  Series series;
  if (auto filled = arguments.selection.fill(series); !filled) return fail(filled.error());
  auto fields = names_of(arguments.fields);
  if (!fields) return fail(fields.error());
  series.fields = *std::move(fields);
  series.columns = arguments.columns;
  if (arguments.limit > 0) series.limit = arguments.limit;
  return print_series(arguments.settings, series, format_of(arguments));
}

/// Rows as they are stored, until somebody stops it or nobody reads.
int run_follow(const Arguments& arguments) {
  Query query;
  if (auto filled = arguments.selection.fill(query); !filled) return fail(filled.error());
  auto fields = names_of(arguments.fields);
  if (!fields) return fail(fields.error());
  query.fields = *std::move(fields);
  Result<Api> api = open_api(arguments.settings);
  if (!api) return fail(api.error());
  Output output;
  std::uint64_t left = arguments.limit == 0 ? UINT64_MAX : arguments.limit;
  bool first = !query.since.has_value();  // begins behind what is stored now
  for (;; std::this_thread::sleep_for(follow_pause)) {
    const auto shape = api->shape(Principal::local(), query);
    if (!shape && shape.error().code != Errc::not_found) return fail(shape.error());
    const std::uint64_t id_max = shape ? shape->id_max : 0;
    const bool passed = std::exchange(first, false);
    if (!passed && id_max >= query.id_min && id_max > 0) {
      query.after = Cursor{INT64_MIN, 0, id_max, query.since.value_or(INT64_MIN), INT64_MAX};
      query.limit = arguments.limit == 0 ? 0 : left;
      bool read = true;
      const auto writer = RowWriter::make(
          RowFormat::jsonl, query.fields,
          [&](std::string_view text) { return read = output.write(text); }, 0, query.zone);
      const auto done = api->query(Principal::local(), query, [&](const Row& row) {
        --left;
        return writer->write(row);
      });
      if (!done) return fail(done.error());
      (void)writer->finish();
      if (!read || left == 0 || !output.flush()) return output.finish(0);
    }
    query.id_min = std::max(query.id_min, id_max + 1);
  }
}

}  // namespace

void add_query(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = program.command("query", "Prints stored messages, or what they come to");
  a.selection.add_to(command);
  a.settings.add_to(command);
  const Argument latest =
      command.flag("--latest", a.latest, "The newest row of each matching topic");
  const Argument fields =
      command
          .option("--fields", a.fields, "Only these fields, in this order: a,b.c; may be repeated")
          .type("A,B");
  const Argument functions =
      command.option("--agg", a.functions, "Calculate instead: avg(temperature),count()")
          .type("FUNCTIONS")
          .excludes(latest)
          .excludes(fields);
  command.option("--every", a.every, "With --agg: for each stretch of time").type("WIDTH");
  command.option("--by", a.by, "With --agg: for each topic, device, schema, or value of a field")
      .type("A,B");
  command.option("--fill", a.fill, "With --every: none, null, previous or linear between rows")
      .one_of({"none", "null", "previous", "linear"})
      .type("FILL")
      .show_default();
  const Argument columns =
      command
          .option("--downsample", a.columns,
                  "Numbers over time instead, for a chart of so many columns of pixels: at most "
                  "four points of each column, with the lowest and the highest")
          .type("N")
          .range(1, Series::columns_max)
          .excludes(latest)
          .excludes(functions);
  command
      .option(
          "--limit", a.limit,
          "At most this many rows; 0 = all. With --downsample: series, 50 unless given, at most "
          "200")
      .type("N")
      .show_default();
  command.flag("--pages", a.pages, "With --limit: says what to write behind --after for more")
      .excludes(functions)
      .excludes(columns);
  command.option("--after", a.after, "Goes on where the page before ended")
      .type("CURSOR")
      .excludes(functions)
      .excludes(columns);
  command.option("--order", a.order, "Rows come oldest or newest first")
      .one_of({"oldest", "newest"})
      .type("ORDER")
      .show_default()
      .excludes(latest)
      .excludes(columns);
  const Argument format = command.option("--format", a.format, "table, csv, json or jsonl")
                              .one_of({"table", "csv", "json", "jsonl"})
                              .type("FORMAT")
                              .show_default();
  const Argument json = command.flag("--json", a.json, "Same as --format json").excludes(format);
  command
      .flag("--follow", a.follow,
            "Goes on with what is stored from now on, or --since; JSON Lines, in order of arrival")
      .excludes(functions)
      .excludes(latest)
      .excludes(columns)
      .excludes(format)
      .excludes(json);
  command.footer(std::string(selection_footer) + "\n" + functions_footer);
  command.example("telemetry query -c edge.yaml 'sensors/+/temperature' --since 1h");
  command.example(
      "telemetry query -c edge.yaml 'sensors/#' \\\n"
      "      --where 'temperature > 30 and not humidity is null' --order newest");
  command.example(
      "telemetry query -c edge.yaml 'sensors/#' --agg 'avg(temperature),count()' \\\n"
      "      --every 1h --by topic --tz Europe/Berlin");
  command.example(
      "telemetry query -c edge.yaml 'iot/dc/+/telemetry' \\\n"
      "      --fields voltage,current --format csv");
  command.example("telemetry query -c edge.yaml --latest");
  command.example(
      "telemetry query -c edge.yaml 'sensors/#' --fields temperature \\\n"
      "      --since 24h --downsample 500 --format csv");
  command.example("telemetry query -c edge.yaml --format jsonl | jq .payload");
  command.example("telemetry query -c edge.yaml 'sensors/#' --where 'temperature > 30' --follow");
  command.action([arguments] {
    const Arguments& given = *arguments;
    if (!given.functions.empty()) return run_aggregate(given);
    if (!given.every.empty() || !given.by.empty() || given.fill != "none") {
      return fail({Errc::invalid_argument,
                   "--every, --by and --fill want --agg, for example --agg 'count()'"});
    }
    if (given.columns > 0) return run_series(given);
    if (given.pages && (given.limit == 0 || given.latest)) {
      return fail({Errc::invalid_argument, "--pages wants --limit, for example --limit 100"});
    }
    if (given.follow) {
      if (given.pages || !given.after.empty() || !given.selection.until.empty() ||
          given.order == "newest") {
        return fail({Errc::invalid_argument,
                     "--follow has no end: leave out --until, --pages, --after and --order"});
      }
      return run_follow(given);
    }
    return run_rows(given);
  });
}

}  // namespace telemetry::command_line
