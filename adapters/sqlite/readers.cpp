// SPDX-License-Identifier: Apache-2.0
#include "readers.hpp"

#include <sqlite3.h>

#include <utility>

namespace telemetry::sqlite {
namespace {

/// False when another file stands at the path, or none.
bool is_in_place(SQLite::Database& database) noexcept {
  int moved = 1;
  const int code =
      sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return code == SQLITE_OK && moved == 0;
}

}  // namespace

Result<DatabasePtr> Readers::take() {
  DatabasePtr kept;
  {
    const std::lock_guard lock(mutex_);
    kept = std::move(kept_);
  }
  if (kept == nullptr || !is_in_place(*kept)) return open_reader(options_);
  auto known = check_reader(*kept, options_);
  if (!known) return known.error();
  return kept;
}

void Readers::give_back(DatabasePtr database) noexcept {
  if (sqlite3_get_autocommit(database->getHandle()) == 0) return;
  const std::lock_guard lock(mutex_);
  kept_.swap(database);
}

void Readers::clear() noexcept {
  DatabasePtr kept;
  const std::lock_guard lock(mutex_);
  kept_.swap(kept);
}

}  // namespace telemetry::sqlite
