// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "commands.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is the end of the output, not of us
  telemetry::command_line::Command program(
      "telemetry",
      "Looks at what telemetry-edge stores, and checks what it is given: queries, configurations, "
      "schemas, journals, this machine.");
  telemetry::command_line::add_commands(program);
  return program.run(argc, argv);
}
