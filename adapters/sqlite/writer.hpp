// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "catalogue.hpp"
#include "connection.hpp"
#include "row_source.hpp"

namespace telemetry::sqlite {

/// The writing connection with everything cached for it. Throws SQLite::Exception; after a throw it
/// must be destroyed, which rolls back.
class Writer {
 public:
  Writer(DatabasePtr database, const SqliteOptions& options, std::string consumer);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  [[nodiscard]] std::optional<Position> position();
  /// Errors: those of `on_rejected`.
  [[nodiscard]] Result<WriteReport> write(const JournalId& journal,
                                          std::span<const BatchPtr> batches,
                                          const OnRejected& on_rejected);
  /// Deletes what a deletion covers and moves the position behind it, in several transactions; if
  /// it is ended between two, it begins again and finds the rest.
  /// @param between  called there
  [[nodiscard]] Result<WriteReport> erase(const JournalId& journal, const BatchPtr& batch,
                                          const std::function<void()>& between);
  /// A partition that was closed gets its index by topic and time, if there is one. When it throws,
  /// nothing has changed and writing may go on.
  void index_closed();
  /// True when the file is no longer where it was opened.
  [[nodiscard]] bool moved();
  /// Pages in the write-ahead log after the last commit.
  [[nodiscard]] int wal_pages() const noexcept { return wal_pages_; }
  /// Copies the log into the database. True when all of it was copied and synced.
  [[nodiscard]] bool checkpoint();

 private:
  struct TopicKey {
    std::uint64_t hash;
    std::string topic;
  };
  struct TopicView {
    std::uint64_t hash;
    std::string_view topic;
  };
  struct TopicHash {
    using is_transparent = void;
    std::size_t operator()(const TopicKey& key) const noexcept { return key.hash; }
    std::size_t operator()(const TopicView& key) const noexcept { return key.hash; }
  };
  struct TopicEqual {
    using is_transparent = void;
    bool operator()(const TopicKey& a, const TopicKey& b) const noexcept {
      return a.topic == b.topic;
    }
    bool operator()(const TopicView& a, const TopicKey& b) const noexcept {
      return a.topic == b.topic;
    }
    bool operator()(const TopicKey& a, const TopicView& b) const noexcept {
      return a.topic == b.topic;
    }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;
  /// Where rows of one schema go.
  struct Target {
    Partition* partition = nullptr;
    std::int64_t capacity = 0;
    StatementPtr insert;  // of all that is pending
    std::vector<PendingRow> pending;
  };

  void forget() noexcept;
  void forget_topics() noexcept;
  void reload_if_changed();
  void load();
  void load_deletions();
  void keep(const Deletion& deletion, std::int64_t rows);
  [[nodiscard]] bool is_deleted(const Reading& reading) const;
  Topic& topic_of(const Reading& reading);
  Topic new_topic(const Reading& reading);
  void follow_device(Topic& topic, const Reading& reading);
  Target& target_for(const Schema* schema);
  [[nodiscard]] StatementPtr prepare(const std::string& sql);
  void prepare_insert(Target& target);
  void open_target(Target& target, const Schema* schema);
  void insert(Target& target, WriteReport& report);
  void insert_all(WriteReport& report);
  void count(Partition& partition, const PendingRow& row);
  [[nodiscard]] bool is_stored(std::int64_t id);
  [[nodiscard]] bool was_replayed(const Reading& reading);
  void save_replayed(const Reading& reading);
  void store(const Reading& reading, WriteReport& report);
  void save_latest();
  [[nodiscard]] Result<void> check_numbers(const JournalId& journal, std::uint64_t first);
  void save_position(const JournalId& journal, std::span<const BatchPtr> batches);

  RowSource source_;  // outlives the connection
  DatabasePtr database_;
  const SqliteOptions& options_;
  std::string consumer_;
  std::optional<JournalId> journal_;  // whose rows come: `journals` knows it
  int wal_pages_ = 0;
  int data_version_ = 0;
  std::int64_t last_id_ = 0;

  Catalogue catalogue_;
  std::vector<Deletion> deletions_;          // by sequence
  std::map<std::uint64_t, Target> targets_;  // by schema id
  const Schema* last_schema_ = nullptr;      // the schema of last_target_
  Target* last_target_ = nullptr;
  std::unordered_map<TopicKey, Topic, TopicHash, TopicEqual> topics_;
  std::size_t topic_bytes_ = 0;
  std::vector<Topic*> topics_changed_;
  std::vector<Rejected> rejected_;                     // of the write that runs
  std::map<std::int64_t, SQLite::Statement> lookups_;  // by partition; replay only

  SQLite::Statement select_data_version_;
  SQLite::Statement select_topic_;
  SQLite::Statement insert_topic_;
  SQLite::Statement update_device_;
  StatementPtr replace_latest_;
};

}  // namespace telemetry::sqlite
