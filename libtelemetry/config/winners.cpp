// SPDX-License-Identifier: Apache-2.0
//
// The second half of the loader: settings that stand for others, the strongest of several, and what
// is without effect or not built.
#include <sys/stat.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "config/loader.hpp"
#include "config/value.hpp"

namespace telemetry::config {
namespace {

constexpr std::size_t secret_bytes_max = 64 * 1024;

Written scalar(std::string text) {
  Written written;
  written.kind = Written::Kind::scalar;
  written.text = std::move(text);
  return written;
}

bool contains(const std::vector<std::string>& values, std::string_view text) {
  return std::find(values.begin(), values.end(), text) != values.end();
}

bool is_one_of(std::string_view choices, std::string_view text) {
  const auto parts = split(choices, '|');
  return std::find(parts.begin(), parts.end(), text) != parts.end();
}

bool comes_before(const Origin& a, const Origin& b) {
  return a.line != b.line ? a.line < b.line : a.column < b.column;
}

std::string place(const Origin& origin) {
  return origin.line > 0 ? fmt::format("{}:{}", origin.file, origin.line) : origin.file;
}

}  // namespace

void Loader::read_secret_files() {
  const std::size_t given = candidates_.size();
  for (std::size_t i = 0; i < given; ++i) {
    const std::string_view file_key = candidates_[i].option->key;
    if (!state_->secret_files.has(*candidates_[i].option) || candidates_[i].values.empty())
      continue;
    Candidate secret = candidates_[i];
    const std::string path = secret.values.front();
    const std::string_view table_key = file_key.substr(0, file_key.size() - 5);
    secret.key.resize(secret.key.size() - 5);
    secret.option = state_->by_key.find(table_key)->second;
    secret.from_file = path;
    std::ifstream in(path, std::ios::binary);
    std::string text(secret_bytes_max + 1, '\0');
    const int number = in ? 0 : errno;
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    std::string wrong;
    if (number != 0) {
      wrong = errno_text(number);
    } else if (text.empty()) {
      wrong = "it is empty or not a file";
    } else if (text.size() > secret_bytes_max) {
      wrong = "it is larger than 64 KiB";
    }
    if (!wrong.empty()) {
      secret.good = false;
      secret.unresolved.push_back({secret.origin.file, secret.origin.line, secret.origin.column,
                                   fmt::format("{}: cannot use {}: {}", file_key, path, wrong),
                                   "name a file that holds the secret and nothing else"});
    } else {
      secret.values = {std::move(text)};
      warn_if_open(candidates_[i], path);
    }
    candidates_.push_back(std::move(secret));
  }
}

void Loader::split_urls() {
  for (const OptionTable& table : tables_) {
    if (!table.url.option.empty()) split_urls_of(table);
  }
}

void Loader::split_urls_of(const OptionTable& table) {
  const std::string option_key = fmt::format("{}.{}", table.prefix, table.url.option);
  std::map<std::string, std::size_t> strongest;
  std::map<std::string, std::vector<UrlForm::Setting>> settings;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    Candidate& candidate = candidates_[i];
    if (candidate.option->key != option_key || candidate.values.empty()) continue;
    const auto url = parse_url(candidate.values.front());
    auto said = url ? table.url.split(*url) : std::nullopt;
    if (!said) {
      complain(candidate.origin, fmt::format("{} {}", candidate.key, table.url.refusal),
               std::string(table.url.remedy));
      candidate.good = false;
      continue;
    }
    const auto best = strongest.find(candidate.key);
    if (best != strongest.end() && candidates_[best->second].strength > candidate.strength)
      continue;
    candidate.values = {url->host};
    strongest[candidate.key] = i;
    settings[candidate.key] = *std::move(said);
  }
  for (const auto& [key, index] : strongest) {
    const std::string section = key.substr(0, key.size() - table.url.option.size() - 1);
    const Strength strength = candidates_[index].strength;
    for (const UrlForm::Setting& setting : settings[key]) {
      const auto option = state_->by_key.find(fmt::format("{}.{}", table.prefix, setting.key));
      if (option == state_->by_key.end()) continue;
      add(fmt::format("{}.{}", section, setting.key), *option->second, scalar(setting.value),
          setting.implied ? Strength::implied : strength, candidates_[index].origin);
      candidates_.back().good = true;
      candidates_.back().values = {setting.value};
    }
  }
}

