// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "output.hpp"
#include "process/control.hpp"
#include "process/import_file.hpp"
#include "settings.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::vector<std::string> paths;
  bool json = false;
};

void show(Output& output, const Arguments& arguments, std::string_view json,
          std::string_view text) {
  output.write(arguments.json ? json : text);
  output.write("\n");
}

/// By the running program that holds the journal. Nothing when there is none.
std::optional<int> ask_running(const Arguments& arguments, const std::string& journal_path) {
  if (!control::is_served(journal_path)) return std::nullopt;
  Output output;
  int code = 0;
  for (const std::string& path : arguments.paths) {
    const std::string absolute = std::filesystem::absolute(path).string();
    const auto answer = control::call(journal_path, "import",
                                      fmt::format(R"({{"path":{}}})", json_string(absolute)));
    if (!answer) {
      code = fail(answer.error());
      continue;
    }
    const auto text = control::text_member(*answer, "text");
    show(output, arguments, control::json_member(*answer, "json"), text ? *text : "");
  }
  return output.finish(code);
}

int import(const Arguments& arguments) {
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  const std::string journal_path = config->text("journal.path");
  if (const auto code = ask_running(arguments, journal_path)) return *code;
  auto pipeline = start_pipeline(*config);
  if (!pipeline) return fail(pipeline.error());
  Output output;
  int code = 0;
  for (const std::string& path : arguments.paths) {
    const auto report = import_file((*pipeline)->ingest(), journal_path, path, environment());
    const std::string details =
        fmt::format(R"({{"path":{}}})", json_string(std::filesystem::absolute(path).string()));
    if (report) {
      note(*config, "import", details, to_json(*report, path));
      show(output, arguments, to_json(*report, path), to_text(*report, path));
    } else {
      note(*config, "import", details, report.error());
      code = fail(report.error());
    }
  }
  (*pipeline)->stop();
  return output.finish(code);
}

}  // namespace

void add_import(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Command& command = program.command(
      "import", "Brings cards of devices, files of records and old tables into journal and store");
  command
      .positional("FILE", arguments->paths,
                  "Image of a card, its device, or the folder of its files; JSONL or CSV, also "
                  "gzip, zstd or lz4; an SQLite file with the table messages of an older program")
      .required();
  arguments->settings.add_to(command);
  command.flag("--json", arguments->json, "One JSON object a file instead of a line");
  command.footer(
      "Each message comes once, however often a file is imported. While telemetry-edge runs on the "
      "same journal, it does the work itself, and must be allowed to read the file. Interrupted, "
      "it goes on where it was. What is no record is counted as damage.");
  command.example("telemetry import --config edge.yaml card.img");
  command.example("telemetry import --config edge.yaml /dev/mmcblk0 /media/card/TELEMETRY");
  command.example(
      "telemetry query --config other.yaml --format jsonl > rows.jsonl && \\\n"
      "      telemetry import --config edge.yaml rows.jsonl");
  command.action([arguments] { return import(*arguments); });
}

}  // namespace telemetry::command_line
