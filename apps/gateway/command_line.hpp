// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/service_arguments.hpp"

namespace telemetry {

struct GatewayArguments : ServiceArguments {
  std::string web_host, web_port;
};
/// The command line of telemetry-gateway.
void add_gateway_options(command_line::Command& command, GatewayArguments& arguments);
[[nodiscard]] ServiceOptions gateway_options(const GatewayArguments& arguments);

}  // namespace telemetry
