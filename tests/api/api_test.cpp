// SPDX-License-Identifier: Apache-2.0
#include "telemetry/api.hpp"

#include "catch.hpp"

using namespace telemetry;

namespace {
// Counts what gets through.
class CountingStore : public Store {
 public:
  int queries = 0;
  std::string name() const override { return "counting"; }
  Result<void> open() override { return {}; }
  Result<WriteReport> write(const JournalId&, std::span<const BatchPtr>,
                            const OnRejected&) override {
    return WriteReport{};
  }
  Result<std::uint64_t> flush() override { return std::uint64_t{0}; }
  void close() noexcept override {}
  Result<std::uint64_t> query(const Query& query, const RowVisitor& visit) override {
    ++queries;
    asked = query;
    for (std::uint64_t id = 1; id <= 3 && (query.limit == 0 || id <= query.limit); ++id) {
      Row row;
      row.id = id;
      row.time = 100;
      row.topic = query.topics.front();
      if (!visit(row)) break;
    }
    return std::uint64_t{7};
  }
  Result<std::unique_ptr<RowStream>> stream(const Query& query) override {
    ++queries;
    asked = query;
    return Error{Errc::unavailable, "no stream"};
  }
  Result<void> latest(const Latest& latest, const RowVisitor&) override {
    ++queries;
    asked.topics = latest.topics;
    for (int i = 0; latest.should_stop && i < 100; ++i) {  // finds nothing
      if (latest.should_stop()) return Error{Errc::cancelled, "stopped"};
    }
    return {};
  }
  Result<void> aggregate(const Aggregate& aggregate, const AggregateVisitor&) override {
    ++queries;
    asked.topics = aggregate.topics;
    return {};
  }
  Result<SeriesEnd> series(const Series& series, const SeriesVisitor&) override {
    ++queries;
    asked.topics = series.topics;
    return SeriesEnd();
  }
  Result<Shape> shape(const Selection& selection) override {
    ++queries;
    asked.topics = selection.topics;
    Shape shape;
    shape.rows_max = 3;
    return shape;
  }
  Query asked;
};

bool go_on(const Row&) { return true; }
bool count_on(const AggregateRow&) { return true; }
const Principal local = Principal::local();
using Filters = std::vector<std::string>;
}  // namespace

TEST_CASE("a query that makes sense reaches the store and its rows the visitor") {
  const auto store = std::make_shared<CountingStore>();
  Api api(store, system_environment());
  std::string seen;
  Query query;
  query.topics = {"a/+"};
  query.since = 1;
  query.until = 2;
  query.where = {parse_condition("x = 1 and (y = 2 and z = 3)").value()};
  REQUIRE(api.query(local, query, [&](const Row& row) {
    seen = row.topic;
    return true;
  }));
  CHECK(seen == "a/+");
  CHECK(store->asked.where.size() == 3);
  CHECK(store->asked.now);
  REQUIRE(api.latest(local, {}, go_on));
  Aggregate aggregate;
  aggregate.measures = {{}};
  REQUIRE(api.aggregate(local, aggregate, count_on));
  CHECK(store->queries == 3);
}

TEST_CASE("a page that is full has a cursor, which keeps the times of its query") {
  const auto store = std::make_shared<CountingStore>();
  Api api(store, system_environment());
  Query query;
  query.since = 50;
  query.limit = 2;
  auto next = api.query(local, query, go_on);
  REQUIRE(next);
  REQUIRE_FALSE(next->empty());
  query.since = 60;
  const auto cursor = parse_cursor(*next, query);
  REQUIRE(cursor);
  CHECK(cursor->id == 2);
  CHECK(cursor->time == 100);
  CHECK(cursor->id_max == 7);
  query.after = *cursor;
  query.limit = 4;
  next = api.query(local, query, go_on);
  REQUIRE(next);
  CHECK(next->empty());
  CHECK(store->asked.since == 50);
  query.order = Order::time_descending;
  CHECK_THAT(parse_cursor(to_text(*cursor, {}), query).error().context,
             Catch::Contains("another query"));
  for (const std::string& wrong : {std::string(), std::string("12"), std::string(96, 'x')}) {
    CHECK(parse_cursor(wrong, query).error().code == Errc::invalid_argument);
  }
}

