// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace telemetry::sqlite {

/// A statement of the read path, where SQLiteCpp's costs a shared pointer a column. Its values may
/// be looked at because a connection is used by one thread at a time. Throws SQLite::Exception.
class Statement {
 public:
  Statement(SQLite::Database& database, std::string text) : text_(std::move(text)) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v2(database.getHandle(), text_.data(),
                                        static_cast<int>(text_.size()), &made, nullptr);
    handle_.reset(made);
    if (code != SQLITE_OK) throw SQLite::Exception(database.getHandle(), code);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  void bind(int index, std::int64_t value) { check(sqlite3_bind_int64(get(), index, value)); }
  void bind(int index, double value) { check(sqlite3_bind_double(get(), index, value)); }
  void bind(int index, std::string_view value) {
    check(sqlite3_bind_text64(get(), index, value.data(), value.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
  }
  void bind_pointer(int index, const void* value, const char* type) {
    check(sqlite3_bind_pointer(get(), index, const_cast<void*>(value), type, nullptr));
  }

  /// False at the end.
  bool step() {
    const int code = sqlite3_step(get());
    if (code == SQLITE_ROW) return true;
    check(code == SQLITE_DONE ? SQLITE_OK : code);
    return false;
  }
  void reset() noexcept { sqlite3_reset(get()); }

  [[nodiscard]] sqlite3_value* value(int column) noexcept {
    return sqlite3_column_value(get(), column);
  }
  [[nodiscard]] std::int64_t integer(int column) noexcept {
    return sqlite3_value_int64(value(column));
  }
  [[nodiscard]] std::string_view text(int column) noexcept { return text_of(value(column)); }

  [[nodiscard]] static std::string_view text_of(sqlite3_value* value) noexcept {
    const auto* text = static_cast<const char*>(sqlite3_value_blob(value));
    return {text, text == nullptr ? 0 : static_cast<std::size_t>(sqlite3_value_bytes(value))};
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  [[nodiscard]] sqlite3_stmt* get() const noexcept { return handle_.get(); }
  void check(int code) const {
    if (code != SQLITE_OK) throw SQLite::Exception(sqlite3_db_handle(get()), code);
  }

  std::string text_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace telemetry::sqlite
