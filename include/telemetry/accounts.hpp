// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/auth.hpp"
#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"

/// Users and API keys, and who is let in. docs/security.md has the file's format.
namespace telemetry {

struct User {
  std::string name;
  std::string hash;  ///< of the password: Argon2id, or bcrypt of an older program
  Role role = Role::viewer;
  std::optional<std::vector<std::string>> scope;  ///< as of Principal
  std::int64_t created_ns = 0;                    ///< since 1970
  /// Another number whenever password, role or scope changed: what was admitted before, is no more.
  std::uint64_t epoch = 0;
};

struct ApiKey {
  std::string id;  ///< 12 hexadecimal digits
  std::string name;
  std::string hash;  ///< SHA-256 of the secret, 64 hexadecimal digits
  Role role = Role::viewer;
  std::optional<std::vector<std::string>> scope;
  std::int64_t created_ns = 0;
  std::optional<std::int64_t> expires_ns;  ///< not valid from then on
};

/// All accounts of one file. Names are unique among users, and among keys.
struct Accounts {
  static constexpr std::size_t users_max = 1'000, keys_max = 1'000;
  std::vector<User> users;
  std::vector<ApiKey> keys;

  /// Null when there is none.
  [[nodiscard]] const User* user(std::string_view name) const noexcept;
  [[nodiscard]] User* user(std::string_view name) noexcept;
  [[nodiscard]] const ApiKey* key(std::string_view id) const noexcept;
  /// Whether somebody can look after them: a user who is an administrator without a scope.
  [[nodiscard]] bool has_admin() const noexcept;
};

/// Each returns what is wrong with it, for people, or nothing.
[[nodiscard]] std::string account_name_problem(std::string_view name);
[[nodiscard]] std::string password_problem(std::string_view password);
[[nodiscard]] std::string password_hash_problem(std::string_view hash);
[[nodiscard]] std::string scope_problem(const std::vector<std::string>& scope);

/// Argon2id of a password. Takes some 15 ms and 12 MiB.
/// Errors: invalid_argument  see password_problem(); resource_exhausted  no memory.
[[nodiscard]] Result<std::string> hash_password(std::string_view password);
/// A random password that can be read out: 120 bits.
[[nodiscard]] std::string generate_password(const Environment& environment);
/// "90d", or a time with zone.
/// Errors: invalid_argument  neither, not in the future, or in more than 100 years.
[[nodiscard]] Result<std::int64_t> parse_expiry(std::string_view text, std::int64_t now);

struct NewApiKey {
  ApiKey key;
  std::string text;  ///< `tk_ID_SECRET`: what the client sends; nobody can make it out again
};
/// With a random id and secret, made now.
[[nodiscard]] NewApiKey make_api_key(const Environment& environment);

/// Where the configuration has them: security.accounts_path, else accounts.json beside the journal.
[[nodiscard]] std::string accounts_path(const Config& config);

/// The file of accounts. Its owner alone may read it. Thread: any.
class AccountsFile {
 public:
  AccountsFile(Environment environment, std::string path)
      : environment_(std::move(environment)), path_(std::move(path)) {}

  /// What it says. Looks once a second whether it has changed; one that cannot be used then is
  /// logged once, and what it said before stays in force.
  /// Errors (when none was ever good): not_found; permission_denied  others may read it, or this
  /// process may not; invalid_argument  malformed, each mistake with its place.
  [[nodiscard]] Result<std::shared_ptr<const Accounts>> current();
  /// Reads it now, changes it and writes it again, so that the old or the new one is there after a
  /// crash. No file: none are in it. Gives every user that changed a new epoch. Threads of this
  /// object take turns.
  /// Errors: of current() and `apply`; unavailable  another process is changing it;
  /// resource_exhausted  more than fit.
  [[nodiscard]] Result<void> change(const std::function<Result<void>(Accounts&)>& apply);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  [[nodiscard]] Result<Accounts> read(FileSystem::Status& status) const;
  [[nodiscard]] Result<void> write(FileSystem::Handle file, Accounts& accounts,
                                   const Accounts& before) const;
  void look();

