// SPDX-License-Identifier: Apache-2.0
//
// Users and API keys, by the rules of `telemetry user` and `telemetry key`, and one more: an
// administrator is left.
#include <fmt/format.h>

#include <algorithm>

#include "body.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

constexpr std::int64_t account_second_ns = 1'000'000'000;

Problem nobody_signs_in() {
  return problem_of(
      {Errc::not_found, "nobody signs in here: security.authentication.enabled is false"});
}

std::string details_of(std::string_view name) {
  std::string out = "{\"name\":";
  append_json_string(name, out);
  return out + "}";
}

/// What the file says now.
Result<std::shared_ptr<const Accounts>> accounts_of(const Call& call) {
  auto accounts = call.here.options.authenticator->accounts().current();
  if (!accounts && accounts.error().code == Errc::not_found)
    return std::make_shared<const Accounts>();
  return accounts;
}

void note_change(const Call& call, std::string_view what, std::string_view name,
                 const Result<void>& outcome) {
  if (!call.here.options.audit) return;
  const std::string details = details_of(name);
  call.here.options.audit(
      {.who = call.principal.name, .address = call.request.peer, .what = what, .details = details},
      outcome);
}

/// Changes the file, and notes that.
Result<void> change(const Call& call, std::string_view what, std::string_view name,
                    const std::function<Result<void>(Accounts&)>& apply) {
  const auto done =
      call.here.options.authenticator->accounts().change([&](Accounts& accounts) -> Result<void> {
        const bool had_admin = accounts.has_admin();
        if (auto applied = apply(accounts); !applied) return applied;
        if (!had_admin || accounts.has_admin()) return {};
        return Error{
            Errc::already_exists,
            fmt::format("{} is the last administrator without a scope: make another first", name)};
      });
  note_change(call, what, name, done);
  return done;
}

Error no_user(std::string_view name) {
  return {Errc::not_found, fmt::format("no user '{}'; /api/users lists them", printable(name))};
}

/// What users and keys have in common, behind the name.
template <class Account>
void append_rights(const Account& account, std::string& out) {
  out += fmt::format(",\"role\":\"{}\",\"scope\":", to_string(account.role));
  if (account.scope) {
    out += '[';
    for (const std::string& filter : *account.scope) {
      if (out.back() != '[') out += ',';
      append_json_string(filter, out);
    }
    out += ']';
  } else {
    out += "null";
  }
  out += ",\"created\":";
  append_json_time(account.created_ns, out);
}

std::string user_json(const User& user) {
  std::string out = "{\"name\":";
  append_json_string(user.name, out);
  append_rights(user, out);
  return out + "}";
}

/// Without the brace that ends it.
std::string begun_key_json(const ApiKey& key) {
  std::string out = fmt::format("{{\"id\":\"{}\",\"name\":", key.id);
  append_json_string(key.name, out);
  append_rights(key, out);
  out += ",\"expires\":";
  if (key.expires_ns)
    append_json_time(*key.expires_ns, out);
  else
    out += "null";
  return out;
}

void check_name(Body& body, const std::optional<std::string>& name) {
  if (!name) return;
  if (const std::string problem = account_name_problem(*name); !problem.empty())
    body.refuse("name", "must be " + problem);
}

void check_password(Body& body, const std::optional<std::string>& password) {
  if (!password) return;
  if (const std::string problem = password_problem(*password); !problem.empty())
    body.refuse("password", problem);
}

/// What hashing says when too many do is that one has to wait.
Problem busy(const Error& error) {
  Problem problem = problem_of(error);
  if (error.retry_after_s > 0) problem.retry_after_s = error.retry_after_s;
  return problem;
}

}  // namespace

Answer get_users(Call& call) {
  if (call.here.options.authenticator == nullptr) return nobody_signs_in();
  const auto accounts = accounts_of(call);
  if (!accounts) return problem_of(accounts.error());
  std::string out = "{\"data\":[";
  for (const User& user : (*accounts)->users) {
    if (out.back() != '[') out += ",\n";
    out += user_json(user);
  }
  return json_answer(out + "]}\n");
}

Answer add_user(Call& call) {
  if (call.here.options.authenticator == nullptr) return nobody_signs_in();
  auto body = Body::read(call.request, {"name", "password", "role", "scope"});
  if (!body) return body.error();
  const auto name = body->text("name");
  const auto password = body->text("password");
  const auto role = body->role();
  const auto scope = body->scope();
  body->require({"name", "password"});
  check_name(*body, name);
  check_password(*body, password);
  if (auto wrong = body->wrong()) return *std::move(wrong);
  const Error exists{
      Errc::already_exists,
      fmt::format("there is a user '{}': change it with PATCH /api/users/{}", *name, *name)};
  const auto accounts = accounts_of(call);
  if (!accounts) return problem_of(accounts.error());
  if ((*accounts)->user(*name) != nullptr) {
    note_change(call, "user_add", *name, exists);
    return problem_of(exists, "name");
  }
  auto hash = call.here.options.authenticator->hash(*password);
  if (!hash) return busy(hash.error());
  User user;
  user.name = *name;
  user.hash = *std::move(hash);
  user.role = role.value_or(Role::viewer);
  user.scope = scope.value_or(std::nullopt);
  user.created_ns = call.here.environment.clock.now() / account_second_ns * account_second_ns;
  const auto done = change(call, "user_add", *name, [&](Accounts& all) -> Result<void> {
    if (all.user(*name) != nullptr) return exists;
    all.users.push_back(user);
    return {};
  });
  if (!done) return problem_of(done.error(), "name");
  return json_answer(user_json(user) + "\n");
}

