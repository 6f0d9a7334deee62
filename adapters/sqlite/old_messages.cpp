// SPDX-License-Identifier: Apache-2.0
// The table of an older program may still be written to: rows are read some at a time, so that no
// read transaction lasts.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <set>

#include "connection.hpp"
#include "telemetry/core/time.hpp"

namespace telemetry {
namespace {

constexpr int rows_at_a_time = 500;

std::int64_t time_in(const SQLite::Column& column) {
  std::int64_t ns = 0;
  if (column.isText()) {
    const std::string text = column.getString();
    (void)core::parse_time(text, 0, ns);
  } else if (column.isInteger()) {
    (void)core::epoch_to_ns({column.getInt64(), 0}, core::TimeFormat::automatic, ns);
  }
  return ns;
}

class OldMessages {
 public:
  explicit OldMessages(std::string path) : path_(std::move(path)) {}

  Result<std::string> begin() {
    std::error_code unknown;
    if (!std::filesystem::exists(path_, unknown))
      return Error{Errc::not_found, path_ + ": no such file"};
    return sqlite::guarded(path_, [&]() -> Result<std::string> {
      database_ = std::make_unique<SQLite::Database>(path_, SQLite::OPEN_READONLY, 5'000);
      SQLite::Statement kind(*database_, "SELECT type FROM sqlite_schema WHERE name = 'messages'");
      const bool is_table = kind.executeStep() && kind.getColumn(0).getString() == "table";
      std::set<std::string> columns;
      SQLite::Statement info(*database_, "SELECT name FROM pragma_table_info('messages')");
      while (info.executeStep()) columns.insert(info.getColumn(0).getString());
      if (!is_table || !columns.contains("topic") || !columns.contains("payload")) {
        return Error{Errc::failed_precondition,
                     path_ +
                         ": no table \"messages\" with topic and payload, as older programs "
                         "have it; of a database of ours import the rows that `telemetry query "
                         "--format jsonl` writes"};
      }
      const auto column = [&](const char* name) { return columns.contains(name) ? name : "NULL"; };
      rows_ = std::make_unique<SQLite::Statement>(
          *database_, fmt::format("SELECT rowid, topic, payload, {}, {} FROM messages WHERE rowid "
                                  ">= ? ORDER BY rowid LIMIT {}",
                                  column("received_at"), column("timestamp"), rows_at_a_time));
      if (auto filled = fill(1); !filled) return filled.error();
      std::string first;
      if (!waiting_.empty()) {
        const auto& [id, message] = waiting_.front();
        first = fmt::format("{}\n{}\n{}", id, message.topic, message.payload);
      }
      return fmt::format("messages-{:016x}", hash64(first));
    });
  }

  Result<std::uint64_t> read(std::uint64_t from, ImportedMessage& message) {
    while (!waiting_.empty() && waiting_.front().first < from) waiting_.pop_front();
    if (waiting_.empty()) {
      auto filled = sqlite::guarded(path_, [&] { return fill(from); });
      if (!filled) return filled.error();
    }
    if (waiting_.empty()) return std::uint64_t{0};
    const std::uint64_t id = waiting_.front().first;
    message = std::move(waiting_.front().second);
    waiting_.pop_front();
    return id;
  }

 private:
  Result<void> fill(std::uint64_t from) {
    rows_->reset();
    rows_->bind(1, static_cast<std::int64_t>(std::min<std::uint64_t>(from, INT64_MAX)));
    while (rows_->executeStep()) {
      ImportedMessage message;
      message.topic = rows_->getColumn(1).getString();
      message.payload = rows_->getColumn(2).getString();
      message.received_at = time_in(rows_->getColumn(3));
      if (message.received_at == 0) message.received_at = time_in(rows_->getColumn(4));
      waiting_.emplace_back(static_cast<std::uint64_t>(rows_->getColumn(0).getInt64()),
                            std::move(message));
    }
    rows_->reset();
    return {};
  }

  std::string path_;
  std::unique_ptr<SQLite::Database> database_;
  std::unique_ptr<SQLite::Statement> rows_;
  std::deque<std::pair<std::uint64_t, ImportedMessage>> waiting_;
};

}  // namespace

Result<ImportSource> open_old_messages(const std::string& path) {
  auto messages = std::make_shared<OldMessages>(path);
  auto id = messages->begin();
  if (!id) return id.error();
  ImportSource source;
  source.id = *std::move(id);
  source.read = [messages](std::uint64_t from, ImportedMessage& message) {
    return messages->read(from, message);
  };
  return source;
}

}  // namespace telemetry
