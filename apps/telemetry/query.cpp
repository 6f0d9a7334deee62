// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "process/backends.hpp"
#include "settings.hpp"
#include "telemetry/api.hpp"
#include "telemetry/export.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::string filter = "#", schema, since, until, order = "oldest", format = "table";
  std::vector<std::string> where, fields;
  std::uint64_t limit = 0;
  bool latest = false, json = false;
};

constexpr const char* footer =
    "FILTER is an MQTT topic filter: + stands for one level, # for all that follow. "
    "Quote it. Times: 2026-11-21T08:00:00Z, 2026-11-21, seconds since 1970, or a span "
    "back from now (15m, 24h, 7d). They are those of the device, or of arrival where the "
    "device sent none. Fields of nested objects are written with a dot: location.lat; in "
    "COND, names with spaces or quotes stand in double quotes.";

Result<Query> make_query(const Arguments& arguments) {
  Query query;
  query.topic_filter = arguments.filter;
  query.schema = arguments.schema;
  for (const std::string& text : arguments.fields) {
    auto fields = parse_fields(text);
    if (!fields) return fields.error();
    query.fields.insert(query.fields.end(), fields->begin(), fields->end());
  }
  query.limit = arguments.limit;
  query.order = arguments.order == "newest" ? Order::time_descending : Order::time_ascending;
  const std::int64_t now = environment().clock.now();
  for (const bool until : {false, true}) {
    const std::string& text = until ? arguments.until : arguments.since;
    if (text.empty()) continue;
    const auto time = parse_query_time(text, now);
    if (!time) return time.error();
    (until ? query.until : query.since) = *time;
  }
  for (const std::string& text : arguments.where) {
    auto condition = parse_condition(text);
    if (!condition) return condition.error();
    query.where.push_back(std::move(*condition));
  }
  return query;
}

RowFormat format_of(const Arguments& arguments) {
  if (arguments.json || arguments.format == "json") return RowFormat::json;
  if (arguments.format == "jsonl") return RowFormat::jsonl;
  if (arguments.format == "csv") return RowFormat::csv;
  return arguments.latest ? RowFormat::table_per_schema : RowFormat::table;
}

Result<Api> open_api(const Settings& settings) {
  const Result<Config> config = settings.load();
  if (!config) return config.error();
  auto store = make_reader(*config, environment());
  if (!store) return store.error();
  return Api(std::shared_ptr<Store>(*std::move(store)));
}

// The store gives the newest rows whole; fields are chosen here.
Result<void> latest(Api& api, const Query& query, const RowVisitor& visit) {
  if (query.fields.empty()) return api.latest(query.topic_filter, visit);
  Query names = query;  // only a query checks names
  names.order = Order::time_descending;
  names.limit = 1;
  if (auto known = api.query(names, [](const Row&) { return false; }); !known) return known;
  const auto is_wanted = [&](std::string_view path) {
    return std::any_of(query.fields.begin(), query.fields.end(),
                       [&](const std::string& field) { return is_field_or_member(path, field); });
  };
  return api.latest(query.topic_filter, [&](const Row& row) {
    Row chosen = row;
    std::erase_if(chosen.fields, [&](const Field& field) { return !is_wanted(field.path); });
    if (!is_wanted("extra")) chosen.extra = {};
    return visit(chosen);
  });
}

int run(const Arguments& arguments) {
  const Result<Query> query = make_query(arguments);
  if (!query) return fail(query.error());
  Result<Api> api = open_api(arguments.settings);
  if (!api) return fail(api.error());

  Output output;
  std::uint64_t rows = 0;
  const auto writer = RowWriter::make(
      format_of(arguments), query->fields,
      [&](std::string_view text) { return output.write(text); }, terminal_columns());
  const auto visit = [&](const Row& row) {
    ++rows;
    return writer->write(row);
  };
  const Result<void> result =
      arguments.latest ? latest(*api, *query, visit) : api->query(*query, visit);
  if (!result && rows == 0) return fail(result.error());
  (void)writer->finish();
  if (!result) return output.finish(fail(result.error()));
  if (rows == 0) say("nothing stored matches");
  if (writer->left_out() > 0) {
    say(std::to_string(writer->left_out()) +
        " values of fields that first come after 1,000 rows have no column; name the columns with "
        "--fields, or take --format jsonl");
    return output.finish(3);
  }
  return output.finish(0);
}

}  // namespace

void add_query(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = program.command("query", "Prints stored messages");
  command.positional("FILTER", a.filter, "Topic filter").show_default();
  a.settings.add_to(command);
  const Argument latest =
      command.flag("--latest", a.latest, "The newest row of each matching topic");
  command.option("--since,--start", a.since, "Not before").type("TIME").excludes(latest);
  command.option("--until,--end", a.until, "Before").type("TIME").excludes(latest);
  command
      .option("--where", a.where,
              "Only where 'temperature > 30' and the like holds; may be repeated")
      .type("COND")
      .excludes(latest);
  command.option("--schema", a.schema, "Only rows of this schema").type("NAME").excludes(latest);
  command.option("--fields", a.fields, "Only these fields, in this order: a,b.c; may be repeated")
      .type("A,B");
  command.option("--limit", a.limit, "At most this many rows; 0 = all")
      .type("N")
      .show_default()
      .excludes(latest);
  command.option("--order", a.order, "Rows come oldest or newest first")
      .one_of({"oldest", "newest"})
      .type("ORDER")
      .show_default()
      .excludes(latest);
  const Argument format = command.option("--format", a.format, "table, csv, json or jsonl")
                              .one_of({"table", "csv", "json", "jsonl"})
                              .type("FORMAT")
                              .show_default();
  command.flag("--json", a.json, "Same as --format json").excludes(format);
  command.footer(footer);
  command.example("telemetry query -c edge.yaml 'sensors/+/temperature' --since 1h");
  command.example(
      "telemetry query -c edge.yaml 'sensors/#' --where 'temperature > 30' \\\n"
      "      --order newest --limit 10");
  command.example(
      "telemetry query -c edge.yaml 'iot/dc/+/telemetry' \\\n"
      "      --fields voltage,current --format csv");
  command.example("telemetry query -c edge.yaml --latest");
  command.example("telemetry query -c edge.yaml --format jsonl | jq .payload");
  command.action([arguments] { return run(*arguments); });
}

}  // namespace telemetry::command_line
