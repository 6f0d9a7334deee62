// SPDX-License-Identifier: Apache-2.0
// telemetry-edge: MQTT broker -> schema check -> journal -> stores, until it is told to stop.
#include <fmt/format.h>

#include "edge-logger/command_line.hpp"
#include "edge-logger/run.hpp"
#include "telemetry/error.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

int run(const telemetry::EdgeArguments& arguments) {
  const auto ended = telemetry::run_edge(arguments);
  if (ended) return 0;
  fmt::print(stderr, "telemetry-edge: error: {}\n", telemetry::to_string(ended.error()));
  return telemetry::exit_code(ended.error().code);
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Memory goes back: large pieces (a snapshot, once a segment) are mapped, and what one thread
  // makes and another frees lies in one arena. Neither is made per message.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_ARENA_MAX, 1);
#endif
  telemetry::EdgeArguments arguments;
  telemetry::command_line::Command command(
      "telemetry-edge",
      "Stores telemetry from an MQTT broker; nothing that was acknowledged is ever lost.");
  telemetry::add_options(command, arguments);
  command.action([&] { return run(arguments); });
  return command.run(argc, argv);
}
