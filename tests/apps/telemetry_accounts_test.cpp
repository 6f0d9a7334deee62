// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "apps/running.hpp"
#include "telemetry/accounts.hpp"

using namespace running;
using telemetry::Authenticator;

namespace {

constexpr const char* with = " -c edge.yaml";

/// A folder with a configuration, and no gateway.
class Place : public Folder {
 public:
  Place() { write("edge.yaml", "journal: {path: ./data/journal}\n"); }
  [[nodiscard]] Ran user(const std::string& arguments, const std::string& input = "") const {
    write("input", input);
    return run(*this, "user " + arguments + with + " <input");
  }
  [[nodiscard]] Ran key(const std::string& arguments) const {
    return run(*this, "key " + arguments + with);
  }
  [[nodiscard]] std::unique_ptr<Authenticator> authenticator() const {
    telemetry::AuthenticatorOptions options;
    options.accounts_path = path("data/accounts.json");
    auto made = Authenticator::make(options, telemetry::system_environment());
    REQUIRE(made);
    return *std::move(made);
  }
  [[nodiscard]] bool can_sign_in(const std::string& name, const std::string& password) const {
    return static_cast<bool>(authenticator()->login(name, password, "127.0.0.1"));
  }
};

void check_fails(const Ran& ran, const std::string& why) {
  CAPTURE(ran.err);
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, Catch::Contains(why));
  CHECK(ran.out == "");
}

std::string without_line_end(std::string text) {
  REQUIRE(text.ends_with('\n'));
  text.pop_back();
  return text;
}

/// What a program on a terminal shows, up to and with `end`; all of it when it ends.
std::string read_terminal(int terminal, const std::string& end) {
  std::string shown;
  char byte = 0;
  while (::read(terminal, &byte, 1) == 1) {
    shown += byte;
    if (!end.empty() && shown.ends_with(end)) break;
  }
  return shown;
}

