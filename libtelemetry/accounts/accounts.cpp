// SPDX-License-Identifier: Apache-2.0
#include "telemetry/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "accounts/format.hpp"
#include "accounts/password.hpp"
#include "config/text_tree.hpp"
#include "config/value.hpp"
#include "journal/segment_file.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/topic.hpp"

namespace telemetry {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

template <class List>
auto* find_in(List& list, std::string_view name, auto member) noexcept {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.*member == name; });
  return found == list.end() ? nullptr : &*found;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::uint64_t new_epoch(const Environment& environment) {
  std::array<std::uint8_t, 6> random{};
  environment.random(random);
  std::uint64_t epoch = 1;  // never 0, and exact as a number of JSON
  for (const std::uint8_t byte : random) epoch = epoch << 8 | byte;
  return epoch;
}

}  // namespace

const User* Accounts::user(std::string_view name) const noexcept {
  return find_in(users, name, &User::name);
}
User* Accounts::user(std::string_view name) noexcept { return find_in(users, name, &User::name); }
const ApiKey* Accounts::key(std::string_view id) const noexcept {
  return find_in(keys, id, &ApiKey::id);
}

bool Accounts::has_admin() const noexcept {
  return std::ranges::any_of(
      users, [](const User& user) { return user.role == Role::admin && !user.scope; });
}

std::string account_name_problem(std::string_view name) {
  constexpr std::size_t bytes_max = 64;
  const bool good = !name.empty() && name.size() <= bytes_max &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') ||
                             std::string_view("._@-").find(c) != std::string_view::npos;
                    });
  return good ? "" : fmt::format("1 to {} of a-z, A-Z, 0-9 . _ @ -", bytes_max);
}

std::string scope_problem(const std::vector<std::string>& scope) {
  if (scope.empty() || scope.size() > Principal::scope_max) {
    return fmt::format("1 to {} topic filters", Principal::scope_max);
  }
  for (const std::string& filter : scope) {
    if (!core::is_valid_filter(filter) || core::without_share(filter) != filter) {
      return config::quoted(filter) + " is not a topic filter";
    }
  }
  return {};
}

Result<std::int64_t> parse_expiry(std::string_view text, std::int64_t now) {
  constexpr std::int64_t longest_ns = 100LL * 365 * 86'400 * second_ns;
  std::int64_t span = 0;
  std::int64_t time = 0;
  if (!config::parse_duration(text, span)) {
    if (!core::parse_time(text, 0, time)) {
      return Error{Errc::invalid_argument,
                   fmt::format("{}: write a duration or a time: 90d, 2027-01-31T00:00:00Z",
                               config::quoted(text))};
    }
    span = time <= now ? 0 : time - now;
  }
  if (span <= 0 || span > longest_ns) {
    return Error{
        Errc::invalid_argument,
        fmt::format("{}: write what is in the future, and within 100 years", config::quoted(text))};
  }
  return now + span;
}

NewApiKey make_api_key(const Environment& environment) {
  std::array<std::uint8_t, 6> id{};
  environment.random(id);
  const std::string secret = accounts::random_text<32>(environment);
  NewApiKey made;
  made.key.id = accounts::to_hex(id);
  made.key.hash = accounts::sha256_hex(secret);
  made.key.created_ns = environment.clock.now() / second_ns * second_ns;
  made.text = "tk_" + made.key.id + "_" + secret;
  return made;
}

std::string accounts_path(const Config& config) {
  std::string path = config.text("security.accounts_path");
  if (!path.empty()) return path;
  std::string journal = config.text("journal.path");
  while (journal.size() > 1 && journal.back() == '/') journal.pop_back();
  return folder_of(journal) + "/accounts.json";
}

Result<Accounts> AccountsFile::read(FileSystem::Status& status) const {
  FileSystem& files = environment_.files;
  const auto opened = files.open_read(path_);
  if (!opened) return opened.error();
  const journal::OpenFile file(files, *opened);
  const auto found = files.status(*file);
  if (!found) return found.error();
  status = *found;
  if ((status.mode & 0077U) != 0) {
    return Error{Errc::permission_denied,
                 fmt::format("{}: others than its owner have rights to it, mode {:04o} (chmod 600 "
                             "'{}', and think of its passwords and keys as known)",
                             path_, status.mode, path_)};
  }
  if (status.bytes > config::Tree::bytes_max) {
    return Error{Errc::invalid_argument, fmt::format("{}: more than {} bytes: no file of accounts",
                                                     path_, config::Tree::bytes_max)};
  }
  std::string text(status.bytes, '\0');
  const auto n = files.read(*file, 0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!n) return n.error();
  text.resize(*n);
  return accounts::parse(text, path_);
}

