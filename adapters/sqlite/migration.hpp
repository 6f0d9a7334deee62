// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <span>
#include <string>
#include <string_view>

#include "telemetry/error.hpp"

namespace telemetry::sqlite {

/// One numbered SQL file of adapters/sqlite/migrations.
struct Migration {
  int version;
  std::string_view sql;
};

/// All of this build, rising from 1 without gaps.
[[nodiscard]] std::span<const Migration> migrations() noexcept;

/// Errors: failed_precondition  the file holds tables of another program.
[[nodiscard]] Result<void> check_owner(SQLite::Database& database, const std::string& path);

/// 0 = empty file.
[[nodiscard]] int stored_version(SQLite::Database& database);

/// Errors: failed_precondition  written by a newer program.
[[nodiscard]] Result<void> check_version(int version, const std::string& path,
                                         std::span<const Migration> known);

/// Brings the file to the newest version, in one transaction: all of it or nothing.
[[nodiscard]] Result<void> migrate(SQLite::Database& database, const std::string& path,
                                   std::span<const Migration> known);

}  // namespace telemetry::sqlite
