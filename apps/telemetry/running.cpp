// SPDX-License-Identifier: Apache-2.0
// Commands for the program that holds the journal: it answers by its control socket.
#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "process/control.hpp"
#include "settings.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  bool json = false;
};

int ask(const Arguments& arguments, std::string_view command) {
  const Result<Config> config = arguments.settings.load();
  if (!config) return fail(config.error());
  const auto answer = control::call(config->text("journal.path"), command);
  if (!answer) return fail(answer.error());
  Output output;
  if (arguments.json) {
    output.write(control::json_member(*answer, "json"));
    output.write("\n");
  } else if (const auto text = control::text_member(*answer, "text")) {
    output.write(*text);
    if (!text->ends_with('\n')) output.write("\n");
  }
  return output.finish(0);
}

}  // namespace

void add_status(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Command& command =
      program.command("status", "Prints what the running telemetry-edge has counted");
  arguments->settings.add_to(command);
  command.flag("--json", arguments->json, "One JSON object instead of lines");
  command.footer("It is asked by the socket in journal.path: as the same user, or as root.");
  command.example("telemetry status --config edge.yaml");
  command.action([arguments] { return ask(*arguments, "status"); });
}

void add_reload(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Command& command = program.command(
      "reload", "Lets the running telemetry-edge read configuration and schemas again");
  arguments->settings.add_to(command);
  command.footer(
      "Says what has taken effect and what waits for the next start. A mistake leaves everything "
      "as "
      "it was, and is printed with its place. SIGHUP does the same, without an answer.");
  command.example("telemetry reload --config edge.yaml");
  command.action([arguments] { return ask(*arguments, "reload"); });
}

}  // namespace telemetry::command_line
