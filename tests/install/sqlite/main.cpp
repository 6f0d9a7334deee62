// SPDX-License-Identifier: Apache-2.0
#include <telemetry/adapters/sqlite.hpp>

int main() {
  const auto store =
      telemetry::make_sqlite_store({.path = "consumer.db"}, telemetry::system_environment());
  return store->open() && store->position({}) ? 0 : 1;
}
