// SPDX-License-Identifier: Apache-2.0
#include "migration.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

#include "connection.hpp"

namespace telemetry::sqlite {

namespace {

constexpr int application_id = 1414286641;  // "TLM1"

constexpr Migration embedded[] = {
#include "sqlite_migrations.inc"
};

// "data/mtss.db" -> "data/mtss-new.db".
std::string new_name(const std::string& path) {
  const std::filesystem::path old(path);
  return (old.parent_path() / (old.stem().string() + "-new" + old.extension().string())).string();
}

}  // namespace

std::span<const Migration> migrations() noexcept { return embedded; }

Result<void> check_owner(SQLite::Database& database, const std::string& path) {
  const int id = database.execAndGet("PRAGMA application_id").getInt();
  if (id == application_id) return {};
  SQLite::Statement any(
      database, "SELECT name FROM sqlite_schema ORDER BY name <> 'messages', rowid LIMIT 1");
  if (!any.executeStep()) return {};
  const std::string table = any.getColumn(0).getString();
  return Error{
      Errc::failed_precondition,
      fmt::format(
          "{}: an SQLite database of another program (it has a table '{}'{}), which is left "
          "as it is. Set storage.sqlite.path to a new file, for example {}",
          path, table, table == "messages" ? ", as an older telemetry program wrote it" : "",
          new_name(path))};
}

int stored_version(SQLite::Database& database) {
  if (!database.tableExists("meta")) return 0;
  return database.execAndGet("SELECT version FROM meta").getInt();
}

Result<void> check_version(int version, const std::string& path, std::span<const Migration> known) {
  if (version <= known.back().version) return {};
  return Error{Errc::failed_precondition,
               fmt::format("{}: written by a newer program (version {} of the tables; this program "
                           "knows up to {}). Update this program",
                           path, version, known.back().version)};
}

Result<void> migrate(SQLite::Database& database, const std::string& path,
                     std::span<const Migration> known) {
  const int seen = stored_version(database);
  if (auto ok = check_version(seen, path, known); !ok) return ok;
  if (seen == known.back().version) return {};
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const int version = stored_version(database);  // another process may have been first
  if (auto ok = check_version(version, path, known); !ok) return ok;
  for (const Migration& migration : known) {
    if (migration.version > version) database.exec(std::string(migration.sql));
  }
  if (version == 0) database.exec("INSERT INTO meta (version) VALUES (0)");
  database.exec(fmt::format("UPDATE meta SET version = {}", known.back().version));
  transaction.commit();
  return {};
}

}  // namespace telemetry::sqlite