Answer change_user(Call& call) {
  if (call.here.options.authenticator == nullptr) return nobody_signs_in();
  auto body = Body::read(call.request, {"password", "role", "scope"});
  if (!body) return body.error();
  const std::string name(call.value("name"));
  const auto password = body->text("password");
  const auto role = body->role();
  const auto scope = body->scope();
  check_password(*body, password);
  if (!password && !role && !scope && !body->wrong())
    body->refuse("role", "nothing to change: give password, role or scope");
  if (auto wrong = body->wrong()) return *std::move(wrong);
  const auto accounts = accounts_of(call);
  if (!accounts) return problem_of(accounts.error());
  const std::string_view what = role || scope ? "user_role" : "user_password";
  if ((*accounts)->user(name) == nullptr) {
    note_change(call, what, name, no_user(name));
    return problem_of(no_user(name), "name");
  }
  std::string hash;
  if (password) {
    auto hashed = call.here.options.authenticator->hash(*password);
    if (!hashed) return busy(hashed.error());
    hash = *std::move(hashed);
  }
  std::string changed;
  const auto apply = [&](Accounts& all) -> Result<void> {
    User* const user = all.user(name);
    if (user == nullptr) return no_user(name);
    if (password) user->hash = hash;
    if (role) user->role = *role;
    if (scope) user->scope = *scope;
    changed = user_json(*user);
    return {};
  };
  const auto done = change(call, what, name, apply);
  if (!done) return problem_of(done.error(), role ? "role" : "name");
  return json_answer(changed + "\n");
}

Answer remove_user(Call& call) {
  if (call.here.options.authenticator == nullptr) return nobody_signs_in();
  const std::string name(call.value("name"));
  const auto done = change(call, "user_remove", name, [&](Accounts& all) -> Result<void> {
    if (std::erase_if(all.users, [&](const User& user) { return user.name == name; }) == 0)
      return no_user(name);
    return {};
  });
  if (!done) return problem_of(done.error(), "name");
  Response response;
  response.status = 204;
  return response;
}

Answer get_keys(Call& call) {
  if (call.here.options.authenticator == nullptr) return nobody_signs_in();
  const auto accounts = accounts_of(call);
  if (!accounts) return problem_of(accounts.error());
  std::string out = "{\"data\":[";
  for (const ApiKey& key : (*accounts)->keys) {
    if (out.back() != '[') out += ",\n";
    out += begun_key_json(key) + "}";
  }
  return json_answer(out + "]}\n");
}

Answer add_key(Call& call) {
  if (call.here.options.authenticator == nullptr) return nobody_signs_in();
  auto body = Body::read(call.request, {"name", "role", "scope", "expires"});
  if (!body) return body.error();
  const auto name = body->text("name");
  const auto role = body->role();
  const auto scope = body->scope();
  NewApiKey made = make_api_key(call.here.environment);
  const schemas::JsonValue* const expires = body->find("expires");
  if (expires != nullptr && expires->kind != schemas::JsonValue::Kind::null) {
    if (const auto text = body->text("expires")) {
      const auto time = parse_expiry(*text, made.key.created_ns);
      if (time)
        made.key.expires_ns = *time;
      else
        body->refuse("expires", time.error().context);
    }
  }
  body->require({"name"});
  check_name(*body, name);
  if (auto wrong = body->wrong()) return *std::move(wrong);
  made.key.name = *name;
  made.key.role = role.value_or(Role::viewer);
  made.key.scope = scope.value_or(std::nullopt);
  const auto done = change(call, "key_add", *name, [&](Accounts& all) -> Result<void> {
    if (std::ranges::find(all.keys, *name, &ApiKey::name) != all.keys.end()) {
      return Error{Errc::already_exists,
                   fmt::format("there is a key '{}': remove it, or choose another name", *name)};
    }
    all.keys.push_back(made.key);
    return {};
  });
  if (!done) return problem_of(done.error(), "name");
  return json_answer(begun_key_json(made.key) + fmt::format(",\"key\":\"{}\"}}\n", made.text));
}

Answer remove_key(Call& call) {
  if (call.here.options.authenticator == nullptr) return nobody_signs_in();
  const std::string name(call.value("name"));
  const auto done = change(call, "key_remove", name, [&](Accounts& all) -> Result<void> {
    if (std::erase_if(all.keys, [&](const ApiKey& key) { return key.name == name; }) != 0)
      return {};
    return Error{Errc::not_found,
                 fmt::format("no key '{}'; /api/keys lists them", printable(name))};
  });
  if (!done) return problem_of(done.error(), "name");
  Response response;
  response.status = 204;
  return response;
}

}  // namespace telemetry::web
