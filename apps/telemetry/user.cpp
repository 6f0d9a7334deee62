// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "account_text.hpp"
#include "commands.hpp"
#include "output.hpp"
#include "password_input.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  Rights rights;
  PasswordInput password;
  std::string name, new_role;
  bool all_topics = false, json = false;
};

Error no_user(const std::string& name) {
  return {Errc::not_found,
          fmt::format("no user \"{}\": `telemetry user list` shows all that there are", name)};
}

/// What was done, and the password where it was made here.
int report(const User& user, const std::string& generated, bool json, const char* done) {
  Output output;
  if (json) {
    const std::string password =
        generated.empty() ? "" : fmt::format(R"(,"password":{})", json_string(generated));
    output.write(
        fmt::format("{{\"name\":{}{}{}}}\n", json_string(user.name), rights_json(user), password));
  } else {
    say(fmt::format("{}: {}, {}; {}", user.name, to_string(user.role), scope_text(user.scope),
                    done));
    if (!generated.empty()) output.write(generated + "\n");
  }
  return output.finish(0);
}

int change(const Arguments& arguments, const char* what, const char* done,
           const std::string& generated, const std::function<Result<void>(Accounts&)>& apply) {
  User changed;
  const auto keep = [&](Accounts& accounts) -> Result<void> {
    if (auto applied = apply(accounts); !applied) return applied;
    if (const User* user = accounts.user(arguments.name); user != nullptr) changed = *user;
    return {};
  };
  const auto result = change_accounts(arguments.settings, what, arguments.name, keep);
  if (!result) return fail(result.error());
  return report(changed, generated, arguments.json, done);
}

int add(const Arguments& arguments) {
  const auto exists = [&](const Accounts& accounts) -> Result<void> {
    if (accounts.user(arguments.name) == nullptr) return {};
    return Error{Errc::already_exists,
                 fmt::format("there is a user \"{}\": change it with `telemetry user password` or "
                             "`telemetry user role`",
                             arguments.name)};
  };
  const auto refused = [&](const Error& why) {
    return refuse(arguments.settings, "user_add", arguments.name, why);
  };
  {  // before anybody types a password
    auto file = accounts_file(arguments.settings);
    if (!file) return fail(file.error());
    const auto accounts = all_accounts(**file);
    if (!accounts) return refused(accounts.error());
    if (auto free = exists(**accounts); !free) return refused(free.error());
  }
  const auto password = read_password(arguments.password);
  if (!password) return refused(password.error());
  return change(arguments, "user_add", "added", password->generated,
                [&](Accounts& accounts) -> Result<void> {
                  if (auto free = exists(accounts); !free) return free;
                  User user;
                  user.name = arguments.name;
                  user.hash = password->hash;
                  user.role = parse_role(arguments.rights.role).value_or(Role::viewer);
                  user.scope = arguments.rights.topics();
                  user.created_ns = environment().clock.now() / 1'000'000'000 * 1'000'000'000;
                  accounts.users.push_back(std::move(user));
                  return {};
                });
}

int list(const Arguments& arguments) {
  auto file = accounts_file(arguments.settings);
  if (!file) return fail(file.error());
  const auto accounts = all_accounts(**file);
  if (!accounts) return fail(accounts.error());
  Output output;
  std::string json;
  std::vector<std::vector<std::string>> rows = {{"NAME", "ROLE", "CREATED", "PASSWORD", "SCOPE"}};
  for (const User& user : (*accounts)->users) {
    const std::string kind = user.hash.starts_with("$argon2id") ? "argon2id" : "bcrypt";
    json += fmt::format("{}{{\"name\":{}{},\"password\":\"{}\"}}", json.empty() ? "" : ",\n",
                        json_string(user.name), rights_json(user), kind);
    rows.push_back({user.name, std::string(to_string(user.role)), time_of(user.created_ns), kind,
                    scope_text(user.scope)});
  }
  if (!arguments.json && rows.size() == 1) say((*file)->path() + ": no users");
  output.write(arguments.json ? "[" + json + "]\n" : table(rows));
  return output.finish(0);
}

int remove(const Arguments& arguments) {
  const auto erase = [&](Accounts& accounts) -> Result<void> {
    const auto removed = std::erase_if(
        accounts.users, [&](const User& user) { return user.name == arguments.name; });
    if (removed == 0) return no_user(arguments.name);
    return {};
  };
  const auto done = change_accounts(arguments.settings, "user_remove", arguments.name, erase);
  if (!done) return fail(done.error());
  say(arguments.name + ": removed");
  return 0;
}

