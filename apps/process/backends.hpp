// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/store.hpp"

namespace telemetry {

/// A store or sink that `storage.backend` may name.
struct Backend {
  std::string_view name;              ///< "sqlite"
  OptionTable (*options)() noexcept;  ///< of "storage.sqlite"
  std::string_view place;             ///< the option that `--storage sqlite:PATH` sets: "path"
  /// As the configuration says; opens nothing. Errors: what of it is wrong.
  /// @param section  one of Config::entries() of "storage.sqlite"
  Result<std::unique_ptr<Sink>> (*make)(const Config& config, std::string_view section,
                                        const Environment& environment);
  /// For queries beside the program that writes it; null: it answers none.
  Result<std::unique_ptr<Store>> (*make_reader)(const Config& config,
                                                const Environment& environment);
};
/// All of them: the only list that knows them by name.
[[nodiscard]] std::span<const Backend> backends() noexcept;

/// The option tables of all programs, in the order of the reference page.
[[nodiscard]] std::span<const OptionTable> option_tables();
/// What `--storage NAME` or `--storage NAME:PLACE` says, as settings.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> storage_settings(
    std::string_view text);

/// Those that `storage.backend` names, in its order; of one whose section is a list, one for each
/// entry. Settings of the others are checked, too.
/// Errors: those of all of them, as diagnostics.
[[nodiscard]] Result<std::vector<std::unique_ptr<Sink>>> make_sinks(const Config& config,
                                                                    const Environment& environment);
/// The first that `storage.backend` names and that answers queries.
/// Errors: failed_precondition  none of them does.
[[nodiscard]] Result<std::unique_ptr<Store>> make_reader(const Config& config,
                                                         const Environment& environment);

}  // namespace telemetry
