// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "process/backends.hpp"
#include "process/control.hpp"
#include "settings.hpp"
#include "telemetry/api.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::vector<std::string> filters, devices, schemas;
  std::string since, until, zone = "UTC";
  bool dry_run = false, yes = false, json = false;
};

Result<Deletion> deletion_of(const Arguments& arguments) {
  Deletion deletion;
  deletion.topics = arguments.filters;
  deletion.devices = arguments.devices;
  deletion.schemas = arguments.schemas;
  if (arguments.since.empty() && arguments.until.empty()) {
    return Error{Errc::invalid_argument,
                 "say of which time: --since, --until or both; --since 1970-01-01 for all"};
  }
  const auto zone = TimeZone::find(arguments.zone);
  if (!zone) return zone.error();
  const std::int64_t now = environment().clock.now();
  for (const bool until : {false, true}) {
    const std::string& text = until ? arguments.until : arguments.since;
    if (text.empty()) continue;
    const auto time = parse_query_time(text, now, *zone);
    if (!time) return time.error();
    (until ? deletion.until : deletion.since) = *time;
  }
  return deletion;
}

Result<std::uint64_t> count(const Config& config, const Deletion& deletion) {
  auto store = make_reader(config, environment());
  if (!store) return store.error();
  return Api(std::shared_ptr<Store>(*std::move(store)), environment())
      .count(Principal::local(), deletion);
}

bool agreed(std::uint64_t rows) {
  fmt::print(stderr, "delete {} rows for good? [y/N] ", rows);
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes");
}

Result<std::string> erase_here(const Config& config, const Deletion& deletion) {
  auto pipeline = start_pipeline(config);
  if (!pipeline) return pipeline.error();
  const auto report = (*pipeline)->erase(Principal::local(), deletion, {});
  (*pipeline)->stop();
  Result<std::string> done = std::string();
  if (report) {
    done = to_json(*report);
  } else {
    done = report.error();
  }
  note(config, "delete", to_json(deletion), done);
  return done;
}

int erase(const Arguments& arguments) {
  const auto deletion = deletion_of(arguments);
  if (!deletion) return fail(deletion.error());
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  const auto rows = count(*config, *deletion);
  if (!rows) return fail(rows.error());
  Output output;
  if (arguments.dry_run) {
    output.write(arguments.json ? fmt::format("{{\"matching\":{}}}\n", *rows)
                                : fmt::format("{} rows match\n", *rows));
    return output.finish(0);
  }
  // Also of none: what is on its way into the store goes, too, and does not come back.
  if (!arguments.yes && ::isatty(STDIN_FILENO) == 0) {
    return fail({Errc::invalid_argument,
                 fmt::format("{} rows would be deleted for good: say so with --yes", *rows)});
  }
  if (!arguments.yes && !agreed(*rows)) return 1;
  const std::string journal = config->text("journal.path");
  const auto answer = control::is_served(journal)
                          ? control::call(journal, "delete", to_json(*deletion))
                          : erase_here(*config, *deletion);
  if (!answer) return fail(answer.error());
  const bool done = control::json_member(*answer, "done") == "true";
  output.write(arguments.json ? *answer + "\n"
                              : control::json_member(*answer, "deleted") + " rows deleted\n");
  if (!done) say("not all stores have done it yet: they will");
  return output.finish(done ? 0 : 3);
}

}  // namespace

void add_delete(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command =
      program.command("delete", "Deletes stored messages by topic and time, after a question");
  // An empty one, as of a shell's variable that is not set, must not stand for everything.
  const auto not_empty = [](const char* instead) {
    return [instead](std::string_view text) { return std::string(text.empty() ? instead : ""); };
  };
  command.positional("FILTER", a.filters, "Topic filters: what any of them matches").required();
  a.settings.add_to(command);
  command.option("--device", a.devices, "Only of this device; may be repeated").type("NAME");
  command.option("--schema", a.schemas, "Only of this schema; may be repeated").type("NAME");
  command.option("--since", a.since, "Not before").type("TIME").check(not_empty("a time"));
  command.option("--until", a.until, "Before").type("TIME").check(not_empty("a time"));
  command.option("--tz", a.zone, "Time zone of days, and of times without offset")
      .type("ZONE")
      .show_default();
  command.flag("--dry-run", a.dry_run, "Only says how many rows match");
  command.flag("--yes", a.yes, "Without the question");
  command.flag("--json", a.json, "One JSON object instead of a line");
  command.footer(
      "Times are as in telemetry query. A running telemetry-edge does the work. Nothing of it "
      "comes back when journal or dead letters are replayed, or a card is imported; messages that "
      "come "
      "from now on are stored, whatever their time. Files that a sink has written stay as they "
      "are. Exit code 3: a store is away, and does it when it is back.");
  command.example(
      "telemetry delete -c edge.yaml 'sensors/+/temperature' \\\n"
      "      --since 2026-11-20T08:00:00Z --until 2026-11-20T09:00:00Z --dry-run");
  command.example("telemetry delete -c edge.yaml 'sensors/#' --until 30d --yes");
  command.action([arguments] { return erase(*arguments); });
}

}  // namespace telemetry::command_line
