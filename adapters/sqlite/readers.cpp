// SPDX-License-Identifier: Apache-2.0
#include "readers.hpp"

#include <sqlite3.h>

#include <algorithm>
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

StopWatch::StopWatch(Reader& reader, const Selection& selection) noexcept
    : database_(selection.should_stop ? reader.database().getHandle() : nullptr) {
  if (database_ == nullptr) return;
  constexpr int instructions = 10'000;  // some 0.2 ms
  const auto ask = [](void* should_stop) {
    return (*static_cast<const std::function<bool()>*>(should_stop))() ? 1 : 0;
  };
  sqlite3_progress_handler(database_, instructions, ask,
                           const_cast<std::function<bool()>*>(&selection.should_stop));
}

StopWatch::~StopWatch() {
  if (database_ != nullptr) sqlite3_progress_handler(database_, 0, nullptr, nullptr);
}

Snapshot::~Snapshot() {
  try {
    KeptStatement(reader_, "COMMIT")->step();
  } catch (const SQLite::Exception&) {
    // A failure has ended it before.
  }
}

Result<std::shared_ptr<const Catalogue>> Reader::catalogue() {
  std::int64_t version = 0;
  {
    KeptStatement select(*this, "PRAGMA data_version");
    (void)select->step();
    version = select->integer(0);
  }
  if (catalogue_ == nullptr || version != data_version_) {
    if (auto known = check_reader(*database_, options_); !known) return known.error();
    auto loaded = std::make_shared<Catalogue>();
    loaded->load(*database_);
    catalogue_ = std::move(loaded);
    data_version_ = version;
  }
  return catalogue_;
}

Statement Reader::take(const std::string& sql) {
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(), [&](const Statement& statement) {
    return statement.text() == sql;
  });
  if (found == kept_.rend()) return {*database_, sql};
  Statement statement = std::move(*found);
  kept_.erase(std::prev(found.base()));
  return statement;
}

void Reader::give_back(Statement statement) noexcept {
  kept_.push_back(std::move(statement));
  if (kept_.size() > kept_max) kept_.erase(kept_.begin());
}

Result<std::unique_ptr<Reader>> Readers::take() {
  std::unique_ptr<Reader> kept;
  {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) {
      kept = std::move(kept_.back());
      kept_.pop_back();
    }
  }
  if (kept == nullptr || !is_in_place(kept->database())) {
    auto database = open_reader(options_);
    if (!database) return database.error();
    return std::make_unique<Reader>(*std::move(database), options_);
  }
  return kept;
}

void Readers::give_back(std::unique_ptr<Reader> reader) noexcept {
  if (sqlite3_get_autocommit(reader->database().getHandle()) == 0) return;
  const std::lock_guard lock(mutex_);
  if (kept_.size() < options_.connections_kept) kept_.push_back(std::move(reader));
}

void Readers::clear() noexcept {
  decltype(kept_) kept;
  const std::lock_guard lock(mutex_);
  kept_.swap(kept);
}

}  // namespace telemetry::sqlite
