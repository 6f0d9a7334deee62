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
  Result<void> query(const Query& query, const RowVisitor& visit) override {
    ++queries;
    Row row;
    row.topic = query.topic_filter;
    (void)visit(row);
    return {};
  }
  Result<void> latest(std::string_view, const RowVisitor&) override {
    ++queries;
    return {};
  }
};

bool go_on(const Row&) { return true; }
}  // namespace

TEST_CASE("a query that makes sense reaches the store and its rows the visitor") {
  const auto store = std::make_shared<CountingStore>();
  std::string seen;
  Query query;
  query.topic_filter = "a/+";
  query.since = 1;
  query.until = 2;
  REQUIRE(Api(store).query(query, [&](const Row& row) {
    seen = row.topic;
    return true;
  }));
  CHECK(seen == "a/+");
  REQUIRE(Api(store).latest("#", go_on));
  CHECK(store->queries == 2);
}

TEST_CASE("a wrong query is refused before the store sees it, with the remedy") {
  const auto store = std::make_shared<CountingStore>();
  Api api(store);
  const auto refused = [&](auto change, const std::string& why) {
    Query query;
    change(query);
    const auto result = api.query(query, go_on);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::invalid_argument);
    CHECK_THAT(result.error().context, Catch::Contains(why));
  };
  refused([](Query& q) { q.topic_filter = "a/#/b"; }, "\"a/#/b\" is not a topic filter");
  refused([](Query& q) { q.topic_filter = ""; }, "is not a topic filter");
  refused([](Query& q) { q.topic_filter = "$share/g/a"; }, "shared subscription; query for a");
  refused([](Query& q) { q.since = q.until = 2; }, "ends before it begins");
  refused([](Query& q) { q.where.emplace_back(); }, "names no field");
  refused([](Query& q) { q.fields = {""}; }, "has no name");
  CHECK(api.latest("a/#/b", go_on).error().code == Errc::invalid_argument);
  CHECK(store->queries == 0);
}

TEST_CASE("without a store a query says that none is configured") {
  CHECK(Api(nullptr).query({}, go_on).error().code == Errc::failed_precondition);
}