void Loader::split_database_url(const std::string& text, const Origin& origin) {
  if (!state_->by_key.contains("storage.postgresql.host")) return;
  const auto url = parse_url(text);
  if (!url || (url->scheme != "postgresql" && url->scheme != "postgres")) {
    complain(origin, "DATABASE_URL is not the URL of a PostgreSQL database",
             "write postgresql://user:password@host:5432/database, or unset it");
    return;
  }
  const auto give = [&](std::string_view key, const std::string& value, Strength strength) {
    if (!value.empty()) read_text(std::string(key), value, strength, origin);
  };
  give("storage.postgresql.host", url->host, Strength::short_name);
  if (url->port) {
    give("storage.postgresql.port", fmt::format("{}", *url->port), Strength::short_name);
  }
  give("storage.postgresql.database", url->path, Strength::short_name);
  give("storage.postgresql.user", url->user.value_or(""), Strength::short_name);
  give("storage.postgresql.password", url->password.value_or(""), Strength::short_name);
  give("storage.backend", "postgresql", Strength::implied);
}

void Loader::choose_winners() {
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    Candidate& candidate = candidates_[i];
    const bool nothing = candidate.good && candidate.values.empty() &&
                         candidate.written.kind == Written::Kind::scalar;
    if (nothing) continue;
    const auto [found, fresh] = winners_.emplace(candidate.key, i);
    if (fresh) continue;
    const Candidate& other = candidates_[found->second];
    if (other.strength == candidate.strength && other.good && candidate.good &&
        !same_value(*candidate.option, other.values, candidate.values)) {
      complain(candidate.origin,
               fmt::format("{} is given twice with different values, also by {}", candidate.key,
                           place(other.origin)),
               "keep one of them");
    }
    if (candidate.strength >= other.strength) found->second = i;
  }
  for (const auto& [key, index] : winners_) {
    Candidate& winner = candidates_[index];
    if (!winner.good || state_->secret_files.has(*winner.option))
      continue;  // the secret stands for its file
    state_->settings[key] = {winner.values, winner.origin, winner.strength != Strength::implied,
                             winner.from_file, false};
  }
}

const std::vector<std::string>& Loader::value_of(std::string_view key) const {
  static const std::vector<std::string> none;
  if (const auto given = state_->settings.find(key); given != state_->settings.end()) {
    return given->second.values;
  }
  const auto fallback = state_->defaults.find(without_index(key));
  return fallback == state_->defaults.end() ? none : fallback->second;
}

bool Loader::is_off(std::string_view section) const {
  const std::string key = fmt::format("{}.enabled", section);
  return state_->by_key.contains(without_index(key)) && contains(value_of(key), "false");
}

std::string Loader::inert_reason(const std::string& key, const Option& option,
                                 std::string& section) const {
  if (!option.app.empty() && !sources_.app.empty() && option.app != sources_.app) {
    std::size_t end = key.find('.');
    const std::string_view top = std::string_view(key).substr(0, end + 1);
    const bool whole = std::all_of(
        state_->options.begin(), state_->options.end(),
        [&](const Option* o) { return !o->key.starts_with(top) || o->app == option.app; });
    if (!whole) end = key.find('.', end + 1);
    section = key.substr(0, end);
    return fmt::format("it belongs to telemetry-{}", option.app);
  }
  for (std::size_t dot = key.find('.'); dot != std::string::npos; dot = key.find('.', dot + 1)) {
    section = key.substr(0, dot);
    if (key.substr(dot) != ".enabled" && is_off(section)) {
      return fmt::format("{}.enabled is false", section);
    }
  }
  constexpr std::string_view storage = "storage.";
  const auto backend = state_->by_key.find("storage.backend");
  if (key.starts_with(storage) && backend != state_->by_key.end()) {
    section = key.substr(0, key.find('.', storage.size()));
    const std::string name = without_index(section.substr(storage.size()));
    const auto& chosen = value_of("storage.backend");
    const bool used =
        contains(chosen, name) || (name == "postgresql" && contains(chosen, "timescaledb"));
    if (is_one_of(backend->second->choices, name) && !used) {
      return "storage.backend does not name it";
    }
  }
  // A number for something that is not there switches nothing on.
  if (!option.built && option.type != OptionType::boolean) {
    section = key.substr(0, key.rfind('.'));
    return "it is not built yet";
  }
  section.clear();
  return {};
}

