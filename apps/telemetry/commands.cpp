// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

namespace telemetry::command_line {

void add_commands(Command& program) {
  program.version(TELEMETRY_VERSION);
  add_query(program);
  add_export(program);
  add_config(program);
  add_schema(program);
  add_journal(program);
  add_dead_letter(program);
  add_delete(program);
  add_retention(program);
  add_device_sequences(program);
  add_import(program);
  add_status(program);
  add_reload(program);
  add_user(program);
  add_key(program);
  add_bench(program);
  add_version(program);
  program.footer(
      "`telemetry COMMAND --help` explains a command. Exit code: 0 done, 1 failed, 2 wrong "
      "usage or configuration, 3 partly done. CONFIG_PATH names the configuration where "
      "--config does not.");
  program.example("telemetry query --config edge.yaml 'sensors/#' --since 15m");
  program.example("telemetry query --config edge.yaml --latest");
  program.example("telemetry config check edge.yaml");
  program.example("telemetry schema which sensors/sensor-001/temperature --config edge.yaml");
  program.example("telemetry journal check ./data/journal");
  program.example("telemetry bench --config edge.yaml");
}

}  // namespace telemetry::command_line
