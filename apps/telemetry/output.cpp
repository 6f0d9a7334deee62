// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "telemetry/export.hpp"

namespace telemetry::command_line {

bool Output::write(std::string_view text) {
  if (error_ != 0) return false;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) error_ = errno;
  return error_ == 0;
}

bool Output::flush() {
  if (error_ == 0 && std::fflush(stdout) != 0) error_ = errno;
  return error_ == 0;
}

int Output::finish(int code) {
  (void)flush();
  if (error_ == 0 || error_ == EPIPE) return code;
  say("cannot write the output: " + errno_text(error_));
  return 1;
}

std::size_t terminal_columns() {
  struct winsize size {};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

void say(std::string_view text) {
  std::fprintf(stderr, "telemetry: %.*s\n", static_cast<int>(text.size()), text.data());
}

int fail(const Error& error) {
  say(describe(error));
  return exit_code(error.code);
}

std::string version_of(const Schema& schema) {
  return std::to_string(schema.version().major) + "." + std::to_string(schema.version().minor);
}

std::string problems_text(std::span<const Problem> problems) {
  std::string out;
  for (const Problem& problem : problems) {
    if (!out.empty()) out += "; ";
    if (!problem.path.empty()) out += problem.path + ": ";
    out += problem.message;
  }
  return out;
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

}  // namespace telemetry::command_line
