// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/api.hpp"
#include "telemetry/export.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::string filter = "#", schema, since, until, order = "oldest";
  std::vector<std::string> where, fields;
  std::uint64_t limit = 0;
  RowFormat format = RowFormat::table;
  bool latest = false, json = false;
};

constexpr const char* examples =
    "FILTER is an MQTT topic filter: + stands for one level, # for all that follow. Quote it.\n"
    "Times: 2026-11-21T08:00:00Z, 2026-11-21, seconds since 1970, or a span back from now (15m, "
    "24h,\n"
    "7d). They are those of the device, or of arrival where the device sent none.\n"
    "Fields of nested objects are written with a dot: location.lat.\n"
    "\n"
    "Examples:\n"
    "  telemetry query -c edge.yaml 'sensors/+/temperature' --since 1h\n"
    "  telemetry query -c edge.yaml 'sensors/#' --where 'temperature > 30' --order newest --limit "
    "10\n"
    "  telemetry query -c edge.yaml 'iot/dc/+/telemetry' --fields voltage,current --format csv\n"
    "  telemetry query -c edge.yaml --latest                     newest row of each topic\n"
    "  telemetry query -c edge.yaml --format jsonl | jq .payload";

Result<Query> make_query(const Arguments& arguments) {
  Query query;
  query.topic_filter = arguments.filter;
  query.schema = arguments.schema;
  query.fields = arguments.fields;
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

Result<Api> open_api(const Settings& settings) {
  const Result<Config> config = settings.load();
  if (!config) return config.error();
  Result<SqliteOptions> options = sqlite_options_from(*config);
  if (!options) return options.error();
  options->read_only = true;
  return Api(std::shared_ptr<Store>(make_sqlite_store(*options, environment())));
}

int run(const Arguments& arguments) {
  const Result<Query> query = make_query(arguments);
  if (!query) return fail(query.error());
  Result<Api> api = open_api(arguments.settings);
  if (!api) return fail(api.error());

  Output output;
  std::uint64_t rows = 0;
  const auto writer = RowWriter::make(
      arguments.format, arguments.fields, [&](std::string_view text) { return output.write(text); },
      terminal_columns());
  const auto visit = [&](const Row& row) {
    ++rows;
    return writer->write(row);
  };
  const auto visit_chosen_fields = [&](const Row& row) {
    Row chosen = row;
    std::erase_if(chosen.fields, [&](const Field& field) {
      return std::find(arguments.fields.begin(), arguments.fields.end(), field.path) ==
             arguments.fields.end();
    });
    chosen.extra = {};
    return visit(chosen);
  };
  const Result<void> result = !arguments.latest ? api->query(*query, visit)
                              : arguments.fields.empty()
                                  ? api->latest(arguments.filter, visit)
                                  : api->latest(arguments.filter, visit_chosen_fields);
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

void add_query(CLI::App& program, Command& chosen) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = program.add_subcommand("query", "Prints stored messages");
  command->footer(examples);
  arguments->settings.add_to(*command);
  Arguments& a = *arguments;
  command->add_option("FILTER", a.filter, "Topic filter")->capture_default_str()->type_name("");
  auto* since = command->add_option("--since,--start", a.since, "Not before")->type_name("TIME");
  auto* until = command->add_option("--until,--end", a.until, "Before")->type_name("TIME");
  auto* where =
      command
          ->add_option("--where", a.where,
                       "Only where 'temperature > 30' and the like holds; may be repeated")
          ->type_name("COND")
          ->allow_extra_args(false);
  auto* schema =
      command->add_option("--schema", a.schema, "Only rows of this schema")->type_name("NAME");
  command->add_option("--fields", a.fields, "Only these fields, in this order: a,b.c")
      ->delimiter(',')
      ->type_name("A,B")
      ->allow_extra_args(false);
  auto* limit = command->add_option("--limit", a.limit, "At most this many rows; 0 = all")
                    ->capture_default_str()
                    ->type_name("N");
  auto* order = command->add_option("--order", a.order, "Rows come oldest or newest first")
                    ->check(CLI::IsMember({"oldest", "newest"}).description(""))
                    ->capture_default_str()
                    ->type_name("ORDER");
  static const std::map<std::string, RowFormat> formats = {{"table", RowFormat::table},
                                                           {"csv", RowFormat::csv},
                                                           {"json", RowFormat::json},
                                                           {"jsonl", RowFormat::jsonl}};
  auto* format = command->add_option("--format", a.format, "table, csv, json or jsonl")
                     ->transform(CLI::CheckedTransformer(formats).description(""))
                     ->type_name("FORMAT")
                     ->default_str("table");
  command
      ->add_flag_callback(
          "--json", [&a] { a.format = RowFormat::json; }, "Same as --format json")
      ->excludes(format);
  auto* latest = command->add_flag("--latest", a.latest, "The newest row of each matching topic");
  for (CLI::Option* other : {since, until, where, schema, limit, order}) latest->excludes(other);
  command->callback([arguments, &chosen] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace telemetry::command_line
