// SPDX-License-Identifier: Apache-2.0
#include "telemetry/retention.hpp"

#include <algorithm>

#include "catch.hpp"

#include "telemetry/core/time.hpp"

using namespace telemetry;

namespace {

constexpr std::int64_t hour = 3'600 * core::ns_per_second;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t midnight = 20'800 * day;  // 2026-12-13T00:00:00Z

struct StandingClock final : Clock {
  std::int64_t time = midnight + 5 * hour;
  std::int64_t now() noexcept override { return time; }
  std::int64_t monotonic() noexcept override { return 1; }
};

/// Rows in memory, selected by the reference.
class RowsStore : public Store {
 public:
  struct Stored {
    std::string topic, schema;
    std::int64_t time;
  };
  std::vector<Stored> rows;
  Error failure;  // of every question
  int counts = 0;

  std::string name() const override { return "rows"; }
  Result<void> open() override { return {}; }
  Result<WriteReport> write(const JournalId&, std::span<const BatchPtr>,
                            const OnRejected&) override {
    return WriteReport{};
  }
  Result<std::uint64_t> flush() override { return std::uint64_t{0}; }
  void close() noexcept override {}
  Result<std::uint64_t> query(const Query& query, const RowVisitor& visit) override {
    return each(query, visit);
  }
  Result<std::unique_ptr<RowStream>> stream(const Query&) override {
    return Error{Errc::internal, "not asked"};
  }
  Result<void> latest(const Latest&, const RowVisitor&) override {
    return Error{Errc::internal, "not asked"};
  }
  Result<void> aggregate(const Aggregate& aggregate, const AggregateVisitor& visit) override {
    ++counts;
    std::int64_t count = 0;
    auto done = each(aggregate, [&](const Row&) { return ++count > 0; });
    if (!done) return done.error();
    const core::Value values[] = {core::Value::integer(count)};
    visit({std::nullopt, {}, values});
    return {};
  }
  Result<SeriesEnd> series(const Series&, const SeriesVisitor&) override {
    return Error{Errc::internal, "not asked"};
  }
  Result<Shape> shape(const Selection&) override { return Error{Errc::internal, "not asked"}; }

 private:
  Result<std::uint64_t> each(const Selection& selection, const RowVisitor& visit) {
    if (!failure.context.empty()) return failure;
    for (const std::string& name : selection.schemas) {
      const auto has = [&](const Stored& row) { return row.schema == name; };
      if (std::ranges::none_of(rows, has)) return Error{Errc::invalid_argument, "unknown schema"};
    }
    for (const Stored& stored : rows) {
      Row row;
      row.topic = stored.topic;
      row.schema = stored.schema;
      row.time = stored.time;
      if (is_selected(selection, row) && !visit(row)) break;
    }
    return rows.size();
  }
};

struct House {
  StandingClock clock;
  RowsStore store;
  RetentionOptions options{.enabled = true, .rules = {{{"#"}, {}, 8}}};

  Result<RetentionReport> find(bool counting = true) {
    const Environment machine = system_environment();
    return find_due(options, store, "", {clock, machine.files, machine.random, machine.log},
                    counting);
  }
  RetentionStep step(bool counting = true) {
    auto report = find(counting);
    REQUIRE(report);
    REQUIRE(report->rules.size() == 1);
    return report->rules.front();
  }
  /// What shows that the clock is right: three of eight days ago.
  void add_recent() { store.rows.push_back({"recent", "", clock.time - 3 * day}); }
};

}  // namespace

TEST_CASE("whole days of UTC are due, once their last moment is older than the rule allows") {
  House house;
  house.add_recent();
  house.store.rows.push_back({"a", "", midnight - 8 * day - 1});
  house.store.rows.push_back({"a", "", midnight - 8 * day});
  const RetentionStep step = house.step();
  CHECK(step.deletion.until == midnight - 8 * day);
  CHECK(step.deletion.since == INT64_MIN);
  CHECK(step.deletion.topics == std::vector<std::string>{"#"});
  CHECK(step.rows == 1);
  CHECK(step.held_back == "");
  house.clock.time = midnight - 1;
  CHECK(house.step().rows == 0);
  house.clock.time = midnight + day - 1;
  CHECK(house.step().rows == 1);
}

TEST_CASE("without counting, one row is enough, and nothing is counted") {
  House house;
  house.add_recent();
  for (int i = 0; i < 5; ++i) house.store.rows.push_back({"a", "", midnight - 100 * day});
  CHECK(house.step(false).rows == 1);
  CHECK(house.store.counts == 0);
  CHECK(house.step(true).rows == 5);
}

