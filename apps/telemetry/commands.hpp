// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/command_line.hpp"

namespace telemetry::command_line {

/// Adds all commands of `telemetry`.
void add_commands(Command& program);

/// Each adds its commands, whose exit codes are 0 done, 1 failed, 2 wrong usage or configuration,
/// 3 partly done.
void add_query(Command& program);
void add_export(Command& program);
void add_config(Command& program);
void add_schema(Command& program);
void add_schema_compile(Command& schema);
void add_schema_diff(Command& schema);
void add_schema_infer(Command& schema);
void add_schema_library(Command& schema);
void add_schema_test(Command& schema);
void add_schema_which(Command& schema);
void add_journal(Command& program);
void add_dead_letter(Command& program);
void add_delete(Command& program);
void add_retention(Command& program);
void add_device_sequences(Command& program);
void add_import(Command& program);
void add_status(Command& program);
void add_reload(Command& program);
void add_user(Command& program);
void add_key(Command& program);
void add_bench(Command& program);
void add_version(Command& program);

}  // namespace telemetry::command_line
