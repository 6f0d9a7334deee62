// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "account_text.hpp"
#include "commands.hpp"
#include "output.hpp"

namespace telemetry::command_line {
namespace {

struct Arguments {
  Settings settings;
  Rights rights;
  std::string name, expires;
  bool json = false;
};

std::string expiry_text(const ApiKey& key, std::int64_t now) {
  if (!key.expires_ns) return "never";
  return time_of(*key.expires_ns) + (*key.expires_ns <= now ? " (over)" : "");
}

/// Without the brace that ends it.
std::string begin_json(const ApiKey& key) {
  return fmt::format(R"({{"id":"{}","name":{}{},"expires":{})", key.id, json_string(key.name),
                     rights_json(key),
                     key.expires_ns ? json_string(time_of(*key.expires_ns)) : "null");
}

int add(const Arguments& arguments) {
  NewApiKey made = make_api_key(environment());
  made.key.name = arguments.name;
  made.key.role = parse_role(arguments.rights.role).value_or(Role::viewer);
  made.key.scope = arguments.rights.topics();
  if (!arguments.expires.empty()) {
    const auto expires = parse_expiry(arguments.expires, made.key.created_ns);
    if (!expires) {
      return refuse(arguments.settings, "key_add", arguments.name,
                    {expires.error().code, "--expires " + expires.error().context});
    }
    made.key.expires_ns = *expires;
  }
  const auto append = [&](Accounts& accounts) -> Result<void> {
    for (const ApiKey& key : accounts.keys) {
      if (key.name != arguments.name) continue;
      return Error{Errc::already_exists,
                   fmt::format("there is a key \"{}\": remove it with `telemetry key remove`, or "
                               "choose another name",
                               key.name)};
    }
    accounts.keys.push_back(made.key);
    return {};
  };
  const auto done = change_accounts(arguments.settings, "key_add", arguments.name, append);
  if (!done) return fail(done.error());
  Output output;
  if (arguments.json) {
    output.write(begin_json(made.key) + fmt::format(",\"key\":{}}}\n", json_string(made.text)));
  } else {
    say(fmt::format("{}: {}, {}, expires: {}; nothing shows this again:", made.key.name,
                    to_string(made.key.role), scope_text(made.key.scope),
                    expiry_text(made.key, made.key.created_ns)));
    output.write(made.text + "\n");
  }
  return output.finish(0);
}

int list(const Arguments& arguments) {
  auto file = accounts_file(arguments.settings);
  if (!file) return fail(file.error());
  const auto accounts = all_accounts(**file);
  if (!accounts) return fail(accounts.error());
  const std::int64_t now = environment().clock.now();
  Output output;
  std::string json;
  std::vector<std::vector<std::string>> rows = {
      {"ID", "NAME", "ROLE", "CREATED", "EXPIRES", "SCOPE"}};
  for (const ApiKey& key : (*accounts)->keys) {
    json += (json.empty() ? "" : ",\n") + begin_json(key) + "}";
    rows.push_back({key.id, key.name, std::string(to_string(key.role)), time_of(key.created_ns),
                    expiry_text(key, now), scope_text(key.scope)});
  }
  if (!arguments.json && rows.size() == 1) say((*file)->path() + ": no keys");
  output.write(arguments.json ? "[" + json + "]\n" : table(rows));
  return output.finish(0);
}

int remove(const Arguments& arguments) {
  const auto erase = [&](Accounts& accounts) -> Result<void> {
    const auto removed =
        std::erase_if(accounts.keys, [&](const ApiKey& key) { return key.name == arguments.name; });
    if (removed != 0) return {};
    return Error{Errc::not_found,
                 fmt::format("no key \"{}\": `telemetry key list` shows all that there are",
                             arguments.name)};
  };
  const auto done = change_accounts(arguments.settings, "key_remove", arguments.name, erase);
  if (!done) return fail(done.error());
  say(arguments.name + ": removed");
  return 0;
}

}  // namespace

void add_key(Command& program) {
  Command& group = program.command("key", "Makes, shows and removes API keys of the gateway");
  group.footer("A running gateway knows of it within two seconds.");
  group.example("telemetry key list -c edge.yaml");
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  a.settings.app = "gateway";

  Command& added = group.command("add", "Makes an API key and prints it, once");
  (void)add_name(added, a.name, "Name of the key, for people and logs");
  a.rights.add_to(added);
  added.option("--expires", a.expires, "When it ends: 90d, 2027-06-30T00:00:00Z; else never")
      .type("TIME");
  a.settings.add_to(added);
  added.flag("--json", a.json, "One JSON object instead of a line");
  added.footer(
      "Only a hash of the key is stored, in the file that security.accounts_path names. Roles are "
      "as in telemetry user add.");
  added.example("telemetry key add grafana -c edge.yaml --scope 'sensors/#' --expires 90d");
  added.example("telemetry key add backup -c edge.yaml --json | jq -r .key");
  added.action([arguments] { return add(*arguments); });

  Command& listed = group.command("list", "Shows all API keys, without their secrets");
  a.settings.add_to(listed);
  listed.flag("--json", a.json, "A JSON array instead of a table");
  listed.example("telemetry key list -c edge.yaml");
  listed.action([arguments] { return list(*arguments); });

  Command& removed = group.command("remove", "Removes an API key");
  (void)add_name(removed, a.name, "Name of the key");
  a.settings.add_to(removed);
  removed.example("telemetry key remove backup -c edge.yaml");
  removed.action([arguments] { return remove(*arguments); });
}

}  // namespace telemetry::command_line
