// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "output.hpp"

namespace telemetry::command_line {

void add_version(CLI::App& program, Command& chosen) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* command = program.add_subcommand("version", "Prints the version of this build");
  command->add_flag("--json", *json, "As a JSON object");
  command->callback([json, &chosen] {
    chosen = [json] {
      Output output;
      if (*json) {
        output.write(
            fmt::format(R"({{"version":"{}","compiler":"{}"}})", TELEMETRY_VERSION, __VERSION__));
        output.write("\n");
      } else {
        output.write(fmt::format("telemetry {} (compiler {})\n", TELEMETRY_VERSION, __VERSION__));
      }
      return output.finish(0);
    };
  });
}

}  // namespace telemetry::command_line
