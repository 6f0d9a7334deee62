// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "telemetry/error.hpp"
#include "telemetry/schema.hpp"

namespace telemetry::command_line {

/// Standard output. A reader that leaves early (`| head`) is no failure.
class Output {
 public:
  /// False when nobody reads any more, or the output cannot be written.
  bool write(std::string_view text);
  /// Hands out what waits. False as in write().
  bool flush();
  /// flush() at the end.
  /// @returns `code`; 1 when the output could not be written, which it has said then.
  [[nodiscard]] int finish(int code);

 private:
  int error_ = 0;  // errno
};

/// Width of the terminal that standard output is, 0 when it is none.
[[nodiscard]] std::size_t terminal_columns();

/// "telemetry: CONTEXT" on standard error.
/// @returns the exit code of the error.
int fail(const Error& error);
void say(std::string_view text);

/// "1.0"
[[nodiscard]] std::string version_of(const Schema& schema);

/// "/temperature: 200 is above max 150; ..."
[[nodiscard]] std::string problems_text(std::span<const Problem> problems);

/// "text" as a JSON string.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace telemetry::command_line
