// SPDX-License-Identifier: Apache-2.0
#include "process/backends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "telemetry/adapters/files.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/adapters/sqlite.hpp"
#include "telemetry/retention.hpp"

namespace telemetry {
namespace {

Result<std::unique_ptr<Store>> sqlite(const Config& config, const Environment& environment,
                                      bool read_only) {
  auto options = sqlite_options_from(config);
  if (!options) return std::move(options).error();
  options->read_only = read_only;
  options->connections_kept =
      static_cast<std::size_t>(config.integer("performance.connection_pool_size"));
  return make_sqlite_store(*options, environment);
}

constexpr Backend table[] = {
    {"sqlite", sqlite_options, "path",
     [](const Config& config, std::string_view,
        const Environment& environment) -> Result<std::unique_ptr<Sink>> {
       auto store = sqlite(config, environment, false);
       if (!store) return std::move(store).error();
       return std::unique_ptr<Sink>(*std::move(store));
     },
     [](const Config& config, const Environment& environment) {
       return sqlite(config, environment, true);
     }},
    {"filesystem", files_options, "base_path",
     [](const Config& config, std::string_view section,
        const Environment& environment) -> Result<std::unique_ptr<Sink>> {
       auto options = files_options_from(config, section);
       if (!options) return std::move(options).error();
       return make_files_sink(*options, environment);
     },
     nullptr},
};

}  // namespace

std::span<const Backend> backends() noexcept { return table; }

std::span<const OptionTable> option_tables() {
  static const std::vector<OptionTable> tables = [] {
    std::vector<OptionTable> all{mqtt_options(), base_options(), retention_options()};
    for (const Backend& backend : table) all.push_back(backend.options());
    return all;
  }();
  return tables;
}

std::vector<std::pair<std::string, std::string>> storage_settings(std::string_view text) {
  if (text.empty()) return {};
  const std::string_view name = text.substr(0, text.find(':'));
  std::vector<std::pair<std::string, std::string>> out{{"storage.backend", std::string(name)}};
  const auto* backend = std::ranges::find(table, name, &Backend::name);
  if (name.size() < text.size() && backend != std::end(table)) {
    out.emplace_back(fmt::format("{}.{}", backend->options().prefix, backend->place),
                     text.substr(name.size() + 1));
  }
  return out;
}

Result<std::vector<std::unique_ptr<Sink>>> make_sinks(const Config& config,
                                                      const Environment& environment) {
  const std::vector<std::string> chosen = config.text_list("storage.backend");
  std::map<std::string_view, std::vector<std::unique_ptr<Sink>>> made;                // by backend
  std::map<std::string, std::string> sections{{"dead_letters", "the dead letters"}};  // by name
  std::vector<Diagnostic> mistakes;
  if (chosen.empty()) {
    mistakes.push_back(config.mistake("storage.backend", "no store is named",
                                      "name at least one, for example sqlite"));
  }
  const auto plain = [](const std::string& path) {
    auto folder = std::filesystem::path(path).lexically_normal();
    return folder.has_filename() ? folder : folder.parent_path();
  };
  for (const Backend& backend : table) {
    std::map<std::filesystem::path, std::string> places{
        {plain(config.text("journal.path")), "journal.path"},
        {plain(config.text("dead_letters.path")), "dead_letters.path"}};
    for (const std::string& section : config.entries(backend.options().prefix)) {
      auto sink = backend.make(config, section, environment);
      if (!sink) {
        const auto& wrong = sink.error().diagnostics;
        mistakes.insert(mistakes.end(), wrong.begin(), wrong.end());
        if (wrong.empty()) mistakes.push_back({section, 0, 0, to_string(sink.error()), ""});
        continue;
      }
      const std::string place = fmt::format("{}.{}", section, backend.place);
      const auto folder = plain(config.text(place));
      if (const auto [other, fresh] = places.emplace(folder, section); !fresh) {
        mistakes.push_back(config.mistake(
            place, fmt::format("{} is that of {}, too", folder.string(), other->second),
            "give each target a place of its own"));
      }
      const auto [other, fresh] = sections.emplace((*sink)->name(), section);
      if (!fresh) {
        mistakes.push_back(
            config.mistake(section + ".name",
                           fmt::format("{} is the name of {}, too", other->first, other->second),
                           "give each target a name of its own, and let it keep that"));
      }
      made[backend.name].push_back(*std::move(sink));
    }
  }
  if (!mistakes.empty()) return mistakes_error(std::move(mistakes));
  std::vector<std::unique_ptr<Sink>> sinks;
  for (const std::string& name : chosen) {
    for (auto& sink : made[name]) sinks.push_back(std::move(sink));
  }
  return sinks;
}

Result<std::unique_ptr<Store>> make_reader(const Config& config, const Environment& environment) {
  for (const std::string& name : config.text_list("storage.backend")) {
    const auto backend = std::ranges::find(table, name, &Backend::name);
    if (backend != std::end(table) && backend->make_reader != nullptr) {
      return backend->make_reader(config, environment);
    }
  }
  std::string readable;
  for (const Backend& backend : table) {
    if (backend.make_reader == nullptr) continue;
    readable += fmt::format("{}{}", readable.empty() ? "" : " or ", backend.name);
  }
  return Error{Errc::failed_precondition,
               fmt::format("{}: none of these stores answers queries; add {}",
                           config.where("storage.backend"), readable)};
}

}  // namespace telemetry
