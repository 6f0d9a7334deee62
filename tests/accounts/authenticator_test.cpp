// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "accounts/accounts_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

constexpr const char* peer = "192.0.2.1";
constexpr const char* elsewhere = "198.51.100.7";
// bcrypt of "correct horse battery".
constexpr const char* old_hash = "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";
constexpr const char* no_password = "wrong name or password";
constexpr const char* no_session = "not signed in, or the session has ended";

// "anna:correct horse battery", "anna:correct horse batterY", "nobody:correct horse battery"
constexpr const char* right = "Basic YW5uYTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=";
constexpr const char* wrong = "Basic YW5uYTpjb3JyZWN0IGhvcnNlIGJhdHRlclk=";
constexpr const char* unknown = "Basic bm9ib2R5OmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==";

class Fixture : public AccountsFixture {
 public:
  AuthenticatorOptions options;

  Fixture() {
    add_user("anna", annas, Role::operator_, std::vector<std::string>{"a/#"});
    options.accounts_path = path;
  }
  std::unique_ptr<Authenticator> make() {
    auto made = Authenticator::make(options, environment);
    INFO((made ? "" : describe(made.error())));
    REQUIRE(made);
    return *std::move(made);
  }
  /// The file is looked at again.
  void pass_a_second() { clock.advance(second_ns); }
};

template <class Value>
void check_refused(const Result<Value>& result, const std::string& text) {
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::unauthenticated);
  CHECK(result.error().context == text);
}

template <class Value>
void check_waits(const Result<Value>& result, std::uint32_t seconds) {
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::resource_exhausted);
  CHECK(result.error().retry_after_s == seconds);
  CHECK(result.error().context ==
        "too many failed attempts: try again in " + std::to_string(seconds) + " s");
}

}  // namespace

TEST_CASE("without anybody who could sign in there is no authenticator") {
  Fixture fixture;
  SECTION("no file") { std::filesystem::remove(fixture.path); }
  SECTION("nobody in it") {
    fixture.change([](Accounts& accounts) { accounts.users.clear(); });
  }
  const auto made = Authenticator::make(fixture.options, fixture.environment);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::failed_precondition);
  CHECK_THAT(made.error().context, Catch::Contains("`telemetry user add NAME --role admin"));
}

TEST_CASE("basic authentication says who it is, with role and scope") {
  Fixture fixture;
  const auto authenticator = fixture.make();
  const auto principal = authenticator->basic(right, peer);
  REQUIRE(principal);
  CHECK(principal->name == "anna");
  CHECK(principal->role == Role::operator_);
  CHECK(principal->scope == std::vector<std::string>{"a/#"});
  CHECK(authenticator->is_valid(*principal));
  CHECK(authenticator->is_valid(Principal::local()));
}

