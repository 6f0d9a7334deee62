// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "process/command_line.hpp"
#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/pipeline.hpp"

namespace telemetry::command_line {

/// What --config and --set say.
struct Settings {
  std::string file;
  std::vector<std::string> assignments;  ///< "section.key=value"
  std::string app = "telemetry";

  /// @returns --config.
  Argument add_to(Command& command);
  /// Errors: invalid_argument also for an assignment without "=".
  [[nodiscard]] Result<Config> load(std::vector<Diagnostic>& diagnostics) const;
  /// The same; prints mistakes and warnings to standard error.
  [[nodiscard]] Result<Config> load() const;
};

/// Journal, stores and schemas for a command that does by itself what it would ask of the program
/// that holds the journal, if one ran. Its stop() waits until all is stored. Prints mistakes in
/// schemas. Errors: already_exists  a program holds the journal.
[[nodiscard]] Result<std::unique_ptr<Pipeline>> start_pipeline(const Config& config);

/// Notes in the audit file what a command has done by itself. @param details,outcome JSON
void note(const Config& config, std::string_view what, std::string_view details,
          const Result<std::string>& outcome);

/// This machine; warnings and errors go to standard error.
[[nodiscard]] Environment environment();

/// One line each, on standard error.
void print(std::span<const Diagnostic> diagnostics);

/// `{"severity":...,"file":...,"line":...,"column":...,"message":...,"hint":...}`, comma separated.
[[nodiscard]] std::string to_json(std::span<const Diagnostic> diagnostics);

}  // namespace telemetry::command_line
