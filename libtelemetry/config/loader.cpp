// SPDX-License-Identifier: Apache-2.0
#include "config/loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "config/rules.hpp"
#include "config/text_tree.hpp"
#include "config/value.hpp"

namespace telemetry::config {
namespace {

constexpr std::streamoff file_bytes_max = Tree::bytes_max;

std::string joined(const std::string& prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : fmt::format("{}.{}", prefix, name);
}

std::string_view last_part(std::string_view key) { return key.substr(key.rfind('.') + 1); }

std::string_view parent_of(std::string_view key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

std::string flag_of(std::string_view key) {
  if (key == "mqtt.broker") return "--broker";
  if (key == "mqtt.port") return "--port";
  if (key == "storage.backend") return "--storage";
  if (key == "schema.path") return "--schema";
  if (key == "logging.level") return "--debug";
  return fmt::format("--set {}", key);
}

struct OtherName {
  std::string_view key;
  std::string_view here;
};
/// What other programs, also in MQTT, call the same.
constexpr OtherName other_names[] = {
    {"mqtt.host", "mqtt.broker"},
    {"mqtt.hostname", "mqtt.broker"},
    {"mqtt.server", "mqtt.broker"},
    {"mqtt.url", "mqtt.broker"},
    {"mqtt.user", "mqtt.username"},
    {"mqtt.keep_alive", "mqtt.keepalive"},
    {"mqtt.clean_session", "mqtt.persistent_session with the opposite value"},
    {"mqtt.clean_start", "mqtt.persistent_session with the opposite value"},
    {"mqtt.subscriptions", "mqtt.topics"},
    {"mqtt.qos", "mqtt.topics: [{topic: ..., qos: 1}]"},
    {"mqtt.ssl", "mqtt.tls: {enabled: true}"},
    {"mqtt.use_tls", "mqtt.tls: {enabled: true}"},
    {"mqtt.ca_cert", "mqtt.tls.ca_file"},
    {"mqtt.ca_certs", "mqtt.tls.ca_file"},
    {"mqtt.cafile", "mqtt.tls.ca_file"},
    {"storage.type", "storage.backend"},
    {"storage.path", "storage.sqlite.path"},
    {"database", "storage"},
    {"schemas", "schema"},
    {"log", "logging"},
    {"log_level", "logging.level"}};

std::string_view known_as(std::string_view key) {
  const auto* found = std::find_if(std::begin(other_names), std::end(other_names),
                                   [&](const OtherName& one) { return one.key == key; });
  return found == std::end(other_names) ? std::string_view{} : found->here;
}

bool is_list(OptionType type) {
  return type == OptionType::text_list || type == OptionType::topic_list ||
         type == OptionType::key_list;
}

}  // namespace

Loader::Loader(const Config::Sources& sources, std::span<const OptionTable> tables,
               std::vector<Diagnostic>& diagnostics)
    : sources_(sources), tables_(tables), diagnostics_(diagnostics) {
  lookup_ = sources.environment ? Lookup(sources.environment) : Lookup(process_variable);
  file_ = sources.file;
  if (file_.empty()) file_ = lookup_("CONFIG_PATH").value_or("");
  index_tables();
}

Result<Config> Loader::run() {
  const std::size_t first = diagnostics_.size();
  if (!file_.empty()) {
    Result<std::string> text = read_file(file_);
    if (!text) return text.error();
    if (const auto document = read_document(*text, file_, diagnostics_)) {
      if (document->kind == Written::Kind::map) {
        walk(*document, "", "");
      } else {
        complain({file_, document->line, document->column}, "the file must be a map of sections",
                 "write for example: mqtt: {broker: localhost}");
      }
    }
  }
  read_short_names();
  read_environment();
  read_command_line();
  for (std::size_t i = 0; i < candidates_.size(); ++i) check(candidates_[i]);
  read_secret_files();
  split_urls();
  choose_winners();
  find_inert();
  refuse_unbuilt();
  look_at_private_files();
  derive_defaults(*state_);
  Config config(state_);
  const auto mistakes = [&] {
    return std::count_if(
        diagnostics_.begin() + static_cast<std::ptrdiff_t>(first), diagnostics_.end(),
        [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; });
  };
  if (mistakes() == 0) check_rules(config, *state_, diagnostics_);
  sort_diagnostics(first);
  if (mistakes() > 0) {
    Error error = mistakes_error(
        {diagnostics_.begin() + static_cast<std::ptrdiff_t>(first), diagnostics_.end()});
    error.diagnostics.clear();
    return error;
  }
  return config;
}

void Loader::index_tables() {
  std::vector<std::string_view> tops;
  for (const OptionTable& table : tables_) {
    for (const Option& relative : table.options) {
      const Option& option = state_->whole.add(table, relative);
      state_->options.push_back(&option);
      state_->by_key.emplace(option.key, &option);
      state_->defaults.emplace(option.key, fallback_values(option));
      for (std::string_view up = parent_of(option.key); !up.empty(); up = parent_of(up)) {
        sections_.emplace(up);
      }
      const std::string_view top = option.key.substr(0, option.key.find('.'));
      if (std::find(tops.begin(), tops.end(), top) == tops.end()) tops.push_back(top);
      if (option.type != OptionType::secret) continue;
      Option named = option;
      named.type = OptionType::text;
      const Option& file = state_->secret_files.add(named, fmt::format("{}_file", option.key));
      state_->by_key.emplace(file.key, &file);
    }
  }
  // Tables of different rooms share sections ("storage"): keep each section together.
  std::stable_sort(
      state_->options.begin(), state_->options.end(), [&](const Option* a, const Option* b) {
        const auto rank = [&](const Option* o) {
          return std::find(tops.begin(), tops.end(), o->key.substr(0, o->key.find('.')));
        };
        return rank(a) < rank(b);
      });
}

Result<std::string> Loader::read_file(const std::string& path) const {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const int number = errno;
    const Errc code = number == EACCES ? Errc::permission_denied : Errc::not_found;
    return Error{code, fmt::format("cannot read the configuration {}: {}; name it with --config or "
                                   "CONFIG_PATH",
                                   path, errno_text(number))};
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{Errc::invalid_argument, fmt::format("{} is a folder, not a configuration", path)};
  }
  std::ostringstream out;
  if (in.peek() != std::ifstream::traits_type::eof()) out << in.rdbuf();
  if (out.tellp() > file_bytes_max) {
    return Error{Errc::invalid_argument,
                 fmt::format("{} is larger than 1 MiB: is this a configuration?", path)};
  }
  return std::move(out).str();
}

void Loader::walk(const Written& map, const std::string& table_prefix,
                  const std::string& key_prefix) {
  for (const auto& [name, value] : map.members) {
    walk_member(name, value, joined(table_prefix, name.text), joined(key_prefix, name.text));
  }
}

void Loader::walk_member(const Written& name, const Written& value, const std::string& table_key,
                         const std::string& key) {
  const Origin origin{file_, value.line, value.column};
  if (table_key == "storage.retention") return walk_member(name, value, "retention", "retention");
  const bool nested = name.text.find_first_of(".[]") == std::string::npos;
  const auto option = state_->by_key.find(table_key);
  if (nested && option != state_->by_key.end()) {
    add(key, *option->second, value, Strength::file, origin);
  } else if (is_later_store(table_key)) {
    unknown_stores_.emplace_back(table_key, Origin{file_, name.line, name.column});
  } else if (!nested || !sections_.contains(table_key)) {
    complain_unknown({file_, name.line, name.column}, table_key, key);
  } else if (value.kind == Written::Kind::map) {
    walk(value, table_key, key);
  } else if (const OptionTable* table = list_table(table_key);
             value.kind == Written::Kind::list && table != nullptr) {
    walk_list_section(value, *table);
  } else if (value.kind != Written::Kind::null) {
    complain(origin, fmt::format("{} is a section and must hold keys", key),
             fmt::format("write its keys below it, indented; see the reference for {}", key));
  }
}

// The section of a store that is known by name only.
bool Loader::is_later_store(std::string_view table_key) const {
  const auto backend = state_->by_key.find("storage.backend");
  if (parent_of(table_key) != "storage" || backend == state_->by_key.end()) return false;
  const auto later = split(backend->second->unbuilt, '|');
  return !sections_.contains(table_key) &&
         std::find(later.begin(), later.end(), last_part(table_key)) != later.end();
}

const OptionTable* Loader::list_table(std::string_view section) const {
  const auto found = std::ranges::find_if(tables_, [&](const OptionTable& table) {
    return table.prefix == section && !table.entry.empty();
  });
  return found == tables_.end() ? nullptr : &*found;
}

void Loader::walk_list_section(const Written& list, const OptionTable& table) {
  const std::string section(table.prefix);
  if (list.items.empty()) {
    complain({file_, list.line, list.column}, fmt::format("{} is an empty list", section),
             "name at least one");
  }
  state_->counts[section] = list.items.size();
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Written& item = list.items[i];
    const std::string key = i == 0 ? section : fmt::format("{}[{}]", section, i);
    if (item.kind == Written::Kind::map) {
      walk(item, section, key);
    } else {
      complain({file_, item.line, item.column}, fmt::format("{} must hold keys", key),
               fmt::format("write {}: [{}]", last_part(section), table.entry));
    }
  }
}

