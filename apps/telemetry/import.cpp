// SPDX-License-Identifier: Apache-2.0
#include "telemetry/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/adapters/files.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry::command_line {
namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;

struct Arguments {
  Settings settings;
  std::vector<std::string> paths;
  bool json = false;
};

std::string hex(const JournalId& id) {
  std::string out;
  for (const std::uint8_t byte : id) out += fmt::format("{:02x}", byte);
  return out;
}

std::string to_json(const std::string& path, const ImportReport& r, const IngestStats& s) {
  return fmt::format(
      R"({{"path":{},"card":"{}","last_sequence":{},"earlier":{},"messages":{},"bytes":{},)"
      R"("journaled":{},"duplicates":{},"invalid":{},"unmatched":{},"missing":{},)"
      R"("damaged_places":{}}})"
      "\n",
      json_string(path), hex(r.card), r.last_sequence, r.earlier, r.messages, r.bytes, s.journaled,
      s.duplicates, s.invalid, s.unmatched, r.missing, r.damaged_places);
}

std::string to_text(const std::string& path, const ImportReport& r, const IngestStats& s) {
  std::string out = fmt::format("{}: ", path);
  if (r.messages == 0) {
    out += r.last_sequence == 0
               ? "no messages on the card"
               : fmt::format("nothing new, all {} messages came earlier", r.last_sequence);
  } else {
    out += fmt::format("{} messages ({} to {})", r.messages, r.first_sequence, r.last_sequence);
    if (r.earlier > 0) out += fmt::format(", {} came earlier", r.earlier);
    if (s.duplicates > 0) out += fmt::format(", {} were there already", s.duplicates);
    if (s.invalid > 0) out += fmt::format(", {} break their schema (dead letters)", s.invalid);
    if (s.unmatched > 0) out += fmt::format(", {} without a schema", s.unmatched);
  }
  if (r.missing > 0 || r.damaged_places > 0) {
    out += fmt::format("; damage: {} places, {} numbers missing", r.damaged_places, r.missing);
  }
  return out + "\n";
}

IngestStats difference(IngestStats after, const IngestStats& before) {
  after.journaled -= before.journaled;
  after.duplicates -= before.duplicates;
  after.invalid -= before.invalid;
  after.unmatched -= before.unmatched;
  return after;
}

Result<std::unique_ptr<Pipeline>> make_pipeline(const Config& config, std::string& journal_path) {
  auto options = pipeline_options(config);
  if (!options) return std::move(options).error();
  journal_path = options->journal.path;
  options->drain_ns = hour_ns;  // what was read shall be stored when the command ends
  auto sqlite = sqlite_options_from(config);
  if (!sqlite) return std::move(sqlite).error();
  return PipelineBuilder(*std::move(options))
      .environment(environment())
      .sink(make_sqlite_store(*sqlite, environment()))
      .create();
}

int import(const Arguments& arguments) {
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  std::string journal_path;
  auto pipeline = make_pipeline(*config, journal_path);
  if (!pipeline) {
    print(pipeline.error().diagnostics);
    if (pipeline.error().code == Errc::already_exists) {
      say("telemetry-edge may be running: stop it, import, start it again");
    }
    return fail(pipeline.error());
  }
  if (auto started = (*pipeline)->start(); !started) return fail(started.error());
  Output output;
  int code = 0;
  for (const std::string& path : arguments.paths) {
    const IngestStats before = (*pipeline)->ingest().stats();
    const auto report = import_card((*pipeline)->ingest(), journal_path, path, environment());
    if (!report) {
      code = fail(report.error());
      continue;
    }
    const IngestStats stats = difference((*pipeline)->ingest().stats(), before);
    output.write(arguments.json ? to_json(path, *report, stats) : to_text(path, *report, stats));
  }
  (*pipeline)->stop();
  return output.finish(code);
}

}  // namespace

void add_import(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Command& command = program.command(
      "import", "Brings what a device has kept on its SD card into journal and store");
  command
      .positional("CARD", arguments->paths,
                  "Image of a card, its device, or the folder of its files")
      .required();
  arguments->settings.add_to(command);
  command.flag("--json", arguments->json, "One JSON object a card instead of a line");
  command.footer(
      "Each message comes once, however often a card is imported; telemetry-edge must "
      "not run on the same journal meanwhile. Interrupted, it goes on where it was.");
  command.example("telemetry import --config edge.yaml card.img");
  command.example("telemetry import --config edge.yaml /dev/mmcblk0 /media/card/TELEMETRY");
  command.action([arguments] { return import(*arguments); });
}

}  // namespace telemetry::command_line
