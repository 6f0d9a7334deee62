// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file: refused with a reason, or loaded.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "fuzz.hpp"
#include "telemetry/config.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/telemetry_config_fuzz." + std::to_string(getpid());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  TELEMETRY_FUZZ_CHECK(file != nullptr);
  TELEMETRY_FUZZ_CHECK(std::fwrite(data, 1, size, file) == size);
  std::fclose(file);
  telemetry::Config::Sources sources;
  sources.file = path;
  sources.app = "edge";
  sources.environment = [](const std::string&) { return std::nullopt; };
  sources.environment_names = [] { return std::vector<std::string>(); };
  const telemetry::OptionTable tables[] = {telemetry::base_options()};
  std::vector<telemetry::Diagnostic> diagnostics;
  const auto config = telemetry::Config::load(sources, tables, diagnostics);
  TELEMETRY_FUZZ_CHECK(static_cast<bool>(config) != telemetry::has_errors(diagnostics));
  if (config) TELEMETRY_FUZZ_CHECK(!config->dump().empty());
  return 0;
}
