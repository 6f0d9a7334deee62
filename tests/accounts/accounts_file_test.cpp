// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "accounts/accounts_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

std::string error_of(AccountsFixture& fixture) {
  const auto accounts = AccountsFile(fixture.environment, fixture.path).current();
  return accounts ? "" : describe(accounts.error());
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  REQUIRE(text.find(what) != std::string::npos);
  return text.replace(text.find(what), what.size(), by);
}

}  // namespace

TEST_CASE("what is written is read again, and only its owner can") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas, Role::admin);
  fixture.add_user("b.o@b-2_x", annas, Role::operator_, std::vector<std::string>{"a/#", "b/\"x"});
  fixture.add_key("grafana", 1'900'000'000 * second_ns);
  const auto accounts = fixture.file.current();
  REQUIRE(accounts);
  REQUIRE((*accounts)->users.size() == 2);
  const User& bob = *(*accounts)->user("b.o@b-2_x");
  CHECK(bob.role == Role::operator_);
  CHECK(bob.scope == std::vector<std::string>{"a/#", "b/\"x"});
  CHECK(bob.created_ns == fixture.clock.now());
  CHECK(bob.epoch != 0);
  CHECK(bob.epoch != (*accounts)->user("anna")->epoch);
  CHECK_FALSE((*accounts)->user("anna")->scope);
  REQUIRE((*accounts)->keys.size() == 1);
  CHECK((*accounts)->keys[0].name == "grafana");
  CHECK((*accounts)->keys[0].expires_ns == 1'900'000'000 * second_ns);
  struct stat status {};
  REQUIRE(::stat(fixture.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK_FALSE(std::filesystem::exists(fixture.path + ".new"));
}

TEST_CASE("a user whose password, role or scope changed has another epoch, the others have not") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas);
  fixture.add_user("bob", annas);
  const auto before = fixture.file.current().value();
  const std::function<void(User&)> changes[] = {
      [](User& user) { user.role = Role::admin; },
      [](User& user) { user.scope = std::vector<std::string>{"a"}; },
      [](User& user) { user.hash = hash_password("another password").value(); }, [](User&) {}};
  std::uint64_t epoch = before->user("anna")->epoch;
  for (const auto& change : changes) {
    const bool is_none = &change == &changes[3];
    fixture.change([&](Accounts& accounts) { change(*accounts.user("anna")); });
    fixture.clock.advance(second_ns);
    const auto after = fixture.file.current().value();
    CHECK((after->user("anna")->epoch == epoch) == is_none);
    CHECK(after->user("bob")->epoch == before->user("bob")->epoch);
    epoch = after->user("anna")->epoch;
  }
  fixture.change([](Accounts& accounts) { accounts.users.erase(accounts.users.begin()); });
  fixture.add_user("anna", annas);
  fixture.clock.advance(second_ns);
  CHECK(fixture.file.current().value()->user("anna")->epoch != epoch);
}

TEST_CASE("the file is looked at once a second, and read when it has changed") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas);
  const auto first = fixture.file.current().value();
  fixture.add_user("bob", annas);
  CHECK(fixture.file.current().value() == first);
  fixture.clock.advance(second_ns);
  const auto second = fixture.file.current().value();
  CHECK(second->user("bob") != nullptr);
  fixture.clock.advance(second_ns);
  CHECK(fixture.file.current().value() == second);
}

TEST_CASE("a file that cannot be used any more is logged once, and the last good one stays") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas);
  const auto good = fixture.file.current().value();
  std::string expected;
  std::size_t lines = 1;
  SECTION("malformed") {
    fixture.write("{\"version\": 1, \"users\": [}");
    expected = fixture.path + ":1:";
    lines = 2;  // the mistake, and what follows from it
  }
  SECTION("readable by others") {
    std::filesystem::permissions(fixture.path, std::filesystem::perms::group_read,
                                 std::filesystem::perm_options::add);
    expected = "chmod 600";
  }
  SECTION("gone") {
    std::filesystem::remove(fixture.path);
    expected = "No such file";
  }
  for (int i = 0; i < 3; ++i) {
    fixture.clock.advance(second_ns);
    CHECK(fixture.file.current().value() == good);
  }
  REQUIRE(fixture.lines.size() == lines);
  CHECK_THAT(fixture.lines.front(), Catch::Contains(expected));
  CHECK_THAT(fixture.lines.back(), Catch::Contains("the accounts from before stay in force"));
  for (const std::string& line : fixture.lines) CHECK(line.find('\n') == std::string::npos);
  std::filesystem::remove(fixture.path);
  fixture.add_user("bob", annas);
  fixture.clock.advance(second_ns);
  CHECK(fixture.file.current().value()->user("bob") != nullptr);
}

