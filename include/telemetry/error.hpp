// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/core/result.hpp"

namespace telemetry {

/// One mistake in a file that a person wrote. All mistakes of a file are reported in one run.
struct Diagnostic {
  enum class Severity : std::uint8_t { error, warning };
  std::string file;
  int line = 0;    ///< 1-based; 0 = the whole file
  int column = 0;  ///< 1-based; 0 = the whole line
  std::string message;
  std::string hint;  ///< what to write instead; may be empty
  Severity severity = Severity::error;
};

/// What went wrong and where. `context` names the thing, the place and, where there is one, the
/// remedy, in a sentence a user can act on. It never holds a secret.
struct Error {
  Errc code = Errc::internal;
  std::string context;
  std::vector<Diagnostic> diagnostics = {};  ///< where people's files were wrong: all of it
  std::uint32_t retry_after_s = 0;           ///< resource_exhausted: in vain before; 0 = not known
};

template <class T>
using Result = core::Result<T, Error>;

/// Exit code of a program that ends with this error: 2 for wrong usage, configuration or rights
/// (invalid_argument, failed_precondition, already_exists, not_found, permission_denied,
/// unauthenticated, unimplemented), else 1.
[[nodiscard]] int exit_code(Errc code) noexcept;

/// The context; without one the code's name. For people.
[[nodiscard]] std::string to_string(const Error& error);

/// The same, then every diagnostic, a line each.
[[nodiscard]] std::string describe(const Error& error);

/// Ends the process with "error: " and describe() on standard error, and the error's exit code:
/// what Result::value() does where there is none.
[[noreturn]] void end_with(const Error& error) noexcept;

/// Text of an errno, without the code: "No space left on device".
[[nodiscard]] std::string errno_text(int number);

/// "file:line:column: error: message (hint)", or "warning"; what is 0 or empty is left out.
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);
[[nodiscard]] bool has_errors(std::span<const Diagnostic> diagnostics) noexcept;
/// invalid_argument, with these; the context counts them: "edge.yaml: 2 mistakes". Sorted by place.
[[nodiscard]] Error mistakes_error(std::vector<Diagnostic> diagnostics);
/// The candidate nearest to `word` by edit distance, or empty when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> candidates) noexcept;

}  // namespace telemetry
