// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>

#include "adapters/sqlite_queries.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/core/topic.hpp"

using namespace telemetry;
using namespace telemetry::test;

TEST_CASE("a row comes back with every value, exactly, in schema order") {
  SqliteFixture f;
  f.open();
  const Texts sent{
      R"({"real":0.30000000000000004,"whole":-9223372036854775807,"word":"\u0000ü\"","on":false,)"
      R"("at":"2026-01-02T03:04:05.000000006Z","place":{"lat":-0.5,"lon":1e-7},)"
      R"("list":[1,2],"more":{"a":null}})",
      R"({"real":1e300,"place":{"lon":5}})", R"({"on":true})"};
  BatchBuilder builder;
  for (const auto& payload : sent) {
    builder.add("mixed/d1/x", parse_schema(mixed_schema), payload, start_ns + 77).flags |= 4;
  }
  builder.add_raw("raw", std::string_view("\xff\x00", 2));
  builder.add_raw("raw", "[1]");
  builder.add_raw("raw", "on");
  f.write(builder.done());
  std::vector<Row::RawKind> kinds;
  Texts seen;
  require(f.store->query({}, [&](const Row& row) {
    std::string json;
    append_payload_json(row, json);
    seen.push_back(json);
    kinds.push_back(row.raw_kind);
    if (row.id == 1) {
      CHECK(row.topic == "mixed/d1/x");
      CHECK(row.schema == "mixed");
      CHECK(row.time == start_ns + 77);
      CHECK(row.received_at == start_ns + 77);
      CHECK(row.retained);
      REQUIRE(row.fields.size() == 8);
      CHECK(row.fields[0].path == "real");
      CHECK(row.fields[5].path == "place.lat");
      CHECK(to_double(row.fields[0].value.as_decimal()) == 0.30000000000000004);
      CHECK(row.fields[1].value.as_integer() == -9223372036854775807);
      CHECK(row.fields[2].value.as_text() == std::string_view("\0ü\"", 4));
      CHECK(row.extra == R"({"more":{"a":null}})");
    }
    if (row.id == 2) CHECK(core::compare(row.fields[0].value.as_decimal(), {1, 300}) == 0);
    if (row.id == 4) CHECK(row.raw == std::string_view("\xff\x00", 2));
    return true;
  }));
  CHECK(seen[2] == sent[2]);
  CHECK(seen[3] == R"({"base64":"/wA="})");
  CHECK(seen[4] == "[1]");
  CHECK(seen[5] == "\"on\"");
  using enum Row::RawKind;
  CHECK(kinds == std::vector<Row::RawKind>{none, none, none, binary, json, text});
}

TEST_CASE("the time field comes back although it has no bytes of its own") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"temperature":1.25,"sensor_id":"sensor-001","timestamp":1762862400})");
  f.write(builder.done());
  CHECK(f.sql("SELECT timestamp FROM temperature_sensor_v1_p1") == Texts{"NULL"});
  Query query;
  CHECK(payloads(*f.store, query) == Texts{R"({"temperature":1.25,"sensor_id":"sensor-001",)"
                                           R"("timestamp":"2025-11-11T12:00:00Z"})"});
  query.where = {condition("timestamp >= 2025-11-11T12:00:00Z")};
  CHECK(ids(*f.store, query) == Ids{1});
  query.where = {condition("timestamp > 2025-11-11T12:00:00Z")};
  CHECK(ids(*f.store, query).empty());
}

TEST_CASE("unknown names are invalid_argument and the nearest known one is named") {
  SqliteFixture f;
  f.open();
  Query query;
  query.fields = {"temprature"};
  CHECK(ids(*f.store, query).empty());  // nothing is stored: nothing is known
  BatchBuilder builder;
  builder.add("sensors/a/temperature", temperature_schema(),
              R"({"temperature":1,"sensor_id":"sensor-001"})");
  f.write(builder.done());
  CHECK(query_fails(*f.store, query).code == Errc::invalid_argument);
  CHECK_THAT(query_fails(*f.store, query).context, Catch::Contains("'temperature'"));
  query = {};
  query.where = {condition("humidty > 3")};
  CHECK_THAT(query_fails(*f.store, query).context, Catch::Contains("'humidity'"));
  query = {};
  query.schemas = {"temperature_senso"};
  CHECK_THAT(query_fails(*f.store, query).context, Catch::Contains("'temperature_sensor'"));
}

