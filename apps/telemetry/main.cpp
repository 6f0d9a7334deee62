// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "telemetry/error.hpp"

namespace {

constexpr const char* description =
    "Looks at what telemetry-edge stores, and checks what it is given: queries, configurations,\n"
    "schemas, journals, this machine.";

constexpr const char* examples =
    "Examples:\n"
    "  telemetry query --config edge.yaml 'sensors/#' --since 15m\n"
    "  telemetry query --config edge.yaml --latest\n"
    "  telemetry config check edge.yaml\n"
    "  telemetry schema which sensors/sensor-001/temperature --config edge.yaml\n"
    "  telemetry journal check ./data/journal\n"
    "  telemetry bench --config edge.yaml\n"
    "\n"
    "`telemetry COMMAND --help` explains a command. Exit code: 0 done, 1 failed, 2 wrong usage or\n"
    "configuration, 3 partly done. CONFIG_PATH names the configuration where --config does not.";

// Type and default of an option, without the list of what excludes what.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(28); }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string out;
    if (!option->get_type_name().empty()) out += " " + option->get_type_name();
    if (!option->get_default_str().empty()) out += " [" + option->get_default_str() + "]";
    return out;
  }
};

std::string one_line(const CLI::App*, const CLI::Error& error) {
  std::string text = std::string("telemetry: ") + error.what();
  while (text.ends_with('\n')) text.pop_back();
  return text + " (--help explains)\n";
}

// The first word that should be a command and is none, as a message; else empty.
std::string unknown_command(const CLI::App& program, int argc, char** argv) {
  const CLI::App* at = &program;
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty()) return {};
    std::vector<std::string_view> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : commands) {
      names.push_back(command->get_name());
      if (command->get_name() == argv[i]) next = command;
    }
    if (next == nullptr) {
      const std::string_view near = telemetry::nearest(argv[i], names);
      return std::string("unknown command ") + argv[i] +
             (near.empty() ? " (--help lists them)" : " (did you mean " + std::string(near) + "?)");
    }
    at = next;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace telemetry::command_line;
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is the end of the output, not of us

  CLI::App program(description, "telemetry");
  program.formatter(std::make_shared<HelpFormatter>());
  program.footer(examples);
  program.require_subcommand(1);
  program.failure_message(one_line);
  program.set_version_flag("--version", TELEMETRY_VERSION);
  Command chosen;
  add_query(program, chosen);
  add_config(program, chosen);
  add_schema(program, chosen);
  add_journal(program, chosen);
  add_import(program, chosen);
  add_bench(program, chosen);
  add_version(program, chosen);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::string unknown = unknown_command(program, argc, argv);
    if (error.get_exit_code() == 0 || unknown.empty()) return program.exit(error) == 0 ? 0 : 2;
    say(unknown);
    return 2;
  }
  return chosen();
}