TEST_CASE("topics and schemas narrow a rule; a schema that is not stored yet has nothing") {
  House house;
  house.add_recent();
  house.store.rows.push_back({"a/1", "one", midnight - 100 * day});
  house.store.rows.push_back({"a/2", "two", midnight - 100 * day});
  house.store.rows.push_back({"b/1", "one", midnight - 100 * day});
  house.options.rules = {{.topics = {"a/#"}, .schemas = {"later", "one", "two"}, .days = 8}};
  CHECK(house.step().rows == 2);
  house.options.rules[0].schemas = {"one"};
  CHECK(house.step().rows == 1);
  CHECK(house.step().deletion.schemas == std::vector<std::string>{"one"});
  house.options.rules[0].schemas = {"later"};
  CHECK(house.step().rows == 0);
}

TEST_CASE("a clock that jumps deletes nothing, or leaves the newest half of what is kept") {
  House house;
  const std::int64_t newest = house.clock.time;
  for (std::int64_t age = 0; age <= 30 * 24; ++age) {
    house.store.rows.push_back({"a", "", newest - age * hour});
  }
  int deletions = 0, refusals = 0;
  for (std::int64_t jump = 0; jump < 4'000 * 24; jump += jump < 1'000 ? 1 : 997) {
    house.clock.time = newest + jump * hour;
    // What has come since the jump, for less than a quarter of the age.
    house.store.rows.push_back({"a", "", house.clock.time});
    house.store.rows.push_back(
        {"a", "", house.clock.time - std::min<std::int64_t>(jump, 47) * hour});
    const RetentionStep step = house.step(false);
    house.store.rows.resize(house.store.rows.size() - 2);
    ++(step.held_back.empty() ? deletions : refusals);
    CAPTURE(jump, step.held_back);
    CHECK((!step.held_back.empty() || step.deletion.until <= newest - 4 * day));
  }
  CHECK(deletions >= 4 * 24);
  CHECK(refusals >= 900);
  house.clock.time = newest + 5'000 * day;
  CHECK_THAT(house.step().held_back, Catch::Contains("a clock that is wrong (2040-"));
  // It goes on once data of a quarter of the age is there.
  house.store.rows.push_back({"a", "", house.clock.time - 2 * day - 1});
  CHECK(house.step().held_back == "");
}

TEST_CASE("before 2020 the clock was never set") {
  House house;
  house.clock.time = 0;
  REQUIRE_FALSE(house.find());
  CHECK(house.find().error().code == Errc::failed_precondition);
  CHECK_THAT(house.find().error().context, Catch::Contains("the clock says 1970-01-01T00:00:00Z"));
}

TEST_CASE("a store that does not exist yet holds nothing; one that is away is an error") {
  House house;
  house.store.failure = {Errc::not_found, "no file"};
  CHECK(house.step().rows == 0);
  house.store.failure = {Errc::unavailable, "busy"};
  REQUIRE_FALSE(house.find());
  CHECK(house.find().error().context == "busy");
  // Not a schema that is unknown: the rule names none.
  house.store.failure = {Errc::invalid_argument, "what"};
  CHECK_FALSE(house.find());
}

TEST_CASE("a report as JSON and as lines") {
  House house;
  house.add_recent();
  house.store.rows.push_back({"a/1", "one", midnight - 100 * day});
  house.options.rules = {{.topics = {"a/#"}, .schemas = {"one"}, .days = 8}};
  auto report = house.find();
  REQUIRE(report);
  CHECK(to_json(*report) ==
        R"({"complete":true,"rules":[{"topics":["a/#"],"schemas":["one"],"days":8,)"
        R"("before":"2026-12-05T00:00:00Z","rows":1,"done":true}]})");
  CHECK(to_text(*report, RetentionTense::future) ==
        "a/# of one, older than 8 days (before 2026-12-05T00:00:00Z): 1 would go\n");
  report->rules[0].held_back = "no";
  report->dead_letters.emplace().days = 3;
  CHECK_THAT(to_json(*report), Catch::StartsWith(R"({"complete":false)"));
  CHECK_THAT(
      to_json(*report),
      Catch::EndsWith(
          R"("held_back":"no"}],"dead_letters":{"days":3,"before":"2262-04-11T23:47:16.854775807Z","letters":0,"done":true}})"));
  CHECK_THAT(to_text(*report, RetentionTense::past),
             Catch::Contains("1 deleted; held back: no\ndead letters, older than 3 days"));
}