void Loader::find_inert() {
  struct Group {
    std::string reason;
    Origin origin;
  };
  std::map<std::string, Group> groups;
  for (const auto& [key, index] : winners_) {
    Candidate& winner = candidates_[index];
    std::string section;
    const std::string reason = inert_reason(key, *winner.option, section);
    if (reason.empty()) {
      for (Diagnostic& missing : winner.unresolved) diagnostics_.push_back(std::move(missing));
      continue;
    }
    winner.inert = true;
    if (const auto setting = state_->settings.find(key); setting != state_->settings.end()) {
      setting->second.inert = true;
    }
    const bool in_file = winner.strength == Strength::file;
    const auto [group, fresh] = groups.emplace(section, Group{reason, winner.origin});
    if (!fresh && in_file &&
        (group->second.origin.line == 0 || comes_before(winner.origin, group->second.origin))) {
      group->second.origin = winner.origin;
    }
  }
  std::vector<std::pair<std::string, Group>> in_order(groups.begin(), groups.end());
  std::stable_sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) {
    return comes_before(a.second.origin, b.second.origin);
  });
  for (const auto& [section, group] : in_order) {
    if (group.origin.line == 0) continue;  // a variable that other programs may use too
    state_->inert.push_back(fmt::format("{}: {} is checked and has no effect here: {}",
                                        place(group.origin), section, group.reason));
  }
  // Stores without a table of options: refused where storage.backend names them.
  for (const auto& [section, origin] : unknown_stores_) {
    state_->inert.push_back(
        fmt::format("{}: {} has no effect here: it is not built yet", place(origin), section));
  }
}

void Loader::refuse_unbuilt() {
  for (const auto& [key, index] : winners_) {
    const Candidate& winner = candidates_[index];
    const Option& option = *winner.option;
    if (!winner.good || winner.inert) continue;
    const auto refuse = [&](const Origin& at, std::string_view value) {
      complain(at, fmt::format("{}: {} is not built yet in this version", key, value),
               std::string(option.remedy));
    };
    if (!option.built && !winner.values.empty() &&
        !same_value(option, winner.values, fallback_values(option))) {
      refuse(winner.origin, winner.values.front());
    }
    for (std::size_t i = 0; i < winner.values.size(); ++i) {
      if (!is_one_of(option.unbuilt, winner.values[i])) continue;
      Origin at = winner.origin;
      const auto& items = winner.written.items;
      if (winner.strength == Strength::file && items.size() == winner.values.size()) {
        at.line = items[i].line;
        at.column = items[i].column;
      }
      refuse(at, winner.values[i]);
    }
  }
}

void Loader::look_at_private_files() {
  for (const auto& [key, index] : winners_) {
    const Candidate& winner = candidates_[index];
    if (winner.option->private_file && winner.good && !winner.inert && !winner.values.empty())
      warn_if_open(winner, winner.values.front());
  }
}

void Loader::warn_if_open(const Candidate& names, const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return;
  complain(names.origin,
           fmt::format("{}: every user of this machine can read {}, mode {:04o}", names.key, path,
                       status.st_mode & 07777U),
           fmt::format("chmod o-r '{}', and think of what is in it as known", path),
           Diagnostic::Severity::warning);
}

}  // namespace telemetry::config