TEST_CASE("chosen fields come alone, a parent stands for its members") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add("mixed/d1/x", parse_schema(mixed_schema),
              R"({"real":1,"word":"a","place":{"lat":1,"lon":2},"more":3})");
  f.write(builder.done());
  Query query;
  query.fields = {"word", "place"};
  CHECK(payloads(*f.store, query) == Texts{R"({"word":"a","place":{"lat":1,"lon":2}})"});
  query.fields = {"topic", "timestamp", "device", "payload", "real"};
  CHECK(payloads(*f.store, query) == Texts{R"({"real":1})"});
  query.fields = {"real", "extra"};
  CHECK(payloads(*f.store, query) == Texts{R"({"real":1,"more":3})"});
}

TEST_CASE("a wildcard filter leaves out topics that begin with $, a named one finds them") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("$SYS/load", "1");
  builder.add_raw("a", "2");
  f.write(builder.done());
  Query query;
  CHECK(ids(*f.store, query) == Ids{2});
  query.topics = {"$SYS/#"};
  CHECK(ids(*f.store, query) == Ids{1});
}

namespace {

struct Truth {
  std::uint64_t id;
  std::string topic;
  std::int64_t time;
  int value;  // INT_MIN: a row without schema
};

// Random queries on random rows against a plain filter over all of them.
void compare_with_naive(std::uint64_t seed, std::uint64_t rows, std::uint64_t partition_rows,
                        std::int64_t time_spread, std::int64_t topics_of_a_kind = 15) {
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  SqliteFixture f;
  f.options.partition_rows = partition_rows;
  f.options.free_space_reserve_bytes = 0;
  f.open();
  const SchemaPtr schemas[] = {
      parse_schema("{name: s0, version: '1.0', topic_pattern: 's0/#', fields: [{name: v, type: "
                   "integer}]}"),
      parse_schema("{name: s1, version: '1.0', topic_pattern: 's1/#', fields: [{name: v, type: "
                   "float}]}")};
  std::vector<Truth> truth;
  while (truth.size() < rows) {
    BatchBuilder builder(truth.size());
    for (int i = 0; i < 5000; ++i) {
      const auto kind = pick(3);
      Truth row{truth.size() + 1, fmt::format("s{}/{}", kind, pick(topics_of_a_kind)), 0,
                static_cast<int>(pick(100))};
      // Mostly forward, sometimes far back, often equal.
      row.time = start_ns + static_cast<std::int64_t>(row.id) / 3 * time_spread;
      if (pick(20) == 0) row.time -= pick(1000) * time_spread;
      const auto value = core::Value::integer(row.value);
      Reading& reading = kind < 2 ? builder.add_values(row.topic, schemas[kind], {&value, 1})
                                  : builder.add_raw(row.topic, "1");
      if (kind == 2) row.value = INT_MIN;
      reading.time = row.time;
      truth.push_back(row);
    }
    f.clock.advance(600'000'000'000);  // a closed table gets its index
    f.write(builder.done());
  }
  const std::int64_t end = start_ns + static_cast<std::int64_t>(rows) / 3 * time_spread;
  const std::string filters[] = {"#", "s0/#", "s1/3", "+/7", "s2/+", "none", "s0/1"};
  for (int round = 0; round < 60; ++round) {
    Query query;
    query.topics = {filters[pick(std::size(filters))]};
    if (pick(2)) query.since = start_ns - 1000 + pick(end - start_ns + 2000);
    if (pick(2)) query.until = start_ns - 1000 + pick(end - start_ns + 2000);
    if (pick(3) == 0) query.limit = static_cast<std::uint64_t>(1 + pick(pick(2) ? 100 : 20'000));
    if (pick(4) == 0) query.schemas = {pick(2) ? "s0" : "s1"};
    int least = INT_MIN;
    if (pick(3) == 0) {
      least = static_cast<int>(pick(100));
      query.where = {condition(fmt::format("v >= {}", least))};
    }
    query.order = pick(2) ? Order::time_ascending : Order::time_descending;
    std::vector<const Truth*> expected;
    for (const Truth& row : truth) {
      if (core::topic_matches(query.topics.front(), row.topic) &&
          (!query.since || row.time >= *query.since) && (!query.until || row.time < *query.until) &&
          (query.where.empty() || (row.value != INT_MIN && row.value >= least)) &&
          (query.schemas.empty() ||
           (row.value != INT_MIN && row.topic.starts_with(query.schemas.front())))) {
        expected.push_back(&row);
      }
    }
    std::sort(expected.begin(), expected.end(), [&](const Truth* a, const Truth* b) {
      if (query.order == Order::time_descending) std::swap(a, b);
      return std::pair(a->time, a->id) < std::pair(b->time, b->id);
    });
    if (query.limit > 0 && expected.size() > query.limit) expected.resize(query.limit);
    Ids wanted;
    for (const Truth* row : expected) wanted.push_back(row->id);
    const Ids found = ids(*f.store, query);
    INFO("round " << round << " filter " << query.topics.front() << " limit " << query.limit);
    CHECK(found.size() == wanted.size());
    CHECK((found == wanted));
  }
  std::map<std::string, const Truth*> newest;
  for (const Truth& row : truth) {
    const Truth*& best = newest[row.topic];
    if (best == nullptr || row.time >= best->time) best = &row;
  }
  Ids wanted, found;
  for (const auto& [topic, row] : newest) wanted.push_back(row->id);
  require(f.store->latest(latest_of("#"), [&](const Row& row) {
    found.push_back(row.id);
    return true;
  }));
  CHECK(found == wanted);
}

}  // namespace

TEST_CASE("queries on random rows answer as a plain filter does") {
  compare_with_naive(1, 30'000, 4'000, 1'000'000);
}

TEST_CASE("queries answer so too when thousands of rows share one time") {
  compare_with_naive(2, 30'000, 20'000, 0);
}

TEST_CASE("queries answer so too over many small partitions") {
  compare_with_naive(3, 10'000, 100, 1);
}

TEST_CASE("queries answer so too over the blocks of tables that are open") {
  compare_with_naive(4, 120'000, 1'000'000, 1'000'000);
}

TEST_CASE("queries answer so too over blocks, for many topics, whose rows are read all") {
  compare_with_naive(5, 120'000, 35'000, 1'000'000, 300);
}

TEST_CASE("a query goes on over a table that is closed meanwhile") {
  constexpr std::uint64_t rows = 90'000;
  const auto topics = GENERATE(1u, 600u);
  SqliteFixture f;
  f.options.partition_rows = 100'000;
  f.options.free_space_reserve_bytes = 0;
  f.open();
  const auto write = [&](std::uint64_t from, std::uint64_t count) {
    BatchBuilder builder(from);
    for (std::uint64_t i = 0; i < count; ++i) {
      builder.add_raw(fmt::format("t/{}", i % topics), "1").time = static_cast<int>(from + i);
    }
    f.write(builder.done());
  };
  write(0, rows);
  std::set<std::uint64_t> found;
  std::uint64_t seen = 0;
  require(f.store->query({}, [&](const Row& row) {
    if (++seen == 1) {
      write(rows, 20'000);
      f.clock.advance(600'000'000'000);
      write(rows + 20'000, 1);
      CHECK(f.sql("SELECT indexed FROM partitions ORDER BY id") ==
            std::vector<std::string>{"1", "0"});
    }
    found.insert(row.id);
    return true;
  }));
  CHECK(seen == rows);
  CHECK(found.size() == rows);
}

TEST_CASE("latest keeps the newest by time over restarts, partitions and late rows") {
  SqliteFixture f;
  f.options.partition_rows = 2;
  f.open();
  const auto one = [&](std::uint64_t id, const std::string& topic, std::int64_t time) {
    BatchBuilder builder(id - 1);
    builder.add_raw(topic, std::to_string(id)).time = time;
    f.write(builder.done());
  };
  one(1, "a", 100);
  one(2, "a", 50);
  f.open();
  one(3, "a", 70);
  one(4, "b", -5);
  one(5, "a", 100);
  const auto latest = [&](const std::string& filter) {
    Texts result;
    require(f.store->latest(latest_of(filter), [&](const Row& row) {
      result.push_back(fmt::format("{}={}@{}", row.topic, row.raw, row.time));
      return true;
    }));
    return result;
  };
  CHECK(latest("#") == Texts{"a=5@100", "b=4@-5"});
  CHECK(latest("b") == Texts{"b=4@-5"});
  CHECK(latest("c/#").empty());
}

TEST_CASE("a retained row without device time is the latest only where there is no other") {
  namespace flag = core::frame_flag;
  SqliteFixture f;
  f.open();
  std::uint64_t last = 0;
  const auto one = [&](const std::string& topic, std::int64_t time, std::uint16_t flags = 0) {
    BatchBuilder builder(last++);
    Reading& reading = builder.add_raw(topic, std::to_string(last));
    reading.time = time;
    reading.flags |= flags;
    f.write(builder.done());
  };
  const auto latest = [&](const std::string& topic) {
    std::string result;
    require(f.store->latest(latest_of(topic), [&](const Row& row) {
      result = row.raw;
      return true;
    }));
    return result;
  };
  one("a", 100);
  one("a", 200, flag::retained);  // received now, and older than anyone knows
  CHECK(latest("a") == "1");
  f.open();
  one("a", 300, flag::retained);
  CHECK(latest("a") == "1");
  one("a", 150, flag::retained | flag::time_from_device);
  CHECK(latest("a") == "4");
  one("b", 200, flag::retained);
  CHECK(latest("b") == "5");
  one("b", 100, flag::retained);  // of two, the one that came last
  CHECK(latest("b") == "6");
  f.open();
  one("b", 50);
  CHECK(latest("b") == "7");
}

TEST_CASE("latest walks more topics than one page") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  for (int i = 0; i < 2500; ++i) builder.add_raw(fmt::format("t/{:05}", i), "1");
  f.write(builder.done());
  Texts topics;
  require(f.store->latest(latest_of("t/+"), [&](const Row& row) {
    topics.emplace_back(row.topic);
    return true;
  }));
  CHECK(topics.size() == 2500);
  CHECK(std::is_sorted(topics.begin(), topics.end()));
}

TEST_CASE("latest gives whole rows of a page in which a new version of the schema comes") {
  SqliteFixture f;
  f.open();
  const std::string document = R"(
name: a_name_that_needs_memory_of_its_own
version: "1.0"
topic_pattern: t/#
fields:
  - {name: a_field_with_a_rather_long_name, type: integer}
)";
  const std::string payload = R"({"a_field_with_a_rather_long_name": 7})";
  const SchemaPtr old_version = parse_schema(document);
  const SchemaPtr new_version = parse_schema(document + "  - {name: more, type: string}\n");
  BatchBuilder first;
  for (int i = 0; i < 1'500; ++i) first.add(fmt::format("t/{:05}", i), old_version, payload);
  f.write(first.done());
  std::size_t rows = 0;
  std::size_t whole = 0;
  require(f.store->latest(latest_of("#"), [&](const Row& row) {
    if (rows++ == 0) {
      BatchBuilder second(1'500);
      second.add("t/01200", new_version, payload);
      f.write(second.done());
    }
    whole += row.schema == "a_name_that_needs_memory_of_its_own" && row.fields.size() == 1 &&
             row.fields[0].path == "a_field_with_a_rather_long_name";
    return true;
  }));
  CHECK(rows == 1'500);
  CHECK(whole == 1'500);
}

TEST_CASE("a query beside a running writer sees every row up to where it began, each once") {
  SqliteFixture f;
  f.options.partition_rows = 1500;
  f.options.free_space_reserve_bytes = 0;
  f.options.busy_timeout_ns = 5'000'000'000;
  f.open();
  constexpr std::uint64_t total = 30'000;
  std::atomic<std::uint64_t> written = 0;
  std::atomic<bool> writing = true;
  std::thread writer([&] {
    while (written < total) {
      BatchBuilder builder(written);
      for (int i = 0; i < 500; ++i) builder.add_raw(fmt::format("t/{}", i % 50), "1");
      std::vector<BatchPtr> batches{builder.done()};
      if (!f.try_write(batches)) break;
      written += 500;
    }
    writing = false;
  });
  std::uint64_t seen = 0;
  bool is_last = false;
  while (!is_last) {
    is_last = !writing;
    const std::uint64_t before = written;
    std::set<std::uint64_t> found;
    std::uint64_t rows = 0;
    const auto done = f.store->query({}, [&](const Row& row) {
      found.insert(row.id);
      ++rows;
      return true;
    });
    if (!done) {
      CHECK(to_string(done.error()) == "");
      break;
    }
    CHECK(rows == found.size());
    CHECK(rows >= before);
    if (!found.empty()) CHECK(*found.rbegin() == rows);  // no gap
    seen = rows;
    if (rows < before) break;
  }
  writer.join();
  CHECK(written == total);
  CHECK(seen == total);
}

TEST_CASE("a visitor that takes its time holds no read transaction") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  for (int i = 0; i < 20'000; ++i) builder.add_raw("a", "1");
  f.write(builder.done());
  require(f.store->flush());
  bool checked = false;
  std::uint64_t rows = 0;
  require(f.store->query({}, [&](const Row&) {
    if (++rows == 10'000) {  // what follows here may take for ever
      BatchBuilder more(20'000);
      more.add_raw("a", "2");
      f.write(more.done());
      auto durable = f.store->flush();
      checked = durable && *durable == 20'001;
    }
    return true;
  }));
  CHECK(checked);
  CHECK(rows == 20'000);
}

TEST_CASE("a query reads the database that stands at the path now, not the one before") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("t/old", "1");
  f.write(builder.done());
  const auto reader = make_sqlite_store(f.options, system_environment());
  CHECK(ids(*reader, {}).size() == 1);
  f.store->close();
  std::filesystem::remove(f.options.path);
  CHECK(query_fails(*reader, {}).code == Errc::not_found);
  f.open();
  BatchBuilder others;
  for (int i = 0; i < 3; ++i) others.add_raw("t/new", "2");
  f.write(others.done());
  CHECK(ids(*reader, {}).size() == 3);
}

TEST_CASE("a query on a kept connection sees rows and partitions that came since") {
  SqliteFixture f;
  f.options.partition_rows = 1000;
  f.open();
  for (std::uint64_t written = 0; written < 3000; written += 500) {
    BatchBuilder builder(written);
    for (int i = 0; i < 500; ++i) builder.add_raw("t/a", "1");
    f.write(builder.done());
    CHECK(ids(*f.store, {}).size() == written + 500);
  }
}

TEST_CASE("a visitor may ask the store again, and throw") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  for (int i = 0; i < 3; ++i) builder.add_raw("t/a", "1");
  f.write(builder.done());
  std::size_t seen = 0;
  require(f.store->query({}, [&](const Row&) { return seen += ids(*f.store, {}).size(), true; }));
  CHECK(seen == 9);
  const RowVisitor thrower = [](const Row&) -> bool { throw std::runtime_error("enough"); };
  CHECK_THROWS_AS(static_cast<void>(f.store->query({}, thrower)), std::runtime_error);
  CHECK(ids(*f.store, {}).size() == 3);
}

TEST_CASE("a store that answered queries still removes its log when it is closed") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  builder.add_raw("t/a", "1");
  f.write(builder.done());
  CHECK(ids(*f.store, {}).size() == 1);
  f.store->close();
  CHECK_FALSE(std::filesystem::exists(f.options.path + "-wal"));
}

TEST_CASE("the record of a reading is the one that the store shows, for every kind of payload") {
  SqliteFixture store;
  store.open();
  BatchBuilder builder;
  const auto schema = parse_schema(R"({name: s, version: "1.0", topic_pattern: "s/{device}",
      validation: {allow_extra_fields: true}, fields: [
      {name: at, type: timestamp}, {name: x, type: float}, {name: n, type: integer},
      {name: on, type: boolean}, {name: place, type: object, fields: [{name: hall, type: string}]},
      {name: list, type: array, items: {type: integer}}, {name: any, type: any}]})");
  builder.add("s/1", schema,
              R"({"at":"2026-11-21T12:00:00.5Z","x":23.25,"n":-7,"on":true,"more":{"a":[1]},)"
              R"("place":{"hall":"\u00e4 \"b\""},"list":[1,2],"any":{"k":null}})");
  builder.add("s/2", schema, "{}");
  builder.add("s/3", schema, R"({"place":{"hall":"x","extra":1},"x":1e300})");
  builder.add_raw("raw", R"({"b": [1, 2]})");
  builder.add_raw("raw", "17");
  builder.add_raw("raw", "plain\ntext");
  builder.add_raw("raw", "\xff\x01");
  builder.add_raw("raw", "");
  const BatchPtr batch = builder.done();
  store.write(batch);
  Texts shown;
  Query query;
  require(store.store->query(query, [&](const Row& row) {
    append_record_json(row, shown.emplace_back());
    return true;
  }));
  Texts ours;
  Row row;  // used again and again
  for (const Reading& reading : batch->readings) {
    fill_row(reading, row);
    append_record_json(row, ours.emplace_back());
  }
  std::sort(shown.begin(), shown.end());
  std::sort(ours.begin(), ours.end());
  CHECK(ours == shown);
}

TEST_CASE("a query ends when it is told to, also while it finds nothing, and others go on") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  for (int i = 0; i < 20'000; ++i) builder.add_raw("raw/" + std::to_string(i % 7), "[1]");
  f.write(builder.done());
  std::atomic<int> asked{0};
  Query query;
  query.where = {parse_condition("value = 5").value()};
  query.should_stop = [&] { return ++asked >= 3; };
  const auto stopped = f.store->query(query, [](const Row&) { return true; });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
  CHECK(asked == 3);
  Aggregate aggregate;
  static_cast<Selection&>(aggregate) = query;
  aggregate.measures = parse_measures("avg(value)").value();
  const auto counted = f.store->aggregate(aggregate, [](const AggregateRow&) { return true; });
  REQUIRE_FALSE(counted);
  CHECK(counted.error().code == Errc::cancelled);
  auto stream = f.store->stream(query);
  if (stream) {
    const auto next = (*stream)->next([](const Row&) { return true; });
    REQUIRE_FALSE(next);
    CHECK(next.error().code == Errc::cancelled);
  }
  query.should_stop = nullptr;
  CHECK(f.store->query(query, [](const Row&) { return true; }));
}
