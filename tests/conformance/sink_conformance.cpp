// SPDX-License-Identifier: Apache-2.0
#include "conformance/sink_conformance.hpp"

#include "catch.hpp"

#include <string>
#include <vector>

#include "conformance/batch_builder.hpp"
#include "telemetry/core/journal_format.hpp"

namespace telemetry::test {

namespace {

constexpr JournalId journal_a{1, 2, 3};
constexpr JournalId journal_b{9, 9, 9};

BatchPtr three_temperatures(std::uint64_t after) {
  static const SchemaPtr schema = temperature_schema();
  BatchBuilder builder(after);
  for (const char* celsius : {"21.5", "22", "-3.25"}) {
    builder.add("sensors/s" + std::to_string(after) + "/temperature", schema,
                std::string(R"({"temperature":)") + celsius + R"(,"sensor_id":"sensor-001"})");
  }
  return builder.done();
}

Result<void> none_is_rejected(std::span<const Rejected> rows) {
  const auto& [reading, reason] = rows.front();
  return Error{Errc::internal, "rejects " + std::to_string(reading->id) + ": " + reason};
}

WriteReport write(Sink& sink, const JournalId& journal, std::vector<BatchPtr> batches) {
  auto report = sink.write(journal, batches, none_is_rejected);
  if (!report) UNSCOPED_INFO(to_string(report.error()));
  REQUIRE(report);
  CHECK(report->durable <= batches.back()->last);
  return *report;
}

void open(Sink& sink) {
  auto opened = sink.open();
  if (!opened) UNSCOPED_INFO(to_string(opened.error()));
  REQUIRE(opened);
}

Position position(Sink& sink) {
  auto found = sink.position(journal_a);
  REQUIRE(found);
  REQUIRE(*found);
  return **found;
}

void check_writes(const SinkUnderTest& under_test) {
  auto sink = under_test.make();
  open(*sink);
  SECTION("what is written is there, and the report counts it") {
    const auto report = write(*sink, journal_a, {three_temperatures(0), three_temperatures(3)});
    CHECK(report.accepted == 6);
    CHECK(under_test.count() == 6);
  }
  SECTION("after flush everything is durable") {
    write(*sink, journal_a, {three_temperatures(0)});
    auto durable = sink->flush();
    REQUIRE(durable);
    CHECK(*durable == 3);
  }
  SECTION("a batch without readings is fine") {
    BatchBuilder builder;
    builder.skip(10);
    CHECK(write(*sink, journal_a, {builder.done()}).accepted == 0);
    CHECK(write(*sink, journal_a, {three_temperatures(10)}).accepted == 3);
  }
  SECTION("it goes on after close and open") {
    write(*sink, journal_a, {three_temperatures(0)});
    sink->close();
    open(*sink);
    write(*sink, journal_a, {three_temperatures(3)});
    sink.reset();
    CHECK(under_test.count() == 6);
  }
  SECTION("open may be called again at any time, as after a failed write") {
    write(*sink, journal_a, {three_temperatures(0)});
    open(*sink);
    write(*sink, journal_a, {three_temperatures(3)});
    CHECK(under_test.count() == 6);
  }
}

void check_position(const SinkUnderTest& under_test) {
  auto sink = under_test.make();
  open(*sink);
  SECTION("a new far end has no position") {
    auto found = sink->position(journal_a);
    REQUIRE(found);
    CHECK_FALSE(*found);
  }
  SECTION("the position is stored with the rows and names its journal") {
    write(*sink, journal_a, {three_temperatures(0)});
    CHECK(position(*sink).sequence == 3);
    CHECK(position(*sink).journal == journal_a);
    sink = under_test.make();
    open(*sink);
    CHECK(position(*sink).sequence == 3);
    CHECK(position(*sink).journal == journal_a);
  }
  SECTION("it moves over ids that no reading has") {
    BatchBuilder builder;
    builder.add_raw("a", "1");
    builder.skip(5);
    write(*sink, journal_a, {builder.done()});
    CHECK(position(*sink).sequence == 6);
  }
  SECTION("another journal takes over") {
    write(*sink, journal_a, {three_temperatures(0)});
    write(*sink, journal_b, {three_temperatures(100)});
    CHECK(position(*sink).sequence == 103);
    CHECK(position(*sink).journal == journal_b);
  }
}

void check_repeats(const SinkUnderTest& under_test) {
  auto sink = under_test.make();
  open(*sink);
  SECTION("a batch that comes again is stored once") {
    write(*sink, journal_a, {three_temperatures(0), three_temperatures(3)});
    write(*sink, journal_a, {three_temperatures(0), three_temperatures(3)});
    CHECK(under_test.count() == 6);
  }
  SECTION("of a batch that was stored in part, the rest is stored") {
    write(*sink, journal_a, {three_temperatures(3)});
    sink = under_test.make();
    open(*sink);
    CHECK(write(*sink, journal_a, {three_temperatures(0), three_temperatures(3)}).accepted == 3);
    CHECK(under_test.count() == 6);
  }
}

void check_replays(const SinkUnderTest& under_test) {
  auto sink = under_test.make();
  open(*sink);
  const auto replay = [](std::uint64_t after, std::uint64_t original) {
    BatchBuilder builder(after);
    Reading& reading = builder.add_raw("a", "1");
    reading.flags |= core::frame_flag::has_reference;
    reading.reference = original;
    return builder.done();
  };
  write(*sink, journal_a, {three_temperatures(0)});
  CHECK(write(*sink, journal_a, {replay(10, 7)}).accepted == 1);
  CHECK(write(*sink, journal_a, {replay(11, 7)}).accepted == 0);
  CHECK(write(*sink, journal_a, {replay(12, 2)}).accepted == 0);  // 2 itself is stored
  CHECK(under_test.count() == 4);
}

void check_queries(const SinkUnderTest& under_test) {
  auto sink = under_test.make();
  auto* store = dynamic_cast<Store*>(sink.get());
  REQUIRE(store != nullptr);
  const auto ids = [&](const Query& query) {
    std::vector<std::uint64_t> result;
    auto done = store->query(query, [&](const Row& row) {
      result.push_back(row.id);
      return true;
    });
    REQUIRE(done);
    return result;
  };
  SECTION("a store that does not exist yet is not_found") {
    auto done = store->query({}, [](const Row&) { return true; });
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::not_found);
  }
  SECTION("rows come by time, up or down, up to the limit") {
    open(*sink);
    BatchBuilder builder;
    builder.add_raw("a", "1", start_ns + 30);
    builder.add_raw("b", "2", start_ns + 10);
    builder.add_raw("a", "3", start_ns + 20);
    write(*sink, journal_a, {builder.done()});
    Query query;
    CHECK(ids(query) == std::vector<std::uint64_t>{2, 3, 1});
    query.order = Order::time_descending;
    CHECK(ids(query) == std::vector<std::uint64_t>{1, 3, 2});
    query.limit = 2;
    CHECK(ids(query) == std::vector<std::uint64_t>{1, 3});
    query.topics = {"b"};
    CHECK(ids(query) == std::vector<std::uint64_t>{2});
  }
  SECTION("a visitor that returns false ends the query without error") {
    open(*sink);
    write(*sink, journal_a, {three_temperatures(0)});
    int seen = 0;
    auto done = store->query({}, [&](const Row&) { return ++seen < 2; });
    CHECK(done);
    CHECK(seen == 2);
  }
  SECTION("latest is the newest by time, whatever came last") {
    open(*sink);
    BatchBuilder builder;
    builder.add_raw("a", "1", start_ns + 30);
    builder.add_raw("b", "2", start_ns + 10);
    builder.add_raw("a", "3", start_ns + 20);
    write(*sink, journal_a, {builder.done()});
    std::vector<std::string> seen;
    auto done = store->latest(latest_of("#"), [&](const Row& row) {
      seen.push_back(std::string(row.topic) + "=" + std::string(row.raw));
      return true;
    });
    REQUIRE(done);
    CHECK(seen == std::vector<std::string>{"a=1", "b=2"});
  }
}

}  // namespace

void check_sink(const std::function<SinkUnderTest()>& fresh) {
  const SinkUnderTest under_test = fresh();
  SECTION("writes") { check_writes(under_test); }
  if (under_test.make()->traits().transactional) {
    SECTION("position") { check_position(under_test); }
  }
  if (under_test.capabilities.skips_stored) {
    SECTION("repeats") { check_repeats(under_test); }
  }
  if (under_test.capabilities.skips_replayed) {
    SECTION("replayed dead letters are stored once") { check_replays(under_test); }
  }
  if (under_test.capabilities.is_store) {
    SECTION("queries") { check_queries(under_test); }
  }
}

}  // namespace telemetry::test
