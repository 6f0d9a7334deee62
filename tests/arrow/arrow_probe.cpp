// SPDX-License-Identifier: Apache-2.0
// Opens a database as an Arrow stream, for tests/readers/arrow.py. A shared library because Python
// loads it.
#include <memory>

#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/api.hpp"

using namespace telemetry;

/// @returns 0, or 1 when it cannot.
extern "C" int telemetry_probe(const char* path, ArrowArrayStream* out) {
  SqliteOptions options;
  options.path = path;
  options.read_only = true;
  Api api(std::shared_ptr<Store>(make_sqlite_store(options, system_environment())),
          system_environment());
  return api.arrow(Principal::local(), {}, out) ? 0 : 1;
}