TEST_CASE("a file that others have rights to is refused, to read and to change") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas);
  for (const unsigned mode : {0640U, 0604U, 0620U, 0601U}) {
    REQUIRE(::chmod(fixture.path.c_str(), mode) == 0);
    CHECK_THAT(error_of(fixture), Catch::Contains("chmod 600 '" + fixture.path + "'"));
    const auto done = fixture.file.change([](Accounts&) { return Result<void>(); });
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::permission_denied);
  }
}

TEST_CASE("each mistake of the file is named with its place and a remedy, and no secret") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas, Role::viewer, std::vector<std::string>{"a/#"});
  fixture.add_key("grafana", 1'900'000'000 * second_ns);
  const std::string good = fixture.content();
  const auto accounts = fixture.file.current().value();
  const std::string hash = accounts->users[0].hash;
  const std::string id = accounts->keys[0].id;
  const auto wrong = [&](const std::string& what, const std::string& by,
                         const std::string& expected) {
    CAPTURE(what, by);
    fixture.write(replaced(good, what, by));
    const std::string error = error_of(fixture);
    CHECK_THAT(error, Catch::Contains(expected));
    CHECK_THAT(error, Catch::Contains(fixture.path + ":"));
    CHECK_THAT(error, !Catch::Contains(hash.substr(hash.rfind('$') + 1)));
    CHECK_THAT(error, !Catch::Contains(accounts->keys[0].hash));
  };
  wrong("\"version\": 1", "\"version\": 2", ":1:13: error: `version` must be 1");
  wrong("\"name\": \"anna\"", "\"name\": \"an na\"",
        ":3:12: error: `name` is not valid (write 1 to 64");
  wrong("\"name\": \"anna\"", "\"name\": \"\"", "`name` is not valid");
  wrong("\"name\": \"anna\", ", "", ":3:3: error: `name` must be a text");
  wrong("\"viewer\"", "\"root\"", "`role` is not valid (write viewer, operator or admin)");
  wrong("\"viewer\"", "\"\"", "`role` is not valid");
  wrong("[\"a/#\"]", "[\"a/#/b\"]", "`scope`: \"a/#/b\" is not a topic filter");
  wrong("[\"a/#\"]", "[]", "`scope`: 1 to 1000 topic filters");
  wrong("[\"a/#\"]", "null",
        "`scope` must be a list of topic filters (leave it out for all topics)");
  wrong("[\"a/#\"]", "\"#\"", "`scope` must be a list");
  wrong("\"scope\"", "\"scpoe\"", "unknown member \"scpoe\" (did you mean \"scope\"?)");
  wrong("\"password\": \"$argon2id", "\"password\": \"$argon2i", "`password` is not valid");
  wrong("m=12288", "m=1228800", "`password` is not valid");
  wrong("\"" + hash + "\"", "\"\"", "`password` is not valid");
  wrong("\"expires\": \"2030-", "\"expires\": \"203-", "`expires` is not valid");
  wrong("\"expires\": \"2030-03-17T17:46:40Z\"", "\"expires\": null", "`expires` must be a text");
  wrong(id, id.substr(1), "`id` is not valid");
  wrong(accounts->keys[0].hash, "00", "`secret_sha256` is not valid");
  wrong("\n  {\"id\"", "\n  {\"epoch\": 1, \"id\"", "unknown member \"epoch\"");
  wrong("\"users\": [", "\"users\": [5, ", "must be an object");
  wrong("]}\n", "]", ":");
  const std::string user =
      good.substr(good.find("  {\"name\""), good.find("],\n \"keys\"") - good.find("  {\"name\""));
  wrong(user, user + "," + user, "there are two named \"anna\" in `users`");
  fixture.write("");
  CHECK_THAT(error_of(fixture), Catch::Contains("must be an object"));
  fixture.write(std::string(2 * 1024 * 1024, ' '));
  CHECK_THAT(error_of(fixture), Catch::Contains("no file of accounts"));
  fixture.write(good);
  CHECK(error_of(fixture) == "");
}

