// SPDX-License-Identifier: Apache-2.0
#include "password_input.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "settings.hpp"
#include "telemetry/accounts.hpp"

namespace telemetry::command_line {
namespace {

constexpr std::size_t input_bytes_max = 4'096;

termios as_it_was;

extern "C" void end_with_echo(int signal) {
  (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was);
  (void)std::signal(signal, SIG_DFL);
  (void)std::raise(signal);
}

/// The terminal shows nothing of what is typed; also not when Ctrl-C ends it all.
class NoEcho {
 public:
  NoEcho() {
    (void)::tcgetattr(STDIN_FILENO, &as_it_was);
    (void)std::signal(SIGINT, end_with_echo);
    (void)std::signal(SIGTERM, end_with_echo);
    termios silent = as_it_was;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~NoEcho() {
    (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was);
    (void)std::signal(SIGINT, SIG_DFL);
    (void)std::signal(SIGTERM, SIG_DFL);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
};

/// Up to the end of the line, or of the input.
Result<std::string> read_input(bool one_line) {
  std::string text;
  for (;;) {
    char byte = 0;
    const auto n = ::read(STDIN_FILENO, &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return Error{Errc::unavailable, "cannot read standard input: " + errno_text(errno)};
    }
    if (n == 0 || (one_line && byte == '\n')) break;
    if (text.size() == input_bytes_max) {
      return Error{Errc::invalid_argument, "standard input is too long: write one line"};
    }
    text += byte;
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Result<std::string> ask(const char* prompt) {
  (void)std::fputs(prompt, stderr);
  auto text = read_input(true);
  (void)std::fputs("\n", stderr);
  return text;
}

Result<std::string> ask_twice() {
  if (::isatty(STDIN_FILENO) == 0) {
    return Error{Errc::invalid_argument,
                 "standard input is no terminal that could be asked for the password: use "
                 "--password-stdin or --generate"};
  }
  const NoEcho no_echo;
  auto first = ask("Password: ");
  if (!first) return first;
  if (const std::string problem = password_problem(*first); !problem.empty()) {
    return Error{Errc::invalid_argument, "the password: write " + problem};
  }
  const auto second = ask("Again: ");
  if (!second) return second;
  if (*first != *second) {
    return Error{Errc::invalid_argument, "the two passwords are not the same: nothing was changed"};
  }
  return first;
}

}  // namespace

void PasswordInput::add_to(Command& command) {
  const Argument given =
      command.flag("--password-stdin", from_stdin, "Reads the password from standard input");
  const Argument hash =
      command.flag("--hash-stdin", hash_from_stdin,
                   "Reads an Argon2id or bcrypt hash of an older program from standard input");
  const Argument made =
      command.flag("--generate", generate, "Makes a random password, and prints it once");
  given.excludes(hash);
  given.excludes(made);
  hash.excludes(made);
}

Result<NewPassword> read_password(const PasswordInput& input) {
  NewPassword made;
  if (input.hash_from_stdin) {
    auto hash = read_input(false);
    if (!hash) return hash.error();
    if (const std::string problem = password_hash_problem(*hash); !problem.empty()) {
      return Error{Errc::invalid_argument, "the hash: write " + problem};
    }
    made.hash = *std::move(hash);
    return made;
  }
  auto password = input.generate     ? Result<std::string>(generate_password(environment()))
                  : input.from_stdin ? read_input(false)
                                     : ask_twice();
  if (!password) return password.error();
  auto hash = hash_password(*password);
  if (!hash) return hash.error();
  made.hash = *std::move(hash);
  if (input.generate) made.generated = *std::move(password);
  return made;
}

}  // namespace telemetry::command_line
