// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <limits>
#include <mutex>

#include "accounts/password.hpp"
#include "accounts/proofs.hpp"
#include "accounts/throttle.hpp"
#include "telemetry/accounts.hpp"

// Nothing that a client sends is kept: sessions and known passwords are found by a hash that is
// keyed with random bytes of this process. A password counts as known only for the address that
// proved it; else a name that has to wait could be guessed at for nothing.

namespace telemetry {
namespace {

/// One password at a time is hashed; a few may wait.
class HashQueue {
 public:
  explicit HashQueue(std::size_t waiting_max) noexcept : waiting_max_(waiting_max) {}

  /// False when too many wait.
  bool enter() {
    std::unique_lock lock(mutex_);
    if (busy_ && waiting_ >= waiting_max_) return false;
    ++waiting_;
    left_.wait(lock, [this] { return !busy_; });
    --waiting_;
    busy_ = true;
    return true;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    left_.notify_one();
  }

 private:
  std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable left_;
  bool busy_ = false;
  std::size_t waiting_ = 0;
};

Error wrong_password() { return {Errc::unauthenticated, "wrong name or password"}; }
Error wrong_key() { return {Errc::unauthenticated, "not a valid API key"}; }
Error no_session() { return {Errc::unauthenticated, "not signed in, or the session has ended"}; }
Error too_many_hash() {
  return {Errc::resource_exhausted, "too many sign in at this time: try again in 1 s", {}, 1};
}
Error wait_for(std::uint32_t seconds) {
  return {Errc::resource_exhausted,
          fmt::format("too many failed attempts: try again in {} s", seconds),
          {},
          seconds};
}

constexpr std::string_view session_word = "session ", key_word = "key ";

Principal principal_of(const User& user, std::string admission) {
  return {user.name, user.scope, user.role, std::move(admission)};
}
Principal by_password(const User& user) {
  return principal_of(user, fmt::format("user {}", user.epoch));
}

}  // namespace

struct Authenticator::State {
  State(AuthenticatorOptions given, Environment machine)
      : options(std::move(given)),
        environment(std::move(machine)),
        file(environment, options.accounts_path),
        queue(options.hashes_waiting_max),
        addresses(options.guessers_max),
        names(options.guessers_max),
        known(options.basic_cache_max, options.basic_cache_max, no_idle),
        sessions(options.sessions_max, options.sessions_per_user_max, options.session_idle_ns),
        failures(environment.clock, 10, 60'000'000'000) {
    environment.random(secret);
  }

  static constexpr std::int64_t no_idle = std::numeric_limits<std::int64_t>::max();

  /// Keyed hash of these, each with its length.
  [[nodiscard]] std::string hash_of(std::string_view use,
                                    std::initializer_list<std::string_view> texts) const;
  static std::span<const std::uint8_t> as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }
  [[nodiscard]] std::int64_t now() { return environment.clock.monotonic(); }

  /// Seconds that an attempt has to wait.
  [[nodiscard]] std::uint32_t wait_s(const std::string& address, const std::string& name);
  /// The user whose password this is.
  [[nodiscard]] Result<User> password(std::string_view name, std::string_view password,
                                      std::string_view peer);
  [[nodiscard]] Result<bool> verify(const std::string& address, const std::string& name,
                                    std::string_view password, const User* user);
  void fail(std::string_view peer, const std::string& name, const User* user);
  [[nodiscard]] User with_new_hash(const User& user, std::string_view password);
  [[nodiscard]] Result<Principal> session(std::string_view token, bool is_use);
  [[nodiscard]] Result<Principal> session_of(const std::string& hash, bool is_use);

  AuthenticatorOptions options;
  Environment environment;
  AccountsFile file;
  HashQueue queue;
  std::string nobody;  ///< hash of no password
  std::array<std::uint8_t, crypto_generichash_KEYBYTES> secret{};

  std::mutex mutex;
  accounts::Throttle addresses, names;
  accounts::Proofs known, sessions;
  RateLimit failures;
};

std::string Authenticator::State::hash_of(std::string_view use,
                                          std::initializer_list<std::string_view> texts) const {
  crypto_generichash_state state;
  std::string hash(crypto_generichash_BYTES, '\0');
  ::crypto_generichash_init(&state, secret.data(), secret.size(), hash.size());
  const auto add = [&](std::string_view text) {
    const std::uint64_t size = text.size();
    ::crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&size), sizeof size);
    ::crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(text.data()),
                                text.size());
  };
  add(use);
  for (const std::string_view text : texts) add(text);
  ::crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  ::sodium_memzero(&state, sizeof state);
  return hash;
}

std::uint32_t Authenticator::State::wait_s(const std::string& address, const std::string& name) {
  const std::lock_guard lock(mutex);
  const std::int64_t time = now();
  const std::uint32_t for_address = addresses.wait_s(address, time);
  const std::uint32_t for_name = names.wait_s(name, time);
  // An attempt that only the name holds up is a failure of the address all the same.
  if (for_address == 0 && for_name != 0) addresses.fail(address, time);
  return std::max(for_address, for_name);
}

