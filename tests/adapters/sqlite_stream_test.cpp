// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "adapters/sqlite_queries.hpp"

using namespace telemetry;
using namespace telemetry::test;

TEST_CASE("a stream goes on behind the row at which its visitor stopped") {
  SqliteFixture f;
  f.open();
  BatchBuilder builder;
  for (int i = 0; i < 10'000; ++i) builder.add_raw("raw/" + std::to_string(i % 7), "[1]");
  f.write(builder.done());
  for (const std::uint64_t limit : {0u, 1u, 9'000u}) {
    Query query;
    query.limit = limit;
    std::vector<std::uint64_t> expected, shown;
    REQUIRE(f.store->query(query, [&](const Row& row) {
      expected.push_back(row.id);
      return true;
    }));
    REQUIRE(expected.size() == (limit == 0 ? 10'000u : limit));
    auto stream = f.store->stream(query).value();
    std::size_t piece = 1;
    for (bool more = true; more; ++piece) {
      std::size_t rows = 0;
      more = stream
                 ->next([&](const Row& row) {
                   shown.push_back(row.id);
                   return ++rows < piece;
                 })
                 .value();
      CHECK(rows <= piece);
    }
    CHECK(shown == expected);
  }
}
