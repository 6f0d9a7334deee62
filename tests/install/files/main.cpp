// SPDX-License-Identifier: Apache-2.0
#include <telemetry/adapters/files.hpp>

int main() {
  const auto sink =
      telemetry::make_files_sink({.base_path = "records"}, telemetry::system_environment());
  return sink->open() && sink->flush() ? 0 : 1;
}
