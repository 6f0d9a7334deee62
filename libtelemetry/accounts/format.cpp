// SPDX-License-Identifier: Apache-2.0
#include "accounts/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "accounts/password.hpp"
#include "config/text_tree.hpp"
#include "config/value.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/export.hpp"

namespace telemetry::accounts {
namespace {

using config::TreeNode;
using namespace std::string_view_literals;

constexpr std::array file_keys = {"version"sv, "users"sv, "keys"sv};
constexpr std::array user_keys = {"name"sv,    "role"sv,  "scope"sv,
                                  "created"sv, "epoch"sv, "password"sv};
constexpr std::array key_keys = {"id"sv,      "name"sv,    "role"sv,         "scope"sv,
                                 "created"sv, "expires"sv, "secret_sha256"sv};

void add_member(std::string_view name, std::string_view text, std::string& out) {
  out += fmt::format(R"(, "{}": )", name);
  append_json_string(text, out);
}

/// What users and keys have in common.
template <class Account>
void add_rights(const Account& account, std::string& out) {
  add_member("role", to_string(account.role), out);
  if (account.scope) {
    out += R"(, "scope": [)";
    for (std::size_t i = 0; i < account.scope->size(); ++i) {
      if (i != 0) out += ", ";
      append_json_string((*account.scope)[i], out);
    }
    out += ']';
  }
  add_member("created", time_text(account.created_ns), out);
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Result<Accounts> read(std::string_view text) {
    config::Tree tree;
    Accounts accounts;
    if (tree.read(text, file_, diagnostics_) && check(tree.root(), file_keys)) {
      const TreeNode* version = tree.root().find("version");
      if (version == nullptr || version->text != "1") {
        mistake(version == nullptr ? tree.root() : *version, "`version` must be 1",
                "a newer program wrote it, or it is no file of accounts");
      }
      read_list(tree.root(), "users", accounts.users, Accounts::users_max,
                [this](const TreeNode& node) { return user(node); });
      read_list(tree.root(), "keys", accounts.keys, Accounts::keys_max,
                [this](const TreeNode& node) { return key(node); });
    }
    if (has_errors(diagnostics_)) return mistakes_error(std::move(diagnostics_));
    return accounts;
  }

 private:
  void mistake(const TreeNode& node, std::string message, std::string hint = {}) {
    diagnostics_.push_back(
        {file_, node.at.line, node.at.column, std::move(message), std::move(hint)});
  }

  /// True when it is a map; other members than these are mistakes.
  bool check(const TreeNode& node, std::span<const std::string_view> keys) {
    if (node.kind != TreeNode::Kind::map) {
      mistake(node, "must be an object", fmt::format("its members: {}", fmt::join(keys, ", ")));
      return false;
    }
    for (const TreeNode::Member& member : node.members) {
      if (std::find(keys.begin(), keys.end(), member.name) != keys.end()) continue;
      const std::string_view near = nearest(member.name, keys);
      diagnostics_.push_back({file_, member.at.line, member.at.column,
                              "unknown member " + config::quoted(member.name),
                              near.empty() ? "" : fmt::format("did you mean \"{}\"?", near)});
    }
    return true;
  }

  template <class Account, class Read>
  void read_list(const TreeNode& root, std::string_view name, std::vector<Account>& out,
                 std::size_t count_max, const Read& read) {
    const TreeNode* list = root.find(name);
    if (list == nullptr) return;
    if (list->kind != TreeNode::Kind::sequence || list->items.size() > count_max) {
      return mistake(*list, fmt::format("`{}` must be a list of at most {}", name, count_max));
    }
    std::set<std::string> names;
    for (const TreeNode* item : list->items) {
      Account account = read(*item);
      if (!account.name.empty() && !names.insert(account.name).second) {
        mistake(*item, fmt::format("there are two named \"{}\" in `{}`", account.name, name),
                "remove one");
      }
      out.push_back(std::move(account));
    }
  }

  /// The text of a member. `problem` says what is wrong with it, or nothing.
  template <class Problem>
  std::string text(const TreeNode& node, std::string_view name, const Problem& problem) {
    const TreeNode* member = node.find(name);
    if (member == nullptr || member->kind != TreeNode::Kind::scalar) {
      mistake(member == nullptr ? node : *member, fmt::format("`{}` must be a text", name));
      return {};
    }
    if (const std::string instead = problem(member->text); !instead.empty()) {
      mistake(*member, fmt::format("`{}` is not valid", name), "write " + instead);
    }
    return member->text;
  }

  std::int64_t time(const TreeNode& node, std::string_view name) {
    std::int64_t ns = 0;
    (void)text(node, name, [&ns](std::string_view value) {
      return core::parse_time(value, 0, ns) ? "" : "a time: 2026-11-30T08:00:00Z";
    });
    return ns;
  }

  template <class Account>
  void read_rights(const TreeNode& node, Account& account) {
    account.name = text(node, "name", account_name_problem);
    (void)text(node, "role", [&account](std::string_view value) {
      const auto role = parse_role(value);
      account.role = role.value_or(Role::viewer);
      return role ? "" : "viewer, operator or admin";
    });
    account.created_ns = time(node, "created");
    const auto member = std::find_if(node.members.begin(), node.members.end(),
                                     [](const auto& one) { return one.name == "scope"; });
    if (member == node.members.end()) return;
    const TreeNode& scope = *member->value;
    if (scope.kind != TreeNode::Kind::sequence) {
      return mistake(scope, "`scope` must be a list of topic filters",
                     "leave it out for all topics");
    }
    account.scope.emplace();
    for (const TreeNode* item : scope.items) account.scope->push_back(item->text);
    if (std::string problem = scope_problem(*account.scope); !problem.empty()) {
      mistake(scope, "`scope`: " + problem);
    }
  }

  User user(const TreeNode& node) {
    User user;
    if (!check(node, user_keys)) return user;
    read_rights(node, user);
    user.hash = text(node, "password", password_hash_problem);
    (void)text(node, "epoch", [&user](std::string_view value) {
      std::int64_t epoch = 0;
      const bool good = config::parse_integer(value, epoch) && epoch > 0;
      user.epoch = static_cast<std::uint64_t>(epoch);
      return good ? "" : "a whole number above 0, another at each change";
    });
    return user;
  }

  ApiKey key(const TreeNode& node) {
    const auto is_hex = [](std::string_view value, std::size_t digits) {
      return value.size() == digits && std::all_of(value.begin(), value.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
             });
    };
    ApiKey key;
    if (!check(node, key_keys)) return key;
    read_rights(node, key);
    key.id = text(node, "id", [&](std::string_view value) {
      return is_hex(value, 12) ? "" : "12 hexadecimal digits, in small letters";
    });
    key.hash = text(node, "secret_sha256", [&](std::string_view value) {
      return is_hex(value, 64) ? "" : "64 hexadecimal digits, in small letters";
    });
    const auto has_expiry = [](const auto& member) { return member.name == "expires"; };
    if (std::any_of(node.members.begin(), node.members.end(), has_expiry)) {
      key.expires_ns = time(node, "expires");
    }
    if (!key.id.empty() && !ids_.insert(key.id).second) {
      mistake(node, fmt::format("there are two keys with id {}", key.id), "remove one");
    }
    return key;
  }

  std::string file_;
  std::vector<Diagnostic> diagnostics_;
  std::set<std::string> ids_;
};

}  // namespace

std::string render(const Accounts& accounts) {
  std::string out = "{\"version\": 1,\n \"users\": [";
  for (const User& user : accounts.users) {
    out += &user == accounts.users.data() ? "\n  {\"name\": " : ",\n  {\"name\": ";
    append_json_string(user.name, out);
    add_rights(user, out);
    out += fmt::format(R"(, "epoch": {})", user.epoch);
    add_member("password", user.hash, out);
    out += '}';
  }
  out += "],\n \"keys\": [";
  for (const ApiKey& key : accounts.keys) {
    out += &key == accounts.keys.data() ? "\n  {\"id\": " : ",\n  {\"id\": ";
    append_json_string(key.id, out);
    add_member("name", key.name, out);
    add_rights(key, out);
    if (key.expires_ns) add_member("expires", time_text(*key.expires_ns), out);
    add_member("secret_sha256", key.hash, out);
    out += '}';
  }
  return out + "]}\n";
}

Result<Accounts> parse(std::string_view text, const std::string& file) {
  return Reader(file).read(text);
}

}  // namespace telemetry::accounts
