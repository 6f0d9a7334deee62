// SPDX-License-Identifier: Apache-2.0
#include "telemetry/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <tuple>

namespace telemetry {

int exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::failed_precondition:
    case Errc::already_exists:
    case Errc::not_found:
    case Errc::permission_denied:
    case Errc::unauthenticated:
    case Errc::unimplemented:
      return 2;
    case Errc::resource_exhausted:
    case Errc::unavailable:
    case Errc::data_loss:
    case Errc::cancelled:
    case Errc::deadline_exceeded:
    case Errc::internal:
      return 1;
  }
  return 1;
}

std::string to_string(const Error& error) {
  return error.context.empty() ? std::string(to_string(error.code)) : error.context;
}

std::string describe(const Error& error) {
  std::string text = to_string(error);
  for (const Diagnostic& diagnostic : error.diagnostics) text += "\n" + to_string(diagnostic);
  return text;
}

void end_with(const Error& error) noexcept {
  fmt::print(stderr, "error: {}\n", describe(error));
  std::exit(exit_code(error.code));
}

std::string errno_text(int number) { return std::generic_category().message(number); }

std::string to_string(const Diagnostic& d) {
  std::string text = d.file;
  if (d.line > 0) text += fmt::format(":{}", d.line);
  if (d.line > 0 && d.column > 0) text += fmt::format(":{}", d.column);
  if (!text.empty()) text += ": ";
  text += d.severity == Diagnostic::Severity::error ? "error: " : "warning: ";
  text += d.message;
  if (!d.hint.empty()) text += " (" + d.hint + ")";
  return text;
}

bool has_errors(std::span<const Diagnostic> diagnostics) noexcept {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; });
}

Error mistakes_error(std::vector<Diagnostic> diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
                   });
  // Whoever reads only this must look for the mistake where it is.
  std::string text;
  for (std::size_t i = 0; i < diagnostics.size();) {
    const std::string& source = diagnostics[i].file;
    std::size_t count = 0;
    for (; i < diagnostics.size() && diagnostics[i].file == source; ++i) {
      if (diagnostics[i].severity == Diagnostic::Severity::error) ++count;
    }
    if (count == 0) continue;
    text +=
        fmt::format("{}{}: {} mistake{}", text.empty() ? "" : ", ",
                    source.empty() ? "the configuration" : source, count, count == 1 ? "" : "s");
  }
  return {Errc::invalid_argument, std::move(text), std::move(diagnostics)};
}

std::string_view nearest(std::string_view word,
                         std::span<const std::string_view> candidates) noexcept {
  std::string_view best;
  std::size_t best_distance = 1 + word.size() / 3;  // further away is no help
  std::vector<std::size_t> earlier, above, row;
  for (std::string_view candidate : candidates) {
    row.resize(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    above = row;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      earlier.swap(above);
      above = row;
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const bool same = word[i - 1] == candidate[j - 1];
        row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0u : 1u)});
        // Two letters that have changed places are one mistake.
        if (i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1]) {
          row[j] = std::min(row[j], earlier[j - 2] + 1);
        }
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace telemetry
