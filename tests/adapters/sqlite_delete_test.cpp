// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>

#include "adapters/sqlite_queries.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/ingest.hpp"
#include "writer.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

constexpr std::int64_t second = 1'000'000'000;

SchemaPtr value_schema() {
  return parse_schema(
      "name: value\nversion: \"1.0\"\ntopic_pattern: typed/{device}\nfields:\n"
      "  - {name: n, type: integer}\n");
}

BatchPtr deletion_batch(std::uint64_t after, Deletion deletion) {
  auto batch = std::make_shared<Batch>();
  batch->after = after;
  batch->last = deletion.sequence = after + 1;
  deletion.received_at = start_ns + static_cast<std::int64_t>(after) * second;
  batch->deletion = std::move(deletion);
  return batch;
}

Deletion deletion_of(std::string topic, std::int64_t since = INT64_MIN,
                     std::int64_t until = INT64_MAX) {
  Deletion deletion;
  deletion.topics = {std::move(topic)};
  deletion.since = since;
  deletion.until = until;
  return deletion;
}

/// Rows whose n, or payload, is their id; topics typed/a to typed/d and raw/a to raw/d, times in
/// any order.
struct Rows {
  struct Entry {
    std::string topic, device, schema;
    std::int64_t time;
  };
  std::map<std::uint64_t, Entry> stored;
  std::mt19937 random{42};
  SchemaPtr schema = value_schema();

  BatchPtr add(std::uint64_t after, int rows) {
    BatchBuilder builder(after);
    for (int i = 0; i < rows; ++i) {
      const std::uint64_t id = after + 1 + static_cast<std::uint64_t>(i);
      const std::string device(1, static_cast<char>('a' + random() % 4));
      const std::int64_t time =
          start_ns +
          (static_cast<std::int64_t>(id) / 4 + static_cast<std::int64_t>(random() % 40)) * second;
      const bool typed = random() % 2 == 0;
      const std::string topic = (typed ? "typed/" : "raw/") + device;
      Reading& reading = typed ? builder.add(topic, schema, fmt::format(R"({{"n":{}}})", id), time)
                               : builder.add_raw(topic, std::to_string(id), time);
      stored[id] = {topic, std::string(reading.device), typed ? "value" : "", time};
    }
    return builder.done();
  }
  void remove(const Deletion& deletion) {
    std::erase_if(stored, [&](const auto& row) {
      const auto& [id, entry] = row;
      return deletion.covers(entry.topic, entry.device, entry.schema, entry.time);
    });
  }
  Deletion some_deletion(std::int64_t end) {
    Deletion deletion;
    const std::string topics[] = {"#", "typed/+", "raw/#", "typed/a", "raw/b", "none", "+/c"};
    for (std::uint64_t i = 0; i <= random() % 2; ++i) {
      deletion.topics.push_back(topics[random() % 7]);
    }
    if (random() % 4 == 0) deletion.devices = {"b"};
    if (random() % 4 == 0) deletion.schemas = {random() % 2 == 0 ? "value" : "unknown"};
    const auto some_time = [&] {
      return start_ns + std::uniform_int_distribution<std::int64_t>(0, end)(random);
    };
    if (random() % 3 != 0) deletion.since = some_time();
    if (random() % 3 != 0) deletion.until = some_time();
    return deletion;
  }
  [[nodiscard]] Ids ids() const {
    Ids all;
    for (const auto& [id, entry] : stored) all.push_back(id);
    return all;
  }
  /// Ids of the newest rows, by topic.
  [[nodiscard]] Ids latest() const {
    std::map<std::string, std::pair<std::int64_t, std::uint64_t>> newest;
    for (const auto& [id, entry] : stored) {
      auto& known = newest.try_emplace(entry.topic, INT64_MIN, 0).first->second;
      known = std::max(known, std::pair(entry.time, id));
    }
    Ids all;
    for (const auto& [topic, row] : newest) all.push_back(row.second);
    return all;
  }
};

void check_same(SqliteFixture& f, const Rows& rows) {
  Ids found = ids(*f.store, Query());
  std::ranges::sort(found);
  CHECK(found == rows.ids());
  Ids latest;
  require(f.store->latest(latest_of("#"), [&](const Row& row) {
    latest.push_back(row.id);
    return true;
  }));
  CHECK(latest == rows.latest());
  CHECK(f.count() == static_cast<std::int64_t>(rows.stored.size()));
  // What queries prune by holds every row.
  CHECK(f.sql("SELECT p.id FROM partitions p WHERE p.row_count <> (SELECT count(*) FROM"
              " (SELECT id, 'raw' AS s FROM messages WHERE topic LIKE 'raw/%' UNION ALL"
              "  SELECT id, 'value' FROM messages WHERE topic LIKE 'typed/%') m"
              " WHERE m.id BETWEEN p.first_id AND p.last_id"
              " AND m.s = iif(p.schema_id = 0, 'raw', 'value')) AND p.row_count > 0") == Texts{});
}

}  // namespace

