// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <system_error>

#include "migration.hpp"

namespace telemetry::sqlite {

namespace {

constexpr int reader_cache_kib = 8 * 1024;
constexpr std::int64_t wal_bytes_kept = 64 * 1024 * 1024;

int timeout_ms(const SqliteOptions& options) {
  return static_cast<int>(options.busy_timeout_ns / 1'000'000);
}

Result<void> create_file(const SqliteOptions& options, Environment& environment) {
  std::error_code ignored;
  // Never touch an existing file: closing any descriptor of it would drop this process's locks.
  if (std::filesystem::exists(options.path, ignored)) return {};
  const std::string folder = folder_of(options.path);
  if (auto made = environment.files.create_folder(folder); !made) {
    return Error{made.error().code, fmt::format("{}: cannot create the folder of the database: {}. "
                                                "Create it, give this user write permission, or "
                                                "set storage.sqlite.path",
                                                folder, made.error().context)};
  }
  auto file = environment.files.open_write(options.path);
  if (!file) {
    return Error{file.error().code,
                 fmt::format("{}: cannot create the database: {}. Give this user write permission "
                             "on {}, or set storage.sqlite.path",
                             options.path, file.error().context, folder)};
  }
  environment.files.close(*file);
  return {};
}

std::string uri_path(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const bool special = c == '%' || c == '?' || c == '#';
    out += special ? fmt::format("%{:02X}", static_cast<int>(c)) : std::string(1, c);
  }
  return out;
}

/// Opening for writing would bring another program's file up to date: roll its journal back, take
/// over its log. So whose file it is is asked beforehand, without writing.
Result<void> check_stranger(const std::string& path) {
  const auto look = [&path](const std::string& name, int flags) {
    SQLite::Database database(name, SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX | flags);
    return check_owner(database, path);
  };
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  try {
    return look(path, 0);
  } catch (const SQLite::Exception& exception) {
    // Whatever else is wrong, who opens the file for use will tell.
    if (exception.getExtendedErrorCode() != SQLITE_READONLY_ROLLBACK) return {};
  }
  try {
    // Its writer died. Not for other cases: closing such a connection drops this process's locks.
    return look("file:" + uri_path(path) + "?immutable=1", SQLite::OPEN_URI);
  } catch (const SQLite::Exception&) {
    return {};
  }
}

void set_pragmas(SQLite::Database& database, const SqliteOptions& options) {
  const std::string mode =
      database.execAndGet("PRAGMA journal_mode = " + options.journal_mode).getString();
  const bool wal = mode == "wal";
  if (wal != (options.journal_mode == "WAL")) {
    throw SQLite::Exception("cannot change journal_mode to " + options.journal_mode, SQLITE_BUSY);
  }
  // In DELETE mode a commit is the removal of the journal, which only EXTRA makes durable.
  const bool full = options.synchronous == "FULL";
  database.exec(std::string("PRAGMA synchronous = ") + (!full ? "NORMAL" : wal ? "FULL" : "EXTRA"));
  database.exec(fmt::format("PRAGMA cache_size = -{}", options.cache_bytes / 1024));
  database.exec(fmt::format("PRAGMA journal_size_limit = {}", wal_bytes_kept));
  database.exec("PRAGMA trusted_schema = OFF");
}

}  // namespace

std::string folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

Error error_of(const std::string& path, int code, std::string_view text) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::unavailable,
              fmt::format("{}: locked by another program ({}). Writing goes on by itself when that "
                          "program ends its transaction",
                          path, text)};
    case SQLITE_FULL:
      return {Errc::resource_exhausted,
              fmt::format("{}: the disk is full. Free some space on it", path)};
    case SQLITE_IOERR:
      return {Errc::unavailable, fmt::format("{}: {} (code {}). Check the disk", path, text, code)};
    case SQLITE_NOMEM:
      return {Errc::resource_exhausted, fmt::format("{}: out of memory", path)};
    case SQLITE_CORRUPT:
      return {Errc::data_loss,
              fmt::format("{}: the database is damaged ({}). Stop the writer, save what is left "
                          "with `sqlite3 FILE .recover`, and restore a backup or move the file "
                          "away",
                          path, text)};
    case SQLITE_NOTADB:
      return {
          Errc::failed_precondition,
          fmt::format("{}: not an SQLite database. Move it away or set storage.sqlite.path", path)};
    case SQLITE_READONLY:
      if (code == SQLITE_READONLY_DBMOVED) {
        return {Errc::unavailable, fmt::format("{}: the file was moved or removed", path)};
      }
      [[fallthrough]];
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Errc::permission_denied,
              fmt::format("{}: {}. Give this user write permission on the file and its folder, or "
                          "set storage.sqlite.path",
                          path, text)};
    case SQLITE_CANTOPEN:
      return {Errc::permission_denied,
              fmt::format("{}: {}. Check that the folder exists and that this user may read and "
                          "write there (also the files -wal and -shm beside it)",
                          path, text)};
    case SQLITE_INTERRUPT:
      return {Errc::cancelled, fmt::format("{}: {}", path, text)};
    default:
      return {Errc::internal, fmt::format("{}: {} (code {})", path, text, code)};
  }
}

void check(SQLite::Database& database, int code) {
  if (code != SQLITE_OK) throw SQLite::Exception(database.getHandle(), code);
}

Result<DatabasePtr> open_writer(const SqliteOptions& options, Environment& environment) {
  if (auto ours = check_stranger(options.path); !ours) return ours.error();
  if (auto created = create_file(options, environment); !created) return created.error();
  return guarded(options.path, [&]() -> Result<DatabasePtr> {
    auto database = std::make_unique<SQLite::Database>(
        options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, timeout_ms(options));
    if (auto ours = check_owner(*database, options.path); !ours) return ours.error();
    set_pragmas(*database, options);
    if (auto migrated = migrate(*database, options.path, migrations()); !migrated) {
      return migrated.error();
    }
    return database;
  });
}

Result<DatabasePtr> open_reader(const SqliteOptions& options) {
  std::error_code failure;
  if (!std::filesystem::exists(options.path, failure)) {
    if (failure) {
      return Error{Errc::permission_denied,
                   fmt::format("{}: {}. Give this user read permission on the folder", options.path,
                               failure.message())};
    }
    return Error{Errc::not_found,
                 fmt::format("{}: no such database. Start the logger that writes it, or set "
                             "storage.sqlite.path to where it is",
                             options.path)};
  }
  return guarded(options.path, [&]() -> Result<DatabasePtr> {
    auto database = std::make_unique<SQLite::Database>(
        options.path, SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX, timeout_ms(options));
    database->exec(fmt::format("PRAGMA cache_size = -{}", reader_cache_kib));
    if (auto ours = check_reader(*database, options); !ours) return ours.error();
    return database;
  });
}

Result<void> check_reader(SQLite::Database& database, const SqliteOptions& options) {
  return guarded(options.path, [&]() -> Result<void> {
    if (auto ours = check_owner(database, options.path); !ours) return ours;
    const auto version = stored_version(database);
    if (version == 0) {
      return Error{
          Errc::not_found,
          fmt::format("{}: nothing is stored yet. Start the logger that writes it", options.path)};
    }
    return check_version(version, options.path, migrations());
  });
}

}  // namespace telemetry::sqlite