  Environment environment_;
  std::string path_;
  std::mutex changing_;
  std::mutex mutex_;  // of what follows
  std::shared_ptr<const Accounts> good_;
  std::optional<FileSystem::Status> seen_;  // of what was read last, good or not
  std::optional<Error> error_;
  std::int64_t looked_ns_ = INT64_MIN;
};

struct AuthenticatorOptions {
  std::string accounts_path;
  std::int64_t session_idle_ns = 3'600'000'000'000;       ///< a session ends when unused: 1 h
  std::int64_t session_lifetime_ns = 43'200'000'000'000;  ///< and at the latest: 12 h
  std::size_t sessions_per_user_max = 16;
  std::size_t sessions_max = 1'000;
  std::int64_t basic_cache_ns = 60'000'000'000;  ///< a password is not hashed again for: 1 min
  std::size_t basic_cache_max = 1'000;
  std::size_t hashes_waiting_max = 16;  ///< one password is hashed at a time
  std::size_t guessers_max = 4'096;     ///< addresses, and names, whose failures are remembered
};

struct Session {
  Principal principal;
  std::string token;       ///< of the cookie; kept only as a hash
  std::string csrf_token;  ///< which requests that change something send, too
  std::int64_t lifetime_ns = 0;
};

/// Says who asks. After five failures of an address (IPv6: of its /64) or for a name, each further
/// attempt has to wait, 1 s, then twice as long each time up to 60 s. Where `peer` stands, it is
/// the address of the client in text. Thread: any. Each call may read the file of accounts, when
/// that has changed; those that hash passwords block for it.
///
/// Errors: unauthenticated, in the same words whatever of it was wrong; resource_exhausted, with
/// retry_after_s, while attempts have to wait or too many hash at one time.
class Authenticator {
 public:
  /// Errors: failed_precondition  nobody could ever sign in; of AccountsFile::current().
  [[nodiscard]] static Result<std::unique_ptr<Authenticator>> make(AuthenticatorOptions options,
                                                                   Environment environment);
  ~Authenticator();

  /// @param authorization_value "Basic BASE64". Hashes, unless the same came from the same address
  /// a
  ///        short time ago.
  [[nodiscard]] Result<Principal> basic(std::string_view authorization_value,
                                        std::string_view peer);
  /// @param text `tk_ID_SECRET`. Its principal is "key/NAME". An expired one is told so: whoever
  ///        asks has the right secret. Never waits: there is nothing to guess in 256 bits.
  [[nodiscard]] Result<Principal> key(std::string_view text);
  /// Hashes. A user or a program with too many sessions loses the one that is unused for longest.
  [[nodiscard]] Result<Session> login(std::string_view name, std::string_view password,
                                      std::string_view peer);
  /// Who a cookie stands for. Counts as use.
  [[nodiscard]] Result<Principal> session(std::string_view token);
  /// The same for requests that change something: permission_denied when the other token is not
  /// the session's.
  [[nodiscard]] Result<Principal> session(std::string_view token, std::string_view csrf_token);
  /// Of a session's token: what a page that was loaded again has lost.
  [[nodiscard]] std::string csrf_token(std::string_view token) const;
  void logout(std::string_view token);
  /// True while what admitted the principal holds: the user unchanged, the session or key not over.
  /// For what lasts longer than a request; ask every few seconds. Is no use of a session.
  [[nodiscard]] bool is_valid(const Principal& principal);
  /// What it asks. A change that is made by this object counts from the next request on.
  [[nodiscard]] AccountsFile& accounts() noexcept;
  /// hash_password(), in turn with those who sign in.
  /// Errors: those of hash_password(); resource_exhausted, with retry_after_s  too many wait.
  [[nodiscard]] Result<std::string> hash(std::string_view password);

 private:
  struct State;
  explicit Authenticator(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace telemetry
