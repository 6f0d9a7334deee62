// SPDX-License-Identifier: Apache-2.0
#include "account_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "output.hpp"
#include "telemetry/core/time.hpp"

namespace telemetry::command_line {

void Rights::add_to(Command& command) {
  command.option("--role", role, "What it may do")
      .one_of({"viewer", "operator", "admin"})
      .type("ROLE")
      .show_default();
  command.option("--scope", scope, "Only topics that this filter matches; may be repeated")
      .type("FILTER")
      .check([](std::string_view filter) { return scope_problem({std::string(filter)}); });
}

std::optional<std::vector<std::string>> Rights::topics() const {
  if (scope.empty()) return std::nullopt;
  return scope;
}

Result<std::unique_ptr<AccountsFile>> accounts_file(const Settings& settings) {
  const Result<Config> config = settings.load();
  if (!config) return config.error();
  return std::make_unique<AccountsFile>(environment(), accounts_path(*config));
}

Result<void> change_accounts(const Settings& settings, std::string_view what, std::string_view name,
                             const std::function<Result<void>(Accounts&)>& apply) {
  const Result<Config> config = settings.load();
  if (!config) return config.error();
  const auto done = AccountsFile(environment(), accounts_path(*config)).change(apply);
  const std::string details = fmt::format(R"({{"name":{}}})", json_string(name));
  note(*config, what, details, done ? Result<std::string>("{}") : done.error());
  return done;
}

int refuse(const Settings& settings, std::string_view what, std::string_view name,
           const Error& why) {
  std::vector<Diagnostic> said_already;
  if (const Result<Config> config = settings.load(said_already)) {
    note(*config, what, fmt::format(R"({{"name":{}}})", json_string(name)), why);
  }
  return fail(why);
}

Result<std::shared_ptr<const Accounts>> all_accounts(AccountsFile& file) {
  auto accounts = file.current();
  if (!accounts && accounts.error().code == Errc::not_found) {
    return std::make_shared<const Accounts>();
  }
  return accounts;
}

Argument add_name(Command& command, std::string& name, std::string help) {
  return command.positional("NAME", name, std::move(help)).required().check(account_name_problem);
}

std::string time_of(std::int64_t ns) {
  std::array<char, core::time_text_bytes_max> text{};
  return {text.data(), core::format_time(ns, text)};
}

std::string scope_text(const std::optional<std::vector<std::string>>& scope) {
  return scope ? fmt::format("{}", fmt::join(*scope, " ")) : "all topics";
}

template <class Account>
std::string rights_json(const Account& account) {
  std::string filters;
  for (const std::string& filter : account.scope.value_or(std::vector<std::string>())) {
    filters += (filters.empty() ? "" : ",") + json_string(filter);
  }
  return fmt::format(R"(,"role":"{}","scope":{},"created":"{}")", to_string(account.role),
                     account.scope ? "[" + filters + "]" : "null", time_of(account.created_ns));
}
template std::string rights_json(const User& account);
template std::string rights_json(const ApiKey& account);

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += printable(line) + "\n";
  }
  return out;
}

}  // namespace telemetry::command_line
