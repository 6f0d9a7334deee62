// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "process/command_line.hpp"
#include "process/service.hpp"

namespace telemetry {

/// What the command lines of all long-running programs have; empty and 0 mean "not given".
struct ServiceArguments {
  std::string config, broker, storage, schema;
  std::vector<std::string> topics;
  std::uint16_t port = 0;
  bool debug = false;
  double stats_interval_s = 0;
};
void add_options(command_line::Command& command, ServiceArguments& arguments);
/// @param app  as of Config::Sources
[[nodiscard]] ServiceOptions service_options(const ServiceArguments& arguments,
                                             std::string_view app);
/// Runs until it is stopped. @returns the exit code; the error is on stderr then.
[[nodiscard]] int run_to_exit_code(std::string_view program, const ServiceOptions& options);
/// For the allocator of a program that runs for months, before its first thread.
void keep_memory_small() noexcept;

}  // namespace telemetry