void Loader::complain_unknown(const Origin& origin, const std::string& table_key,
                              std::string_view shown) {
  std::vector<std::string_view> siblings;
  std::vector<std::string_view> all;
  const std::string_view parent = parent_of(table_key);
  const std::string_view name = last_part(table_key);
  std::string_view elsewhere;
  for (const auto& [key, option] : state_->by_key) {
    all.push_back(key);
    if (parent_of(key) == parent) siblings.push_back(last_part(key));
    if (last_part(key) == name && elsewhere.empty()) elsewhere = key;
  }
  for (const std::string& section : sections_) {
    if (parent_of(section) == parent) siblings.push_back(last_part(section));
  }
  std::string hint;
  if (const std::string_view known = known_as(table_key); !known.empty()) {
    hint = fmt::format("write {} instead", known);
  } else if (state_->by_key.contains(table_key)) {
    hint = fmt::format("write it nested: {}: {{{}: ...}}", parent, name);
  } else if (const auto near = nearest(name, siblings); !near.empty()) {
    hint = fmt::format("did you mean {}?", joined(std::string(parent), near));
  } else if (!elsewhere.empty()) {
    hint = fmt::format("did you mean {}?", elsewhere);
  } else if (const auto key = nearest(table_key, all); !key.empty()) {
    hint = fmt::format("did you mean {}?", key);
  } else {
    hint = "`telemetry config reference` lists all keys";
  }
  // A URL in a key's place may hold a password.
  const bool secret = shown.find("://") != std::string_view::npos || shown.find('@') != shown.npos;
  complain(origin, fmt::format("unknown key {}", secret ? "***" : shown), std::move(hint));
}