TEST_CASE("a scope bounds what a principal sees") {
  const auto store = std::make_shared<CountingStore>();
  Api api(store, system_environment());
  const Principal hall{"hall", Filters{"hall/#", "yard/+"}};
  Query query;
  REQUIRE(api.query(hall, query, go_on));
  CHECK(store->asked.topics == Filters{"hall/#", "yard/+"});
  query.topics = {"+/door", "hall/1/#"};
  REQUIRE(api.query(hall, query, go_on));
  CHECK(store->asked.topics == Filters{"hall/door", "yard/door", "hall/1/#"});
  Latest latest;
  latest.topics = {"yard/#"};
  REQUIRE(api.latest(hall, latest, go_on));
  CHECK(store->asked.topics == Filters{"yard/+"});
  Aggregate aggregate;
  aggregate.topics = {"roof/#"};
  aggregate.measures = {{}};
  const int before = store->queries;
  REQUIRE(api.aggregate(hall, aggregate, count_on));
  query.topics = {"$SYS/#"};
  REQUIRE(api.query(hall, query, go_on));
  CHECK(store->queries == before);  // nothing is visible
  Selection selection;
  selection.topics = {"roof/#"};
  CHECK(api.shape(hall, selection)->rows_max == 0);
  selection.topics = {"hall/+"};
  CHECK(api.shape(hall, selection)->rows_max == 3);
  query.topics = {"#"};
  const int last = store->queries;
  CHECK(api.query({"nobody", Filters{}}, query, go_on));
  CHECK(store->queries == last);
}

TEST_CASE("a wrong query is refused before the store sees it, with the remedy") {
  const auto store = std::make_shared<CountingStore>();
  Api api(store, system_environment());
  const auto refused = [&](auto change, const std::string& why) {
    Query query;
    change(query);
    const auto result = api.query(local, query, go_on);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::invalid_argument);
    CHECK_THAT(result.error().context, Catch::Contains(why));
  };
  refused([](Query& q) { q.topics = {"a/#/b"}; }, "\"a/#/b\" is not a topic filter");
  refused([](Query& q) { q.topics = {""}; }, "is not a topic filter");
  refused([](Query& q) { q.topics = {"$share/g/a"}; }, "shared subscription; query for a");
  refused([](Query& q) { q.since = q.until = 2; }, "ends before it begins");
  refused([](Query& q) { q.topics.clear(); }, "no topic filter");
  refused([](Query& q) { q.where.emplace_back(); }, "names no field");
  refused([](Query& q) { q.where.emplace_back().field = "a"; }, "0 values");
  refused([](Query& q) { q.where.emplace_back().kind = Condition::Kind::any; }, "joins none");
  refused([](Query& q) { q.fields = {""}; }, "has no name");
  const auto like = [](const std::string& pattern) {
    return [pattern](Query& q) { q.where = {parse_condition("a like '" + pattern + "'").value()}; };
  };
  refused(like("%_" + std::string(64, 'a') + "%"), "pattern for a has more than 64");
  Query allowed;
  like("%_" + std::string(63, 'a') + "%" + std::string(100, 'a') + "%" +
       std::string(100, '_'))(allowed);
  CHECK(api.query(local, allowed, go_on));
  CHECK(std::exchange(store->queries, 0) == 1);
  Latest latest;
  latest.topics = {"a/#/b"};
  CHECK(api.latest(local, latest, go_on).error().code == Errc::invalid_argument);
  const auto fails = [&](auto change, const std::string& why) {
    Aggregate aggregate;
    aggregate.measures = {{}};
    change(aggregate);
    const auto result = api.aggregate(local, aggregate, count_on);
    REQUIRE_FALSE(result);
    CHECK_THAT(result.error().context, Catch::Contains(why));
  };
  fails([](Aggregate& a) { a.measures.clear(); }, "no function");
  fails([](Aggregate& a) { a.measures.resize(101); }, "at most 100");
  fails([](Aggregate& a) { a.by.resize(9); }, "at most 8");
  fails([](Aggregate& a) { a.by = {""}; }, "has no name");
  fails([](Aggregate& a) { a.bucket = {Bucket::Kind::fixed, 0}; }, "no width");
  fails([](Aggregate& a) { a.fill = Fill::null; }, "nothing to fill");
  CHECK(store->queries == 0);
}