TEST_CASE("random deletions between writes leave the rows that they do not cover, and no others") {
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    CAPTURE(seed);
    SqliteFixture f;
    f.options.partition_rows = 25;
    f.open();
    Rows rows;
    rows.random.seed(seed);
    std::uint64_t last = 0;
    std::uint64_t deleted = 0;
    std::vector<BatchPtr> done;
    for (int round = 0; round < 12; ++round) {
      f.write(rows.add(last, 60));
      last += 60;
      f.clock.advance(601 * second);  // so that closed tables get their other index
      const std::int64_t end = (static_cast<std::int64_t>(last) / 4 + 40) * second;
      const Deletion deletion = rows.some_deletion(end);
      const std::size_t before = rows.stored.size();
      rows.remove(deletion);
      done.push_back(deletion_batch(last++, deletion));
      const WriteReport report = f.write(done.back());
      CHECK(report.deleted == before - rows.stored.size());
      deleted += report.deleted;
      CHECK(f.position() == last);
      check_same(f, rows);
      if (round % 4 == 3) {
        f.open();
        // As after an old journal was put back: what came behind them stays.
        for (const BatchPtr& again : done) CHECK(f.write(again).deleted == 0);
        check_same(f, rows);
      }
    }
    CHECK(deleted > 100);
    f.write(deletion_batch(last++, deletion_of("#")));
    rows.stored.clear();
    check_same(f, rows);
    f.write(rows.add(last, 10));
    check_same(f, rows);
  }
}

TEST_CASE("a message that comes late after a deletion is the newest of its topic") {
  SqliteFixture f;
  f.open();
  BatchBuilder rows(0);
  rows.add_raw("a", "1", start_ns + 100 * second);
  rows.add_raw("a", "2", start_ns + 200 * second);
  f.write(rows.done());
  f.write(deletion_batch(2, deletion_of("a", start_ns + 150 * second)));
  const auto latest = [&] {
    Ids found;
    require(f.store->latest(latest_of("a"), [&](const Row& row) {
      found.push_back(row.id);
      return true;
    }));
    return found;
  };
  CHECK(latest() == Ids{1});
  f.write(deletion_batch(3, deletion_of("a")));
  CHECK(latest().empty());
  BatchBuilder late(4);
  late.add_raw("a", "5", start_ns);
  f.write(late.done());
  CHECK(latest() == Ids{5});
}

TEST_CASE("what a retained message of unknown age leaves behind is older than all others") {
  SqliteFixture f;
  f.open();
  BatchBuilder rows(0);
  rows.add_raw("a", "1", start_ns + 300 * second).flags |= core::frame_flag::retained;
  rows.add_raw("a", "2", start_ns + 100 * second);
  rows.add_raw("a", "3", start_ns + 200 * second);
  f.write(rows.done());
  f.write(deletion_batch(3, deletion_of("a", start_ns + 150 * second, start_ns + 250 * second)));
  CHECK(f.sql("SELECT id FROM latest") == Texts{"2"});
  f.write(deletion_batch(4, deletion_of("a", start_ns, start_ns + 250 * second)));
  CHECK(f.sql("SELECT id || ' ' || (time < 0) FROM latest") == Texts{"1 1"});
}

