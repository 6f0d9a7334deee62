// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <memory>
#include <string>
#include <string_view>

#include "telemetry/adapters/sqlite.hpp"

/// Opening connections, and the one boundary where SQLite's exceptions become Errors.
namespace telemetry::sqlite {

using DatabasePtr = std::unique_ptr<SQLite::Database>;

/// The folder of a file; "." when the path names none.
[[nodiscard]] std::string folder_of(const std::string& path);

/// @param code extended or primary result code of SQLite.
[[nodiscard]] Error error_of(const std::string& path, int code, std::string_view text);

/// Runs `body`, which returns a Result, and turns exceptions of SQLiteCpp into its error.
template <class Body>
auto guarded(const std::string& path, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& exception) {
    const int extended = exception.getExtendedErrorCode();
    const int code = exception.getErrorCode();
    return error_of(path, extended > 0 ? extended : code, exception.what());
  }
}

/// Throws SQLite::Exception unless `code` is SQLITE_OK.
void check(SQLite::Database& database, int code);

/// Creates folder and file when they are missing, sets the pragmas, and migrates.
[[nodiscard]] Result<DatabasePtr> open_writer(const SqliteOptions& options,
                                              Environment& environment);

/// Errors: not_found  there is no such file; failed_precondition  it is not one of ours.
[[nodiscard]] Result<DatabasePtr> open_reader(const SqliteOptions& options);
/// Whether what a connection reads is a database of ours, of a version that this program knows.
[[nodiscard]] Result<void> check_reader(SQLite::Database& database, const SqliteOptions& options);

}  // namespace telemetry::sqlite