TEST_CASE("series are bounded in columns and number, and by the scope of who asks") {
  auto store = std::make_shared<CountingStore>();
  Api api(store, system_environment());
  const SeriesVisitor none = [](const SeriesLine&) { return true; };
  const auto refused = [&](std::uint64_t columns, std::uint64_t limit) {
    Series series;
    series.columns = columns;
    series.limit = limit;
    const auto done = api.series(local, series, none);
    return done ? std::string() : done.error().context;
  };
  CHECK(refused(0, 50) == "0 columns; 1 to 10000 are taken");
  CHECK(refused(10'001, 50) == "10001 columns; 1 to 10000 are taken");
  CHECK(refused(100, 0) == "0 series; 1 to 200 are given");
  CHECK(refused(100, 201) == "201 series; 1 to 200 are given");
  CHECK(store->queries == 0);
  CHECK(refused(10'000, 200).empty());
  Principal scoped;
  scoped.scope = Filters{"hall/#"};
  Series series;
  REQUIRE(api.series(scoped, series, none));
  CHECK(store->asked.topics == Filters{"hall/#"});
  CHECK(store->queries == 2);
  series.topics = {"yard/#"};
  const auto nothing = api.series(scoped, series, none);
  REQUIRE(nothing);
  CHECK_FALSE(nothing->columns);
  CHECK(store->queries == 2);
}

TEST_CASE("without a store a query says that none is configured") {
  CHECK(Api(nullptr, system_environment()).query(local, {}, go_on).error().code ==
        Errc::failed_precondition);
}

TEST_CASE("a deletion must make sense, have a store, and lie within the scope of who asks") {
  const auto store = std::make_shared<CountingStore>();
  Api api(store, system_environment());
  Deletion deletion;
  deletion.topics = {"a/#", "b/c"};
  deletion.since = 1;
  deletion.until = 2;
  CHECK(api.check(local, deletion));
  const auto check_as = [&](Filters scope) {
    return api.check({"someone", std::move(scope)}, deletion);
  };
  CHECK(check_as({"a/#", "+/c"}));
  CHECK(check_as({"#"}));
  CHECK(check_as({"a/+", "b/#"}).error().code == Errc::permission_denied);
  CHECK(check_as({}).error().code == Errc::permission_denied);
  CHECK(api.count({"someone", Filters{"a/#"}}, deletion).error().code == Errc::permission_denied);
  CHECK(store->queries == 0);
  CHECK(*api.count(local, deletion) == 0);
  CHECK(store->asked.topics == deletion.topics);
  CHECK(Api(nullptr, system_environment()).check(local, deletion).error().code ==
        Errc::failed_precondition);
  deletion.until = 1;
  CHECK(api.check(local, deletion).error().code == Errc::invalid_argument);
  for (const char* wrong : {"", "a/#/b", "$share/g/a"}) {
    deletion.topics = {wrong};
    CHECK(api.check(local, deletion).error().code == Errc::invalid_argument);
  }
}

TEST_CASE("what takes too long is ended, with what to narrow") {
  class Ticking final : public Clock {
   public:
    std::int64_t now() noexcept override { return 0; }
    std::int64_t monotonic() noexcept override { return time_ += 1'000'000'000; }

   private:
    std::int64_t time_ = 0;
  };
  Ticking clock;
  const Environment real = system_environment();
  Api api(std::make_shared<CountingStore>(), {clock, real.files, real.random, real.log});
  CHECK(api.latest(local, {}, go_on));  // no limit
  api.set_time_limit(10'000'000'000);
  const auto late = api.latest(local, {}, go_on);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::deadline_exceeded);
  CHECK_THAT(late.error().context, Catch::Contains("longer than 10 s; ask for a shorter time"));
  Latest left;
  left.should_stop = [] { return true; };
  CHECK(api.latest(local, left, go_on).error().code == Errc::cancelled);
}
