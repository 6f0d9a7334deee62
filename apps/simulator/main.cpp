// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "command_line.hpp"
#include "run.hpp"

namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int) {
  if (stop_requested.exchange(true)) ::_exit(1);
}

void write_log(telemetry::LogLevel, std::string_view component, std::string_view message) {
  std::fprintf(stderr, "telemetry-sim: %.*s: %.*s\n", static_cast<int>(component.size()),
               component.data(), static_cast<int>(message.size()), message.data());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace telemetry;
  simulator::RunOptions options;
  auto level = LogLevel::warn;
  if (const auto code = simulator::parse_command_line(argc, argv, options, level)) return *code;

  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  const auto result =
      simulator::run(options, system_environment(Log(write_log, level)), stop_requested);
  if (!result) {
    std::fprintf(stderr, "telemetry-sim: %s\n", to_string(result.error()).c_str());
    return exit_code(result.error().code);
  }
  return *result;
}