void type(int terminal, const std::string& text) {
  REQUIRE(::write(terminal, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE("a user is added, listed, changed and removed without a gateway") {
  const Place place;
  CHECK(place.user("list").out == "NAME  ROLE  CREATED  PASSWORD  SCOPE\n");
  const Ran added = place.user("add anna --role admin --password-stdin", "correct horse battery\n");
  CHECK(added.code == 0);
  CHECK(added.err == "telemetry: anna: admin, all topics; added\n");
  CHECK(added.out == "");
  struct stat status {};
  REQUIRE(::stat(place.path("data/accounts.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(place.can_sign_in("anna", "correct horse battery"));
  CHECK(
      place.user("add bob --scope 'a/#' --scope b --password-stdin", "another password\r\n").code ==
      0);
  CHECK_THAT(place.user("list").out,
             Catch::Contains("\nbob   viewer  20") && Catch::Contains("argon2id  a/# b\n"));
  CHECK_THAT(
      place.user("list --json").out,
      Catch::StartsWith(R"([{"name":"anna","role":"admin","scope":null,"created":"20)") &&
          Catch::Contains(R"("name":"bob","role":"viewer","scope":["a/#","b"],"created":"20)"));

  CHECK(place.user("role bob operator").err == "telemetry: bob: operator, a/# b; changed\n");
  CHECK(place.user("role bob --scope c").err == "telemetry: bob: operator, c; changed\n");
  CHECK(place.user("role bob --all-topics").err ==
        "telemetry: bob: operator, all topics; changed\n");
  CHECK(place.user("password bob --password-stdin", "a third password").code == 0);
  CHECK(place.can_sign_in("bob", "a third password"));
  CHECK_FALSE(place.can_sign_in("bob", "another password"));
  CHECK(place.user("remove bob").err == "telemetry: bob: removed\n");
  CHECK_FALSE(place.can_sign_in("bob", "a third password"));
  check_fails(place.user("remove bob"), "no user \"bob\": `telemetry user list`");
}

TEST_CASE("a generated password is shown once, and an older program's hash is taken") {
  const Place place;
  const Ran made = place.user("add anna --generate");
  CHECK(made.code == 0);
  CHECK(place.can_sign_in("anna", without_line_end(made.out)));
  CHECK_THAT(made.err, !Catch::Contains(without_line_end(made.out)));
  const Ran json = place.user("password anna --generate --json");
  CHECK_THAT(json.out,
             Catch::StartsWith(R"({"name":"anna","role":"viewer","scope":null,"created":)"));
  const std::size_t at = json.out.find(R"("password":")") + 12;
  CHECK(place.can_sign_in("anna", json.out.substr(at, 27)));
  // Of "secret".
  const std::string bcrypt = "$2a$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
  CHECK(place.user("add carl --hash-stdin", bcrypt).code == 0);
  CHECK_THAT(place.user("list").out, Catch::Contains("bcrypt"));
  CHECK(place.can_sign_in("carl", "secret"));
}

TEST_CASE("user refuses what would be a mistake, and changes nothing") {
  const Place place;
  REQUIRE(place.user("add anna --password-stdin", "correct horse battery").code == 0);
  const std::string before = read(place.path("data/accounts.json"));
  const auto fails = [&](const std::string& arguments, const std::string& input,
                         const std::string& why) {
    CAPTURE(arguments, input);
    check_fails(place.user(arguments, input), why);
  };
  fails("add anna --generate", "", "there is a user \"anna\"");
  fails("add 'a b' --generate", "", "1 to 64 of a-z");
  fails("add bob", "correct horse battery", "use --password-stdin or --generate");
  fails("add bob --password-stdin", "short\n", "at least 12 characters");
  fails("add bob --password-stdin", std::string(1'025, 'a'), "at most 1024 bytes");
  fails("add bob --password-stdin", std::string(5'000, 'a'), "too long");
  fails("add bob --password-stdin", "one two three\nfour\n", "one line of text");
  fails("add bob --password-stdin --generate", "", "--generate");
  fails("add bob --hash-stdin", "plain text password\n", "a hash of Argon2id");
  fails("add bob --generate --role root", "", "viewer");
  fails("add bob --generate --scope 'a/#/b'", "", "is not a topic filter");
  fails("password bob --generate", "", "no user \"bob\"");
  fails("role bob admin", "", "no user \"bob\"");
  fails("role anna", "", "nothing to change");
  fails("role anna --scope a --all-topics", "", "--all-topics");
  CHECK(read(place.path("data/accounts.json")) == before);
  std::filesystem::permissions(place.path("data/accounts.json"),
                               std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  fails("list", "", "chmod 600");
  fails("add bob --generate", "", "chmod 600");
}

TEST_CASE("what user and key refuse is in the audit file as what they do") {
  const Place place;
  const auto last = [&] {
    const std::string all = without_line_end(read(place.path("data/audit.jsonl")));
    return all.substr(all.rfind('\n') + 1);  // npos + 1 is 0
  };
  const auto noted = [&](const Ran& ran, const std::string& what, const std::string& name,
                         const std::string& result) {
    CAPTURE(ran.err, what);
    CHECK(ran.code == (result.empty() ? 0 : 2));
    CHECK_THAT(ran.err, !Catch::Contains("not noted"));
    CHECK_THAT(last(), Catch::Contains(R"("from":"command","what":")" + what +
                                       R"(","details":{"name":")" + name + R"("},"result":{)" +
                                       (result.empty() ? "}" : R"("error":")" + result + '"')));
  };
  noted(place.user("add anna --password-stdin", "short\n"), "user_add", "anna", "invalid_argument");
  CHECK_THAT(last(), !Catch::Contains("short"));
  noted(place.user("add anna --generate"), "user_add", "anna", "");
  noted(place.user("add anna --generate"), "user_add", "anna", "already_exists");
  noted(place.user("password anna --password-stdin", "short\n"), "user_password", "anna",
        "invalid_argument");
  noted(place.user("password bob --generate"), "user_password", "bob", "not_found");
  noted(place.user("role anna"), "user_role", "anna", "invalid_argument");
  noted(place.user("remove bob"), "user_remove", "bob", "not_found");
  noted(place.key("add late --expires soon"), "key_add", "late", "invalid_argument");
  noted(place.key("add grafana"), "key_add", "grafana", "");
  noted(place.key("add grafana"), "key_add", "grafana", "already_exists");
  noted(place.key("remove late"), "key_remove", "late", "not_found");
  std::filesystem::permissions(place.path("data/accounts.json"),
                               std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  noted(place.user("add carl --generate"), "user_add", "carl", "permission_denied");
}

TEST_CASE("on a terminal the password is asked for twice and not shown") {
  const Place place;
  const std::string program = std::string(TELEMETRY_BIN_DIR) + "/telemetry";
  const auto start = [&](const char* name) {
    int terminal = -1;
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    REQUIRE(child >= 0);
    if (child == 0) {
      if (::chdir(place.path("").c_str()) != 0) ::_exit(99);
      ::execl(program.c_str(), program.c_str(), "user", "add", name, "-c", "edge.yaml", nullptr);
      ::_exit(99);
    }
    CHECK_THAT(read_terminal(terminal, "Password: "), Catch::EndsWith("Password: "));
    return std::pair(child, terminal);
  };
  const auto end = [&](const std::pair<pid_t, int>& started) {
    const std::string shown = read_terminal(started.second, "");
    ::close(started.second);
    int status = 0;
    REQUIRE(::waitpid(started.first, &status, 0) == started.first);
    return std::pair(shown, status);
  };
  SECTION("the same twice") {
    const auto started = start("anna");
    type(started.second, "correct horse battery\n");
    const std::string second = read_terminal(started.second, "Again: ");
    type(started.second, "correct horse battery\n");
    const auto [shown, status] = end(started);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK_THAT(second + shown, !Catch::Contains("horse"));
    CHECK_THAT(shown, Catch::Contains("added"));
    CHECK(place.can_sign_in("anna", "correct horse battery"));
  }
  SECTION("another the second time") {
    const auto started = start("anna");
    type(started.second, "correct horse battery\n");
    (void)read_terminal(started.second, "Again: ");
    type(started.second, "correct horse batterY\n");
    const auto [shown, status] = end(started);
    CHECK(WEXITSTATUS(status) == 2);
    CHECK_THAT(shown, Catch::Contains("not the same: nothing was changed"));
    CHECK_FALSE(std::filesystem::exists(place.path("data/accounts.json")));
  }
  SECTION("Ctrl-C leaves a terminal that shows what is typed") {
    const auto started = start("anna");
    const int slave = ::open(::ptsname(started.second), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
    termios state{};
    REQUIRE(::tcgetattr(slave, &state) == 0);
    CHECK((state.c_lflag & ECHO) == 0);
    type(started.second, "\x03");
    int status = 0;
    REQUIRE(::waitpid(started.first, &status, 0) == started.first);
    CHECK(WIFSIGNALED(status));
    REQUIRE(::tcgetattr(slave, &state) == 0);
    CHECK((state.c_lflag & ECHO) != 0);
    ::close(slave);
    ::close(started.second);
  }
}

TEST_CASE("an API key is made, shown once, listed and removed") {
  const Place place;
  const Ran made = place.key("add grafana --role operator --scope 'a/#' --expires 90d");
  CHECK(made.code == 0);
  CHECK_THAT(made.err, Catch::StartsWith("telemetry: grafana: operator, a/#, expires: 20"));
  const std::string text = without_line_end(made.out);
  CHECK(text.starts_with("tk_"));
  const auto principal = place.authenticator()->key(text);
  REQUIRE(principal);
  CHECK(principal->name == "key/grafana");
  CHECK(principal->role == telemetry::Role::operator_);
  const Ran json = place.key("add other --json");
  CHECK_THAT(json.out, Catch::Contains(R"("name":"other","role":"viewer","scope":null,)") &&
                           Catch::Contains(R"("expires":null,"key":"tk_)"));
  const std::string list = place.key("list").out;
  CHECK_THAT(list, Catch::Contains(text.substr(3, 12) + "  grafana  operator"));
  CHECK_THAT(list, !Catch::Contains(text.substr(16)));
  CHECK_THAT(place.key("list --json").out,
             Catch::Contains(R"("name":"grafana","role":"operator")"));
  check_fails(place.key("add grafana"), "there is a key \"grafana\"");
  check_fails(place.key("add late --expires 2020-01-01T00:00:00Z"), "in the future");
  check_fails(place.key("add late --expires soon"),
              "--expires \"soon\": write a duration or a time");
  CHECK(place.key("remove grafana").code == 0);
  CHECK_FALSE(place.authenticator()->key(text));
  check_fails(place.key("remove grafana"), "no key \"grafana\"");
  const std::string audit = running::read(place.path("data/audit.jsonl"));
  CHECK_THAT(
      audit,
      Catch::Contains(R"("what":"key_add","details":{"name":"grafana"},"result":{}})") &&
          Catch::Contains(R"("what":"key_remove","details":{"name":"grafana"},"result":{}})") &&
          Catch::Contains(R"("result":{"error":"already_exists",)"));
  CHECK_THAT(audit, !Catch::Contains(text.substr(16)));
}

TEST_CASE("accounts lie beside the journal, or where the configuration says") {
  const Place place;
  place.write("edge.yaml",
              "journal: {path: /var/lib/none/journal}\n"
              "security: {accounts_path: ./here/people.json}\n");
  CHECK(place.user("add anna --generate").code == 0);
  CHECK(std::filesystem::exists(place.path("here/people.json")));
  check_fails(run(place, "user list -c edge.yaml --set security.accounts_path=./edge.yaml"),
              "chmod 600");
}
