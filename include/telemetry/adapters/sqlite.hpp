// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/import.hpp"
#include "telemetry/store.hpp"

namespace telemetry {

/// SQLite: one file, typed tables per schema, exactly once (the cursor commits with the rows).
struct SqliteOptions {
  std::string path;                    ///< created, with its folder, by open()
  std::string journal_mode = "WAL";    ///< WAL or DELETE
  std::string synchronous = "NORMAL";  ///< NORMAL or FULL
  std::uint64_t free_space_reserve_bytes = 64ull * 1024 * 1024;  ///< below it writing stops
  std::uint64_t partition_rows = 500'000;
  std::uint64_t cache_bytes = 4ull * 1024 * 1024;
  std::int64_t busy_timeout_ns = 5'000'000'000;
  std::size_t connections_kept = 4;  ///< for queries; more are opened when asked at one time
  bool read_only = false;            ///< for queries by another process
};

/// Options "storage.sqlite.*".
[[nodiscard]] OptionTable sqlite_options() noexcept;
[[nodiscard]] Result<SqliteOptions> sqlite_options_from(const Config& config);

[[nodiscard]] std::unique_ptr<Store> make_sqlite_store(
    const SqliteOptions& options, Environment environment = default_environment());

/// The rows of the table `messages` of an older program, in the order of their ids, which are the
/// numbers. Nothing is written. The id of the source is that of its first row: a file that has
/// grown goes on where it was.
/// Errors: those of the file; failed_precondition  it has no such table.
[[nodiscard]] Result<ImportSource> open_old_messages(const std::string& path);

}  // namespace telemetry
