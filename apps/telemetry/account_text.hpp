// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"
#include "telemetry/accounts.hpp"

/// What `telemetry user` and `telemetry key` have in common.
namespace telemetry::command_line {

/// --role and --scope.
struct Rights {
  std::string role = "viewer";
  std::vector<std::string> scope;

  /// --role has the default that it has now.
  void add_to(Command& command);
  [[nodiscard]] std::optional<std::vector<std::string>> topics() const;
};

/// The file that the configuration names.
[[nodiscard]] Result<std::unique_ptr<AccountsFile>> accounts_file(const Settings& settings);
/// Changes it, and notes that in the audit file. @param what  "user_add"; @param name  of the
/// account
[[nodiscard]] Result<void> change_accounts(const Settings& settings, std::string_view what,
                                           std::string_view name,
                                           const std::function<Result<void>(Accounts&)>& apply);
/// Notes in the audit file what was asked for and is refused. @returns the exit code, as fail()
[[nodiscard]] int refuse(const Settings& settings, std::string_view what, std::string_view name,
                         const Error& why);
/// All accounts; none when there is no file.
[[nodiscard]] Result<std::shared_ptr<const Accounts>> all_accounts(AccountsFile& file);
[[nodiscard]] Argument add_name(Command& command, std::string& name, std::string help);
[[nodiscard]] std::string time_of(std::int64_t ns);
/// "all topics", or the filters.
[[nodiscard]] std::string scope_text(const std::optional<std::vector<std::string>>& scope);
/// `,"role":...,"scope":...,"created":...`
template <class Account>
[[nodiscard]] std::string rights_json(const Account& account);
/// Lines of columns, the first a heading.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace telemetry::command_line
