// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "process/command_line.hpp"
#include "telemetry/error.hpp"

namespace telemetry::command_line {

/// Where the password of a user comes from.
struct PasswordInput {
  bool from_stdin = false, hash_from_stdin = false, generate = false;

  void add_to(Command& command);
};

struct NewPassword {
  std::string hash;
  std::string generated;  ///< to be shown once; empty when it was given
};

/// Asks twice on the terminal, or does as the options say.
/// Errors: invalid_argument  no terminal and no option, not the same twice, or not good enough.
[[nodiscard]] Result<NewPassword> read_password(const PasswordInput& input);

}  // namespace telemetry::command_line