TEST_CASE("a missing file is not found, and more accounts than fit are refused") {
  AccountsFixture fixture;
  CHECK(fixture.file.current().error().code == Errc::not_found);
  fixture.add_user("anna", annas);
  const std::string before = fixture.content();
  const auto done = fixture.file.change([](Accounts& accounts) {
    const User anna = accounts.users[0];
    for (std::size_t i = 0; i < Accounts::users_max; ++i) {
      accounts.users.push_back(anna);
      accounts.users.back().name += std::to_string(i);
    }
    return Result<void>();
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::resource_exhausted);
  CHECK_THAT(done.error().context, Catch::Contains("at most 1000 users"));
  CHECK(fixture.content() == before);
}

TEST_CASE("two programs do not change the file at one time") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas);
  const auto outer = fixture.file.change([&](Accounts&) {
    const auto inner = AccountsFile(fixture.environment, fixture.path).change([](Accounts&) {
      return Result<void>();
    });
    REQUIRE_FALSE(inner);
    CHECK(inner.error().code == Errc::unavailable);
    CHECK_THAT(inner.error().context, Catch::Contains("another process is changing it"));
    return Result<void>();
  });
  CHECK(outer);
  CHECK(fixture.file.change([](Accounts&) { return Result<void>(); }));
}

TEST_CASE("of many threads that add a user each, none loses another's") {
  AccountsFixture fixture;
  fixture.add_user("anna", annas);
  const User anna = fixture.file.current().value()->users[0];
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        AccountsFile file(fixture.environment, fixture.path);
        const auto add = [&](Accounts& accounts) {
          accounts.users.push_back(anna);
          accounts.users.back().name = "user-" + std::to_string(i);
          return Result<void>();
        };
        while (!file.change(add)) std::this_thread::yield();
      });
    }
  }
  fixture.clock.advance(second_ns);
  CHECK(fixture.file.current().value()->users.size() == 5);
}

TEST_CASE("after a crash at any step of a change, the old or the new accounts are there") {
  model::ManualClock clock;
  int crashes = 0;
  for (std::uint64_t step = 1;; ++step) {
    model::FaultFileSystem files(step);
    files.set_atomic_renames(true);
    const Environment environment = model::fault_environment(clock, files);
    const NewApiKey one = make_api_key(environment);
    const NewApiKey two = make_api_key(environment);
    AccountsFile file(environment, "data/accounts.json");
    const auto add = [&](const NewApiKey& made) {
      return file.change([&](Accounts& accounts) {
        accounts.keys.push_back(made.key);
        accounts.keys.back().name = made.key.id;
        return Result<void>();
      });
    };
    REQUIRE(add(one));
    files.set_plan([step](std::uint64_t number, auto, const auto&) {
      return number == step ? model::FaultFileSystem::Fault::crash
                            : model::FaultFileSystem::Fault::none;
    });
    const bool done = static_cast<bool>(add(two));
    const bool crashed = files.crashed();
    files.restart(model::FaultFileSystem::Unsynced::mixed);
    const auto accounts = AccountsFile(environment, "data/accounts.json").current();
    CAPTURE(step);
    REQUIRE(accounts);
    CHECK((*accounts)->key(one.key.id) != nullptr);
    if (done) CHECK((*accounts)->key(two.key.id) != nullptr);
    CHECK(add(make_api_key(environment)));
    if (!crashed) break;
    ++crashes;
  }
  CHECK(crashes >= 4);
}

TEST_CASE("an expiry is a duration or a time, in the future") {
  const std::int64_t now = 1'800'000'000 * second_ns;
  CHECK(parse_expiry("90d", now).value() == now + 90 * 86'400 * second_ns);
  CHECK(parse_expiry("2030-03-17T17:46:40Z", now).value() == 1'900'000'000 * second_ns);
  for (const char* text : {"", "soon", "0d", "-1d", "2020-01-01T00:00:00Z", "1700-01-01T00:00:00Z",
                           "2200-01-01T00:00:00Z", "101000d"}) {
    CAPTURE(text);
    CHECK(parse_expiry(text, now).error().code == Errc::invalid_argument);
  }
}
