// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "process/command_line.hpp"
#include "settings.hpp"
#include "telemetry/api.hpp"

namespace telemetry::command_line {

/// What `query` and `export` select by, as it is written.
struct SelectionArguments {
  std::vector<std::string> filters, devices, schemas, where;
  std::string since, until, zone = "UTC";

  void add_to(Command& command);
  /// Errors: invalid_argument  a time, a zone or a condition.
  [[nodiscard]] Result<void> fill(Selection& selection) const;
};
/// What help says below the options.
extern const char* const selection_footer;

/// "a,b.c" and more of these as names.
[[nodiscard]] Result<std::vector<std::string>> names_of(const std::vector<std::string>& texts);

[[nodiscard]] Result<Api> open_api(const Settings& settings);

}  // namespace telemetry::command_line