TEST_CASE("every wrong name, password or form is refused in the same words") {
  Fixture fixture;
  fixture.options.guessers_max = 1'000;
  const auto authenticator = fixture.make();
  int address = 0;
  const auto other = [&] { return "192.0.2." + std::to_string(++address); };
  check_refused(authenticator->basic(wrong, other()), no_password);
  check_refused(authenticator->basic(unknown, other()), no_password);
  check_refused(authenticator->basic("", other()), no_password);
  check_refused(authenticator->basic("Bearer abc", other()), no_password);
  check_refused(authenticator->basic("Basic Og==", other()), no_password);
  check_refused(authenticator->login("anna", "", other()), no_password);
  check_refused(authenticator->login("", annas, other()), no_password);
  check_refused(authenticator->login("an\nna", annas, other()), no_password);
  check_refused(authenticator->login("anna", std::string(2'000, 'a'), other()), no_password);
  const std::string nul = std::string(annas) + '\0';
  fixture.pass_a_second();
  check_refused(authenticator->login("anna", nul, other()), no_password);
  for (const std::string& line : fixture.lines) CHECK_THAT(line, !Catch::Contains("batter"));
}

TEST_CASE(
    "a password that is known is not hashed again, until the user changes or a minute is over") {
  Fixture fixture;
  fixture.options.hashes_waiting_max = 0;
  const auto authenticator = fixture.make();
  REQUIRE(authenticator->basic(right, peer));
  // Another hash under the same epoch tells whether the password was hashed again.
  const auto old = fixture.file.current().value()->users[0];
  const auto set_hash = [&](const std::string& hash, bool keep_epoch) {
    std::string text = fixture.content();
    text.replace(text.find(old.hash), old.hash.size(), hash);
    if (!keep_epoch) {
      const std::string epoch = std::to_string(old.epoch);
      text.replace(text.find(epoch), epoch.size(), "7");
    }
    fixture.write(text);
    fixture.pass_a_second();
  };
  const std::string others = hash_password("another password").value();
  SECTION("known") {
    set_hash(others, true);
    CHECK(authenticator->basic(right, peer));
  }
  SECTION("only for the address that proved it") {
    set_hash(others, true);
    check_refused(authenticator->basic(right, elsewhere), no_password);
  }
  SECTION("until a minute is over") {
    set_hash(others, true);
    fixture.clock.advance(60 * second_ns);
    check_refused(authenticator->basic(right, peer), no_password);
  }
  SECTION("until the epoch is another") {
    set_hash(others, false);
    check_refused(authenticator->basic(right, peer), no_password);
  }
  SECTION("and no other password") {
    check_refused(authenticator->basic(wrong, peer), no_password);
  }
}

TEST_CASE("after five failures an address has to wait, whatever names it tries") {
  Fixture fixture;
  const auto authenticator = fixture.make();
  const char* guessers = GENERATE("192.0.2.1", "2001:db8::1");
  for (int i = 0; i < 5; ++i) {
    check_refused(authenticator->login("name-" + std::to_string(i), annas, guessers), no_password);
  }
  check_waits(authenticator->login("anna", annas, guessers), 1);
  check_waits(authenticator->basic(right, guessers), 1);
  if (guessers != std::string(peer)) {
    check_waits(authenticator->basic(right, "2001:db8::2"), 1);
  }
  CHECK(authenticator->basic(right, elsewhere));
  fixture.pass_a_second();
  check_refused(authenticator->login("name", annas, guessers), no_password);
  check_waits(authenticator->login("anna", annas, guessers), 2);
  // A success does not take the address's failures away.
  fixture.clock.advance(2 * second_ns);
  CHECK(authenticator->login("anna", annas, guessers));
  check_refused(authenticator->login("name", annas, guessers), no_password);
  check_waits(authenticator->login("name", annas, guessers), 4);
}

TEST_CASE("after five failures for a name it has to wait, wherever they came from") {
  Fixture fixture;
  const auto authenticator = fixture.make();
  REQUIRE(authenticator->basic(right, peer));
  const auto guess = [&](int i) {
    return authenticator->login("anna", "wrong password", "198.51.100." + std::to_string(i));
  };
  for (int i = 0; i < 5; ++i) check_refused(guess(i), no_password);
  check_waits(authenticator->basic(right, "203.0.113.1"), 1);
  // Who is known goes on, and so do others.
  CHECK(authenticator->basic(right, peer));
  check_refused(authenticator->login("bob", annas, "203.0.113.2"), no_password);
  // Guessing at a name that has to wait is a failure of the address.
  for (int i = 0; i < 5; ++i) check_waits(authenticator->basic(wrong, "203.0.113.3"), 1);
  check_waits(authenticator->login("carl", annas, "203.0.113.3"), 1);
  fixture.pass_a_second();
  CHECK(authenticator->basic(right, "203.0.113.1"));
  // The success took the name's failures away.
  check_refused(guess(6), no_password);
  check_refused(guess(7), no_password);
}

TEST_CASE("a session lasts while it is used, and at most its lifetime") {
  Fixture fixture;
  const auto authenticator = fixture.make();
  const auto session = authenticator->login("anna", annas, peer);
  REQUIRE(session);
  CHECK(session->token.size() == 43);
  CHECK(session->csrf_token == authenticator->csrf_token(session->token));
  CHECK(session->csrf_token != session->token);
  CHECK(session->principal.role == Role::operator_);
  CHECK(session->lifetime_ns == fixture.options.session_lifetime_ns);
  SECTION("unused, it ends after the idle time; to be asked about is no use") {
    fixture.clock.advance(fixture.options.session_idle_ns - 1);
    CHECK(authenticator->is_valid(session->principal));
    fixture.clock.advance(1);
    CHECK_FALSE(authenticator->is_valid(session->principal));
    check_refused(authenticator->session(session->token), no_session);
  }
  SECTION("used, it ends after its lifetime") {
    const std::int64_t step = fixture.options.session_idle_ns / 2;
    for (std::int64_t age = step; age < fixture.options.session_lifetime_ns; age += step) {
      fixture.clock.advance(step);
      REQUIRE(authenticator->session(session->token));
    }
    fixture.clock.advance(step);
    check_refused(authenticator->session(session->token), no_session);
  }
  SECTION("until logout") {
    authenticator->logout(session->token);
    check_refused(authenticator->session(session->token), no_session);
    CHECK_FALSE(authenticator->is_valid(session->principal));
  }
  SECTION("what changes something needs its other token") {
    CHECK(authenticator->session(session->token, session->csrf_token)->name == "anna");
    const std::string others = authenticator->login("anna", annas, peer)->csrf_token;
    for (const std::string& token : {std::string(), others, session->token}) {
      const auto refused = authenticator->session(session->token, token);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == Errc::permission_denied);
    }
    check_refused(authenticator->session("", authenticator->csrf_token("")), no_session);
  }
  SECTION("another process knows nothing of it") {
    check_refused(fixture.make()->session(session->token), no_session);
  }
}

TEST_CASE("a change of the user ends what was admitted before") {
  Fixture fixture;
  const auto authenticator = fixture.make();
  const auto session = authenticator->login("anna", annas, peer);
  const auto basic = authenticator->basic(right, peer);
  REQUIRE(session);
  REQUIRE(basic);
  const auto change = [&](const std::function<void(Accounts&)>& apply) {
    fixture.change(apply);
    fixture.pass_a_second();
  };
  change([](Accounts& accounts) { accounts.keys.clear(); });
  CHECK(authenticator->session(session->token));
  bool may_sign_in = true;
  SECTION("role") {
    change([](Accounts& accounts) { accounts.users[0].role = Role::viewer; });
  }
  SECTION("scope") {
    change([](Accounts& accounts) { accounts.users[0].scope.reset(); });
  }
  SECTION("password") {
    change([](Accounts& accounts) {
      accounts.users[0].hash = hash_password("another password").value();
    });
    may_sign_in = false;
  }
  SECTION("removal") {
    change([](Accounts& accounts) { accounts.users.clear(); });
    may_sign_in = false;
  }
  CHECK_FALSE(authenticator->is_valid(session->principal));
  CHECK_FALSE(authenticator->is_valid(*basic));
  check_refused(authenticator->session(session->token), no_session);
  CHECK(static_cast<bool>(authenticator->basic(right, peer)) == may_sign_in);
}

TEST_CASE("too many sessions of a user, or of all, end those that are unused for longest") {
  Fixture fixture;
  fixture.add_user("bob", annas);
  fixture.options.sessions_per_user_max = 2;
  fixture.options.sessions_max = 3;
  const auto authenticator = fixture.make();
  const auto login = [&](const char* name) {
    fixture.clock.advance(1);
    return authenticator->login(name, annas, peer).value().token;
  };
  const std::string first = login("anna");
  const std::string second = login("anna");
  const std::string third = login("anna");
  check_refused(authenticator->session(first), no_session);
  const std::string bobs = login("bob");
  CHECK(authenticator->session(second));
  CHECK(authenticator->session(bobs));
  (void)login("bob");
  check_refused(authenticator->session(third), no_session);
  CHECK(authenticator->session(second));
}

TEST_CASE("an API key says who it is until it expires or is removed") {
  Fixture fixture;
  const std::string text = fixture.add_key("grafana", fixture.clock.now() + 10 * second_ns);
  const std::string other = fixture.add_key("other");
  const auto authenticator = fixture.make();
  const auto principal = authenticator->key(text);
  REQUIRE(principal);
  CHECK(principal->name == "key/grafana");
  CHECK(principal->role == Role::viewer);
  CHECK_FALSE(principal->scope);
  std::vector<std::string> wrong_keys = {"",
                                         "tk_",
                                         text + "x",
                                         text.substr(0, text.size() - 1),
                                         text.substr(0, 15) + other.substr(15),
                                         "tk_000000000000" + text.substr(15)};
  for (const std::size_t at : {0U, 2U, 5U, 15U, 20U}) {
    wrong_keys.push_back(text);
    wrong_keys.back()[at] = text[at] == '0' ? '1' : '0';
  }
  for (const std::string& key : wrong_keys) {
    CAPTURE(key);
    check_refused(authenticator->key(key), "not a valid API key");
  }
  fixture.clock.advance(10 * second_ns - 1);
  CHECK(authenticator->key(text));
  CHECK(authenticator->is_valid(*principal));
  fixture.clock.advance(1);
  const auto expired = authenticator->key(text);
  REQUIRE_FALSE(expired);
  CHECK(expired.error().code == Errc::unauthenticated);
  CHECK_THAT(expired.error().context,
             Catch::StartsWith("this API key expired at 2027-01-15T08:00:1"));
  CHECK_FALSE(authenticator->is_valid(*principal));
  const auto others = authenticator->key(other);
  REQUIRE(others);
  fixture.change([](Accounts& accounts) { accounts.keys.clear(); });
  fixture.pass_a_second();
  check_refused(authenticator->key(other), "not a valid API key");
  CHECK_FALSE(authenticator->is_valid(*others));
}

TEST_CASE("a bcrypt hash is taken, and replaced by Argon2id at the first login") {
  Fixture fixture;
  fixture.change([](Accounts& accounts) { accounts.users[0].hash = old_hash; });
  const auto authenticator = fixture.make();
  check_refused(authenticator->login("anna", "wrong password", peer), no_password);
  CHECK_THAT(fixture.content(), Catch::Contains("$2b$05$"));
  const auto session = authenticator->login("anna", annas, peer);
  REQUIRE(session);
  CHECK_THAT(fixture.content(), Catch::Contains("$argon2id$"));
  CHECK_THAT(fixture.content(), !Catch::Contains("$2b$"));
  CHECK(authenticator->session(session->token));
  const std::string replaced = fixture.content();
  CHECK(authenticator->login("anna", annas, peer));
  CHECK(fixture.content() == replaced);
}

TEST_CASE("a hash that cannot be replaced stays, and the login holds") {
  Fixture fixture;
  fixture.change([](Accounts& accounts) { accounts.users[0].hash = old_hash; });
  const auto authenticator = fixture.make();
  std::optional<Session> session;
  const auto outer = fixture.file.change([&](Accounts&) {
    session = authenticator->login("anna", annas, peer).value();
    return Result<void>(Error{Errc::cancelled, "no change"});
  });
  REQUIRE(session);
  CHECK(authenticator->session(session->token));
  CHECK_THAT(fixture.content(), Catch::Contains("$2b$05$"));
  REQUIRE(fixture.lines.size() == 1);
  CHECK_THAT(fixture.lines[0], Catch::Contains("the old password hash of anna stays"));
}

TEST_CASE("replacing an old hash never undoes a change that another program made meanwhile") {
  Fixture fixture;
  fixture.change([](Accounts& accounts) { accounts.users[0].hash = old_hash; });
  const auto authenticator = fixture.make();
  fixture.change([](Accounts& accounts) {
    accounts.users[0].hash = hash_password("another password").value();
  });
  const std::string changed = fixture.content();
  const auto session = authenticator->login("anna", annas, peer);  // looked less than a second ago
  REQUIRE(session);
  CHECK(fixture.content() == changed);
  fixture.pass_a_second();
  check_refused(authenticator->session(session->token), no_session);
}

TEST_CASE("failures are logged with address and known names, a few a minute") {
  Fixture fixture;
  const auto authenticator = fixture.make();
  for (int i = 0; i < 30; ++i) {
    (void)authenticator->login(i % 2 == 0 ? "anna" : "hunter2hunter2", "wrong password",
                               "192.0.2." + std::to_string(i));
    fixture.clock.advance(second_ns);
  }
  REQUIRE(fixture.lines.size() == 10);
  CHECK(fixture.lines[0] == "failed sign-in as anna from 192.0.2.0");
  CHECK(fixture.lines[1] == "failed sign-in from 192.0.2.1");
  fixture.clock.advance(60 * second_ns);
  (void)authenticator->login("hunter2hunter2", "wrong password", "192.0.2.99");
  CHECK_THAT(fixture.lines.back(), Catch::Contains("before were not logged"));
}

TEST_CASE("many threads sign in, and each is answered or told to come back") {
  Fixture fixture;
  fixture.options.hashes_waiting_max = 1;
  const auto authenticator = fixture.make();
  std::atomic<int> in = 0, busy = 0, other = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        const auto session = authenticator->login("anna", annas, "192.0.2." + std::to_string(i));
        if (session && authenticator->session(session->token)) {
          ++in;
        } else if (!session && session.error().code == Errc::resource_exhausted &&
                   session.error().retry_after_s == 1) {
          ++busy;
        } else {
          ++other;
        }
      });
    }
  }
  CHECK(in >= 1);
  CHECK(in + busy == 6);
  CHECK(other == 0);
}
