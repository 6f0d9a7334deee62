// SPDX-License-Identifier: Apache-2.0
#include "telemetry/retention.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "process/backends.hpp"
#include "process/control.hpp"
#include "settings.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  bool dry_run = false, yes = false, json = false;
};

Result<RetentionReport> count(const Config& config) {
  auto retention = retention_options_from(config);
  if (!retention) {
    print(retention.error().diagnostics);
    return std::move(retention).error();
  }
  if (!retention->enabled) {
    return Error{Errc::failed_precondition,
                 "retention.enabled is false: nothing goes by age. --set retention.enabled=true "
                 "--dry-run shows what would"};
  }
  auto store = make_reader(config, environment());
  if (!store) return std::move(store).error();
  return find_due(*retention, **store, config.text("dead_letters.path"), environment(), true);
}

std::uint64_t due(const RetentionReport& report) {
  std::uint64_t rows = 0;
  for (const RetentionStep& step : report.rules) rows += step.held_back.empty() ? step.rows : 0;
  const auto& letters = report.dead_letters;
  return rows + (letters && letters->held_back.empty() ? letters->rows : 0);
}

bool agreed(std::uint64_t rows) {
  fmt::print(stderr, "delete {} rows and dead letters for good? [y/N] ", rows);
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes");
}

Result<std::string> retain_here(const Config& config) {
  auto pipeline = start_pipeline(config);
  if (!pipeline) return pipeline.error();
  const auto report = (*pipeline)->retain({});
  (*pipeline)->stop();
  if (!report) {
    note(config, "retention", "{}", report.error());
    return report.error();
  }
  note(config, "retention", "{}", to_json(*report));
  return fmt::format(R"({{"json":{},"text":{}}})", to_json(*report),
                     json_string(to_text(*report, RetentionTense::past)));
}

int retain(const Arguments& arguments) {
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  const auto report = count(*config);
  if (!report) return fail(report.error());
  std::string json = to_json(*report);
  std::string text = to_text(*report, RetentionTense::future);
  if (const std::uint64_t rows = due(*report); rows > 0 && !arguments.dry_run) {
    if (!arguments.yes && ::isatty(STDIN_FILENO) == 0) {
      return fail({Errc::invalid_argument,
                   fmt::format("{} rows and dead letters would be deleted for good: say so with "
                               "--yes",
                               rows)});
    }
    if (!arguments.yes) std::fputs(text.c_str(), stderr);
    if (!arguments.yes && !agreed(rows)) return 1;
    const std::string journal = config->text("journal.path");
    const auto answer =
        control::is_served(journal) ? control::call(journal, "retention") : retain_here(*config);
    if (!answer) return fail(answer.error());
    json = control::json_member(*answer, "json");
    text = control::text_member(*answer, "text").value();
  }
  Output output;
  output.write(arguments.json ? json + "\n" : text);
  return output.finish(control::json_member(json, "complete") == "true" ? 0 : 3);
}

}  // namespace

void add_retention(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = program.command(
      "retention", "Deletes now what is older than the configuration keeps, after a question");
  a.settings.add_to(command);
  command.flag("--dry-run", a.dry_run, "Only says how much each rule would delete");
  command.flag("--yes", a.yes, "Without the question");
  command.flag("--json", a.json, "One JSON object instead of lines");
  command.footer(
      "telemetry-edge does the same by itself every retention.every; while it runs, it does the "
      "work by its own rules. Exit code 3: something is held back, for the clock may be wrong, or "
      "a store is away and does it when it is back.");
  command.example("telemetry retention --config edge.yaml --dry-run");
  command.example(
      "telemetry retention --config edge.yaml --set retention.enabled=true \\\n"
      "      --set retention.days=365 --dry-run --json");
  command.action([arguments] { return retain(*arguments); });
}

}  // namespace telemetry::command_line