void Loader::read_short_names() {
  for (const ShortName& name : short_names()) {
    const auto value = lookup_(std::string(name.variable));
    if (!value || value->empty()) continue;
    const Origin origin{fmt::format("environment {}", name.variable), 0, 0};
    if (name.variable == "DATABASE_URL") {
      split_database_url(*value, origin);
    } else if (state_->by_key.contains(name.key)) {
      read_text(std::string(name.key), *value, Strength::short_name, origin);
    }
  }
}

void Loader::read_environment() {
  std::vector<std::string> names =
      sources_.environment_names ? sources_.environment_names() : process_variable_names();
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string key = key_of_variable(name);
    if (key.empty()) continue;
    const auto value = lookup_(name);
    if (!value || value->empty()) continue;
    read_text(key, *value, Strength::environment, {fmt::format("environment {}", name), 0, 0});
  }
}

void Loader::read_command_line() {
  for (const auto& [key, text] : sources_.overrides) {
    read_text(key, text, Strength::command_line,
              {fmt::format("command line {}", flag_of(key)), 0, 0});
  }
}

void Loader::read_text(const std::string& key, const std::string& text, Strength strength,
                       Origin origin) {
  const std::string table_key = without_index(key);
  const auto option = state_->by_key.find(table_key);
  if (option == state_->by_key.end()) {
    complain_unknown(origin, table_key, key);
    return;
  }
  if (const std::size_t open = key.find('['); open != std::string::npos) {
    const std::string section = key.substr(0, open);
    const std::size_t index = std::strtoul(key.c_str() + open + 1, nullptr, 10);
    const auto count = state_->counts.find(section);
    const std::size_t entries = count == state_->counts.end() ? 1 : count->second;
    const bool list = list_table(section) != nullptr;
    if (!list || index >= entries) {
      complain(origin, fmt::format("there is no {}[{}]", section, index),
               list ? fmt::format("the file has {} entries, from 0 on", entries)
                    : fmt::format("{} is not a list", section));
      return;
    }
  }
  const bool flow = text.starts_with('[') || text.starts_with('{');
  Written written;
  if (flow && (is_list(option->second->type) || option->second->type == OptionType::choice_map)) {
    std::vector<Diagnostic> mistakes;
    const auto document = read_document(text, origin.file, mistakes);
    if (!document || has_errors(mistakes)) {
      complain(origin, fmt::format("{} is not a list in YAML", key), "write [a, b] or a,b");
      return;
    }
    written = *document;
  } else {
    written.kind = Written::Kind::scalar;
    written.text = text;
  }
  add(canonical(key), *option->second, written, strength, std::move(origin));
}