void AccountsFile::look() {
  const std::int64_t now = environment_.clock.monotonic();
  if (looked_ns_ != INT64_MIN && now - looked_ns_ < second_ns) return;
  looked_ns_ = now;
  if (good_ != nullptr || error_) {
    const auto opened = environment_.files.open_read(path_);
    if (opened) {
      const journal::OpenFile file(environment_.files, *opened);
      const auto status = environment_.files.status(*file);
      if (status && seen_ == *status) return;
    } else if (!seen_ && error_ && error_->context == opened.error().context) {
      return;
    }
  }
  FileSystem::Status status;
  auto read = this->read(status);
  if (read) {
    if (good_ != nullptr) environment_.log(LogLevel::info, "accounts", path_ + ": read again");
    good_ = std::make_shared<const Accounts>(*std::move(read));
    error_.reset();
  } else {
    error_ = std::move(read).error();
    if (good_ != nullptr) {
      for (const Diagnostic& mistake : error_->diagnostics)
        environment_.log(LogLevel::error, "accounts", to_string(mistake));
      environment_.log(LogLevel::error, "accounts",
                       to_string(*error_) + "; the accounts from before stay in force");
    }
  }
  seen_.reset();
  if (status.id != 0) seen_ = status;
}

Result<std::shared_ptr<const Accounts>> AccountsFile::current() {
  const std::lock_guard lock(mutex_);
  look();
  if (good_ == nullptr) return *error_;
  return good_;
}

Result<void> AccountsFile::write(FileSystem::Handle file, Accounts& accounts,
                                 const Accounts& before) const {
  for (User& user : accounts.users) {
    const User* old = before.user(user.name);
    const bool same = old != nullptr && old->hash == user.hash && old->role == user.role &&
                      old->scope == user.scope && old->created_ns == user.created_ns;
    if (!same) user.epoch = new_epoch(environment_);
  }
  const std::string text = accounts::render(accounts);
  if (const auto readable = accounts::parse(text, path_); !readable) {
    return Error{
        Errc::resource_exhausted,
        fmt::format("{}: would not be readable: at most {} users, {} keys and {} bytes ({})", path_,
                    Accounts::users_max, Accounts::keys_max, config::Tree::bytes_max,
                    describe(readable.error()))};
  }
  FileSystem& files = environment_.files;
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (auto done = files.write(file, 0, bytes); !done) return done;
  if (auto done = files.sync(file); !done) return done;
  return files.rename(path_ + ".new", path_);
}

Result<void> AccountsFile::change(const std::function<Result<void>(Accounts&)>& apply) {
  const std::lock_guard turn(changing_);
  FileSystem& files = environment_.files;
  const std::string folder = folder_of(path_);
  if (auto made = files.create_folder(folder); !made) return made;
  const std::string temporary = path_ + ".new";
  const auto opened = files.open_private(temporary);
  if (!opened && opened.error().code == Errc::already_exists) {
    return Error{Errc::unavailable, path_ + ": another process is changing it: try again"};
  }
  if (!opened) return opened.error();
  const journal::OpenFile file(files, *opened);
  const auto done = [&]() -> Result<void> {
    FileSystem::Status status;
    auto read = this->read(status);
    if (!read && read.error().code != Errc::not_found) return read.error();
    const Accounts before = read ? *std::move(read) : Accounts();
    Accounts accounts = before;
    if (auto applied = apply(accounts); !applied) return applied;
    return write(*file, accounts, before);
  }();
  if (!done) {
    (void)files.remove(temporary);
    return done;
  }
  const std::lock_guard lock(mutex_);
  looked_ns_ = INT64_MIN;
  return files.sync_folder(folder);
}

}  // namespace telemetry
