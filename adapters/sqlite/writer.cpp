// SPDX-License-Identifier: Apache-2.0
#include "writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "erasure.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/export.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry::sqlite {

namespace {

// Topics whose number is remembered between writes. One write may go beyond by its own rows.
constexpr std::size_t topics_cached_max = 100'000;
constexpr std::size_t topic_bytes_cached_max = 256 * topics_cached_max;
// So few that what was read of a row for its topic is still in the processor's cache when SQLite
// asks for its values.
constexpr std::size_t rows_per_statement = 512;

// Deleted or read in one transaction: the write-ahead log grows by their pages.
constexpr std::uint64_t erased_rows_max = 10'000;
// A query that began before a table was emptied may look into it for so long.
constexpr std::int64_t emptied_kept_ns = 86'400'000'000'000;

int on_wal_commit(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

bool is_typed(const Reading& reading) noexcept {
  return reading.schema != nullptr && reading.verdict == Verdict::valid;
}

/// The time of receipt says nothing of a message that the broker kept for who knows how long.
bool age_is_known(const Reading& reading) noexcept {
  namespace flag = core::frame_flag;
  return (reading.flags & (flag::retained | flag::time_from_device)) != flag::retained;
}

PayloadKind kind_of(std::string_view payload) noexcept {
  switch (payload_kind(payload)) {
    case Row::RawKind::json:
      return PayloadKind::json;
    case Row::RawKind::text:
      return PayloadKind::text;
    default:
      return PayloadKind::binary;
  }
}

}  // namespace

Writer::Writer(DatabasePtr database, const SqliteOptions& options, std::string consumer)
    : database_(std::move(database)),
      options_(options),
      consumer_(std::move(consumer)),
      select_data_version_(*database_, "PRAGMA data_version"),
      select_topic_(*database_,
                    "SELECT t.id, l.time, l.id, l.partition_id, t.device FROM topics t"
                    " LEFT JOIN latest l ON l.topic_id = t.id WHERE t.topic = ?"),
      insert_topic_(*database_, "INSERT INTO topics (topic, device) VALUES (?, nullif(?, ''))"),
      update_device_(*database_, "UPDATE topics SET device = nullif(?2, '') WHERE id = ?1"),
      replace_latest_(prepare("INSERT OR REPLACE INTO latest SELECT * FROM " +
                              source_.table_for_latest(database_->getHandle()))) {
  sqlite3_wal_hook(database_->getHandle(), on_wal_commit, &wal_pages_);
  load();
}

Writer::~Writer() = default;

std::optional<Position> Writer::position() {
  SQLite::Statement select(*database_,
                           "SELECT journal_id, sequence FROM journal_cursor WHERE consumer = ?");
  select.bind(1, consumer_);
  if (!select.executeStep()) return std::nullopt;
  Position position;
  const SQLite::Column id = select.getColumn(0);
  if (id.getBytes() != static_cast<int>(position.journal.size())) {
    throw SQLite::Exception("journal_cursor holds no journal id", SQLITE_CORRUPT);
  }
  std::memcpy(position.journal.data(), id.getBlob(), position.journal.size());
  position.sequence = static_cast<std::uint64_t>(select.getColumn(1).getInt64());
  return position;
}

bool Writer::moved() {
  int moved = 0;
  check(*database_,
        sqlite3_file_control(database_->getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved));
  return moved != 0;
}

bool Writer::checkpoint() {
  int pages = -1;
  int copied = -1;
  const int code = sqlite3_wal_checkpoint_v2(database_->getHandle(), nullptr,
                                             SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
  if ((code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED) return false;
  check(*database_, code);
  if (pages != copied) return false;  // a reader still needs the old pages
  wal_pages_ = 0;
  return true;
}

void Writer::forget() noexcept {
  targets_.clear();
  forget_topics();
  topics_changed_.clear();
  lookups_.clear();
  last_schema_ = nullptr;
  last_target_ = nullptr;
}

void Writer::forget_topics() noexcept {
  topics_.clear();
  topic_bytes_ = 0;
}

void Writer::reload_if_changed() {
  select_data_version_.executeStep();
  const int version = select_data_version_.getColumn(0).getInt();
  select_data_version_.reset();
  if (version == data_version_) return;
  data_version_ = version;
  journal_.reset();
  forget();
  load();
}

void Writer::load() {
  catalogue_.load(*database_);
  catalogue_.check_views(*database_);
  last_id_ = catalogue_.last_id();
  load_deletions();
}

void Writer::load_deletions() {
  deletions_.clear();
  SQLite::Statement rows(
      *database_, "SELECT sequence, received_at, selection FROM deletions ORDER BY sequence");
  while (rows.executeStep()) {
    auto deletion = parse_deletion(rows.getColumn(2).getString());
    if (!deletion) {
      throw SQLite::Exception("deletions: " + deletion.error().context, SQLITE_CORRUPT);
    }
    deletion->sequence = static_cast<std::uint64_t>(rows.getColumn(0).getInt64());
    deletion->received_at = rows.getColumn(1).getInt64();
    deletions_.push_back(*std::move(deletion));
  }
}

Result<WriteReport> Writer::write(const JournalId& journal, std::span<const BatchPtr> batches,
                                  const OnRejected& on_rejected) {
  if (topics_.size() > topics_cached_max || topic_bytes_ > topic_bytes_cached_max) forget_topics();
  last_schema_ = nullptr;  // the batches that kept it alive may be gone
  last_target_ = nullptr;
  SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
  reload_if_changed();
  if (journal_ != journal) {
    if (auto free = check_numbers(journal, batches.front()->after + 1); !free) return free.error();
  }
  WriteReport report;
  for (const BatchPtr& batch : batches) {
    for (const Reading& reading : batch->readings) {
      store(reading, report);
    }
  }
  insert_all(report);
  catalogue_.save(*database_);
  save_latest();
  save_position(journal, batches);
  lookups_.clear();
  if (!rejected_.empty()) {
    if (auto kept = on_rejected(rejected_); !kept) return kept.error();
    rejected_.clear();
  }
  transaction.commit();
  journal_ = journal;
  return report;
}

Result<WriteReport> Writer::erase(const JournalId& journal, const BatchPtr& batch,
                                  const std::function<void()>& between) {
  const Deletion& deletion = *batch->deletion;
  Erasure erasure(
      *database_, deletion,
      static_cast<std::int64_t>(std::min<std::uint64_t>(options_.partition_rows, erased_rows_max)));
  for (bool more = true; more;) {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    reload_if_changed();
    if (journal_ != journal) {
      if (auto free = check_numbers(journal, batch->after + 1); !free) return free.error();
    }
    more = erasure.step(catalogue_);
    catalogue_.save(*database_);
    forget();  // `latest` has moved
    if (!more) {
      keep(deletion, erasure.deleted());
      catalogue_.drop_emptied(*database_, deletion.received_at - emptied_kept_ns);
      catalogue_.save(*database_);
      save_position(journal, {&batch, 1});
    }
    transaction.commit();
    if (more) between();
  }
  journal_ = journal;
  WriteReport report;
  report.deleted = static_cast<std::uint64_t>(erasure.deleted());
  return report;
}

/// In the place of those that it includes: what is deleted every day is one entry.
void Writer::keep(const Deletion& deletion, std::int64_t rows) {
  SQLite::Statement remove(*database_, "DELETE FROM deletions WHERE sequence = ?");
  for (const Deletion& old : deletions_) {
    const bool included = old.sequence <= deletion.sequence && old.topics == deletion.topics &&
                          old.devices == deletion.devices && old.schemas == deletion.schemas &&
                          old.since >= deletion.since && old.until <= deletion.until;
    if (!included) continue;
    remove.bind(1, static_cast<std::int64_t>(old.sequence));
    remove.exec();
    remove.reset();
  }
  SQLite::Statement insert(*database_, "INSERT INTO deletions VALUES (?, ?, ?, ?)");
  insert.bind(1, static_cast<std::int64_t>(deletion.sequence));
  insert.bind(2, deletion.received_at);
  insert.bind(3, to_json(deletion));
  insert.bind(4, rows);
  insert.exec();
  load_deletions();
}

/// A message that was before a deletion, and comes (again) after it.
bool Writer::is_deleted(const Reading& reading) const {
  namespace flag = core::frame_flag;
  const std::uint64_t original = (reading.flags & flag::imported) != 0        ? 0
                                 : (reading.flags & flag::has_reference) != 0 ? reading.reference
                                                                              : reading.id;
  if (deletions_.empty() || original >= deletions_.back().sequence) return false;
  return std::ranges::any_of(deletions_, [&](const Deletion& deletion) {
    return original < deletion.sequence &&
           deletion.covers(
               reading.topic, reading.device,
               is_typed(reading) ? std::string_view(reading.schema->name()) : std::string_view(),
               reading.time);
  });
}

void Writer::index_closed() {
  if (Partition* partition = catalogue_.closed_by_block()) {
    Catalogue::index(*database_, *partition);
  }
}

void Writer::store(const Reading& reading, WriteReport& report) {
  if (reading.id == 0 || reading.id > static_cast<std::uint64_t>(INT64_MAX)) {
    rejected_.push_back({&reading, "the id is outside 1..2^63-1"});
    return;
  }
  const auto id = static_cast<std::int64_t>(reading.id);
  if (is_deleted(reading)) return;
  const bool is_replay = (reading.flags & core::frame_flag::has_reference) != 0;
  if (id <= last_id_ || is_replay) insert_all(report);  // so that all is there to be looked up
  if (id <= last_id_ && is_stored(id)) return;
  if (is_replay && was_replayed(reading)) return;
  const Schema* schema = is_typed(reading) ? reading.schema : nullptr;
  Target& target =
      last_target_ != nullptr && schema == last_schema_ ? *last_target_ : target_for(schema);
  const auto waiting = static_cast<std::int64_t>(target.pending.size());
  if (target.partition->row_count + waiting >= target.capacity) {
    insert(target, report);
    if (target.partition->row_count >= target.capacity) open_target(target, schema);
  }
  const Layout& layout = *target.partition->layout;
  if (!is_storable(layout, reading)) {
    rejected_.push_back({&reading, "a number is beyond the range of SQLite's REAL"});
    return;
  }
  PendingRow& row = target.pending.emplace_back();
  row.reading = &reading;
  row.topic = &topic_of(reading);
  if (layout.is_raw()) row.kind = kind_of(reading.payload);
  last_id_ = std::max(last_id_, id);
  if (is_replay) {
    const std::size_t accepted = report.accepted;
    insert(target, report);
    if (report.accepted > accepted) save_replayed(reading);
  } else if (target.pending.size() == rows_per_statement) {
    insert(target, report);
  }
}

/// Inserts what waits for this target, with one statement for all of it.
void Writer::insert(Target& target, WriteReport& report) {
  std::span<const PendingRow> rows = target.pending;
  while (!rows.empty()) {
    source_.offer(*target.partition, rows);
    const int code = sqlite3_step(target.insert.get());
    sqlite3_reset(target.insert.get());
    // A row that no retry can help ends the statement (OR FAIL), and those before it are in.
    const bool refused = (code & 0xFF) == SQLITE_CONSTRAINT;
    if (code != SQLITE_DONE && !refused) check(*database_, code);
    const std::size_t inserted = refused ? source_.position() : rows.size();
    for (const PendingRow& row : rows.first(inserted)) count(*target.partition, row);
    report.accepted += inserted;
    rows = rows.subspan(inserted);
    if (!refused) continue;
    rejected_.push_back(
        {rows.front().reading, fmt::format("SQLite refuses the row: {}", sqlite3_errstr(code))});
    rows = rows.subspan(1);
  }
  target.pending.clear();
}

void Writer::insert_all(WriteReport& report) {
  for (auto& [schema, target] : targets_) insert(target, report);
}

void Writer::count(Partition& partition, const PendingRow& row) {
  const Reading& reading = *row.reading;
  const auto id = static_cast<std::int64_t>(reading.id);
  partition.count(id, reading.time, reading.received_at);
  Topic& topic = *row.topic;
  const std::int64_t time = age_is_known(reading) ? reading.time : INT64_MIN;
  if (time > topic.latest_time || (time == topic.latest_time && id > topic.latest_id)) {
    topic.latest_time = time;
    topic.latest_id = id;
    topic.latest_partition = partition.id;
    if (!topic.changed) topics_changed_.push_back(&topic);
    topic.changed = true;
  }
}

Topic& Writer::topic_of(const Reading& reading) {
  auto known = topics_.find(TopicView{reading.topic_hash, reading.topic});
  if (known == topics_.end()) {
    topic_bytes_ += reading.topic.size();
    known =
        topics_
            .emplace(TopicKey{reading.topic_hash, std::string(reading.topic)}, new_topic(reading))
            .first;
  }
  follow_device(known->second, reading);
  return known->second;
}

/// As the file knows it, which it does afterwards.
Topic Writer::new_topic(const Reading& reading) {
  Topic topic;
  select_topic_.reset();
  select_topic_.bind(1, std::string(reading.topic));
  if (select_topic_.executeStep()) {
    topic.id = select_topic_.getColumn(0).getInt64();
    if (!select_topic_.getColumn(1).isNull()) {
      topic.latest_time = select_topic_.getColumn(1).getInt64();
      topic.latest_id = select_topic_.getColumn(2).getInt64();
      topic.latest_partition = select_topic_.getColumn(3).getInt64();
    }
    topic.set_device(reading.topic, select_topic_.getColumn(4).getString());
  } else {
    insert_topic_.reset();
    insert_topic_.bind(1, std::string(reading.topic));
    insert_topic_.bind(2, std::string(reading.device));
    insert_topic_.exec();
    topic.set_device(reading.topic, reading.device);
    topic.id = database_->getLastInsertRowid();
  }
  select_topic_.reset();
  return topic;
}

/// Another schema may find another device in a topic; none says nothing about it.
void Writer::follow_device(Topic& topic, const Reading& reading) {
  const auto known = reading.topic.substr(topic.device_at, topic.device_bytes);
  if (reading.device == known || (reading.schema == nullptr && reading.device.empty())) return;
  update_device_.reset();
  update_device_.bind(1, topic.id);
  update_device_.bind(2, std::string(reading.device));
  update_device_.exec();
  topic.set_device(reading.topic, reading.device);
}

Writer::Target& Writer::target_for(const Schema* schema) {
  const std::uint64_t id = schema != nullptr ? schema->id() : 0;
  Target& target = targets_[id];
  if (target.partition == nullptr) {
    target.partition = catalogue_.open_partition(id);
    if (target.partition == nullptr) {
      open_target(target, schema);
    } else {
      target.capacity =
          partition_capacity(options_.partition_rows, catalogue_.partitions().size() - 1);
      prepare_insert(target);
    }
  }
  last_schema_ = schema;
  last_target_ = &target;
  return target;
}

void Writer::open_target(Target& target, const Schema* schema) {
  if (target.partition != nullptr) catalogue_.close(*target.partition);
  target.capacity = partition_capacity(options_.partition_rows, catalogue_.partitions().size());
  target.partition = &catalogue_.add_partition(*database_, schema);
  prepare_insert(target);
}

void Writer::prepare_insert(Target& target) {
  const std::string source = source_.table_for(database_->getHandle(), *target.partition->layout);
  target.insert = prepare(insert_sql(target.partition->table, source));
}

Writer::StatementPtr Writer::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  check(*database_, sqlite3_prepare_v3(database_->getHandle(), sql.c_str(), -1,
                                       SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  return StatementPtr(statement);
}

bool Writer::is_stored(std::int64_t id) {
  for (const Partition& partition : catalogue_.partitions()) {
    if (partition.row_count == 0 || id < partition.first_id || id > partition.last_id) continue;
    auto found = lookups_.find(partition.id);
    if (found == lookups_.end()) {
      found = lookups_
                  .try_emplace(partition.id, *database_,
                               "SELECT 1 FROM " + quoted_name(partition.table) + " WHERE id = ?")
                  .first;
    }
    SQLite::Statement& lookup = found->second;
    lookup.bind(1, id);
    const bool stored = lookup.executeStep();
    lookup.reset();
    if (stored) return true;
  }
  return false;
}

// A replayed dead letter comes under a new id; its original number tells whether it is stored.
bool Writer::was_replayed(const Reading& reading) {
  const auto reference = static_cast<std::int64_t>(reading.reference);
  if (is_stored(reference)) return true;
  SQLite::Statement select(*database_, "SELECT 1 FROM replayed WHERE reference = ?");
  select.bind(1, reference);
  return select.executeStep();
}

void Writer::save_replayed(const Reading& reading) {
  SQLite::Statement insert(*database_, "INSERT INTO replayed VALUES (?, ?)");
  insert.bind(1, static_cast<std::int64_t>(reading.reference));
  insert.bind(2, static_cast<std::int64_t>(reading.id));
  insert.exec();
}

void Writer::save_latest() {
  std::sort(topics_changed_.begin(), topics_changed_.end(),
            [](const Topic* a, const Topic* b) { return a->id < b->id; });
  source_.offer_latest(topics_changed_);
  const int code = sqlite3_step(replace_latest_.get());
  sqlite3_reset(replace_latest_.get());
  if (code != SQLITE_DONE) check(*database_, code);
  for (Topic* topic : topics_changed_) topic->changed = false;
  topics_changed_.clear();
}

/// Messages of another journal under the same numbers would pass for those of this one.
Result<void> Writer::check_numbers(const JournalId& journal, std::uint64_t first) {
  if (static_cast<std::int64_t>(first) > last_id_) return {};
  SQLite::Statement select(*database_,
                           "SELECT journal_id = ?2 FROM journals WHERE first_id <= ?1"
                           " ORDER BY first_id DESC LIMIT 1");
  select.bind(1, static_cast<std::int64_t>(first));
  select.bind(2, journal.data(), static_cast<int>(journal.size()));
  if (!select.executeStep() || select.getColumn(0).getInt() != 0) return {};
  return Error{Errc::failed_precondition,
               fmt::format("{}: holds messages of another journal under the numbers of this one; "
                           "give each logger its own storage.sqlite.path",
                           options_.path)};
}

void Writer::save_position(const JournalId& journal, std::span<const BatchPtr> batches) {
  if (journal_ != journal) {
    SQLite::Statement insert(*database_,
                             "INSERT OR REPLACE INTO journals SELECT ?1,?2 WHERE ?2 IS NOT"
                             " (SELECT journal_id FROM journals ORDER BY first_id DESC LIMIT 1)");
    insert.bind(1, static_cast<std::int64_t>(batches.front()->after + 1));
    insert.bind(2, journal.data(), static_cast<int>(journal.size()));
    insert.exec();
  }
  SQLite::Statement upsert(*database_,
                           "INSERT INTO journal_cursor VALUES (?1,?2,?3) ON CONFLICT (consumer)"
                           " DO UPDATE SET journal_id=?2, sequence=?3");
  upsert.bind(1, consumer_);
  upsert.bind(2, journal.data(), static_cast<int>(journal.size()));
  upsert.bind(3, static_cast<std::int64_t>(batches.back()->last));
  upsert.exec();
}

}  // namespace telemetry::sqlite