void Loader::add(const std::string& key, const Option& option, const Written& written,
                 Strength strength, Origin origin) {
  if (written.kind == Written::Kind::null) return;
  Candidate candidate;
  candidate.key = key;
  candidate.option = &option;
  candidate.strength = strength;
  candidate.origin = std::move(origin);
  candidate.written = written;
  candidates_.push_back(std::move(candidate));
}

void Loader::check(Candidate& candidate) {
  std::vector<Problem> problems;
  auto values = check_value(
      *candidate.option, candidate.written,
      [&](Written& scalar) { return expand(candidate, scalar); }, problems);
  for (Problem& problem : problems) {
    Origin at = candidate.origin;
    if (candidate.strength == Strength::file) {
      at.line = problem.line;
      at.column = problem.column;
    }
    complain(at, fmt::format("{} {}", candidate.key, problem.message), std::move(problem.hint));
  }
  if (!values) return;
  candidate.good = true;
  candidate.values = std::move(*values);
}

bool Loader::expand(Candidate& candidate, Written& scalar) {
  if (candidate.strength != Strength::file) return true;
  Expanded expanded = expand_variables(scalar.text, lookup_);
  const Origin at{file_, scalar.line, scalar.column};
  if (expanded.malformed) {
    complain(at,
             fmt::format("{} holds a ${{ that is not closed or names no variable", candidate.key),
             "write ${NAME} or ${NAME:-default}; $${ stands for ${");
    return false;
  }
  if (candidate.option->empty_if_unset && (!expanded.missing.empty() || expanded.text.empty())) {
    scalar.kind = Written::Kind::null;
    return true;
  }
  for (const std::string& name : expanded.missing) {
    candidate.unresolved.push_back(
        {at.file, at.line, at.column,
         fmt::format("{} needs the environment variable {}, which is not set", candidate.key, name),
         fmt::format("set it, or write ${{{}:-default}}", name)});
  }
  if (!expanded.missing.empty()) return false;
  scalar.text = std::move(expanded.text);
  return true;
}

void Loader::complain(const Origin& origin, std::string message, std::string hint,
                      Diagnostic::Severity severity) {
  diagnostics_.push_back(
      {origin.file, origin.line, origin.column, std::move(message), std::move(hint), severity});
}

void Loader::sort_diagnostics(std::size_t from) {
  std::stable_sort(diagnostics_.begin() + static_cast<std::ptrdiff_t>(from), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
                   });
}

}  // namespace telemetry::config

namespace telemetry {

Result<Config> Config::load(const Sources& sources, std::span<const OptionTable> tables,
                            std::vector<Diagnostic>& diagnostics) {
  return config::Loader(sources, tables, diagnostics).run();
}

}  // namespace telemetry