TEST_CASE("what was deleted stays out when it comes again, and what is new comes in") {
  SqliteFixture f;
  f.open();
  BatchBuilder rows(0);
  rows.add_raw("a", "1", start_ns);
  rows.add_raw("a", "2", start_ns + 10 * second);
  f.write(rows.done());
  f.write(deletion_batch(2, deletion_of("a", start_ns, start_ns + second)));
  SECTION("a replayed dead letter, an imported message, and one that has just come") {
    BatchBuilder more(3);
    Reading& letter = more.add_raw("a", "4", start_ns);
    letter.flags |= core::frame_flag::has_reference;
    letter.reference = 2;  // before the deletion
    Reading& newer = more.add_raw("a", "5", start_ns);
    newer.flags |= core::frame_flag::has_reference;
    newer.reference = 3'000;
    more.add_raw("a", "6", start_ns).flags |= core::frame_flag::imported;
    more.add_raw("a", "7", start_ns + second).flags |= core::frame_flag::imported;
    more.add_raw("a", "8", start_ns);
    f.write(more.done());
    CHECK(f.sql("SELECT id FROM messages ORDER BY id") == Texts{"2", "5", "7", "8"});
  }
  SECTION("the journal from its start, also in another file") {
    const auto write_later = [&] {
      BatchBuilder later(3);
      later.add_raw("a", "4", start_ns);
      f.write(later.done());
    };
    write_later();
    const bool other = GENERATE(false, true);
    if (other) f.options.path = f.folder.path("other.db");
    f.open();
    BatchBuilder again(0);
    again.add_raw("a", "1", start_ns);
    again.add_raw("a", "2", start_ns + 10 * second);
    f.write(again.done());
    f.write(deletion_batch(2, deletion_of("a", start_ns, start_ns + second)));
    CHECK(f.sql("SELECT id FROM messages ORDER BY id") == (other ? Texts{"2"} : Texts{"2", "4"}));
    write_later();
    CHECK(f.sql("SELECT id FROM messages ORDER BY id") == Texts{"2", "4"});
    CHECK(f.sql("SELECT id FROM latest") == Texts{"2"});
  }
}

TEST_CASE("a deletion that ends in the middle is done by its next attempt") {
  SqliteFixture f;
  f.options.partition_rows = 10;
  f.open();
  Rows rows;
  f.write(rows.add(0, 400));
  const Deletion deletion = deletion_of("+/a");
  const BatchPtr batch = deletion_batch(400, deletion);
  f.store->close();
  int steps = 0;
  for (bool done = false; !done; ++steps) {
    const Environment machine = system_environment();
    Environment environment{f.clock, machine.files, machine.random, f.log};
    auto database = sqlite::open_writer(f.options, environment);
    require(database);
    sqlite::Writer writer(*std::move(database), f.options, "sqlite");
    CHECK(writer.position()->sequence == 400);
    int left = 3 * (steps + 1);  // it looks for the rest from the start
    try {
      require(writer.erase(test_journal, batch, [&] {
        if (--left == 0) throw std::runtime_error("killed");
      }));
      done = true;
    } catch (const std::runtime_error&) {
    }
  }
  CHECK(steps > 3);
  f.open();
  CHECK(f.position() == 401);
  rows.remove(deletion);
  check_same(f, rows);
}

TEST_CASE("a table that has lost all of its rows is dropped by a deletion a day later") {
  SqliteFixture f;
  f.options.partition_rows = 10;
  f.open();
  Rows rows;
  f.write(rows.add(0, 100));
  const auto tables = [&] { return f.sql("SELECT count(*) FROM partitions").at(0); };
  const std::string before = tables();
  f.write(deletion_batch(100, deletion_of("typed/#")));
  CHECK(tables() == before);
  f.write(deletion_batch(50'000, deletion_of("none")));
  CHECK(tables() == before);
  f.write(deletion_batch(100'000, deletion_of("none")));
  CHECK(f.sql("SELECT count(*) FROM partitions WHERE row_count = 0 AND NOT open") == Texts{"0"});
  CHECK(f.sql("SELECT count(*) FROM sqlite_stat1 WHERE tbl LIKE 'value_v1_p%'") == Texts{"1"});
  rows.remove(deletion_of("typed/#"));
  check_same(f, rows);
}

TEST_CASE("a deletion that includes an earlier one takes its place in the list") {
  SqliteFixture f;
  f.open();
  f.write(deletion_batch(0, deletion_of("a/#", INT64_MIN, 100)));
  f.write(deletion_batch(1, deletion_of("b/#", INT64_MIN, 200)));
  f.write(deletion_batch(2, deletion_of("a/#", INT64_MIN, 200)));
  CHECK(f.sql("SELECT sequence || ' ' || selection FROM deletions ORDER BY sequence") ==
        Texts{R"(2 {"topics":["b/#"],"until":200})", R"(3 {"topics":["a/#"],"until":200})"});
}

TEST_CASE("all topics do not include those that begin with $") {
  SqliteFixture f;
  f.open();
  BatchBuilder rows(0);
  rows.add_raw("a", "1");
  rows.add_raw("$SYS/x", "2");
  f.write(rows.done());
  CHECK(f.write(deletion_batch(2, deletion_of("#"))).deleted == 1);
  CHECK(f.sql("SELECT topic FROM messages") == Texts{"$SYS/x"});
}
