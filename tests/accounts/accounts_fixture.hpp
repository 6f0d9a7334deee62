// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "catch.hpp"
#include "conformance/temporary_folder.hpp"
#include "model/fault_file_system.hpp"
#include "telemetry/accounts.hpp"

namespace telemetry::test {

inline constexpr std::int64_t second_ns = 1'000'000'000;
inline constexpr const char* annas = "correct horse battery";

/// A file of accounts on this machine's disk, with a clock that the test moves.
class AccountsFixture {
 public:
  std::vector<std::string> lines;  // of the log, but for info
  model::ManualClock clock;
  Environment environment{
      clock, system_environment().files, system_environment().random,
      Log([this](LogLevel, std::string_view, std::string_view line) { lines.emplace_back(line); },
          LogLevel::warn)};
  TemporaryFolder folder;
  std::string path = folder.path("data/accounts.json");
  AccountsFile file{environment, path};

  void change(const std::function<void(Accounts&)>& apply) {
    // Another program's, so that `file` has to notice.
    const auto done = AccountsFile(environment, path).change([&](Accounts& accounts) {
      apply(accounts);
      return Result<void>();
    });
    INFO((done ? "" : describe(done.error())));
    REQUIRE(done);
  }
  void add_user(const std::string& name, const std::string& password, Role role = Role::viewer,
                std::optional<std::vector<std::string>> scope = {}) {
    User user;
    user.name = name;
    user.hash = hash_password(password).value();
    user.role = role;
    user.scope = std::move(scope);
    user.created_ns = clock.now();
    change([&](Accounts& accounts) { accounts.users.push_back(user); });
  }
  std::string add_key(const std::string& name, std::optional<std::int64_t> expires_ns = {}) {
    NewApiKey made = make_api_key(environment);
    made.key.name = name;
    made.key.expires_ns = expires_ns;
    change([&](Accounts& accounts) { accounts.keys.push_back(made.key); });
    return made.text;
  }
  [[nodiscard]] std::string content() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
};

}  // namespace telemetry::test
