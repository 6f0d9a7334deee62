// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/export.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  std::string filter = "#";
  bool json = false;
};

std::string time_of(const NumberingReport& numbering) {
  if (numbering.received_at == 0) return "null";
  std::string quoted;
  append_json_time(numbering.received_at, quoted);
  return quoted;
}

std::string json_line(const NumberingReport& n) {
  return fmt::format(
      R"({{"{}":{},"last":{},"received_at":{},"messages":{},"gaps":{},"missing":{},"resets":{}}})"
      "\n",
      n.per_device ? "device" : "topic", json_string(n.key), n.last, time_of(n), n.messages, n.gaps,
      n.missing, n.resets);
}

std::string table_line(const NumberingReport& n, std::size_t width) {
  std::string time = time_of(n);
  std::erase(time, '"');
  return fmt::format("{:<{}}  {:>12}  {:>9}  {:>6}  {:>8}  {:>6}  {}\n", printable(n.key), width,
                     n.last, n.messages, n.gaps, n.missing, n.resets,
                     n.received_at == 0 ? "-" : time);
}

int run(const Arguments& arguments) {
  if (!core::is_valid_filter(arguments.filter)) {
    return fail({Errc::invalid_argument,
                 fmt::format("--topic \"{}\" is not a topic filter", arguments.filter)});
  }
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  auto numberings = read_numberings(config->text("journal.path"), environment());
  if (!numberings) return fail(numberings.error());
  std::erase_if(*numberings, [&](const NumberingReport& numbering) {
    return !core::topic_matches(arguments.filter, numbering.key);
  });
  std::size_t width = 5;
  for (const NumberingReport& n : *numberings) width = std::max(width, printable(n.key).size());
  Output output;
  if (!arguments.json && !numberings->empty()) {
    output.write(fmt::format("{:<{}}  {:>12}  {:>9}  {:>6}  {:>8}  {:>6}  {}\n", "topic", width,
                             "last", "messages", "gaps", "missing", "resets", "received"));
  }
  for (const NumberingReport& n : *numberings) {
    if (!output.write(arguments.json ? json_line(n) : table_line(n, width))) break;
  }
  if (numberings->empty()) {
    say("no numbered messages match; a schema names the number with sequence_field");
  }
  return output.finish(0);
}

}  // namespace

void add_device_sequences(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Command& command = program.command(
      "device-sequences", "Shows the last sequence number of each device, and what was missing");
  arguments->settings.add_to(command);
  command.option("--topic", arguments->filter, "Only topics, or devices, that match")
      .type("FILTER")
      .show_default();
  command.flag("--json", arguments->json, "One JSON object a line");
  command.footer(
      "From the journal, also while telemetry-edge runs: messages, gaps, missing and resets are of "
      "what it still holds. With sequence_scope: device a device stands in the place of the "
      "topic.");
  command.example("telemetry device-sequences --config edge.yaml");
  command.example("telemetry device-sequences -c edge.yaml --topic 'sensors/#' --json");
  command.action([arguments] { return run(*arguments); });
}

}  // namespace telemetry::command_line
