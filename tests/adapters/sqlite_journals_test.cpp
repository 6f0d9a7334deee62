// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite_store.hpp"

using namespace telemetry;
using namespace telemetry::test;

TEST_CASE("the file knows which journal each row came from, once for each journal") {
  SqliteFixture f;
  const auto write_one = [&](std::uint64_t after) {
    BatchBuilder builder(after);
    builder.add_raw("a", "1");
    f.write(builder.done());
  };
  const auto journals = [&] {
    return f.sql("SELECT first_id || ' ' || hex(substr(journal_id, 1, 3)) FROM journals");
  };
  f.open();
  write_one(0);
  write_one(1);
  CHECK(journals() == std::vector<std::string>{"1 070707"});
  f.open();
  write_one(2);
  CHECK(journals() == std::vector<std::string>{"1 070707"});
  f.journal = {8, 8, 8};
  write_one(1000);
  write_one(1001);
  f.journal = {9, 9, 9};
  f.open();
  write_one(5000);
  CHECK(journals() == std::vector<std::string>{"1 070707", "1001 080808", "5001 090909"});
}

TEST_CASE("a journal from which no row came gives its place to the next") {
  SqliteFixture f;
  f.open();
  f.write(BatchBuilder(10).done());
  f.journal = {8, 8, 8};
  f.write(BatchBuilder(10).done());
  CHECK(f.sql("SELECT hex(substr(journal_id, 1, 1)) FROM journals") ==
        std::vector<std::string>{"08"});
}

TEST_CASE("a database has one writer at a time; the second is told who the first is") {
  SqliteFixture f;
  f.open();
  const Environment machine = system_environment();
  const auto second = make_sqlite_store(f.options, machine);
  const auto refused = second->open();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::already_exists);
  CHECK_THAT(refused.error().context,
             Catch::Contains("another program writes into " + f.options.path));
  f.store->close();
  require(second->open());
}

TEST_CASE("messages of another journal under the same numbers are refused, not taken for stored") {
  SqliteFixture f;
  f.open();
  const auto one = [](std::uint64_t after) {
    BatchBuilder builder(after);
    builder.add_raw("a", "1");
    return builder.done();
  };
  f.write(one(0));
  f.write(one(1));
  f.journal = {8, 8, 8};
  CHECK_THAT(f.write_fails(one(0)).context, Catch::Contains("messages of another journal") &&
                                                Catch::Contains("storage.sqlite.path"));
  f.open();
  f.write(one(2));
  f.journal = test_journal;
  CHECK(f.write(one(1)).accepted == 0);  // stored
  CHECK(f.count() == 3);
}