void Authenticator::State::fail(std::string_view peer, const std::string& name, const User* user) {
  {
    const std::string address = accounts::guesser_of(peer);
    const std::lock_guard lock(mutex);
    addresses.fail(address, now());
    names.fail(name, now());
  }
  std::uint64_t unsaid = 0;
  if (!failures.allow(unsaid)) return;
  // A name that nobody has may be a password in the wrong field.
  environment.log(
      LogLevel::warn, "accounts",
      fmt::format("failed sign-in{} from {}{}", user == nullptr ? "" : " as " + user->name,
                  peer.substr(0, 64),
                  unsaid == 0 ? "" : fmt::format("; {} before were not logged", unsaid)));
}

Result<bool> Authenticator::State::verify(const std::string& address, const std::string& name,
                                          std::string_view password, const User* user) {
  if (!queue.enter()) return too_many_hash();
  // Others may have failed while this one waited.
  if (const std::uint32_t wait = wait_s(address, name); wait != 0) {
    queue.leave();
    return wait_for(wait);
  }
  auto same = accounts::verify_password(password, user == nullptr ? nobody : user->hash);
  queue.leave();
  if (same) *same = *same && user != nullptr;
  return same;
}

Result<User> Authenticator::State::password(std::string_view name, std::string_view password,
                                            std::string_view peer) {
  auto accounts = file.current();
  if (!accounts) return accounts.error();
  const std::string address = accounts::guesser_of(peer);
  // What cannot be a name counts as one name.
  const std::string who(account_name_problem(name).empty() ? name : "");
  const User* user = (*accounts)->user(who);
  const bool possible =
      password.size() <= accounts::password_bytes_max && password.find('\0') == password.npos;
  if (const std::uint32_t wait = wait_s(address, who); wait != 0) return wait_for(wait);
  auto same = verify(address, who, password.substr(0, accounts::password_bytes_max),
                     possible ? user : nullptr);
  if (!same) return same.error();
  if (!*same) {
    fail(peer, who, user);
    return wrong_password();
  }
  {
    const std::lock_guard lock(mutex);
    names.forget(who);
  }
  if (!accounts::is_old_hash(user->hash)) return *user;
  return with_new_hash(*user, password);
}

User Authenticator::State::with_new_hash(const User& user, std::string_view password) {
  // Whoever has an old password of less than the length that new ones have keeps the old hash.
  if (!password_problem(password).empty() || !queue.enter()) return user;
  const auto hash = hash_password(password);
  queue.leave();
  if (!hash) return user;
  User replaced = user;
  const auto done = file.change([&](Accounts& accounts) -> Result<void> {
    User* found = accounts.user(user.name);
    if (found == nullptr || found->epoch != user.epoch) {
      return Error{Errc::failed_precondition, user.name + " was changed meanwhile"};
    }
    found->hash = *hash;
    return {};
  });
  if (!done) {
    environment.log(
        LogLevel::warn, "accounts",
        fmt::format("the old password hash of {} stays: {}", user.name, describe(done.error())));
    return user;
  }
  const auto accounts = file.current();
  const User* found = accounts ? (*accounts)->user(user.name) : nullptr;
  return found == nullptr ? user : *found;
}

Result<Principal> Authenticator::State::session(std::string_view token, bool is_use) {
  return session_of(hash_of("session", {token}), is_use);
}

Result<Principal> Authenticator::State::session_of(const std::string& hash, bool is_use) {
  const auto accounts = file.current();
  if (!accounts) return accounts.error();
  const std::lock_guard lock(mutex);
  accounts::Proof* proof = sessions.find(hash, now());
  if (proof == nullptr) return no_session();
  const User* user = (*accounts)->user(proof->user);
  if (user == nullptr || user->epoch != proof->epoch) {
    sessions.remove(hash);
    return no_session();
  }
  if (is_use) proof->used = now();
  return principal_of(*user, std::string(session_word) + accounts::to_hex(as_bytes(hash)));
}

Result<std::unique_ptr<Authenticator>> Authenticator::make(AuthenticatorOptions options,
                                                           Environment environment) {
  auto state = std::make_unique<State>(std::move(options), std::move(environment));
  const auto accounts = state->file.current();
  const bool missing = !accounts && accounts.error().code == Errc::not_found;
  if (!accounts && !missing) return accounts.error();
  if (missing || ((*accounts)->users.empty() && (*accounts)->keys.empty())) {
    return Error{Errc::failed_precondition,
                 state->file.path() +
                     ": nobody is in it who could sign in (make the first with "
                     "`telemetry user add NAME --role admin -c CONFIG`)"};
  }
  auto nobody = accounts::nobodys_hash(state->environment);
  if (!nobody) return nobody.error();
  state->nobody = *std::move(nobody);
  return std::unique_ptr<Authenticator>(new Authenticator(std::move(state)));
}

