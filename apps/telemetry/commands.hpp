// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace telemetry::command_line {

/// The command that was chosen; its exit code: 0 done, 1 failed, 2 wrong usage or configuration,
/// 3 partly done.
using Command = std::function<int()>;

/// Each adds its subcommands to the program. When one of them is chosen it puts what is to be done
/// into `chosen`.
void add_query(CLI::App& program, Command& chosen);
void add_config(CLI::App& program, Command& chosen);
void add_schema(CLI::App& program, Command& chosen);
void add_schema_compile(CLI::App& schema, Command& chosen);
void add_schema_diff(CLI::App& schema, Command& chosen);
void add_schema_test(CLI::App& schema, Command& chosen);
void add_journal(CLI::App& program, Command& chosen);
void add_bench(CLI::App& program, Command& chosen);
void add_version(CLI::App& program, Command& chosen);

}  // namespace telemetry::command_line
