// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "output.hpp"

namespace telemetry::command_line {

void add_version(Command& program) {
  const auto json = std::make_shared<bool>(false);
  Command& command = program.command("version", "Prints the version of this build");
  command.flag("--json", *json, "As a JSON object");
  command.example("telemetry version");
  command.action([json] {
    Output output;
    output.write(*json
                     ? fmt::format(R"({{"version":"{}","compiler":"{}"}})"
                                   "\n",
                                   TELEMETRY_VERSION, __VERSION__)
                     : fmt::format("telemetry {} (compiler {})\n", TELEMETRY_VERSION, __VERSION__));
    return output.finish(0);
  });
}

}  // namespace telemetry::command_line