Authenticator::Authenticator(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Authenticator::~Authenticator() = default;

AccountsFile& Authenticator::accounts() noexcept { return state_->file; }

Result<std::string> Authenticator::hash(std::string_view password) {
  if (std::string problem = password_problem(password); !problem.empty())
    return Error{Errc::invalid_argument, std::move(problem)};
  if (!state_->queue.enter()) return too_many_hash();
  auto hash = hash_password(password);
  state_->queue.leave();
  return hash;
}

Result<Principal> Authenticator::basic(std::string_view authorization_value,
                                       std::string_view peer) {
  const auto credentials = accounts::parse_basic(authorization_value);
  if (!credentials) return wrong_password();
  const std::string_view text = credentials->text();
  const std::string_view name = text.substr(0, text.find(':'));
  const std::string_view password = text.substr(name.size() + 1);
  const std::string address = accounts::guesser_of(peer);
  const std::string hash = state_->hash_of("basic", {address, name, password});
  {
    const auto accounts = state_->file.current();
    if (!accounts) return accounts.error();
    const std::lock_guard lock(state_->mutex);
    const std::int64_t time = state_->now();
    if (const std::uint32_t wait = state_->addresses.wait_s(address, time); wait != 0) {
      return wait_for(wait);
    }
    const accounts::Proof* proof = state_->known.find(hash, time);
    const User* user = proof == nullptr ? nullptr : (*accounts)->user(proof->user);
    if (user != nullptr && user->epoch == proof->epoch) return by_password(*user);
  }
  const auto user = state_->password(name, password, peer);
  if (!user) return user.error();
  const std::lock_guard lock(state_->mutex);
  const std::int64_t time = state_->now();
  state_->known.add(hash, {user->name, user->epoch, time + state_->options.basic_cache_ns}, time);
  return by_password(*user);
}

Result<Principal> Authenticator::key(std::string_view text) {
  const auto accounts = state_->file.current();
  if (!accounts) return accounts.error();
  constexpr std::string_view prefix = "tk_";
  constexpr std::size_t id_digits = 12, secret_bytes = 43;
  if (text.size() != prefix.size() + id_digits + 1 + secret_bytes || !text.starts_with(prefix) ||
      text[prefix.size() + id_digits] != '_') {
    return wrong_key();
  }
  const ApiKey* key = (*accounts)->key(text.substr(prefix.size(), id_digits));
  const std::string hash = accounts::sha256_hex(text.substr(text.size() - secret_bytes));
  if (key == nullptr || !accounts::equal(hash, key->hash)) return wrong_key();
  if (key->expires_ns && state_->environment.clock.now() >= *key->expires_ns) {
    return Error{Errc::unauthenticated,
                 fmt::format("this API key expired at {}: `telemetry key add` makes another",
                             accounts::time_text(*key->expires_ns))};
  }
  return Principal{"key/" + key->name, key->scope, key->role, std::string(key_word) + key->id};
}

Result<Session> Authenticator::login(std::string_view name, std::string_view password,
                                     std::string_view peer) {
  const auto user = state_->password(name, password, peer);
  if (!user) return user.error();
  Session session;
  session.token = accounts::random_text<32>(state_->environment);
  session.csrf_token = csrf_token(session.token);
  session.lifetime_ns = state_->options.session_lifetime_ns;
  const std::string hash = state_->hash_of("session", {session.token});
  session.principal =
      principal_of(*user, std::string(session_word) + accounts::to_hex(State::as_bytes(hash)));
  const std::lock_guard lock(state_->mutex);
  const std::int64_t time = state_->now();
  state_->sessions.add(hash, {user->name, user->epoch, time + session.lifetime_ns}, time);
  return session;
}

Result<Principal> Authenticator::session(std::string_view token) {
  return state_->session(token, true);
}

Result<Principal> Authenticator::session(std::string_view token, std::string_view csrf_token) {
  auto principal = state_->session(token, true);
  if (principal && !accounts::equal(csrf_token, this->csrf_token(token))) {
    return Error{Errc::permission_denied,
                 "the CSRF token is not this session's: load the page again"};
  }
  return principal;
}

std::string Authenticator::csrf_token(std::string_view token) const {
  return accounts::to_base64url(State::as_bytes(state_->hash_of("csrf", {token})));
}

void Authenticator::logout(std::string_view token) {
  const std::string hash = state_->hash_of("session", {token});
  const std::lock_guard lock(state_->mutex);
  state_->sessions.remove(hash);
}

bool Authenticator::is_valid(const Principal& principal) {
  std::string_view word = principal.admission;
  if (word.empty()) return true;
  const auto accounts = state_->file.current();
  if (!accounts) return false;
  const auto cut = [&word](std::string_view prefix) {
    const bool is = word.starts_with(prefix);
    if (is) word.remove_prefix(prefix.size());
    return is;
  };
  if (cut(session_word))
    return static_cast<bool>(state_->session_of(accounts::from_hex(word), false));
  if (cut(key_word)) {
    const ApiKey* key = (*accounts)->key(word);
    return key != nullptr &&
           !(key->expires_ns && state_->environment.clock.now() >= *key->expires_ns);
  }
  const User* user = (*accounts)->user(principal.name);
  return user != nullptr && by_password(*user).admission == principal.admission;
}

}  // namespace telemetry