int set_password(const Arguments& arguments) {
  const auto password = read_password(arguments.password);
  if (!password)
    return refuse(arguments.settings, "user_password", arguments.name, password.error());
  return change(arguments, "user_password", "has a new password", password->generated,
                [&](Accounts& accounts) -> Result<void> {
                  User* user = accounts.user(arguments.name);
                  if (user == nullptr) return no_user(arguments.name);
                  user->hash = password->hash;
                  return {};
                });
}

int set_role(const Arguments& arguments) {
  const bool has_role = !arguments.new_role.empty();
  if (!has_role && arguments.rights.scope.empty() && !arguments.all_topics) {
    return refuse(
        arguments.settings, "user_role", arguments.name,
        {Errc::invalid_argument, "nothing to change: give ROLE, --scope or --all-topics"});
  }
  return change(arguments, "user_role", "changed", "", [&](Accounts& accounts) -> Result<void> {
    User* user = accounts.user(arguments.name);
    if (user == nullptr) return no_user(arguments.name);
    if (has_role) user->role = parse_role(arguments.new_role).value_or(user->role);
    if (arguments.all_topics || !arguments.rights.scope.empty()) {
      user->scope = arguments.rights.topics();
    }
    return {};
  });
}

constexpr const char* at_once =
    "A running gateway knows of it within two seconds, and ends the sessions of users that were "
    "changed or removed.";

}  // namespace

void add_user(Command& program) {
  Command& group = program.command("user", "Makes, shows and removes users of the gateway");
  group.footer(at_once);
  group.example("telemetry user list -c edge.yaml");
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  a.settings.app = "gateway";
  constexpr const char* as_json = "One JSON object instead of lines";

  Command& added = group.command("add", "Makes a user; asks for the password on the terminal");
  (void)add_name(added, a.name, "Name of the user");
  a.rights.add_to(added);
  a.password.add_to(added);
  a.settings.add_to(added);
  added.flag("--json", a.json, as_json);
  added.footer(
      "A viewer reads; an operator also writes data, replays and changes schemas; an admin also "
      "deletes and looks after users, keys and configuration. A password has at least 12 "
      "characters. The file of users is named by security.accounts_path; its owner alone may read "
      "it.");
  added.example("telemetry user add anna -c edge.yaml --role admin --generate");
  added.example("telemetry user add bob -c edge.yaml --scope 'sensors/#' --generate --json");
  added.example("head -n 1 password.txt | telemetry user add carl -c edge.yaml --password-stdin");
  added.action([arguments] { return add(*arguments); });

  Command& listed = group.command("list", "Shows all users");
  a.settings.add_to(listed);
  listed.flag("--json", a.json, "A JSON array instead of a table");
  listed.example("telemetry user list -c edge.yaml");
  listed.action([arguments] { return list(*arguments); });

  Command& removed = group.command("remove", "Removes a user, whose sessions end");
  (void)add_name(removed, a.name, "Name of the user");
  a.settings.add_to(removed);
  removed.example("telemetry user remove carl -c edge.yaml");
  removed.action([arguments] { return remove(*arguments); });

  Command& password = group.command("password", "Gives a user another password; sessions end");
  (void)add_name(password, a.name, "Name of the user");
  a.password.add_to(password);
  a.settings.add_to(password);
  password.flag("--json", a.json, as_json);
  password.example("telemetry user password anna -c edge.yaml --generate");
  password.action([arguments] { return set_password(*arguments); });

  Command& role = group.command("role", "Gives a user another role or scope; sessions end");
  (void)add_name(role, a.name, "Name of the user");
  a.settings.add_to(role);
  role.positional("ROLE", a.new_role, "viewer, operator or admin")
      .one_of({"viewer", "operator", "admin"});
  const Argument scope =
      role.option("--scope", a.rights.scope,
                  "Only topics that this filter matches, in place of what was; may be repeated")
          .type("FILTER")
          .check([](std::string_view filter) { return scope_problem({std::string(filter)}); });
  role.flag("--all-topics", a.all_topics, "No scope any more").excludes(scope);
  role.flag("--json", a.json, as_json);
  role.example("telemetry user role anna operator -c edge.yaml");
  role.example("telemetry user role anna -c edge.yaml --scope 'sensors/#' --scope 'house/#'");
  role.action([arguments] { return set_role(*arguments); });
}

}  // namespace telemetry::command_line
