// SPDX-License-Identifier: Apache-2.0
#include "process/backends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "telemetry/adapters/files.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/adapters/sqlite.hpp"

namespace telemetry {
namespace {

Result<std::unique_ptr<Store>> sqlite(const Config& config, const Environment& environment,
                                      bool read_only) {
  auto options = sqlite_options_from(config);
  if (!options) return std::move(options).error();
  options->read_only = read_only;
  return make_sqlite_store(*options, environment);
}

constexpr Backend table[] = {
    {"sqlite", sqlite_options,
     [](const Config& config, const Environment& environment) -> Result<std::unique_ptr<Sink>> {
       auto store = sqlite(config, environment, false);
       if (!store) return std::move(store).error();
       return std::unique_ptr<Sink>(*std::move(store));
     },
     [](const Config& config, const Environment& environment) {
       return sqlite(config, environment, true);
     }},
    {"filesystem", files_options,
     [](const Config& config, const Environment& environment) -> Result<std::unique_ptr<Sink>> {
       auto options = files_options_from(config);
       if (!options) return std::move(options).error();
       return make_files_sink(*options, environment);
     },
     nullptr},
};

}  // namespace

std::span<const Backend> backends() noexcept { return table; }

std::span<const std::span<const Option>> option_tables() {
  static const std::vector<std::span<const Option>> tables = [] {
    std::vector<std::span<const Option>> all{mqtt_options(), base_options()};
    for (const Backend& backend : table) all.push_back(backend.options());
    return all;
  }();
  return tables;
}

Result<std::vector<std::unique_ptr<Sink>>> make_sinks(const Config& config,
                                                      const Environment& environment) {
  const std::vector<std::string> names = config.text_list("storage.backend");
  std::vector<std::unique_ptr<Sink>> sinks(names.size());
  for (const Backend& backend : table) {
    auto sink = backend.make(config, environment);
    if (!sink) return std::move(sink).error();
    const auto at = std::ranges::find(names, backend.name);
    if (at != names.end()) sinks[static_cast<std::size_t>(at - names.begin())] = *std::move(sink);
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
